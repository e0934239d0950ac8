#!/usr/bin/env python3
"""Shows the DHCP messages in captures: what was sent, what came back, what is wrong with it.

Knows the files and the headers around a message: pcap, pcapng; Ethernet with VLAN tags, Linux
cooked, BSD loopback, raw IP; IPv4 fragments; UDP. The message itself is read by the firmware's
codec, `dhcpc.wire`.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import unpack_from
from typing import Any, BinaryIO, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from capture.names import ip_text, mac_text, message_type, option_name, option_text, quoted
from dhcpc import wire


class Unreadable(Exception):
    """A file that is not what it should be, or only in part; the text says what is wrong."""


# --- packets of a file --------------------------------------------------------------------------

_LONGEST = 1 << 24  # a packet or block that claims to be longer shows that the file is broken


class Packet(NamedTuple):
    """A packet of a capture."""

    number: int  # in the file, from 1
    ns: int | None  # since 1970
    interface: int
    link: int  # what it begins with, a LINKTYPE_ of pcap's registry
    data: bytes
    size: int  # on the wire

    def cut(self) -> str | None:
        """What to say if the capture has less of it than the wire had."""
        kept = len(self.data)
        return f"the capture kept {kept} of its {self.size} bytes" if kept < self.size else None


def _packets(file: BinaryIO) -> Iterator[Packet]:
    magic = file.read(4)
    if magic in _PCAP:
        return _pcap(file, *_PCAP[magic])
    if magic == _SECTION:
        return _pcapng(file)
    raise Unreadable("is neither pcap nor pcapng, and not named .bin" if magic else "is empty")


def _take(file: BinaryIO, size: int, what: str) -> bytes:
    if size > _LONGEST:
        raise Unreadable(f"{what} claims {size} bytes")
    data = file.read(size)
    if len(data) < size:
        raise Unreadable(f"is cut off in {what}")
    return data


_PCAP = {  # its magic number: byte order, nanoseconds in a unit of its clock
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}


def _pcap(file: BinaryIO, order: str, unit: int) -> Iterator[Packet]:
    major, minor, link = unpack_from(order + "HH12xI", _take(file, 20, "the pcap header"))
    if major != 2:
        raise Unreadable(f"is pcap version {major}.{minor}, not 2")
    number = 1
    while first := file.read(1):
        header = first + _take(file, 15, f"packet {number}")
        seconds, fraction, kept, size = unpack_from(order + "IIII", header)
        data = _take(file, kept, f"packet {number}")
        ns = seconds * 10**9 + fraction * unit
        yield Packet(number, ns, 0, link & 0xFFFF, data, size)  # above: the length of an FCS
        number += 1


_SECTION = b"\n\r\r\n"  # in both byte orders
_BYTE_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6  # blocks
_TSRESOL, _TSOFFSET = 9, 14  # options of an interface


class _Interface(NamedTuple):
    link: int
    snaplen: int
    rate: int  # units of its clock in a second
    offset: int  # what its clock is to be corrected by, seconds


def _pcapng(file: BinaryIO) -> Iterator[Packet]:
    order = ""
    interfaces: list[_Interface] = []
    block = number = 1
    kind = _SECTION
    while kind:
        what = f"block {block}"
        kind += _take(file, 4 - len(kind), what)
        length = _take(file, 4, what)
        start = b""
        if kind == _SECTION:
            start = _take(file, 4, what)
            if start not in _BYTE_ORDER:
                raise Unreadable(f"{what} begins a section in no known byte order")
            order = _BYTE_ORDER[start]
            interfaces = []
        (size,) = unpack_from(order + "I", length)
        if size % 4 or size < 12 + len(start):
            raise Unreadable(f"{what} claims {size} bytes")
        body = _take(file, size - 12 - len(start), what)
        if _take(file, 4, what) != length:
            raise Unreadable(f"{what} ends with another length than it begins with")
        try:
            (form,) = unpack_from(order + "I", kind)
            if form == _INTERFACE:
                interfaces.append(_interface(order, body))
            elif form in (_ENHANCED_PACKET, _SIMPLE_PACKET, _OBSOLETE_PACKET):
                yield _pcapng_packet(order, form, body, interfaces, number)
                number += 1
        except struct.error:
            raise Unreadable(f"{what} is too short for what it should hold") from None
        block += 1
        kind = file.read(1)


def _interface(order: str, body: bytes) -> _Interface:
    link, snaplen = unpack_from(order + "HxxI", body)
    rate, offset = 10**6, 0
    at = 8
    code = -1
    while code and at < len(body):
        code, size = unpack_from(order + "HH", body, at)
        if code == _TSRESOL:
            (exponent,) = unpack_from("B", body, at + 4)
            rate = 2 ** (exponent & 127) if exponent & 128 else 10**exponent
        elif code == _TSOFFSET:
            (offset,) = unpack_from(order + "q", body, at + 4)
        at += 4 + size + -size % 4
    return _Interface(link, snaplen, rate, offset)


def _pcapng_packet(
    order: str, form: int, body: bytes, interfaces: list[_Interface], number: int
) -> Packet:
    if form == _SIMPLE_PACKET:
        index, at = 0, 4
        (size,) = unpack_from(order + "I", body)
    else:
        head = "IIIII" if form == _ENHANCED_PACKET else "HxxIIII"
        index, high, low, kept, size = unpack_from(order + head, body)
        at = 20
    if index >= len(interfaces):
        raise Unreadable(f"packet {number} is of interface {index}, which is not there")
    link, snaplen, rate, offset = interfaces[index]
    if form == _SIMPLE_PACKET:
        ns = None
        kept = min(size, snaplen or size)
    else:
        ns = offset * 10**9 + (high << 32 | low) * 10**9 // rate
    (data,) = unpack_from(f"{kept}s", body, at)
    return Packet(number, ns, index, link, data, size)


# --- UDP datagrams of packets -------------------------------------------------------------------

_Warn = Callable[[str], None]

_IPV4 = 0x0800
_VLAN = (0x8100, 0x88A8, 0x9100)  # IEEE 802.1Q, 802.1ad, and what came before that
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


# Each reads a link's header: source and target if it names them, EtherType, its length.
_Link = tuple[str, str, int, int]


def _ethernet(data: bytes) -> _Link:
    target, source, kind = unpack_from("!6s6sH", data)
    return f"{mac_text(source)} ", f"{mac_text(target)} ", kind, 14


def _linux_cooked(data: bytes) -> _Link:
    size, source, kind = unpack_from("!4xH8sH", data)
    return f"{mac_text(source[:size])} ".lstrip(), "", kind, 16


def _linux_cooked_2(data: bytes) -> _Link:
    kind, size, source = unpack_from("!H9xB8s", data)
    return f"{mac_text(source[:size])} ".lstrip(), "", kind, 20


def _bsd_loopback(data: bytes) -> _Link:
    (family,) = unpack_from("<I", data)  # in the byte order of the machine that it is from
    return "", "", _IPV4 if family in (2, 2 << 24) else 0, 4


def _raw_ip(data: bytes) -> _Link:
    return "", "", _IPV4, 0


_LINKS = {
    0: _bsd_loopback,
    1: _ethernet,
    12: _raw_ip,  # on some systems; 101 is its registered number
    14: _raw_ip,
    101: _raw_ip,
    108: _bsd_loopback,
    113: _linux_cooked,
    228: _raw_ip,
    276: _linux_cooked_2,
}


def _ipv4(packet: Packet) -> _IP | None:
    """None: it carries something else. struct.error: there is too little of it to tell."""
    data = packet.data
    source, target, kind, at = _LINKS[packet.link](data)
    while kind in _VLAN:
        tag, kind = unpack_from("!HH", data, at)
        source += f"vlan {tag & 0xFFF} "
        at += 4
    if kind != _IPV4:
        return None
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


def _ip_packets(packets: Iterator[Packet], warn: _Warn) -> Iterator[_IP]:
    strange: dict[int, int] = {}  # link type: packets
    for packet in packets:
        if packet.link not in _LINKS:
            strange[packet.link] = strange.get(packet.link, 0) + 1
            continue
        try:
            if ip := _ipv4(packet):
                yield ip
        except struct.error:
            if cut := packet.cut():
                warn(f"packet {packet.number} may be DHCP: {cut}")
    if strange:
        links = ", ".join(f"{count} of link type {link}" for link, count in strange.items())
        raise Unreadable(f"has packets that cannot be read: {links}")


class _Pieces:
    # The fragments of an IPv4 datagram that have come (RFC 791 3.2).

    def __init__(self) -> None:
        self.bodies: dict[int, bytes] = {}  # by offset
        self.end: int | None = None

    def add(self, ip: _IP) -> None:
        self.last = ip
        if ip.body:
            self.bodies[ip.offset] = ip.body
        if not ip.more:
            self.end = ip.offset + len(ip.body)

    def overlap(self, ip: _IP) -> bool:
        # One that is there already, captured twice say, is none.
        end = ip.offset + len(ip.body)
        return self.bodies.get(ip.offset) != ip.body and any(
            ip.offset < at + len(body) and at < end for at, body in self.bodies.items()
        )

    def joined(self) -> _IP:
        # As far as nothing is missing.
        whole = b""
        for at in sorted(self.bodies):
            if at == len(whole):
                whole += self.bodies[at]
        return self.last._replace(body=whole)


def datagrams(packets: Iterator[Packet], warn: _Warn) -> Iterator[Datagram]:
    """The datagrams from or to a DHCP port; what packets raises, at the end.

    warn: is told of packets that may be DHCP, of which there is too little to tell.
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
            whole = pieces.joined()
            if len(whole.body) == pieces.end:
                del waiting[key]
                yield from _udp(whole, warn)
    except Unreadable as error:
        unread = error
    for pieces in waiting.values():
        part = pieces.joined()
        yield from _udp(part, warn, f"IPv4 fragments are missing from byte {len(part.body)} on")
    if unread:
        raise unread


def _udp(ip: _IP, warn: _Warn, error: str | None = None) -> Iterator[Datagram]:
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


# --- messages of datagrams ----------------------------------------------------------------------

_MAX_PAYLOAD = 65507  # bytes, of UDP over IPv4
_REACH = 0x7FFF  # bytes that the codec's index covers

# RFC 2131 figure 1
_CHADDR_SIZE = 16
_SNAME = slice(44, 108)
_FILE = slice(108, 236)
_COOKIE = slice(236, 240)
_BROADCAST = 0x8000  # flag

# RFC 2132
_OVERLOAD, _TYPE = 52, 53


class Message(NamedTuple):
    """A DHCP message of a file."""

    payload: bytes
    datagram: Datagram | None  # that carried it; a .bin file has none
    record: dict[str, Any]  # what it says, and what is wrong with it, as --json prints it


def messages(path: str, warn: _Warn) -> Iterator[Message]:
    """The messages of a file; Unreadable or OSError, in the end, where there may be more.

    warn: is told of packets that may be DHCP, of which there is too little to tell.
    """
    with open(path, "rb") as file:
        if path.lower().endswith(".bin"):
            payload = file.read(_MAX_PAYLOAD + 1)
            if len(payload) > _MAX_PAYLOAD:
                raise Unreadable(f"is longer than a UDP payload can be, {_MAX_PAYLOAD} bytes")
            yield Message(payload, None, {"file": path, "n": 1, **decode(payload)})
            return
        for n, datagram in enumerate(datagrams(_packets(file), warn), 1):
            record = decode(datagram.payload)
            errors = filter(None, (datagram.error, record.pop("error")))
            record["error"] = "; ".join(errors) or None
            yield Message(datagram.payload, datagram, {"file": path, "n": n, **record})


def decode(payload: bytes) -> dict[str, Any]:
    """What a BOOTP payload says, as --json has it. A field that it is too short for is None."""

    def field(at: int, size: int, read: Callable[[bytes], Any]) -> Any:
        value = payload[at : at + size]
        return read(value) if len(value) == size else None

    message = wire.Message()
    word = message.read(payload[:_REACH])
    kind = message.option(_TYPE) or b""
    hlen = field(2, 1, _number)
    return {
        "op": field(0, 1, _number),
        "htype": field(1, 1, _number),
        "hlen": hlen,
        "hops": field(3, 1, _number),
        "xid": field(4, 4, bytes.hex),
        "secs": field(8, 2, _number),
        "flags": field(10, 2, _number),
        "ciaddr": field(12, 4, ip_text),
        "yiaddr": field(16, 4, ip_text),
        "siaddr": field(20, 4, ip_text),
        "giaddr": field(24, 4, ip_text),
        "chaddr": field(28, min(hlen or 0, _CHADDR_SIZE), bytes.hex),
        "type": message_type(kind[0]) if len(kind) == 1 else None,
        "options": [[code, message.option(code).hex()] for code in _order(message)],
        "error": _error(payload, word),
    }


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _order(message: wire.Message) -> list[int]:
    # By first appearance: the options field, then file, then sname (RFC 3396 5).
    def place(code: int) -> tuple[bool, bool, int]:
        at = message.index[code] & _REACH
        return at < _FILE.stop, at < _SNAME.stop, at

    return sorted((code for code in range(1, 255) if message.index[code]), key=place)


def _error(payload: bytes, word: str | None) -> str | None:
    # The codec's word for what is malformed, with the particulars.
    size = len(payload)
    if word == "length":
        return f"{size} bytes, the fixed fields need {_COOKIE.stop}"
    if word == "cookie":
        return f"no magic cookie: {payload[_COOKIE].hex()}"
    if size > _REACH:
        return f"{size} bytes, and options are read from the first {_REACH} alone"
    return _option_error(payload) if word == "option" else None


def _option_error(payload: bytes) -> str:
    # An option runs over the end of its field. Which field: the rest reads without it.
    def reads(message: bytes) -> bool:
        return wire.Message().read(message) is None

    name, field = "", slice(_COOKIE.stop, len(payload))
    rest = payload
    for candidate, place in (("sname", _SNAME), ("file", _FILE)):
        rest = rest[: place.start] + bytes(place.stop - place.start) + rest[place.stop :]
        if reads(rest):
            name, field = f" in {candidate}", place
            break
    # Which option: the field by itself reads up to there.
    fixed = bytes(_COOKIE.start) + payload[_COOKIE]
    cuts = range(field.stop, field.start - 1, -1)
    at = next(cut for cut in cuts if reads(fixed + payload[field.start : cut]))
    what = f"option {payload[at]} at offset {at}{name}"
    if at + 1 == field.stop:
        return f"{what} has no length byte"
    return f"{what} claims {payload[at + 1]} bytes, only {field.stop - at - 2} left"


# --- for people ---------------------------------------------------------------------------------


def text(message: Message, start_ns: int | None = None) -> str:
    """A message as people read it. start_ns: what its time counts from, in ns since 1970."""
    _, datagram, record = message
    title = f"{record['file']}, message {record['n']}"
    if datagram:
        title += f", packet {datagram.packet.number}"
        if datagram.packet.ns is not None and start_ns is not None:
            title += f", {(datagram.packet.ns - start_ns) / 1e9:+.6f} s"
    lines = [f"{title}: {record['type'] or _op(message)}"]
    if datagram:
        lines.append(f"{datagram.source} -> {datagram.target}")
    lines += _fixed_fields(message)
    for code, value in record["options"]:
        lines.append(f"{code} {option_name(code)}: {option_text(code, bytes.fromhex(value))}")
    if record["error"]:
        lines.append(f"malformed: {record['error']}")
    return "\n    ".join(lines)


def _op(message: Message) -> str:
    op = message.record["op"]
    return {1: "BOOTREQUEST", 2: "BOOTREPLY"}.get(op, "nothing" if op is None else f"op {op}")


def _fixed_fields(message: Message) -> list[str]:
    # One line, and one of addresses and names if there are any.
    payload, _, record = message

    def known(*names: str) -> list[str]:
        unset = None, "0.0.0.0"
        return [f"{name} {record[name]}" for name in names if record[name] not in unset]

    first = [_op(message), *known("xid", "secs")]
    if flags := record["flags"]:
        first.append(f"flags {flags:#06x}{' (broadcast)' if flags & _BROADCAST else ''}")
    if chaddr := record["chaddr"]:
        first.append(f"chaddr {mac_text(bytes.fromhex(chaddr))}")
    if (record["htype"], record["hlen"]) != (1, 6):  # Ethernet
        first += known("htype", "hlen")

    second = known("ciaddr", "yiaddr", "siaddr", "giaddr")
    overload = dict(record["options"]).get(_OVERLOAD, "")[:2]
    for name, place, overloads in (("sname", _SNAME, ("02", "03")), ("file", _FILE, ("01", "03"))):
        string = payload[place].split(b"\0")[0]
        if string and overload not in overloads:
            second.append(f"{name} {quoted(string)}")
    return [", ".join(line) for line in (first, second) if line]


def main() -> int:
    parser = argparse.ArgumentParser(description="Shows the DHCP messages in captures.")
    parser.add_argument("file", nargs="+", help="pcap, pcapng, or a BOOTP payload named .bin")
    parser.add_argument("--json", action="store_true", help="one object a message, one a line")
    args = parser.parse_args()
    status = 0
    for path in args.file:

        def say(what: str, path: str = path) -> None:
            print(f"{path}: {what}", file=sys.stderr)

        start_ns = None
        try:
            for message in messages(path, say):
                record = message.record
                if args.json:
                    print(json.dumps(record), flush=True)
                else:
                    if start_ns is None and message.datagram:
                        start_ns = message.datagram.packet.ns
                    print(text(message, start_ns), flush=True)
                if record["error"]:
                    status = max(status, 1)
        except (OSError, Unreadable) as error:
            say(str(getattr(error, "strerror", error)))
            status = 2
    return status


if __name__ == "__main__":
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be any bytes
    for number in (signal.SIGPIPE, signal.SIGINT):  # who reads or waits may have enough of it
        signal.signal(number, signal.SIG_DFL)
    sys.exit(main())
