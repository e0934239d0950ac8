"""What the firmware costs a board: bytes of .mpy, heap after import; and the budget."""

from __future__ import annotations

from typing import NamedTuple

from toolchain import vm
from toolchain.cli import Refusal

CORE = ("wire", "lease", "session")


class Limit(NamedTuple):
    """Bytes. `must` is held by the tests; `aim` is where we want to stand."""

    must: int
    aim: int


BUDGET = {
    "core": Limit(must=4314, aim=3600),
    "total": Limit(must=8192, aim=7168),
    "heap64": Limit(must=18432, aim=16384),
    "heap32": Limit(must=13312, aim=12288),
}
TITLES = {
    "core": " + ".join(CORE),
    "total": "every board",
    "heap64": "heap, 64-bit VM",
    "heap32": "heap, 32-bit VM",
}

# The 32-bit VM collects at the end of a step, so each reading of the heap is a step of its own.
# A module keeps its path: one about as short as a board's /lib, wherever the project is.
_HEAP = """
import gc, os, sys
os.chdir(%r)
sys.path[:] = [%r]
before = after = 0
gc.collect()
#%%%%
before = gc.mem_alloc()
#%%%%
for name in %r:
    __import__(name)
gc.collect()
#%%%%
after = gc.mem_alloc()
#%%%%
print(after - before)
"""


def modules() -> dict[str, int]:
    """The bytes of every module's .mpy."""
    package = vm.compile_package() / vm.PACKAGE.name
    return {mpy.stem: mpy.stat().st_size for mpy in sorted(package.glob("*.mpy"))}


def flash(sizes: dict[str, int]) -> dict[str, int]:
    """The sums of `modules()` that have a budget."""
    return {
        "core": sum(size for name, size in sizes.items() if name in CORE),
        "total": sum(size for name, size in sizes.items() if name not in vm.EXTRAS),
    }


def machine(bits: int) -> vm.VM:
    """The VM that heap is measured in: the 64-bit one, or the newest 32-bit one."""
    return vm.vms()["vm64"] if bits == 64 else list(vm.vms().values())[-1]


def heap(bits: int) -> int:
    """The bytes of heap that the import of all that every board gets takes, by a VM's bits.

    Refusal if that VM is missing, or if the import fails.
    """
    names = [vm.PACKAGE.name]
    names += [f"{names[0]}.{name}" for name in modules() if name not in ("__init__", *vm.EXTRAS)]
    where = vm.compile_package()
    code, out = machine(bits).run(_HEAP % (str(where.parent), where.name, names))
    if code != 0:
        raise Refusal(f"{machine(bits).name}: the import failed\n{out}")
    return int(out)
