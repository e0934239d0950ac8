"""Links: where in a packet IPv4 begins, and who sent the packet to whom on the link.

Ethernet with VLAN tags and PPPoE, Wi-Fi with and without a radiotap header (IEEE 802.11), Linux
cooked, BSD loopback, raw IP.
"""

from __future__ import annotations

from struct import unpack_from

from capture.names import mac_text

_IPV4 = 0x0800  # EtherTypes
_VLAN = (0x8100, 0x88A8, 0x9100)  # IEEE 802.1Q, 802.1ad, and what came before that
_PPPOE = 0x8864  # RFC 2516, once the session is there
_PPP_IPV4 = 0x0021


class Sealed(Exception):
    """A Wi-Fi frame that may hold anything and is not looked into; the text says what it is."""


def ipv4(link: int, data: bytes) -> tuple[str, str, int] | None:
    """Look for IPv4 in a packet. None: it carries something else.

    link: one of LINKS.
    Returns what the link says of source and target, as text to stand before their IP addresses,
    and where the IPv4 header begins.
    Raises Sealed; struct.error where there is too little of the packet to tell.
    """
    source, target, kind, at = LINKS[link](data)
    while kind in _VLAN:
        tag, kind = unpack_from("!HH", data, at)
        source += f"vlan {tag & 0xFFF} "
        at += 4
    if kind == _PPPOE:
        (protocol,) = unpack_from("!6xH", data, at)
        kind = _IPV4 if protocol == _PPP_IPV4 else 0
        at += 8
    return (source, target, at) if kind == _IPV4 else None


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


# IEEE 802.11, of the two bytes of frame control
_DATA, _DATA_MASK = 0x0008, 0x000C
_EMPTY = 0x0040
_QOS = 0x0080
_TO_DS, _FROM_DS = 0x0100, 0x0200  # to, from the distribution system: the access point
_PROTECTED = 0x4000
_ORDER = 0x8000

_AGGREGATE = 0x80  # of QoS control
_SNAP = b"\xaa\xaa\3\0\0\0"  # RFC 1042; the EtherType is behind it


def _radiotap(data: bytes) -> _Link:
    (size,) = unpack_from("<2xH", data)
    return _wifi(data, size)


def _wifi(data: bytes, at: int = 0) -> _Link:
    (control,) = unpack_from("<H", data, at)
    if control & _DATA_MASK != _DATA or control & _EMPTY:
        return "", "", 0, 0
    if control & _PROTECTED:
        raise Sealed("encrypted")
    target, source, third = unpack_from("4x6s6s6s", data, at)
    at += 24
    if control & _TO_DS:
        target = third
    if control & _FROM_DS:
        source = third
        if control & _TO_DS:
            (source,) = unpack_from("6s", data, at)
            at += 6
    if control & _QOS:
        (qos,) = unpack_from("B", data, at)
        if qos & _AGGREGATE:
            raise Sealed("aggregated (A-MSDU)")
        at += 6 if control & _ORDER else 2
    snap, kind = unpack_from("!6sH", data, at)
    return f"{mac_text(source)} ", f"{mac_text(target)} ", kind if snap == _SNAP else 0, at + 8


LINKS = {
    0: _bsd_loopback,
    1: _ethernet,
    12: _raw_ip,  # on some systems; 101 is its registered number
    14: _raw_ip,
    101: _raw_ip,
    105: _wifi,
    108: _bsd_loopback,
    113: _linux_cooked,
    127: _radiotap,
    228: _raw_ip,
    276: _linux_cooked_2,
}
