"""Many boards whose power comes back at once, and servers that can do so many requests a second:
how long until all have an address, and what the servers see meanwhile and later; and what becomes
of it where the servers are down for a while.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from fleet.clients import DISCOVER, REQUEST, Asked, Client, Maker

BOARDS = 1000
TOGETHER_MS = 100  # in which all of them begin
LEASE_S = 86_400
CALM_S = 60  # after so long there are to be no waves any more

_QUEUE = 200  # requests: of 1 kB with what Linux adds, what a socket's 212,992 bytes hold
_TRIP_MS = 2  # there and back
_BURST = 20  # packets that a relay lets through at once
_WAVE_S = 5
_MINUTE_S = 60
_FEW = 60  # packets in a minute, below which there is nothing to be called a wave
_BITS = 20  # of an event, for the board


class Site(NamedTuple):
    """Servers, by the requests a second that each can do, and how many packets a second the relay
    before them lets through, 0 if there is none."""

    rates: tuple[int, ...]
    relay: int = 0

    def __str__(self) -> str:
        number = {1: "one server", 2: "two servers"}[len(self.rates)]
        behind = f", behind a relay of {self.relay}/s" if self.relay else ""
        return f"{number} of {self.rates[0]}/s{behind}"


class Down(NamedTuple):
    """When the servers hear nothing: seconds since the power came back."""

    start: int
    end: int


class Fleet(NamedTuple):
    """What came of it. sent: in each second, what the boards have sent. bound: in how many seconds
    each had its first address, in order; a board that had none is not among them. lost: leases
    that have ended. again: in how many seconds after the servers were back each had its next ACK.
    """

    sent: Sequence[int]
    bound: Sequence[float]
    lost: int
    again: Sequence[float] = ()

    def share(self, part: float) -> float:
        """Seconds until that part of the boards that have been bound was."""
        return self.bound[max(round(len(self.bound) * part) - 1, 0)]

    def wave(self) -> float:
        """The highest wave: the busiest 5 s of a minute by the mean of its 5 s. 1 is even, 12 is
        all at once. Minutes are those from the first one on to when 99 % are bound, and begin at
        any second.
        """
        end = int(self.share(0.99))
        found = [1.0]
        for begin in range(CALM_S, end - _MINUTE_S + 1):
            minute = self.sent[begin : begin + _MINUTE_S]
            if sum(minute) >= _FEW:
                most = max(sum(minute[i : i + _WAVE_S]) for i in range(0, _MINUTE_S, _WAVE_S))
                found.append(most * _MINUTE_S / _WAVE_S / sum(minute))
        return max(found)


class _Server:
    """It does one request after the other, and drops what comes while its queue is full."""

    def __init__(self, number: int, rate: int) -> None:
        self.number = number
        self._takes = 1000 / rate
        self._room = min(rate, _QUEUE)
        self._done: deque[float] = deque()

    def offer(self, now: int) -> int:
        """Hand it a request; when the reply is with the board, or 0 if it is dropped."""
        done = self._done
        while done and done[0] <= now:
            done.popleft()
        if len(done) >= self._room:
            return 0
        done.append(max(now, done[-1] if done else 0) + self._takes)
        return round(done[-1]) + _TRIP_MS


class _Relay:
    """It lets so many packets through in a second, and a few at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = float(_BURST)
        self._last = 0

    def drops(self, now: int) -> bool:
        if not self._rate:
            return False
        self._left = min(self._left + (now - self._last) * self._rate / 1000, _BURST)
        self._last = now
        if self._left < 1:
            return True
        self._left -= 1
        return False


def boot(
    make: Maker,
    site: Site,
    boards: int = BOARDS,
    seed: int = 1,
    lease_s: int = LEASE_S,
    seconds: int | None = None,
    down: Down | None = None,
) -> Fleet:
    """Give them power. seconds: how long it goes on; without it, until all are bound, two days at
    most. down: when the servers are.

    Fast enough for 100,000 real sessions: what is dropped is not written, and one event is one
    number.
    """
    servers = [_Server(number, rate) for number, rate in enumerate(site.rates, 1)]
    relay = _Relay(site.relay)
    end = (seconds or 2 * 86_400) * 1000
    mask = (1 << _BITS) - 1
    rand = random.Random(seed)
    fleet = [make(rand, lease_s, rand.randrange(TOGETHER_MS), board) for board in range(boards)]
    calls = [client.due << _BITS | board for board, client in enumerate(fleet)]  # (ms, board)
    heapq.heapify(calls)
    replies: list[tuple[int, int, int, Asked]] = []  # (ms, board, server, to what)
    sent = array("L", [0]) * (end // 1000 + 1)
    bound: list[float] = []
    ever = bytearray(boards)
    lost = now = 0
    silent = range(down.start * 1000, down.end * 1000) if down else range(0)
    again: dict[int, float] = {}
    while len(bound) < boards or seconds:
        if replies and replies[0][0] <= calls[0] >> _BITS:
            now, board, server, asked = heapq.heappop(replies)
            client = fleet[board]
            had = client.has
            due = client.due
            client.take(now, asked, server)
            if down and now >= silent.stop and asked.kind == REQUEST and client.due == now:
                again.setdefault(board, now / 1000 - down.end)
            if client.due != due:
                heapq.heappush(calls, client.due << _BITS | board)
        else:
            call = heapq.heappop(calls)
            now, board = call >> _BITS, call & mask
            client = fleet[board]
            if now != client.due:
                continue  # it has asked for another time since
            if now >= end:
                break
            had = client.has
            if client.step(now):
                sent[now // 1000] += 1
                if now not in silent and not relay.drops(now):
                    _serve(client, board, now, servers, replies)
            heapq.heappush(calls, client.due << _BITS | board)
        if client.has and not ever[board]:
            ever[board] = 1
            bound.append(now / 1000)
        elif had and not client.has:
            lost += 1
    return Fleet(sent[: now // 1000 + 1], bound, lost, [*again.values()])


def _serve(
    client: Client,
    board: int,
    now: int,
    servers: list[_Server],
    replies: list[tuple[int, int, int, Asked]],
) -> None:
    # A REQUEST that is for another server takes no time.
    if len(servers) == 1:
        done = servers[0].offer(now)
        if done:
            heapq.heappush(replies, (done, board, 1, client.message()))
        return
    asked = client.message()
    for server in servers:
        if asked.kind == DISCOVER or asked.server in (None, server.number):
            done = server.offer(now)
            if done:
                heapq.heappush(replies, (done, board, server.number, asked))
