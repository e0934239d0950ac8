"""What a server is to hand out, and how: options, times, addresses."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network

INFINITE = 0xFFFFFFFF  # a lease time, RFC 2131 3.3


class SearchList(bytes):
    """A domain search list, RFC 3397. Names that end in the first one point to it."""

    names: tuple[str, ...]

    def __new__(cls, first: str, *others: str) -> SearchList:
        encoded = _labels(first) + b"\0"
        for name in others:
            head = name.removesuffix("." + first)
            encoded += _labels(head) + (b"\0" if head == name else b"\xc0\0")
        value = super().__new__(cls, encoded)
        value.names = (first, *others)
        return value


def _labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))


def _routes(network: IPv4Network, count: int) -> bytes:
    """A default route and `count` others, RFC 3442."""
    through = network[1].packed
    return b"\0" + through + b"".join(bytes((24, 10, 0, n)) + through for n in range(count))


def _everyday(network: IPv4Network) -> dict[int, bytes]:
    return {
        3: network[1].packed,
        6: network[53].packed + network[54].packed,
        15: b"lab.example",
        28: network.broadcast_address.packed,
        42: network[1].packed,
    }


def _rich(network: IPv4Network) -> dict[int, bytes]:
    return _everyday(network) | {
        17: b"192.0.2.60:/srv/root",
        26: struct.pack("!H", 1400),
        43: b"\x01\x04" + network[60].packed + b"\x02\x12http://lab.example\x80\x01\x05",
        100: b"CET-1CEST,M3.5.0,M10.5.0/3",
        101: b"Europe/Berlin",
        114: b"https://portal.lab.example/.well-known/captive-portal",
        119: SearchList("lab.example", "eng.lab.example", "sales.lab.example", "example.org"),
        120: b"\x01" + network[60].packed,
        121: _routes(network, 12),
        125: struct.pack("!IB", 32473, 14) + b"\x01\x0cexample-text",
        209: b"boot/lab.cfg",
        210: b"http://boot.lab.example/",
    }


OPTION_SETS: dict[str, Callable[[IPv4Network], dict[int, bytes]]] = {
    "minimal": lambda network: {},
    "everyday": _everyday,
    "rich": _rich,  # so many that they overflow into `file` and `sname`: RFC 2131 4.1
    "long": lambda network: _everyday(network) | {121: _routes(network, 40)},  # RFC 3396
}


@dataclass(frozen=True)
class Plan:
    """What a server hands out, and how.

    subnet: "a.b.c.0/n", of which hosts from 100 on are for clients, 100 of them unless `clients`
    says fewer (udhcpd cannot do without one). host: the server's own number there. lease, t1, t2:
    seconds; T1 and T2 are sent if they are given (dnsmasq has a lease last 120 s at least, T1 and
    T2 2 s). options: a key of OPTION_SETS. extra: more of them, {code: value}. force: send them to
    clients that do not ask for them too. authoritative: NAK even where only who knows all clients
    can tell (udhcpd always does). broadcast: reply so to every client (udhcpd always does, Kea
    cannot). rapid: answer a DISCOVER with Rapid Commit (RFC 4039) with an ACK; dnsmasq alone can.
    """

    subnet: str = "192.0.2.0/24"
    clients: int = 100
    host: int = 1
    lease: int = 3600
    t1: int | None = None
    t2: int | None = None
    options: str = "everyday"
    extra: dict[int, bytes] = field(default_factory=dict)
    force: bool = False
    authoritative: bool = True
    broadcast: bool = False
    rapid: bool = False

    @property
    def network(self) -> IPv4Network:
        return IPv4Network(self.subnet)

    @property
    def server(self) -> str:
        """The server's address."""
        return str(self.network[self.host])

    @property
    def pool(self) -> tuple[str, str]:
        """The first and the last address for clients, if there are any."""
        return str(self.network[100]), str(self.network[99 + self.clients])

    def all_options(self) -> dict[int, bytes]:
        """What is sent besides subnet mask, lease time and server identifier."""
        options = OPTION_SETS[self.options](self.network)
        for code, seconds in ((58, self.t1), (59, self.t2)):
            if seconds is not None:
                options[code] = struct.pack("!I", seconds)
        return options | self.extra
