"""One client on a network that loses, delays, repeats and reorders: how long it takes to get a
lease, and for how long in a day it has no address."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from statistics import quantiles
from typing import NamedTuple

from fleet.clients import Asked, Client, Maker

DAY_S = 86_400
LOSSES = (0, 10, 30, 60)  # %, in each direction
LEASES_S = (120, 600, 3600)

_TRIP_MS = 20  # one way takes 1 ms to this
_LATE = 0.05  # of the packets take up to this longer, and come behind others
_LATE_MS = 500
_TWICE = 0.05  # of the packets come twice
_GIVEN_UP_MS = 3600_000  # no client takes an hour, or it never will
_TRANSIENT = 2  # leases that a day does not begin with


class Wait(NamedTuple):
    """Seconds to the first lease: of half of the clients, of 90 % and of 99 %."""

    half: float
    most: float
    nearly_all: float


class Network:
    """A network with a server that always answers. loss: of 1, in each direction."""

    def __init__(self, rand: random.Random, loss: float) -> None:
        self._rand = rand
        self._loss = loss
        self._replies: list[tuple[int, int, Asked]] = []
        self._count = 0

    def run(self, client: Client, now: int, done: Callable[[int, Client], bool]) -> int:
        """Let time pass until `done(now, client)`; return when."""
        replies = self._replies
        while not done(now, client):
            if replies and replies[0][0] < client.due:
                now, _, asked = heapq.heappop(replies)
                client.take(now, asked, 1)
            else:
                now = max(now, client.due)
                if client.step(now):
                    asked = client.message()
                    for there in self._trips():
                        for back in self._trips():
                            self._count += 1
                            heapq.heappush(replies, (now + there + back, self._count, asked))
        return now

    def _trips(self) -> list[int]:
        """How long each copy of a packet takes, in ms."""
        rand = self._rand
        found = []
        for _ in range(1 + (rand.random() < _TWICE)):
            if rand.random() >= self._loss:
                late = rand.randrange(_LATE_MS) if rand.random() < _LATE else 0
                found.append(rand.randint(1, _TRIP_MS) + late)
        return found


def first(make: Maker, loss: float, seed: int) -> float:
    """Seconds from the start to the first address."""
    rand = random.Random(seed)
    start = rand.randrange(60_000)

    def done(now: int, client: Client) -> bool:
        return client.has or now > start + _GIVEN_UP_MS

    return (Network(rand, loss).run(make(rand, 3600, start, 0), start, done) - start) / 1000


def firsts(make: Maker, loss: float, count: int) -> list[float]:
    """That, of so many clients, in order."""
    return sorted(first(make, loss, seed) for seed in range(count))


def wait(seconds: list[float]) -> Wait:
    cuts = quantiles(seconds, n=100, method="inclusive")
    return Wait(cuts[49], cuts[89], cuts[98])


def missing(make: Maker, loss: float, lease_s: int, days: float, seed: int = 1) -> float:
    """For how many seconds a day a client has no address, on average over so many days. They begin
    when it has had one for two leases."""
    rand = random.Random(seed)
    network = Network(rand, loss)
    client = make(rand, lease_s, 0, 0)
    now = network.run(client, 0, lambda now, client: client.has)
    settled = now + _TRANSIENT * lease_s * 1000
    now = network.run(client, now, lambda now, client: now >= settled)
    begin, end = now, now + round(days * DAY_S * 1000)
    without, lost = 0, None if client.has else now

    def watch(now: int, client: Client) -> bool:
        nonlocal without, lost
        if not client.has and lost is None:
            lost = now
        elif client.has and lost is not None:
            without += now - lost
            lost = None
        return now >= end

    now = network.run(client, now, watch)
    if lost is not None:
        without += now - lost
    return without / (now - begin) * DAY_S
