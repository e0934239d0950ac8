"""Oddities of what a reply holds: options, header, address, times."""

from __future__ import annotations

from odd.oddity import ALL, NOBODY, Oddity, odd
from odd.replies import (
    ACK,
    BROADCAST,
    CLIENT,
    DNS,
    MASK,
    OFFER,
    SERVER,
    Change,
    Reply,
    bootp,
    drop,
    filled,
    first,
    ip4,
    keep,
    last,
    moved,
    only,
    put,
    raw,
    raw_first,
    sends,
    twice,
    u32,
)

_TEXT = b"Netgear WNR612 v2 \xff\x01\x02 setup"
_FRAGMENTS = "IP fragments do not reach it"
_NOT_A_HOST = "an address that cannot be a host's"
_NOT_FOR_US = "a reply to somebody else"
_ROUTER = "192.0.2.3"
_ROUTES = put(121, b"\0" + ip4(_ROUTER))  # RFC 3442: the default route
_BY_ROUTE = {"gateway": _ROUTER}


def _spaced(reply: Reply) -> None:
    reply.options = [item for each in reply.options for item in (each, b"\0\0\0")]


def _echoed(reply: Reply) -> None:
    if "client_id" in reply.heard.options:
        put(61, bytes(reply.heard.options["client_id"]))(reply)


def _plain(field: str, code: int = 1) -> tuple[Change, ...]:
    # Text where option 52 promises options
    return put(52, bytes([code])), bootp(**{field: _TEXT})


CONTENTS: dict[str, dict[str, Oddity]] = {
    "Options twice, or of a wrong size": {
        "type-twice": odd("option 53 twice", twice(53)),
        "server-id-twice": odd("54 twice", twice(54)),
        "server-id-twice-differs": odd(
            "54 twice, the second another's", twice(54, ip4("192.0.2.9"))
        ),
        "lease-time-twice": odd("51 twice", twice(51)),
        "lease-time-twice-differs": odd("51 twice: 3,600 and 7,200 s", twice(51, u32(7200))),
        "t1-twice": odd("58 and 59 twice", twice(58), twice(59)),
        "mask-twice": odd(
            "1 twice", put(1, ip4("255.255.0.0")), twice(1), right={"mask": "255.255.0.0"}
        ),
        "all-twice": odd(
            "every option twice", lambda reply: reply.options.extend(reply.options[:])
        ),
        "lease-time-2-bytes": odd("51 of 2 bytes", put(51, b"\x0e\x10")),
        "lease-time-8-bytes": odd("51 of 8 bytes", put(51, u32(3600) * 2)),
        "lease-time-2-bytes-first": odd("51 of 2 bytes, then one of 4", first(51, b"\x0e\x10")),
        "server-id-8-bytes": odd("54 of 8 bytes", put(54, ip4(SERVER) * 2)),
        "server-id-3-bytes": odd("54 of 3 bytes", put(54, b"\xc0\0\2")),
        "type-2-bytes": odd(
            "53 of 2 bytes",
            lambda reply: put(53, bytes([reply.kind, 0]))(reply),
        ),
        "t1-2-bytes": odd("58 and 59 of 2 bytes", put(58, b"\7\x08"), put(59, b"\x0c\x4e")),
        "mask-3-bytes": odd("1 of 3 bytes", put(1, b"\xff\xff\xff"), right={"mask": MASK}),
        "router-5-bytes": odd(
            "3 of 5 bytes", put(3, ip4(SERVER) + b"\0"), right={"gateway": SERVER}
        ),
        "dns-6-bytes": odd("6 of 6 bytes", put(6, ip4(DNS) + b"\0\0"), right={"dns": DNS}),
        "options-empty": odd(
            "12, 15 and 43 of no bytes", put(12, b""), put(15, b""), put(43, b"")
        ),
        "lists-empty": odd(
            "1, 3 and 6 of no bytes",
            put(1, b""),
            put(3, b""),
            put(6, b""),
            right={"mask": MASK, "gateway": NOBODY},
        ),
        "lists-text": odd("6 and 42 as text", put(6, b"192.0.2.53"), put(42, b"192.0.2.1")),
    },
    "Options left out": {
        "bare": odd("53 and 54 alone", keep(53, 54), right={"mask": MASK}),
        "type-alone": odd("53 alone", keep(53), limit=30),
        "server-id-none": odd("no 54", drop(54)),
        "server-id-none-siaddr": odd("no 54, but siaddr", drop(54), bootp(siaddr=SERVER)),
        "offer-no-server-id": odd("no 54 in the OFFER", only(OFFER, drop(54))),
        "offer-no-server-id-siaddr": odd(
            "no 54 in the OFFER, but siaddr", only(OFFER, drop(54)), bootp(siaddr=SERVER)
        ),
        "ack-no-server-id": odd("no 54 in the ACK", only(ACK, drop(54))),
        "ack-other-server-id": odd(
            "another's 54 in the ACK", only(ACK, put(54, ip4("192.0.2.9")))
        ),
        "ack-no-type": odd(
            "no 53 in the ACK", only(ACK, drop(53)), refused="no DHCP, but BOOTP (RFC 1534)"
        ),
        "cookie-none": odd("no magic cookie", bootp(options=bytes(4))),
        "lease-time-none": odd("no 51", drop(51)),
        "lease-time-in-ack": odd("51 in the ACK alone", only(OFFER, drop(51))),
        "lease-time-in-offer": odd("51 in the OFFER alone", only(ACK, drop(51))),
        "times-none": odd("no 51, 58, 59", drop(51, 58, 59)),
        "mask-none": odd("no 1", drop(1), right={"mask": MASK}),
        "router-none": odd("no 3", drop(3), right={"gateway": NOBODY}),
        "dns-none": odd("no 6", drop(6)),
        "type-none": odd(
            "no 53: BOOTP", drop(53, 54, 51, 58, 59), refused="no DHCP, but BOOTP (RFC 1534)"
        ),
    },
    "Options in disorder": {
        "type-last": odd("53 last", last(53)),
        "backwards": odd("options in falling order", lambda reply: reply.options.reverse()),
        "pads-first": odd("64 pads first", raw_first(bytes(64))),
        "pads-between": odd("pads between all options", _spaced),
        "end-none": odd("no END", sends(end=False)),
        "end-none-unpadded": odd("no END, and nothing behind", sends(end=False, padded=False)),
        "behind-end": odd("options behind END", sends(behind=b"\x36\x04\0\0\0\0\x01\x04\0\0\0\0")),
        "behind-end-garbage": odd("garbage behind END", sends(behind=b"\xa5\x5a" * 40)),
        "last-torn": odd(
            "the last option torn", raw(b"\x0c\x40board"), sends(end=False, padded=False)
        ),
        "last-code-alone": odd(
            "a code alone at the end", raw(b"\x0c"), sends(end=False, padded=False)
        ),
        "essential-torn": odd(
            "54 torn at the end", drop(54), raw(b"\x36\4\xc0\0\2"), sends(end=False, padded=False)
        ),
        "unpadded": odd("254 bytes, no padding", keep(53, 54, 51), sends(padded=False)),
        "odd-length": odd("of an odd length", put(12, b"board"), sends(behind=bytes(121))),
        "unknown-options": odd(
            "options 200 to 250, 4 bytes each", *[put(c, b"abcd") for c in range(200, 251)]
        ),
        "client-id-echoed": odd("61 echoed", _echoed),
        "client-id-other": odd("61 of somebody else", put(61, b"\1\2\3\4\5\6\7")),
        "relay-echoed": odd("82 with what a relay put in", put(82, b"\1\4port\2\6\2\0\0\0\0\1")),
        "rapid-commit-echoed": odd("80 in OFFER and ACK", put(80, b"")),
        "message": odd("56, a text", put(56, b"welcome to the lab \xff\xfe")),
        "authentication": odd("90, as if signed", put(90, bytes(20))),
    },
    "Long messages, overload": {
        "long-576": odd("of 600 bytes", filled(600)),
        "long-1024": odd("of 1,200 bytes", filled(1200)),
        "long-1460": odd("of 1,460 bytes", filled(1460)),
        "long-1024-server-id-behind": odd(
            "of 1,200 bytes, 54 last",
            last(54),
            filled(1200, -1),
        ),
        "fragments": odd(
            "of 1,600 bytes, in two IP fragments",
            filled(1600),
            sends(size=1400),
            refused=_FRAGMENTS,
            by=("rp2",),
        ),
        "small-fragments": odd(
            "in IP fragments of 200 bytes", sends(size=200), refused=_FRAGMENTS, by=("rp2", "unix")
        ),
        "overload-file": odd(
            "1, 3, 6, 15 in `file`", moved("file", 1, 3, 6, 15), right={"gateway": SERVER}
        ),
        "overload-sname": odd(
            "1, 3, 6, 15 in `sname`", moved("sname", 1, 3, 6, 15), right={"gateway": SERVER}
        ),
        "overload-essential": odd("51 and 54 in `file`", moved("file", 51, 54)),
        "overload-type": odd("53 in `file`", moved("file", 53)),
        "overload-no-end": odd(
            "`file` full of options, without END",
            put(52, b"\1"),
            bootp(file=b"\x11\x7e" + b"/" * 126),
        ),
        "overload-text-file": odd("52 of 1 over text in `file`", *_plain("file")),
        "overload-text-sname": odd("52 of 2 over text in `sname`", *_plain("sname", 2)),
        "overload-text-both": odd(
            "52 of 3 over text in both", *_plain("file", 3), *_plain("sname", 3)
        ),
        "overload-0": odd("52 of 0", put(52, b"\0"), bootp(file=_TEXT)),
        "overload-7": odd("52 of 7", put(52, b"\7"), bootp(file=_TEXT)),
        "overload-twice": odd(
            "52 twice, of 0 and 1", raw_first(b"\x34\1\0"), moved("file", 1, 3, 6)
        ),
        "overload-2-bytes": odd("52 of 2 bytes", put(52, b"\1\1"), bootp(file=_TEXT)),
        "text-sname-file": odd(
            "text in `sname` and `file`", bootp(sname=b"router", file=b"pxelinux.0")
        ),
        "garbage-sname-file": odd(
            "garbage in both", bootp(sname=b"\xff\1" * 32, file=b"\x35\1\6" * 42)
        ),
    },
    "Header": {
        "htype-6": odd("htype 6 (IEEE 802)", bootp(htype=6)),
        "htype-0": odd("htype 0", bootp(htype=0)),
        "hlen-0": odd("hlen 0", bootp(hlen=0)),
        "hlen-16": odd("hlen 16", bootp(hlen=16)),
        "hops": odd("hops 16", bootp(hops=16)),
        "secs": odd("secs 65,535", bootp(secs=65535)),
        "flags-set": odd("the broadcast flag, unasked", bootp(flags=BROADCAST)),
        "flags-garbage": odd("flags 0x7fff", bootp(flags=0x7FFF)),
        "ciaddr-filled": odd("ciaddr is yiaddr", bootp(ciaddr=CLIENT)),
        "siaddr-other": odd("siaddr of another", bootp(siaddr="198.51.100.7")),
        "siaddr-broadcast": odd("siaddr 255.255.255.255", bootp(siaddr=ALL)),
        "giaddr": odd("giaddr set", bootp(giaddr="192.0.2.254")),
        "chaddr-padding": odd(
            "garbage behind chaddr",
            lambda reply: reply.bootp.update(chaddr=reply.bootp["chaddr"][:6] + b"\xa5" * 10),
        ),
        "xid-other": odd("another xid", bootp(xid=0x01020304), refused=_NOT_FOR_US),
        "chaddr-other": odd(
            "another chaddr", bootp(chaddr=b"\2\0\0\0\0\x63"), refused=_NOT_FOR_US
        ),
        "chaddr-zero": odd("chaddr of zeros", bootp(chaddr=bytes(16)), refused=_NOT_FOR_US),
        "op-request": odd("op 1", bootp(op=1), refused="what clients send, not a reply"),
    },
    "The address": {
        "yiaddr-240": odd("240.0.2.100", bootp(yiaddr="240.0.2.100"), right={"ip": "240.0.2.100"}),
        "yiaddr-link-local": odd(
            "169.254.7.7", bootp(yiaddr="169.254.7.7"), right={"ip": "169.254.7.7"}
        ),
        "yiaddr-changes": odd(
            "the ACK has another",
            only(ACK, bootp(yiaddr="192.0.2.150")),
            right={"ip": "192.0.2.150"},
        ),
        "yiaddr-new-each-time": odd(
            "each OFFER has another",
            only(
                OFFER, lambda reply: reply.bootp.update(yiaddr=f"192.0.2.{99 + reply.heard.nth}")
            ),
        ),
        "yiaddr-255-of-16": odd(
            "192.0.2.255 in a /16", bootp(yiaddr="192.0.2.255"), put(1, ip4("255.255.0.0"))
        ),
        "yiaddr-network": odd("the network's own", bootp(yiaddr="192.0.2.0"), refused=_NOT_A_HOST),
        "yiaddr-broadcast": odd(
            "the network's broadcast", bootp(yiaddr="192.0.2.255"), refused=_NOT_A_HOST
        ),
        "yiaddr-server": odd("the server's own", bootp(yiaddr=SERVER)),
        "yiaddr-zero": odd("0.0.0.0", bootp(yiaddr=NOBODY), refused=_NOT_A_HOST),
        "yiaddr-loopback": odd("127.0.0.5", bootp(yiaddr="127.0.0.5"), refused=_NOT_A_HOST),
        "yiaddr-multicast": odd("224.0.2.100", bootp(yiaddr="224.0.2.100"), refused=_NOT_A_HOST),
        "yiaddr-all": odd(
            "255.255.255.255", bootp(yiaddr=ALL), sends(broadcast=True), refused=_NOT_A_HOST
        ),
    },
    "Mask, router, name servers, routes": {
        "mask-zero": odd("mask 0.0.0.0", put(1, ip4(NOBODY)), right={"mask": MASK}),
        "mask-holes": odd("mask 255.0.255.0", put(1, ip4("255.0.255.0")), right={"mask": MASK}),
        "mask-wildcard": odd("mask 0.0.0.255", put(1, ip4("0.0.0.255")), right={"mask": MASK}),
        "mask-32": odd("mask 255.255.255.255", put(1, ip4(ALL)), right={"mask": ALL}),
        "mask-31": odd("mask 255.255.255.254", put(1, ip4("255.255.255.254"))),
        "router-self": odd("the client as router", put(3, ip4(CLIENT)), right={"gateway": NOBODY}),
        "router-zero": odd("router 0.0.0.0", put(3, ip4(NOBODY)), right={"gateway": NOBODY}),
        "router-zero-first": odd(
            "routers 0.0.0.0 and one", put(3, ip4(NOBODY, SERVER)), right={"gateway": SERVER}
        ),
        "router-foreign": odd("a router of another network", put(3, ip4("198.51.100.1"))),
        "router-twice": odd("3 twice", twice(3, ip4("192.0.2.3")), right={"gateway": SERVER}),
        "dns-zero-first": odd(
            "name servers 0.0.0.0 and one", put(6, ip4(NOBODY, DNS)), right={"dns": DNS}
        ),
        "dns-zero-padded": odd("one and 0.0.0.0", put(6, ip4(DNS, NOBODY)), right={"dns": DNS}),
        "dns-broadcast-first": odd(
            "255.255.255.255 and one", put(6, ip4(ALL, DNS)), right={"dns": DNS}
        ),
        "dns-many": odd("60 name servers", put(6, ip4(DNS) * 60), right={"dns": DNS}),
        "routes-alone": odd("121 with a default route, no 3", drop(3), _ROUTES, right=_BY_ROUTE),
        "routes-and-router": odd("121 and 3", _ROUTES, right=_BY_ROUTE),
        "routes-torn": odd(
            "121 torn behind the default route",
            put(121, b"\0" + ip4(_ROUTER) + b"\x18\x0a"),
            right=_BY_ROUTE,
        ),
        "routes-without-default": odd(
            "121 without a default route, and 3",
            put(121, b"\x18" + ip4("198.51.100.0")[:3] + ip4(_ROUTER)),
            right={"gateway": SERVER},
        ),
        "domain-zeros": odd("15 ends in zeros", put(15, b"lab.example\0\0")),
        "mtu-0": odd("26 of 0", put(26, b"\0\0")),
    },
    "The server identifier": {
        "server-id-zero": odd("54 of 0.0.0.0", put(54, ip4(NOBODY))),
        "server-id-loopback": odd("54 of 127.0.0.1", put(54, ip4("127.0.0.1"))),
        "server-id-multicast": odd("54 of 224.0.0.1", put(54, ip4("224.0.0.1"))),
        "server-id-broadcast": odd("54 of 255.255.255.255", put(54, ip4(ALL))),
        "server-id-client": odd("54 of yiaddr", put(54, ip4(CLIENT))),
        "server-id-foreign": odd("54 of another network", put(54, ip4("198.51.100.1"))),
    },
    "Times": {
        "lease-time-0": odd("51 of 0", put(51, u32(0))),
        "lease-time-1": odd("51 of 1 s", put(51, u32(1)), drop(58, 59)),
        "lease-time-10": odd("51 of 10 s", put(51, u32(10)), drop(58, 59)),
        "lease-time-infinite": odd("51 of 2**32 - 1", put(51, u32(0xFFFFFFFF))),
        "lease-time-2**31": odd("51 of 2**31", put(51, u32(1 << 31))),
        "lease-time-2**32-2": odd("51 of 2**32 - 2", put(51, u32(0xFFFFFFFE))),
        "t1-behind-t2": odd("T1 behind T2", put(58, u32(3150)), put(59, u32(1800))),
        "t1-0": odd("T1 and T2 of 0", put(58, u32(0)), put(59, u32(0))),
        "t1-is-lease": odd("T1 = T2 = lease", put(58, u32(3600)), put(59, u32(3600))),
        "t1-infinite": odd(
            "T1 and T2 infinite", put(58, u32(0xFFFFFFFF)), put(59, u32(0xFFFFFFFF))
        ),
        "lease-time-changes": odd("120 s in the ACK", only(ACK, put(51, u32(120)), drop(58, 59))),
        "t1-alone": odd("T1 of 3,500 s, no T2", put(58, u32(3500)), drop(59)),
    },
}
