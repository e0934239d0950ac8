#!/usr/bin/env python3
"""Draws the session's states: the picture and the tables in docs/states.md.

The arrows are found by driving the session; what each state sends and takes is in its tables. The
rest of the page is written by hand.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys

from figure.drawing import PAGE, page
from toolchain import cli
from toolchain.parts import make


def main() -> None:
    parser = cli.parser(__doc__.splitlines()[0], "--write")
    make(parser, PAGE, lambda: page(PAGE.read_text()))


if __name__ == "__main__":
    sys.exit(cli.run(main))
