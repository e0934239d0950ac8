"""What numbers and bytes of DHCP are called, and look like, for people: message types, options.

The names and types of options, and most of their values, are the firmware's. All text is printable
ASCII, whatever the bytes are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware"))

from capture import structures
from capture.structures import ip_text as ip_text
from capture.structures import mac_text as mac_text
from capture.structures import quoted as quoted
from dhcpc import options

OPS = {1: "BOOTREQUEST", 2: "BOOTREPLY"}  # RFC 951 3

# Option 53, from 1: RFC 2132 9.6, then RFC 3203, 4388, 6926, 7724
MESSAGE_TYPES = (
    *("DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"),
    *("FORCERENEW", "LEASEQUERY", "LEASEUNASSIGNED", "LEASEUNKNOWN", "LEASEACTIVE"),
    *("BULKLEASEQUERY", "LEASEQUERYDONE", "ACTIVELEASEQUERY", "LEASEQUERYSTATUS", "TLS"),
)


def message_type(number: int) -> str:
    """The name of a message type, its digits if it has none."""
    return MESSAGE_TYPES[number - 1] if 0 < number <= len(MESSAGE_TYPES) else str(number)


# Words of the firmware's names that are not written in small letters, or not apart
_WORDS = {
    word.lower(): word
    for word in (
        "ARP DHCP DNS Ethernet FQDN IP IPv6 IRC LPR MTU Microsoft NIS NIS+ NNTP NTP NetBIOS POP3 "
        "POSIX SIP SMTP StreetTalk TCP TFTP TTL WWW Window X"
    ).split()
} | {"renewal": "renewal (T1)", "rebinding": "rebinding (T2)"}
_HYPHENATED = (
    "auto-configure auto-discovery IPv6-only non-local time-to-live vendor-identifying"
).split()


def option_name(code: int) -> str:
    """The name of an option, as RFC 2132 has it; "option N" for an unknown one."""
    name = options.name(code)
    if name.isdigit():
        return f"option {code}"
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    for joined in _HYPHENATED:
        words = words.replace(joined.replace("-", " "), joined)
    return words


def option_text(code: int, value: bytes) -> str:
    """The value of an option as its type is written; in hex what has no type, or not its form."""
    if code == _HOME_AGENT and not value:
        return "none"
    if code in _OF_BYTES:
        return _OF_BYTES[code](value)
    kind = options.kind(code)
    if kind == "t":
        return quoted(value)
    decoded = options.decode(code, value) if kind else value
    if isinstance(decoded, bytes):
        text = value.hex() or "empty"
        sized = kind and (kind in _SIZED or kind == "f" and len(value) != 1)
        return f"{text}, which is not its size" if sized else text
    return (_OF_VALUES.get(code) or _OF_VALUES[kind])(decoded) or value.hex()


_HOME_AGENT = 68  # which may be empty, RFC 2132 8.13
_SIZED = "aA124spw"  # types whose bytes have another form only if they have another size


def _seconds(value: int) -> str:
    return "infinite" if value == 0xFFFFFFFF else f"{value} s ({timedelta(seconds=value)})"


# By type, or by code where that says more
_OF_VALUES: dict[str | int, Callable[[Any], str]] = {
    "a": str,
    "A": ", ".join,
    "p": lambda pairs: ", ".join(map(" ".join, pairs)),
    "1": str,
    "2": str,
    "4": _seconds,
    "s": lambda value: f"{value} s",
    "w": lambda values: ", ".join(map(str, values)),
    "f": lambda value: "yes" if value else "no",
    "d": structures.domains,
    "S": structures.domains,
    "r": structures.routes,
    "n": structures.fqdn,
    "o": structures.vendor,
    "u": structures.texts,
    "V": structures.vendor_classes,
    "v": structures.vendor_options,
    "D": structures.resolvers,
    82: structures.relay,
}


def _codes(value: bytes) -> str:
    return ", ".join(f"{code} {option_name(code)}" for code in value) or "empty"


def _overload(value: bytes) -> str:
    fields = {b"\1": "file", b"\2": "sname", b"\3": "file and sname"}
    return fields.get(value) or value.hex() or "empty"


def _message_type(value: bytes) -> str:
    if not value:
        return "empty"
    more = f", of {value.hex()}, which is not its size" if value[1:] else ""
    return message_type(value[0]) + more


_OF_BYTES: dict[int, Callable[[bytes], str]] = {
    52: _overload,
    53: _message_type,
    55: _codes,
    61: structures.client_id,
}
