#!/usr/bin/env python3
"""How fast the firmware is in the MicroPython VMs, and how much faster than Adafruit's DHCP client
for WIZNET5K, which is pure Python too; and the one file that a board gets, beside the modules that
it is made of.

Prints `name: value unit (xN.N of PEER)  PEER value unit`, one a line; where ours is 0, without the
parentheses. Both sides are measured in turn. The quarter of the rounds with the lowest ratios and
the quarter with the highest are left out; the values are the medians of the others. N.N is the
peer's value divided by ours: how many times as fast, or as small, ours is. Imports are timed many
times in one VM, which has the built-in modules already.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import sys

from fleet import page
from measure import footprint, speed
from toolchain import cli


def main() -> None:
    parser = cli.parser(
        "Measures the speed of the firmware in the MicroPython VMs, beside Adafruit's DHCP "
        "client for WIZNET5K. Prints each figure, and how many times as fast ours is.",
        "--quick",
        "--fleet",
    )
    parser.add_argument(
        "--quick", action="store_true", help="check that it works; the figures are rough"
    )
    parser.add_argument(
        "--fleet", action="store_true", help="only simulate 1,000 boards that boot at once"
    )
    args = parser.parse_args()
    if args.fleet:
        print(*page.small(), sep="\n")
        return
    share = 20 if args.quick else 1
    speed.install_peer()
    path = speed.compile_both()
    print(*speed.messages(path, speed.ROUNDS // share), sep="\n", flush=True)
    for bits in (64, 32):
        machine = footprint.machine(bits)
        if machine.missing:
            print(f"bench: {machine.name} is left out: {machine.missing}", file=sys.stderr)
        else:
            rows = speed.loads(machine, speed.IMPORTS // share) + speed.clients(machine)
            print(*rows, sep="\n", flush=True)
    try:
        print(*speed.starts(path, speed.STARTS // share), sep="\n")
    except cli.Unavailable as reason:
        print(f"bench: VM start and packets are left out: {reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(cli.run(main))
