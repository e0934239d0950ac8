#!/usr/bin/env python3
"""Makes the table of boards/README.md from boards/*/board.json."""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys

from device.listing import PAGE, page
from toolchain import cli
from toolchain.parts import make


def main() -> None:
    parser = cli.parser(__doc__, "", "--write")
    make(parser, PAGE, lambda: page(PAGE.read_text()))


if __name__ == "__main__":
    sys.exit(cli.run(main))
