"""What numbers and bytes of DHCP are called, and look like, for people: message types, options.

For the tools alone: boards do not carry it. All text is printable ASCII, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from capture import structures
from capture.structures import ip_text as ip_text
from capture.structures import mac_text as mac_text
from capture.structures import quoted as quoted

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


def option_name(code: int) -> str:
    """The name of an option, as RFC 2132 has it; "option N" for an unknown one."""
    return _OPTIONS[code][0] if code in _OPTIONS else f"option {code}"


def option_text(code: int, value: bytes) -> str:
    """The value of an option as its type is written, in hex if it has another size or no type."""
    text = _OPTIONS[code][1] if code in _OPTIONS else bytes.hex
    try:
        return text(value) or "empty"
    except ValueError:
        return f"{value.hex() or 'empty'}, which is not its size"


# Each takes an option's bytes; ValueError if their number is wrong.


def _number(size: int, value: bytes, signed: bool = False) -> int:
    if len(value) != size:
        raise ValueError
    return int.from_bytes(value, "big", signed=signed)


def _byte(value: bytes) -> str:
    return str(_number(1, value))


def _short(value: bytes) -> str:
    return str(_number(2, value))


def _flag(value: bytes) -> str:
    return {0: "no", 1: "yes"}.get(_number(1, value), value.hex())


def _offset(value: bytes) -> str:
    return f"{_number(4, value, signed=True)} s"


def _seconds(value: bytes) -> str:
    seconds = _number(4, value)
    return "infinite" if seconds == 0xFFFFFFFF else f"{seconds} s ({timedelta(seconds=seconds)})"


def _pieces(value: bytes, size: int) -> list[bytes]:
    if not value or len(value) % size:
        raise ValueError
    return [value[i : i + size] for i in range(0, len(value), size)]


def _shorts(value: bytes) -> str:
    return ", ".join(map(_short, _pieces(value, 2)))


def _ips(value: bytes) -> str:
    return ", ".join(map(ip_text, _pieces(value, 4)))


def _ip_pairs(value: bytes) -> str:
    return ", ".join(f"{ip_text(pair[:4])} {ip_text(pair[4:])}" for pair in _pieces(value, 8))


def _codes(value: bytes) -> str:
    return ", ".join(f"{code} {option_name(code)}" for code in value)


def _overload(value: bytes) -> str:
    fields = {1: "file", 2: "sname", 3: "file and sname"}
    return fields.get(_number(1, value), value.hex())


def _message_type(value: bytes) -> str:
    return message_type(_number(1, value))


_OPTIONS: dict[int, tuple[str, Callable[[bytes], str]]] = {
    # RFC 2132
    1: ("subnet mask", ip_text),
    2: ("time offset", _offset),
    3: ("router", _ips),
    4: ("time server", _ips),
    5: ("name server", _ips),
    6: ("domain name server", _ips),
    7: ("log server", _ips),
    8: ("cookie server", _ips),
    9: ("LPR server", _ips),
    10: ("impress server", _ips),
    11: ("resource location server", _ips),
    12: ("host name", quoted),
    13: ("boot file size", _short),
    14: ("merit dump file", quoted),
    15: ("domain name", quoted),
    16: ("swap server", ip_text),
    17: ("root path", quoted),
    18: ("extensions path", quoted),
    19: ("IP forwarding", _flag),
    20: ("non-local source routing", _flag),
    21: ("policy filter", _ip_pairs),
    22: ("maximum datagram reassembly size", _short),
    23: ("default IP time-to-live", _byte),
    24: ("path MTU aging timeout", _seconds),
    25: ("path MTU plateau table", _shorts),
    26: ("interface MTU", _short),
    27: ("all subnets are local", _flag),
    28: ("broadcast address", ip_text),
    29: ("perform mask discovery", _flag),
    30: ("mask supplier", _flag),
    31: ("perform router discovery", _flag),
    32: ("router solicitation address", ip_text),
    33: ("static route", _ip_pairs),
    34: ("trailer encapsulation", _flag),
    35: ("ARP cache timeout", _seconds),
    36: ("Ethernet encapsulation", _flag),
    37: ("TCP default TTL", _byte),
    38: ("TCP keepalive interval", _seconds),
    39: ("TCP keepalive garbage", _flag),
    40: ("NIS domain", quoted),
    41: ("NIS server", _ips),
    42: ("NTP server", _ips),
    43: ("vendor specific information", structures.vendor),
    44: ("NetBIOS name server", _ips),
    45: ("NetBIOS datagram distribution server", _ips),
    46: ("NetBIOS node type", _byte),
    47: ("NetBIOS scope", quoted),
    48: ("X Window font server", _ips),
    49: ("X Window display manager", _ips),
    50: ("requested IP address", ip_text),
    51: ("IP address lease time", _seconds),
    52: ("option overload", _overload),
    53: ("DHCP message type", _message_type),
    54: ("server identifier", ip_text),
    55: ("parameter request list", _codes),
    56: ("message", quoted),
    57: ("maximum DHCP message size", _short),
    58: ("renewal (T1) time", _seconds),
    59: ("rebinding (T2) time", _seconds),
    60: ("vendor class identifier", quoted),
    61: ("client identifier", structures.client_id),
    64: ("NIS+ domain", quoted),
    65: ("NIS+ server", _ips),
    66: ("TFTP server name", quoted),
    67: ("bootfile name", quoted),
    68: ("mobile IP home agent", lambda value: _ips(value) if value else "none"),
    69: ("SMTP server", _ips),
    70: ("POP3 server", _ips),
    71: ("NNTP server", _ips),
    72: ("default WWW server", _ips),
    73: ("default finger server", _ips),
    74: ("default IRC server", _ips),
    75: ("StreetTalk server", _ips),
    76: ("StreetTalk directory assistance server", _ips),
    # later ones that are often seen
    77: ("user class", quoted),  # RFC 3004, and as clients that do not follow it write it
    80: ("rapid commit", bytes.hex),  # RFC 4039
    81: ("client FQDN", structures.fqdn),  # RFC 4702
    82: ("relay agent information", structures.relay),  # RFC 3046
    91: ("client last transaction time", _seconds),  # RFC 4388
    93: ("client system architecture", _shorts),  # RFC 4578
    94: ("client network interface", bytes.hex),  # RFC 4578
    97: ("client machine identifier", bytes.hex),  # RFC 4578
    100: ("POSIX time zone", quoted),  # RFC 4833
    101: ("time zone database name", quoted),  # RFC 4833
    108: ("IPv6-only preferred", _seconds),  # RFC 8925
    114: ("captive portal", quoted),  # RFC 8910
    116: ("auto-configure", _flag),  # RFC 2563
    118: ("subnet selection", ip_text),  # RFC 3011
    119: ("domain search", structures.domains),  # RFC 3397
    120: ("SIP server", bytes.hex),  # RFC 3361
    121: ("classless static route", structures.routes),  # RFC 3442
    124: ("vendor-identifying vendor class", structures.vendor_classes),  # RFC 3925
    125: ("vendor-identifying vendor specific information", structures.vendor_options),  # RFC 3925
    145: ("forcerenew nonce capable", bytes.hex),  # RFC 6704
    150: ("TFTP server address", _ips),  # RFC 5859
    209: ("configuration file", quoted),  # RFC 5071
    210: ("path prefix", quoted),  # RFC 5071
    249: ("classless static route (Microsoft)", structures.routes),
    252: ("web proxy auto-discovery", quoted),
}
