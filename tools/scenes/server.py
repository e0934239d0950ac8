"""A small DHCP server (RFC 2131 4.3): one subnet, leases by client identifier. Sans-I/O.

It reads and writes messages with scapy, and so shares no mistake with the firmware. Nothing that
the demo does without: no INFORM, no DECLINE, no relays.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

from scapy.layers.dhcp import BOOTP, DHCP, dhcpmagic

from capture.names import MESSAGE_TYPES, message_type

ANY = IPv4Address("0.0.0.0")
ALL = IPv4Address("255.255.255.255")

_BOOTREPLY = 2
_HEADER = 240  # the fixed fields and the magic cookie
_TO_ALL = 0x8000  # the broadcast bit of `flags`

# RFC 2132
MASK, ROUTER, DNS, DOMAIN, BROADCAST, NTP = 1, 3, 6, 15, 28, 42
REQUESTED, LEASE_TIME, MESSAGE_TYPE, SERVER_ID, PARAMETERS = 50, 51, 53, 54, 55
T1, T2, CLIENT_ID = 58, 59, 61


class Message:
    """A message as scapy reads it: `type` by its name, the fields by those of RFC 2131, `options`
    as {code: bytes}. ValueError: it is none, or it is malformed.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER or DHCP not in (packet := BOOTP(data)):
            raise ValueError(f"not a DHCP message: {data[:16].hex()}...")
        self.xid: int = packet.xid
        self.secs: int = packet.secs
        self.flags = int(packet.flags)
        self.ciaddr = IPv4Address(packet.ciaddr)
        self.yiaddr = IPv4Address(packet.yiaddr)
        self.chaddr: bytes = packet.chaddr[: packet.hlen]
        self.options: dict[int, bytes] = {}
        for option in packet[DHCP].options:
            if isinstance(option, bytes):  # the rest, when an option runs over the end
                raise ValueError(f"malformed option: {option.hex()}")
            if isinstance(option, tuple):
                code, _, *value = bytes(DHCP(options=[option]))
                self.options[code] = bytes(value)
        self.type = message_type(int.from_bytes(self.options.get(MESSAGE_TYPE, b""), "big"))
        self.client = self.options.get(CLIENT_ID, self.chaddr)  # whose it is: RFC 2131 4.2
        self.requested = self._address(REQUESTED)
        self.server = self._address(SERVER_ID)

    def _address(self, code: int) -> IPv4Address | None:
        return IPv4Address(self.options[code]) if code in self.options else None


class Lease(NamedTuple):
    """An address, and until when it is somebody's, in seconds of the server's clock."""

    address: IPv4Address
    end: float


class Reply(NamedTuple):
    """A message, and the address that it goes to."""

    data: bytes
    to: IPv4Address


class Server:
    """The server of 192.0.2.0/24, a network for examples (RFC 5737)."""

    subnet = IPv4Network("192.0.2.0/24")
    address = subnet[1]
    pool = tuple(subnet)[100:200]
    lease_time, t1, t2 = 8, 4, 6  # seconds: nobody wants to wait

    def __init__(self) -> None:
        self.leases: dict[bytes, Lease] = {}  # by client
        self.options: dict[int, tuple[str | bytes | int, ...]] = {  # by code; named as scapy does
            LEASE_TIME: ("lease_time", self.lease_time),
            T1: ("renewal_time", self.t1),
            T2: ("rebinding_time", self.t2),
            MASK: ("subnet_mask", str(self.subnet.netmask)),
            BROADCAST: ("broadcast_address", str(self.subnet.broadcast_address)),
            ROUTER: ("router", str(self.address)),
            DNS: ("name_server", str(self.subnet[53]), str(self.subnet[54])),
            DOMAIN: ("domain", b"garden.example"),
            NTP: ("NTP_server", str(self.subnet[123])),
        }

    def handle(self, message: Message, now: float) -> Reply | None:
        """Take in a message; return what is to be sent, if anything."""
        answer = self.answer(message, now)
        return self._reply(answer, message) if answer else None

    def answer(self, message: Message, now: float) -> str | None:
        """Do what a message asks for; return "OFFER", "ACK", "NAK", or None for silence."""
        client = message.client
        lease = self.leases.get(client)
        others = [each for key, each in self.leases.items() if key != client]
        taken = {each.address for each in others if each.end > now}
        end = now + self.lease_time
        if message.type == "DISCOVER":
            # RFC 2131 4.3.1: the address that it had, or asks for, or any
            for address in (lease and lease.address, message.requested, *self.pool):
                if address in self.pool and address not in taken:
                    self.leases[client] = Lease(address, end)
                    return "OFFER"
        elif message.type == "REQUEST" and message.server not in (None, self.address):
            self.leases.pop(client, None)  # RFC 2131 3.1.4: it chose another server
        elif message.type == "REQUEST" and lease:
            # RFC 2131 4.3.2: option 50 in SELECTING and INIT-REBOOT, else ciaddr. A server that
            # has no lease of the client keeps silent.
            if lease.address in taken or lease.address != (message.requested or message.ciaddr):
                return "NAK"
            self.leases[client] = Lease(lease.address, end)
            return "ACK"
        elif message.type == "RELEASE" and lease:
            # RFC 2131 4.3.4
            if (message.server, message.ciaddr) == (self.address, lease.address):
                del self.leases[client]
        return None

    def _reply(self, answer: str, message: Message) -> Reply:
        # RFC 2131 table 3, and 4.1 for where it goes
        number = MESSAGE_TYPES.index(answer) + 1
        options: list[Any] = [("message-type", number), ("server_id", str(self.address))]
        ciaddr = yiaddr = ANY
        to = ALL
        if answer != "NAK":
            asked = [LEASE_TIME, *message.options.get(PARAMETERS, b"")]
            options += [option for code, option in self.options.items() if code in asked]
            yiaddr = self.leases[message.client].address
            if answer == "ACK":
                ciaddr = message.ciaddr
            if ciaddr != ANY:
                to = ciaddr
            elif not message.flags & _TO_ALL:
                to = yiaddr
        reply = BOOTP(
            op=_BOOTREPLY,
            xid=message.xid,
            flags=message.flags,
            ciaddr=str(ciaddr),
            yiaddr=str(yiaddr),
            chaddr=message.chaddr,
            options=dhcpmagic,
        )
        return Reply(bytes(reply / DHCP(options=[*options, "end"])), to)
