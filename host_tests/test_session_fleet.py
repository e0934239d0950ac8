"""Many boards at one server, and one board on a bad network: what the timers make of it."""

from __future__ import annotations

import random
import statistics

import pytest

from measure import fleet
from world import ACK, DISCOVER, NOBODY, OFFER, REQUEST, World, reply

# 1,000 boards that boot at once

ALL_BOUND = 80  # seconds
LULL = 60  # seconds after which there are no more waves
SEEDS = range(1, 6)


@pytest.mark.rfc("2131 4.1 first-pauses")
@pytest.mark.parametrize("seed", SEEDS)
def test_1000_boards_that_boot_at_once_are_soon_bound(seed: int) -> None:
    boards = fleet.boot(seed=seed)
    assert len(boards.bound) == fleet.BOARDS
    assert boards.bound[-1] <= ALL_BOUND
    late = [count for second, count in boards.packets.items() if second >= LULL]
    assert max(late, default=0) < fleet.RATE
    assert sum(late) < boards.packets.total() / 20


@pytest.mark.parametrize("seed", SEEDS)
def test_pauses_that_are_not_in_proportion_come_in_waves(seed: int) -> None:
    # The simulation tells the rules apart.
    ours = fleet.boot(seed=seed)
    for rule in (fleet.fixed, fleet.rfc):
        theirs = fleet.boot(seed=seed, rule=rule)
        assert theirs.bound[-1] > 2 * ours.bound[-1]
        assert (
            max(count for second, count in theirs.packets.items() if second >= LULL) > fleet.RATE
        )


def test_a_few_boards_are_bound_at_once() -> None:
    boards = fleet.boot(boards=20)
    assert len(boards.bound) == 20
    assert boards.bound[-1] < 1
    assert boards.packets.total() == 40


# A short lease on a network that loses 30 % of the packets

LOSS = 0.3
SHORT = 120  # seconds
DAY = 86400
TRIES = 6  # in a lease

# Seconds from each renewal of such a lease, of which T1 is the first, to the next
A_MINUTE = (45,)  # RFC 2131 4.4.5's least: at T1, at T2, and no more
DHCPCD = (4, 8, 16, 17, 4, 8)  # doubling, and anew from T2
UDHCPC = (30, 15, 7, 3, 1)  # half of what is left


def missing(seed: int, pauses: tuple[int, ...] = ()) -> float:
    """In how many % of a day a client had no address. pauses: those of another client."""
    rng = random.Random(seed)
    w = World(rand=rng.getrandbits)
    w.session.start()
    without = answered = tries = 0
    while w.now < DAY * 1000:
        w.poll()
        while answered < len(w.sent):
            sent = w.sent[answered]
            answered += 1
            tries = 0 if sent.ciaddr == NOBODY else tries + 1
            if pauses and tries and w.lease:
                later = pauses[tries - 1] if tries <= len(pauses) else SHORT
                w.session.due = min(w.lease.age + later, SHORT)
                w.poll()
            if rng.random() > LOSS and rng.random() > LOSS:
                kind = {DISCOVER: OFFER, REQUEST: ACK}[sent.type]
                if w.hand(reply(kind, xid=sent.xid, lease=SHORT)) != "ignored":
                    tries = 0
        step = max(1, w.session.wait)
        without += 0 if w.lease else step
        w.now += step
    return without / DAY / 10


@pytest.mark.rfc("2131 4.4.5 minute-between-requests")
def test_a_lease_of_2_minutes_is_asked_for_six_times_before_its_end() -> None:
    for seed in range(20):
        w = World(rand=random.Random(seed).getrandbits).bound(lease=SHORT)
        w.go(SHORT - 0.1)
        assert w.lease
        assert len(w.sent) - 2 >= TRIES


@pytest.mark.rfc("2131 4.4.5 minute-between-requests")
def test_a_short_lease_on_a_bad_network_is_kept_as_well_as_by_others() -> None:
    def days(pauses: tuple[int, ...] = ()) -> float:
        return statistics.mean(missing(seed, pauses) for seed in range(1, 11))

    ours = days()
    theirs = {"dhcpcd": days(DHCPCD), "udhcpc": days(UDHCPC)}
    print(f"% of a day without an address: {ours:.3f}; {theirs}")
    assert ours <= 1.1 * max(theirs.values())
    assert days(A_MINUTE) > 10 * ours
