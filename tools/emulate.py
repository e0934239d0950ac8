#!/usr/bin/env python3
"""An emulated Pico W gets its lease from a real server: MicroPython's own firmware in rp2040py,
its serial port a pty, its Wi-Fi a TAP in a lab where dnsmasq answers.

Deploys, gets a lease, resets the board, gets the lease back from flash with one packet, renews,
cuts the power, gets it back once more. Prints what was seen, then what a wake takes. With --image,
a board that was flashed with what `make image` made: what it does by itself. Exit code 1 if a step
went wrong, 2 if it cannot run here.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys
from pathlib import Path

from device.catalogue import model
from emulator.image import BOARD, find_image
from emulator.proof import prove, prove_made
from emulator.timeline import timeline
from imaging.firmware import recognised
from toolchain import cli


def _announce(span: str) -> None:
    print(f"takes about {span}, most of it for the start of the Wi-Fi chip", flush=True)


def main() -> None:
    parser = cli.parser(
        "Boots MicroPython's own firmware on an emulated Pico W, which gets its lease from a "
        "real server. Prints what happened, and how long a wake takes. MICROPYTHON_UF2 names "
        "the file of the firmware; without it, the command downloads one.",
        "MICROPYTHON_UF2=RPI_PICO_W.uf2 {} --timeline",
    )
    parser.add_argument("--timeline", action="store_true", help="print only how long a wake takes")
    parser.add_argument(
        "--image",
        type=Path,
        help="boot an image of `make image`, which gets its lease by itself, and no more",
    )
    arguments = parser.parse_args()
    if arguments.image:
        recognised(arguments.image, model(BOARD))
        _announce("2 minutes")
        prove_made(arguments.image)
        return
    image = find_image()
    _announce("a minute" if arguments.timeline else "3 minutes")
    if not arguments.timeline:
        prove(image)
    timeline(image)


if __name__ == "__main__":
    sys.exit(cli.run(main))
