#!/usr/bin/env python3
"""Puts MicroPython onto a board, whatever is on it, and then does what deploy.py does.

An RP2 takes it by the drive of its bootloader, an ESP32 by esptool. The command says what will be
erased, and asks, before it erases anything.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import os
import sys
import time
from pathlib import Path

from littlefs import LittleFSError

import deploy
from device.catalogue import Model, catalogue, like, model
from device.deployment import program
from device.remote import Board, System, on_usb, ports, resolved
from flashing import download, esp32, rp2
from imaging.firmware import files_of, has_files, recognised
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
        "Puts MicroPython onto a board, whatever is on it, and then does what deploy.py does.",
        "RPI_PICO_W auto --ssid greenhouse",
        "ESP32_GENERIC /dev/ttyUSB0 --image ESP32_GENERIC-20250415-v1.25.0.bin",
    )
    parser.add_argument(
        "--image", metavar="FILE", help="an image of MicroPython; without it, download the newest"
    )
    parser.add_argument("--yes", action="store_true", help="erase flash without a question")
    return parser.parse_args()


class Image:
    """What is to be written. `named`: what it is, for people. `found`: what is in it.
    `has_files`: it brings its own, as one of `make image` does."""

    def __init__(self, path: Path, board: Model, any_board: bool) -> None:
        """any_board: as of `recognised`. Refusal: it is not for this board."""
        self.path = path
        self.found, version = recognised(path, board, any_board=any_board)
        self.named = f"MicroPython {version} of {path}" if version else str(path)
        self.has_files = has_files(self.found)
        if self.has_files and not any_board:
            self._check_files(board)

    def _check_files(self, board: Model) -> None:
        # Boards that run one image of MicroPython differ in what is wired to them: in board.py.
        try:
            there = files_of(self.found, board.port)[0].get("/board.py")
        except LittleFSError:
            return  # they are not from here
        meant = [each.name for each in catalogue().values() if program(each) == there]
        if meant and board.name not in meant:
            raise Refusal(
                f"{self.path}: the files in it are for {' or '.join(meant)}, not for {board.name}"
            )


def _image(arguments: argparse.Namespace, board: Model) -> Image:
    # What is to be written, downloaded if none is given.
    if arguments.image:
        return Image(Path(arguments.image), board, arguments.force)
    path = download.latest(board)
    try:
        return Image(path, board, arguments.force)
    except Refusal:
        path.unlink()  # so that the next run does not take it for an image
        raise


def _confirm(what: str, yes: bool) -> None:
    print(what, flush=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal("nobody can answer here: YES=1 goes on")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refusal("nothing is done")


def _flash_esp32(board: Model, port: str, image: Image, yes: bool) -> None:
    chip = esp32.ask(port)
    try:
        esp32.check(chip, board, image.found.needs)
        size = f" of {chip.flash // 1024 // 1024} MB" if chip.flash else ""
        _confirm(
            f"{port} is an {chip.mcu}, MAC {chip.mac or 'unknown'}: its flash{size} is erased, "
            f"with all files, and it gets {image.named}",
            yes,
        )
    except BaseException:
        esp32.leave(port)
        raise
    esp32.write(port, board, image.path, image.found.at)
    time.sleep(_RESET_S)


def _check_rp2(system: System, port: str, board: Model, force: bool) -> None:
    # What runs on a port is not another board, as far as it tells.
    if not system.machine.rpartition(" with ")[2].lower().startswith(board.mcu):
        raise Refusal(
            f"{port} says that it is {system.machine!r}, but {board.name} has an {board.mcu}. If "
            f"it is a {board.name} all the same: {rp2.BUTTON}; then without PORT="
        )
    known = like(system.machine)
    if known and board.name not in known and not force:
        raise Refusal(
            f"{port} is a {system.machine!r}: give BOARD={' or '.join(known)}, or FORCE=1 if it "
            f"is a {board.name} all the same"
        )


def _flash_rp2(board: Model, port: str, image: Image, yes: bool, force: bool) -> None:
    # port: "" if the board is in its bootloader, or shall be led there by hand.
    there = "files, too" if image.has_files else "and the files of a MicroPython stay"
    if port:
        with Board(port) as running:
            system = running.system()
            _check_rp2(system, port, board, force)
            _confirm(f"{port} is a {system.machine!r}: it gets {image.named}, {there}", yes)
            running.leave_to(_TO_BOOTLOADER)
        with cli.patience("waits for the drive of the bootloader"):
            drive = rp2.wait(board, _DRIVE_S)
    else:
        if not rp2.drives():
            print(
                f"{rp2.BUTTON}: a drive appears. A board that runs MicroPython needs no button: "
                f"give its PORT=",
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
        "no usable port has appeared since: press RESET, or plug the board in again. If a port "
        f"appears, make deploy; if not, run it again. {ports()}"
    )


def _port(arguments: argparse.Namespace, board: Model) -> str:
    # Where the board is; "" for an RP2 in its bootloader, which has no port.
    if len(arguments.port) > 1:
        raise Refusal("flash takes one PORT")
    port = arguments.port[0] if arguments.port else ""
    if board.port == "rp2":
        if not port:
            return ""
        if found := rp2.drives():
            if on_usb() if port == "auto" else Path(resolved(port)).exists():
                raise Refusal(
                    f"PORT={port} is there, and {found[0].path} is the drive of another board: "
                    f"unplug one of them, or leave PORT= out for the drive"
                )
            return ""
        if port == "auto" and not on_usb():  # a new one has no port before MicroPython runs on it
            return ""
    return resolved(port)


def _run(arguments: argparse.Namespace) -> None:
    board = model(arguments.board)
    port = _port(arguments, board)
    image = _image(arguments, board)
    if not image.has_files:
        deploy.check(arguments, [port] if port else [])
    elif arguments.config or arguments.ssid or arguments.extras:
        raise Refusal(
            f"{image.path} has its files in it: CONFIG=, SSID= and EXTRAS= are for `make image`"
        )
    before = on_usb()
    if board.port == "esp32":
        _flash_esp32(board, port, image, arguments.yes)
    else:
        _flash_rp2(board, port, image, arguments.yes, arguments.force)
    with cli.patience("waits for the board to start; if it does not, press RESET"):
        port = _back(port, before)
    print(f"flashed; the board is on {port}", flush=True)
    if not image.has_files:
        deploy.deploy(arguments, port)


def main() -> None:
    try:
        _run(parsed())
    except KeyboardInterrupt:
        raise cli.Interrupted("interrupted; run it again, whatever is on the board now") from None


if __name__ == "__main__":
    sys.exit(cli.run(main))
