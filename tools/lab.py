#!/usr/bin/env python3
"""The lab: real DHCP servers and clients on a network of their own.

Lists what there is of it, runs one exchange and prints it, or records host_tests/captures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from testbed.clients import CLIENTS
from testbed.exchanges import SCENARIOS, Exchange, record
from testbed.lab import Lab
from testbed.plan import OPTION_SETS
from testbed.program import Program
from testbed.servers import SERVERS
from toolchain import cli, vm


def show_list() -> int:
    """Print what the lab has; on stderr what it lacks, and the remedy. The exit code."""
    lacking = []
    programs: list[type[Program]] = [*SERVERS.values(), *CLIENTS.values()]
    for program in programs:
        try:
            program.require()
            print(program.version())
        except cli.Unavailable as error:
            lacking.append(str(error))
    for name, scenario in SCENARIOS.items():
        print(f"{name}: {scenario.__doc__}")
    try:
        Lab().__enter__().close()
    except cli.Unavailable as error:
        lacking.append(str(error))
    print(*lacking, sep="\n", end="\n" if lacking else "", file=sys.stderr)
    return cli.Unavailable.code if lacking else 0


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = cli.parser("Real DHCP servers and clients in namespaces.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="servers, clients, scenarios; what is missing")
    run = commands.add_parser("run", help="one exchange, printed by tcpdump")
    run.add_argument("server", choices=SERVERS)
    run.add_argument("client", choices=CLIENTS)
    run.add_argument("scenario", choices=SCENARIOS, nargs="?", default="lease")
    run.add_argument("--options", choices=OPTION_SETS, default="everyday", help="handed out")
    run.add_argument("--lease", type=int, default=600, metavar="S", help="lease time, seconds")
    run.add_argument("--broadcast", choices=("client", "server"), help="who wants broadcasts")
    run.add_argument("--pcap", type=Path, metavar="FILE", help="keep the capture")
    again = commands.add_parser("record", help="record the captures of the test suite again")
    again.add_argument("--out", type=Path, metavar="DIR", default=vm.ROOT / "host_tests/captures")
    return parser.parse_args()


def main() -> int:
    args = vars(parsed())
    try:
        match args.pop("command"):
            case "list":
                return show_list()
            case "record":
                record(args["out"])
            case "run":
                pcap = args.pop("pcap")
                print(Exchange(**args).run(pcap).text(), end="")
    except ValueError as error:  # what a server or a client cannot do
        raise cli.Refusal(str(error)) from None
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
