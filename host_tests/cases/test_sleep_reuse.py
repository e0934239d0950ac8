"""Leases that are reused across deep sleeps, and the clocks that vouch for their age."""

import time

from cable import A_SECOND, LEASE, Board, Server
from dhcpc import sleep
from dhcpc.conflicts import decline
from kit import called, rfc
from records import Clock
from sleeper import DEEP_SLEEP, Machine, Sleeper, built_on
from world import DAY, DISCOVER, RELEASE, REQUEST, SERVER

RP2_START = 1_609_459_200  # 2021-01-01, seconds since 1970
NOW = 1_800_000_000
NTP = 820_000_000  # seconds since 2000


class Sensor:
    """A device that sleeps deeply between wakes, of a few seconds each."""

    def __init__(self, server=None, **how):
        self.server = server or Server()
        self.machine = Machine()
        self.how = how

    def wake(self):
        """A boot, until it sleeps again; return the types of what it has sent."""
        store = built_on(self.machine)
        self.board = board = Sleeper(self.server, store=store, reuse=True, **self.how)
        began = board.cable.now
        self.lease = board.client.acquire()
        board.client.before_sleep()
        self.machine.seconds += (board.cable.now - began) // 1000
        return board.types

    def sleep(self, seconds):
        self.machine.seconds += seconds
        self.machine.cause = DEEP_SLEEP


@rfc("2131 4.4.5 renewing-at-t1")
def test_across_deep_sleeps_nothing_is_sent_until_t1():
    sensor = Sensor()
    assert sensor.wake() == [DISCOVER, REQUEST]
    t1 = sensor.lease.t1
    for age in range(300, t1, 300):
        sensor.sleep(300)
        assert sensor.wake() == []
        assert sensor.board.events == ["reused"]
        assert sensor.board.cable.address == "10.0.0.5"
        assert sensor.lease.remaining() == LEASE - age
    sensor.sleep(300)
    assert sensor.wake() == [REQUEST]
    assert sensor.board.cable.sent[0].to == SERVER
    assert sensor.board.events[-1] == "renewed"
    sensor.sleep(300)
    assert sensor.wake() == []
    assert sensor.lease.remaining() == LEASE - 300


def test_a_renewal_that_nobody_answers_holds_up_a_sleep_for_as_long_as_it_may():
    sensor = Sensor()
    sensor.wake()
    sensor.server.mute = (REQUEST,)
    sensor.sleep(LEASE // 2)
    assert sensor.wake() == [REQUEST]
    assert sensor.board.cable.now == 7 * A_SECOND  # it begins at 5
    sensor.sleep(300)
    assert sensor.wake() == [REQUEST]
    assert sensor.lease.ip == "10.0.0.5"


def test_a_lease_that_ended_in_a_sleep_is_not_used():
    sensor = Sensor()
    sensor.wake()
    sensor.sleep(LEASE)
    assert sensor.wake() == [REQUEST]
    assert sensor.board.events[-1] == "rebooted"


def test_a_clock_that_does_not_vouch_for_the_age_leads_to_a_request():
    for before, after in (
        (Clock(), Clock(1_000_000 + LEASE)),  # over, or set ahead
        (Clock(5), Clock(NTP)),  # by NTP
        (Clock(), Clock(999_999)),  # set back
        (Clock(NTP), Clock(5)),  # begun anew
        (Clock(), Clock(kind=2)),  # another
        (Clock(kind=2), Clock(kind=1)),
        (None, Clock()),  # none
        (Clock(), None),
        (None, None),  # RP2, whose clock begins at the same time each time
    ):
        board = Sleeper(reuse=True, epoch=before).bound().again(reuse=True, epoch=after).bound()
        assert board.types == [REQUEST]
        assert board.events[-1] == "rebooted"


class Wall:
    """A module `time`, of a board whose clock somebody sets, or nobody does."""

    def __init__(self, year, seconds):
        self.year = year
        self.seconds = seconds

    def time(self):
        return self.seconds

    def localtime(self):
        return self.year, 1, 1, 0, 0, 0, 4, 1


def test_a_time_of_day_vouches_for_the_age_once_it_is_set():
    name = called(sleep, "time")
    was = getattr(sleep, name)
    try:
        for before, after, types in (
            ((2026, NOW), (2026, NOW + 60), []),
            ((2021, RP2_START + 5), (2021, RP2_START + 7), [REQUEST]),  # each reset of an RP2
            ((2000, 5), (2000, 7), [REQUEST]),  # each power-on of an ESP32
            ((2021, RP2_START), (2026, NOW), [REQUEST]),
            ((2026, NOW), (2021, RP2_START), [REQUEST]),
        ):
            setattr(sleep, name, Wall(*before))
            board = Sleeper(reuse=True, epoch=sleep.wall_clock).bound()
            setattr(sleep, name, Wall(*after))
            board = board.again(reuse=True, epoch=sleep.wall_clock).bound()
            assert board.types == types
    finally:
        setattr(sleep, name, was)


def test_the_time_of_day_here_is_set():
    before = int(time.time())
    assert before <= sleep.wall_clock() - (1 << 32) <= int(time.time())


def test_a_clock_that_is_set_while_the_device_is_awake_does_not_falsify_the_age():
    for shift in (-LEASE // 4, -90, 90, LEASE // 4, NTP):
        sensor = Sensor()
        sensor.machine.seconds = 5000
        sensor.wake()
        sensor.sleep(600)
        store = built_on(sensor.machine)
        board = Sleeper(sensor.server, store=store, reuse=True)
        lease = board.client.acquire()
        sensor.machine.seconds += shift
        board.cable.now += 7 * A_SECOND
        sensor.machine.seconds += 7
        board.client.before_sleep()
        assert lease.age == 607
        sensor.sleep(100)
        assert sensor.wake() == []
        assert sensor.lease.age == 707


def test_the_age_goes_on_through_many_short_wakes():
    sensor = Sensor(Server(lease=DAY))
    sensor.wake()
    ms = sensor.machine.seconds * 1000
    began = ms
    for _ in range(100):
        ms += 5700  # asleep
        sensor.machine.seconds = ms // 1000
        sensor.machine.cause = DEEP_SLEEP
        board = Sleeper(sensor.server, store=built_on(sensor.machine), reuse=True)
        lease = board.client.acquire()
        assert (ms - began) // 1000 - 1 <= lease.age <= (ms - began) // 1000 + 1
        ms += 600  # awake
        sensor.machine.seconds = ms // 1000
        board.cable.now += 600
        board.client.before_sleep()
        assert board.types == []


def test_before_a_sleep_nothing_is_written_to_flash_unless_the_clock_was_set():
    clock = Clock()
    board = Sleeper(epoch=clock).bound()
    board.cable.now += 100 * A_SECOND
    clock.seconds += 100
    board.client.before_sleep()
    assert board.store.writes == 1
    clock.seconds -= 50
    board.client.before_sleep()
    assert board.store.writes == 2


def test_a_memory_that_is_in_use_meanwhile_is_an_error_and_no_more():
    sensor = Sensor()
    store = built_on(sensor.machine)
    board = Sleeper(store=store)
    sensor.machine.data = b"of the application"
    board.bound()
    assert "error" in board.events
    assert board.cable.address == "10.0.0.5"
    board.client.before_sleep()
    assert "in use" in str(board.client.reason)
    assert sensor.machine.data == b"of the application"


def test_before_a_sleep_nothing_is_waited_for_without_a_link_or_after_release():
    board = Sleeper().bound()
    board.cable.plugged = False
    now = board.cable.now
    board.client.before_sleep()
    assert board.cable.now == now
    board = Sleeper().bound()
    board.client.release()
    now = board.cable.now
    board.client.before_sleep()
    assert board.cable.now == now
    assert board.types[-1] == RELEASE


def test_what_is_to_begin_much_later_is_not_waited_for():
    board = Sleeper().bound()
    decline(board.client)
    began = board.cable.now
    board.client.before_sleep()
    assert board.cable.now == began
    board.client.before_sleep(20_000)
    assert board.client.state == "BOUND"


def test_wherever_a_clock_is_set_an_address_is_used_unasked_only_within_its_lease():
    year = 365 * DAY
    for by in (
        -20 * year,
        -LEASE,
        -2,
        -1,
        0,
        1,
        LEASE // 2,
        LEASE - 1,
        LEASE,
        LEASE + 1,
        20 * year,
    ):
        begun = (1 << 32) + 30 * year
        device = Board(reuse=True, epoch=lambda begun=begun: begun).bound()
        again = device.again(reuse=True)
        again.store.epoch = lambda by=by, begun=begun: begun + by
        again.poll()
        assert ("reused" in again.events) == (0 <= by < LEASE)
        again.go(100)
        assert again.client.state == "BOUND"
        assert 0 <= again.client.lease.age <= LEASE
