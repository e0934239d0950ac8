"""The file that the records of leases are in, and what in it is none."""

import os
from random import getrandbits

from dhcpc import Store
from kit import raises, rfc
from records import EVERYDAY, HOME, ROOM, WORK, Memory, granted, ips, key, load, record, restored

# Bytes that are no record


def test_a_torn_record_is_passed_over():
    kept = record(granted(options=EVERYDAY), key())
    for size in range(len(kept)):
        assert restored(kept[:size]) is None
    for size in range(2 * ROOM):
        assert bool(restored((kept + record(granted(), HOME))[:size])) == (size >= ROOM)


def test_a_bit_that_flips_takes_one_record_and_no_other():
    store = Memory()
    keys = [key(b"%d" % i) for i in range(4)]
    for i in range(4):
        store.save(granted(last=10 + i, options=EVERYDAY), keys[i])
    whole = store.kept
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        torn = keys[3 - bit // 8 // ROOM]  # the last that was joined is the first
        store.kept = bytes(flipped)
        if bit % 97:
            assert ips(store, torn) == [None]
        else:
            assert ips(store, *keys) == [
                None if keys[i] == torn else "10.0.0.%d" % (10 + i) for i in range(4)
            ]
            store.save(granted(last=9), torn)
            assert len(store.kept) == len(whole)
            assert None not in ips(store, *keys)


def test_what_is_no_record_is_passed_over_and_written_over():
    for byte in (b"\0", b"\xff", b"x"):
        for size in (1, 3, 4, 8, 127, 128, 129, 512, 2048):
            store = Memory(byte * size)
            assert store.records() == []
            assert load(store, key()) is None
            store.save(granted(), key())
            store.save(granted(last=6), HOME)
            assert ips(store, key(), HOME) == ["10.0.0.5", "10.0.0.6"]


# The file


def in_a_directory(case):
    """Run case(path of a file that is not there yet), and remove what it leaves."""
    directory = "/tmp/dhcpc.%d" % getrandbits(30)
    os.mkdir(directory)
    try:
        case(directory + "/lease")
    finally:
        remove_all(directory)


def remove_all(directory):
    for name in os.listdir(directory):
        path = directory + "/" + name
        try:
            os.remove(path)
        except OSError:
            os.rmdir(path)
    os.rmdir(directory)


def names(path):
    return sorted(os.listdir(path[: path.rindex("/")]))


def contents(path):
    with open(path, "rb") as f:
        return f.read()


def fill(path, data):
    with open(path, "wb") as f:
        f.write(data)


def test_without_a_file_there_is_no_lease():
    def case(path):
        assert Store(path).read() == b""
        assert ips(Store(path), key()) == [None]
        assert names(path) == []

    in_a_directory(case)


@rfc("2131 1.6 configuration-after-reboot")
def test_a_file_holds_the_records_and_gives_the_leases_back():
    def case(path):
        Store(path).save(granted(options=EVERYDAY), HOME)
        Store(path).save(granted(last=6), WORK)
        assert contents(path) == record(granted(last=6), WORK) + record(
            granted(options=EVERYDAY), HOME
        )
        assert ips(Store(path), HOME, WORK) == ["10.0.0.5", "10.0.0.6"]
        assert names(path) == ["lease"]

    in_a_directory(case)


def test_a_file_is_replaced_by_the_next_lease():
    def case(path):
        store = Store(path)
        for last in (5, 6):
            store.save(granted(last=last), key())
        assert ips(Store(path), key()) == ["10.0.0.6"]
        assert names(path) == ["lease"]

    in_a_directory(case)


def test_nothing_is_written_that_is_in_the_file():
    def case(path):
        store = Store(path)
        store.save(granted(), key())
        os.mkdir(path + "~")  # a write would fail
        store.save(granted(fuzz=9), key())
        Store(path).save(granted(), key())
        again = Store(path)
        again.save(load(again, key()), key())
        raises(OSError, store.save, granted(last=6), key())

    in_a_directory(case)


def test_a_file_that_is_forgotten_holds_no_lease():
    def case(path):
        store = Store(path)
        store.save(granted(), key())
        store.clear(key())
        assert ips(Store(path), key()) == [None]
        store.save(granted(), key())
        assert ips(Store(path), key()) == ["10.0.0.5"]

    in_a_directory(case)


def test_a_write_that_fails_leaves_the_old_records():
    def case(path):
        store = Store(path)
        store.save(granted(), HOME)
        os.mkdir(path + "~")
        raises(OSError, store.save, granted(last=6), HOME)
        raises(OSError, store.save, granted(last=6), WORK)
        raises(OSError, store.clear, HOME)
        assert ips(Store(path), HOME, WORK) == ["10.0.0.5", None]
        os.rmdir(path + "~")
        store.save(granted(last=6), HOME)
        assert ips(Store(path), HOME) == ["10.0.0.6"]

    in_a_directory(case)


def test_what_a_power_cut_left_half_written_is_not_read():
    def case(path):
        Store(path).save(granted(), key())
        fill(path + "~", b"half a rec")
        store = Store(path)
        assert ips(store, key()) == ["10.0.0.5"]
        store.save(granted(last=6), key())
        assert ips(Store(path), key()) == ["10.0.0.6"]
        assert names(path) == ["lease"]

    in_a_directory(case)


def test_a_directory_in_place_of_the_file_holds_no_lease_and_takes_none():
    def case(path):
        os.mkdir(path)
        assert ips(Store(path), key()) == [None]
        raises(OSError, Store(path).save, granted(), key())
        assert "lease" in names(path)

    in_a_directory(case)


def test_a_directory_that_is_not_there_takes_no_record():
    path = "/nowhere/%d/lease" % getrandbits(30)
    assert ips(Store(path), key()) == [None]
    raises(OSError, Store(path).save, granted(), key())
