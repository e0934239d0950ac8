"""What the odd server hears, what it answers, and the changes that make an answer odd."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import Dot1Q, Ether

# RFC 2131 3.1, by their numbers in RFC 2132 9.6
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6

SERVER = "192.0.2.1"
OTHER = "192.0.2.2"  # a second server's
CLIENT = "192.0.2.100"
DNS = "192.0.2.53"
MASK = "255.255.255.0"

BROADCAST = 0x8000  # the flag
_ALL = "255.255.255.255"
_ALL_MACS = "ff:ff:ff:ff:ff:ff"
_SHORTEST = 300  # bytes of a message, RFC 1542 2.1


def ip4(*addresses: str) -> bytes:
    """Addresses as an option has them."""
    return b"".join(socket.inet_aton(address) for address in addresses)


def u32(number: int) -> bytes:
    """Seconds as an option has them."""
    return struct.pack("!I", number)


class Heard:
    """A client's message: `bootp`, scapy's layer; `mac`, whose it is; `to_all`, whether it is a
    broadcast; `kind`, option 53; `options`, {scapy's name: value}; `nth`, the how many-th of that
    kind it is."""

    nth = 1

    def __init__(self, frame: Any) -> None:
        self.mac: str = frame[Ether].src
        self.to_all: bool = frame[Ether].dst == _ALL_MACS
        self.bootp = frame[BOOTP]
        listed = frame[DHCP].options if DHCP in frame else ()
        self.options: dict[Any, Any] = {
            item[0]: item[1] for item in listed if isinstance(item, tuple)
        }
        self.kind: int = self.options.get("message-type", 0)

    @property
    def broadcast(self) -> bool:
        """Whether it asks for a broadcast reply."""
        return bool(int(self.bootp.flags) & BROADCAST)

    @property
    def reboots(self) -> bool:
        """Whether it verifies an address that it had: INIT-REBOOT, RFC 2131 3.2."""
        return self.kind == REQUEST and not self.has_address and "server_id" not in self.options

    @property
    def has_address(self) -> bool:
        """Whether it renews."""
        return bool(self.bootp.ciaddr != "0.0.0.0")


@dataclass
class Reply:
    """A reply before it is encoded; a change is a function that alters one.

    kind: OFFER, ACK or NAK. options: (code, value), or bytes that stand there as they are. ether,
    ip, udp, bootp: fields of scapy's layers. broadcast: to all, or else to the address that it
    grants, or that the client has. behind: what follows END; end: whether there is one; padded: to
    300 bytes. cut: how much of the message is sent. surplus: behind the message, trailer: behind
    the IP packet. tag: of a VLAN's priority. size: of fragments. index: how many replies to the
    same message went before.
    """

    heard: Heard
    kind: int
    options: list[tuple[int, bytes] | bytes]
    bootp: dict[str, Any]
    broadcast: bool
    ip: dict[str, Any] = field(default_factory=dict)
    ether: dict[str, Any] = field(default_factory=dict)
    udp: dict[str, Any] = field(default_factory=dict)
    behind: bytes = b""
    trailer: bytes = b""
    end: bool = True
    padded: bool = True
    cut: int | None = None
    tag: bool = False
    size: int = 0
    surplus: bytes = b""
    index: int = 0

    def message(self) -> bytes:
        """It, encoded."""
        listed = [*self.options, *(["end"] if self.end else []), self.behind]
        message = bytes(BOOTP(**self.bootp) / DHCP(options=listed))
        return (message.ljust(_SHORTEST, b"\0") if self.padded else message)[: self.cut]

    def frames(self) -> list[bytes]:
        """It on the wire."""
        one = self.heard.bootp.ciaddr if self.heard.has_address else self.bootp["yiaddr"]
        to, mac = (_ALL, _ALL_MACS) if self.broadcast else (one, self.heard.mac)
        link = Ether(**{"dst": mac, **self.ether})
        if self.tag:
            link /= Dot1Q(vlan=0, prio=6)
        udp = UDP(**{"sport": 67, "dport": 68, **self.udp})
        head = IP(**{"dst": to, "proto": 17, **self.ip})
        packet = head / udp / self.message()
        if self.surplus:  # of which UDP's length and checksum know nothing
            packet = head / (bytes(packet[UDP]) + self.surplus)
        packets = fragment(packet, self.size) if self.size else [packet]
        return [bytes(link / each) + self.trailer for each in packets]


Change = Callable[[Reply], None]


def reply(heard: Heard, kind: int, server: str, yiaddr: str, mac: str, index: int = 0) -> Reply:
    """The proper reply of a server to a message, RFC 2131 table 3."""
    asked = heard.bootp
    grants = kind != NAK
    made = Reply(
        heard,
        kind,
        [(53, bytes([kind])), (54, ip4(server))],
        {
            "op": 2,
            "xid": asked.xid,
            "flags": int(asked.flags),
            "ciaddr": asked.ciaddr if kind == ACK else "0.0.0.0",
            "yiaddr": yiaddr if grants else "0.0.0.0",
            "chaddr": asked.chaddr,
        },
        broadcast=not grants or heard.broadcast and not heard.has_address,
        ip={"src": server},
        ether={"src": mac},
        index=index,
    )
    if grants:
        made.options += [
            (51, u32(3600)),
            (58, u32(1800)),
            (59, u32(3150)),
            (1, ip4(MASK)),
            (3, ip4(SERVER)),
            (6, ip4(DNS)),
            (15, b"lab.example"),
        ]
    return made


# Changes of the options


def _code(item: tuple[int, bytes] | bytes) -> int:
    return item[0] if isinstance(item, tuple) else 0


def _size(item: tuple[int, bytes] | bytes) -> int:
    return len(item[1]) + 2 if isinstance(item, tuple) else len(item)


def put(code: int, value: bytes) -> Change:
    """Give an option that value, in its place, or behind all."""

    def change(reply: Reply) -> None:
        codes = [_code(item) for item in reply.options]
        at = codes.index(code) if code in codes else len(codes)
        reply.options[at : at + 1] = [(code, value)]

    return change


def drop(*codes: int) -> Change:
    """Leave options out."""

    def change(reply: Reply) -> None:
        reply.options = [item for item in reply.options if _code(item) not in codes]

    return change


def keep(*codes: int) -> Change:
    """Leave all other options out."""

    def change(reply: Reply) -> None:
        reply.options = [item for item in reply.options if _code(item) in codes]

    return change


def first(code: int, value: bytes) -> Change:
    """Put an option before all others, even its like."""
    return lambda reply: reply.options.insert(0, (code, value))


def twice(code: int, value: bytes | None = None) -> Change:
    """Add a second copy of an option, with another value if one is given."""

    def change(reply: Reply) -> None:
        for item in [item for item in reply.options if _code(item) == code]:
            reply.options.append(item if value is None else (code, value))

    return change


def raw(data: bytes) -> Change:
    """Put bytes behind the options."""
    return lambda reply: reply.options.append(data)


def raw_first(data: bytes) -> Change:
    """Put bytes before the options."""
    return lambda reply: reply.options.insert(0, data)


def last(code: int) -> Change:
    """Move an option behind all others."""
    return lambda reply: reply.options.sort(key=lambda item: _code(item) == code)


def filled(size: int, at: int | None = None) -> Change:
    """Make the message about `size` bytes long, with options before the one at that index, or
    behind all."""

    def change(reply: Reply) -> None:
        short = size - 241 - sum(map(_size, reply.options))
        where = len(reply.options) if at is None else at
        for i in range(0, short, 202):
            value = bytes([65 + i // 202]) * min(200, short - i - 2)
            reply.options[where:where] = [(224 + i // 202, value)]

    return change


def moved(into: str, *codes: int) -> Change:
    """Move options into the field `sname` or `file`, and say so in option 52 (overload)."""

    def change(reply: Reply) -> None:
        taken = [item for item in reply.options if _code(item) in codes]
        put(52, bytes([1 if into == "file" else 2]))(reply)
        drop(*codes)(reply)
        reply.bootp[into] = bytes(DHCP(options=[*taken, "end"]))

    return change


# Changes of all else


def bootp(**fields: Any) -> Change:
    """Set header fields of the message."""
    return lambda reply: reply.bootp.update(fields)


def ip(**fields: Any) -> Change:
    """Set fields of the IP header."""
    return lambda reply: reply.ip.update(fields)


def udp(**fields: Any) -> Change:
    """Set fields of the UDP header."""
    return lambda reply: reply.udp.update(fields)


def ether(**fields: Any) -> Change:
    """Set fields of the Ethernet header."""
    return lambda reply: reply.ether.update(fields)


def sends(**attributes: Any) -> Change:
    """Set attributes of the Reply."""
    return lambda reply: vars(reply).update(attributes)


def where(condition: Callable[[Reply], bool], *changes: Change) -> Change:
    """Make changes to the replies that meet a condition."""

    def change(reply: Reply) -> None:
        if condition(reply):
            for each in changes:
                each(reply)

    return change


def only(kind: int, *changes: Change) -> Change:
    """Make changes to replies of one kind."""
    return where(lambda reply: reply.kind == kind, *changes)


def renewing(*changes: Change) -> Change:
    """Make changes to the replies to a client that renews."""
    return where(lambda reply: reply.heard.has_address, *changes)


# What a server answers to a message: the kinds of its replies

Answers = Callable[[Heard], "tuple[int, ...]"]


def proper(heard: Heard) -> tuple[int, ...]:
    """An OFFER to a DISCOVER, an ACK to a REQUEST."""
    return {DISCOVER: (OFFER,), REQUEST: (ACK,)}.get(heard.kind, ())


def if_(condition: Callable[[Heard], bool]) -> Answers:
    """Proper ones to what meets a condition, none to all else."""
    return lambda heard: proper(heard) if condition(heard) else ()


def to(kind: int, *answers: int) -> Answers:
    """Those kinds of replies to messages of one kind, proper ones to the others."""
    return lambda heard: answers if heard.kind == kind else proper(heard)
