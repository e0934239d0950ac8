"""What a wake costs on the emulated Pico W, by the board's own clock: the import, and the way from
the link to the lease, beside the built-in client's.

Knows what wake_board.py prints; of the board, only that it takes files and runs a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import NamedTuple, Protocol

from littlefs import LittleFS

from testbed.process import LabError
from toolchain import package

ROUNDS = 3  # wakes of ours, new and stored each
BLOCK = 4096  # bytes of flash, rp2's

# ms, must and aim: of the import; of a way of ours, from the link until the application is told
IMPORT_BUDGET = (30, 20)
BUDGET = {"new": (15, 10), "stored": (10, 6)}

_SCRIPT = Path(__file__).with_name("wake_board.py")
_ENDS = {"built-in": "address", "new": "bound", "stored": "rebooted"}  # what each way leads to


class Board(Protocol):
    """A board that is on."""

    def wait(self) -> None:
        """Wait until it answers."""

    def mpremote(self, *words: str) -> str:
        """Run mpremote, and return what it printed."""


class Import(NamedTuple):
    """What `import dhcpc` took, and keeps of the heap."""

    us: int
    heap: int


class Wake(NamedTuple):
    """A wake of one way: microseconds since the link was up, by mark."""

    way: str
    marks: list[tuple[str, int]]

    def at(self, mark: str, which: int = -1) -> float | None:
        """When a mark was made, the last of its name or another, in ms; None if it was not."""
        found = [us for name, us in self.marks if name == mark]
        return found[which] / 1000 if found else None

    def told(self) -> float | None:
        """When the application heard of its lease, in ms; None: nobody is told."""
        return self.at(_ENDS[self.way]) if self.way in BUDGET else None


# What the table shows
_STEPS: dict[str, Callable[[Wake], float | None]] = {
    "first packet": lambda wake: wake.at("sent", 0),
    "ACK received": lambda wake: wake.at("received"),
    "address on the NIC": lambda wake: wake.at("address"),
    "application told": Wake.told,
    "record written": lambda wake: wake.at("written"),
    "acquire() returned": lambda wake: wake.at("acquired"),
}


def file_system(files: dict[str, bytes], size: int) -> bytes:
    """A board's file system of `size` bytes, just made, with these files by their paths."""
    made = LittleFS(block_size=BLOCK, block_count=size // BLOCK, prog_size=256)
    for path, data in files.items():
        made.makedirs(str(Path(path).parent), exist_ok=True)
        with made.open(path, "wb") as file:
            file.write(data)
    return bytes(made.context.buffer)


def parse(said: str) -> tuple[Import, list[Wake]]:
    """What wake_board.py printed. LabError: it is something else, or a wake failed."""
    found: Import | None = None
    wakes: list[Wake] = []
    for line in said.splitlines():
        match line.split():
            case ["import", us, heap]:
                found = Import(int(us), int(heap))
            case ["wake", way] if way in _ENDS:
                wakes.append(Wake(way, []))
            case [us, name] if wakes and us.isdecimal():
                wakes[-1].marks.append((name, int(us)))
            case _:
                raise LabError(f"the board said: {line}")
    if not found:
        raise LabError("the board said nothing of its import")
    for wake in wakes:
        names = [name for name, _ in wake.marks]
        if _ENDS[wake.way] not in names:
            raise LabError(f"{wake.way}: no {_ENDS[wake.way]}, but {' '.join(names)}")
    return found, wakes


def measure(
    boot: Callable[[bytes], AbstractContextManager[Board]],
    packages: dict[str, Path],
    beside: dict[str, bytes],
    size: int,
) -> tuple[dict[str, Import], list[Wake]]:
    """Boot a board with each package and import it; with the last one take the wakes, too.

    boot: switches a board on that has this in its flash. packages: by their names, directories
    that hold a dhcpc/; its extras are left out. beside: what else is in the file system, by paths.
    size: of that, bytes. LabError: as of `parse`.
    """
    imports: dict[str, Import] = {}
    wakes: list[Wake] = []
    extras = package.extras()
    for name, directory in packages.items():
        mpy = (directory / "dhcpc").glob("*.mpy")
        needed = sorted(path for path in mpy if path.stem not in extras)
        files = {f"/lib/dhcpc/{path.name}": path.read_bytes() for path in needed}
        script = _SCRIPT.read_text()
        if name == list(packages)[-1]:
            script += f"\nwakes({ROUNDS})\n"
        with boot(file_system(beside | files, size)) as board:
            board.wait()
            imports[name], wakes = parse(board.mpremote("exec", script))
    return imports, wakes


def table(imports: dict[str, Import], wakes: Iterable[Wake]) -> Iterator[str]:
    """The lines to print: the packages, the ways, and what that leaves of the budget, which is
    for the last package."""
    yield _line("import dhcpc", ["ms", "heap, B"])
    for name, (us, heap) in imports.items():
        yield _line(name, [f"{us / 1000:.1f}", f"{heap:,}"])
    yield _line("from link up, ms", _ENDS)
    for step, when in _STEPS.items():
        yield _line(step, [_spread(_times(wakes, way, when)) for way in _ENDS])
    must, aim = IMPORT_BUDGET
    yield f"{name}: {us / 1000:.1f} ms to import (must {must}, aim {aim})"
    for way, (must, aim) in BUDGET.items():
        took = median(_times(wakes, way, Wake.told))
        yield f"{way}: {took:.1f} ms from link up until told (must {must}, aim {aim})"


def _times(wakes: Iterable[Wake], way: str, when: Callable[[Wake], float | None]) -> list[float]:
    times = [when(wake) for wake in wakes if wake.way == way]
    return [time for time in times if time is not None]


def _line(head: str, cells: Iterable[str]) -> str:
    return f"{head:20}" + "".join(f"{cell:>20}" for cell in cells)


def _spread(values: list[float]) -> str:
    """The median, and between which two values it lies."""
    if not values:
        return "-"
    low, middle, high = (f"{value:.1f}" for value in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low}-{high})"
