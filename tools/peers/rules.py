"""What RFC 2131 has in a client's messages: tables 4 and 5, sections 3, 4.1, 4.3 and 4.4, rule by
rule. They know no client: what one breaks is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from peers.traffic import (
    ANY,
    BROADCAST,
    DECLINE,
    DISCOVER,
    INIT_REBOOT,
    KINDS,
    NONE,
    REBINDING,
    RELEASE,
    RENEWING,
    SELECTING,
    Sent,
)

_NO_ADDRESS = (DISCOVER, SELECTING, INIT_REBOOT, DECLINE)
_WITH_ADDRESS = (RENEWING, REBINDING, RELEASE)
_REQUESTS = (SELECTING, INIT_REBOOT, RENEWING, REBINDING)
_LAST = (DECLINE, RELEASE)


_MIN_SIZE = 300  # RFC 1542 2.1
_MAX_SIZE = 548  # what every server takes: the 576 of RFC 2131 2, less IP and UDP headers
_AFTER_DECLINE_S = 10 - 0.1  # a client's clock and the capture's may be apart
_SECOND = 1.5  # as `secs` is whole, and may be taken before or after the message is made
_BRIEF = {50, 53, 54, 56, 61}  # what DECLINE and RELEASE may carry


@dataclass(frozen=True)
class Rule:
    """What holds for messages of these kinds; the rules of host_tests/rules that it is; the test
    of it."""

    words: str
    keys: tuple[str, ...]
    kinds: tuple[str, ...]
    holds: Callable[[Sent], bool]

    def __str__(self) -> str:
        return self.words


def _as_at_first(each: Sent, code: int) -> bool:
    # The same option in all messages, be it there or not
    first = each
    while first.before:
        first = first.before
    return bool(each.options.get(code) == first.options.get(code))


def _last_discover(each: Sent) -> Sent:
    while each.kind != DISCOVER and each.before:
        each = each.before
    return each


def _ends(each: Sent) -> bool:
    from scapy.layers.dhcp import DHCP

    listed = [item for item in each.message.ether[DHCP].options if item != "pad"]
    return bool(listed[-1] == "end")


def _rested(each: Sent) -> bool:
    before = each.before
    return not before or before.kind != DECLINE or each.time - before.time > _AFTER_DECLINE_S


def _held(each: Sent) -> str | None:
    return each.held.ip if each.held else None


def _server(each: Sent) -> str | None:
    return each.held.server if each.held else None


RULES = (
    # Every message
    Rule(
        "a REQUEST answers an OFFER or is for a lease",
        ("2131 4.3.2 selecting-names-the-server",),
        (NONE,),
        lambda m: False,
    ),
    Rule(
        "from port 68 to port 67",
        ("2131 4.1 ports",),
        KINDS,
        lambda m: (m.ip.sport, m.ip.dport) == (68, 67),
    ),
    Rule("op is BOOTREQUEST", ("2131 3 op-bootrequest",), KINDS, lambda m: m.bootp.op == 1),
    Rule(
        "htype, hlen and chaddr are those of the interface",
        (
            "2131 2 hardware-type-and-length",
            "2131 4.4.1 chaddr",
        ),
        KINDS,
        lambda m: (
            (m.bootp.htype, m.bootp.hlen) == (1, 6)
            and m.bootp.chaddr[:6].hex(":") == m.message.ether.src
        ),
    ),
    Rule("hops is 0", ("2131 2 hops-zero",), KINDS, lambda m: m.bootp.hops == 0),
    Rule(
        "yiaddr, siaddr and giaddr are 0",
        ("2131 2 other-addresses-zero",),
        KINDS,
        lambda m: {m.bootp.yiaddr, m.bootp.siaddr, m.bootp.giaddr} == {ANY},
    ),
    Rule("the last option is END", ("2131 4.1 end-last",), KINDS, _ends),
    Rule(
        "as long as BOOTP wants, and no longer than every server takes",
        ("1542 2.1 size-of-a-request",),
        KINDS,
        lambda m: _MIN_SIZE <= m.ip.len - 28 <= _MAX_SIZE,
    ),
    # Where from, where to
    Rule(
        "from 0.0.0.0 without an address",
        ("2131 4.1 source-zero",),
        _NO_ADDRESS,
        lambda m: m.ip.src == ANY,
    ),
    Rule(
        "from its address when it has one",
        ("2131 4.3.2 renewing-ciaddr",),
        _WITH_ADDRESS,
        lambda m: m.ip.src == _held(m),
    ),
    Rule(
        "a broadcast",
        (
            "2131 4.4.4 broadcast",
            "2131 4.3.6 selecting-broadcast",
            "2131 4.3.6 reboot-broadcast",
        ),
        (*_NO_ADDRESS, REBINDING),
        lambda m: m.to_all,
    ),
    Rule(
        "to the server alone",
        (
            "2131 4.3.2 renewing-unicast",
            "2131 4.4.4 release-unicast",
        ),
        (RENEWING, RELEASE),
        lambda m: m.ip.dst == _server(m) and m.message.ether.dst == m.macs.get(m.ip.dst),
    ),
    # The fixed fields
    Rule(
        "ciaddr is 0",
        (
            "2131 2 ciaddr-only-with-lease",
            "2131 4.3.2 selecting-ciaddr-zero",
            "2131 4.3.2 reboot-ciaddr-zero",
        ),
        _NO_ADDRESS,
        lambda m: m.bootp.ciaddr == ANY,
    ),
    Rule(
        "ciaddr is its address",
        (
            "2131 4.3.2 renewing-ciaddr",
            "2131 4.3.2 rebinding-ciaddr",
            "2131 table5 release-ciaddr",
        ),
        _WITH_ADDRESS,
        lambda m: m.bootp.ciaddr == _held(m),
    ),
    Rule(
        "secs is 0 or the seconds since it began",
        ("2131 2 secs-since-start",),
        (DISCOVER, INIT_REBOOT, RENEWING, REBINDING),
        lambda m: (
            m.bootp.secs == 0
            or any(abs(m.bootp.secs - since) <= _SECOND for since in (m.elapsed, m.uptime))
        ),
    ),
    Rule(
        "secs is the DISCOVER's",
        ("2131 3.1 request-has-discovers-secs",),
        (SELECTING,),
        lambda m: m.bootp.secs == _last_discover(m).bootp.secs,
    ),
    Rule("secs is 0", ("2131 table5 decline-release-secs",), _LAST, lambda m: m.bootp.secs == 0),
    Rule(
        "flags has nothing but the broadcast flag",
        ("2131 2 reserved-flags-zero",),
        KINDS,
        lambda m: not int(m.bootp.flags) & ~BROADCAST,
    ),
    Rule(
        "flags is 0",
        ("2131 table5 decline-release-flags",),
        _LAST,
        lambda m: not int(m.bootp.flags),
    ),
    Rule(
        "xid is the OFFER's",
        ("2131 4.4.1 xid-of-the-offer",),
        (SELECTING,),
        lambda m: any(offer.bootp.xid == m.bootp.xid for offer in m.offers),
    ),
    # Options
    Rule(
        "option 50 is what was offered",
        ("2131 4.3.2 selecting-requested-address",),
        (SELECTING,),
        lambda m: any(offer.bootp.yiaddr == m.options.get(50) for offer in m.offers),
    ),
    Rule(
        "option 50 is the stored address",
        ("2131 4.3.2 reboot-requested-address",),
        (INIT_REBOOT,),
        lambda m: m.options.get(50) == _held(m),
    ),
    Rule(
        "option 50 is the declined address",
        ("2131 table5 decline-requested-address",),
        (DECLINE,),
        lambda m: m.options.get(50) == _held(m),
    ),
    Rule(
        "no option 50",
        (
            "2131 4.3.2 renewing-no-requested-address",
            "2131 4.3.2 rebinding-no-requested-address",
            "2131 table5 release-no-requested-address",
        ),
        _WITH_ADDRESS,
        lambda m: 50 not in m.options,
    ),
    Rule(
        "option 54 is a server that has offered",
        ("2131 4.3.2 selecting-names-the-server",),
        (SELECTING,),
        lambda m: any(o.options.get("server_id") == m.options.get(54) for o in m.offers),
    ),
    Rule(
        "option 54 is the server",
        (
            "2131 table5 decline-names-the-server",
            "2131 table5 release-names-the-server",
        ),
        _LAST,
        lambda m: m.options.get(54) == _server(m),
    ),
    Rule(
        "no option 54",
        (
            "2131 table5 discover-names-no-server",
            "2131 4.3.2 reboot-names-no-server",
            "2131 4.3.2 renewing-names-no-server",
            "2131 4.3.2 rebinding-names-no-server",
        ),
        (DISCOVER, INIT_REBOOT, RENEWING, REBINDING),
        lambda m: 54 not in m.options,
    ),
    Rule(
        "the same option 55 as at first",
        ("2131 3.5 parameter-list-in-requests",),
        _REQUESTS,
        lambda m: _as_at_first(m, 55),
    ),
    Rule(
        "the same option 61 as at first",
        ("2131 2 client-id-in-all-messages",),
        KINDS,
        lambda m: _as_at_first(m, 61),
    ),
    Rule(
        "option 57 is there (SHOULD)",
        ("2131 3.5 longest-message",),
        (DISCOVER, *_REQUESTS),
        lambda m: 57 in m.options,
    ),
    Rule(
        "option 57 is 576 at least",
        ("2132 9.10 longest-message-576-at-least",),
        KINDS,
        lambda m: m.options.get(57, 576) >= 576,
    ),
    Rule(
        "nothing but 50, 53, 54, 56 and 61",
        ("2131 table5 decline-release-nothing-else",),
        _LAST,
        lambda m: m.options.keys() <= _BRIEF,
    ),
    # Times
    Rule(
        "no DISCOVER for 10 s after a DECLINE",
        ("2131 3.1 ten-seconds-after-decline",),
        (DISCOVER,),
        _rested,
    ),
)


def broken(messages: Iterable[Sent]) -> list[tuple[Sent, Rule]]:
    """Each message with each rule that it breaks."""
    return [
        (each, rule)
        for each in messages
        for rule in RULES
        if each.kind in rule.kinds and not rule.holds(each)
    ]
