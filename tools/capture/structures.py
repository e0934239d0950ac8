"""What an option says that has parts in it, in words: names, routes, suboptions, identifiers.

The firmware reads the parts, but for identifiers, of which people want to see more than a board
does. All text is printable ASCII, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import wraps
from typing import Any
from uuid import UUID

_Read = Callable[[bytes], str]

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


# --- Values that the firmware has read ----------------------------------------------------------


def domains(names: list[str]) -> str:
    """Option 119: a search list, RFC 3397."""
    return ", ".join(escaped(name.encode()) for name in names)


def routes(found: list[list[str]]) -> str:
    """Option 121: networks and the way to each, RFC 3442."""
    return ", ".join(
        f"{'default' if network == '0.0.0.0/0' else network} "
        f"{'on the link' if router == '0.0.0.0' else f'via {router}'}"
        for network, router in found
    )


def fqdn(value: dict[str, Any]) -> str:
    """Option 81: a client's name in DNS, and who is to write it there, RFC 4702."""
    flags, name = value["flags"], value["name"].encode()
    names = "".join(letter for bit, letter in _FQDN_FLAGS if flags & bit)
    text = escaped(name.removesuffix(b".")) or "." if flags & _WIRE else quoted(name)
    return f"flags {flags:#04x}{f' ({names})' if names else ''}, {text}"


def texts(values: list[str | bytes]) -> str:
    """Option 77: classes, RFC 3004."""
    return ", ".join(_text_or_hex(v if isinstance(v, bytes) else v.encode()) for v in values)


def vendor(found: dict[int, bytes]) -> str:
    """Option 43: what its vendor has agreed with itself; often options, RFC 2132 8.4."""
    return ", ".join(f"{code}: {_text_or_hex(part)}" for code, part in found.items())


def vendor_classes(found: dict[int, list[str | bytes]]) -> str:
    """Option 124: what kind of device it is, by vendor, RFC 3925 3."""
    return "; ".join(f"enterprise {number}: {texts(found[number])}" for number in found)


def vendor_options(found: dict[int, dict[int, bytes]]) -> str:
    """Option 125: options of vendors, RFC 3925 4."""
    return "; ".join(
        f"enterprise {number}: {vendor(found[number]) or 'nothing'}" for number in found
    )


def resolvers(found: list[dict[str, Any]]) -> str:
    """Option 162: encrypted DNS, RFC 9463; the parameters as RFC 9460 numbers them."""
    return "; ".join(
        ", ".join(
            (
                f"priority {each['priority']} {domains([each['name']])}",
                *each.get("addresses", ()),
                *([vendor(each["params"])] if each.get("params") else ()),
            )
        )
        for each in found
    )


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


def relay(found: dict[int, bytes]) -> str:
    """Option 82: what a relay adds, RFC 3046."""
    parts = []
    for code, part in found.items():
        name, read = _RELAY.get(code, (f"suboption {code}", _text_or_hex))
        parts.append(f"{name} {_or_hex(read)(part)}")
    return ", ".join(parts)


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
