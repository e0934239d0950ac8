#!/usr/bin/env python3
"""How fast the firmware is in the MicroPython VM, and how much faster than Adafruit's DHCP client
for WIZNET5K, which is pure Python too.

Prints `name: value unit (xN.N of PEER, its value)`, one a line: N.N is how many times as fast, or
as small, as the peer's. It is left out where ours is 0. Values are medians.
"""

from __future__ import annotations

import sys

from measure import speed
from toolchain import cli


def main() -> None:
    parser = cli.parser("How fast the firmware is, against a peer.")
    parser.add_argument(
        "--quick", action="store_true", help="see whether it works: the figures are rough"
    )
    share = 20 if parser.parse_args().quick else 1
    speed.install_peer()
    path = speed.compile_both()
    print(*speed.messages(path, speed.ROUNDS // share), sep="\n", flush=True)
    try:
        print(*speed.starts(path, speed.STARTS // share), sep="\n")
    except cli.Unavailable as reason:
        print(f"bench: VM start and packets are left out: {reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(cli.run(main))
