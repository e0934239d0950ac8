#!/usr/bin/env python3
"""A board that is not there, for mpremote and whatever else talks to boards over a serial port:
the MicroPython VM, with its files in a littlefs image. Prints the port to connect to.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import signal
import sys
from pathlib import Path

from device.virtual import VirtualBoard
from toolchain import cli


def main() -> None:
    parser = cli.parser(
        "Runs a virtual board until Ctrl-C, and prints its port. The board is the MicroPython "
        "VM, with its files in a littlefs image; mpremote, or anything else that talks to "
        "boards over a serial port, can use it.",
        "flash.bin",
    )
    parser.add_argument(
        "image", type=Path, help="its flash, a littlefs image; the command makes a missing one"
    )
    image = parser.parse_args().image
    try:
        with VirtualBoard(image) as board:
            print(board.port, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    sys.exit(cli.run(main))
