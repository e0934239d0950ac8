"""Leases on flash, littlefs and all: power that goes at any moment, flash that fails, and wear."""

import os

from cable import Board, Server
from dhcpc import Store
from flash import BLOCK, PATH, PORTS, TEARS, Flash, contents, fill, names
from kit import rfc
from records import CLOCK, EVERYDAY, HOME, ROOM, granted, ips, key
from world import DAY, DISCOVER, REQUEST

VMS = ("vm64",)

BLOCKS = 8  # of a file system whose wear is not counted: it is copied and searched
PHASES = 8  # how far into a block littlefs may have got
NETWORKS = [key(b"net%d" % i) for i in range(4)]
YEAR = 365 * DAY
EISDIR, ENOSPC, EROFS = 21, 28, 30  # MicroPython has no names for them
ENAMETOOLONG = 36  # says littlefs where the directory has no room for one more


def joined(count):
    """Lease addresses in so many networks, none of them HOME."""
    for i in range(count):
        Store(PATH).save(granted(last=10 + i, options=EVERYDAY), NETWORKS[i])


def saved(last, now=0):
    """Store a lease of HOME. last: of its address. now: what the clock shows."""
    store = Store(PATH)
    store.epoch = lambda: now
    store.save(granted(last=last, options=EVERYDAY), HOME)


def forgotten():
    Store(PATH).clear(HOME)


def restarted(last=5):
    """A device that starts at home, with the records on its flash, and has got an address."""
    board = Board(Server(yiaddr=bytes((10, 0, 0, last)), options=EVERYDAY), store=PATH)
    board.cable.network = b"home"
    return board.bound()


# Power cuts


def cut_everywhere(flash, act):
    """Cut the power at each operation of act(), with each tear. Return how often that was.

    What then must be so: the file is the old one or the new, byte by byte; a device that starts
    goes on from it; act() can be done again.
    """
    before = bytes(flash.data)
    old = contents()
    flash = flash.again()
    act()
    operations = flash.done
    new = contents()
    for k in range(operations):
        for tear in TEARS:
            flash = Flash(flash.port, data=before).mount()
            flash.cut = k
            flash.tear = tear
            try:
                act()
            except OSError:
                pass
            assert flash.off

            flash = flash.again()
            after = bytes(flash.data)
            assert contents() in (old, new)
            home = ips(Store(PATH), HOME)[0]
            sent = restarted().cable.sent
            if home:
                assert [message.type for message in sent] == [REQUEST]
                assert sent[0].options[50] == bytes((10, 0, 0, int(home[7:])))
            else:
                assert [message.type for message in sent] == [DISCOVER, REQUEST]

            Flash(flash.port, data=after).mount()
            if contents() == old:
                act()
            assert contents() == new
            assert "lease~" not in names()
    return operations * len(TEARS)


def assert_each_cut_is_survived(what, before, act):
    """Cut the power everywhere in act() on flash that before() has written, for each port, and
    wherever littlefs may be in its block.
    """
    for port in PORTS:
        cuts = 0
        for phase in range(PHASES):
            flash = Flash(port, BLOCKS).mount()
            for i in range(phase):
                fill("/flash/log", b"." * i * i)  # something of the application's
            before()
            others = ips(Store(PATH), *NETWORKS[-3:])
            cuts += cut_everywhere(flash, act)
            assert ips(Store(PATH), *NETWORKS[-3:]) == others
        print("%s, %s: %d power cuts" % (what, port, cuts))


def test_a_power_cut_in_the_first_record_leaves_it_or_none():
    assert_each_cut_is_survived("first record", lambda: None, lambda: saved(5))


@rfc("2131 1.6 configuration-after-reboot")
def test_a_power_cut_in_a_record_that_changes_leaves_the_old_one_or_the_new():
    for others in (0, 3):

        def before(others=others):
            joined(others)
            saved(6)

        assert_each_cut_is_survived(
            "changed record beside %d others" % others, before, lambda: saved(5)
        )


def test_a_power_cut_in_another_networks_first_record_leaves_the_others():
    for others in (1, 2, 3, 4):
        assert_each_cut_is_survived(
            "record of network %d" % (others + 1),
            lambda others=others: joined(others),
            lambda: saved(5),
        )


def test_a_power_cut_in_a_network_that_is_joined_again_leaves_all():
    def before():
        saved(5)
        joined(3)

    assert_each_cut_is_survived("network joined again", before, lambda: saved(5))


def test_a_power_cut_in_a_new_reading_leaves_the_old_one_or_the_new():
    for others in (0, 3):

        def before(others=others):
            joined(others)
            saved(5, CLOCK)

        assert_each_cut_is_survived(
            "new reading beside %d others" % others,
            before,
            lambda: saved(5, CLOCK + granted().t1),
        )


def test_a_power_cut_while_a_record_is_forgotten_leaves_the_others():
    for others in (0, 3):

        def before(others=others):
            joined(others)
            saved(5)

        assert_each_cut_is_survived(
            "record forgotten beside %d others" % others, before, forgotten
        )


def test_a_power_cut_in_poll_or_release_leaves_a_device_that_starts():
    assert_each_cut_is_survived("first boot", lambda: None, restarted)
    assert_each_cut_is_survived("boot with another address", lambda: saved(6), restarted)
    assert_each_cut_is_survived("release", lambda: saved(5), lambda: restarted().client.release())


def test_a_power_cut_while_littlefs_moves_to_other_blocks_leaves_the_records():
    for port in PORTS:
        for others in (0, 3):
            flash = Flash(port, BLOCKS).mount()
            joined(others)
            most = 0
            for i in range(1000):
                before = bytes(flash.data)
                erased = sum(flash.erased)
                saved(i % 200)
                erased = sum(flash.erased) - erased
                if erased > most:
                    most = erased
                    busiest = before, i % 200
            before, last = busiest
            cuts = cut_everywhere(Flash(port, data=before).mount(), lambda last=last: saved(last))
            print("%d erasures at once, %s: %d power cuts" % (most, port, cuts))


# Flash that fails


def test_a_bit_that_flips_in_a_record_costs_that_record_or_what_was_written_last():
    # In a block of its own the record is lost, by its CRC. Where it is inline, littlefs sees that
    # and takes the directory as it was before.
    for port in PORTS:
        for others in (0, 3):
            flash = Flash(port, BLOCKS).mount()
            joined(others)
            saved(6)
            saved(5)
            left = ["10.0.0.%d" % (10 + i) for i in range(others)]
            record = contents()[:ROOM]
            at = flash.data.find(record)
            copies = 0
            while at >= 0:
                for bit in range(ROOM * 8):
                    flash.data[at + bit // 8] ^= 1 << bit % 8
                    flash.again()
                    home, *rest = ips(Store(PATH), HOME, *NETWORKS[:others])
                    assert home in (None, "10.0.0.6")
                    assert rest == left
                    if bit % 16 == 0:
                        restarted()
                    flash.data[at + bit // 8] ^= 1 << bit % 8
                copies += 1
                at = flash.data.find(record, at + 1)
            assert copies
            print("%s, %d networks: %d flips" % (port, others + 1, copies * ROOM * 8))


def troubled():
    """A device whose lease differs from its record, 25 minutes and one renewal later. Return it,
    and the numbers of the errors.
    """
    errors = []
    board = Board(Server(t1=1000, options=EVERYDAY), store=PATH)
    board.cable.network = b"home"

    def on_event(event, lease):
        if event == "error":
            assert isinstance(board.client.reason, OSError)
            errors.append(board.client.reason.errno)
        board.tell(event, lease)

    board.client.on_event = on_event
    board.bound()
    board.go(25 * 60)
    assert board.events.count("renewed") == 1
    assert board.client.lease
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    return board, errors


def fits(path, size):
    try:
        fill(path, b"x" * size)
    except OSError:
        return False
    return True


def test_on_flash_that_is_full_a_lease_is_had_and_stored_once_there_is_room():
    for port in PORTS:
        Flash(port, BLOCKS).mount()
        saved(6)
        size = BLOCKS * BLOCK
        while not fits("/flash/log", size):
            size -= BLOCK // 2
        for i in range(99):  # and what there is room for in the directory's own blocks
            fits("/flash/%d" % i, ROOM)
        board, errors = troubled()
        assert len(errors) == 2
        assert set(errors) <= {ENOSPC, ENAMETOOLONG}
        assert ips(Store(PATH), HOME) == ["10.0.0.6"]
        os.remove("/flash/log")
        board.go(600)
        assert len(errors) == 2
        assert ips(Store(PATH), HOME) == ["10.0.0.5"]


def test_on_flash_that_is_read_only_a_lease_is_had_and_verified():
    for port in PORTS:
        flash = Flash(port, BLOCKS).mount()
        flash.again(readonly=True)
        assert troubled()[1] == [EROFS] * 2
        flash.mount()
        saved(5)
        flash.again(readonly=True)
        board = restarted()
        assert board.types == [REQUEST]
        assert "error" not in board.events
        board.client.release()
        assert board.events[-2:] == ["released", "error"]


def test_with_a_directory_in_place_of_the_file_a_lease_is_had():
    for path in (PATH, PATH + "~"):
        for port in PORTS:
            Flash(port, BLOCKS).mount()
            os.mkdir(path)
            assert troubled()[1] == [EISDIR] * 2
            assert path[len("/flash/") :] in names()


def test_a_file_that_a_power_cut_left_is_no_hindrance():
    for port in PORTS:
        for left in (b"", b"half a rec", b"x" * 5000):
            Flash(port, BLOCKS).mount()
            saved(6)
            fill(PATH + "~", left)
            assert troubled()[1] == []
            assert ips(Store(PATH), HOME) == ["10.0.0.5"]
            assert names() == ["lease"]


# Wear

LEASES = (
    ("2 minutes", 120),
    ("10 minutes", 600),
    ("1 hour", 3600),
    ("8 hours", 8 * 3600),
    ("1 day", DAY),
    ("10 days", 10 * DAY),
)
MOST = 600  # renewals that are simulated
SPARE = 64  # blocks; how many there are is of no account

# Erasures a write, for one network and for four: up to 128 bytes on ESP32 and 512 on rp2 littlefs
# keeps a file within its directory, a longer one has a block of its own.
LIMITS = {"rp2": (0.25, 0.55), "ESP32": (0.15, 1.1)}


def worn(port, others, lease, clock, most=4):
    """Let a device on a new flash get a lease and renew it for a year, or MOST times. Return how
    often that was, how often the record was written, and how many blocks were erased. most:
    networks that the store keeps.
    """
    flash = Flash(port, SPARE).mount()
    joined(others)
    store = Store(PATH)
    store.most = most
    board = Board(Server(lease=lease, t1=lease // 2, t2=lease * 7 // 8), store=store)
    board.cable.network = b"home"
    if clock:
        store.epoch = lambda: CLOCK + board.cable.now // 1000
    written = []
    write = store.write

    def counted(data):
        assert len(data) == min(others + 1, most) * ROOM
        written.append(0)
        write(data)

    store.write = counted  # type: ignore[method-assign]
    erased = sum(flash.erased)
    board.bound()
    seconds = min(YEAR, MOST * lease // 2)
    renewals = 0
    for _ in range(10):
        board.go(seconds / 10)
        renewals += board.events.count("renewed")
        for seen in (board.events, board.waits, board.cable.sent, board.cable.log):
            seen.clear()
    assert ips(Store(PATH), HOME) == ["10.0.0.5"]
    return renewals, len(written), sum(flash.erased) - erased


def test_without_a_clock_a_year_of_renewals_is_one_write():
    for port in PORTS:
        for others in (0, 3):
            for _, lease in LEASES:
                renewals, written, erased = worn(port, others, lease, False)
                assert renewals == min(YEAR // (lease // 2), MOST)
                assert (written, erased <= 1) == (1, True)


def test_with_a_clock_renewals_are_writes_and_few_are_an_erasure():
    # At most: with a T1 of its own, which varies, the client may find a reading that is younger.
    print("| lease | renewals a year | rp2, 1 network | 4 | ESP32, 1 network | 4 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, lease in LEASES:
        year = YEAR // (lease // 2)
        row = [name, year]
        for port in ("rp2", "ESP32"):
            for others in (0, 3):
                renewals, written, erased = worn(port, others, lease, True)
                assert renewals == min(year, MOST)
                # No more than one in 10 minutes, in the time that is simulated
                most = min(renewals, renewals * lease // 2 // 600)
                assert most - 1 <= written <= most + 1
                assert erased <= LIMITS[port][others > 0] * written + 1
                row.append(erased * year // renewals)
        print("| %s |" % " | ".join([str(cell) for cell in row]))


def test_a_store_of_one_network_wears_as_if_no_other_had_been_joined():
    for port in PORTS:
        _, written, erased = worn(port, 3, 3600, True, most=1)
        assert erased <= LIMITS[port][0] * written + 1
