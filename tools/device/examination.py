"""What a board is asked when it gets no address: each question by itself, so that one that it
cannot answer costs no other answer. A try for a lease is part of it.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from capture.conversations import Conversation, conversations
from capture.names import mac_text, quoted
from device.catalogue import like
from device.record import describe
from device.remote import Board, NoMemory, System, understood
from device.wiretap import Wiretap
from dhcpc import explain

_RECORD = "/dhcpc.lease"
_SET = 2024  # no clock that nobody has set shows this year
_BOUND = "BOUND"
_NONE = "0.0.0.0"
_NOBODY = "no answer"
_NAK = " nak: "
_PAGE = "docs/no-address.md"
_CASES = {  # the sections of that page, by the words of explain
    _NOBODY: "nobody-answers",
    "OFFER": "an-offer-and-no-more",
    "choose": "an-offer-and-no-more",
    "NAK": "nak",
    "server": "two-servers",
    "yiaddr": "an-address-that-cannot-be",
    "option": "a-reply-that-is-cut-off",
    "type": "an-ack-too-soon",
}
_LITTLE = 20_000  # bytes of heap: less is free, and a lease may fail for it

# What boot.py has made is there at the prompt.
_PARTS = """
try:
    import dhcpc
    _version = dhcpc.__version__
except Exception as error:
    _version = repr(error)
print([_version, [name for name in ("config", "nic", "dhcp") if globals().get(name) is not None],
    globals().get("faults", [])])
"""
_HEAP = """
import gc
gc.collect()
print([gc.mem_free(), gc.mem_alloc()])
"""
_CLOCK = """
import time
print(tuple(time.localtime()[:6]))
"""
# A link that is all of its own has no NIC.
_LINK = """
def _said(what, name, *arguments):
    try:
        return getattr(what, name)(*arguments)
    except Exception:
        return None
_nic = dhcp.link.nic or dhcp.link
_status = _said(_nic, "status")
_names = []
try:
    import network
    for _name in dir(network):
        if _name.startswith("STAT_") and getattr(network, _name) == _status:
            _names.append(_name[5:].lower().replace("_", " "))
except ImportError:
    pass
print([dhcp.link.up(), _said(dhcp.link, "error"), [_status] + _names[:1],
    _said(_nic, "status", "rssi"), dhcp.link.key(), dhcp.link.mac, _said(_nic, "ifconfig")])
"""
# A board with several NICs has a client for each.
_WATCH = """
_clients = getattr(dhcp, "clients", [dhcp])
_histories = []
try:
    from dhcpc import explain
    for _each in _clients:
        _histories.append(explain.History(_each, 64))
except (ImportError, MemoryError):
    pass
"""
# It takes a second: a port that is silent for longer is taken for lost. A reason that is an
# exception is in a list of its own.
_POLL = """
import time
_end = time.ticks_add(time.ticks_ms(), 1000)
while time.ticks_diff(_end, time.ticks_ms()) > 0:
    dhcp.poll(50)
_lease = dhcp.lease
_reason = dhcp.reason
if isinstance(_reason, Exception):
    _reason = [type(_reason).__name__ + ": " + str(_reason)]
print([dhcp.state, _lease and list(_lease.ifconfig()), _lease and _lease.server,
    _lease and _lease.remaining(), getattr(_lease, "kind", None), _reason])
"""
_STORY = """
print("[")
for _each in _histories:
    for _line in _each.lines():
        print(repr(_line), ",")
print("]")
"""
_RENEW = "(getattr(dhcp, 'used', None) or dhcp).renew()"


@dataclass
class Findings:
    """What the board has answered, a line for each question, what went over the wire, and what
    that comes to. `well`: whether it has a lease; `more`: where to read about what is wrong;
    `renews`: whether it was asked to renew its lease. `conversations`: the messages, if they were
    asked for and there are any, the board's own first, or else `silence`, why there are none;
    `missed`: how many it had no room for.
    """

    lines: list[tuple[str, str]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    well: bool = False
    verdict: str = ""
    advice: str = ""
    more: str = ""
    conversations: list[Conversation] = field(default_factory=list)
    silence: str = "no message has left the board or reached it"
    missed: int = 0
    renews: bool = False


class _Polled(NamedTuple):
    """What the client says of itself, as _POLL has it. `four`: address, mask, gateway, DNS server;
    `server`: its address, zeros if unknown; `left`: seconds, None for ever; `kind`: of a fallback
    address."""

    state: str
    four: list[str] | None
    server: bytes | None
    left: int | None
    kind: str | None
    reason: str | list[str] | None

    @property
    def leased(self) -> bool:
        """Whether it has an address, and that from a server."""
        return bool(self.four) and not self.kind


class _Link(NamedTuple):
    """What the client's link says of itself, as _LINK has it. `status`: and its name, if the
    board has one for it."""

    up: bool
    error: str | None
    status: list[object]
    rssi: object
    key: bytes
    mac: bytes
    address: list[str] | None


def examine(board: Board, seconds: int, messages: bool = False) -> Iterator[Findings]:
    """Ask a board, which has just been reset, and let it try for a lease for so long. Yields what
    is known so far, at last all of it.

    messages: take over its messages, too. If it has its lease without one, let it renew that.
    """
    found = Findings()
    system = board.system()
    client, made, free = _identify(board, system, found)
    if "dhcp" not in made:
        _blame_boot(board, system, client, found, made)
        yield found
        return
    yield found
    board.run(_WATCH)
    wiretap = _tapped(board, found) if messages else None
    polled = yield from _try_for_lease(board, found, seconds, wiretap)
    link = _Link(*board.run(_LINK))
    _report(found, link, polled)
    found.story = board.run(_STORY)
    _judge(found, link, polled)
    if wiretap:
        _listen(found, wiretap, mac_text(link.mac))
    if not found.well and free < _LITTLE:
        little = "there is little memory: import less before dhcpc"
        found.advice = f"{found.advice}; and {little}" if found.advice else little
    for own in found.conversations[:1]:  # one verdict goes for board and messages
        own.verdict, own.advice = found.verdict, found.advice
    yield found


def _identify(board: Board, system: System, found: Findings) -> tuple[str, list[str], int]:
    # What the board is, and what is on it. Returns the client's version, what boot.py has made,
    # and bytes of free heap.
    add = found.lines.append
    version = ".".join(map(str, system.version))
    add(("firmware", f"{system.name} {version} on {system.machine or 'an unknown board'}"))
    client, made, faults = board.run(_PARTS)
    add(("dhcpc", client))
    for fault in faults:
        add(("not in use", fault))
    free, taken = board.run(_HEAP)
    add(("heap", f"{free // 1024} KB free of {(free + taken) // 1024} KB"))
    clock = board.run(_CLOCK)
    unset = "" if clock[0] >= _SET else ", which nobody has set"
    add(("clock", "{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*clock) + unset))
    stored = _RECORD[1:] in board.names("/")
    record = describe(board.read(_RECORD)) if stored else "none"
    add(("record", record.replace("\n", "\n" + " " * 12)))
    return client, made, free


def _blame_boot(
    board: Board, system: System, client: str, found: Findings, made: list[str]
) -> None:
    name = " or ".join(like(system.machine)) or "..."
    anew = f"make deploy BOARD={name} PORT={board.port} SSID=..."
    found.more = f"{_PAGE}#ask-the-board"
    if client.startswith("ImportError"):
        found.verdict = "the client is not on the board"
        found.advice = anew
        return
    found.verdict = "boot.py has not made a client"
    if made:
        found.verdict += f"; it has made {' and '.join(made)}"
    found.advice = f"copy it anew: {anew}"
    if error := _uncaught(board.printed):
        found.verdict += f": {error}"
        found.advice = f"put that right, or {found.advice}"


def _uncaught(printed: str) -> str:
    # What ended boot.py, if something did: the line after its traceback, whose lines are indented.
    lines = iter(printed.partition("Traceback (most recent")[2].splitlines()[1:])
    error = next((line for line in lines if not line.startswith(" ")), "")
    return error if error.isprintable() else repr(error)


def _tapped(board: Board, found: Findings) -> Wiretap | None:
    try:
        return Wiretap(board)
    except NoMemory:
        found.silence = "the board has no memory to keep its messages in"
        return None


def _try_for_lease(
    board: Board, found: Findings, seconds: int, wiretap: Wiretap | None
) -> Generator[Findings, None, _Polled]:
    # Until it has a lease and, where they are asked for, messages.
    for _ in range(seconds):
        polled = _Polled(*board.run(_POLL))
        if wiretap:
            wiretap.take()
        if polled.leased:
            if not wiretap or (wiretap.messages and polled.state == _BOUND):
                break
            if not wiretap.messages and not found.renews:
                found.renews = True
                board.run(_RENEW)
                found.lines.append(
                    ("renewal", "asked for: the board has its lease without a message")
                )
        yield found
    return polled


def _report(found: Findings, link: _Link, polled: _Polled) -> None:
    # The link, and what has come of the try.
    add = found.lines.append
    network = f" to {quoted(link.key)}" if link.key else ""
    strength = f", {link.rssi} dBm" if isinstance(link.rssi, int) else ""
    status = f"{link.status[0]}{''.join(f' ({name})' for name in link.status[1:])}"
    add(("link", f"{'up' if link.up else 'down'}{network}{strength}, status {status}"))
    add(("MAC", mac_text(link.mac)))
    add(("address", _labelled(link.address) if link.address else "the NIC does not say"))
    add(("lease", _told(polled)))


def _labelled(four: list[str]) -> str:
    shown = [each if each != _NONE else "none" for each in four]
    return "{}, mask {}, gateway {}, DNS server {}".format(*shown)


def _told(polled: _Polled) -> str:
    if not polled.four:
        return f"none, {polled.state}"
    if polled.kind:
        return f"none, {polled.state}; the fallback address {polled.four[0]} is used"
    span = "ever" if polled.left is None else f"{polled.left} s"
    server = polled.server or b""
    by = ".".join(map(str, server)) if any(server) else "a server that gives no name"
    return f"{polled.four[0]} from {by} for {span}, {polled.state}"


def _judge(found: Findings, link: _Link, polled: _Polled) -> None:
    found.well = polled.leased
    if not found.well:
        reason = link.error if not link.up and link.error else polled.reason
        found.verdict, found.advice = _why(reason)
        case = _case(reason) if isinstance(reason, str) else ""
        found.more = f"{_PAGE}#{_CASES.get(case, 'ask-the-board')}"
        if case == _NOBODY:
            found.more += ". At home: does a telephone get an address there?"
        if case == "NAK" and sum(_NAK in line for line in found.story) > 1:
            found.advice = "it does so each time: look for this board's MAC in its configuration"
        return
    found.verdict = "the board has its address"
    four = dict(zip(("address", "mask", "gateway", "DNS server"), polled.four or (), strict=False))
    lacks = [what for what in four if four[what] == _NONE]
    if lacks:
        found.verdict += f", and no {' and no '.join(lacks)}"
        found.advice = "the server gives none: without them the board reaches its network alone"
    if found.renews and polled.state != _BOUND:
        found.advice = "nobody has answered the renewal so far: is its server there?"


def _case(reason: str) -> str:
    # The word of explain that it is about, alone or after "SERVER: "
    server, colon, said = reason.partition(": ")
    return said.partition(" ")[0] if colon else server


def _why(reason: str | list[str] | None) -> tuple[str, str]:
    # As explain.why, of a reason as _POLL tells it. Errors have other numbers here.
    if not isinstance(reason, list):
        return explain.why(reason)
    (said,) = reason
    if said.startswith(MemoryError.__name__):
        return explain.why(MemoryError())
    name = said.split()[-1]
    return explain.why(OSError(getattr(errno, name))) if name in explain._NUMBERS else (said, "")


def _listen(found: Findings, wiretap: Wiretap, client: str) -> None:
    # What the messages tell, and the board does not.
    found.missed = wiretap.missed
    if not wiretap.messages:
        if found.missed:
            found.silence = "the board had no room for its messages"
        return
    nobody = explain.why(_NOBODY)
    heard = conversations(wiretap.messages)
    own = next((each for each in heard if each.client == client), None)
    own = own or Conversation(client, "", [], "", "")
    if (found.verdict, found.advice) == nobody and own.advice not in ("", nobody[1]):
        # There are answers, which the client takes for somebody else's.
        found.verdict, found.advice = own.verdict, own.advice
        found.more = f"{_PAGE}#the-cases"
    found.conversations = [own, *(each for each in heard if each is not own)]


def ask(port: str, seconds: int, messages: bool = False) -> Iterator[Findings]:
    """As `examine`, of the board on a port. Refusal: it does not answer."""
    with Board(port) as board, understood():
        yield from examine(board, seconds, messages)
