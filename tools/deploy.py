#!/usr/bin/env python3
"""Puts the firmware onto boards: what has changed, checked before and after, in the end at one
stroke.

All is copied beside what is there and compared with what was sent; only then it takes its place,
file by file. A run that is cut off leaves each file as it was or as it shall be, and the next one
goes on with what had arrived.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import vm
from remote import Board, Refusal, System, ports
from size import EXTRAS

BOARDS = vm.ROOT / "boards"
OLDEST = (1, 22)  # MicroPython
LIB = "/lib/dhcpc"
APP = ("/boot.py", "/main.py")
CONFIG = "/dhcpc.json"

_NEW = "~"  # ends the name of what has not taken its place yet
_DIRECTORY, _SLACK = 2, 2  # blocks of littlefs: a new directory's; for its own book-keeping
_LAPTOP = "UNIX"  # has a board.py, and is no board
_SHADOWS = ("dhcpc", "dhcpc.py", "dhcpc.mpy")  # in /, come before those in /lib

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


# --- the board's config -------------------------------------------------------------------------


def _text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value, re.DOTALL))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not True and 1 <= value <= 86400


# As firmware/boot.py reads them; only more closely, as here somebody is there to mend it.
_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ssid": (lambda value: _text(".+")(value) and len(value.encode()) <= 32, "1 to 32 bytes"),
    "key": (_text("[ -~]{8,63}|[0-9A-Fa-f]{64}"), "8 to 63 ASCII characters, or 64 hex digits"),
    "hostname": (
        _text("[0-9A-Za-z]([0-9A-Za-z-]{0,30}[0-9A-Za-z])?"),
        "1 to 32 letters, digits and inner hyphens",
    ),
    "timeout_s": (_number, "a number from 1 to 86400"),
    "watchdog_s": (_number, "a number from 1 to 86400"),
}


def checked(text: str | bytes, whose: str) -> dict[str, Any]:
    """The config that some JSON says. Refusal: names what is wrong with it, and whose it is."""
    try:
        config = json.loads(text)
    except ValueError as error:
        raise Refusal(f"{whose} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise Refusal(f"{whose} is not a JSON object")
    for name, value in config.items():
        if name not in _KEYS:
            raise Refusal(f"{whose}: there is no {name!r}; there are {', '.join(_KEYS)}")
        right, what = _KEYS[name]
        if not right(value):
            shown = "it" if name == "key" else json.dumps(value)  # nearly a secret
            raise Refusal(f"{whose}: {name}: {shown} is not {what}")
    return config


def _config(board: Board, arguments: argparse.Namespace, exists: bool) -> Files:
    # Of what is given; none if that is nothing.
    if arguments.config:
        config = checked(_read(arguments.config), arguments.config)
    elif not arguments.ssid:
        return {}
    else:
        config = checked(board.read(CONFIG), f"{CONFIG} on the board") if exists else {}
        config.pop("key", None)
    if arguments.ssid:
        config = {**config, **_wifi(arguments)}
    return {CONFIG: json.dumps(config).encode()}


def _wifi(arguments: argparse.Namespace) -> dict[str, Any]:
    # An open network has no key.
    key = os.environ["WIFI_KEY"]
    return {"ssid": arguments.ssid, **({"key": key} if key else {})}


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None


# --- what goes onto a board ---------------------------------------------------------------------


def boards() -> list[str]:
    """The names of the boards that there are."""
    return sorted(
        path.parent.name for path in BOARDS.glob("*/board.py") if path.parent.name != _LAPTOP
    )


def _package(debug: bool) -> Files:
    if debug:
        found = vm.PACKAGE.glob("*.py")
    else:
        try:
            found = (vm.compile_package() / vm.PACKAGE.name).glob("*.mpy")
        except RuntimeError as error:
            raise Refusal(str(error)) from None
    return {f"{LIB}/{path.name}": path.read_bytes() for path in sorted(found)}


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
        self.files: Files = {}
        self.stale: list[str] = []
        self.new_directories = 0

    def run(self) -> str:
        """All of it; return what was done, in a line."""
        start = time.monotonic()
        system = self.board.system()
        space = system.block * system.free // 1024
        print(f"{_named(system)}, {space} KB free", flush=True)
        self.choose(system)
        there = self.board.sums(
            [path + end for path in [*self.files, CONFIG] for end in ("", _NEW)]
        )
        self.files |= _config(self.board, self.arguments, CONFIG in there)
        sums = {path: hashlib.sha256(data).digest() for path, data in self.files.items()}
        changed = [path for path in self.files if there.get(path) != sums[path]]
        to_copy = [path for path in changed if there.get(path + _NEW) != sums[path]]
        self.keep_foreign([path for path in changed if path in there])
        self.fit(system, to_copy)
        self.copy(to_copy, {path: sums[path] for path in changed})
        self.board.run(_TAKE_PLACE % (changed, _NEW, self.stale))
        if CONFIG not in self.files and CONFIG not in there:
            print(f"no {CONFIG} on the board; Wi-Fi needs one: give SSID= or CONFIG=")
        removed = f", removed {len(self.stale)}" if self.stale else ""
        if not changed and not removed:
            return f"nothing to copy: all {len(self.files)} files are there"
        seconds = time.monotonic() - start
        return f"copied {len(to_copy)} of {len(self.files)} files{removed}, in {seconds:.1f} s"

    def choose(self, system: System) -> None:
        """Find what the board gets, and what of it is there and goes."""
        if system.name != "micropython":
            raise Refusal(f"the board runs {system.name}; this is for MicroPython")
        if system.version[:2] < OLDEST:
            raise Refusal(
                f"{_named(system)} is too old, it takes {OLDEST[0]}.{OLDEST[1]} or later; "
                f"boards/{self.arguments.board}/README.md tells how to flash one"
            )
        there = self.board.names(LIB)
        self.new_directories = 0 if there else 2
        extras = {*self.arguments.extras, *(Path(name).stem for name in there)} & {*EXTRAS}
        for path, data in _package(self.arguments.debug).items():
            if Path(path).stem not in EXTRAS or Path(path).stem in extras:
                if path.endswith(".mpy") and data[1] != system.mpy:
                    raise Refusal(
                        f"{_named(system)} loads .mpy files of version {system.mpy or 'none'}, "
                        f"and these are of {data[1]}: DEBUG=1 copies the source"
                    )
                self.files[path] = data
        self.files["/board.py"] = _sealed(_read(str(BOARDS / self.arguments.board / "board.py")))
        if self.arguments.app:
            self.files |= {path: _sealed(_read(f"{vm.FIRMWARE}{path}")) for path in APP}
        self.stale = [
            f"{LIB}/{name}"
            for name in there
            if f"{LIB}/{name.removesuffix(_NEW)}" not in self.files
            and name.removesuffix(_NEW).endswith((".py", ".mpy"))
        ]
        for name in self.board.names("/"):
            if name in _SHADOWS:
                raise Refusal(f"/{name} on the board comes before {LIB}: remove it")

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
            raise Refusal(f"too little space: {free} KB are free, it takes {need} KB")

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
                raise Refusal(f"{path} did not arrive as it was sent: run it again")


def _named(system: System) -> str:
    version = ".".join(map(str, system.version))
    return f"MicroPython {version}{f' on {system.machine}' if system.machine else ''}"


# --- one board, or several at once --------------------------------------------------------------


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        description="Puts the firmware onto boards. The key of the Wi-Fi comes from WIFI_KEY in "
        "the environment, or is asked for."
    )
    parser.add_argument("board", nargs="?", default="", help="as in boards/, e.g. RPI_PICO_W")
    parser.add_argument("port", nargs="*", help="serial ports, e.g. /dev/ttyACM0")
    parser.add_argument("--debug", action="store_true", help="copy source, not .mpy files")
    parser.add_argument(
        "--extras", type=str.split, default=[], help=f"in quotes, of: {' '.join(EXTRAS)}"
    )
    parser.add_argument("--config", metavar="FILE", help=f"what {CONFIG} on the board shall say")
    parser.add_argument("--ssid", help="the Wi-Fi of the board; the rest of its config stays")
    parser.add_argument(
        "--no-app", dest="app", action="store_false", help="leave /boot.py and /main.py alone"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace programs that are not from here"
    )
    return parser.parse_args()


def _check(arguments: argparse.Namespace) -> None:
    # What can be known without a board.
    if arguments.board not in boards():
        what = f"no board {arguments.board}" if arguments.board else "BOARD= is missing"
        raise Refusal(f"{what}; there are {', '.join(boards())}")
    if not arguments.port:
        raise Refusal(f"PORT= is missing; {ports()}")
    extras = [name for name in EXTRAS if (vm.PACKAGE / f"{name}.py").exists()]
    for name in arguments.extras:
        if name not in extras:
            raise Refusal(f"EXTRAS: there is no {name}; there are {', '.join(extras)}")
    if arguments.config:
        checked(_read(arguments.config), arguments.config)
    if arguments.ssid:
        if "WIFI_KEY" not in os.environ:
            if not sys.stdin.isatty():
                raise Refusal("SSID= needs a key: set WIFI_KEY, empty for an open network")
            os.environ["WIFI_KEY"] = getpass.getpass(f"key of {arguments.ssid}: ")
        checked(json.dumps(_wifi(arguments)), "SSID or WIFI_KEY")


def _deploy(arguments: argparse.Namespace) -> None:
    with Board(arguments.port[0]) as board:
        done = Deployment(board, arguments).run()
    print(done)


def _deploy_all(arguments: argparse.Namespace) -> int:
    # A process for each port, as each has a terminal and a mpremote of its own. Ctrl-C is for us.
    given = [argument for argument in sys.argv[1:] if argument not in arguments.port]
    runs = [
        subprocess.Popen(
            [sys.executable, __file__, *given, port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for port in arguments.port
    ]
    readers = [
        threading.Thread(target=_relay, args=pair)
        for pair in zip(arguments.port, runs, strict=True)
    ]
    for reader in readers:
        reader.start()
    try:
        for reader in readers:
            reader.join()
    except KeyboardInterrupt:
        for run in runs:
            run.send_signal(signal.SIGINT)
        for reader in readers:
            reader.join()
    return max(run.wait() for run in runs)


def _relay(port: str, run: subprocess.Popen[str]) -> None:
    for line in run.stdout or ():
        print(f"{port}: {line}", end="", flush=True)


def main() -> int:
    arguments = parsed()
    arguments.port = list(dict.fromkeys(arguments.port))
    try:
        _check(arguments)
        if len(arguments.port) > 1:
            return _deploy_all(arguments)
        _deploy(arguments)
    except Refusal as refusal:
        print(f"deploy: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("deploy: interrupted; run again, it goes on with what has arrived", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
