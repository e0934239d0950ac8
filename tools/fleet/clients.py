"""Clients on a virtual clock: the firmware's own session, and the schedules of others.

Of the others there is what decides when they send, and when they have an address; the source of
each is named. Of none there is the search for conflicts by ARP, which costs dhcpcd about 5 s more.
None has a stored lease. All have no address from the end of a lease to the next ACK.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, repeat
from typing import NamedTuple, Protocol

from dhcpc import Lease, Message, Session

DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5  # option 53
_WRAP_MS = (1 << 30) - 1  # a session's clock, as a mask


class Asked(NamedTuple):
    """A message as far as a server needs it. server: the number of the one that it is for, None
    for all."""

    kind: int
    xid: bytes
    server: int | None


class Client(Protocol):
    """A client. due: when it wants to be called, in ms. has: an address."""

    due: int
    has: bool

    def step(self, now: int) -> bool:
        """Act on the time; whether it has sent."""

    def message(self) -> Asked:
        """What it has just sent."""

    def take(self, now: int, asked: Asked, server: int) -> None:
        """Take the reply of a server to a message."""


# This client

_LEASE_TIME = b"\x33\x04"
_MESSAGE = Message()  # one for all: of no use to a session between two calls
_BUFFER = bytearray(570)


class Ours:
    """The firmware's session; its messages are written and read as bytes."""

    __slots__ = ("_lease_s", "_session", "due", "has")
    start_wait_ms = 0  # as of a Client

    def __init__(self, rand: random.Random, lease_s: int, now: int = 0, number: int = 0) -> None:
        mac = b"\2\0" + number.to_bytes(4, "big")
        self._session = session = Session(mac, b"\x3d\x07\x01" + mac, rand.getrandbits)
        session.message = _MESSAGE
        session.step(now & _WRAP_MS)
        session.start(session.rand(20) % (self.start_wait_ms or 1))
        self._lease_s = lease_s.to_bytes(4, "big")
        self.due = now + session.wait
        self.has = False

    @property
    def lease(self) -> Lease | None:
        return self._session.lease

    def step(self, now: int) -> bool:
        session = self._session
        event = session.step(now & _WRAP_MS)
        while event and event != "send":
            event = session.step(now & _WRAP_MS)
        self.has = session.lease is not None
        # After a REQUEST in RENEWING `wait` is 0: the next step says how long.
        self.due = now + max(session.wait, 1)
        return event is not None

    def message(self) -> Asked:
        session = self._session
        session.write(_BUFFER, 0)
        server = session.server[3] if session.state == 5 and session.server else None
        return Asked(_BUFFER[242], bytes(_BUFFER[4:8]), server)

    def take(self, now: int, asked: Asked, server: int) -> None:
        session = self._session
        kind = OFFER if asked.kind == DISCOVER else ACK
        options = bytes((53, 1, kind, 54, 4, 10, 0, 0, server)) + _LEASE_TIME + self._lease_s
        head = b"\2\1\6\0" + asked.xid + bytes(8) + b"\x0a\1\1\1" + bytes(8) + session.chaddr
        if session.read(head + bytes(202) + b"c\x82Sc" + options + b"\xff") != "ignored":
            self.has = session.lease is not None
            self.due = now


class Waiting(Ours):
    """The same with the wait that RFC 2131 4.4.1 recommends."""

    __slots__ = ()
    start_wait_ms = 10_000


# The others

# What a client does next: the message that it sends, if any, and how long it waits in ms. It is
# told whether there has been a reply.
_Run = Generator[tuple[int, int], bool, None]
_Answered = Generator[tuple[int, int], bool, bool]


class Peer:
    """A client of which the schedule alone is known, as `_run` has it."""

    has = False

    def __init__(self, rand: random.Random, lease_s: int, now: int = 0, number: int = 0) -> None:
        self.rand = rand
        self.end = lease_s * 1000
        self.t1 = self.end // 2  # RFC 2131 4.4.5, as no server says otherwise here
        self.t2 = self.end // 8 * 7
        self.now = now
        self.due = now
        self._xid = 0
        self._server: int | None = None
        self._began = 0  # when the transaction has
        self._clock = rand.randrange(60_000)  # of a timer that runs from power-on, ms
        self._sent = 0  # what it waits for the reply to
        self._steps = self._run()
        self._started = self._answered = False

    def step(self, now: int) -> bool:
        self.now = now
        if self._started:
            self._sent, wait = self._steps.send(self._answered)
        else:
            self._started = True
            self._sent, wait = next(self._steps)
        self._answered = False
        self.due = now + wait
        return bool(self._sent)

    def message(self) -> Asked:
        return Asked(self._sent, self._xid.to_bytes(4, "big"), self._server)

    def take(self, now: int, asked: Asked, server: int) -> None:
        if self._sent and asked == self.message():
            if asked.kind == DISCOVER:
                self._server = server
            self._answered = True
            self.due = now

    # What the schedules are made of

    def _run(self) -> _Run:
        raise NotImplementedError

    def ask(self, kind: int, waits: Iterable[int]) -> _Answered:
        """Send and wait for so long, again and again; whether there has been a reply."""
        self._xid += 1
        self._began = self.now
        if kind == DISCOVER:
            self._server = None
        for wait in waits:
            if (yield kind, wait):
                return True
        return False

    def keep(self, pause: Callable[[int, int], int]) -> _Run:
        """Have a lease and renew it until it has ended (RFC 2131 4.4.5).

        pause: how long to wait for a reply, in ms, from what is left until T2 or the end, and from
        the number of REQUESTs since T1 or T2.
        """
        self.has = True
        granted = self._began
        while True:
            yield 0, max(granted + self.t1 - self.now, 0)
            self._server = None
            for limit in (granted + self.t2, granted + self.end):
                if (yield from self.ask(REQUEST, self._until(limit, pause))):
                    granted = self._began
                    break
            else:
                self.has = False
                return

    def _until(self, limit: int, pause: Callable[[int, int], int]) -> Iterator[int]:
        count = 0
        while self.now < limit:
            left = limit - self.now
            yield min(left, pause(left, count))
            count += 1

    def jitter(self, ms: int) -> int:
        """RFC 2131 4.1: plus or minus a second."""
        return ms - 1000 + self.rand.randrange(2001)


class Rfc(Peer):
    """RFC 2131 as it recommends: 1 to 10 s before the first DISCOVER (4.4.1), then 4, 8 ... 64 s
    +-1 s (4.1), four REQUESTs (3.1, step 5), half of what is left until T2 and until the end, 60 s
    at least (4.4.5)."""

    def _run(self) -> _Run:
        yield 0, 1000 + self.rand.randrange(9001)
        while True:
            yield from self.ask(DISCOVER, map(self.jitter, _doubling(4, 64)))
            waits = map(self.jitter, (4000, 8000, 16000, 32000))
            if (yield from self.ask(REQUEST, waits)):
                yield from self.keep(lambda left, count: max(left // 2, 60_000))


class Lwip(Peer):
    """lwIP 2.2's dhcp.c as it is, which MicroPython has on RP2: 2, 4 ... 32, then 60 s
    (`dhcp_discover`, `dhcp_select`), six REQUESTs (`dhcp_timeout`); T1, T2 and the end in whole
    minutes, rounded, of a timer that runs from power-on (`dhcp_bind`, `dhcp_coarse_tmr`)."""

    fine = 500  # ms, DHCP_FINE_TIMER_MSECS
    coarse = 60_000  # ms, DHCP_COARSE_TIMER_SECS
    waits = (2000, 4000, 8000, 16000, 32000, 60_000)  # and the last one again and again

    def _run(self) -> _Run:
        while True:
            yield from self.ask(
                DISCOVER, map(self._fine, chain(self.waits, repeat(self.waits[-1])))
            )
            if (yield from self.ask(REQUEST, map(self._fine, self.waits))):
                yield from self._hold()

    def _fine(self, ms: int) -> int:
        # It comes with a tick of the timer, the first of which is soon.
        return ms - (self.now + self._clock) % self.fine

    def _hold(self) -> _Run:
        end, t1, t2 = (
            (ms + self.coarse // 2) // self.coarse for ms in (self.end, self.t1, self.t2)
        )
        self.has = True
        used, renew, rebind, sends = 0, t1, t2, 0
        while True:
            self._server = None
            tick = self.coarse - (self.now + self._clock) % self.coarse
            if sends and (yield from self.ask(sends, (tick,))):
                used, renew, rebind, sends = 0, t1, t2, 0
                continue
            if not sends:
                yield 0, tick
            # As dhcp_coarse_tmr: a count that is 0 has run out, and stays so.
            sends = 0
            used += 1
            if used == end:
                self.has = False
                return
            rebind -= rebind >= 0
            if rebind == 0:
                sends, rebind = REQUEST, (end - used) // 2 or -1
                continue
            renew -= renew >= 0
            if renew == 0:
                sends, renew = REQUEST, (t2 - used) // 2 or -1


class Idf(Lwip):
    """lwIP as ESP-IDF 5 sets it up in its lwipopts.h (DHCP_DEFINE_CUSTOM_TIMEOUTS), which
    MicroPython has on ESP32: 0.5, 1, 2, then 4 s; T1, T2 and the end in seconds, half of what is
    left, and nothing once that is less than 3 s (DHCP_NEXT_TIMEOUT_THRESHOLD)."""

    waits = (500, 1000, 2000, 4000, 4000, 4000)

    def _hold(self) -> _Run:
        yield from self.keep(lambda left, _: left // 2 if left >= 6000 else left)


class Dhcpcd(Peer):
    """dhcpcd 10's dhcp.c: 0 to 2 s before the first DISCOVER (`dhcp_start`), then 4, 8 ... 64 s
    +-1 s (`send_message`), and anew with each REQUEST (`dhcp_handledhcp`), from T1
    (`dhcp_startrenew`) and from T2 (`dhcp_rebind`); DISCOVER again after 180 s of REQUESTs
    (DEFAULT_REQUEST)."""

    def _run(self) -> _Run:
        yield 0, self.rand.randrange(2000)
        while True:
            yield from self.ask(DISCOVER, map(self.jitter, _doubling(4, 64)))
            waits = self._until(self.now + 180_000, self._pause)
            if (yield from self.ask(REQUEST, waits)):
                yield from self.keep(self._pause)

    def _pause(self, left: int, count: int) -> int:
        return self.jitter(4000 << min(count, 4))


class Udhcpc(Peer):
    """busybox 1.37's udhcpc: three DISCOVERs and three REQUESTs, 3 s each, then 20 s of nothing;
    at half of the lease a REQUEST, after 3 s half of what is left, and so on down to 30 s, then
    three REQUESTs to all, 3 s each, then the address is given up (`udhcpc_main`)."""

    def _run(self) -> _Run:
        while True:
            if (yield from self.ask(DISCOVER, [3000] * 3)) and (
                yield from self.ask(REQUEST, [3000] * 3)
            ):
                yield from self._hold()
            else:
                yield 0, 20_000

    def _hold(self) -> _Run:
        self.has = True
        end = self.now + self.end
        while True:
            yield 0, (end - self.now) // 2
            self._server = None
            last = False
            answered = yield from self.ask(REQUEST, [3000])
            if not answered and end - self.now <= 30_000:
                last = True
                answered = yield from self.ask(REQUEST, [3000] * 3)
            if answered:
                end = self.now + self.end
            elif last:
                self.has = False
                return


def _doubling(first: int, most: int) -> Iterator[int]:
    while True:
        yield first * 1000
        first = min(2 * first, most)


Maker = Callable[[random.Random, int, int, int], Client]

OURS = "this client"
WAITING = "this client, start_wait_ms=10000"
RFC = "RFC 2131"
CLIENTS: dict[str, Maker] = {
    OURS: Ours,
    WAITING: Waiting,
    "lwIP, ESP-IDF": Idf,
    "lwIP": Lwip,
    "udhcpc": Udhcpc,
    "dhcpcd": Dhcpcd,
    RFC: Rfc,
}
