#!/usr/bin/env python3
"""The prompt of a board, by mpremote. Ctrl-] leaves it."""

from __future__ import annotations

from toolchain import cli  # first: from here on Ctrl-C ends in words

# isort: split
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from device.remote import resolved


def main() -> None:
    parser = cli.parser(__doc__)
    parser.add_argument("port", nargs="?", default="auto", help="auto, the default, a0, u1, ...")
    port = resolved(parser.parse_args().port)
    mpremote = [sys.executable, "-m", "mpremote", "connect", port, "repl"]
    os.execv(mpremote[0], mpremote)


if __name__ == "__main__":
    sys.exit(cli.run(main))
