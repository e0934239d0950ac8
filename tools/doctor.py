#!/usr/bin/env python3
"""Asks a board why it has no address.

It tells what it runs, its link, its lease, its record, and what goes over the wire while it tries
once more. Ends with a verdict, and what to do next.

The board is reset before, and goes on with its own program afterwards. Exit code 1: it has no
lease.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from device.examination import ask
from device.remote import ports
from toolchain import cli

_SECONDS = 20


def main() -> int:
    parser = cli.parser(__doc__.splitlines()[0])
    parser.add_argument(
        "port", nargs="?", help="the board's serial port; without it, they are listed"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=_SECONDS,
        metavar="S",
        help=f"how long it may try for a lease, 1 to 600; {_SECONDS} without this",
    )
    arguments = parser.parse_args()
    if not arguments.port:
        raise cli.Refusal(f"PORT= is missing; {ports()}")
    if not 1 <= arguments.seconds <= 600:
        parser.error(f"--seconds: {arguments.seconds} is not from 1 to 600")
    shown = 0
    asked = False
    for found in ask(arguments.port, arguments.seconds):
        for name, text in found.lines[shown:]:
            print(f"{name:12}{text}", flush=True)
        shown = len(found.lines)
        if not (found.verdict or asked):
            asked = True
            print(f"asks for a lease, for {arguments.seconds} s at most", flush=True)
    for line in found.story:
        print(line)
    print(f"\n{found.verdict}")
    if found.advice:
        print(found.advice)
    return 0 if found.well else 1


if __name__ == "__main__":
    sys.exit(cli.run(main))
