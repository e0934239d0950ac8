"""What the session does, found by driving it through every state: no list of arrows is written
here. Messages of a server come in, time passes, and what changes is an arrow.

What each state sends and takes is read from the session's own tables.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware"))

from capture.names import message_type
from dhcpc import Lease, Message, Session, client, option, session, wire

STATES: tuple[str, ...] = tuple(client._STATES.split())  # by their numbers

_MAC = bytes((2, 0, 0, 0, 0, 1))
_IP = bytes((192, 0, 2, 100))
_SERVER = bytes((192, 0, 2, 1))
_NOBODY = bytes(4)
_LEASE_S = 86400
_WRAP = 1 << 30  # of the session's milliseconds
_SILENCE = 50  # calls: longer than any state that gives up sends
_WAIT_MS = 5000

# RFC 2132
_REQUESTED, _LEASE_TIME, _TYPE, _SERVER_ID = 50, 51, 53, 54
_OFFER, _DECLINE, _ACK, _NAK, _RELEASE = 2, 4, 5, 6, 7
REPLIES = (_OFFER, _ACK, _NAK)
STATELESS = (_DECLINE, _RELEASE)  # messages that no state sends by itself

# What makes an arrow, if it is not a reply or a time of the lease
START = "start"
VERIFY = "start with a record"
REUSE = "start with a record to reuse"
STOP = "stop"
WAITED = "wait over"
SILENCE = "no answer"
T1, T2, END = "T1", "T2", "end of the lease"


class Sent(NamedTuple):
    """A message of the client: its type, and what table 5 and 4.3.6 of RFC 2131 tell apart."""

    type: str
    requested: bool = False  # option 50
    server: bool = False  # option 54
    ciaddr: bool = False
    unicast: bool = False  # to the server alone


class Arrow(NamedTuple):
    """From a state to a state, each by its name. event: as the session tells it, "" for none."""

    before: str
    cause: str
    sent: Sent | None
    event: str
    after: str


class Survey(NamedTuple):
    """All that was found."""

    arrows: list[Arrow]
    late: list[Arrow]  # those that take a call which comes later than the session asked for
    refused: dict[str, set[str]]  # the replies that each state ignores


class Row(NamedTuple):
    """What the session's tables say of a state."""

    sent: Sent | None
    takes: tuple[str, ...]  # types of replies
    event: str  # what an ACK is called; "" where none is taken


# The tables


def rows() -> dict[str, Row]:
    """The session's tables, a row for each state."""
    forms, replies, events = session._FORMS, session._REPLIES, session._EVENTS
    found = {}
    for number, name in enumerate(STATES):
        takes = tuple(message_type(i) for i in range(8) if replies[number] >> i & 1)
        event = events[number - STATES.index("REBOOTING")] if "ACK" in takes else ""
        found[name] = Row(_form(forms[number]), takes, event)
    return found


def stateless() -> list[Sent]:
    """The messages that no state sends by itself, from the same table."""
    sent = (_form(session._FORMS[len(STATES) - 1 + type]) for type in STATELESS)
    return [form for form in sent if form]


def _form(form: int) -> Sent | None:
    if not form:
        return None
    marks = (wire._REQUESTED, wire._SERVER, wire._CIADDR, session._UNICAST)
    return Sent(message_type(form & 15), *(bool(form & mark) for mark in marks))


# The session, driven


class Run:
    """A session from its beginning, its clock, and the arrows so far."""

    def __init__(self) -> None:
        self.session = Session(_MAC, option(61, b"\1" + _MAC), random.Random(1).getrandbits)
        self.session.step(0)
        self.now = 0  # ms
        self.tries = 0  # messages sent in this state
        self.arrows: list[Arrow] = []
        self.refused = ""

    @property
    def state(self) -> str:
        return STATES[self.session.state]

    @property
    def lease(self) -> Lease:
        assert self.session.lease
        return self.session.lease

    def note(self, before: str, cause: str, *events: str | None) -> None:
        """These events came; note the arrow, if that is one."""
        sent = self.written() if "send" in events else None
        told = " ".join(event for event in events if event and event != "send")
        if self.state != before:
            self.tries = 0
        self.tries += sent is not None
        if sent or told or self.state != before:
            self.arrows.append(Arrow(before, cause, sent, told, self.state))

    def written(self, type: int = 0) -> Sent:
        """What the session sends now, as its bytes have it."""
        buf = bytearray(600)
        size = self.session.write(buf, type)
        message = Message()
        assert not message.read(bytes(buf[:size]))
        return Sent(
            message_type((message.option(_TYPE) or b"\0")[0]),
            requested=message.option(_REQUESTED) is not None,
            server=message.option(_SERVER_ID) is not None,
            ciaddr=buf[12:16] != _NOBODY,
            unicast=self.session.to is not None,
        )

    # What may happen in any state

    def start(self, cause: str, lease: Lease | None = None) -> None:
        """As the client starts it: with what a record holds, if there is one."""
        before = self.state
        reused = lease if cause == REUSE else None
        self.session.start(_WAIT_MS, lease.yiaddr if lease else b"", reused)
        self.note(before, cause)

    def stop(self) -> None:
        before = self.state
        self.session.stop()
        self.note(before, STOP)

    def reply(self, type: int) -> None:
        """A server answers the message that was sent last."""
        before = self.state
        event = self.session.read(_reply(type, self.session.xid))
        if event == "ignored":
            self.refused = message_type(type)
        elif self.state == before:  # what it does about it at once is the same arrow
            self.note(before, message_type(type), event, self.session.step(self.now % _WRAP))
        else:
            self.note(before, message_type(type), event)

    def silence(self) -> None:
        """Nobody answers, until the state changes; the session is called when it asks for it."""
        before = self.state
        lease = self.session.lease
        for _ in range(_SILENCE):
            self.now += self.session.wait
            tries = self.tries
            event = self.session.step(self.now % _WRAP)
            if before.startswith("INIT"):
                cause = WAITED
            elif lease and self.state != before:
                cause = {"BOUND": T1, "RENEWING": T2, "REBINDING": END}[before]
            elif event and event != "send":
                cause = f"{SILENCE}, {tries} times"
            else:
                cause = SILENCE
            self.note(before, cause, event)
            if self.state != before:
                return

    def late(self, age: int, cause: str) -> None:
        """The next call comes when the lease has that age, in seconds."""
        before = self.state
        self.now += max(age - self.lease.age, 0) * 1000
        self.note(before, cause, self.session.step(self.now % _WRAP))


# What to do to a run, for all that may happen
_Do = Callable[[Run], None]

_ANYTIME: tuple[_Do, ...] = (
    lambda run: run.start(START),
    lambda run: run.start(VERIFY, _granted()),
    lambda run: run.start(REUSE, _granted()),
    Run.stop,
    Run.silence,
    lambda run: run.reply(_OFFER),
    lambda run: run.reply(_ACK),
    lambda run: run.reply(_NAK),
)
# What a session has behind it: nothing, or a lease, whose address it knows
_PASTS: tuple[tuple[_Do, ...], ...] = (
    (),
    (
        lambda run: run.start(START),
        Run.silence,
        lambda run: run.reply(_OFFER),
        lambda run: run.reply(_ACK),
        Run.stop,
    ),
)
_LATE: tuple[_Do, ...] = (
    lambda run: run.late(run.lease.t2, T2),
    lambda run: run.late(run.lease.lease_time, END),
)


def survey() -> Survey:
    """Have everything happen in every state that there is a way to, with every past."""
    found = Survey([], [], {})
    ways: dict[str, list[_Do]] = {Run().state: []}
    states = [*ways]
    for state in states:  # which grows
        found.refused[state] = set()
        for past, do in product(_PASTS, _ANYTIME):
            run = _done(*past, *ways[state])
            known = len(run.arrows)
            do(run)
            _add(found.arrows, run.arrows[known:])
            found.refused[state] |= {run.refused} - {""}
            if run.state not in ways:
                ways[run.state] = [*ways[state], do]
                states.append(run.state)
    for way in ways.values():
        for do in _LATE:
            run = _done(*way)
            known = len(run.arrows)
            if run.session.lease:
                do(run)
            _add(found.late, [each for each in run.arrows[known:] if each not in found.arrows])
    return found


def written_without_a_state() -> list[Sent]:
    """The messages of STATELESS, as a session with a lease writes them."""
    return [_bound().written(type) for type in STATELESS]


def _done(*way: _Do) -> Run:
    run = Run()
    for do in way:
        do(run)
    run.refused = ""
    return run


def _add(arrows: list[Arrow], more: list[Arrow]) -> None:
    arrows.extend(arrow for arrow in dict.fromkeys(more) if arrow not in arrows)


def _bound() -> Run:
    return _done(*_PASTS[1][:-1])


def _granted() -> Lease:
    """A lease that begins now."""
    return _bound().lease


def _reply(type: int, xid: bytes) -> bytes:
    """What a server answers (RFC 2131 figure 1, table 3)."""
    options = option(_TYPE, bytes((type,))) + option(_SERVER_ID, _SERVER)
    if type != _NAK:
        options += option(_LEASE_TIME, _LEASE_S.to_bytes(4, "big"))
    yiaddr = _NOBODY if type == _NAK else _IP
    fixed = b"\2\1\6\0" + xid + bytes(8) + yiaddr + bytes(8) + _MAC
    return fixed + bytes(236 - len(fixed)) + b"c\x82Sc" + options + b"\xff"
