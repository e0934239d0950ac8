"""The store: whatever its file holds is no lease that an ACK would not be; what it has saved comes
back."""

from binascii import crc32

from dhcpc import Lease, Message, Session
from model import is_host
from reader import options_of, single
from records import HOME, ROOM, Memory, key
from script import Script, damaged, folder
from world import BOUND, CLIENT_ID, INIT_REBOOT, MAC, PARAMETERS, message, opt, u32

LINES = 40_000, 100
BYTES = 60_000, 200
WORDS = (
    b"\x36\x04\x0a\0\0\1",
    b"\x33\x04\0\0\x0e\x10",
    b"\x01\x04\xff\xff\xff\0",
    b"\x3a\x04\0\0\1\0",
    b"\x02\x07\0\x0a\0\0\5",
    b"\x01\x0e\x10",
    b"\x07",
    b"\x00",
    HOME,
)

STEPS = 20
MOST = 4  # networks
FIXED = (54, 51, 1, 58, 59)  # options of four bytes, of which the first copy counts
KEPT = (54, 51, 1, 3, 6, 121, 58, 59, 15, 26, 28, 42)
# Four and more networks; one name begins as another, and one device is a stranger
KEYS = [
    HOME,
    key(),
    key(b"h"),
    key(b"homes"),
    key(b"\0"),
    key(32 * b"n"),
    key(mac=b"\2\0\0\0\0\3"),
]
ACKS = [data for name, data in sorted(folder("replies").items()) if name.endswith("ack")]


def target(data):
    s = Script(data)
    mode = s.byte() & 3
    if mode == 0:
        loaded(Memory(s.rest(), s.number(5)))
    elif mode == 1:
        now = s.number(5)
        kept = b""
        for _ in range(1 + s.byte() % MOST):
            body = (KEYS[s.byte() % len(KEYS)] + s.take(s.byte()))[: ROOM - 13]
            body += bytes(ROOM - 13 - len(body)) + s.whole(9)
            kept += body + crc32(body).to_bytes(4, "big")
        loaded(Memory(kept, now))
        loaded(Memory(damaged(s, kept), now))
    else:
        saved(s)


def loaded(store):
    """What a store makes of its file is a lease, or none; and it is of that network."""
    for whole in store.records():
        assert crc32(whole[:-4]).to_bytes(4, "big") == whole[-4:]
        assert whole in store.kept
    for whose in KEYS:
        for record in store.records(whose):
            assert record.startswith(whose)
            used(store.lease(record, whose), record)


def used(lease, record):
    """As a Client does it: a lease whose age is known is one, any other is to be verified."""
    usable = 0 <= lease.age < lease.lease_time
    session = Session(MAC, CLIENT_ID + PARAMETERS, lambda bits: 0)
    session.start(0, record[-13:-9], lease)
    assert session.state == (BOUND if usable else INIT_REBOOT)
    assert (session.lease is lease) == usable
    assert lease.yiaddr == record[-13:-9]
    lease.ifconfig()
    lease.remaining()
    if usable:
        assert is_host(lease.yiaddr, single(options_of(lease.ack)[0], 1, 4))
        assert 0 < lease.t1 <= lease.t2 <= lease.lease_time or lease.lease_time == 1


def saved(s):
    """A script of savings: what was saved last for a network is what comes back."""
    kind = s.byte() & 127  # of its clock; 0 is none
    store = Memory(now=kind << 32 | s.number(4) if kind else 0)
    newest: list[
        tuple[bytes, object, int]
    ] = []  # (key, lease, begun), of the networks, the last first
    for _ in range(STEPS):
        if not s.more():
            break
        what = s.byte()
        whose = KEYS[(what >> 4) % len(KEYS)]
        what &= 7
        store.fault = OSError(28) if what == 7 else None
        before = store.kept
        if what == 0:
            store.clear(whose)
            newest = [each for each in newest if each[0] != whose]
            # There may be one below it, of another server
            newest += [(whose, None, 0)] if store.records(whose) else []
        elif what == 1:
            store.now += s.number(2) if kind else 0
        else:
            lease = granted(s)
            if not lease:
                continue
            lease.age = s.number(2) % lease.lease_time
            try:
                store.save(lease, whose)
            except OSError:
                assert store.fault
                assert store.kept == before
                continue
            writes = store.writes
            store.save(lease, whose)
            assert store.writes == writes
            same(store.lease(store.records(whose)[0], whose), lease, lease.age, kind)
            newest = [each for each in newest if each[0] != whose]
            newest.insert(0, (whose, lease, store.now - lease.age))
        assert len(store.kept) % ROOM == 0
        assert len(store.kept) <= MOST * ROOM
        assert len(store.records()) * ROOM == len(store.kept)
    loaded(store)
    for whose, lease, begun in newest:
        found = store.records(whose)
        if lease and found:
            same(store.lease(found[0], whose), lease, store.now - begun, kind)


def granted(s):
    """The Lease of an ACK, which a session would take; None if it would not."""
    which = s.byte()
    if which & 128:
        data = damaged(s, ACKS[which % len(ACKS)])
    else:
        options = opt(53, b"\5")
        for bit, code in ((1, 54), (2, 51), (4, 1), (8, 58), (16, 59), (32, 51)):
            if which & bit:
                options += opt(code, u32(s.number(2)))
        data = message(options + s.take(s.byte()) + b"\xff", yiaddr=s.whole(4))
    session = Session(data[28:34], CLIENT_ID, lambda bits: 0)
    session.start(0, data[16:20])
    session.step(0)
    session.xid = data[4:8]
    if session.read(data) != "rebooted":
        return None
    m = Message()
    m.read(data)
    return Lease(m, 0)


def same(lease, old, age, kind):
    """A lease that was kept is the one that was had, but for options that have no room."""
    if odd(old):
        return
    assert lease.yiaddr == old.yiaddr
    assert lease.lease_time == old.lease_time
    if [lease.option(code) for code in (58, 59)] == [old.option(code) for code in (58, 59)]:
        assert (lease.t1, lease.t2) == (old.t1, old.t2)
    assert lease.mask == old.mask
    assert lease.server == old.server
    known = 0 <= lease.age < lease.lease_time
    assert kind or not known
    # A lease that is renewed is not written each time: it may look older, and never younger
    assert 0 <= lease.age - age < old.t1 or not known
    for code in KEPT:
        kept = lease.option(code)  # of one that comes in pieces, the first
        had = bytes(old.server) if code == 54 else old.option(code) or b""
        assert kept is None or had.startswith(kept)


def odd(lease):
    """Whether a number or an address of four bytes is longer: it may take the room of the next."""
    pieces = options_of(lease.ack)[0]
    return any(code in FIXED and len(value) > 4 for code, value in pieces)
