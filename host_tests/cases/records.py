"""Leases, and their records in memory."""

from dhcpc import Lease, Message, Store
from world import ACK, CLIENT_ID, MAC, opt, reply

EVERYDAY = (
    opt(3, b"\x0a\0\0\x01")
    + opt(6, b"\x0a\0\0\x03\x01\x01\x01\x01")
    + opt(15, b"example.org")
    + opt(26, b"\x05\xdc")
    + opt(28, b"\x0a\0\0\xff")
    + opt(42, b"\x0a\0\0\x04")
)
ROOM = 128
CLOCK = (1 << 32) + 1_700_000_000  # a reading
NO_CLOCK = 0


def granted(fuzz=0, last=5, **ack):
    """The Lease of an ACK with these fields. last: byte of the address."""
    data = reply(ACK, yiaddr=bytes((10, 0, 0, last)), **ack)
    m = Message()
    assert m.read(data) is None
    return Lease(m, fuzz)


def key(name=b"", mac=MAC, client_id=CLIENT_ID, version=1):
    """What begins a record. name: of the network."""
    return bytes((version, len(name))) + mac + name + client_id


HOME, WORK = key(b"home"), key(b"work")


class Memory(Store):
    """A store without a file. now: what its clock shows. writes: how many there were. fault: what
    writing raises.
    """

    def __init__(self, kept=b"", now=NO_CLOCK):
        self.kept = kept
        self.now = now
        self.writes = 0
        self.fault = None

    def epoch(self):
        return self.now

    def read(self):
        return self.kept

    def write(self, data):
        if self.fault:
            raise self.fault
        self.writes += 1
        self.kept = data


class Clock:
    """A clock that no reset sets back. kind: which one."""

    def __init__(self, seconds=1_000_000, kind=1):
        self.seconds = seconds
        self.kind = kind

    def __call__(self):
        return (self.kind << 32) + self.seconds


def record(lease, whose, now=NO_CLOCK, room=ROOM):
    """What a store writes for a lease. whose: the key. now: what the clock shows."""
    store = Memory(now=now)
    store.room = room
    store.save(lease, whose)
    return store.kept


def load(store, whose):
    """The Lease of the network of a key, or None."""
    found = [data for data in store.records() if data.startswith(whose)]
    return store.lease(found[0], whose) if found else None


def restored(kept, whose=None, now=NO_CLOCK, room=ROOM):
    """The Lease that a store makes of what it has kept, or None."""
    store = Memory(kept, now)
    store.room = room
    return load(store, whose or key())


def ips(store, *keys):
    """The address stored for the network of each key, None without one."""
    found = [load(store, k) for k in keys]
    return [lease and lease.ip for lease in found]
