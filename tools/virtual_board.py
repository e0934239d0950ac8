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
        "Is a board for mpremote, and for whatever else talks to boards over a serial port, until "
        "Ctrl-C: the MicroPython VM, with its files in a littlefs image. Prints its port.",
        "flash.bin",
    )
    parser.add_argument("image", type=Path, help="its flash, littlefs; made if it is not there")
    image = parser.parse_args().image
    try:
        with VirtualBoard(image) as board:
            print(board.port, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    sys.exit(cli.run(main))
