"""What an import takes in a VM: its heap, and of `dhcpc` its time, too. And the modules of the
source, to be compared with the one file that a board gets in their place.
"""

from __future__ import annotations

import json
from pathlib import Path

from toolchain import package, vm
from toolchain.cli import Refusal

_BUILD = vm.ROOT / "build/modules"
_BATCH = 10  # imports that are timed together: the 32-bit VM's clock goes by the millisecond

# The 32-bit VM collects at the end of a step, so each reading of the heap is a step of its own.
# A module keeps its path: one about as short as a board's /lib, wherever the project is.
_HEAP = """
import gc, os, sys
os.chdir(%r)
sys.path[:] = [%r]
class Future:  # for `from __future__ import annotations`, which MicroPython does not know
    annotations = None
sys.modules["__future__"] = Future
before = after = 0
gc.collect()
#%%%%
before = gc.mem_alloc()
#%%%%
import %s
gc.collect()
#%%%%
after = gc.mem_alloc()
#%%%%
print(after - before)
"""

# The first import of each form is not counted: Node.js compiles parts of the 32-bit VM for it.
_TIME = """
import gc, json, sys, time
loaded = set()
spent = {}
def load(where, times):
    sys.path[:] = [where]
    start = time.ticks_us()
    for _ in range(times):
        for name in loaded:
            sys.modules.pop(name, None)
        import dhcpc
    spent.setdefault(where, []).append(time.ticks_diff(time.ticks_us(), start))
    loaded.update(name for name in sys.modules if name.split(".")[0] == "dhcpc")
"""


def modules() -> Path:
    """Compile what every board needs, each module a file; return the directory to import `dhcpc`
    from."""
    source = _BUILD / package.PACKAGE.name
    package.write(package.modules(), source)
    return vm.compile_package(source, _BUILD / "mpy")


def heap(machine: vm.VM, where: Path, module: str = "dhcpc") -> int:
    """The bytes of heap that an import from a directory keeps in a VM that has just started.

    Refusal: that VM is missing, or the import failed.
    """
    return int(_run(machine, _HEAP % (str(where.parent), where.name, module), where))


def times(machine: vm.VM, sides: tuple[Path, Path], rounds: int) -> list[list[float]]:
    """The ms of an import from each of two directories, in turn in one VM, by its own clock; a
    sample a round. The built-in modules are loaded already. Refusal: as of `heap`.
    """
    both = [(str(where), 1) for where in sides]
    both += [(str(where), _BATCH) for _ in range(rounds) for where in sides]
    steps = [_TIME, *(f"load{each}\ngc.collect()\n" for each in both)]
    steps.append("print(json.dumps(spent))\n")
    spent = json.loads(_run(machine, "#%%\n".join(steps), *sides))
    return [[us / _BATCH / 1000 for us in spent[str(where)][1:]] for where in sides]


def _run(machine: vm.VM, script: str, *path: Path) -> str:
    code, out = machine.run(script, path)
    if code != 0:
        raise Refusal(f"{machine.name}: the import failed\n{out}")
    return out
