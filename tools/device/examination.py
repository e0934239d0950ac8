"""What a board is asked when it gets no address: each question by itself, so that one that it
cannot answer costs no other answer. A try for a lease is part of it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field

from capture.conversations import Conversation, conversations
from capture.messages import Message
from capture.names import mac_text, quoted
from device.record import describe
from device.remote import Board, NoMemory, understood
from device.wiretap import Wiretap
from dhcpc import explain

_RECORD = "/dhcpc.lease"
_SET = 2024  # no clock that nobody has set shows this year
_BOUND = "BOUND"
_LITTLE = 20_000  # bytes of heap: less is free, and a lease may fail for it

# What boot.py has made is there at the prompt.
_PARTS = """
try:
    import dhcpc
    _version = dhcpc.__version__
except Exception as error:
    _version = repr(error)
print([_version, [name for name in ("config", "nic", "dhcp") if name in globals()],
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
print([dhcp.link.up(), _said(dhcp.link, "error"), _said(_nic, "status"),
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
    that comes to. `well`: whether it has a lease. `conversations`: the messages, if they were
    asked for and there are any, the board's own first, or else `silence`, why there are none;
    `missed`: how many it had no room for.
    """

    lines: list[tuple[str, str]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    well: bool = False
    verdict: str = ""
    advice: str = ""
    conversations: list[Conversation] = field(default_factory=list)
    silence: str = "no message has left the board or reached it"
    missed: int = 0


def examine(board: Board, seconds: int, messages: bool = False) -> Iterator[Findings]:
    """Ask a board, which has just been reset, and let it try for a lease for so long. Yields what
    is known so far, at last all of it.

    messages: take over its messages, too. If it has its lease without one, let it renew that.
    """
    found = Findings()
    add = found.lines.append
    system = board.system()
    version = ".".join(map(str, system.version))
    add(("firmware", f"{system.name} {version} on {system.machine or 'an unknown board'}"))
    client, names, faults = board.run(_PARTS)
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
    if "dhcp" not in names:
        found.verdict = "boot.py has not made a client"
        if names:
            found.verdict += f"; it has made {' and '.join(names)}"
        found.advice = (
            "look at what the board prints when it starts: make repl, Ctrl-C, Ctrl-D; or copy it "
            "anew: make deploy"
        )
        yield found
        return
    yield found
    board.run(_WATCH)
    wiretap = None
    if messages:
        try:
            wiretap = Wiretap(board)
        except NoMemory:
            found.silence = "the board has no memory to keep its messages in"
    renews = False
    for _ in range(seconds):
        state, four, server, left, kind, reason = board.run(_POLL)
        if wiretap:
            wiretap.take()
        fallback = four if kind else None
        if fallback:  # no server has given it
            four = None
        if four and (not wiretap or wiretap.messages and state == _BOUND):
            break
        if four and wiretap and not wiretap.messages and not renews:
            renews = True
            board.run(_RENEW)
            add(("renewal", "asked for: the board has its lease without a message"))
        yield found
    up, error, status, rssi, key, mac, address = board.run(_LINK)
    strength = f", {rssi} dBm" if isinstance(rssi, int) else ""
    network = f" to {quoted(key)}" if key else ""
    add(("link", f"{'up' if up else 'down'}{network}{strength}, status {status}"))
    add(("MAC", mac_text(mac)))
    add(("address", " ".join(address) if address else "the NIC does not say"))
    if four:
        span = "ever" if left is None else f"{left} s"
        by = ".".join(map(str, server)) if any(server) else "a server that gives no name"
        add(("lease", f"{four[0]} from {by} for {span}, {state}"))
    else:
        instead = f"; the fallback address {fallback[0]} is used" if fallback else ""
        add(("lease", f"none, {state}{instead}"))
    found.story = board.run(_STORY)
    found.well = bool(four)
    if found.well:
        found.verdict = "the board has its address"
        if renews and state != _BOUND:
            found.advice = "nobody has answered the renewal so far: is its server there?"
    else:
        found.verdict, found.advice = _why(error if not up and error else reason)
    if wiretap:
        found.missed = wiretap.missed
        if wiretap.messages:
            _listen(found, wiretap.messages, mac_text(mac))
        elif found.missed:
            found.silence = "the board had no room for its messages"
    if not found.well and free < _LITTLE:
        little = "there is little memory: import less before dhcpc"
        found.advice = f"{found.advice}; and {little}" if found.advice else little
    for own in found.conversations[:1]:  # one verdict goes for board and messages
        own.verdict, own.advice = found.verdict, found.advice
    yield found


def _why(reason: str | list[str] | None) -> tuple[str, str]:
    # As explain.why, of a reason as _POLL tells it. Errors have other numbers here.
    if not isinstance(reason, list):
        return explain.why(reason)
    (said,) = reason
    if said.startswith(MemoryError.__name__):
        return explain.why(MemoryError())
    name = said.split()[-1]
    return explain.why(OSError(getattr(errno, name))) if name in explain._NUMBERS else (said, "")


def _listen(found: Findings, messages: list[Message], client: str) -> None:
    # What the messages tell, and the board does not.
    nobody = explain.why("no answer")
    heard = conversations(messages)
    own = next((each for each in heard if each.client == client), None)
    own = own or Conversation(client, "", [], "", "")
    if (found.verdict, found.advice) == nobody and own.advice not in ("", nobody[1]):
        # There are answers, which the client takes for somebody else's.
        found.verdict, found.advice = own.verdict, own.advice
    found.conversations = [own, *(each for each in heard if each is not own)]


def ask(port: str, seconds: int, messages: bool = False) -> Iterator[Findings]:
    """As `examine`, of the board on a port. Refusal: it does not answer."""
    with Board(port) as board, understood():
        yield from examine(board, seconds, messages)
