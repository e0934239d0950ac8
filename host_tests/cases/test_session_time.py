"""RFC 2131 4.4, rule by rule: long times, clocks that wrap, and how many packets they bring."""

from kit import rfc
from world import (
    ACK,
    BOUND,
    DAY,
    INFINITE,
    NAK,
    OFFER,
    REBINDING,
    RENEWING,
    REQUESTING,
    SELECTING,
    WRAP,
    World,
)

LEASE = 3600  # seconds

# Time


def begun(now, **ack):
    """A world that has been bound at `now` ms, and its lease."""
    w = World(now=now).bound(**ack)
    return w, w.lease


@rfc("2131 3.1 lease-time-noted", "2131 3.3 seconds", "2131 3.3 relative-times")
def test_leases_of_days_are_renewed_rebound_and_end_on_their_seconds():
    for days in (6, 25, 49, 400):
        for now in (0, WRAP - 1000, WRAP // 2):
            w, lease = begun(now, lease=days * DAY, t1=days * DAY // 2, t2=days * DAY * 7 // 8)
            w.go(lease.t1 - 0.001)
            assert w.state == BOUND
            w.go(0.001)
            assert w.state == RENEWING
            w.go(lease.t2 - lease.t1 - 0.001)
            assert w.state == RENEWING
            w.go(0.001)
            assert w.state == REBINDING
            w.go(days * DAY - lease.t2 - 0.001)
            assert w.lease is lease
            w.go(0.001)
            assert w.lease is None


@rfc("2131 3.3 relative-times")
def test_leases_of_days_survive_polls_that_are_days_apart():
    for days in (6, 25, 49):
        for apart in (1, 5, 11, 12.4):
            w, lease = begun(WRAP - 5, lease=days * DAY)
            elapsed = apart
            while elapsed < days:
                w.sleep(apart * DAY)
                assert w.lease is lease
                assert lease.age == int(elapsed * DAY)
                elapsed += apart
            w.sleep(apart * DAY)
            assert w.lease is None


@rfc("2131 3.3 infinity")
def test_an_infinite_lease_is_never_renewed():
    w, lease = begun(WRAP - 5, lease=INFINITE, t1=100, t2=200)
    for _ in range(100):
        w.sleep(12 * DAY)
    assert w.state == BOUND
    assert w.lease is lease
    assert len(w.sent) == 2


def test_a_client_is_called_again_within_a_day():
    w, _ = begun(0, lease=INFINITE)
    assert w.session.wait == DAY * 1000
    w.go(10 * DAY)
    assert w.session.wait == DAY * 1000


def test_parts_of_seconds_are_not_lost():
    w, _ = begun(0, lease=36000, t1=18000)
    for _ in range(17):
        w.sleep(999.999)
    w.go(18000 - 17 * 999.999 - 0.5)
    assert w.state == BOUND
    w.go(0.5)
    assert w.state == RENEWING


def test_the_clock_may_wrap_at_every_step():
    for early in (0, 1, 2, 500, 1499):
        w = World(now=WRAP - early).selecting()
        w.go(0.001)
        w.answer(OFFER)
        w.go(1.5)
        w.answer(ACK, lease=100, t1=50, t2=80)
        assert w.lease.remaining() in (98, 99)
        w.go(40)
        assert w.state == BOUND
        w.go(20)
        assert w.state == RENEWING


def test_a_clock_that_goes_back_a_little_stands_still():
    for back in (1, 2, 1000, 60_000):
        for state in ("selecting", "requesting", "bound", "renewing", "rebinding"):
            w = getattr(World(now=WRAP + 30_000), state)()
            lease = w.lease
            before = (w.state, len(w.sent), lease and lease.age)
            w.sleep(-back / 1000)
            assert (w.state, len(w.sent), lease and lease.age) == before
            assert w.lease is lease
    w = World().bound()
    w.go(1000)
    w.sleep(-30)
    w.go(LEASE - 1000 - 1)
    assert w.lease
    w.go(1)
    assert not w.lease


# Rates


def packets(w, seconds, answers, **fields):
    """How many packets a client sends in that time to a server with an answer for each state."""
    begin = len(w.sent)
    done = begin
    end = w.now + seconds * 1000
    while w.now < end:
        w.poll()
        while done < len(w.sent):
            done = len(w.sent)
            if w.state in answers:
                w.answer(answers[w.state], **fields)
        w.now += min(w.session.wait, end - w.now)
    return done - begin


def test_a_server_that_naks_each_request_is_asked_ever_less_often():
    w = World()
    w.session.start()
    assert packets(w, 60, {SELECTING: OFFER, REQUESTING: NAK}) <= 20
    assert packets(w, 3600, {SELECTING: OFFER, REQUESTING: NAK}) <= 3 * 3600 // 60 + 10


def test_leases_of_a_second_are_asked_for_ever_less_often():
    w = World()
    w.session.start()
    assert packets(w, 60, {SELECTING: OFFER, REQUESTING: ACK}, lease=1) <= 20
    assert packets(w, 3600, {SELECTING: OFFER, REQUESTING: ACK}, lease=1) <= 3 * 3600 // 60 + 10


def test_a_server_that_grants_and_then_naks_each_renewal_is_asked_ever_less_often():
    w = World()
    w.session.start()
    answers = {SELECTING: OFFER, REQUESTING: ACK, RENEWING: NAK, REBINDING: NAK}
    assert packets(w, 60, answers, t1=1) <= 24
    assert packets(w, 3600, answers, t1=1) <= 3 * 3600 // 60 + 10


def test_a_server_that_never_acknowledges_is_asked_ever_less_often():
    w = World()
    w.session.start()
    assert packets(w, 3600, {SELECTING: OFFER}) <= 8 * 3600 // 60


def test_a_renewal_ends_a_row_of_failures():
    w = World()
    w.session.start()
    packets(w, 600, {SELECTING: OFFER, REQUESTING: NAK})
    while w.state != SELECTING:
        w.go(1)
    w.go(2)  # it has refused that server's offer once
    w.answer(OFFER)
    assert w.answer(ACK) == "bound"
    w.go(w.lease.t1)
    assert w.answer(ACK) == "renewed"
    w.go(w.lease.t1)
    assert w.answer(NAK) == "nak"
    assert w.state == SELECTING


# A whole life, and clocks that are not to be relied on


def lived(begin, late=0):
    """The events of a client, and ms after its start: a lease of 100 s, from the beginning to its
    end. begin: what its clock shows then. late: seconds that each poll comes late.
    """
    w = World(now=begin).bound(lease=100, t1=50, t2=80)
    while w.lease:
        w.sleep(max(1, w.session.wait / 1000) + late)
    return [(now - begin, event) for now, event in w.events]


@rfc("2131 3.3 relative-times")
def test_the_clock_may_wrap_at_each_moment_of_a_life():
    usual = lived(0)
    assert usual[-1][1] == "send"
    assert (100_000, "expired") in usual
    for now, _ in usual:
        for early in (0, 1, 999):
            assert lived(WRAP - now - early) == usual


def test_whatever_times_a_server_says_a_lease_ends_when_it_does():
    times = (
        0,
        1,
        2,
        3,
        59,
        60,
        3600,
        DAY,
        1 << 29,
        (1 << 31) - 1,
        1 << 31,
        INFINITE - 1,
        INFINITE,
    )
    for lease in times[1:8]:
        for t1 in times:
            for t2 in times:
                w, _ = begun(WRAP - 5, lease=lease, t1=t1, t2=t2)
                w.sleep(lease - 0.001)
                assert w.lease
                assert w.state in (BOUND, RENEWING, REBINDING)
                w.sleep(0.001)
                assert w.lease is None


def test_years_of_renewals_are_as_the_first():
    w, _ = begun(WRAP - 5, lease=20 * DAY)
    for _ in range(400):  # 11 years
        w.sleep(w.lease.t1)
        assert w.state == RENEWING
        assert w.answer(ACK, lease=20 * DAY) == "renewed"
        assert w.lease.age == 0


def test_a_poll_that_is_days_late_takes_in_the_reply_that_waits():
    for late in (1, 5, 12):
        w, _ = begun(WRAP - 5, lease=40 * DAY)
        w.go(w.lease.t1)
        w.now += late * DAY * 1000
        assert w.answer(ACK, lease=40 * DAY) == "renewed"
        assert w.lease.age == late * DAY
