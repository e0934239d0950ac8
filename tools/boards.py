#!/usr/bin/env python3
"""Lists the boards that there are, from boards/*/board.json: the table of boards/README.md."""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys

from device.listing import PAGE, page
from toolchain import cli


def main() -> None:
    parser = cli.parser(__doc__, "", "--write")
    parser.add_argument("--write", action="store_true", help="into that file; else print the page")
    write = parser.parse_args().write
    text = page(PAGE.read_text())
    if write:
        PAGE.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    sys.exit(cli.run(main))
