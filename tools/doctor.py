#!/usr/bin/env python3
"""Asks a board why it has no address.

It tells what it runs, its link, its lease, its record, and what goes over the wire while it tries
once more; that becomes a page, too, with --html. Ends with a verdict, and what to do next.

It resets the board first; afterwards the board runs its own program again. Exit code 1: it has no
lease.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys
from pathlib import Path

from capture.notes import count
from device.examination import Findings, ask
from device.remote import resolved
from page.page import page
from toolchain import cli
from toolchain.files import check_writable

_SECONDS = 20


def main() -> int:
    parser = cli.parser(
        "Asks a board why it has no address: what it runs, its link, its lease, its record, and "
        "what goes over the wire while it tries once more. It resets the board first; afterwards "
        "the board runs its own program again.",
        "/dev/ttyACM0",
        "/dev/ttyACM0 --html page.html",
    )
    parser.add_argument(
        "port",
        nargs="?",
        help="the board's serial port, or auto; without it, the command lists the ports",
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=_SECONDS,
        metavar="S",
        help=f"how long the board may try for a lease, 1 to 600 (default: {_SECONDS})",
    )
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="also write a page for a browser, with each message that the board sends and gets; "
        "if the board has its lease without a message, ask it to renew",
    )
    arguments = parser.parse_args()
    port = resolved(arguments.port or "")
    if not 1 <= arguments.seconds <= 600:
        parser.error(f"--seconds: {arguments.seconds} is not from 1 to 600")
    path = Path(arguments.html) if arguments.html else None
    if path:
        check_writable(path, "--html")
    shown = 0
    asked = False
    for found in ask(port, arguments.seconds, bool(path)):
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
    if path:
        print(f"\n{_written(path, found, port)}")
    if found.more:
        print(f"more: {found.more}")
    return 0 if found.well else 1


def _written(path: Path, found: Findings, title: str) -> str:
    # Writes the page, if there is something to show; what to say about it.
    if not found.conversations:
        return f"no page: {found.silence}, so {path} is not written"
    path.write_text(page(found.conversations, title), "utf-8", newline="\n")
    said = f"{path} shows {count(sum(len(each.steps) for each in found.conversations), 'message')}"
    return f"{said}; {found.missed} more had no room on the board" if found.missed else said


if __name__ == "__main__":
    sys.exit(cli.run(main))
