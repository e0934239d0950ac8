"""What a client sent in a scene, as scapy reads it. Each message comes with what was known then:
the state that the client must be in, the OFFERs that it has, the lease that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from testbed.network import CLIENT_MAC
from testbed.wire import Message

ANY = "0.0.0.0"
ALL = "255.255.255.255"
ALL_MACS = "ff:ff:ff:ff:ff:ff"
BROADCAST = 0x8000  # the flag

DISCOVER = "DISCOVER"
SELECTING = "REQUEST in SELECTING"  # as RFC 2131 table 4 and section 4.3.2 name the four
INIT_REBOOT = "REQUEST in INIT-REBOOT"
RENEWING = "REQUEST in RENEWING"
REBINDING = "REQUEST in REBINDING"
DECLINE = "DECLINE"
RELEASE = "RELEASE"
KINDS = (INIT_REBOOT, DISCOVER, SELECTING, RENEWING, REBINDING, RELEASE, DECLINE)
NONE = "REQUEST without an OFFER or a lease"  # of no state at all

_GRAIN_S = 0.5  # how far a client's clock and the capture's may be apart


@dataclass(frozen=True)
class Held:
    """A lease as the wire shows it. since: when the REQUEST was first sent."""

    ip: str
    server: str
    since: float
    t2: float
    end: float


@dataclass(frozen=True, eq=False)
class Sent:
    """A message of a client's. kind: one of KINDS, or NONE. At that time: `offers` that answer its
    last DISCOVER; the lease that is `held` or stored; the client's message `before`; the `first`
    of this exchange, which began without a lease, at T1, or with a stored lease; the `origin`, its
    first since it was started. macs: {address: MAC} of the servers.
    """

    message: Message
    kind: str
    offers: tuple[Message, ...] = ()
    held: Held | None = None
    before: Sent | None = field(default=None, repr=False)
    first: Sent | None = field(default=None, repr=False)
    origin: Sent | None = field(default=None, repr=False)
    macs: dict[str, str] = field(default_factory=dict)

    @property
    def time(self) -> float:
        """When it was sent, in seconds since 1970."""
        return self.message.time

    @property
    def bootp(self) -> Any:
        """Its BOOTP fields."""
        return self.message.bootp

    @property
    def ip(self) -> Any:
        """Its IP header."""
        return self.message.ip

    @property
    def to_all(self) -> bool:
        """Whether it is a broadcast, as IP and as a frame."""
        return bool(self.ip.dst == ALL and self.message.ether.dst == ALL_MACS)

    @property
    def options(self) -> dict[int, Any]:
        """{code: value as scapy has it}, but for pad and END."""
        return {code_of(name): value for name, value in self.message.options.items()}

    @property
    def elapsed(self) -> float:
        """Seconds since the first message of its exchange."""
        return self.time - (self.first or self).time

    @property
    def uptime(self) -> float:
        """Seconds since the client's first message."""
        return self.time - (self.origin or self).time


def code_of(name: str | int) -> int:
    """The code of an option that scapy has named."""
    from scapy.layers.dhcp import DHCPRevOptions

    return name if isinstance(name, int) else int(DHCPRevOptions[name][0])


def sent(messages: Iterable[Message], cuts: Iterable[float] = ()) -> list[Sent]:
    """What the client sent, of the messages on its cable. cuts: when its power was cut."""
    track = _Track(sorted(cuts))
    for message in messages:
        track.take(message)
    return track.sent


class _Track:
    def __init__(self, cuts: list[float]) -> None:
        self.sent: list[Sent] = []
        self._cuts = cuts
        self._held: Held | None = None
        self._macs: dict[str, str] = {}
        self._origin: Sent | None = None
        self._fresh()

    def _fresh(self) -> None:
        # There is no lease in use, and nothing has been sent to get one.
        self._rebooted = self._discovered = False
        self._offers: list[Message] = []
        self._first: Sent | None = None
        self._requests: dict[int, float] = {}  # xid: when a REQUEST was first sent

    def take(self, message: Message) -> None:
        if self._cuts and message.time > self._cuts[0]:
            del self._cuts[0]
            self._fresh()
            self._rebooted = True
            self._origin = None
        if message.ether.src == CLIENT_MAC:
            self._send(message)
        elif self.sent and message.bootp.xid == self.sent[-1].bootp.xid:
            self._receive(message)

    def _send(self, message: Message) -> None:
        if message.type == "DISCOVER":
            if not self._discovered:
                self._first = None
            self._discovered = True
            self._rebooted = False
            self._offers = []
        each = Sent(
            message,
            self._kind(message),
            tuple(self._offers),
            self._held,
            self.sent[-1] if self.sent else None,
            self._first,
            self._origin,
            dict(self._macs),
        )
        self._first = self._first or each
        self._origin = self._origin or each
        self.sent.append(each)
        if message.type == "REQUEST":
            self._requests.setdefault(message.bootp.xid, message.time)
        elif message.type in ("DECLINE", "RELEASE"):
            self._held = None
            self._fresh()

    def _kind(self, message: Message) -> str:
        # By what has happened, not by what is in the message.
        if message.type != "REQUEST":
            return message.type
        if self._discovered:
            return SELECTING if self._offers else NONE
        if self._held is None:
            return NONE
        if self._rebooted:
            return INIT_REBOOT
        age = message.time - self._held.since
        if age > self._held.end + _GRAIN_S:
            return NONE
        return RENEWING if age < self._held.t2 - _GRAIN_S else REBINDING

    def _receive(self, message: Message) -> None:
        bootp, options = message.bootp, message.options
        server = str(options.get("server_id", message.ip.src))
        self._macs[server] = message.ether.src
        if message.type == "OFFER":
            self._offers.append(message)
        elif message.type == "ACK":
            end = options["lease_time"]
            t2 = options.get("rebinding_time", end * 7 / 8)
            since = self._requests.get(bootp.xid, message.time)
            self._held = Held(bootp.yiaddr, server, since, t2, end)
            self._fresh()
        elif message.type == "NAK":
            self._held = None
            self._fresh()
