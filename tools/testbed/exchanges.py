"""What a client and a server do together: scenarios by their names, an exchange, and the
recordings in host_tests/captures.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from testbed.clients import CLIENTS, Client
from testbed.lab import Lab
from testbed.plan import INFINITE, Plan
from testbed.process import LabError, wait_for
from testbed.program import Program
from testbed.servers import SERVERS, Server
from testbed.wire import Capture
from toolchain import lanes


def _bind(client: Client, capture: Capture) -> None:
    """Start a client and wait for its first lease."""
    client.start()
    capture.wait("ACK")
    wait_for(client.is_bound, f"lease of {client.name}")


def _lease(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease, its renewal, its release"""
    with lab.capture(path) as capture:
        _bind(client, capture)
        client.renew()
        capture.wait("ACK", 2)
        client.release()
        capture.wait("RELEASE")
    return capture


def _reboot(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease, a power cut, the same lease confirmed"""
    with lab.capture(path) as capture:
        _bind(client, capture)
        lab.cut_power()
        client.start()
        capture.wait("ACK", 2)
    return capture


def _nak(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease, a power cut, the network renumbered: NAK, and a lease there"""
    with lab.capture(path) as capture:
        _bind(client, capture)
        lab.cut_power()
        server.stop()
        lab.serve(server.name, replace(server.plan, subnet="198.51.100.0/24"))
        client.start()
        capture.wait("NAK")
        capture.wait("ACK", 2)
    return capture


def _decline(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """an address that another host has: DECLINE, and a lease of another one"""
    client.start()  # once without a witness: servers offer a client its old address
    taken = wait_for(lab.addresses, "address on eth0")[0]
    lab.cut_power()
    lab.add_host("squatter", "02:00:00:00:00:02", taken)
    with lab.capture(path) as capture:
        client.start(*client.probing)
        capture.wait("DECLINE")
        capture.wait("ACK", 2)
    return capture


def _inform(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """an address set by hand: INFORM"""
    network = server.plan.network
    with lab.capture(path) as capture:
        client.start(f"--inform={network[50]}/{network.prefixlen}")
        capture.wait("ACK")
    return capture


def _rapid(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease by two messages (RFC 4039), its release"""
    with lab.capture(path) as capture:
        client.start(*client.rapid)
        capture.wait("ACK")
        wait_for(client.is_bound, f"lease of {client.name}")
        client.release()
        capture.wait("RELEASE")
    return capture


SCENARIOS = {f.__name__[1:]: f for f in (_lease, _reboot, _nak, _decline, _inform, _rapid)}


@dataclass(frozen=True)
class Exchange:
    """A client's exchange with a server; words are keys of SERVERS, CLIENTS, SCENARIOS and so on.

    broadcast: "client" sets the broadcast flag, "server" broadcasts unasked.
    """

    server: str
    client: str
    scenario: str = "lease"
    options: str = "everyday"
    lease: int = 600
    broadcast: str | None = None

    def __post_init__(self) -> None:
        can = CLIENTS[self.client].scenarios
        if self.scenario not in can:
            raise ValueError(f"{self.client} cannot do {self.scenario}, only {', '.join(can)}")

    def __str__(self) -> str:
        """Its arguments for `tools/lab.py run`."""
        words = [self.server, self.client, self.scenario]
        for option in fields(self)[3:]:
            if (value := getattr(self, option.name)) != option.default:
                words.append(f"--{option.name} {value}")
        return " ".join(words)

    @property
    def file(self) -> str:
        """The name of its capture file."""
        return str(self).replace("--options ", "").replace("--", "").replace(" ", "-") + ".pcap"

    def run(self, path: Path | None = None) -> Capture:
        """Run it in a lab of its own, and record it, to `path` if it is given."""
        SERVERS[self.server].require()
        CLIENTS[self.client].require()
        plan = Plan(
            options=self.options,
            lease=self.lease,
            t1=3,  # for clients that cannot be told to renew
            t2=self.lease * 7 // 8,
            force=self.options != "everyday",
            broadcast=self.broadcast == "server",
            rapid=self.scenario == "rapid",
        )
        with Lab() as lab:
            client = CLIENTS[self.client](lab, broadcast=self.broadcast == "client")
            server = lab.serve(self.server, plan)
            try:
                return SCENARIOS[self.scenario](lab, server, client, path)
            except LabError as error:
                raise LabError(f"{self}: {error}\n{client.log()}\n{server.log()}") from None


def recordings() -> list[Exchange]:
    """What host_tests/captures holds."""
    each = [
        exchange
        for server in SERVERS
        for exchange in (
            *(Exchange(server, client) for client in CLIENTS),
            # Kea knows no largest size, and udhcpc has room for 628 bytes alone.
            Exchange(server, "dhcpcd" if server == "kea" else "udhcpc", options="rich"),
            Exchange(server, "udhcpc", "decline"),
            Exchange(server, "netup", "decline"),
            Exchange(server, "dhclient", "nak"),
            Exchange(server, "dhcpcd", "reboot"),
            Exchange(server, "dhcpcd", "inform"),
            Exchange(server, "netup", "nak", options="rich"),
        )
    ]
    some = [
        Exchange("dnsmasq", "dhcpcd", "rapid"),
        Exchange("dnsmasq", "dhclient", "reboot", options="minimal", lease=INFINITE),
        Exchange("dhcpd", "udhcpc", options="minimal"),
        Exchange("dhcpd", "dhcpcd", options="long"),
        Exchange("kea", "dhcpcd", options="long"),
        Exchange("dnsmasq", "udhcpc", broadcast="client"),
        Exchange("dhcpd", "dhcpcd", broadcast="client"),
        Exchange("kea", "dhcpcd", broadcast="client"),
        Exchange("dhcpd", "udhcpc", broadcast="server"),
    ]
    return each + some


_README = """# Captures

DHCP traffic between real servers and clients, one exchange a file, recorded on the client's cable
in the project's own lab. `make captures` records all of it again; `tools/lab.py run`, with the
arguments beside a file, runs that exchange alone and prints it. Clients that get no lease are in
[failures/](failures/README.md).

{versions}

| file | what happens | `tools/lab.py run` | messages |
| --- | --- | --- | --- |
{rows}
"""


def record(out: Path) -> None:
    """Record all of `recordings` in the directory `out`, in place of the captures there."""
    exchanges = {exchange.file: exchange for exchange in recordings()}
    programs: set[type[Program]] = {SERVERS[each.server] for each in exchanges.values()}
    programs |= {CLIENTS[each.client] for each in exchanges.values()}
    types = record_all({file: each.run for file, each in exchanges.items()}, programs, out)
    rows = [
        f"| {file} | {SCENARIOS[each.scenario].__doc__} | `{each}` | {types[file]} |"
        for file, each in exchanges.items()
    ]
    write_page(_README, programs, rows, out)


def record_all(
    runs: Mapping[str, Callable[[Path], Capture]], programs: set[type[Program]], out: Path
) -> dict[str, str]:
    """Record in the directory `out`, in place of the captures there; all or none of them. Return
    the types of the messages in each file.

    runs: what records a file, by the file's name. Unavailable: one of the programs is missing.
    """
    for program in programs:
        program.require()
    out.mkdir(parents=True, exist_ok=True)  # what cannot be is said before the work
    types = {}
    with tempfile.TemporaryDirectory() as new:
        for file, capture in lanes.run(runs, lambda file: runs[file](Path(new, file)), lanes=4):
            types[file] = " ".join(capture.types())
            print(f"{file}: {types[file]}", flush=True)
        for old in out.glob("*.pcap"):
            old.unlink()
        for file in runs:
            shutil.copy(Path(new, file), out)
    return types


def write_page(text: str, programs: set[type[Program]], rows: list[str], out: Path) -> None:
    """Write the README of a directory of captures: what made them, and a row for each."""
    versions = ", ".join(sorted(program.version() for program in programs))
    (out / "README.md").write_text(text.format(versions=versions, rows="\n".join(rows)))
