"""A client on a fake board with a file system, of whose calls one fails when a case says so; and
what a client's life consists of, poll by poll.
"""

from errno import EIO, ENOENT

from cable import Server as AnyServer
from dhcpc import Client
from fakeboard import NO_IP, plug
from kit import called, home
from onboard import GRANT, link
from records import ROOM
from world import DAY, WRAP, World, opt, u32

PATH = "/dhcpc.lease"
LEASE = 3600  # seconds
T1, T2 = 1500, 2400
PAUSE = 600  # seconds between writes of the record

NIC = ("status", "config", "ifconfig", "ipconfig", "send_ethernet")
SOCKET = ("setsockopt", "bind", "sendto", "recv", "close")
POLLER = ("register", "ipoll")
FILE = ("read", "write")
READING = ("open", "read")  # a file that cannot be read is one without records
MAKERS = ("socket", "poll")  # what they have made when they raise nobody has

# What is no error, or not always: a link that is not known to be up is down; a NIC that knows no
# SSID is a cable; an address that has been set is set; nothing was received, announced, or stored;
# an old NIC's built-in client has been started.
QUIET = ("status", "config", "ifconfig", "ipoll", "recv", "send_ethernet", "open", "read")


def errors():
    """What a driver may raise: of the heap, of the network, of its own, and of Python's."""
    return MemoryError(), OSError(EIO), RuntimeError("driver"), ValueError("pin")


class Faults:
    """What fails: of all calls since `begin` the one of that number, from 0 on; if it `lasts`, all
    of its name from then on; if it is `done`, it does what it is for, and raises then.

    name: of the call that has failed, or None. hits: how often one did.
    """

    on = False
    name = None
    hits = 0

    def begin(self, number, error, lasts=False, done=False):
        self.left = number
        self.error = error
        self.lasts = lasts
        self.done = done
        self.name = None
        self.hits = 0
        self.on = True

    def wrap(self, name, do):
        def call(*arguments, **how):
            if not self.on:
                return do(*arguments, **how)
            left = self.left
            self.left = left - 1
            if left and not (self.lasts and name == self.name):
                return do(*arguments, **how)
            self.name = name
            if self.done:
                if name in MAKERS:
                    return do(*arguments, **how)
                do(*arguments, **how)
            self.hits += 1
            # Anew: one that is raised again and again has an ever longer traceback.
            raise type(self.error)(*self.error.args)

        return call

    def wrap_all(self, thing, names):
        for name in names:
            do = getattr(thing, name, None)
            if do:
                setattr(thing, name, self.wrap(name, do))
        return thing


class NoFaults(Faults):
    """Nothing is wrapped, which would take the heap."""

    def wrap(self, name, do):
        return do

    def wrap_all(self, thing, names):
        return thing


class Files:
    """The file system of a board, and its module `os`: a rename replaces at one stroke."""

    def __init__(self, faults):
        self.faults = faults
        self.data: dict[object, bytes] = {}

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


class Server(AnyServer):
    """Grants each time what it has not granted before: a time, and to who has no lease an
    address.
    """

    def __init__(self):
        super().__init__(options=GRANT, lease=LEASE, t1=T1, t2=T2)

    def other(self):
        grant = self.grant
        grant["lease"] = LEASE + (grant["lease"] + 1) % 1000
        grant["yiaddr"] = bytes((10, 0, 0, 10 + grant["lease"] % 200))


class Device:
    """A board with a client, for a `with` block: see `plug`. faults: those of its driver and its
    file system.
    """

    strict = True  # whether the record is looked at, too

    def __init__(self, port, faults):
        self.plugged = plug(port)
        self.faults = faults
        self.files = Files(faults)
        self.told = [""] * 60
        self.count = 0
        self.lease = None  # by the last event
        self.had = None  # by the last but "error"
        self.cleared = False  # whether the record has to be gone

    def __enter__(self):
        self.board = board = self.plugged.__enter__()
        store = home("store")
        self.os = store, called(store, "os")
        self.was = getattr(*self.os)
        setattr(*self.os, self.files)
        board.server = Server()
        board.nic.active(True)
        self.wrap()
        self.boot()
        board.connect()
        self.settle()
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

    def boot(self):
        """A reset, which nothing but the file system outlives."""
        board = self.board
        board.sockets.clear()
        board.air.clear()
        self.lease = None
        self.client = Client(link(board), store=PATH, clock=board.clock, on_event=self.tell)
        self.client.session.rand = World().random  # each life is like the other

    def tell(self, event, lease):
        """on_event, which takes nothing from the heap."""
        self.told[self.count] = event
        self.count += 1
        if event == "released" or event == "nak" and self.had:
            self.cleared = True
        elif lease:
            self.cleared = False
        self.lease = lease
        if event != "error":
            self.had = lease

    def events(self, *names):
        """What of these was told since `count` was 0; of all, if none is named."""
        told = self.told[: self.count]
        return [event for event in told if event in names] if names else told

    # its polls

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
        # Without memory for its key there is no record; see `settle`.
        if not self.strict or client.save or not client.key:
            return
        # The record is that of the lease, or none after a NAK or a release.
        records = self.records()
        if lease:
            assert len(records) == 1
            assert records[0][-13:-9] == lease.yiaddr
            assert opt(51, u32(lease.lease_time)) in records[0]
        elif self.cleared and self.faults.name not in READING:
            assert not records

    def records(self):
        """Those of the client on its network."""
        data = self.files.data.get(PATH, b"")
        found = [data[i : i + ROOM] for i in range(0, len(data), ROOM)]
        return [record for record in found if record.startswith(self.client.key)]

    def wait(self):
        """Poll, and wait in it as long as it asks for."""
        board = self.board
        now = board.now
        wait = self.poll(DAY * 1000)
        if board.now == now:
            board.now += max(wait, 1)
            board.hand_over()

    def until(self, done):
        """Wait until done()."""
        for _ in range(60):
            if done():
                return
            self.wait()
        raise AssertionError("for ever")

    def bound(self):
        return self.client.state == "BOUND"

    def settle(self):
        """There is a lease again, by a server that does as it is told, and its record."""
        client, board = self.client, self.board
        self.count = 0
        client.wanted = True
        board.server.naks = False
        if not board.carrier:
            board.back()
        self.until(self.bound)
        if not client.key or board.now > WRAP >> 1:  # later times would be on the heap
            board.now = 5000
            self.boot()
            self.until(self.bound)
        if self.client.save:
            board.sleep(PAUSE)
            self.poll()
        assert not self.client.save
        for log in (board.sent, board.arps, board.built_in):
            log.clear()


# The life of a client: what comes before, with no fault; what then happens, a poll behind each;
# the event that it leads to.


def nothing(device):
    pass


def moment(device):
    device.board.sleep(1)


def forget(device):
    device.client.release()
    device.poll()
    device.board.server.other()


def wanted(device):
    device.client.wanted = True


def booted(device):
    device.boot()


def t1(device):
    device.board.server.grant["lease"] += 1
    device.board.sleep(T1)


def t2(device):
    device.board.server.grant["lease"] += 1
    device.board.sleep(T2)


def end(device):
    device.board.server.other()
    device.board.sleep(2 * LEASE)


def refused(device):
    device.board.server.naks = True
    device.board.sleep(T1)


def away(device):
    device.board.away()


def back(device):
    device.board.back()


def release(device):
    device.client.release()


def close(device):
    device.client.close()


LIFE = (
    ("new", forget, (wanted, moment, moment), "bound"),
    ("verified", booted, (nothing, moment), "rebooted"),
    ("renewal", t1, (nothing, moment), "renewed"),
    ("rebinding", t2, (nothing, moment), "rebound"),
    ("end", end, (nothing, moment, moment), "expired"),
    ("NAK", refused, (nothing, moment, moment), "nak"),
    ("link", nothing, (away, back, moment), "rebooted"),
    ("release", nothing, (release,), "released"),
    ("close", nothing, (close,), "link"),
)
