#!/usr/bin/env python3
"""What the firmware costs a board: bytes of .mpy and heap after import, against the budget."""

from __future__ import annotations

import argparse
import json
import sys
from typing import NamedTuple

import vm

EXTRAS = ("aio", "options", "sleep")  # a board gets them only when it asks for them
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
        "total": sum(size for name, size in sizes.items() if name not in EXTRAS),
    }


def machine(bits: int) -> vm.VM:
    """The VM that heap is measured in: the 64-bit one, or the newest 32-bit one."""
    return vm.vms()["vm64"] if bits == 64 else list(vm.vms().values())[-1]


def heap(bits: int) -> int:
    """The bytes of heap that the import of all that every board gets takes, by a VM's bits.

    RuntimeError if that VM is missing, or if the import fails.
    """
    names = [vm.PACKAGE.name]
    names += [f"{names[0]}.{name}" for name in modules() if name not in ("__init__", *EXTRAS)]
    where = vm.compile_package()
    code, out = machine(bits).run(_HEAP % (str(where.parent), where.name, names))
    if code != 0:
        raise RuntimeError(f"{machine(bits).name}: the import failed\n{out}")
    return int(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object with all figures")
    as_json = parser.parse_args().json

    sizes = modules()
    figures: dict[str, int | None] = {**flash(sizes), "heap64": None, "heap32": None}
    missing = [machine(bits) for bits in (64, 32) if machine(bits).missing]
    for bits in (64, 32):
        if machine(bits) not in missing:
            figures[f"heap{bits}"] = heap(bits)
    over = [name for name, bytes_ in figures.items() if (bytes_ or 0) > BUDGET[name].must]

    if as_json:
        budget = {name: limit._asdict() for name, limit in BUDGET.items()}
        print(json.dumps({"mpy": sizes, **figures, "budget": budget, "over": over}))
    else:
        print_table(sizes, figures)
        for absent in missing:
            print(f"{absent.name}: {absent.missing}")
        print(f"total {figures['total']} bytes")
    return 1 if over else 0


def print_table(sizes: dict[str, int], figures: dict[str, int | None]) -> None:
    row = "{:28}{:>7}{:>7}{:>7}   {}".format
    print(row("", "bytes", "must", "aim", "").rstrip())
    for name, size in sizes.items():
        print(row(f"{name}.mpy", size, "", "", "extra" if name in EXTRAS else "").rstrip())
    for name, (must, aim) in BUDGET.items():
        figure = figures[name]
        if figure is None:
            verdict = "not measured"
        elif figure > must:
            verdict = f"{figure - must} OVER"
        else:
            verdict = "aim reached" if figure <= aim else f"{figure - aim} over the aim"
        print(row(TITLES[name], "-" if figure is None else figure, must, aim, verdict))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"size: {error}")
