"""What a deployment does to a board: what has changed is copied beside what is there and compared
with what was sent; only then it takes its place, file by file. One that is cut off leaves each
file as it was or as it shall be, and the next goes on with what had arrived.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from device.catalogue import WIFI, Model, like, model
from device.config import CONFIG, as_file, config, read
from device.remote import Board, System
from dhcpc.config import extras as extras_of
from toolchain import vm
from toolchain.cli import Refusal, patience
from toolchain.package import extras

LIB = "/lib/dhcpc"
EXTRAS = extras()  # a board gets them only when it asks for them
APP = ("/boot.py", "/main.py")

_OLDEST = (1, 22)  # MicroPython, on any board
_NEW = "~"  # ends the name of what has not taken its place yet
_DIRECTORY, _SLACK = 2, 2  # blocks of littlefs: a new directory's; for its own book-keeping
_OF_APP = {"config", "explain"}  # the extras of boot.py and main.py
_VMS = ("linux [", "darwin [")  # begin what the unix port says of its machine
# Names in / that an import finds before what is meant: a directory comes before a file
SHADOWS = {"dhcpc": LIB, "dhcpc.py": LIB, "dhcpc.mpy": LIB, "board": "/board.py"}

_MAKE_DIRECTORIES = """
import os
for path in ("/lib", %r):
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno != 17:
            raise
"""
_TAKE_PLACE = """
import os
for path in %r:
    os.rename(path + %r, path)
for path in %r:
    os.remove(path)
"""

Files = dict[str, bytes]  # by path on the board


def _package(debug: bool) -> Files:
    if debug:
        found = vm.PACKAGE.glob("*.py")
    else:
        with patience("compiles the client"):
            found = (vm.compile_firmware() / vm.PACKAGE.name).glob("*.mpy")
    return {f"{LIB}/{path.name}": path.read_bytes() for path in sorted(found)}


def check_extras(names: list[str]) -> None:
    """Refusal: there is no such extra."""
    for name in names:
        if name not in EXTRAS:
            raise Refusal(f"EXTRAS: there is no {name}; there are {', '.join(EXTRAS)}")


def imported(programs: Files) -> set[str]:
    """The extras that programs import, as far as they are source that Python can read."""
    found: set[str] = set()
    for path, data in programs.items():
        if path.endswith(".py"):
            with contextlib.suppress(SyntaxError, ValueError):
                found |= {name for each in ast.walk(ast.parse(data)) for name in _named_by(each)}
    return found & {*EXTRAS}


def _named_by(node: ast.AST) -> Iterator[str]:
    # What an import takes of the package: `dhcpc.aio`, `from dhcpc import aio`, `from dhcpc.aio`
    package = vm.PACKAGE.name
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        if name.startswith(f"{package}."):
            yield name.split(".")[1]


def files(name: str, wanted: set[str], app: bool, debug: bool = False) -> Files:
    """What a board gets, but for its config: the package with what is `wanted` of the extras, its
    board.py and, with `app`, boot.py, main.py and the extras that they take.

    name: of the board. debug: source in place of .mpy files.
    """
    if app:
        several = len(model(name).nics) > 1
        wanted = wanted | _OF_APP | ({"failover"} if several else set())
    found = {
        path: data
        for path, data in _package(debug).items()
        if Path(path).stem not in EXTRAS or Path(path).stem in wanted
    }
    found["/board.py"] = program(model(name))
    if app:
        found |= {path: _sealed(read(f"{vm.FIRMWARE}{path}")) for path in APP}
    return found


def program(board: Model) -> bytes:
    """A board's board.py, as the board gets it."""
    return _sealed(read(str(board.program)))


def _sealed(data: bytes) -> bytes:
    # With a last line by which this tool knows its own, unless somebody has edited it since.
    return data + b"# deployed, sha256 %s\n" % hashlib.sha256(data).hexdigest().encode()


def _worth_keeping(data: bytes) -> bool:
    # Neither ours nor, like the boot.py that comes with ESP32, comments alone.
    lines = data.splitlines(keepends=True)
    return data != _sealed(b"".join(lines[:-1])) and any(
        line.strip() and not line.strip().startswith(b"#") for line in lines
    )


class Deployment:
    """Onto one board. Each step raises Refusal if the board is not fit for it."""

    def __init__(self, board: Board, arguments: argparse.Namespace) -> None:
        self.board = board
        self.arguments = arguments
        self.model = model(arguments.board)
        self.files: Files = {}
        self.stale: list[str] = []
        self.new_directories = 0

    def run(self) -> str:
        """All of it; return what was done, and what comes next."""
        start = time.monotonic()
        system = self.board.system()
        space = system.block * system.free // 1024
        print(f"{_named(system)}, {space} KB free", flush=True)
        self.recognise(system)
        root = self.board.names("/")
        exists = CONFIG[1:] in root
        configured = config(self.board, self.arguments, self.model, exists)
        self.choose(system, root, extras_of(configured or {}))
        if configured is not None and (self.arguments.config or self.arguments.ssid):
            self.files[CONFIG] = as_file(configured)
        there = self.board.sums([path + end for path in self.files for end in ("", _NEW)])
        sums = {path: hashlib.sha256(data).digest() for path, data in self.files.items()}
        changed = [path for path in self.files if there.get(path) != sums[path]]
        to_copy = [path for path in changed if there.get(path + _NEW) != sums[path]]
        self.keep_foreign([path for path in changed if path in there])
        self.fit(system, to_copy)
        self.copy(to_copy, {path: sums[path] for path in changed})
        self.board.run(_TAKE_PLACE % (changed, _NEW, self.stale))
        removed = f", removed {len(self.stale)}" if self.stale else ""
        done = [f"nothing to copy: all {len(self.files)} files are there"]
        if changed or removed:
            took = f"in {time.monotonic() - start:.1f} s"
            done = [f"copied {len(to_copy)} of {len(self.files)} files{removed}, {took}"]
        if removed:
            names = [path.removeprefix(f"{LIB}/") for path in self.stale]
            done.append(f"removed from {LIB}: {' '.join(map(_printable, names))}")
        return "\n".join([*done, *self.next(root, configured is not None)])

    def next(self, root: list[str], configured: bool) -> list[str]:
        """What a person may do now, a line each. root: the names that were in /."""
        if not self.arguments.app:
            return []
        port = self.board.port
        lines = []
        if not configured and self.model.nics == (WIFI,):
            lines.append(f"no {CONFIG} on the board; Wi-Fi needs one: give SSID= or CONFIG=")
        if not {"app.py", "app.mpy", "app"} & {*root}:
            lines.append(
                f"your program goes to /app.py: .venv/bin/mpremote connect {port} cp app.py :"
            )
        return [*lines, f"to see its lease: make doctor PORT={port}"]

    def recognise(self, system: System) -> None:
        """See that the board is the one that is meant, as far as it tells."""
        replaces = f"make flash BOARD={self.model.name} PORT={self.board.port} puts"
        if system.name != "micropython":
            raise Refusal(f"the board runs {system.name}; {replaces} MicroPython onto it")
        too_old = (
            f"{_named(system)} is too old, {self.model.name} takes {self.model.micropython} or "
            f"later; {replaces} one onto it"
        )
        if system.version[:2] < _OLDEST:  # whose machine has another name, or none
            raise Refusal(too_old)
        if system.machine.startswith(_VMS):
            print(f"this is a VM, not {self.model.name}: its NICs are unknown")
            return
        if self.arguments.force:
            return
        if system.machine not in self.model.machines:
            others = like(system.machine)
            meant = f"BOARD={' or '.join(others)}" if others else "FORCE=1 for your own firmware"
            says = f"is a {system.machine!r}" if system.machine else "does not say what it is"
            raise Refusal(
                f"the board {says}, but {self.model.name} is a {self.model.machines[0]!r}: "
                f"give {meant}"
            )
        if system.version[:2] < self.model.oldest:
            raise Refusal(too_old)

    def choose(self, system: System, root: list[str], needed: set[str]) -> None:
        """Find what the board gets, and what of it is there and goes.

        root: the names in /. needed: extras that its config asks for.
        """
        there = self.board.names(LIB)
        self.new_directories = 0 if there else 2
        wanted = {*self.arguments.extras, *(Path(name).stem for name in there)} & {*EXTRAS}
        if self.arguments.app:
            wanted |= needed
        wanted |= self.imported(root)
        self.files = files(self.arguments.board, wanted, self.arguments.app, self.arguments.debug)
        for path, data in self.files.items():
            if path.endswith(".mpy") and data[1] != system.mpy:
                raise Refusal(
                    f"{_named(system)} loads .mpy files of version {system.mpy or 'none'}, "
                    f"and these are of {data[1]}: DEBUG=1 copies the source"
                )
        self.stale = [
            f"{LIB}/{name}"
            for name in there
            if f"{LIB}/{name.removesuffix(_NEW)}" not in self.files
            and name.removesuffix(_NEW).endswith((".py", ".mpy"))
        ]
        for name in root:
            if name in SHADOWS:
                raise Refusal(f"/{name} on the board comes before {SHADOWS[name]}: remove it")

    def imported(self, root: list[str]) -> set[str]:
        """The extras that the programs on the board import. root: the names in /."""
        theirs = {"app.py"} if self.arguments.app else {"app.py", "boot.py", "main.py"}
        found = imported({name: self.board.read(f"/{name}") for name in theirs & {*root}})
        if found:
            print(f"the programs on the board import {', '.join(sorted(found))}", flush=True)
        return found

    def keep_foreign(self, replaced: list[str]) -> None:
        """Replace no program of somebody else's, unless asked to."""
        if self.arguments.force:
            return
        foreign = [
            path
            for path in replaced
            if not path.startswith(LIB)
            and path != CONFIG
            and _worth_keeping(self.board.read(path))
        ]
        if foreign:
            leave = "; APP=0 leaves /boot.py and /main.py alone" if {*foreign} & {*APP} else ""
            raise Refusal(
                f"{' and '.join(foreign)} on the board: not from here, or edited there; "
                f"FORCE=1 replaces it{leave}"
            )

    def fit(self, system: System, to_copy: list[str]) -> None:
        """See that there is room for the new beside the old."""
        blocks = sum(-(-len(self.files[path]) // system.block) for path in to_copy)
        if blocks:
            blocks += _SLACK + _DIRECTORY * self.new_directories
        if blocks > system.free:
            need, free = (count * system.block // 1024 for count in (blocks, system.free))
            raise Refusal(f"not enough space: {free} KB are free, it takes {need} KB")

    def copy(self, to_copy: list[str], sums: dict[str, bytes]) -> None:
        """Copy to beside what is there, and compare."""
        if to_copy:
            self.board.run(_MAKE_DIRECTORIES % LIB)
        width = len(str(len(to_copy)))
        for number, path in enumerate(to_copy, 1):
            data = self.files[path]
            print(f"[{number:{width}}/{len(to_copy)}] {path}  {len(data):,} bytes", flush=True)
            self.board.write(path + _NEW, data)
        arrived = self.board.sums([path + _NEW for path in sums])
        for path in sums:
            if arrived.get(path + _NEW) != sums[path]:
                raise Refusal(f"{path} arrived damaged: run it again")


def _named(system: System) -> str:
    version = ".".join(map(str, system.version))
    machine = _printable(system.machine)
    return f"MicroPython {version}{f' on {machine}' if machine else ''}"


def _printable(said: str) -> str:
    return said if said.isprintable() else repr(said)
