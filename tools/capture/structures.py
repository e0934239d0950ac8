"""What the bytes of an option say that has parts in it: names, routes, suboptions, identifiers.

Each reader takes an option's bytes. What does not have the form that its RFC gives it is shown in
hex: clients and servers write what they like. All text is printable ASCII, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import wraps
from uuid import UUID

_Read = Callable[[bytes], str]

_MAX_NAME = 255  # bytes of a domain name, RFC 1035 2.3.4
_POINTER = 0xC0
_MAX_HOPS = 16  # pointers in a name: a server's own names have one or two

_PAD, _END = 0, 255  # RFC 2132

# RFC 4361: option 61's type of an IAID and a DUID; RFC 8415 11: the kinds of DUID
_IAID_AND_DUID = 255
_LLT, _EN, _LL, _UUID = 1, 2, 3, 4
_ETHERNET = 1
_DUID_EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)

_FQDN_FLAGS = ((1, "S"), (2, "O"), (4, "E"), (8, "N"))  # RFC 4702 2.1
_WIRE = 4  # of them, E: the name is as DNS has it


def ip_text(value: bytes) -> str:
    """An IPv4 address. ValueError unless it has 4 bytes."""
    if len(value) != 4:
        raise ValueError
    return ".".join(map(str, value))


def mac_text(value: bytes) -> str:
    """A hardware address, of any length."""
    return value.hex(":")


def quoted(value: bytes) -> str:
    """A string in quotes; what ASCII cannot print in hex."""
    return f'"{escaped(value)}"'


def escaped(value: bytes) -> str:
    """A string without quotes around it; what ASCII cannot print in hex."""
    plain = (chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in value)
    return "".join(plain)


def _or_hex(read: _Read) -> _Read:
    @wraps(read)
    def text(value: bytes) -> str:
        try:
            return read(value) or value.hex()
        except (ValueError, IndexError):
            return value.hex()

    return text


def _text_or_hex(value: bytes) -> str:
    printable = value and all(32 <= b < 127 for b in value)
    return quoted(value) if printable else value.hex() or "empty"


# --- Names and routes ---------------------------------------------------------------------------


def _domain(value: bytes, at: int) -> tuple[str, int]:
    # A name as DNS writes it (RFC 1035 4.1.4), and where the next one begins. A pointer leads
    # back, so that no name has an end that never comes.
    labels: list[str] = []
    after = hops = size = 0
    while count := value[at]:
        if count & _POINTER == _POINTER:
            to = (count & ~_POINTER) << 8 | value[at + 1]
            after = after or at + 2
            hops += 1
            if to >= at or hops > _MAX_HOPS:
                raise ValueError
            at = to
            continue
        label = value[at + 1 : at + 1 + count]
        size += 1 + count
        if count & _POINTER or len(label) < count or size >= _MAX_NAME:
            raise ValueError
        labels.append(escaped(label).replace(".", r"\x2e"))
        at += 1 + count
    return ".".join(labels) or ".", after or at + 1


@_or_hex
def domains(value: bytes) -> str:
    """Option 119: a search list, RFC 3397."""
    names = []
    at = 0
    while at < len(value):
        name, at = _domain(value, at)
        names.append(name)
    return ", ".join(names)


@_or_hex
def routes(value: bytes) -> str:
    """Option 121: networks and the way to each, RFC 3442."""
    found = []
    at = 0
    while at < len(value):
        bits = value[at]
        size = (bits + 7) // 8
        network = value[at + 1 : at + 1 + size]
        router = ip_text(value[at + 1 + size : at + 5 + size])
        if bits > 32:
            raise ValueError
        to = f"{ip_text(network.ljust(4, bytes(1)))}/{bits}" if bits else "default"
        found.append(f"{to} {'on the link' if router == '0.0.0.0' else f'via {router}'}")
        at += 5 + size
    return ", ".join(found)


@_or_hex
def fqdn(value: bytes) -> str:
    """Option 81: a client's name in DNS, and who is to write it there, RFC 4702."""
    flags = value[0]
    names = "".join(letter for bit, letter in _FQDN_FLAGS if flags & bit)
    name = value[3:]
    if len(value) < 3:
        raise ValueError
    if flags & _WIRE:
        # A part of a name has no end (RFC 4702 2.3.1).
        text, end = _domain(name + bytes(not name.endswith(b"\0")), 0)
        if end < len(name):
            raise ValueError
    else:
        text = quoted(name)
    return f"flags {flags:#04x}{f' ({names})' if names else ''}, {text}"


# --- Options in an option -----------------------------------------------------------------------


def _inner(value: bytes) -> Iterator[tuple[int, bytes]]:
    # Codes and bytes. ValueError: it does not hold options from end to end.
    at = 0
    while at < len(value):
        code = value[at]
        if code == _END:
            if any(value[at + 1 :]):
                raise ValueError
            return
        if code == _PAD:
            at += 1
            continue
        size = value[at + 1]
        part = value[at + 2 : at + 2 + size]
        if len(part) < size:
            raise ValueError
        yield code, part
        at += 2 + size


@_or_hex
def vendor(value: bytes) -> str:
    """Option 43: what its vendor has agreed with itself; often options, RFC 2132 8.4."""
    return ", ".join(f"{code}: {_text_or_hex(part)}" for code, part in _inner(value))


_RELAY: dict[int, tuple[str, _Read]] = {
    1: ("circuit ID", _text_or_hex),  # RFC 3046
    2: ("remote ID", _text_or_hex),
    4: ("DOCSIS device class", bytes.hex),  # RFC 3256
    5: ("link selection", ip_text),  # RFC 3527
    6: ("subscriber ID", _text_or_hex),  # RFC 3993
    7: ("RADIUS attributes", bytes.hex),  # RFC 4014
    8: ("authentication", bytes.hex),  # RFC 4030
    9: ("vendor specific", bytes.hex),  # RFC 4243
    10: ("flags", bytes.hex),  # RFC 5010
    11: ("server identifier override", ip_text),  # RFC 5107
    12: ("relay identifier", bytes.hex),  # RFC 6925
    151: ("virtual subnet", bytes.hex),  # RFC 6607
}


@_or_hex
def relay(value: bytes) -> str:
    """Option 82: what a relay adds, RFC 3046."""
    found = []
    for code, part in _inner(value):
        name, read = _RELAY.get(code, (f"suboption {code}", _text_or_hex))
        found.append(f"{name} {_or_hex(read)(part)}")
    return ", ".join(found)


def _enterprises(value: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    # Enterprise numbers, and the bytes of each, RFC 3925. size: of what there must be, at least.
    at = 0
    while at < len(value):
        count = value[at + 4]
        part = value[at + 5 : at + 5 + count]
        if not size <= count == len(part):
            raise ValueError
        yield int.from_bytes(value[at : at + 4], "big"), part
        at += 5 + count


def _strings(value: bytes) -> Iterator[bytes]:
    # Each behind its length.
    at = 0
    while at < len(value):
        part = value[at + 1 : at + 1 + value[at]]
        if len(part) < value[at]:
            raise ValueError
        yield part
        at += 1 + len(part)


@_or_hex
def vendor_classes(value: bytes) -> str:
    """Option 124: what kind of device it is, by vendor, RFC 3925 3."""
    return "; ".join(
        f"enterprise {number}: {', '.join(map(_text_or_hex, _strings(part)))}"
        for number, part in _enterprises(value, 1)
    )


@_or_hex
def vendor_options(value: bytes) -> str:
    """Option 125: options of vendors, RFC 3925 4."""
    return "; ".join(
        f"enterprise {number}: {vendor(part) or 'nothing'}"
        for number, part in _enterprises(value, 0)
    )


# --- Identifiers --------------------------------------------------------------------------------


def _hardware(kind: int, address: bytes) -> str:
    return f"{'Ethernet' if kind == _ETHERNET else f'hardware {kind}'} {mac_text(address)}"


def _duid(value: bytes) -> str:
    # RFC 8415 11. ValueError: there is too little of it.
    kind = int.from_bytes(value[:2], "big")
    body = value[2:]
    if kind in (_LLT, _LL) and len(body) > (head := 6 if kind == _LLT else 2):
        made = ""
        if kind == _LLT:
            time = _DUID_EPOCH + timedelta(seconds=int.from_bytes(body[2:6], "big"))
            made = f" of {time:%Y-%m-%d %H:%M:%S}"
        where = _hardware(int.from_bytes(body[:2], "big"), body[head:])
        return f"DUID-LL{'T' if made else ''} {where}{made}"
    if kind == _EN and len(body) > 4:
        return f"DUID-EN enterprise {int.from_bytes(body[:4], 'big')} {body[4:].hex()}"
    if kind == _UUID and len(body) == 16:
        return f"DUID-UUID {UUID(bytes=body)}"
    if kind in (_LLT, _EN, _LL, _UUID) or not body:
        raise ValueError
    return f"DUID of type {kind} {body.hex()}"


@_or_hex
def client_id(value: bytes) -> str:
    """Option 61: RFC 2132 9.14, RFC 4361 6.1."""
    kind, rest = value[0], value[1:]
    if kind == _ETHERNET and len(rest) == 6:
        return _hardware(kind, rest)
    if kind == _IAID_AND_DUID:
        return f"IAID {rest[:4].hex()}, {_duid(rest[4:])}"
    said = _text_or_hex(rest) if kind == 0 and rest else ""
    return said if said.startswith('"') else value.hex()
