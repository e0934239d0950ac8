"""The records of leases that survive a reset."""

from binascii import crc32

from dhcpc import Lease, Message
from kit import raises, rfc
from records import (
    CLOCK,
    EVERYDAY,
    HOME,
    NO_CLOCK,
    ROOM,
    WORK,
    Memory,
    granted,
    ips,
    key,
    load,
    record,
    restored,
)
from world import ACK, CLIENT_ID, INFINITE, IP, MAC, MASK, OTHER_SERVER, SERVER, opt, reply, u32

SSID = b"k" * 32

# What a record says


@rfc("2131 1.6 configuration-after-reboot", "4436 2 lease-stored")
def test_a_record_gives_the_lease_back():
    lease = granted(lease=3600, t1=600, t2=1200, options=EVERYDAY)
    back = restored(record(lease, key()))
    assert back.ifconfig() == lease.ifconfig()
    assert (back.yiaddr, back.server, back.dns) == (IP, SERVER, lease.dns)
    assert (back.lease_time, back.t1, back.t2) == (3600, 600, 1200)
    for code in (1, 3, 6, 15, 26, 28, 42, 51, 54, 58, 59):
        assert back.option(code) == lease.option(code)
        assert back.option(code)


@rfc("2131 3.3 infinity")
def test_a_record_gives_an_infinite_lease_back():
    back = restored(record(granted(lease=INFINITE), key()))
    assert back.remaining() is None
    assert back.option(51) == b"\xff\xff\xff\xff"


def test_a_record_of_a_restored_lease_is_the_same():
    kept = record(granted(options=EVERYDAY), key(), CLOCK)
    for later in (0, 1, 100, 100_000):
        back = restored(kept, now=CLOCK + later)
        assert record(back, key(), CLOCK + later) == kept


def test_a_record_is_the_same_at_any_age():
    for now in (NO_CLOCK, CLOCK):
        lease = granted(options=EVERYDAY)
        kept = record(lease, key(), now)
        lease.age = 1000
        assert record(lease, key(), now and now + 1000) == kept


def test_a_record_of_t1_and_t2_that_were_not_given_has_no_fuzz():
    lease = granted(fuzz=63, lease=36000)
    assert lease.t1 < 18000
    back = restored(record(lease, key()))
    assert (back.t1, back.t2) == (18000, 31500)


def test_leases_of_a_server_that_nothing_names_have_one_record_a_network():
    store = Memory()
    store.save(granted(last=7), HOME)
    for lease in (3600, 3500, 3400, 3300):
        store.save(granted(server=None, lease=lease), WORK)
    assert len(store.records()) == 2
    assert ips(store, HOME, WORK) == ["10.0.0.7", "10.0.0.5"]


def test_a_record_has_the_server_that_the_offer_named_if_the_ack_names_none():
    m = Message()
    m.read(reply(ACK, server=None))
    back = restored(record(Lease(m, 0, OTHER_SERVER), key()))
    assert back.server == OTHER_SERVER


def test_a_record_is_in_the_format_that_devices_have_in_their_flash():
    # A change of this needs another version byte.
    kept = record(granted(t1=600), HOME, (1 << 32) | 0x65000000)
    body = (
        b"\x01\x04"
        + MAC
        + b"home"
        + CLIENT_ID
        + opt(54, SERVER)
        + opt(51, u32(3600))
        + opt(1, MASK)
        + opt(58, u32(600))
        + bytes(ROOM - 13 - 8 - 4 - 9 - 24)
        + IP
        + b"\x01\x65\0\0\0"
    )
    assert kept == body + u32(crc32(body))


# Its room


def test_a_record_has_128_bytes_unless_more_is_asked_for():
    lease = granted(options=opt(6, bytes(48)) + opt(15, b"d" * 100))
    for room in (ROOM, 255):
        kept = record(lease, key(), room=room)
        assert len(kept) == room
        assert (restored(kept, room=room).option(15) is None) == (room == ROOM)


def test_a_record_is_filled_to_its_last_byte():
    lease = granted(options=EVERYDAY)
    whole = len(key()) + 3 * 6 + len(EVERYDAY) + 13
    for room in (whole, whole - 1):
        back = restored(record(lease, key(), room=room), room=room)
        assert back.option(28)
        assert (back.option(42) is None) == (room < whole)


def test_what_does_not_fit_in_a_record_makes_room_for_what_does():
    lease = granted(options=opt(15, b"d" * 100) + opt(26, b"\x05\xdc"))
    back = restored(record(lease, key()))
    assert back.option(15) is None
    assert back.option(26) == b"\x05\xdc"
    assert back.lease_time == 3600


def test_a_record_of_the_longest_ssid_keeps_all_that_an_application_is_given():
    lease = granted(t1=600, t2=1200, options=EVERYDAY)
    back = restored(record(lease, key(SSID), CLOCK), key(SSID), CLOCK + 9)
    assert back.ifconfig() == lease.ifconfig()
    assert (back.server, back.lease_time, back.age) == (SERVER, 3600, 9)
    for code in (54, 51, 1, 3, 6):
        assert back.option(code) == lease.option(code)


def test_a_joined_option_of_over_255_bytes_does_not_hinder_a_record():
    lease = granted(options=opt(15, b"a" * 200) + opt(15, b"b" * 200))
    back = restored(record(lease, key()))
    assert back.option(15) is None
    assert back.lease_time == 3600


def test_of_an_option_that_comes_twice_the_first_is_kept_by_which_the_session_has_gone():
    for code, first in ((51, u32(3600)), (54, SERVER), (1, MASK), (58, u32(900))):
        for second in (u32(7), b"\x01", b""):
            lease = granted(t1=900, options=opt(code, second))
            back = restored(record(lease, key()))
            for name in ("lease_time", "server", "mask", "t1"):
                assert getattr(back, name) == getattr(lease, name), (code, second, name)
            assert back.option(code) == first


def test_a_key_that_leaves_no_room_does_not_hinder_the_records_of_others():
    for size in range(1, 255):
        whose = key(SSID, client_id=opt(61, bytes(size)))
        store = Memory()
        store.save(granted(options=EVERYDAY), HOME)
        if len(whose) + 6 + 13 <= ROOM:  # option 54, and what ends it
            store.save(granted(last=9, options=EVERYDAY), whose)
            assert ips(store, HOME, whose) == ["10.0.0.5", "10.0.0.9"]
        else:
            raises(ValueError, store.save, granted(last=9), whose)
            assert ips(store, HOME, whose) == ["10.0.0.5", None]


# When it is written


def test_a_renewal_that_changes_nothing_is_not_written():
    for now in (NO_CLOCK, CLOCK):
        store = Memory(now=now)
        store.save(granted(options=EVERYDAY), key())
        kept = store.kept
        for later in (1, 100, granted(fuzz=63).t1 - 1):
            store.now = now and now + later
            store.save(granted(fuzz=63, options=EVERYDAY, xid=b"abcd"), key())
            assert store.kept == kept
        assert store.writes == 1


def test_a_record_that_was_read_is_not_written_again():
    for now in (NO_CLOCK, CLOCK):
        store = Memory(record(granted(options=EVERYDAY), key(), now), now and now + 100)
        store.save(load(store, key()), key())
        store.save(granted(options=EVERYDAY), key())
        assert store.writes == 0


def test_a_reading_that_is_as_old_as_t1_is_written_where_there_is_a_clock():
    lease = granted(options=EVERYDAY)
    for gone in (lease.t1, 100_000_000):
        store = Memory(now=CLOCK)
        store.save(lease, key())
        store.now += gone
        store.save(lease, key())
        assert store.writes == 2
        assert load(store, key()).age == 0


def test_a_reading_says_when_the_lease_began_and_not_when_it_was_written():
    lease = granted()
    lease.age = 40
    assert restored(record(lease, key(), CLOCK), now=CLOCK + 2).age == 42


def test_whatever_changes_in_a_lease_is_written():
    for change in (
        {"last": 9},
        {"lease": 7200},
        {"server": OTHER_SERVER},
        {"mask": b"\xff\xff\0\0"},
        {"t1": 900},
        {"options": EVERYDAY.replace(opt(3, b"\x0a\0\0\x01"), opt(3, b"\x0a\0\0\x08"))},
    ):
        store = Memory()
        store.save(granted(**dict({"options": EVERYDAY}, **change)), key())
        store.save(granted(options=EVERYDAY), key())
        assert store.writes == 2
        back = load(store, key())
        assert (back.yiaddr, back.server, back.lease_time) == (IP, SERVER, 3600)


# How old the lease is


def test_a_clock_that_goes_on_tells_the_age():
    kept = record(granted(), key(), CLOCK)
    for gone in (0, 1, 100, 100_000_000):
        assert restored(kept, now=CLOCK + gone).age == gone


def test_without_a_clock_at_either_end_or_with_another_the_lease_does_not_seem_to_run():
    # An age that is unknown is below 0; one by two kinds of clock is longer than any lease.
    kinds = [NO_CLOCK] + [(kind << 32) + s for kind in (1, 2, 255) for s in (1, 1_700_000_000)]
    for ended in ({"lease": 3600}, {"lease": INFINITE}):
        for then in kinds:
            for now in kinds:
                back = restored(record(granted(**ended), key(), then), now=now)
                if then and now and then >> 32 == now >> 32:
                    assert back.age == now - then
                else:
                    assert not 0 <= back.age < back.lease_time


def test_a_clock_that_was_set_back_makes_the_age_unknown():
    for now in (CLOCK - 1, CLOCK - 1_000_000, (1 << 32) + 1):
        assert restored(record(granted(), key(), CLOCK), now=now).age < 0


def test_a_clock_that_was_set_back_is_read_anew_with_the_next_ack():
    # Else the record would seem to begin in what is the future now, and come true again.
    for now in (CLOCK - 1_000_000, CLOCK - (1 << 32)):
        store = Memory(record(granted(), key(), CLOCK + (1 << 32)), now)
        store.save(granted(), key())
        store.now += 100
        assert load(store, key()).age == 100


def test_a_clock_that_has_just_begun_tells_the_age_of_a_lease_that_began_before():
    lease = granted()
    lease.age = 40
    for kind in (1, 255):
        assert restored(record(lease, key(), kind << 32), now=(kind << 32) + 2).age == 42


# Whose record


def test_a_record_of_another_network_is_not_this_ones():
    for mine in (b"", b"hom", b"home2", b"Home", b"work", SSID):
        store = Memory()
        store.save(granted(), HOME)
        assert ips(store, HOME, key(mine)) == ["10.0.0.5", None]
        store.save(granted(last=9), key(mine))
        assert ips(store, HOME, key(mine)) == ["10.0.0.5", "10.0.0.9"]


@rfc(
    "2131 3.1 lease-identified",
    "2131 3.2 reboot-has-same-client-id",
    "4436 2.1 other-client-identifier",
)
def test_a_record_of_a_cloned_image_is_not_this_devices():
    kept = record(granted(), HOME)
    assert restored(kept, HOME)
    assert not restored(kept, key(b"home", mac=b"\x02\0\0\0\0\x02"))
    for client_id in (opt(61, b"\0nam"), opt(61, b"\0name2"), opt(61, b"\0Name")):
        assert not restored(kept, key(b"home", client_id=client_id))
        of_name = record(granted(), key(client_id=opt(61, b"\0name")))
        assert not restored(of_name, key(client_id=client_id))


def test_a_record_of_another_version_is_not_read():
    assert not restored(record(granted(), key(version=2)))


# Records of several networks


@rfc("4436 2 lease-stored")
def test_of_five_networks_that_were_joined_in_turn_the_first_is_forgotten():
    keys = [key(b"%d" % i) for i in range(5)]
    store = Memory()
    for i in range(5):
        store.save(granted(last=10 + i, options=EVERYDAY), keys[i])
        assert len(store.kept) == min(i + 1, 4) * ROOM
    assert ips(store, *keys) == [None] + ["10.0.0.%d" % i for i in (11, 12, 13, 14)]


def test_a_network_that_is_joined_again_is_forgotten_last():
    keys = [key(b"%d" % i) for i in range(5)]
    store = Memory()
    for i in (0, 1, 2, 3, 0, 4):
        store.save(granted(last=10 + i), keys[i])
    assert ips(store, *keys) == ["10.0.0.10", None, "10.0.0.12", "10.0.0.13", "10.0.0.14"]


def test_on_a_cable_the_record_of_the_network_that_was_joined_last_is_tried():
    store = Memory()
    store.save(granted(last=5, server=SERVER), key())
    store.save(granted(last=6, server=OTHER_SERVER), key())
    assert ips(store, key()) == ["10.0.0.6"]
    store.save(granted(last=5, server=SERVER), key())
    assert ips(store, key()) == ["10.0.0.5"]
    assert len(store.kept) == 2 * ROOM
    store.clear(key())
    assert ips(store, key()) == ["10.0.0.6"]


def test_a_server_that_renumbers_has_one_record():
    for name in (b"", b"home"):
        store = Memory()
        store.save(granted(last=7, server=OTHER_SERVER), key(name))
        for last in (5, 6):
            store.save(granted(last=last), key(name))
        assert len(store.kept) == 2 * ROOM
        assert ips(store, key(name)) == ["10.0.0.6"]
        store.clear(key(name))
        assert ips(store, key(name)) == ["10.0.0.7"]


def test_a_networks_record_is_forgotten_and_no_other():
    keys = [key(b"%d" % i) for i in range(4)]
    for i in range(4):
        store = Memory()
        for n in range(4):
            store.save(granted(last=10 + n), keys[n])
        store.clear(keys[i])
        assert ips(store, *keys) == [None if n == i else "10.0.0.%d" % (10 + n) for n in range(4)]


def test_where_there_is_no_record_nothing_is_forgotten():
    store = Memory(record(granted(), HOME))
    store.clear(WORK)
    store.clear(key(b"hom"))
    store.clear(b"\0")
    assert store.writes == 0
    assert ips(store, HOME) == ["10.0.0.5"]


def test_a_lease_can_be_stored_after_the_one_before_was_forgotten():
    store = Memory()
    for last in (5, 5, 6):
        store.save(granted(last=last), HOME)
        assert ips(store, HOME) == ["10.0.0.%d" % last]
        store.clear(HOME)
        assert ips(store, HOME) == [None]
