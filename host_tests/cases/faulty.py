"""A client on a fake board with a file system, of whose calls one fails when a case says so."""

from errno import EIO, ENOENT

from dhcpc import Client
from fakeboard import NO_IP, plug
from kit import called, home
from onboard import Server, link
from world import DAY, World

PATH = "/dhcpc.lease"
LEASE = 64  # seconds, so that a whole life takes few packets
T1, T2 = 16, 40

NIC = ("status", "config", "ifconfig", "ipconfig", "send_ethernet")
SOCKET = ("setsockopt", "bind", "sendto", "recv", "close")
POLLER = ("register", "ipoll")
FILE = ("read", "write")


def errors():
    """What a driver may raise: of the network, of the heap, of its own, and of Python's."""
    return OSError(EIO), MemoryError(), RuntimeError("driver"), ValueError("pin")


class Faults:
    """What fails. name: of the call, and `number`: which of its calls. lasts: whether all that
    follow do, too. done: whether the call does what it is for, and raises then.

    counts: {name: how many calls there were}. hits: how many of them have failed. on: whether
    that has begun.
    """

    on = False

    def __init__(self, name=None, number=0, error=None, lasts=False, done=False):
        self.name = name
        self.number = number
        self.error = error
        self.lasts = lasts
        self.done = done
        self.counts: dict = {}
        self.hits = 0

    def wrap(self, name, do):
        counts = self.counts

        def call(*arguments, **how):
            if not self.on:
                return do(*arguments, **how)
            n = counts.get(name, 0)
            counts[name] = n + 1
            fails = name == self.name and (n == self.number or self.lasts and n > self.number)
            if fails:
                self.hits += 1
                if not self.done:
                    raise self.another()
            result = do(*arguments, **how)
            if fails:
                raise self.another()
            return result

        return call

    def another(self):
        """The error anew: one that is raised again and again has an ever longer traceback."""
        return type(self.error)(*self.error.args)

    def wrap_all(self, thing, names):
        for name in names:
            do = getattr(thing, name, None)
            if do:
                setattr(thing, name, self.wrap(name, do))
        return thing


class Files:
    """The file system of a board, and its module `os`: a rename replaces at one stroke."""

    def __init__(self, faults):
        self.faults = faults
        self.data: dict = {}

    def open(self, path, mode):
        if mode == "rb" and path not in self.data:
            raise OSError(ENOENT)
        return self.faults.wrap_all(File(self, path, mode), FILE)

    def rename(self, old, new):
        self.data[new] = self.data.pop(old)


class File:
    def __init__(self, files, path, mode):
        self.files = files
        self.path = path
        if mode == "wb":
            files.data[path] = b""

    def read(self):
        return self.files.data[self.path]

    def write(self, data):
        self.files.data[self.path] = data

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Device:
    """A board with a client, for a `with` block: see `plug`. faults: those of its driver and its
    file system, once the client is made. told: every event.
    """

    def __init__(self, port, faults):
        self.plugged = plug(port)
        self.faults = faults
        self.files = Files(faults)

    def __enter__(self):
        self.board = board = self.plugged.__enter__()
        store = home("store")
        self.os = store, called(store, "os")
        self.was = getattr(*self.os)
        setattr(*self.os, self.files)
        store.open = self.files.open
        board.server = Server()
        board.server.grant.update(lease=LEASE, t1=T1, t2=T2)
        board.nic.active(True)
        self.told = []
        self.lease = None  # by the last event
        self.wrap()
        self.client = Client(link(board), store=PATH, clock=board.clock, on_event=self.tell)
        self.client.session.rand = World().random  # each life is like the other
        self.faults.on = True
        return self

    def __exit__(self, *error):
        setattr(*self.os, self.was)
        del self.os[0].open
        self.plugged.__exit__(*error)

    def wrap(self):
        faults = self.faults
        modules = self.board.modules
        faults.wrap_all(self.board.nic, NIC)
        faults.wrap_all(self.files, ("open", "rename"))
        home("store").open = self.files.open
        make, poll = modules["socket"].socket, modules["select"].poll
        modules["socket"].socket = faults.wrap(
            "socket", lambda *how: faults.wrap_all(make(*how), SOCKET)
        )
        modules["select"].poll = faults.wrap("poll", lambda: faults.wrap_all(poll(), POLLER))

    def tell(self, event, lease):
        self.told.append(event)
        self.lease = lease

    def poll(self, wait_ms=0):
        """Poll; whatever the driver does, nothing comes out, and if it did nothing, all agree."""
        hits = self.faults.hits
        wait = self.client.poll(wait_ms)
        assert 0 <= wait <= DAY * 1000
        assert self.lease is self.client.lease
        if self.faults.hits == hits:
            self.agree()
        return wait

    def agree(self):
        client, board = self.client, self.board
        lease = client.session.lease
        assert client.lease is lease
        if lease:
            assert board.netif.ip == lease.ip
        elif client.wanted:
            assert board.netif.ip == NO_IP or board.last_resort
        assert len(board.sockets) <= 1

    def go(self, seconds):
        """Let time pass, and wait in poll as long as that takes."""
        board = self.board
        end = board.now + seconds * 1000
        while board.now < end:
            now = board.now
            wait = self.poll(end - now)
            if board.now == now:
                board.now += min(max(wait, 1), end - now)
                board.hand_over()

    def record(self):
        """The address that a start would ask for."""
        data = self.files.data.get(PATH, b"")
        return data[-13:-9] if data else None
