"""What every command imports before anything else. From here on Ctrl-C ends it in words, also
while it imports the rest; and `import dhcpc` finds the firmware."""

import os
import sys
from types import TracebackType


def _tell(
    kind: type[BaseException], error: BaseException, traceback: "TracebackType | None"
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        command = os.path.basename(sys.argv[0]).partition(".")[0]
        print(f"{command}: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = _tell
sys.path.insert(0, os.path.abspath(f"{__file__}/../../../firmware"))
