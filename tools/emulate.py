#!/usr/bin/env python3
"""An emulated Pico W gets its lease from a real server: MicroPython's own firmware in rp2040py,
its serial port a pty, its Wi-Fi a TAP in a lab where dnsmasq answers.

Deploys, gets a lease, resets the board, gets the lease back from flash with one packet, renews,
cuts the power, gets it back once more. Prints what was seen, then what a wake takes; exit code 1
if a step went wrong, 2 if it cannot run here.
"""

from __future__ import annotations

import sys

from emulator.image import find_image
from emulator.proof import prove
from emulator.timeline import timeline
from toolchain import cli


def main() -> None:
    parser = cli.parser("An emulated Pico W gets its lease.")
    parser.add_argument("--timeline", action="store_true", help="only what a wake takes")
    only = parser.parse_args().timeline
    image = find_image()
    if not only:
        prove(image)
    timeline(image)


if __name__ == "__main__":
    sys.exit(cli.run(main))
