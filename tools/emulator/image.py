"""The image of MicroPython that the emulated Pico W runs."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from rp2040py.boards import BOARDS, resolve_firmware
from rp2040py.device.load_flash import UF2_BLOCK_SIZE, decode_block

from toolchain.cli import Unavailable

VERSION = "1.25.0"  # of MicroPython, to download if no image is given
IMAGE = "MICROPYTHON_UF2"  # in the environment: the image's path
BOARD = "RPI_PICO_W"


def find_image() -> Path:
    """The image to run: that of the environment, or else one that rp2040py downloads or has.

    Unavailable: there is none, or it is no MicroPython for a Pico W; the text has the remedy.
    """
    remedy = f"get {BOARD}-*.uf2 from MicroPython's download page and set {IMAGE} to its path"
    if given := os.environ.get(IMAGE):
        image = Path(given)
    else:
        why: object = "it is not there"
        try:
            found = resolve_firmware(BOARDS["pico_w"], "micropython", VERSION).image
        except OSError as error:
            found, why = None, error
        if not found:
            raise Unavailable(
                f"no Pico W image: {IMAGE} is not set, and MicroPython {VERSION} cannot be "
                f"downloaded ({why}); {remedy}"
            )
        image = Path(found)
    if fault := fault_of(image):
        raise Unavailable(f"{image}: {fault}; {remedy}")
    return image


def fault_of(image: Path) -> str | None:
    """What is wrong with an image; None if it is MicroPython for a Pico W."""
    try:
        data = image.read_bytes()
        blocks = [data[at : at + UF2_BLOCK_SIZE] for at in range(0, len(data), UF2_BLOCK_SIZE)]
        flash = b"".join(decode_block(block).payload for block in blocks)
        (count,) = struct.unpack_from("<I", data, 24)
    except OSError as error:
        return error.strerror
    except (ValueError, struct.error):
        return "not UF2, or not all of it"
    if len(blocks) != count:
        return f"{len(blocks)} of {count} blocks"
    if b"MicroPython" not in flash or b"Pico W" not in flash:
        return "not MicroPython for the Pico W"
    return None
