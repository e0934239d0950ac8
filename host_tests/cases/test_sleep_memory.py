"""Records in an RTC's memory, which deep sleep leaves alone."""

import time

from cable import LEASE
from kit import raises
from records import granted, key, load
from sleeper import DEEP_SLEEP, HARD, POWER_ON, SOFT, WATCHDOG, Machine, built_on

SIZE = 133  # bytes of an RTC's memory that are asked for, unless it is said


def lease_in(store, whose=None):
    """The address that a store has, and its age."""
    lease = load(store, whose or key())
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
    assert lease_in(store) == ("10.0.0.5", 0)
    store.clear(key())
    assert lease_in(store) is None
    assert machine.data[: len(before)] == before
    assert machine.data[len(before) + SIZE :] == behind


def test_a_memory_that_ends_before_the_offset_is_filled_with_zeros():
    for length in (0, 3, 30, 40):
        machine = Machine(b"a" * min(length, 30) + bytes(max(0, length - 30)))
        store = built_on(machine, 30)
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
    keys = [key(b"net%d" % i) for i in range(3)]
    for i in range(3):
        store.save(granted(last=10 + i), keys[i])
    assert [lease_in(store, each) for each in keys] == [None, ("10.0.0.11", 0), ("10.0.0.12", 0)]


def test_when_a_lease_began_is_written_each_time():
    machine = Machine()
    store = built_on(machine)
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
        ip, found = lease_in(store)
        assert ip == "10.0.0.5"
        assert found == age if age else found > LEASE
        assert machine.data.startswith(b"before")
        assert machine.data.endswith(b"behind")
