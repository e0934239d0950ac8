"""What boot.py and main.py find on a fake board, and what becomes of them."""

import errno
import io
import json
import sys

import dhcpc
from dhcpc import config
from fakeboard import PORTS, plug
from kit import called, home, imported, module
from onboard import Server, link
from records import Memory

make_client = config.client
FIRMWARE = __file__.rsplit("/", 3)[0] + "/firmware/"
KEY = "correct horse"
WIFI_CONFIG = {"ssid": "home", "key": KEY}
JOINING = 1000  # ms


def source(name):
    with open(FIRMWARE + name) as f:
        return f.read()


SCRIPTS = [compile(source(name), name, "exec") for name in ("boot.py", "main.py")]


def longest_wait(times):
    return max([times[i] - times[i - 1] for i in range(1, len(times))])


class Reset(BaseException):
    """The watchdog has reset the board."""


class Watchdog:
    """ports/rp2/machine_wdt.c: machine.WDT, and the one that there is. Nothing stops it."""

    longest = 8388  # ms

    def __init__(self, board):
        self.board = board
        self.fed = []  # ms; the first is when it was started

    def __call__(self, timeout):
        if timeout > self.longest:
            raise ValueError("timeout exceeds %d" % self.longest)
        self.timeout = timeout
        self.feed()
        return self

    def feed(self):
        self.fed.append(self.board.now)

    def look(self):
        if self.fed and self.board.now - self.fed[-1] > self.timeout:
            raise Reset

    @property
    def longest_wait(self):
        """The most ms between two feedings, and between the last and now."""
        return longest_wait(self.fed + [self.board.now])


class Stage:
    """What boot.py and main.py find on a board, and what becomes of them.

    config: what /dhcpc.json holds, or its text; None without one. app: the functions of app.py by
    their names; None without one. seconds: until Ctrl-C is pressed. To be set: `reachable`,
    whether connect() leads to an association; `interrupt`, which look at the clock is cut short by
    Ctrl-C; `events`: (ms from the start, f), and what f raises comes out of whatever runs then.

    printed: the lines. error: what led to the prompt. joined: what connect() was called with.
    """

    def __init__(self, board, config=None, app=None, seconds=8):
        self.board = board
        self.text = json.dumps(config) if isinstance(config, dict) else config
        self.end = seconds * 1000
        self.events = [(self.end, self.ctrl_c)]
        self.start = board.now
        self.wdt = Watchdog(board)
        self.printed = []
        self.joined = []
        self.name = "PicoW"
        self.error = self.interrupt = None
        self.reachable = True
        self.looks = 0
        self.store = Memory()
        self.radio = None
        for each in board.nics:
            each.server = each.server or Server()
            if each.wifi:
                self.radio = each
                self.connect = each.nic.connect
                each.nic.connect = self.join
            else:
                self.events.append((JOINING, each.back))
        board.modules["network"].hostname = self.hostname
        self.modules = {
            "app": app,
            "board": self.makers(),
            "machine": {"WDT": self.wdt},
            "time": {"ticks_ms": self.ticks_ms, "ticks_diff": lambda a, b: a - b},
        }
        self.names = {"__name__": "__main__", "print": self.print}

    # What they find

    def print(self, *what):
        self.printed.append(" ".join([str(each) for each in what]))

    def open(self, path, mode):
        assert (path, mode) == ("/dhcpc.json", "rb")
        if self.text is None:
            raise OSError(errno.ENOENT, self.text)
        return io.BytesIO(self.text.encode())

    def makers(self):
        """What board.py has: of a board with two NICs, the functions that make both."""

        def nic():
            return self.on(0)

        def wifi():
            return self.on(1)

        return {"nic": nic, "NICS": (nic, wifi)} if len(self.board.nics) > 1 else {"nic": nic}

    def on(self, i):
        """Switch that NIC on."""
        nic = self.board.nics[i].nic
        nic.active(True)
        return nic

    def hostname(self, name=None):
        self.name = name or self.name
        return self.name

    def client(self, nic, **settings):
        for each in self.board.nics:
            if each.nic is nic:
                return make_client(link(each), store=self.store, **settings)
        raise AssertionError(nic)

    def ticks_ms(self):
        """Whatever is to happen by now happens when somebody looks at the clock."""
        board = self.board
        self.looks += 1
        if self.looks == self.interrupt:
            raise KeyboardInterrupt
        self.wdt.look()
        board.hand_over()
        for event in self.events:
            if event[0] <= self.now:
                self.events.remove(event)
                event[1]()
                break
        return board.now

    # What happens

    @property
    def now(self):
        """ms from the start"""
        return self.board.now - self.start

    def join(self, ssid, key=None):
        self.joined.append((ssid, key))
        if self.radio.esp and self.radio.nic.wanted and not self.reachable:
            raise OSError("Wifi Internal State Error")  # it is at it already
        self.connect(ssid, key)
        if self.reachable:
            self.events.append((self.now + JOINING, self.associate))

    def associate(self):
        if self.reachable and not self.radio.netif.link:
            self.radio.back()

    def no_link(self):
        """From the start on."""
        self.reachable = self.board.carrier = False
        self.events.clear()
        self.events.append((self.end, self.ctrl_c))

    def out_of_reach(self):
        self.reachable = False
        self.board.away()

    def within_reach(self):
        self.reachable = True
        if self.board.esp or not self.board.wifi:
            self.board.back()  # by itself

    def ctrl_c(self):
        raise KeyboardInterrupt

    def run(self):
        """Run them; the second only if the first has not failed, as the ports do. Return self."""
        modules = {"__main__": module()}
        for name in self.modules:
            what = self.modules[name]
            if what is not None:
                modules[name] = module(**what)
        client = home("client")
        clock = called(client, "time")
        time = getattr(client, clock)
        setattr(client, clock, modules["time"])
        dhcpc.config = sys.modules["dhcpc.config"] = config  # boot.py lets go of it
        config.client = self.client
        config.open = self.open
        try:
            with imported(modules):
                for script in SCRIPTS:
                    exec(script, self.names)
                    for name in self.names:
                        setattr(modules["__main__"], name, self.names[name])
        except BaseException as error:
            self.error = error
        finally:
            config.client = make_client
            del config.open
            setattr(client, clock, time)
        return self

    def interrupted(self):
        """Was it Ctrl-C that ended it?"""
        if not isinstance(self.error, KeyboardInterrupt):
            raise self.error
        return True

    def said(self, words):
        """How many lines have those words?"""
        return len([line for line in self.printed if words in line])


def main_on(dhcp, clock, turn, seconds):
    """Run main.py alone on what boot.py may have made, for so long; the lines that it prints.

    clock: whose `now` is its time, ms. turn(seconds): is called each second of a lease.
    """
    printed: list[str] = []
    start = clock.now
    done = [0]

    def loop(dhcp):
        now = (clock.now - start) // 1000
        while done[0] < now:
            done[0] += 1
            turn(done[0])
        if now >= seconds:
            raise KeyboardInterrupt

    modules = {
        "__main__": module(config={}, connect=lambda: None, dhcp=dhcp, faults=[]),
        "app": module(loop=loop),
        "machine": module(),
        "time": module(ticks_ms=lambda: clock.now, ticks_diff=lambda a, b: a - b),
    }
    names = {"__name__": "__main__", "print": lambda *what: printed.append(what)}
    try:
        with imported(modules):
            exec(SCRIPTS[1], names)
    except KeyboardInterrupt:
        pass
    return [" ".join([str(each) for each in what]) for what in printed]


class App:
    """An app.py that notes when it is called: `begun`, `turns`, ms from the start."""

    def __init__(self, do=None):
        self.do = do
        self.begun = []
        self.turns = []
        self.leases = []

    def on(self, board, config, **how):
        """The stage that it is on."""
        self.stage = Stage(board, config, {"setup": self.setup, "loop": self.loop}, **how)
        return self.stage

    def setup(self, dhcp):
        self.begun.append(self.stage.now)

    def loop(self, dhcp):
        self.turns.append(self.stage.now)
        self.leases.append(dhcp.lease)
        if self.do:
            self.do(dhcp)

    def longest_wait(self):
        """The most ms between two turns."""
        return longest_wait(self.turns)


def settings(board, **more):
    """What /dhcpc.json needs on that board."""
    return dict(WIFI_CONFIG if board.wifi else {}, **more)


def on(case, *ports, of=(None,)):
    """Run case(board), or case(board, variant) for each variant in `of`, on those ports."""
    for port in ports or PORTS:
        for variant in of:
            with plug(port) as board:
                try:
                    case(board) if variant is None else case(board, variant)
                except BaseException:
                    print("on", port, variant)
                    raise


def ip(board):
    return board.nic.ifconfig()[0]
