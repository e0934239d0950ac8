#!/usr/bin/env python3
"""The lab: real DHCP servers and clients on a network of their own.

Lists what there is of it, runs one exchange or one failure and prints it, records
host_tests/captures, puts clients before an odd server and makes docs/odd-servers.md, has them play
the same scenes and makes docs/peers.md, or lets a fleet of boards meet one server.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import sys
from pathlib import Path

from fleet import live
from odd import failures, table
from odd.columns import COLUMNS, OURS, Column
from odd.oddities import ODDITIES, named
from peers import page, rules
from peers import table as peers_table
from peers.players import OURS as THIS
from peers.players import PLAYERS
from peers.scenes import EVERYWHERE, SCENES
from peers.traffic import Sent
from testbed.clients import CLIENTS
from testbed.exchanges import SCENARIOS, Exchange, record
from testbed.lab import Lab
from testbed.plan import OPTION_SETS
from testbed.program import Program
from testbed.servers import SERVERS
from toolchain import cli, vm
from toolchain.files import PCAP, check_writable


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


def show_oddities() -> None:
    """Print their names."""
    for title, oddities in ODDITIES.items():
        print(title)
        for name, oddity in oddities.items():
            print(f"  {name:26} {oddity.line}")


def meet_oddities(
    names: list[str], clients: list[str], lanes: int, verbose: bool, out: Path | None
) -> int:
    """Put clients before odd servers, print what they get, and write the page. The exit code: 1 if
    this project's client does not get what it is to get."""
    oddities = {name: oddity for name, oddity in named().items() if not names or name in names}
    if unknown := set(names) - set(oddities):
        raise cli.Refusal(f"no such oddity: {', '.join(sorted(unknown))}; odd --list lists them")
    if out:
        check_writable(out, "--out", table.TITLE)
    columns, missing = table.able(
        column for column in COLUMNS if not clients or column.title in clients
    )
    for column, reason in missing.items():
        print(f"{column.title}: {reason}", file=sys.stderr)
    if not columns:
        return cli.Unavailable.code

    def tell(name: str, column: type[Column], outcome: table.Outcome) -> None:
        print(f"{name:26} {column.title:15} {outcome.seconds:5.1f} s  {outcome}", flush=True)
        if verbose:
            print(outcome.said)

    outcomes = table.run(oddities, columns, lanes, tell)
    for column in columns:
        print(f"{column.title}: {table.count(outcomes, column)}")
    if out:
        out.write_text(table.page(outcomes))
    return int(
        any(
            str(outcome) != "yes"
            for (name, column), outcome in outcomes.items()
            if column in OURS and table.takes(column, oddities[name])
        )
    )


def fail(name: str | None, pcap: Path | None) -> int:
    """Have a client fail to get a lease, and print what went over the wire; or list the failures.
    The exit code."""
    if name is None:
        for each, failure in failures.FAILURES.items():
            print(f"{each:22} {failure.line}")
        return 0
    if name not in failures.FAILURES:
        raise cli.Refusal(f"no such failure: {name}; tools/lab.py fail lists them")
    if pcap:
        check_writable(pcap, "--pcap", PCAP)
    print(failures.FAILURES[name].run(pcap).text(), end="")
    return 0


def compare(names: list[str], lanes: int, out: Path | None) -> int:
    """Have this client and others play scenes, print what each has sent, and write the page. The
    exit code: 1 if this client breaks a rule of RFC 2131, or if all scenes were played and the
    explanations are not those of what was found.
    """
    if unknown := set(names) - set(SCENES):
        raise cli.Refusal(f"no such scene: {', '.join(sorted(unknown))}; {', '.join(SCENES)}")
    if out and names:
        raise cli.Refusal("--out: the page has all scenes; name none")
    if out:
        check_writable(out, "--out", page.TITLE)
    for player in PLAYERS:
        player.client.require()
    for server in ("dnsmasq", "dhcpd", "kea"):
        SERVERS[server].require()

    def tell(key: peers_table.Key, sent: list[Sent]) -> None:
        print(f"{key[0]:14} {key[1]:12} {', '.join(each.kind for each in sent)}", flush=True)

    runs = peers_table.run(names or SCENES, PLAYERS, lanes, tell)
    wrong = [] if names else peers_table.unexplained(runs, EVERYWHERE)
    for (name, title), sent in runs.items():
        broken = [f"{name}: {title}: {each.kind}: {rule}" for each, rule in rules.broken(sent)]
        if title == THIS.title:
            wrong += broken
        else:
            print(*broken, sep="\n", end="\n" * bool(broken))
    print(*wrong, sep="\n", end="\n" * bool(wrong), file=sys.stderr)
    if out and not wrong:
        out.write_text(page.page(runs))
    return int(bool(wrong))


def meet_server(boards: int, server: str) -> int:
    """Give many boards power at once before one server, and print how long it takes. The exit
    code: 1 if one has no lease, or that of another one."""
    if not 0 < boards <= live.MOST:
        raise cli.Refusal(f"--boards: 1 to {live.MOST:,}, not {boards}")
    SERVERS[server].require()
    found = live.run(boards, server)
    print(f"leases: {len(found.leases)} of {boards} boards, from {SERVERS[server].version()}")
    for percent in (50, 99, 100):
        if found.seconds:
            after = found.seconds[max(len(found.seconds) * percent // 100 - 1, 0)]
            print(f"{percent} % of them: {after:.1f} s")
    print(f"sent by a board: {found.sent / boards:.1f}")
    faults = found.faults(boards)
    print(*faults, sep="\n", end="\n" * bool(faults), file=sys.stderr)
    return int(bool(faults))


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = cli.parser(
        "Runs real DHCP servers and clients on a network of their own, in Linux namespaces that "
        "end with it, and shows what they say. `list` says what this computer lacks; each "
        "COMMAND has its own --help.",
        "list",
        "run dnsmasq netup",
        "fail no-server",
        "odd --client rp2",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="list servers, clients, scenarios, and what is missing")
    run = commands.add_parser("run", help="run one exchange, printed by tcpdump")
    run.add_argument("server", choices=SERVERS)
    run.add_argument("client", choices=CLIENTS)
    run.add_argument("scenario", choices=SCENARIOS, nargs="?", default="lease")
    run.add_argument(
        "--options",
        choices=OPTION_SETS,
        default="everyday",
        help="the options that the server sends",
    )
    run.add_argument("--lease", type=int, default=600, metavar="S", help="lease time, seconds")
    run.add_argument(
        "--broadcast", choices=("client", "server"), help="the side that asks for broadcasts"
    )
    run.add_argument("--pcap", type=Path, metavar="FILE", help="keep the capture")
    again = commands.add_parser("record", help="record the captures of the test suite again")
    again.add_argument("--out", type=Path, metavar="DIR", default=vm.ROOT / "host_tests/captures")
    fail = commands.add_parser("fail", help="let a client get no lease, printed by tcpdump")
    fail.add_argument("name", metavar="NAME", nargs="?", help="a failure; without it, list them")
    fail.add_argument("--pcap", type=Path, metavar="FILE", help="keep the capture")
    odd = commands.add_parser("odd", help="show who gets a lease from odd servers")
    odd.add_argument("names", nargs="*", metavar="NAME", help="oddities (default: all)")
    odd.add_argument("--list", action="store_true", help="list them")
    odd.add_argument(
        "--client",
        action="append",
        choices=[column.title for column in COLUMNS],
        default=[],
        dest="clients",
        help="only this client; may be repeated (default: all)",
    )
    odd.add_argument(
        "--lanes", type=int, default=2, metavar="N", help="how many labs for each client"
    )
    odd.add_argument(
        "-v", "--verbose", action="store_true", help="also print what each client said"
    )
    odd.add_argument(
        "--out", type=Path, metavar="FILE", help="write the page, docs/odd-servers.md"
    )
    peers = commands.add_parser("peers", help="play the same scenes with this client and others")
    peers.add_argument("names", nargs="*", metavar="NAME", help="scenes (default: all)")
    peers.add_argument("--lanes", type=int, default=8, metavar="N", help="how many labs at once")
    peers.add_argument("--out", type=Path, metavar="FILE", help="write the page, docs/peers.md")
    fleet = commands.add_parser("fleet", help="boot many boards at once before one server")
    fleet.add_argument(
        "--boards", type=int, default=1000, metavar="N", help="how many (default: 1000)"
    )
    fleet.add_argument(
        "--server", choices=("kea", "dnsmasq", "dhcpd"), default="kea", help="default: kea"
    )
    return parser.parse_args()


def main() -> int:
    args = vars(parsed())
    try:
        match args.pop("command"):
            case "list":
                return show_list()
            case "record":
                record(args["out"])
                failures.record(args["out"] / "failures")
            case "fail":
                return fail(**args)
            case "odd":
                if args.pop("list"):
                    show_oddities()
                    return 0
                return meet_oddities(**args)
            case "peers":
                return compare(**args)
            case "fleet":
                return meet_server(**args)
            case "run":
                pcap = args.pop("pcap")
                if pcap:
                    check_writable(pcap, "--pcap", PCAP)
                print(Exchange(**args).run(pcap).text(), end="")
    except ValueError as error:  # what a server or a client cannot do
        raise cli.Refusal(str(error)) from None
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
