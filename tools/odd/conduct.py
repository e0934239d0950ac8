"""Oddities of how a server conducts itself: what it answers to what, when, and which way."""

from __future__ import annotations

from odd.oddity import ALL, NOBODY, RENEWAL, SECOND, Oddity, odd
from odd.replies import (
    ACK,
    CLIENT,
    DISCOVER,
    NAK,
    OFFER,
    REQUEST,
    Change,
    Heard,
    Reply,
    bootp,
    drop,
    ether,
    if_,
    ip,
    ip4,
    keep,
    only,
    proper,
    put,
    renewing,
    sends,
    to,
    u32,
    udp,
    where,
)

_ALL_MACS = "ff:ff:ff:ff:ff:ff"
_BARE = only(NAK, keep(53))


def _short(*changes: Change) -> tuple[Change, ...]:
    # A lease that is soon renewed
    return put(51, u32(24)), put(58, u32(4)), put(59, u32(16)), *changes


def _suggested(reply: Reply) -> None:
    # What the client suggests, once it has had an address; another one if it does not.
    if reply.kind == OFFER and reply.heard.nth > 1:
        reply.bootp["yiaddr"] = reply.heard.options.get("requested_addr", "192.0.2.150")


def _refuses(heard: Heard) -> tuple[int, ...]:
    # NAK to each REQUEST for the first address
    first = CLIENT in (heard.options.get("requested_addr"), heard.bootp.ciaddr)
    return (NAK,) if heard.kind == REQUEST and first else proper(heard)


def _refuses_renewal(heard: Heard) -> tuple[int, ...]:
    return (NAK,) if _is_renewal(heard) and heard.bootp.ciaddr == CLIENT else proper(heard)


def _is_renewal(heard: Heard) -> bool:
    return heard.kind == REQUEST and heard.has_address


CONDUCT: dict[str, dict[str, Oddity]] = {
    "How a reply comes": {
        "broadcast-only": odd("as a broadcast, whatever the flag", sends(broadcast=True)),
        "unicast-only": odd("as a unicast, whatever the flag", sends(broadcast=False)),
        "flag-needed": odd(
            "none until the broadcast flag is set",
            answers=if_(lambda heard: heard.broadcast),
            limit=30,
        ),
        "flag-refused": odd(
            "none until the broadcast flag is clear",
            answers=if_(lambda heard: not heard.broadcast),
            limit=30,
        ),
        "broadcast-unicast-mac": odd("to 255.255.255.255, the client's MAC", ip(dst=ALL)),
        "unicast-broadcast-mac": odd(
            "to yiaddr, the broadcast MAC", sends(broadcast=False), ether(dst=_ALL_MACS)
        ),
        "subnet-broadcast": odd("to 192.0.2.255", ip(dst="192.0.2.255"), ether(dst=_ALL_MACS)),
        "port-other": odd("from port 1067", udp(sport=1067)),
        "port-68": odd("from port 68", udp(sport=68)),
        "source-other": odd("from another address of the network", ip(src="192.0.2.9")),
        "source-foreign": odd("from another network", ip(src="198.51.100.1")),
        "source-zero": odd("from 0.0.0.0", ip(src=NOBODY)),
        "checksum-0": odd("UDP checksum 0", udp(chksum=0)),
        "ip-options": odd("IP options (router alert)", ip(options=b"\x94\4\0\0")),
        "ip-ttl-1": odd("TTL 1", ip(ttl=1)),
        "ip-ttl-0": odd("TTL 0", ip(ttl=0)),
        "ip-dst-zero": odd("to 0.0.0.0, the broadcast MAC", ip(dst=NOBODY), ether(dst=_ALL_MACS)),
        "ip-dst-other": odd("to another address, the client's MAC", ip(dst="192.0.2.7")),
        "udp-behind": odd(
            "the IP packet has 20 bytes more than UDP says",
            sends(surplus=bytes(20)),
            refused="lwIP takes the checksum of all of it",
            by=("rp2", "esp32"),
        ),
        "ip-tos": odd("TOS 0x10, DF", ip(tos=0x10, flags="DF")),
        "frame-padded": odd("40 bytes behind the IP packet", sends(trailer=bytes(40))),
        "vlan-priority": odd(
            "a VLAN tag of priority alone",
            sends(tag=True),
            refused="lwIP without VLANs drops it",
            by=("rp2", "esp32"),
        ),
        "twice": odd("every reply twice", answers=lambda heard: proper(heard) * 2),
        "late-1": odd("1.2 s late", late=1.2),
        "late-3": odd("3 s late", late=3),
        "late-6": odd("6 s late", late=6, limit=30),
    },
    "What it answers": {
        "discover-2nd": odd(
            "the 2nd DISCOVER", answers=if_(lambda heard: heard.kind != DISCOVER or heard.nth > 1)
        ),
        "discover-3rd": odd(
            "the 3rd DISCOVER",
            answers=if_(lambda heard: heard.kind != DISCOVER or heard.nth > 2),
            limit=30,
        ),
        "request-2nd": odd(
            "the 2nd REQUEST", answers=if_(lambda heard: heard.kind != REQUEST or heard.nth > 1)
        ),
        "secs-needed": odd(
            "none before secs is 3 (dhcpd's min-secs)",
            answers=if_(lambda heard: heard.kind != DISCOVER or heard.bootp.secs >= 3),
            limit=30,
        ),
        "small-needed": odd(
            "none to more than 320 bytes", answers=if_(lambda heard: len(heard.bootp) <= 320)
        ),
        "ack-for-offer": odd(
            "a DISCOVER with an ACK", answers=to(DISCOVER, ACK), refused="no ACK without a REQUEST"
        ),
        "rapid-commit": odd(
            "a DISCOVER with an ACK and 80, unasked",
            put(80, b""),
            answers=to(DISCOVER, ACK),
            refused="no ACK without a REQUEST",
        ),
        "offer-then-ack": odd(
            "a REQUEST with an OFFER, then the ACK", answers=to(REQUEST, OFFER, ACK)
        ),
        "offers-differ": odd(
            "a DISCOVER with two OFFERs of two addresses",
            lambda reply: (
                reply.bootp.update(yiaddr=f"192.0.2.{100 + reply.index}")
                if reply.kind == OFFER
                else None
            ),
            answers=to(DISCOVER, OFFER, OFFER),
        ),
        "nak-then-ack": odd(
            "a REQUEST with a NAK, then the ACK",
            answers=to(REQUEST, NAK, ACK),
            same=True,
            refused="a NAK is obeyed",
        ),
        "offers-of-two": odd("and an honest server does", beside=0),
        "never-acks": odd(
            "with OFFERs alone; an honest server is later",
            answers=to(REQUEST),
            beside=0.3,
            limit=60,
        ),
        "naks-for-another": odd(
            "a REQUEST with another's NAK first",
            only(NAK, put(54, ip4("192.0.2.9"))),
            answers=to(REQUEST, NAK, ACK),
            same=True,
        ),
        "nak-bare": odd(
            "the first REQUEST with a NAK of 53 alone",
            _BARE,
            answers=_refuses,
            right={"ip": "192.0.2.101"},
        ),
        "nak-full": odd(
            "with a NAK that has every option",
            only(NAK, put(51, u32(60)), bootp(yiaddr=CLIENT)),
            answers=_refuses,
            right={"ip": "192.0.2.101"},
        ),
        "nak-unicast": odd(
            "with a NAK to the client's MAC",
            only(NAK, ip(dst=CLIENT), ether(dst="02:00:00:00:00:01")),
            answers=_refuses,
            right={"ip": "192.0.2.101"},
        ),
    },
    "Renewals (a lease of 24 s, T1 4 s)": {
        "renewal-bare": odd("the ACK has 53 alone", *_short(renewing(keep(53))), goal=RENEWAL),
        "renewal-no-server-id": odd(
            "the ACK has no 54", *_short(renewing(drop(54))), goal=RENEWAL
        ),
        "renewal-other-server-id": odd(
            "the ACK has another's 54", *_short(renewing(put(54, ip4("192.0.2.9")))), goal=RENEWAL
        ),
        "renewal-yiaddr-zero": odd(
            "the ACK's yiaddr is 0.0.0.0",
            *_short(renewing(bootp(yiaddr=NOBODY))),
            goal=RENEWAL,
        ),
        "renewal-ciaddr-zero": odd(
            "the ACK's ciaddr is 0.0.0.0", *_short(renewing(bootp(ciaddr=NOBODY))), goal=RENEWAL
        ),
        "renewal-broadcast": odd(
            "the ACK is a broadcast", *_short(renewing(sends(broadcast=True))), goal=RENEWAL
        ),
        "renewal-nak-bare": odd(
            "a NAK of 53 alone",
            *_short(_BARE),
            answers=_refuses_renewal,
            goal=SECOND,
            right={"ip": "192.0.2.101"},
        ),
        "renewal-nak-other": odd(
            "a NAK with another's 54",
            *_short(only(NAK, put(54, ip4("192.0.2.9")))),
            answers=_refuses_renewal,
            goal=SECOND,
            right={"ip": "192.0.2.101"},
        ),
        "renewal-broadcast-needed": odd(
            "none to a unicast",
            *_short(),
            answers=if_(lambda heard: heard.to_all or not _is_renewal(heard)),
            goal=RENEWAL,
            limit=30,
        ),
        "rebinding-nak-bare": odd(
            "none to a unicast, a NAK of 53 alone to a broadcast",
            *_short(_BARE),
            answers=lambda heard: (
                _refuses_renewal(heard) if heard.to_all or not _is_renewal(heard) else ()
            ),
            goal=SECOND,
            limit=40,
            right={"ip": "192.0.2.101"},
        ),
        "renewal-unanswered": odd(
            "no answer, then a new lease",
            *_short(),
            answers=if_(lambda heard: not _is_renewal(heard)),
            goal=SECOND,
            limit=45,
        ),
        "renewal-forgotten": odd(
            "no answer, then what the client suggests",
            *_short(_suggested),
            answers=if_(lambda heard: not _is_renewal(heard)),
            goal=SECOND,
            limit=45,
            right={"ip": CLIENT},
        ),
    },
    "After a power cut": {
        "reboot-bare": odd(
            "an ACK of 53 alone",
            where(lambda reply: reply.heard.reboots, keep(53)),
            goal=SECOND,
            reboots=True,
        ),
        "reboot-nak-bare": odd(
            "a NAK of 53 alone",
            _BARE,
            answers=lambda heard: (NAK,) if heard.reboots else proper(heard),
            goal=SECOND,
            reboots=True,
        ),
        "reboot-unanswered": odd(
            "nothing, but to a DISCOVER",
            answers=if_(lambda heard: not heard.reboots),
            goal=SECOND,
            reboots=True,
            limit=40,
        ),
        "reboot-forgotten": odd(
            "nothing; a DISCOVER with what the client suggests",
            _suggested,
            answers=if_(lambda heard: not heard.reboots),
            goal=SECOND,
            reboots=True,
            limit=40,
            right={"ip": CLIENT},
        ),
    },
}
