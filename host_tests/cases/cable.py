"""A client on a link of its own, with a server behind it, on a virtual clock."""

from errno import EADDRINUSE

from dhcpc import Client, Link
from records import Memory
from world import ACK, DAY, DISCOVER, INFORM, MAC, NAK, NOBODY, OFFER, REQUEST, Sent, reply

LEASE = 3600  # seconds
TRIP = 2  # ms, there and back
A_SECOND = 1000  # ms


class Server:
    """What a server answers. To be set: what it grants; `mute`, the types that it does not hear;
    `naks`, whether it says no to every REQUEST.
    """

    def __init__(self, **grant):
        self.grant = grant
        grant.setdefault("lease", LEASE)
        self.mute: tuple[int, ...] = ()
        self.naks = False
        self.trip = TRIP

    def answer(self, sent):
        if sent.type in self.mute:
            return None
        if sent.type == DISCOVER:
            return reply(OFFER, xid=sent.xid, **self.grant)
        if sent.type == REQUEST and self.naks:
            return reply(NAK, xid=sent.xid)
        if sent.type == REQUEST:
            return reply(ACK, xid=sent.xid, **self.grant)
        if sent.type == INFORM:
            return reply(ACK, xid=sent.xid, lease=None, yiaddr=NOBODY)
        return None


class Port:
    """UDP port 68 of a board: one socket at a time can have it."""

    owner = None


class Cable(Link):
    """A link whose time passes only while somebody waits. log: all that the client did to it.

    "remove" is to apply None. faults: {what is done, or asked: what it raises each time; or a list
    of that, None for nothing, for a time each}. plugged: whether the link is up; trouble: why it
    will not be.
    """

    mac = MAC
    hostname = ""

    def __init__(self, server=None, port=None):
        self.server = server or Server()
        self.port68 = port or Port()
        self.now = 5 * A_SECOND
        self.buf = memoryview(bytearray(548))
        self.sock = self.address = self.trouble = None
        self.inbox = []  # (ms, datagram)
        self.sent = []
        self.log = []
        self.faults = {}
        self.plugged = True
        self.network = b""

    def clock(self):
        return self.now & 0x3FFFFFFF  # small integers only, where they have 31 bits

    def do(self, what):
        self.log.append(what)
        self.ask(what)

    def ask(self, what):
        fault = self.faults.get(what)
        if isinstance(fault, list):
            fault = fault.pop(0) if fault else None
        if fault:
            raise fault

    def up(self):
        self.ask("up")
        return self.plugged

    def key(self):
        self.ask("key")
        return self.network

    def error(self):
        self.ask("error")
        return self.trouble

    def release(self):
        self.do("release")

    def open(self):
        if not self.sock:
            self.do("open")
            if self.port68.owner:
                raise OSError(EADDRINUSE)
            self.port68.owner = self.sock = self
            self.inbox = [(at, data) for at, data in self.inbox if at > self.now]

    def close(self):
        if self.sock:
            self.do("close")
            self.port68.owner = self.sock = None

    def send(self, size, server):
        self.open()
        sent = Sent(self.now, bytes(self.buf[:size]), server)
        try:
            self.do("send")
        except Exception:
            self.close()  # as dhcpc.Link does
            raise
        self.sent.append(sent)
        data = self.server.answer(sent)
        if data:
            self.inbox.append((self.now + self.server.trip, data))

    def recv(self, size, wait):
        assert wait >= 0
        self.ask("recv")
        if self.sock and self.inbox and self.inbox[0][0] <= self.now + wait:
            at, data = self.inbox.pop(0)
            self.now = max(self.now, at)
            return data[:size]
        self.now += wait
        return None

    def apply(self, lease):
        self.do("apply" if lease else "remove")
        self.address = lease and lease.ip


class Board:
    """A client on a cable. events: the names of all that it told. epoch: its store's clock. kind:
    of the cable. how: its settings.
    """

    def __init__(self, server=None, port=None, epoch=None, kind=Cable, **how):
        self.cable = kind(server, port)
        self.events = []
        self.waits = []
        self.store = how.setdefault("store", Memory())
        if epoch:
            self.store.epoch = epoch
        how.setdefault("on_event", self.tell)
        how.setdefault("clock", self.cable.clock)
        self.client = Client(self.cable, **how)

    def tell(self, event, lease):
        self.events.append(event)

    @property
    def types(self):
        return [sent.type for sent in self.cable.sent]

    def poll(self):
        wait = self.client.poll()
        assert 0 <= wait <= DAY * 1000
        self.waits.append(wait)
        return wait

    def go(self, seconds):
        """Let time pass, and poll as poll asks for it."""
        end = self.cable.now + int(seconds * 1000)
        while self.cable.now < end:
            self.cable.now += min(max(self.poll(), 1), end - self.cable.now)
        self.poll()

    def sleep(self, seconds):
        """Let time pass without a poll, then poll."""
        self.cable.now += seconds * 1000
        self.poll()

    def bound(self):
        """Get a lease."""
        self.client.acquire()
        self.poll()
        assert self.client.state == "BOUND"
        return self

    def again(self, server=None, **how):
        """This device after a reset, with what its flash holds."""
        return Board(server or self.cable.server, store=Memory(self.store.kept), **how)
