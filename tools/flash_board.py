#!/usr/bin/env python3
"""Puts MicroPython onto a board, whatever is on it, and then what deploy.py does.

An RP2 takes it by the drive of its bootloader, an ESP32 by esptool. What goes is said before, and
asked for.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import os
import sys
import time
from pathlib import Path

import deploy
from device.catalogue import Model, model
from device.remote import Board, on_usb, ports, resolved
from flashing import download, esp32, rp2
from imaging.firmware import recognised
from toolchain import cli
from toolchain.cli import Refusal

_BUTTON_S = 120  # for a person to find the button
_DRIVE_S = 20  # for a board to get into its bootloader by itself
_BACK_S = 30
_RESET_S = 1  # until the port of a chip that has USB by itself is gone
_STEP_S = 0.2
_TO_BOOTLOADER = "import machine, time; time.sleep_ms(100); machine.bootloader()"


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = deploy.options(
        "Puts MicroPython onto a board, whatever is on it, and then what deploy.py does.",
        "RPI_PICO_W auto --ssid greenhouse",
        "ESP32_GENERIC /dev/ttyUSB0 --image ESP32_GENERIC-20250415-v1.25.0.bin",
    )
    parser.add_argument(
        "--image", metavar="FILE", help="of MicroPython; without it, the newest is downloaded"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before flash is erased")
    return parser.parse_args()


class Image:
    """What is to be written. `named`: what it is, for people. `offset`: where in an ESP32's flash.
    `has_files`: it brings its own, as one of `make image` does."""

    def __init__(self, path: Path, board: Model, any_board: bool) -> None:
        """any_board: as of `recognised`. Refusal: it is not for this board."""
        self.path = path
        found, version = recognised(path, board, any_board=any_board)
        self.named = f"MicroPython {version} of {path}" if version else str(path)
        self.has_files = len(found.flash.rstrip(b"\xff")) > found.start
        # One that is filled up to where the chip boots is for the start of flash.
        self.offset = 0 if path.read_bytes().startswith(b"\xff") else board.offset
        self.boot = found.flash[board.offset :]


def _confirm(what: str, yes: bool) -> None:
    print(what, flush=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal("nobody is here to be asked: YES=1 goes on")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refusal("nothing is done")


def _flash_esp32(board: Model, port: str, image: Image, yes: bool) -> None:
    chip = esp32.ask(port)
    esp32.check(chip, board, image.boot)
    size = f" of {chip.flash // 1024 // 1024} MB" if chip.flash else ""
    _confirm(
        f"{port} is an {chip.mcu}, MAC {chip.mac or 'unknown'}: its flash{size} is erased, files "
        f"and all, and gets {image.named}",
        yes,
    )
    esp32.write(port, board, image.path, image.offset)
    time.sleep(_RESET_S)


def _flash_rp2(board: Model, port: str, image: Image, yes: bool) -> None:
    # port: "" if the board has none yet.
    there = "files, too" if image.has_files else "and the files of a MicroPython stay"
    if port and not rp2.drives():
        with Board(port) as running:
            system = running.system()
            mcu = system.machine.rpartition(" with ")[2].lower()
            if not mcu.startswith(board.mcu):
                raise Refusal(f"{port} is a {system.machine!r}, and {board.name} has {board.mcu}")
            _confirm(f"{port} is a {system.machine}: it gets {image.named}, {there}", yes)
            running.leave_to(_TO_BOOTLOADER)
        with cli.patience("waits for the drive of the bootloader"):
            drive = rp2.wait(board, _DRIVE_S)
    else:
        if not rp2.drives():
            print(
                f"{rp2.BUTTON}: a drive shows up. Where MicroPython runs, PORT= will do",
                flush=True,
            )
        drive = rp2.wait(board, _BUTTON_S)
        _confirm(f"{drive.path} is an {drive.mcu}: it gets {image.named}, {there}", yes)
    rp2.copy(drive, image.path)


def _back(port: str, before: list[str]) -> str:
    # The port of the board that has started anew: the same, or one that was not there before.
    end = time.monotonic() + _BACK_S
    while time.monotonic() < end:
        for found in [port, *(each for each in on_usb() if each not in before)]:
            if found and (os.name != "posix" or os.access(found, os.R_OK | os.W_OK)):
                return found
        time.sleep(_STEP_S)
    raise Refusal(
        f"MicroPython is on the board, and no port that may be used has shown up: press RESET, or "
        f"plug it in anew; then make deploy. {ports()}"
    )


def _port(arguments: argparse.Namespace, board: Model) -> str:
    if len(arguments.port) > 1:
        raise Refusal("flash takes one PORT")
    if board.port == "rp2" and (not arguments.port or rp2.drives() and "auto" in arguments.port):
        return ""  # in its bootloader it has none
    return resolved(*(arguments.port or [""]))


def _run(arguments: argparse.Namespace) -> None:
    board = model(arguments.board)
    port = _port(arguments, board)
    deploy.check(arguments)
    path = Path(arguments.image) if arguments.image else download.latest(board)
    image = Image(path, board, arguments.force)
    before = on_usb()
    if board.port == "esp32":
        _flash_esp32(board, port, image, arguments.yes)
    else:
        _flash_rp2(board, port, image, arguments.yes)
    with cli.patience("waits for the board to start; if it does not, press RESET"):
        port = _back(port, before)
    print(f"flashed; the board is on {port}", flush=True)
    if not image.has_files:
        deploy.deploy(arguments, port)


def main() -> None:
    try:
        _run(parsed())
    except KeyboardInterrupt:
        raise cli.Interrupted("interrupted; run it again, whatever the board has now") from None


if __name__ == "__main__":
    sys.exit(cli.run(main))
