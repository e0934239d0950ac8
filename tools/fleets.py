#!/usr/bin/env python3
"""Simulates loss and fleets, and makes the tables and charts of docs/fleets.md.

Everything runs on a virtual clock with fixed seeds: who runs it again gets the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from fleet import page
from toolchain import cli


def main() -> None:
    parser = cli.parser(__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(page.PARTS)}; all")
    parser.add_argument(
        "--write", action="store_true", help="into docs/fleets.md and docs/fleets; else print"
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
