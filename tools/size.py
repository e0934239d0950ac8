#!/usr/bin/env python3
"""Shows what the firmware costs a board: bytes of .mpy and heap after import, against the budget,
and what has grown since the last commit.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import json
import sys

from measure.footprint import BUDGET, TITLES, core, files, growth, heap, machine
from toolchain import cli
from toolchain.cli import Refusal
from toolchain.package import ROOT_MODULE


def main() -> int:
    parser = cli.parser(__doc__, "", "--json")
    parser.add_argument("--json", action="store_true", help="print one object with all figures")
    as_json = parser.parse_args().json

    sizes = files()
    figures: dict[str, int | None] = {
        "total": sizes[ROOT_MODULE],
        "core": core(),
        "heap64": None,
        "heap32": None,
    }
    missing = [machine(bits) for bits in (64, 32) if machine(bits).missing]
    for bits in (64, 32):
        if machine(bits) not in missing:
            figures[f"heap{bits}"] = heap(bits)
    over = [name for name, bytes_ in figures.items() if (bytes_ or 0) > BUDGET[name].must]

    if as_json:
        budget = {name: limit._asdict() for name, limit in BUDGET.items()}
        print(json.dumps({"mpy": sizes, **figures, "budget": budget, "over": over}))
    else:
        print_table(sizes, figures)
        print_growth()
        for absent in missing:
            print(f"{absent.name}: {absent.missing}")
        print(f"total {figures['total']} bytes")
    return 1 if over else 0


def print_table(sizes: dict[str, int], figures: dict[str, int | None]) -> None:
    row = "{:32}{:>7}{:>7}{:>7}   {}".format
    print(row("bytes", "now", "must", "aim", "").rstrip())
    for name, (must, aim) in BUDGET.items():
        figure = figures[name]
        if figure is None:
            verdict = "not measured"
        elif figure > must:
            verdict = f"{figure - must} OVER"
        else:
            verdict = "aim reached" if figure <= aim else f"{figure - aim} over the aim"
        print(row(TITLES[name], "-" if figure is None else figure, must, aim, verdict))
    for name, size in sizes.items():
        if name != ROOT_MODULE:
            print(row(f"extra: {name}", size, "", "", "").rstrip())
    print("must: what the tests hold. aim: where we want to stand.")


def print_growth() -> None:
    try:
        changes = growth()
    except Refusal as reason:
        print(f"since the last commit: not known, {reason}")
        return
    print(f"since the last commit: {sum(changes.values()):+}")
    for name, change in changes.items():
        print(f"{change:+7} {name}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
