#!/usr/bin/env python3
"""The client at work, in four acts: a first boot, a second one from flash, a renewal, a release.

The firmware as boards get it runs in the MicroPython VM against a server built on scapy, by UDP on
127.0.0.1. What is shown was read from the sockets, from the flash, and from the client. Exit code
0 if each act went as RFC 2131 has it, else 1.
"""

from __future__ import annotations

import sys

from scenes.play import play
from scenes.server import Server
from scenes.view import View
from toolchain import cli


def main() -> int:
    cli.parser(__doc__.splitlines()[0]).parse_args()
    return play(Server(), View())


if __name__ == "__main__":
    sys.exit(cli.run(main))
