#!/usr/bin/env python3
"""The client at work, in four acts: a first boot, a second one from flash, a renewal, a release.

The firmware as boards get it runs in the MicroPython VM against a server built on scapy, by UDP on
127.0.0.1. What is shown was read from the sockets, from the flash, and from the client. Exit code
0 if each act went as RFC 2131 has it, else 1.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys
from pathlib import Path

from scenes.play import play
from scenes.server import Server
from scenes.view import View
from toolchain import cli
from toolchain.files import check_writable


def main() -> int:
    parser = cli.parser(
        "Shows the client at work: the firmware in the MicroPython VM and a DHCP server, both on "
        "this computer, in four acts: a first boot, a second one from flash, a renewal, a "
        "release. It needs no board and no rights, and takes 5 seconds.",
        "",
    )
    parser.add_argument(
        "--svg",
        type=Path,
        metavar="FILE",
        help="write the second act as a picture, the one in README.md",
    )
    svg = parser.parse_args().svg
    if svg:
        check_writable(svg, "--svg", "<svg ")
    return play(Server(), View(), svg)


if __name__ == "__main__":
    sys.exit(cli.run(main))
