"""The record of a lease that flash keeps, and the file that it is in."""

import os
from binascii import crc32
from errno import EIO
from random import getrandbits

from dhcpc.lease import Lease
from dhcpc.store import File, Store
from dhcpc.wire import Message
from kit import Skip, raises, rfc
from world import ACK, CLIENT_ID, COOKIE, INFINITE, IP, MAC, MASK, SERVER, opt, reply, u32

FULL = (
    opt(3, b"\x0a\0\0\x01")
    + opt(6, b"\x0a\0\0\x03\x01\x01\x01\x01")
    + opt(15, b"example.org")
    + opt(26, b"\x05\xdc")
    + opt(28, b"\x0a\0\0\xff")
    + opt(42, b"\x0a\0\0\x04")
)


def granted(fuzz=0, **ack):
    """The Lease of an ACK with these fields."""
    data = reply(ACK, **ack)
    m = Message()
    assert m.read(data, 0, len(data)) is None
    return Lease(m, fuzz)


def identity(key=b"", mac=MAC, client_id=CLIENT_ID, version=1):
    return bytes((version, len(key))) + mac + key + client_id


class Memory(Store):
    """A store without a file. writes: how many there were."""

    def __init__(self, kept=b""):
        self.kept = kept
        self.writes = 0

    def read(self):
        return self.kept

    def write(self, data):
        self.kept = data
        self.writes += 1


def record(lease, whose, reading=0, room=128):
    store = Memory()
    store.room = room
    store.save(lease, whose, reading)
    return store.kept


def restored(kept, whose=None):
    return Memory(kept).load(Message(), whose or identity())


@rfc("2131 3.2")
def test_a_record_gives_the_lease_back():
    lease = granted(lease=3600, t1=600, t2=1200, options=FULL)
    back = restored(record(lease, identity()))
    assert back.ifconfig() == lease.ifconfig()
    assert (back.yiaddr, back.server, back.dns) == (IP, SERVER, lease.dns)
    assert (back.lease_time, back.t1, back.t2) == (3600, 600, 1200)
    for code in (1, 3, 6, 15, 26, 28, 42, 51, 54, 58, 59):
        assert back.option(code) == lease.option(code)
        assert back.option(code)


@rfc("2131 3.2")
def test_a_record_gives_an_infinite_lease_back():
    back = restored(record(granted(lease=INFINITE), identity()))
    assert back.remaining() is None
    assert back.option(51) == b"\xff\xff\xff\xff"


@rfc("2131 3.2")
def test_a_record_of_a_restored_lease_is_the_same():
    kept = record(granted(options=FULL), identity(), 1700000000)
    assert record(restored(kept), identity(), 1700000000) == kept


@rfc("2131 3.2")
def test_a_record_is_the_same_at_any_age():
    lease = granted(options=FULL)
    kept = record(lease, identity())
    lease.age = 1000
    assert record(lease, identity()) == kept


@rfc("2131 3.2")
def test_a_renewal_that_changes_nothing_is_not_written():
    store = Memory()
    store.save(granted(options=FULL), identity(), 1700000000)
    kept = store.kept
    store.save(granted(fuzz=63, options=FULL, xid=b"abcd"), identity(), 1700000100)
    assert store.kept == kept
    assert store.writes == 1


@rfc("2131 3.2")
def test_a_record_that_was_read_is_not_written_again():
    kept = record(granted(options=FULL), identity(), 1700000000)
    store = Memory(kept)
    store.load(Message(), identity())
    store.save(granted(options=FULL), identity(), 1700000100)
    assert store.writes == 0


@rfc("2131 3.2")
def test_a_clock_reading_that_is_no_good_any_more_is_written_where_that_is_asked_for():
    for age in (granted(options=FULL).t1, 100000000):
        store = Memory()
        store.save(granted(options=FULL), identity(), 1700000000)
        store.save(granted(options=FULL), identity(), 1700000000 + age)
        assert store.writes == 1
        store.save(granted(options=FULL), identity(), 1700000000 + age, True)
        assert store.writes == 2
        assert store.load(Message(), identity()).reading == 1700000000 + age


@rfc("2131 3.2")
def test_whatever_changes_in_a_lease_is_written():
    for change in (
        {"yiaddr": b"\x0a\0\0\x09"},
        {"lease": 7200},
        {"server": b"\x0a\0\0\x02"},
        {"mask": b"\xff\xff\0\0"},
        {"t1": 900},
        {"options": FULL + opt(3, b"\x0a\0\0\x08")},
    ):
        store = Memory()
        store.save(granted(**dict({"options": FULL}, **change)), identity(), 0)
        store.save(granted(options=FULL), identity(), 0)
        assert store.writes == 2
        assert store.load(Message(), identity()).yiaddr == IP


@rfc("2131 3.2")
def test_a_record_of_another_is_written_over():
    store = Memory(record(granted(), identity(key=b"home")))
    assert raises(ValueError, store.load, Message(), identity(key=b"work")) == "identity"
    store.save(granted(), identity(key=b"work"), 0)
    assert store.load(Message(), identity(key=b"work")).ip == "10.0.0.5"


@rfc("2131 4.4.6")
def test_a_record_can_be_forgotten():
    store = Memory()
    store.clear()
    assert store.writes == 0
    store.save(granted(), identity(), 0)
    store.clear()
    assert store.load(Message(), identity()) is None
    store.save(granted(), identity(), 0)
    assert store.load(Message(), identity()).ip == "10.0.0.5"


@rfc("2131 3.2")
def test_a_record_of_t1_and_t2_that_were_not_given_has_no_fuzz():
    lease = granted(fuzz=63, lease=36000)
    assert lease.t1 < 18000
    back = restored(record(lease, identity()))
    assert (back.t1, back.t2) == (18000, 31500)


@rfc("2131 3.2")
def test_a_record_keeps_the_reading_of_the_clock():
    for reading in (0, 1700000000, (1 << 32) + 1700000000, (1 << 40) - 1):
        assert restored(record(granted(), identity(), reading)).reading == reading


@rfc("2131 3.2")
def test_a_record_has_no_more_than_128_bytes_unless_more_is_asked_for():
    lease = granted(options=opt(6, bytes(48)) + opt(15, b"d" * 100))
    assert len(record(lease, identity())) <= 128
    assert len(record(lease, identity(), room=255)) > 128


@rfc("2131 3.2")
def test_a_record_is_filled_to_its_last_byte():
    lease = granted(options=FULL)
    whole = record(lease, identity(), room=255)
    assert record(lease, identity(), room=len(whole)) == whole
    assert restored(record(lease, identity(), room=len(whole) - 1)).option(42) is None


@rfc("2131 3.2")
def test_what_does_not_fit_in_a_record_makes_room_for_what_does():
    lease = granted(options=opt(15, b"d" * 100) + opt(26, b"\x05\xdc"))
    back = restored(record(lease, identity()))
    assert back.option(15) is None
    assert back.option(26) == b"\x05\xdc"
    assert back.lease_time == 3600


@rfc("2131 3.2")
def test_a_record_of_a_long_key_keeps_what_verifying_needs():
    whose = identity(key=b"k" * 32)
    back = restored(record(granted(options=FULL), whose), whose)
    assert (back.yiaddr, back.server, back.lease_time) == (IP, SERVER, 3600)
    assert back.option(1) == MASK


@rfc("2131 3.2", "3396 7")
def test_a_joined_option_of_over_255_bytes_does_not_hinder_a_record():
    lease = granted(options=opt(15, b"a" * 200) + opt(15, b"b" * 200))
    assert restored(record(lease, identity(), room=255)).option(15) is None


@rfc("2131 3.2")
def test_a_record_is_in_the_format_that_devices_have_in_their_flash():
    # A change of this needs another version byte.
    kept = record(granted(t1=600), identity(key=b"home"), (1 << 32) | 0x65000000)
    body = (
        b"\x01\x04"
        + MAC
        + b"home"
        + CLIENT_ID
        + IP
        + COOKIE
        + opt(54, SERVER)
        + opt(51, u32(3600))
        + opt(1, MASK)
        + opt(58, u32(600))
        + b"\x01\x65\0\0\0"
    )
    assert kept == body + u32(crc32(body))


@rfc("2131 3.2")
def test_a_record_of_another_network_is_refused():
    kept = record(granted(), identity(key=b"home"))
    assert restored(kept, identity(key=b"home")).ip == "10.0.0.5"
    for key in (b"", b"hom", b"home2", b"Home", b"work"):
        assert raises(ValueError, restored, kept, identity(key=key)) == "identity"


@rfc("2131 3.2")
def test_a_record_of_a_network_whose_name_begins_alike_is_refused():
    kept = record(granted(), identity(key=b"home2"))
    assert raises(ValueError, restored, kept, identity(key=b"home")) == "identity"


@rfc("2131 3.2")
def test_a_record_of_a_cloned_image_is_refused():
    kept = record(granted(), identity())
    assert raises(ValueError, restored, kept, identity(mac=b"\x02\0\0\0\0\x02")) == "identity"


@rfc("2131 3.2")
def test_a_record_of_another_client_identifier_is_refused():
    kept = record(granted(), identity(client_id=opt(61, b"\0name")))
    for client_id in (CLIENT_ID, opt(61, b"\0nam"), opt(61, b"\0name2")):
        assert raises(ValueError, restored, kept, identity(client_id=client_id)) == "identity"


@rfc("2131 3.2")
def test_a_record_of_another_version_is_refused():
    kept = record(granted(), identity(version=2))
    assert raises(ValueError, restored, kept, identity()) == "identity"


@rfc("2131 3.2")
def test_a_torn_record_is_refused():
    kept = record(granted(options=FULL), identity())
    for size in range(1, len(kept)):
        raises(ValueError, restored, kept[:size])


@rfc("2131 3.2")
def test_a_record_with_a_bit_of_it_changed_is_refused():
    kept = bytearray(record(granted(options=FULL), identity()))
    for i in range(len(kept)):
        for bit in (1, 0x80):
            kept[i] ^= bit
            assert raises(ValueError, restored, bytes(kept)) == "crc"
            kept[i] ^= bit


@rfc("2131 3.2")
def test_erased_flash_holds_no_record():
    for byte in (b"\0", b"\xff"):
        for size in (1, 3, 4, 8, 128, 2048):
            raises(ValueError, restored, byte * size)


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
        assert File(path).read() == b""
        assert File(path).load(Message(), identity()) is None
        assert names(path) == []

    in_a_directory(case)


@rfc("2131 3.2")
def test_a_file_gives_the_lease_back():
    def case(path):
        File(path).save(granted(options=FULL), identity(), 1700000000)
        assert contents(path) == record(granted(options=FULL), identity(), 1700000000)
        assert File(path).load(Message(), identity()).ip == "10.0.0.5"
        assert names(path) == ["lease"]

    in_a_directory(case)


@rfc("2131 3.2")
def test_a_file_is_replaced_by_the_next_lease():
    def case(path):
        store = File(path)
        for last in (5, 6):
            store.save(granted(yiaddr=bytes((10, 0, 0, last))), identity(), 0)
        assert File(path).load(Message(), identity()).ip == "10.0.0.6"
        assert names(path) == ["lease"]

    in_a_directory(case)


def test_nothing_is_written_that_is_in_the_file():
    def case(path):
        store = File(path)
        store.save(granted(), identity(), 0)
        os.remove(path)
        store.save(granted(fuzz=9), identity(), 77)
        assert names(path) == []
        store = File(path)
        store.save(granted(), identity(), 0)
        again = File(path)
        again.load(Message(), identity())
        os.remove(path)
        again.save(granted(), identity(), 0)
        assert names(path) == []

    in_a_directory(case)


@rfc("2131 4.4.6")
def test_a_file_that_is_forgotten_holds_no_lease():
    def case(path):
        store = File(path)
        store.clear()
        assert names(path) == []
        store.save(granted(), identity(), 0)
        store.clear()
        assert File(path).load(Message(), identity()) is None
        store.save(granted(), identity(), 0)
        assert File(path).load(Message(), identity()).ip == "10.0.0.5"

    in_a_directory(case)


def test_a_write_that_fails_leaves_the_old_record():
    def case(path):
        store = File(path)
        store.save(granted(), identity(), 0)
        os.mkdir(path + "~")
        raises(OSError, store.save, granted(yiaddr=b"\x0a\0\0\x06"), identity(), 0)
        assert File(path).load(Message(), identity()).ip == "10.0.0.5"
        os.rmdir(path + "~")
        store.save(granted(yiaddr=b"\x0a\0\0\x06"), identity(), 0)
        assert File(path).load(Message(), identity()).ip == "10.0.0.6"

    in_a_directory(case)


def test_what_a_power_cut_left_half_written_is_not_read():
    def case(path):
        File(path).save(granted(), identity(), 0)
        fill(path + "~", b"half a rec")
        store = File(path)
        assert store.load(Message(), identity()).ip == "10.0.0.5"
        store.save(granted(yiaddr=b"\x0a\0\0\x06"), identity(), 0)
        assert File(path).load(Message(), identity()).ip == "10.0.0.6"
        assert names(path) == ["lease"]

    in_a_directory(case)


def test_a_directory_in_place_of_the_file_holds_no_lease_and_takes_none():
    def case(path):
        os.mkdir(path)
        assert File(path).load(Message(), identity()) is None
        raises(OSError, File(path).save, granted(), identity(), 0)
        assert "lease" in names(path)

    in_a_directory(case)


def test_a_directory_that_is_not_there_takes_no_record():
    path = "/nowhere/%d/lease" % getrandbits(30)
    assert File(path).load(Message(), identity()) is None
    raises(OSError, File(path).save, granted(), identity(), 0)


class Blocks:
    """Flash for littlefs, in RAM. left: how many more writes and erasures it takes; then it fails,
    as it does when the power goes.
    """

    SIZE = 512

    def __init__(self, count):
        self.data = bytearray(b"\xff" * (count * self.SIZE))
        self.left = 1000

    def change(self, at, data):
        if not self.left:
            raise OSError(EIO)
        self.left -= 1
        self.data[at : at + len(data)] = data

    def readblocks(self, number, buf, offset=0):
        at = number * self.SIZE + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, number, buf, offset=0):
        self.change(number * self.SIZE + offset, buf)

    def ioctl(self, op, number):
        if op == 4:
            return len(self.data) // self.SIZE
        if op == 5:
            return self.SIZE
        if op == 6:
            self.change(number * self.SIZE, b"\xff" * self.SIZE)
        return 0


def on_littlefs(case):
    """Run case(path of a file, blocks, mount) where the VM has littlefs; mount() is a reset."""
    try:
        import vfs
    except ImportError:
        raise Skip("there is no littlefs in this Python; the 64-bit VM has it")
    if not hasattr(vfs, "VfsLfs2"):
        raise Skip("this VM has no littlefs; the 64-bit one has it")
    blocks = Blocks(24)

    def mount(**how):
        try:
            vfs.umount("/flash")
        except OSError:
            pass
        vfs.mount(vfs.VfsLfs2(blocks), "/flash", **how)

    vfs.VfsLfs2.mkfs(blocks)
    mount()
    try:
        case("/flash/lease", blocks, mount)
    finally:
        vfs.umount("/flash")


def test_power_that_goes_at_any_write_leaves_the_old_record_or_the_new_one():
    def case(path, blocks, mount):
        old = granted()
        new = granted(yiaddr=b"\x0a\0\0\x06")
        found = []
        for writes in range(40):
            mount()
            store = File(path)
            store.save(old, identity(), 0)
            blocks.left = writes
            try:
                store.save(new, identity(), 0)
                done = True
            except OSError:
                done = False
            blocks.left = 1000
            mount()
            found.append(File(path).load(Message(), identity()).ip)
            assert found[-1] == "10.0.0.6" or not done
            if done:
                break
        assert found[0] == "10.0.0.5"
        assert found[-1] == "10.0.0.6"
        assert len(found) > 2

    on_littlefs(case)


def test_flash_that_is_full_keeps_a_record():
    def case(path, blocks, mount):
        store = File(path)
        store.save(granted(), identity(), 0)
        raises(OSError, fill, "/flash/log", b"x" * len(blocks.data))
        for last in range(6, 20):
            try:
                store.save(granted(yiaddr=bytes((10, 0, 0, last))), identity(), 0)
            except OSError:
                pass
            mount()
            found = File(path).load(Message(), identity()).yiaddr[3]
            assert found <= last

    on_littlefs(case)


def test_flash_that_is_read_only_gives_its_record_and_takes_none():
    def case(path, blocks, mount):
        File(path).save(granted(), identity(), 0)
        mount(readonly=True)
        store = File(path)
        assert store.load(Message(), identity()).ip == "10.0.0.5"
        raises(OSError, store.save, granted(yiaddr=b"\x0a\0\0\x06"), identity(), 0)
        raises(OSError, store.clear)
        assert File(path).load(Message(), identity()).ip == "10.0.0.5"

    on_littlefs(case)
