"""What is looked at in a client's messages, and the words for it, in which no run differs from
another: "its address", "the server".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from peers.traffic import ANY, DISCOVER, SELECTING, Sent

_NOWHERE = "-"
_STARTED = {50, 53, 54}  # options that hang on the scene
_SECOND = 1.5  # how far `secs` may be from the time between messages

Words = Callable[[Sent], str]


def _from(each: Sent) -> str:
    return _address(each, each.ip.src) + _port(each.ip.sport, 68)


def _to(each: Sent) -> str:
    port = _port(each.ip.dport, 67)
    if each.to_all:
        return "all" + port
    if each.ip.dst in each.macs and each.message.ether.dst == each.macs[each.ip.dst]:
        return "the server" + port
    return f"{each.ip.dst}, {each.message.ether.dst}{port}"


def _port(number: int, usual: int) -> str:
    return "" if number == usual else f", port {number}"


def _address(each: Sent, address: str) -> str:
    return "its address" if each.held and address == each.held.ip else address


def _flags(each: Sent) -> str:
    names = {0: "0", 0x8000: "broadcast"}
    flags = int(each.bootp.flags)
    return names.get(flags, f"{flags:04x}")


def _xid(each: Sent) -> str:
    before = each.before
    return "as before" if before and before.bootp.xid == each.bootp.xid else "new"


def _ciaddr(each: Sent) -> str:
    return "0" if each.bootp.ciaddr == ANY else _address(each, each.bootp.ciaddr)


def _requested(each: Sent) -> str:
    asked = each.options.get(50)
    if asked is None:
        return _NOWHERE
    if any(offer.bootp.yiaddr == asked for offer in each.offers):
        return "the offered one"
    return _address(each, asked)


def _server(each: Sent) -> str:
    named = each.options.get(54)
    if any(offer.options.get("server_id") == named for offer in each.offers):
        return "the OFFER's"
    return "the server's" if named in each.macs else str(named or _NOWHERE)


def _option(code: int, words: Callable[[Any], str]) -> Words:
    return lambda each: words(each.options[code]) if code in each.options else _NOWHERE


def _text(value: bytes) -> str:
    # Not the machine that it ran on: dhcpcd says that, too
    return value.decode("ascii", "replace").split(":")[0]


def _client_id(value: bytes) -> str:
    return "1 and the MAC" if value[:1] == b"\1" and len(value) == 7 else value.hex()


def _others(each: Sent) -> str:
    known = _STARTED | {12, 55, 57, 60, 61}
    return " ".join(str(code) for code in sorted(each.options.keys() - known)) or _NOWHERE


# What hangs on the scene
PLAYED: dict[str, Words] = {
    "from": _from,
    "to": _to,
    "flags": _flags,
    "xid": _xid,
    "ciaddr": _ciaddr,
    "option 50": _requested,
    "option 54": _server,
}

# What a client puts into a message whatever the scene
MADE: dict[str, Words] = {
    "option 12": _option(12, _text),
    "option 55": _option(55, lambda codes: " ".join(map(str, codes))),
    "option 57": _option(57, str),
    "option 60": _option(60, _text),
    "option 61": _option(61, _client_id),
    "other options": _others,
    "TTL": lambda each: str(each.ip.ttl),
    "TOS": lambda each: str(each.ip.tos),
    "bytes": lambda each: str(each.ip.len - 28),
}


def said(words: Words, messages: Iterable[Sent]) -> str:
    """The words for some messages of a kind: each once, as they change."""
    found: list[str] = []
    for each in messages:
        if found[-1:] != [words(each)]:
            found.append(words(each))
    return ", then ".join(found)


def either(words: Words, messages: Iterable[Sent]) -> str:
    """The words for messages of several scenes: each once, in order."""
    return " or ".join(sorted({words(each) for each in messages}))


def secs(messages: list[Sent]) -> str:
    """Words for the field `secs` of messages of a kind: 0 counts for the first second."""
    if messages[0].kind == SELECTING:
        return said(_compared_to_discover, messages)
    values = [each.bootp.secs for each in messages]
    if not any(values):
        return "0"
    for words, since in (
        ("since the first of them", lambda each: each.elapsed),
        ("since its start", lambda each: each.uptime),
    ):
        if all(abs(each.bootp.secs - since(each)) <= _SECOND for each in messages):
            return words
    return " ".join(map(str, values))


def _compared_to_discover(each: Sent) -> str:
    discover = each
    while discover.kind != DISCOVER and discover.before:
        discover = discover.before
    return "the DISCOVER's" if each.bootp.secs == discover.bootp.secs else "the time since"


def times(messages: list[Sent], start: float) -> str:
    """When they were sent, in seconds."""
    return " ".join(f"{each.time - start:.1f}" for each in messages)
