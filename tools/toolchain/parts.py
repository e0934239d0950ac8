"""Pages that a command makes, and such as are written by hand but for some parts, each between two
marks, which a command makes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolchain.cli import Refusal

_END = "<!-- until here -->"


def put(
    text: str, page: str, command: str, parts: Mapping[str, Sequence[str]], kind: str = ""
) -> str:
    """The text of a page with these parts, lines by their names, in their places. page, command:
    their names. kind: what each part is, if its name does not say so. Refusal: a part has no place
    there.
    """
    for name, lines in parts.items():
        begin = f"<!-- made by tools/{command}: {name} -->"
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(_END)
        if not (begun and ended):
            what = f"{kind} {name}".strip()
            raise Refusal(f"{page} has no place for the {what}: {begin} ... {_END}")
        text = "\n".join([before + begin, "", *lines, "", _END + after])
    return text


def make(parser: argparse.ArgumentParser, page: Path, text: Callable[[], str]) -> None:
    """Make a page anew, as its command does: print it, or put it in its place."""
    parser.add_argument(
        "--write", action="store_true", help="write that file (default: print the page)"
    )
    write = parser.parse_args().write
    made = text()
    if write:
        page.write_text(made)
    else:
        print(made, end="")
