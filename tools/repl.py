#!/usr/bin/env python3
"""Opens the prompt of a board with mpremote. Ctrl-] leaves it."""

from __future__ import annotations

import toolchain.start  # noqa: F401

import os
import sys

from device.remote import resolved, why_not
from toolchain import cli
from toolchain.cli import Refusal


def main() -> None:
    parser = cli.parser(__doc__, "", "/dev/ttyACM0")
    parser.add_argument("port", nargs="?", default="auto", help="a0, u1, ... (default: auto)")
    port = resolved(parser.parse_args().port)
    if os.name == "posix" and not os.access(port, os.R_OK | os.W_OK):
        raise Refusal(why_not(port))
    mpremote = [sys.executable, "-m", "mpremote", "connect", port, "repl"]
    os.execv(mpremote[0], mpremote)


if __name__ == "__main__":
    sys.exit(cli.run(main))
