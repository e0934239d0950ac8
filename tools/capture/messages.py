"""Messages: what the datagrams of a file say, read by the firmware's own codec, `dhcpc`.

The codec says what is malformed in one word; where that is, and how, is found here. It does not
look at the magic cookie, which a client can do without; in a file nothing is DHCP without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import dhcpc
from capture import files
from capture.datagrams import Datagram, Warn, datagrams
from capture.names import ip_text, message_type

REACH = 0x7FFF  # bytes that the codec's index covers

# RFC 2131 figure 1
_CHADDR_SIZE = 16
SNAME = slice(44, 108)
FILE = slice(108, 236)
COOKIE = slice(236, 240)
MAGIC = b"c\x82Sc"

# RFC 2132
_PAD, _TYPE = 0, 53


class Message(NamedTuple):
    """A DHCP message of a file, or one that a board has told of."""

    payload: bytes
    datagram: Datagram | None  # that carried it; a .bin file and a board have none
    record: dict[str, Any]  # what it says, and what is wrong with it, as --json prints it
    ns: int | None = None  # when it was captured, since 1970, if that is known


def messages(path: str, warn: Warn) -> Iterator[Message]:
    """The messages of a file.

    path: of a capture, or "-" for one on standard input; of a payload if it ends in .bin, or in
        .bin.gz.
    warn: is told of packets that may be DHCP and cannot be read.
    Raises, in the end, where there may be more: files.Unreadable, OSError.
    """
    stdin = path == "-"
    with open(0 if stdin else path, "rb", closefd=not stdin) as file:
        name = path.lower()
        if name.endswith((".bin", ".bin.gz")):
            payload = files.payload(file, zipped=name.endswith(".gz"))
            yield Message(payload, None, {"file": path, "n": 1, **decode(payload)})
            return
        for n, datagram in enumerate(datagrams(files.packets(file), warn), 1):
            record = decode(datagram.payload)
            errors = filter(None, (datagram.error, record.pop("error")))
            record["error"] = "; ".join(errors) or None
            record = {"file": path, "n": n, **record, **_carried(datagram)}
            yield Message(datagram.payload, datagram, record, datagram.packet.ns)


def _carried(datagram: Datagram) -> dict[str, Any]:
    # What a capture alone tells of a message.
    packet = datagram.packet
    return {
        "time": None if packet.ns is None else round(packet.ns / 1e9, 6),
        "packet": packet.number,
        "src": datagram.source.split()[-1],
        "dst": datagram.target.split()[-1],
    }


def decode(payload: bytes) -> dict[str, Any]:
    """What a BOOTP payload says, as --json has it. A field that it is too short for is None."""

    def field(at: int, size: int, read: Callable[[bytes], Any]) -> Any:
        value = payload[at : at + size]
        return read(value) if len(value) == size else None

    message = dhcpc.Message()
    word = message.read(payload[:REACH])
    if word != "length" and payload[COOKIE] != MAGIC:
        word = "cookie"
    codes = [] if word == "cookie" else _order(message)
    kind = message.option(_TYPE) or b"" if codes else b""
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
        "type": message_type(kind[0]) if kind else None,  # as the session takes it
        "options": [[code, (message.option(code) or b"").hex()] for code in codes],
        "error": _error(payload, word),
    }


def option_value(record: dict[str, Any], code: int) -> bytes | None:
    """The bytes of an option of a message that has been decoded; None without it."""
    found = (value for each, value in record["options"] if each == code)
    value = next(found, None)
    return None if value is None else bytes.fromhex(value)


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _order(message: dhcpc.Message) -> list[int]:
    # By first appearance: the options field, then file, then sname (RFC 3396 5).
    def place(code: int) -> tuple[bool, bool, int]:
        at = message.index[code] & REACH
        return at < FILE.stop, at < SNAME.stop, at

    return sorted((code for code in range(1, 255) if message.index[code]), key=place)


def _error(payload: bytes, word: str | None) -> str | None:
    # The word for what is malformed, with the particulars.
    size = len(payload)
    if word == "length":
        return f"{size} bytes, the fixed fields need {COOKIE.stop}"
    if word == "cookie":
        return f"no magic cookie: {payload[COOKIE].hex()}"
    if size > REACH:
        return f"{size} bytes, and options are read from the first {REACH} alone"
    return _option_error(payload) if word == "option" else None


def _option_error(payload: bytes) -> str:
    # An option runs over the end of its field. Which field: the rest reads without it.
    name, field = "", slice(COOKIE.stop, len(payload))
    rest = payload
    for candidate, place in (("sname", SNAME), ("file", FILE)):
        rest = rest[: place.start] + bytes(place.stop - place.start) + rest[place.stop :]
        if dhcpc.Message().read(rest) is None:
            name, field = f" in {candidate}", place
            break
    at = _overrun(payload[: field.stop], field.start)
    what = f"option {payload[at]} at offset {at}{name}"
    if at + 1 == field.stop:
        return f"{what} has no length byte"
    return f"{what} claims {payload[at + 1]} bytes, only {field.stop - at - 2} left"


def _overrun(data: bytes, at: int) -> int:
    # Where the option begins that runs over the end. `at`: where the first one does. The codec
    # knows that there is one, and does not say where. To ask it for every end that the field could
    # have would cost hundreds of readings.
    while True:
        if data[at] == _PAD:
            at += 1
        elif at + 1 == len(data) or at + 2 + data[at + 1] > len(data):
            return at
        else:
            at += 2 + data[at + 1]
