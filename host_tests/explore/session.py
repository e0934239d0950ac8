"""The session: what may happen to it, and what tells two of its states apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from explore.search import Found, search
from model import Model
from promises import Watched, an_honest_server_brings_it_back, first_renewal
from world import (
    ACK,
    BOUND,
    DAY,
    DISCOVER,
    INFINITE,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    OTHER_IP,
    OTHER_SERVER,
    STOPPED,
    Sent,
    reply,
)

_MOST_MS = 12 * DAY * 1000  # between two calls, or the clock shows the same again
_SECOND = 1000

Client = Watched
Do = Callable[[Client], object]


class Happens:
    """Something that may happen to a client. where: in which of its states."""

    def __init__(self, name: str, do: Do, where: Callable[[Client], object] | None = None) -> None:
        self.name = name
        self.do = do
        self.where = where

    def __call__(self, client: Client) -> Client | None:
        if self.where and not self.where(client):
            return None
        then: Client = client.copy()
        self.do(then)
        return then


# What the user does


def _has_old(client: Client) -> object:
    return client.old


def _has_lease(client: Client) -> object:
    return client.lease


def _reuses(part: int) -> Do:
    return lambda c: c.reuse(min(c.old.lease_time, 40 * DAY) * part >> 3)


def user() -> Iterator[Happens]:
    yield Happens("start", lambda c: c.begin())
    yield Happens("start in 5 s", lambda c: c.begin(5000))
    yield Happens("start with a record", lambda c: c.verify(), _has_old)
    for part in (0, 3, 7):
        yield Happens(f"reuse a lease of which {part}/8 have gone", _reuses(part), _has_old)
    yield Happens("stop", lambda c: c.stop())
    yield Happens("release", lambda c: c.release(), _has_lease)
    yield Happens("decline", lambda c: c.decline(10_000), _has_lease)


# What servers do

# Each reply is an honest one but for what is named
_GRANTS: dict[str, dict[str, Any]] = {
    "": {},
    "of another server": {"server": OTHER_SERVER},
    "of another address": {"yiaddr": OTHER_IP},
    "of both": {"server": OTHER_SERVER, "yiaddr": OTHER_IP},
    "without a server": {"server": None},
    "without a time": {"lease": None},
    "for nobody": {"yiaddr": NOBODY},
    "for a network": {"yiaddr": b"\x0a\0\0\0"},
}
_TIMES: dict[str, dict[str, Any]] = {
    "for a second": {"lease": 1},
    "for 5 s": {"lease": 5},
    "for a minute": {"lease": 60},
    "for 40 days": {"lease": 40 * DAY},
    "for ever": {"lease": INFINITE},
    "with T1 of a second": {"t1": 1, "t2": 3000},
    "with T2 before T1": {"t1": 3000, "t2": 1000},
    "with T1 just before the end": {"t1": 3598, "t2": 3599},
}


def _arrives(kind: int, stale: bool, fields: dict[str, Any]) -> Do:
    def do(client: Client) -> None:
        xid = client.sent[0 if stale else -1].xid
        client.deliver(reply(kind, xid=xid, **fields))

    return do


def _is_torn(client: Client) -> None:
    client.deliver(reply(ACK, xid=client.sent[-1].xid, mask=None)[:-8])


def servers() -> Iterator[Happens]:
    def asked(client: Client) -> object:
        return client.sent

    def has_older(client: Client) -> object:
        return client.sent and client.sent[0].xid != client.sent[-1].xid

    for kind, word in ((OFFER, "OFFER"), (ACK, "ACK")):
        for name, fields in {**_GRANTS, **(_TIMES if kind == ACK else {})}.items():
            yield Happens(f"{word} {name}".strip(), _arrives(kind, False, fields), asked)
    for name in ("", "of another server", "without a server"):
        yield Happens(f"NAK {name}".strip(), _arrives(NAK, False, _GRANTS[name]), asked)
    for kind, word in ((OFFER, "OFFER"), (ACK, "ACK"), (NAK, "NAK")):
        yield Happens(f"stale {word}", _arrives(kind, True, {}), has_older)
        other = {"chaddr": MAC[:5] + b"\x02"}
        yield Happens(f"{word} for somebody else", _arrives(kind, False, other), asked)
    yield Happens("DISCOVER as a reply", _arrives(DISCOVER, False, {}), asked)
    yield Happens("torn ACK", _is_torn, asked)


# What time does

# Those of a lease, in ms
_DEADLINES: dict[str, Callable[[Client], int]] = {
    "T1": lambda c: c.start + first_renewal(c.lease) * _SECOND,
    "T2": lambda c: c.start + c.lease.t2 * _SECOND,
    "the end": lambda c: c.ends,
}
_AROUND = {"a second before": -_SECOND, "just before": -1, "at": 0, "a second after": _SECOND}


def _running(client: Client) -> object:
    return client.session.state != STOPPED


def _called(at: Callable[[Client], int], mute: bool = False) -> Do:
    def do(client: Client) -> None:
        client.mute = mute
        client.now = max(at(client), client.now)
        client.poll()
        client.mute = False

    return do


def _around(name: str, deadline: Callable[[Client], int], off: int) -> Happens:
    def at(client: Client) -> int:
        return deadline(client) + off

    def is_ahead(client: Client) -> bool:
        return client.ends is not None and 0 < at(client) - client.now <= _MOST_MS

    return Happens(name, _called(at), is_ahead)


def passing() -> Iterator[Happens]:
    yield Happens("called when it asked for it", _called(lambda c: c.next))
    yield Happens("called then, but nothing can leave", _called(lambda c: c.next, True), _running)
    yield Happens("called 1 ms early", _called(lambda c: c.next - 1), _running)
    yield Happens("called half-way", _called(lambda c: (c.now + c.next) // 2), _running)
    yield Happens("called a second late", _called(lambda c: c.next + _SECOND), _running)
    yield Happens("called after a minute", _called(lambda c: c.now + 61 * _SECOND), _running)
    yield Happens("called after 12 days", _called(lambda c: c.now + _MOST_MS), _running)
    for name, deadline in _DEADLINES.items():
        for word, off in _AROUND.items():
            yield _around(f"called {word} {name}", deadline, off)


# What goes on for a minute: one event, or else the search would never come so far

_MINUTE_MS = 60_000


def _for_a_minute(server: Callable[[Sent], bytes | None]) -> Do:
    def do(client: Client) -> None:
        end = client.now + _MINUTE_MS
        while client.go_on(server, end):
            pass
        client.now = end
        client.poll()

    return do


def _grants(**fields: Any) -> Callable[[Sent], bytes]:
    def answer(sent: Sent) -> bytes:
        made: bytes = reply(OFFER if sent.type == DISCOVER else ACK, xid=sent.xid, **fields)
        return made

    return answer


def _refuses(sent: Sent) -> bytes:
    made: bytes = reply(OFFER if sent.type == DISCOVER else NAK, xid=sent.xid)
    return made


def _only_offers(sent: Sent) -> bytes | None:
    return reply(OFFER, xid=sent.xid) if sent.type == DISCOVER else None


def minutes() -> Iterator[Happens]:
    yield Happens("a minute of silence", _for_a_minute(lambda sent: None), _running)
    yield Happens("a minute of leases of a second", _for_a_minute(_grants(lease=1)), _running)
    yield Happens("a minute of T1 of a second", _for_a_minute(_grants(t1=1, t2=3000)), _running)
    yield Happens("a minute of NAKs", _for_a_minute(_refuses), _running)
    yield Happens("a minute of OFFERs alone", _for_a_minute(_only_offers), _running)


EVENTS = (*user(), *servers(), *passing(), *minutes())


# What tells states apart

_CLASSES = (0, 1, 1000, 4000, 16_000, 64_000, 600_000, 3_600_000, DAY * 1000)


def _size(ms: int) -> int:
    """How far away, roughly."""
    return bisect_left(_CLASSES, ms)


def key(client: Client) -> Hashable:
    session = client.session
    lease = client.lease
    now = client.now
    deadlines: Hashable = None
    if lease:
        ends = client.ends
        deadlines = (
            lease.lease_time,
            lease.t1,
            lease.server,
            ends
            and (
                _size((session.due - lease.age) * 1000),
                _size(client.start + lease.t2 * 1000 - now),
                _size(ends - now),
            ),
        )
    return (
        session.state,
        session.flags,
        min(session.count, 8),
        session.fails,
        session.yiaddr,
        session.server,
        session.shun,
        _size(session.wait),
        _size(session.age * 1000) if session.state < BOUND else 0,
        deadlines,
        bool(client.old),
        sum(s.at >= now - 10_000 and not s.lost for s in client.sent) >> 3,
        sum(s.at >= now - 60_000 and not s.lost for s in client.sent) >> 3,
    )


class Extreme:
    """Random numbers that are always the least, or always the most. xids are new ones."""

    seed: int
    most = False

    def random(self, bits: int) -> int:
        if bits == 32:
            self.seed += 1
            return self.seed
        return (1 << bits) - 1 if self.most else 1


class Least(Extreme, Model):
    """Held to the model."""


class Most(Least):
    most = True


class Promised(Extreme, Watched):
    """Held to the promises alone."""


def explore(depth: int, make: Callable[..., Client], *how: object) -> Found:
    """Search. Broken: a promise, or the model, does not hold. how: what make takes besides a time
    and a seed.
    """
    return search(make(0, 0, *how), EVENTS, key, an_honest_server_brings_it_back, depth)
