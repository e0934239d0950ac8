"""A board with a cable and a radio, on a stack that routes as lwIP does on ESP32, or elsewhere."""

from cable import Cable, Port, Server
from dhcpc import failover
from records import Memory
from world import OTHER_IP, OTHER_SERVER

ASSOCIATION = 1500  # ms
NEGOTIATION = 2000  # ms from off and on to the link of a cable
WIRE, AIR = 0, 1
KINDS = (True, False)  # ESP32, or plain lwIP


class Stack:
    """A board's clock, its port 68, and which NIC is the way out. esp: whose rule it goes by."""

    def __init__(self, esp):
        self.esp = esp
        self.now = 5000
        self.port68 = Port()
        self.lines = []
        self.last = None  # the NIC that was activated last

    def default(self):
        """ESP-IDF: the route priority of Wi-Fi is 100, that of Ethernet 50, and a link counts."""
        if not self.esp:
            return self.last
        radios = [line for line in self.lines if line.radio and line.plugged]
        return (radios + [line for line in self.lines if line.plugged] + [None])[0]

    def way(self):
        """Where a packet for another network leaves: ip4_route takes the default NIC or none."""
        line = self.default()
        return line if line and line.plugged and line.address else None


class Line(Cable):
    """A link of a board with several. nic: as MicroPython has it. air: whether an access point
    is in reach, or the cable in.
    """

    def __init__(self, stack, radio, server):
        self.stack = stack
        super().__init__(server, stack.port68)
        self.radio = radio
        self.option = 25 if stack.esp else None
        self.nic = Radio(self) if radio else Wire(self)
        self.air = True
        self.linked = None if radio else 0  # ms from when on there is a link
        self.calls = []
        stack.lines.append(self)

    @property
    def now(self):
        return self.stack.now

    @now.setter
    def now(self, now):
        self.stack.now = now

    @property
    def plugged(self):
        return self.air and self.linked is not None and self.now >= self.linked

    @plugged.setter
    def plugged(self, plugged):
        self.air = plugged


class Wire:
    def __init__(self, line):
        self.line = line

    def active(self, on):
        self.line.calls.append(on)
        self.line.address = None
        self.line.linked = self.line.now + NEGOTIATION if on else None
        if on:
            self.line.stack.last = self.line


class Radio(Wire):
    def active(self, on):
        super().active(on)
        self.line.linked = None

    def connect(self, *how):
        line = self.line
        line.calls.append("connect")
        if line.linked is None:
            line.linked = line.now + ASSOCIATION

    def disconnect(self):
        self.line.calls.append("disconnect")
        self.line.linked = None


class Board:
    """A board with a cable and a radio, in that order unless `radio_first`."""

    def __init__(self, esp=True, radio_first=False, store=None):
        self.stack = stack = Stack(esp)
        self.wire = Line(stack, False, Server())
        self.air = Line(stack, True, Server(yiaddr=OTHER_IP, server=OTHER_SERVER))
        self.lines = [self.air, self.wire] if radio_first else [self.wire, self.air]
        stack.last = self.lines[0]
        self.store = store or Memory()
        self.told = []
        self.several = failover.make(
            self.lines, self.join, store=self.store, clock=self.wire.clock
        )
        self.several.on_event = self.tell

    def join(self, nic):
        nic.connect("home", "secret")

    def tell(self, event, lease):
        self.told.append((event, lease and lease.ip))

    def events(self):
        return [event for event, ip in self.told if event not in ("send", "recv")]

    @property
    def used(self):
        several = self.several
        found = [line for line in self.lines if several.used and several.used.link is line]
        # Lease, address and way out are of one mind.
        assert [line for line in self.lines if line.address] == found
        assert (several.lease is None) == (not found)
        if several.lease:
            assert several.lease.ip == found[0].address
        return found[0] if found else None

    def go(self, seconds):
        end = self.stack.now + int(seconds * 1000)
        while self.stack.now < end:
            wait = self.several.poll()
            assert 0 <= wait <= 1000
            self.stack.now += min(max(wait, 1), end - self.stack.now)
        self.several.poll()
        return self
