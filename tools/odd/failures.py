"""Clients that get no lease: how each failure is brought about, by a real server where one can do
it, and the recordings in host_tests/captures/failures.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from odd.oddity import ALL, Oddity, odd
from odd.replies import (
    ACK,
    DISCOVER,
    NAK,
    REQUEST,
    Change,
    bootp,
    drop,
    ether,
    ip,
    ip4,
    keep,
    only,
    put,
    raw,
    sends,
    to,
)
from odd.server import OddServer
from testbed.clients import CLIENTS, Client
from testbed.exchanges import record_all, write_page
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import LabError, wait_for
from testbed.program import Program
from testbed.servers import SERVERS
from testbed.wire import Capture

_SETTLE_S = 0.3  # for the answers to the last message to come in

_ELSEWHERE = "198.51.100.0/24"
_NEIGHBOUR = "02:00:00:00:00:02"
_THIRD, _THIRD_MAC = "192.0.2.9", "02:00:00:00:01:09"  # one more server

Story = Callable[[Lab, Client, Path | None], Capture]


@contextlib.contextmanager
def _recorded(lab: Lab, path: Path | None, kind: str, count: int) -> Iterator[Capture]:
    # What is done in the block, and from then on until the count-th message of that kind.
    with lab.capture(path) as capture:
        yield capture
        capture.wait(kind, count)
        time.sleep(_SETTLE_S)


def _alone(kind: str, count: int) -> Story:
    # No server

    def story(lab: Lab, client: Client, path: Path | None) -> Capture:
        with _recorded(lab, path, kind, count) as capture:
            client.start()
        return capture

    return story


def _before(oddity: Oddity, kind: str, count: int) -> Story:
    # The odd server

    def story(lab: Lab, client: Client, path: Path | None) -> Capture:
        with OddServer(lab) as server:
            server.be(oddity)
            with _recorded(lab, path, kind, count) as capture:
                client.start()
            if server.fault:
                raise LabError(f"the odd server: {server.fault!r}")
        return capture

    return story


def _refused(*changes: Change) -> Story:
    # A server whose OFFERs are not taken
    return _before(odd("", *changes), "DISCOVER", 3)


def _crowded(server: str) -> Story:
    # A server with one address, which another client has. Kea's answers to that do not come here:
    # they go to its MAC, as it may be behind a switch.

    def story(lab: Lab, client: Client, path: Path | None) -> Capture:
        lab.serve(server, Plan(clients=1))
        lab.add_host("neighbour", _NEIGHBOUR)
        with _recorded(lab, path, "DISCOVER", 5) as capture:
            words = ["udhcpc", "-f", "-B", "-i", "eth0", "-s", "/bin/true"]
            lab.start(words, host="neighbour")
            capture.wait("REQUEST")
            time.sleep(_SETTLE_S)
            client.start()
        return capture

    return story


def _moved(name: str) -> Story:
    # The client has a lease of another network; here there is no address for it

    def story(lab: Lab, client: Client, path: Path | None) -> Capture:
        server = lab.serve(name)
        client.start()
        wait_for(client.is_bound, f"lease of {client.name}")
        lab.cut_power()
        server.stop()
        lab.serve(name, Plan(subnet=_ELSEWHERE, clients=0))
        with _recorded(lab, path, "DISCOVER", 2) as capture:
            client.start()
        return capture

    return story


def _renewal(name: str) -> Story:
    # The server is replaced by one that has no address for this client

    def story(lab: Lab, client: Client, path: Path | None) -> Capture:
        plan = Plan(lease=600, t1=4, t2=20)
        with _recorded(lab, path, "DISCOVER", 3) as capture:
            server = lab.serve(name, plan)
            client.start()
            wait_for(client.is_bound, f"lease of {client.name}")
            server.stop()
            lab.serve(name, replace(plan, clients=0))
        return capture

    return story


@dataclass(frozen=True)
class Failure:
    """What happens, in a line; who brings it about: `server`, a key of SERVERS, "odd" or "none",
    and `client`, a key of CLIENTS; how; what the verdict on it says, if not all of it."""

    line: str
    server: str
    story: Story
    verdict: str
    client: str = "netup"

    def run(self, path: Path | None = None) -> Capture:
        """Have it happen in a lab of its own, recorded, to `path` if it is given."""
        with Lab() as lab:
            client = CLIENTS[self.client](lab)
            try:
                return self.story(lab, client, path)
            except LabError as error:
                raise LabError(f"{self.line}: {error}\n{client.log()}") from None


_NO_ANSWER = "no answer"
_NO_ACK = "192.0.2.1: it has offered an address, and has not answered the REQUEST"
_NOT_A_HOST = "192.0.2.1: it offers an address that cannot be a host's"
_NOT_DUE = "192.0.2.1: its message is not what the client waits for"
_NAK = "it has refused the address"

FAILURES: dict[str, Failure] = {
    "no-server": Failure("there is no server", "none", _alone("DISCOVER", 4), _NO_ANSWER),
    "no-server-dhclient": Failure(
        "there is no server", "none", _alone("DISCOVER", 3), _NO_ANSWER, "dhclient"
    ),
    "pool-used-up": Failure(
        "the server's one address is another client's",
        "dnsmasq",
        _crowded("dnsmasq"),
        _NO_ANSWER,
    ),
    "pool-used-up-kea": Failure(
        "the server's one address is another client's", "kea", _crowded("kea"), _NO_ANSWER
    ),
    "other-xid": Failure(
        "replies have another xid", "odd", _refused(bootp(xid=0x01020304)), "192.0.2.1: its xid"
    ),
    "other-client": Failure(
        "replies are for another client",
        "odd",
        _refused(bootp(chaddr=b"\2\0\0\0\0\x63")),
        "192.0.2.1: its chaddr",
    ),
    "op-request": Failure(
        "replies call themselves requests (op 1)", "odd", _refused(bootp(op=1)), _NO_ANSWER
    ),
    "bootp": Failure(
        "the server knows BOOTP alone: no option 53",
        "odd",
        _refused(drop(53, 54, 51, 58, 59)),
        _NOT_DUE,
    ),
    "never-acks": Failure(
        "the server makes offers, and never answers a REQUEST",
        "odd",
        _before(odd("", answers=to(REQUEST)), "REQUEST", 3),
        _NO_ACK,
    ),
    "never-acks-udhcpc": Failure(
        "the server makes offers, and never answers a REQUEST",
        "odd",
        _before(odd("", answers=to(REQUEST)), "REQUEST", 2),
        _NO_ACK,
        "udhcpc",
    ),
    "nak": Failure(
        "the client comes from another network; no address for it here: NAK, silence",
        "dnsmasq",
        _moved("dnsmasq"),
        f"198.51.100.1: {_NAK} (wrong network)",
    ),
    "nak-dhcpd": Failure(
        "the client comes from another network; no address for it here: NAK, silence",
        "dhcpd",
        _moved("dhcpd"),
        f"198.51.100.1: {_NAK}",
    ),
    "nak-kea": Failure(
        "the client comes from another network; no address for it here: NAK, silence",
        "kea",
        _moved("kea"),
        f"198.51.100.1: {_NAK}",
    ),
    "nak-always": Failure(
        "the server makes offers, and answers each REQUEST with a NAK",
        "odd",
        _before(odd("", answers=to(REQUEST, NAK), same=True), "NAK", 3),
        f"192.0.2.1: {_NAK}",
    ),
    "nak-renewal": Failure(
        "a lease; the server is set up anew, without addresses: the renewal gets a NAK",
        "dnsmasq",
        _renewal("dnsmasq"),
        f"192.0.2.1: {_NAK}",
    ),
    "two-servers": Failure(
        "one server makes offers, another answers the REQUESTs with a NAK",
        "odd",
        _before(
            odd(
                "",
                only(NAK, put(54, ip4(_THIRD)), ip(src=_THIRD), ether(src=_THIRD_MAC)),
                answers=to(REQUEST, NAK),
                same=True,
            ),
            "REQUEST",
            3,
        ),
        f"{_THIRD}: it is not the server that the client listens to",
    ),
    "two-servers-nameless": Failure(
        "a NAK that does not say whose it is comes before each ACK",
        "odd",
        _before(
            odd(
                "",
                only(NAK, keep(53), ip(src=_THIRD), ether(src=_THIRD_MAC)),
                answers=to(REQUEST, NAK, ACK),
                same=True,
            ),
            "NAK",
            3,
        ),
        _NAK,
    ),
    "address-network": Failure(
        "the address offered is the network's own",
        "odd",
        _refused(bootp(yiaddr="192.0.2.0")),
        _NOT_A_HOST,
    ),
    "address-all": Failure(
        "the address offered is 255.255.255.255",
        "odd",
        _refused(bootp(yiaddr=ALL), sends(broadcast=True)),
        _NOT_A_HOST,
    ),
    "cut-off": Failure(
        "only the first 200 bytes of each reply arrive", "odd", _refused(sends(cut=200)), "cut off"
    ),
    "cut-off-option": Failure(
        "each reply ends within its lease time",
        "odd",
        _refused(keep(53, 54), raw(b"\x33\4\0"), sends(end=False, padded=False)),
        "192.0.2.1: its reply has an option that is cut off",
    ),
    "ack-too-soon": Failure(
        "the server answers a DISCOVER with an ACK",
        "odd",
        _before(odd("", answers=to(DISCOVER, ACK)), "DISCOVER", 3),
        _NOT_DUE,
    ),
}

_README = """# Failures

Clients that get no lease, recorded in the project's own lab. `make captures` records all of it
again, `tools/lab.py fail NAME` one, and prints it. The server is a real one where one can be
brought to fail so, *odd* is the server of `tools/odd/`. The client has the MAC 02:00:00:00:00:01,
another one, where there is one, 02:00:00:00:00:02. The verdict is what `tools/decode.py` has to
say of it, or the part of it that counts. A message without a type (option 53) is a "-".

{versions}

| file | what happens | server | client | verdict | messages |
| --- | --- | --- | --- | --- | --- |
{rows}
"""


def record(out: Path) -> None:
    """Record all failures in the directory `out`, in place of the captures there."""
    failures = {f"{name}.pcap": each for name, each in FAILURES.items()}
    programs: set[type[Program]] = {CLIENTS[each.client] for each in failures.values()}
    programs |= {SERVERS[each.server] for each in failures.values() if each.server in SERVERS}
    types = record_all({file: each.run for file, each in failures.items()}, programs, out)
    rows = []
    for file, each in failures.items():
        cells = file, each.line, each.server, each.client, each.verdict, types[file]
        rows.append(f"| {' | '.join(cells)} |")
    write_page(_README, programs, rows, out)
