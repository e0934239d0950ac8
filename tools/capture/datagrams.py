"""Datagrams: IPv4, its fragments put together (RFC 791 3.2), UDP from or to a DHCP port."""

from __future__ import annotations

import struct
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator
from struct import unpack_from
from typing import NamedTuple

from capture import links
from capture.files import Packet, Unreadable
from capture.names import ip_text

Warn = Callable[[str], None]

_UDP = 17
_DHCP_PORTS = {67, 68}


class Datagram(NamedTuple):
    """A UDP datagram from or to a DHCP port."""

    packet: Packet
    source: str  # MAC address if there is one, VLAN, IP address, port
    target: str
    payload: bytes
    error: str | None  # why it is not the whole payload


class _IP(NamedTuple):
    # An IPv4 packet that carries UDP, or a fragment of one.
    packet: Packet
    source: str
    target: str
    ident: int
    offset: int
    more: bool  # there are fragments behind it
    body: bytes


def _ipv4(packet: Packet) -> _IP | None:
    """None: it carries something else. struct.error: there is too little of it to tell."""
    data = packet.data
    found = links.ipv4(packet.link, data)
    if found is None:
        return None
    source, target, at = found
    first, size, ident, fragment, protocol, ip, to = unpack_from("!BxHHHxB2x4s4s", data, at)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20 or protocol != _UDP:
        return None
    source += ip_text(ip)
    target += ip_text(to)
    end = at + size if size else len(data)  # 0: the network card was to fill it in
    body = data[at + header : end]
    return _IP(
        packet, source, target, ident, (fragment & 0x1FFF) * 8, bool(fragment & 0x2000), body
    )


def _ip_packets(packets: Iterator[Packet], warn: Warn) -> Iterator[_IP]:
    strange: Counter[int] = Counter()  # link type: packets
    sealed: Counter[str] = Counter()  # what Wi-Fi frames are: frames
    for packet in packets:
        if packet.link not in links.LINKS:
            strange[packet.link] += 1
            continue
        try:
            if ip := _ipv4(packet):
                yield ip
        except struct.error:
            if cut := packet.cut():
                warn(f"packet {packet.number} may be DHCP: {cut}")
        except links.Sealed as error:
            sealed[str(error)] += 1
    if sealed:
        kinds = ", ".join(f"{count} {what}" for what, count in sealed.items())
        warn(f"Wi-Fi frames that may be DHCP: {kinds}")
    if strange:
        kinds = ", ".join(f"{count} of link type {link}" for link, count in strange.items())
        raise Unreadable(f"has packets that cannot be read: {kinds}")


class _Pieces:
    # The fragments of an IPv4 datagram that have come. Each costs the same, however many there
    # are: a file may hold one byte in a fragment.

    def __init__(self) -> None:
        self.bodies: dict[int, bytes] = {}  # by offset; none overlaps another
        self.offsets: list[int] = []  # sorted
        self.size = 0  # bytes from the first one on, as far as nothing is missing
        self.end: int | None = None

    def add(self, ip: _IP) -> None:
        # One that does not overlap.
        self.last = ip
        if ip.body and ip.offset not in self.bodies:
            self.bodies[ip.offset] = ip.body
            insort(self.offsets, ip.offset)
            while self.size in self.bodies:
                self.size += len(self.bodies[self.size])
        if not ip.more:
            self.end = ip.offset + len(ip.body)

    def overlap(self, ip: _IP) -> bool:
        # One that is there already, captured twice say, is none.
        if self.bodies.get(ip.offset) == ip.body:
            return False
        before = bisect_left(self.offsets, ip.offset + len(ip.body))
        if not before:
            return False
        at = self.offsets[before - 1]  # of those that begin before its end, the last
        return at + len(self.bodies[at]) > ip.offset

    def complete(self) -> bool:
        return self.size == self.end

    def joined(self) -> _IP:
        # As far as nothing is missing.
        parts = (self.bodies[at] for at in self.offsets if at < self.size)
        return self.last._replace(body=b"".join(parts))


def datagrams(packets: Iterator[Packet], warn: Warn) -> Iterator[Datagram]:
    """The datagrams from or to a DHCP port.

    warn: is told of packets that may be DHCP and cannot be read.
    Raises, at the end, what `packets` raises, and Unreadable for packets of unknown links.
    """
    waiting: dict[tuple[int, str, str, int], _Pieces] = {}
    unread = None
    try:
        for ip in _ip_packets(packets, warn):
            if not ip.more and not ip.offset:
                yield from _udp(ip, warn)
                continue
            key = ip.packet.interface, ip.source, ip.target, ip.ident
            pieces = waiting.setdefault(key, _Pieces())
            if pieces.overlap(ip):
                yield from _udp(
                    pieces.joined(), warn, f"IPv4 fragments overlap at byte {ip.offset}"
                )
                pieces = waiting[key] = _Pieces()
            pieces.add(ip)
            if pieces.complete():
                del waiting[key]
                yield from _udp(pieces.joined(), warn)
    except Unreadable as error:
        unread = error
    for pieces in waiting.values():
        part = pieces.joined()
        yield from _udp(part, warn, f"IPv4 fragments are missing from byte {len(part.body)} on")
    if unread:
        raise unread


def _udp(ip: _IP, warn: Warn, error: str | None = None) -> Iterator[Datagram]:
    # One, or none if it is not for DHCP.
    packet, body = ip.packet, ip.body
    if len(body) < 8:
        if error := error or packet.cut():
            warn(f"packet {packet.number} may be DHCP: {error}")
        return
    source, target, size = unpack_from("!HHH", body)
    if not {source, target} & _DHCP_PORTS:
        return
    if size < 8:
        error = f"UDP claims {size} bytes, its header has 8"
    elif size > len(body):
        error = error or packet.cut() or f"UDP claims {size} bytes, only {len(body)} are there"
    yield Datagram(packet, f"{ip.source}:{source}", f"{ip.target}:{target}", body[8:size], error)
