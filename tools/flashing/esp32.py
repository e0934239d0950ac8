"""An ESP32's flash, by esptool: what chip there is, and writing it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from device.catalogue import Model
from toolchain.cli import Interrupted, Refusal

ESPTOOL = [sys.executable, "-m", "esptool"]

_BAUD = "460800"
_ASKED_S = 60  # it gives up after 20
_MIB = 1024 * 1024
_FATAL = "A fatal error occurred: "
_LISTEN = "hold BOOT, press and release RESET, let go of BOOT, and run it again"


class Chip(NamedTuple):
    """What esptool finds on a port. `mcu`: as in boards/*/board.json. `flash`: bytes, 0 if it does
    not tell."""

    mcu: str
    mac: str
    flash: int


def ask(port: str) -> Chip:
    """Find out what is on a port, which stays in its bootloader until `write` or `leave`. Refusal:
    nothing answers."""
    print(f"esptool asks what is on {port}, for 20 s at most", flush=True)
    command = [*ESPTOOL, "--port", port, "--after", "no-reset", "flash-id"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_ASKED_S,
        )
    except subprocess.TimeoutExpired:
        raise Refusal(f"esptool is stuck on {port}: {_LISTEN}") from None
    if done.returncode:
        raise Refusal(f"esptool: {_reason(done.stdout)}: {_LISTEN}")
    name = re.search(r"^Connected to (\S+) on ", done.stdout, re.MULTILINE)
    if not name:
        raise Refusal(f"esptool does not say what is on {port}: {_reason(done.stdout)}")
    mac = re.search(r"^MAC: +([0-9a-f:]+)$", done.stdout, re.MULTILINE)
    size = re.search(r"^Detected flash size: (\d+)MB$", done.stdout, re.MULTILINE)
    mcu = name[1].lower().replace("-", "")
    return Chip(mcu, mac[1] if mac else "", int(size[1]) * _MIB if size else 0)


def leave(port: str) -> None:
    """Start again what is in flash, if that can be done from here."""
    command = [*ESPTOOL, "--port", port, "--connect-attempts", "1", "--before", "no-reset"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*command, "--after", "hard-reset", "chip-id"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_ASKED_S,
        )


def check(chip: Chip, model: Model, needed: int) -> None:
    """Refusal: a chip is not the board's, or has less than the bytes of flash that are needed."""
    if chip.mcu != model.mcu:
        raise Refusal(f"the chip is an {chip.mcu}, but {model.name} has an {model.mcu}")
    if 0 < chip.flash < needed:
        raise Refusal(
            f"the chip has {chip.flash // _MIB} MB of flash, and the image is for "
            f"{needed // _MIB} MB: give MICROPYTHON=FILE, a variant for less"
        )


def write(port: str, model: Model, image: Path, offset: int) -> None:
    """Erase the whole flash, write an image and have it verified; esptool says how far it is.
    Refusal: it failed."""
    command = [*ESPTOOL, "--chip", model.mcu, "--port", port, "--baud", _BAUD]
    command += ["write-flash", "--erase-all", f"{offset:#x}", str(image.absolute())]
    again = "the board has no firmware now, and no harm is done: run it again"
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {again}") from None
    if done.returncode:
        raise Refusal(f"esptool failed, as it says above. It may be the cable or a hub; {again}")


def _reason(said: str) -> str:
    # The line of esptool's that tells why it failed.
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it says nothing"]
    fatal = [line.partition(_FATAL)[2] for line in lines if _FATAL in line]
    return (fatal or lines)[-1].rstrip(".")
