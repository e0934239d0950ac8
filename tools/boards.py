#!/usr/bin/env python3
"""Makes the table of boards/README.md from boards/*/board.json."""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys

from device.listing import PAGE, page
from toolchain import cli


def main() -> None:
    parser = cli.parser(__doc__, "", "--write")
    parser.add_argument(
        "--write", action="store_true", help="write that file (default: print the page)"
    )
    write = parser.parse_args().write
    text = page(PAGE.read_text())
    if write:
        PAGE.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    sys.exit(cli.run(main))
