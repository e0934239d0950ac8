#!/usr/bin/env python3
"""Simulates loss and fleets, and makes the tables and charts of docs/fleets.md.

Everything runs on a virtual clock with fixed seeds: who runs it again gets the same.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys

from fleet import page
from toolchain import cli


def main() -> None:
    parser = cli.parser(
        "Simulates clients on a network that loses packets, and up to 100,000 boards at one "
        "server, and makes the tables and charts of docs/fleets.md.",
        "loss",
        "--write",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(page.PARTS)}; all")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write docs/fleets.md and docs/fleets (default: print them)",
    )
    args = parser.parse_args()
    if unknown := set(args.parts) - set(page.PARTS):
        raise cli.Refusal(f"no such part: {', '.join(sorted(unknown))}; {', '.join(page.PARTS)}")
    for name in args.parts or page.PARTS:
        part = page.PARTS[name]()
        if args.write:
            page.write(part)
        else:
            for title, rows in part.tables.items():
                print(f"{title}:", "", *rows, "", sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
