"""Sleep and wake: records in an RTC's memory, and the ways back to a stored lease."""

import sys
import time
from errno import EIO

from dhcpc import sleep
from fakeboard import FRAMES, PORTS, plug
from kit import raises, rfc
from test_client import A_SECOND, LEASE, OTHER_IP, Board, Cable, Flash, Server
from test_store import granted, key
from world import (
    DISCOVER,
    INFINITE,
    IP,
    NAK,
    NOBODY,
    OTHER_SERVER,
    RELEASE,
    REQUEST,
    SERVER,
    reply,
)

SIZE = 133  # bytes of an RTC's memory that are asked for, unless it is said
POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = range(1, 6)
DAY = 86400
RP2_START = 1_609_459_200  # 2021-01-01, seconds since 1970
NOW = 1_800_000_000
NTP = 820_000_000  # seconds since 2000


class Machine:
    """An ESP32's module `machine`. data: the RTC's memory. seconds: what the RTC shows."""

    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = range(1, 6)

    def __init__(self, data=b""):
        self.data = data
        self.seconds = 100
        self.cause = POWER_ON

    def reset_cause(self):
        return self.cause

    def RTC(self):
        return self

    def memory(self, data=None):
        if data is None:
            return self.data
        if len(data) > 2048:
            raise ValueError("buffer too long")
        self.data = bytes(data)

    def epoch(self):
        return (2 << 32) + self.seconds


def built_on(machine, *where):
    """A sleep.Memory, made after a reset of that machine."""
    was = sys.modules.get("machine")
    sys.modules["machine"] = machine
    try:
        store = sleep.Memory(*where)
    finally:
        if was is None:
            del sys.modules["machine"]
        else:
            sys.modules["machine"] = was
    store.epoch = machine.epoch
    return store


class Site(Server):
    """A network, whose server says no to a REQUEST for an address that it does not lease, or, if
    it is `shy`, nothing.
    """

    shy = False

    def answer(self, sent):
        wanted = self.grant.get("yiaddr", IP)
        if sent.type == REQUEST and sent.options.get(50, wanted) != wanted:
            return None if self.shy else reply(NAK, xid=sent.xid)
        return super().answer(sent)


def home():
    return Site(yiaddr=IP, server=SERVER)


def away():
    return Site(yiaddr=OTHER_IP, server=OTHER_SERVER)


class Sleeper(Board):
    """A device with a sleep.Client. told: (event, state, address in use then). See Board."""

    def __init__(self, server=None, epoch=None, **how):
        self.cable = Cable(server)
        self.events = []
        self.told = []
        self.waits = []
        self.store = how.setdefault("store", Flash())
        if epoch:
            self.store.epoch = epoch
        how.setdefault("on_event", self.tell)
        self.client = sleep.Client(self.cable, clock=self.cable.clock, **how)

    def tell(self, event, lease):
        self.events.append(event)
        self.told.append((event, self.client.state, self.cable.address))
        assert (lease and lease.ip) == self.cable.address

    def bound(self):
        """Get a lease, and have it verified."""
        self.client.acquire()
        self.go(1)
        assert self.client.state == "BOUND"
        return self

    def again(self, server=None, **how):
        """This device after a reset, with what its flash holds."""
        return Sleeper(server or self.cable.server, store=Flash(self.store.kept), **how)


class Clock:
    """A clock that no reset sets back. kind: which one."""

    def __init__(self, seconds=1_000_000, kind=1):
        self.seconds = seconds
        self.kind = kind

    def __call__(self):
        return (self.kind << 32) + self.seconds


# The RTC's memory


def lease_in(store, whose=None):
    """The address that a store has, and its age."""
    lease = store.load(store.message, whose or key())
    return lease and (lease.ip, lease.age)


def stored(store, last=5):
    """Store a lease, and return what the RTC's memory holds then."""
    lease = granted(last=last)
    store.save(lease, key())
    return store.rtc.data


def test_a_record_in_the_rtcs_memory_survives_deep_sleep_and_knows_its_age():
    machine = Machine()
    stored(built_on(machine))
    machine.seconds += 1000
    machine.cause = DEEP_SLEEP
    store = built_on(machine)
    store.message = granted().message
    assert lease_in(store) == ("10.0.0.5", 1000)


def test_the_layout_is_a_tag_its_length_and_the_records():
    machine = Machine()
    data = stored(built_on(machine, 0, 5 + 2 * 128 + 3))
    assert len(data) == 5 + 2 * 128 + 3
    assert data[:5] == b"dhc\x01\x08"
    assert data[5 : 5 + len(key())] == key()
    assert data[5 + 119 : 5 + 124] == b"\2" + (100).to_bytes(4, "big")
    assert data[5 + 128 :] == bytes(128 + 3)


def test_the_clock_is_the_systems_and_of_a_kind_of_its_own():
    machine = Machine()
    store = built_on(machine)
    del store.epoch
    before = int(time.time())
    reading = store.epoch()
    assert reading >> 32 == 2
    assert before <= reading - (2 << 32) <= int(time.time())


def test_the_bytes_of_an_application_before_and_behind_stay():
    before = b"application" * 3
    behind = b"more of it"
    machine = Machine(before + bytes(SIZE) + behind)
    store = built_on(machine, len(before))
    data = stored(store)
    assert data[: len(before)] == before
    assert data[len(before) + SIZE :] == behind
    store.message = granted().message
    assert lease_in(store) == ("10.0.0.5", 0)
    store.clear(key())
    assert lease_in(store) is None
    assert machine.data[: len(before)] == before
    assert machine.data[len(before) + SIZE :] == behind


def test_a_memory_that_ends_before_the_offset_is_filled_with_zeros():
    for length in (0, 3, 30, 40):
        machine = Machine(b"a" * min(length, 30) + bytes(max(0, length - 30)))
        store = built_on(machine, 30)
        store.message = granted().message
        assert lease_in(store) is None
        data = stored(store)
        assert len(data) == 30 + SIZE
        assert data[:30] == b"a" * min(length, 30) + bytes(30 - min(length, 30))
        assert lease_in(store) == ("10.0.0.5", 0)


def test_a_record_that_an_application_has_cut_off_is_none():
    machine = Machine()
    data = stored(built_on(machine))
    for length in range(5, SIZE):
        store = built_on(Machine(data[:length]))
        store.message = granted().message
        assert lease_in(store) is None
        stored(store)
        assert lease_in(store) == ("10.0.0.5", 0)


def test_what_somebody_else_has_there_is_refused_in_words_and_stays():
    for foreign in (b"x", bytes(SIZE - 1) + b"x", b"dhc\0\x84" + bytes(SIZE), b"dhcpc" * 40):
        machine = Machine(foreign)
        assert "in use" in raises(ValueError, built_on, machine)
        assert machine.data == foreign


def test_what_somebody_else_puts_there_later_is_not_overwritten():
    machine = Machine()
    store = built_on(machine)
    machine.data = b"mine"
    assert "in use" in raises(ValueError, store.save, granted(), key())
    assert "in use" in raises(ValueError, store.write, b"")
    assert machine.data == b"mine"


def test_another_length_at_the_same_offset_is_refused():
    machine = Machine()
    stored(built_on(machine))
    was = machine.data
    assert "in use" in raises(ValueError, built_on, machine, 0, 5 + 2 * 128)
    assert machine.data == was


def test_it_must_fit_in_the_2048_bytes():
    store = built_on(Machine(), 2048 - SIZE)
    assert len(stored(store)) == 2048
    assert "offset" in raises(ValueError, built_on, Machine(), 2048 - SIZE + 1)
    assert "offset" in raises(ValueError, built_on, Machine(), -1)
    assert "length" in raises(ValueError, built_on, Machine(), 0, SIZE - 1)
    built_on(Machine(), 0, 2048)
    assert "offset" in raises(ValueError, built_on, Machine(), 0, 2049)


def test_an_rtc_without_memory_is_refused_in_words():
    class RP2(Machine):
        def RTC(self):
            return object()

    assert "no memory" in raises(ValueError, built_on, RP2())


def test_several_networks_have_a_record_each_in_a_longer_part():
    store = built_on(Machine(), 0, 5 + 2 * 128)
    store.message = granted().message
    keys = [key(b"net%d" % i) for i in range(3)]
    for i in range(3):
        store.save(granted(last=10 + i), keys[i])
    assert [lease_in(store, each) for each in keys] == [None, ("10.0.0.11", 0), ("10.0.0.12", 0)]


def test_when_a_lease_began_is_written_each_time():
    machine = Machine()
    store = built_on(machine)
    store.message = granted().message
    stored(store)
    machine.seconds += 5
    stored(store)
    machine.seconds += 1
    assert lease_in(store) == ("10.0.0.5", 1)


def test_after_any_reset_but_deep_sleep_and_a_soft_one_the_age_is_unknown():
    # The memory may have survived a power cut of a moment, and the clock has begun anew.
    for cause, age in ((POWER_ON, None), (HARD, None), (WATCHDOG, None), (0, None), (SOFT, 7)):
        machine = Machine(b"before" + bytes(SIZE) + b"behind")
        stored(built_on(machine, 6))
        machine.seconds += 7
        machine.cause = cause
        store = built_on(machine, 6)
        store.message = granted().message
        ip, found = lease_in(store)
        assert ip == "10.0.0.5"
        assert found == age if age else found > LEASE
        assert machine.data.startswith(b"before")
        assert machine.data.endswith(b"behind")


# Reuse, with the RTC's memory, across deep sleeps


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


@rfc("2131 3.2", "2131 4.4.5")
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


@rfc("2131 4.4.5")
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


@rfc("2131 3.2")
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
    was = sleep.time
    try:
        for before, after, types in (
            ((2026, NOW), (2026, NOW + 60), []),
            ((2021, RP2_START + 5), (2021, RP2_START + 7), [REQUEST]),  # each reset of an RP2
            ((2000, 5), (2000, 7), [REQUEST]),  # each power-on of an ESP32
            ((2021, RP2_START), (2026, NOW), [REQUEST]),
            ((2026, NOW), (2021, RP2_START), [REQUEST]),
        ):
            sleep.time = Wall(*before)
            board = Sleeper(reuse=True, epoch=sleep.wall_clock).bound()
            sleep.time = Wall(*after)
            board = board.again(reuse=True, epoch=sleep.wall_clock).bound()
            assert board.types == types
    finally:
        sleep.time = was


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


# early


def test_early_uses_the_stored_address_while_it_is_verified():
    board = Sleeper().bound().again(early=True)
    board.poll()
    assert board.types == [REQUEST]
    assert board.cable.address == "10.0.0.5"
    assert board.client.state == "REBOOTING"
    assert board.client.lease.ip == "10.0.0.5"
    assert board.client.acquire() is board.client.lease
    board.go(1)
    assert board.told[-1] == ("rebooted", "BOUND", "10.0.0.5")
    assert board.events == ["link", "early", "send", "recv", "rebooted"]
    assert board.cable.log.count("remove") == board.cable.log.index("apply") == 2
    assert "remove" not in board.cable.log[board.cable.log.index("apply") :]
    assert board.types == [REQUEST]
    assert board.client.lease.remaining() in (LEASE - 1, LEASE)


@rfc("2131 3.2")
def test_early_takes_the_address_back_on_nak_before_the_application_hears_of_it():
    board = Sleeper().bound().again(early=True)
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(1)
    at = board.events.index("recv")
    assert board.told[at - 1 : at + 3] == [
        ("send", "REBOOTING", "10.0.0.5"),
        ("recv", "INIT", None),
        ("nak", "INIT", None),
        ("send", "SELECTING", None),
    ]
    assert board.client.lease is None
    assert board.store.kept  # as without `early`: at home it is good


def test_early_takes_the_address_back_if_nobody_answers():
    board = Sleeper(epoch=Clock()).bound().again(early=True, epoch=Clock())
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(2)
    assert board.cable.address == "10.0.0.5"
    board.go(3)
    assert ("timeout", "INIT", None) in board.told
    assert board.cable.address is board.client.lease is None
    assert board.types[-1] == DISCOVER


def test_another_address_in_the_ack_takes_the_early_ones_place():
    board = Sleeper().bound().again(Server(yiaddr=OTHER_IP), early=True).bound()
    assert board.cable.address == board.client.lease.ip == "10.0.0.6"
    assert board.told[-1] == ("rebooted", "BOUND", "10.0.0.6")


def test_early_does_not_use_a_lease_that_is_over_and_promises_no_time_that_nobody_knows():
    for after, address, left in (
        (Clock(1_000_600), "10.0.0.5", LEASE - 600),
        (Clock(1_000_000 + LEASE), None, None),
        (Clock(999_999), "10.0.0.5", 0),
        (Clock(kind=2), "10.0.0.5", 0),
        (None, "10.0.0.5", 0),
    ):
        board = Sleeper(epoch=Clock()).bound().again(early=True, epoch=after)
        board.cable.server.mute = (REQUEST,)
        board.poll()
        assert board.cable.address == address
        if address:
            assert board.client.lease.remaining() == left


def test_early_without_a_record_uses_nothing():
    board = Sleeper(early=True)
    board.cable.server.mute = (DISCOVER,)
    board.go(1)
    assert "early" not in board.events
    assert board.client.lease is None


def test_release_of_an_early_address_sends_nothing_and_forgets_the_record():
    board = Sleeper().bound().again(early=True)
    board.cable.server.mute = (REQUEST,)
    board.go(1)
    board.client.release()
    assert RELEASE not in board.types
    assert board.told[-1] == ("released", "STOPPED", None)
    assert board.client.lease is None
    assert not board.store.kept
    board.go(5)
    assert board.events[-1] == "released"


def test_close_and_the_loss_of_the_link_take_an_early_address_away():
    board = Sleeper().bound().again(early=True, keep=True, epoch=Clock())
    board.cable.server.mute = (REQUEST,)
    board.go(1)
    board.cable.plugged = False
    board.poll()
    assert board.told[-1] == ("link", "STOPPED", None)
    board.cable.plugged = True
    board.poll()
    assert board.told[-2:] == [
        ("early", "INIT-REBOOT", "10.0.0.5"),
        ("send", "REBOOTING", "10.0.0.5"),
    ]
    board.client.close()
    assert board.cable.address is board.client.lease is None
    assert board.cable.log[-1] == "release"
    assert board.store.kept


def test_an_address_that_cannot_be_used_early_is_an_error_and_no_more():
    board = Sleeper().bound().again(early=True, on_event=None)
    board.cable.faults["apply"] = OSError(EIO)
    board.poll()
    assert board.client.reason.args == (EIO,)
    del board.cable.faults["apply"]
    board.bound()
    assert board.cable.address == "10.0.0.5"


def test_where_frames_are_sent_an_early_address_is_not_their_source():
    # RFC 2131 4.1 wants 0.0.0.0. A socket takes the address that there is.
    for port in PORTS:
        with plug(port) as board:
            board.server = Server()
            kept = Flash()
            clock = {"store": kept, "clock": board.clock}
            board.nic.active(True)
            first = sleep.Client(board.nic, **clock)
            board.connect()
            first.acquire()
            first._stop("link")
            board.server.mute = (REQUEST,)
            client = sleep.Client(board.nic, early=True, **clock)
            client.poll()
            client.poll()
            assert client.state == "REBOOTING"
            assert board.nic.ifconfig()[0] == "10.0.0.5"
            assert board.sent[-1].type == REQUEST
            assert board.sent[-1].source == (NOBODY if port in FRAMES else IP)
            assert board.sent[-1].ciaddr == NOBODY


# keep


@rfc("2131 3.2", "2131 4.4.5")
def test_keep_uses_the_lease_on_if_nobody_answers_and_renews_it_at_its_t1():
    board = Sleeper(Server(t1=1000), epoch=Clock()).bound()
    board = board.again(keep=True, epoch=Clock(1_000_400))
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(5)
    assert board.types == [REQUEST, REQUEST]
    assert ("kept", "BOUND", "10.0.0.5") in board.told
    assert board.client.lease.age in range(400, 406)
    board.go(500)
    assert board.types == [REQUEST, REQUEST]
    board.cable.server.mute = ()
    board.go(100)
    assert board.types == [REQUEST] * 3
    assert board.cable.sent[-1].to == SERVER
    assert board.events[-1] == "renewed"


@rfc("2131 3.2")
def test_keep_ends_with_the_lease():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, epoch=Clock(1_003_000))
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(LEASE - 3000 - 10)
    assert board.cable.address == "10.0.0.5"
    board.go(20)
    assert board.cable.address is None
    assert "expired" in board.events


def test_keep_after_early_never_takes_the_address_away():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, early=True, epoch=Clock(1_000_400))
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(5)
    assert board.events[-1] == "kept"
    log = board.cable.log
    assert "remove" not in log[log.index("apply") :]
    assert board.client.lease.remaining() in range(LEASE - 406, LEASE - 399)


@rfc("2131 4.4.2")
def test_keep_starts_over_with_a_lease_that_is_over_or_of_unknown_age():
    for after in (Clock(1_000_000 + LEASE), Clock(999_999), Clock(kind=2), None):
        board = Sleeper(epoch=Clock()).bound().again(keep=True, epoch=after)
        board.cable.server.mute = (REQUEST, DISCOVER)
        board.go(10)
        assert "kept" not in board.events
        assert DISCOVER in board.types
        assert board.cable.address is None


def test_keep_does_not_use_a_lease_that_ends_while_it_is_verified():
    clock = Clock()
    board = Sleeper(epoch=clock).bound().again(keep=True, early=True, epoch=clock)
    clock.seconds += LEASE - 1
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.poll()
    clock.seconds += 2
    board.go(10)
    assert "kept" not in board.events
    assert board.cable.address is None


@rfc("2131 3.2")
def test_keep_does_not_use_a_lease_that_was_refused():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, early=True, epoch=Clock())
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(10)
    assert "kept" not in board.events
    assert board.cable.address is None


def test_a_timeout_in_requesting_is_none_of_keeps():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, epoch=Clock())
    board.cable.server.naks = True
    board.go(0.1)
    assert "nak" in board.events
    board.cable.server.naks = False
    board.cable.server.mute = (REQUEST,)
    board.go(60)
    assert "timeout" in board.events
    assert "kept" not in board.events


# Several networks on a cable


def carried(*sites, **how):
    """A device that has been at each of the sites, at the last one last, and the addresses it has
    records of.
    """
    board = Sleeper(sites[0], **how).bound()
    for site in sites[1:]:
        board = board.again(site, **how)
        board.client.acquire()
        board.go(5)
    return board


def records(board):
    return len(board.store._all())


@rfc("2131 3.2", "2131 4.3.2")
def test_a_device_carried_between_two_sites_gets_each_ones_address_after_one_nak():
    for how in ({}, {"early": True}, {"keep": True, "epoch": Clock()}):
        board = carried(home(), away(), **how)
        assert records(board) == 2
        for server, ip in ((home(), "10.0.0.5"), (away(), "10.0.0.6")) * 2:
            board = board.again(server, **how)
            board.client.acquire()
            board.go(1)
            assert board.types == [REQUEST, REQUEST]
            assert board.cable.sent[1].options[50] == server.grant["yiaddr"]
            assert board.client.state == "BOUND"
            assert board.client.lease.ip == board.cable.address == ip
            assert records(board) == 2
            board = board.again(server, **how).bound()
            assert board.types == [REQUEST]


def test_early_shows_one_address_after_the_other():
    board = carried(home(), away()).again(home(), early=True)
    board.go(1)
    assert [each for each in board.told if each[0] not in ("link", "send", "recv")] == [
        ("early", "INIT-REBOOT", "10.0.0.6"),
        ("nak", "INIT", None),
        ("early", "INIT-REBOOT", "10.0.0.5"),
        ("rebooted", "BOUND", "10.0.0.5"),
    ]


def test_a_network_that_none_of_the_records_is_of_costs_a_nak_for_each():
    sites = [Site(yiaddr=bytes((10, 0, i, 5)), server=bytes((10, 0, i, 1))) for i in range(6)]
    board = carried(*sites[:5])
    assert records(board) == 4
    board = board.again(sites[5])
    board.client.acquire()
    assert board.types == [REQUEST] * 4 + [DISCOVER, REQUEST]
    asked = [sent.options[50] for sent in board.cable.sent[:4]]
    assert asked == [bytes((10, 0, i, 5)) for i in (4, 3, 2, 1)]


def test_on_wifi_the_record_of_another_network_is_not_tried():
    board = Sleeper(home())
    board.cable.network = b"home"
    board = board.bound().again(away())
    board.cable.network = b"work"
    board = board.bound().again(Site(yiaddr=b"\x0a\0\0\x07"))
    board.cable.network = b"work"
    board.client.acquire()
    assert board.types == [REQUEST, DISCOVER, REQUEST]
    assert board.cable.sent[0].options[50] == OTHER_IP


def test_a_server_that_refuses_all_is_asked_ever_more_slowly():
    board = carried(home(), away()).again(home())
    board.cable.server.naks = True
    board.go(60)
    assert len(board.types) < 2 + 2 * 7


def test_a_silent_server_of_another_site_costs_a_timeout_and_no_record():
    board = carried(home(), away())
    site = home()
    site.shy = True
    board = board.again(site)
    board.client.acquire()
    board.go(1)
    assert board.types == [REQUEST, REQUEST, DISCOVER, REQUEST]
    assert board.client.lease.ip == "10.0.0.5"
    assert records(board) == 2


def test_a_device_that_cannot_write_its_records_finds_its_network_all_the_same():
    board = carried(home(), away())
    was = board.store.kept
    board = board.again(home(), early=True)
    board.store.fault = OSError(30)
    board.client.acquire()
    board.go(1)
    assert board.types == [REQUEST, REQUEST]
    assert board.client.lease.ip == "10.0.0.5"
    assert board.store.kept == was


def test_where_reuse_is_asked_for_a_refused_record_goes_and_the_others_are_tried():
    board = carried(home(), away()).again(home(), reuse=True)
    board.go(1)
    assert board.types == [REQUEST, REQUEST]
    assert board.client.lease.ip == "10.0.0.5"
    assert records(board) == 1


def test_the_move_writes_once():
    board = carried(home(), away()).again(home())
    board.go(1)
    assert board.store.writes == 1


def test_a_nak_in_renewing_does_not_lead_to_another_networks_record():
    board = carried(home(), away())
    board = board.again(Site(yiaddr=OTHER_IP, server=OTHER_SERVER, t1=100)).bound()
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(200)
    assert "nak" in board.events
    assert board.types == [REQUEST, REQUEST] + [DISCOVER] * (len(board.types) - 2)


def test_what_on_event_does_at_a_nak_holds():
    board = act = None

    def tell(event, lease):
        if event == "nak":
            act(board.client)

    for method in (sleep.Client.release, sleep.Client.close):
        act = method
        board = carried(home(), away()).again(home(), on_event=tell)
        board.go(5)
        assert board.types == [REQUEST]
        assert board.client.state == "STOPPED"


def test_what_on_event_does_at_a_timeout_holds():
    board = Sleeper(epoch=Clock()).bound()

    def tell(event, lease):
        if event in ("timeout", "kept"):
            board.client.close()

    for keep in (False, True):
        board = board.again(keep=keep, on_event=tell, epoch=Clock())
        board.cable.server.mute = (REQUEST,)
        board.go(10)
        assert board.types == [REQUEST, REQUEST]
        assert board.client.state == "STOPPED"
        assert board.cable.address is None
        board.cable.server.mute = ()


@rfc("2131 4.2")
def test_a_cloned_image_never_asks_for_another_boards_address():
    board = carried(home(), away(), epoch=Clock())
    for how in (
        {"client_id": b"\0another"},
        {"early": True, "client_id": b"\0another"},
        {"reuse": True, "keep": True, "client_id": b"\0another"},
    ):
        clone = board.again(home(), epoch=Clock(), **how)
        clone.client.acquire()
        assert clone.types == [DISCOVER, REQUEST]
        assert 50 not in clone.cable.sent[0].options
        assert not {"early", "kept", "reused"} & set(clone.events)

    class OtherMac(Cable):
        mac = b"\2\0\0\0\0\2"

    cable = OtherMac(home())
    answers = cable.server.answer
    cable.server.answer = lambda sent: (
        answers(sent) and answers(sent).replace(Cable.mac, OtherMac.mac)
    )
    client = sleep.Client(
        cable, clock=cable.clock, store=Flash(board.store.kept), early=True, keep=True
    )
    client.acquire()
    assert [sent.type for sent in cable.sent] == [DISCOVER, REQUEST]
    assert 50 not in cable.sent[0].options


# Settings


def made_with(name):
    Sleeper(**{name: 1})


def test_a_setting_that_there_is_not_is_named():
    for name in ("record", "others", "_verify", "before_sleep", "eearly"):
        assert name in raises(ValueError, made_with, name)


@rfc("2131 3.2")
def test_an_infinite_lease_that_a_clock_vouches_for_is_kept():
    server = Server(lease=INFINITE)
    board = Sleeper(server, epoch=Clock()).bound().again(keep=True, epoch=Clock(1_000_000 + DAY))
    server.mute = (REQUEST, DISCOVER)
    board.go(10)
    assert board.events[-1] == "kept"
    assert board.client.lease.remaining() is None
