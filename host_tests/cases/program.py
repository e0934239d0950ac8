"""A program as a page of the docs shows it, run on a fake board in a network with a server."""

import errno
import sys
import time as clock

try:
    import asyncio  # now: it takes the clock of this machine, not that of a board
except ImportError:
    pass

import dhcpc
from cable import Server
from dhcpc import config, options
from fakeboard import NO_IP, plug
from kit import called, home, imported, module
from records import Memory
from sleeper import Machine
from stage import Stage, settings

IP = b"\xc0\0\2\x64"
SERVER = b"\xc0\0\2\1"
SECONDS = 120  # of the board's, until a program that would go on for ever is ended
TOLD = {  # what its server says besides: whatever a page may read
    "subnet_mask": "255.255.255.0",
    "router": ["192.0.2.1"],
    "domain_name_server": ["192.0.2.1"],
    "interface_mtu": 1400,
    "domain_name": "plant.example",
    "ntp_servers": ["192.0.2.1", "192.0.2.2"],
    "captive_portal": "https://portal.example/api",
    "domain_search": b"\x05plant\x07example\x00",
    "vendor_specific_information": {1: "collector.plant.example", 2: b"\x00\x1e"},
}


class Over(BaseException):
    """The time is over, or the board sleeps."""


class Sleepy(Machine):
    """The module `machine` of a board that ends a program when it sleeps."""

    def __init__(self, board):
        super().__init__()
        self.board = board
        self.cause = self.DEEPSLEEP_RESET
        self.dogs = []

    def deepsleep(self, ms=0):
        raise Over

    def lightsleep(self, ms=0):
        self.board.sleep(ms // 1000)

    def unique_id(self):
        return b"\x28\xcd\xc1\x00\x00\x01"

    def WDT(self, timeout):
        self.dogs.append(timeout)
        return module(feed=lambda: None)

    def reset(self):
        raise Over


def silent():
    """ntptime's settime, of a server that does not answer."""
    raise OSError(errno.ETIMEDOUT)


class Refused(Exception):
    """umqtt.simple's MQTTException."""


class Broker:
    """umqtt.simple's MQTTClient, as far as a page uses it, and the only one there is: `log`, what
    was done with all of them; `faults`, what the first of them raise.
    """

    log: list[object] = []  # noqa: RUF012
    faults = [Refused(5), IndexError("it closed at once"), TypeError("it was silent")]  # noqa: RUF012

    def __init__(self, client_id, server, port=0, keepalive=0):
        self.sock = self
        self.there = False

    def connect(self):
        if self.faults:
            raise self.faults.pop(0)
        self.there = True
        self.log.append("connected")

    def close(self):
        self.there = False

    def check_msg(self):
        if not self.there:
            raise OSError(128)

    def ping(self):
        self.check_msg()
        self.log.append("ping")

    def publish(self, topic, message):
        self.check_msg()
        self.log.append(topic)


class Found:
    """What a program finds on a board: its modules, and what a reader has at hand by then, each
    made when it is asked for by its name.
    """

    def __init__(self, board, joins=False):
        """joins: whether it is somebody else who joins the Wi-Fi, a second from now."""
        self.board = board
        self.join_at = joins and board.wifi and board.now + 1000
        self.end = board.now + SECONDS * 1000
        self.machine = Sleepy(board)
        grant = b""
        for name in TOLD:
            value = options.encode(name, TOLD[name])
            grant += bytes((options.code(name), len(value))) + value
        for each in board.nics:
            each.server = Server(yiaddr=IP, server=SERVER, mask=None, options=grant)
            if each.wifi:
                each.nic.connect = self.joining(each, each.nic.connect)
        network = board.modules["network"]
        hostname = network.hostname
        network.hostname = lambda name=None: name or hostname()
        network.STA_IF = 0
        network.WLAN = lambda interface=0: board.nic
        several = len(board.nics) > 1 and [self.makes(each) for each in board.nics]
        board_py = {"nic": self.nic, "NICS": several} if several else {"nic": self.nic}
        self.modules = {
            "board": module(**board_py),
            "machine": self.machine,
            "ntptime": module(host="pool.ntp.org", settime=silent),
            "umqtt": module(),
            "umqtt.simple": module(MQTTClient=Broker, MQTTException=Refused),
            "time": module(
                ticks_ms=self.ticks_ms,
                ticks_diff=lambda a, b: a - b,
                ticks_add=lambda a, b: a + b,
                sleep=board.sleep,
                sleep_ms=lambda ms: board.sleep(ms / 1000),
                time=clock.time,
                localtime=clock.localtime,
            ),
        }

    def joining(self, board, connect):
        def join(ssid, key=None):
            connect(ssid, key)
            board.back()

        return join

    def ticks_ms(self):
        """Each look at the clock takes a millisecond, so that whoever waits gets on."""
        self.board.now += 1
        self.board.hand_over()
        if self.join_at and self.board.now > self.join_at:
            self.join_at = None
            self.board.nic.connect("home", "correct horse")
        if self.board.now > self.end:
            raise Over
        return self.board.now

    # What a reader has at hand

    def nic(self):
        self.board.nic.active(True)
        if not self.board.wifi:
            self.board.back()
        return self.board.nic

    def makes(self, line):
        """What makes the NIC of a line, as in board.py."""

        def make():
            line.nic.active(True)
            if not line.wifi:
                line.back()
            return line.nic

        return make

    def dhcp(self):
        """A client that has not been polled yet, on a NIC that joins its network then."""
        made = dhcpc.Client(self.nic())
        self.join_at = self.board.wifi and self.board.now
        return made

    def given(self, names):
        """What has these names before the program begins."""
        made = {}
        for name in names:
            if name == "nic":
                made[name] = self.nic()
            elif name in ("dhcp", "lease", "client"):
                dhcp = made["dhcp"] = made["client"] = made.get("dhcp") or self.dhcp()
                if name == "lease":
                    made[name] = dhcp.acquire()
            elif name == "dhcpc":
                made[name] = dhcpc
            elif name == "machine":
                made[name] = self.machine
            elif name == "tell":
                made[name] = lambda event, lease: None
            elif name == "settings":
                made[name] = {}
            elif name in ("ssid", "key"):
                made[name] = "correct horse"
            else:
                raise NameError("nobody says what %s is" % name)
        return made


def has_address(board):
    """Has a NIC of the board an address?"""
    for each in board.nics:
        if each.nic.ifconfig()[0] != NO_IP:
            return True
    return False


def run(source, names, port, second=None):
    """Run a program that finds these names, on that kind of board, until it ends, sleeps, or its
    time is over. Whoever it has made `dhcp` gets a lease then, if it goes for one.
    """
    with plug(port, second) as board:
        found = Found(board, "nic" in names and "connect(" not in source)
        client = home("client")
        was = getattr(client, called(client, "time"))
        store = dhcpc.Client.store
        setattr(client, called(client, "time"), found.modules["time"])
        dhcpc.Client.store = Memory()
        if "aio" in source:
            from dhcpc import aio

            setattr(aio, called(aio, "errno"), board.modules["errno"])
        dhcpc.config = sys.modules["dhcpc.config"] = config
        try:
            with imported(found.modules):
                scope = found.given(names)
                scope["__name__"] = "__main__"
                try:
                    exec(source, scope)
                    if "async def main" in source:
                        asyncio.run(scope["main"]())
                except Over:
                    assert has_address(board) or "release" in source, "no address by then"
                    return
                dhcp = scope.get("dhcp") or scope.get("several")
                if dhcp and dhcp.wanted:
                    dhcp.acquire()
                    assert has_address(board)
        finally:
            dhcpc.Client.store = store
            setattr(client, called(client, "time"), was)


def run_app(source, port, text=None):
    """Run a program that is an app.py, between boot.py and main.py, for some seconds of a board
    whose /dhcpc.json has that text.
    """
    with plug(port) as board:
        found = Found(board)
        for each in board.nics:
            if "connect" in each.nic.__dict__:
                del each.nic.connect  # the stage has its own
        modules = dict(found.modules)
        del modules["board"]
        scope: dict[str, object] = {"__name__": "app"}
        with imported(modules):
            exec(source, scope)
            app = {name: scope[name] for name in ("setup", "loop") if name in scope}
            longer = {"seconds": SECONDS} if "MQTTClient" in source else {}  # until a ping is due
            stage = Stage(board, text or settings(board), app, **longer)
            assert stage.run().interrupted()
        assert has_address(board)
        assert "MQTTClient" not in source or Broker.log.count("ping") > 1
        return stage
