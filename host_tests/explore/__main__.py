"""Searches deeper than the tests do: .venv/bin/python host_tests/explore DEPTH"""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDERS = ("firmware", "tools", "host_tests", "host_tests/cases")
sys.path[:1] = [str(ROOT / folder) for folder in FOLDERS]  # not this folder

from explore.session import Least, Most, explore  # noqa: E402
from toolchain import cli  # noqa: E402


def main() -> None:
    parser = cli.parser("Search through the states of the session, breadth first.")
    parser.add_argument("depth", type=int, help="events from the beginning, at most")
    args = parser.parse_args()
    for make in (Least, Most):
        start = time.process_time()
        found = explore(args.depth, make)
        print(f"{make.__name__}: {found}; {time.process_time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
