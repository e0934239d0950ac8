"""Fields: which bytes of a message are which field or option, and what they say.

Each byte of a message belongs to one field. The options are walked here once more, since the codec
keeps no more than where the first copy of each begins; a test holds both to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from capture.messages import COOKIE, FILE, MAGIC, SNAME, Message
from capture.names import OPS, ip_text, mac_text, option_name, option_text, quoted

_REACH = 0x7FFF  # bytes that the codec reads options from

# RFC 2132
_PAD, _OVERLOAD, _END = 0, 52, 255

_BROADCAST = 0x8000  # RFC 2131 figure 2
_ETHERNET = 1

# Names of what is no field of RFC 2131 figure 1
_NAMES = {"cookie": "magic cookie", "end": "end of options", "behind": "behind the end"}
_NAMES |= {"torn": "unreadable", "pad": "padding"}

_FIXED = (  # RFC 2131 figure 1: name, bytes
    *(("op", 1), ("htype", 1), ("hlen", 1), ("hops", 1), ("xid", 4), ("secs", 2), ("flags", 2)),
    *(("ciaddr", 4), ("yiaddr", 4), ("siaddr", 4), ("giaddr", 4), ("chaddr", 16)),
    *(("sname", 64), ("file", 128), ("cookie", 4)),
)
# Where they are listed; options are at 0.
_RANKS: dict[str | int, int] = {name: at - len(_FIXED) for at, (name, _) in enumerate(_FIXED)}
_RANKS |= {"end": 1, "torn": 2, "pad": 3, "behind": 4}

Range = tuple[int, int]  # of bytes, its end not included
Piece = tuple["str | int", int, int]  # a field's name or an option's code, its range


class Field(NamedTuple):
    """A field or option of a message."""

    key: str | int  # what glossary.about knows it by
    name: str
    value: str  # in words
    ranges: list[Range]  # more than one of an option that comes in pieces


def fields(message: Message) -> list[Field]:
    """The fields of a message, then its options in order of first appearance, then the rest. Each
    byte of the message is in one of them.
    """
    payload = message.payload
    found: dict[str | int, list[Range]] = {}
    for key, start, end in pieces(payload):
        ranges = found.setdefault(key, [])
        if ranges and isinstance(key, str) and ranges[-1][1] == start:
            start = ranges.pop()[0]
        ranges.append((start, end))
    order = sorted(found, key=lambda key: _RANKS.get(key, 0))
    return [_field(message, key, found[key]) for key in order]


def pieces(payload: bytes) -> Iterator[Piece]:
    """What the bytes of a message are: the fixed fields, then the options field, then `file` and
    `sname`, as one string each or, where option 52 says so, with options in them.
    """
    at = 0
    for key, size in _FIXED:
        end = at + size
        if at < len(payload) and key not in ("sname", "file"):
            yield key, at, min(end, len(payload))
        at = end
    end = len(payload)
    options = []
    if payload[COOKIE] == MAGIC:
        options = list(_options(payload, COOKIE.stop, min(end, _REACH)))
        yield from options
    unread = _REACH if options else COOKIE.stop
    if end > unread:
        yield "torn", unread, end
    overload = _overload(payload, options)
    for name, place, bit in (("file", FILE, 1), ("sname", SNAME, 2)):
        start, stop = place.start, min(place.stop, end)
        if not overload & bit:
            if start < stop:
                yield name, start, stop
        elif any(key == "torn" for key, *_ in options):
            yield "torn", start, stop
        else:
            options = list(_options(payload, start, stop))
            yield from options


def _options(payload: bytes, at: int, end: int) -> Iterator[Piece]:
    # Of one field, as the codec's Message.scan goes over it.
    while at < end:
        code = payload[at]
        if code in (_PAD, _END):
            yield ("end" if code == _END else "pad"), at, at + 1
            at += 1
            if code == _END:
                break
            continue
        after = at + 2 + payload[at + 1] if at + 1 < end else end + 1
        if after > end:
            yield "torn", at, end
            return
        yield code, at, after
        at = after
    if at < end:
        yield "behind", at, end


def _overload(payload: bytes, options: list[Piece]) -> int:
    # Which fields hold options, in its bits. Only the first copy counts, and no odd one.
    for key, start, end in options:
        if key == _OVERLOAD:
            return payload[start + 2] if end - start == 3 and payload[start + 2] < 4 else 0
    return 0


# Values


def _field(message: Message, key: str | int, ranges: list[Range]) -> Field:
    skip = 2 if isinstance(key, int) else 0  # an option's code and length
    data = b"".join(message.payload[start + skip : end] for start, end in ranges)
    if isinstance(key, int):
        return Field(key, option_name(key), option_text(key, data), ranges)
    return Field(key, _NAMES.get(key, key), _TEXTS[key](data, message), ranges)


def _number(data: bytes, _: Message) -> str:
    return str(int.from_bytes(data, "big"))


def _named(names: dict[int, str]) -> Callable[[bytes, Message], str]:
    def text(data: bytes, _: Message) -> str:
        number = int.from_bytes(data, "big")
        return f"{number} {names[number]}" if number in names else str(number)

    return text


def _flags(data: bytes, _: Message) -> str:
    number = int.from_bytes(data, "big")
    return f"{number:#06x}{', broadcast' if number & _BROADCAST else ''}"


def _address(data: bytes, _: Message) -> str:
    if len(data) < 4:
        return data.hex()
    return ip_text(data) if any(data) else "none"


def _chaddr(data: bytes, message: Message) -> str:
    size = min(message.record["hlen"] or 0, len(data))
    return mac_text(data[:size]) or "none"


def _string(data: bytes, _: Message) -> str:
    text = data.split(b"\0")[0]
    return quoted(text) if text else "empty"


def _size(data: bytes, _: Message) -> str:
    return f"{len(data)} byte{'s' * (len(data) != 1)}"


def _error(data: bytes, message: Message) -> str:
    return str(message.record["error"] or _size(data, message))


_TEXTS: dict[str, Callable[[bytes, Message], str]] = {
    **{"op": _named(OPS), "htype": _named({_ETHERNET: "Ethernet"}), "hlen": _number},
    **{"hops": _number, "xid": lambda data, _: data.hex(), "flags": _flags},
    "secs": lambda data, message: f"{_number(data, message)} s",
    **dict.fromkeys(("ciaddr", "yiaddr", "siaddr", "giaddr"), _address),
    **{"chaddr": _chaddr, "sname": _string, "file": _string},
    "cookie": lambda data, _: ".".join(map(str, data)),
    **{"end": _size, "pad": _size, "behind": _size, "torn": _error},
}
