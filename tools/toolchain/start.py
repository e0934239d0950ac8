"""What every command imports before anything else. From here on Ctrl-C ends it in words, also
while it imports the rest, and so does a package that is not there; and `import dhcpc` finds the
firmware."""

import os
import sys
from types import TracebackType

_TOOLS = os.path.abspath(f"{__file__}/../..")
_LACKS = 2  # exit code: this computer lacks something


def _tell(
    kind: type[BaseException], error: BaseException, traceback: "TracebackType | None"
) -> None:
    command = os.path.basename(sys.argv[0]).partition(".")[0]
    if issubclass(kind, KeyboardInterrupt):
        print(f"{command}: interrupted", file=sys.stderr)
    elif isinstance(error, ModuleNotFoundError) and error.name and _is_foreign(error.name):
        print(
            f"{command}: {error.name} is not there: run .venv/bin/python tools/{command}.py, "
            "after make setup",
            file=sys.stderr,
        )
        sys.stderr.flush()
        os._exit(_LACKS)
    else:
        sys.__excepthook__(kind, error, traceback)


def _is_foreign(module: str) -> bool:
    # Whether a module is none of this project's own.
    own = os.listdir(f"{_TOOLS}") + os.listdir(f"{_TOOLS}/../firmware")
    top = module.partition(".")[0]
    return top not in own and f"{top}.py" not in own


sys.excepthook = _tell
sys.path.insert(0, os.path.abspath(f"{_TOOLS}/../firmware"))
