#!/usr/bin/env python3
"""Opens the prompt of a board with mpremote. Ctrl-] leaves it."""

from __future__ import annotations

import toolchain.start  # noqa: F401

import os
import sys

from device.remote import check_port, resolved
from toolchain import cli
from toolchain.cli import Refusal


def main() -> None:
    parser = cli.parser(__doc__, "", "/dev/ttyACM0")
    parser.add_argument("port", nargs="?", default="auto", help="a0, u1, ... (default: auto)")
    port = resolved(parser.parse_args().port)
    check_port(port)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Refusal(
            f"a prompt takes a terminal; for one line: mpremote connect {port} exec LINE"
        )
    print(
        "The board is silent until something changes: Ctrl-C, then Ctrl-D, starts its program "
        "again.",
        flush=True,
    )
    mpremote = [sys.executable, "-m", "mpremote", "connect", port, "repl"]
    os.execv(mpremote[0], mpremote)


if __name__ == "__main__":
    sys.exit(cli.run(main))
