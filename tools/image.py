#!/usr/bin/env python3
"""Makes one file to flash of an image of MicroPython: with the client, a config and an application
in its file system. A table makes one for each of its lines.

The file is read back and compared before it takes its place. Nothing is flashed.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from littlefs import LittleFSError

from device.catalogue import WIFI, model
from device.config import CONFIG, checked, held, read
from device.deployment import EXTRAS, Files, check_extras, imported
from imaging import storage
from imaging.contents import application, contents
from imaging.firmware import Firmware
from imaging.fleet import Member, fleet
from toolchain import cli, vm
from toolchain.cli import Refusal
from toolchain.files import placed

OUTPUT = vm.ROOT / "build/image"
MANIFEST = "manifest.json"

_KIB = 1024
_MB = 1_000_000
_HOW = {
    "rp2": "To flash it: hold BOOTSEL while you plug the board in, and copy it to the drive that "
    "appears.",
    "esp32": "To flash it: .venv/bin/esptool --port PORT write-flash {offset:#x} FILE",
}


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = cli.parser(
        "Makes one file to flash: MicroPython, with a file system that holds the files of `make "
        "deploy`, the config and the application.",
        "RPI_PICO_W RPI_PICO_W-20250415-v1.25.0.uf2 --config greenhouse.json --app app",
        "RPI_PICO_W RPI_PICO_W-20250415-v1.25.0.uf2 --fleet boards.csv",
    )
    parser.add_argument(
        "board", nargs="?", default="", help="a folder of boards/, e.g. RPI_PICO_W"
    )
    parser.add_argument("micropython", nargs="?", default="", help="its .uf2 or .bin file")
    parser.add_argument(
        "--config", metavar="FILE", help=f"the file that becomes {CONFIG} on the board"
    )
    parser.add_argument(
        "--app",
        metavar="DIR",
        help="the folder of the application, with app.py, or a main.py in place of the client's",
    )
    parser.add_argument(
        "--fleet",
        metavar="CSV",
        help="a table with a line for each board and a column for each setting; --config gives "
        "what a line leaves empty. An empty key comes from WIFI_KEY in the environment",
    )
    parser.add_argument(
        "--extras", type=str.split, default=[], help=f"a list in quotes, of: {' '.join(EXTRAS)}"
    )
    parser.add_argument("--debug", action="store_true", help="use source, not .mpy files")
    parser.add_argument("--output", metavar="DIR", type=Path, default=OUTPUT)
    return parser.parse_args()


class Maker:
    """Makes images of one MicroPython for one kind of board."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Refusal: what is wrong with what was asked for."""
        self.board = model(arguments.board)
        if not arguments.micropython:
            raise Refusal(
                f"MICROPYTHON= is missing: the {self.board.ending} of MicroPython, from "
                f"{self.board.download}"
            )
        check_extras(arguments.extras)
        self.debug = arguments.debug
        self.app = application(Path(arguments.app)) if arguments.app else {}
        self.extras = {*arguments.extras, *imported(self.app)}
        self.firmware = Firmware(Path(arguments.micropython), self.board)
        self.directory: Path = arguments.output

    def path(self, name: str) -> Path:
        """Where one goes."""
        return self.directory / f"{name}{self.board.ending}"

    def make(self, name: str, config: dict[str, Any] | None) -> Path:
        """Make one, and say so; return where it is. Refusal: not all fits into it, or what was
        written is not what was meant."""
        files = contents(self.board, config, self.extras, self.app, self.debug)
        image = self.firmware.merged(storage.made(files, self.firmware.size, self.board.port))
        path = self.path(name)
        with placed(path) as new:
            new.write_bytes(image)
            free = self._check(new, files)
        print(f"{path}: {len(files)} files, {free // _KIB} KB free", flush=True)
        return path

    def _check(self, path: Path, files: Files) -> int:
        # Read it back and compare it with what was meant; return the bytes that are free.
        try:
            found, free = self.firmware.files(path.read_bytes())
        except (ValueError, LittleFSError) as error:
            raise Refusal(f"what was written is not what was made: {error}") from None
        if found != files:
            raise Refusal("what was written is not what was made: its files differ")
        return free


def _base(arguments: argparse.Namespace) -> dict[str, Any] | None:
    # The config that is given. A fleet's may lack what the lines bring.
    if not arguments.config:
        return None
    found = checked(read(arguments.config), arguments.config)
    return found if arguments.fleet else held(found, model(arguments.board), arguments.config)


def _name(maker: Maker, member: Member) -> str:
    return f"{maker.board.name}-{member.hostname}"


def _check_room(maker: Maker, members: list[Member], size: int) -> None:
    # For all of a fleet, by the size of the first. Those that are there already make way.
    paths = [maker.path(_name(maker, member)) for member in members]
    need = sum(size for path in paths if not path.exists())
    free = shutil.disk_usage(maker.directory).free
    print(f"{len(members)} images take {size * len(members) // _MB:,} MB", flush=True)
    if need > free:
        raise Refusal(
            f"{maker.directory}: {need // _MB:,} MB more are needed, and {free // _MB:,} MB are "
            "free: give OUTPUT=DIR, or a table of fewer boards at a time"
        )


def _make_fleet(maker: Maker, members: list[Member]) -> None:
    path = maker.directory / MANIFEST
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()  # it is about the files that were there
    made: list[dict[str, str]] = []
    for member in members:
        file = maker.make(_name(maker, member), member.config)
        if not made:
            _check_room(maker, members, file.stat().st_size)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        made.append({"hostname": member.hostname, "file": file.name, "sha256": digest})
    manifest = {
        "board": maker.board.name,
        "micropython": maker.firmware.named,
        "images": made,
    }
    with placed(path) as new:
        new.write_text(json.dumps(manifest, indent=4) + "\n")
    print(f"{path}: their names and SHA-256")


def main() -> None:
    arguments = parsed()
    maker = Maker(arguments)
    base = _base(arguments)
    key = os.environ.get("WIFI_KEY", "")
    board, firmware = maker.board, maker.firmware
    members = fleet(Path(arguments.fleet), base or {}, board, key) if arguments.fleet else []
    print(f"MicroPython {firmware.named}, {firmware.size // _KIB} KB for files", flush=True)
    if maker.extras:
        print(f"extras beside those of the config: {' '.join(sorted(maker.extras))}", flush=True)
    if members:
        _make_fleet(maker, members)
    else:
        maker.make(board.name, base)
        if base is None and board.nics == (WIFI,):
            print(f"no {CONFIG} in it; Wi-Fi needs one: give CONFIG=")
    if any("key" in each for each in [base or {}, *(member.config for member in members)]):
        print("The result holds a Wi-Fi key in plain text: only you may read it (mode 0600).")
    print(_HOW[board.port].format(offset=board.offset))


if __name__ == "__main__":
    sys.exit(cli.run(main))
