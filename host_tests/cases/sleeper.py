"""A client that sleeps, on a cable, and a board with a memory that sleep leaves alone."""

from cable import Board, Cable, Server
from dhcpc import sleep
from kit import imported
from records import Memory
from world import IP, NAK, OTHER_IP, OTHER_SERVER, REQUEST, SERVER, reply

POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = range(1, 6)


class Machine:
    """An ESP32's module `machine`. data: the RTC's memory. seconds: what the RTC shows."""

    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = range(1, 6)

    def __init__(self, data=b""):
        self.data = data
        self.seconds = 100
        self.cause = POWER_ON

    def reset_cause(self):
        return self.cause

    def RTC(self):
        return self

    def memory(self, data=None):
        if data is None:
            return self.data
        if len(data) > 2048:
            raise ValueError("buffer too long")
        self.data = bytes(data)

    def epoch(self):
        return (2 << 32) + self.seconds


def built_on(machine, *where):
    """A sleep.Memory, made after a reset of that machine."""
    with imported({"machine": machine}):
        store = sleep.Memory(*where)
    store.epoch = machine.epoch  # type: ignore[method-assign]
    return store


class Site(Server):
    """A network, whose server says no to a REQUEST for an address that it does not lease, or, if
    it is `shy`, nothing.
    """

    shy = False

    def answer(self, sent):
        wanted = self.grant.get("yiaddr", IP)
        if sent.type == REQUEST and sent.options.get(50, wanted) != wanted:
            return None if self.shy else reply(NAK, xid=sent.xid)
        return super().answer(sent)


def home():
    return Site(yiaddr=IP, server=SERVER)


def away():
    return Site(yiaddr=OTHER_IP, server=OTHER_SERVER)


class Sleeper(Board):
    """A device with a sleep.Client. told: (event, state, address in use then). See Board."""

    def __init__(self, server=None, epoch=None, **how):
        self.cable = Cable(server)
        self.events = []
        self.told = []
        self.waits = []
        self.store = how.setdefault("store", Memory())
        if epoch:
            self.store.epoch = epoch
        how.setdefault("on_event", self.tell)
        self.client: sleep.Client = sleep.Client(self.cable, clock=self.cable.clock, **how)

    def tell(self, event, lease):
        self.events.append(event)
        self.told.append((event, self.client.state, self.cable.address))
        assert (lease and lease.ip) == self.cable.address

    def bound(self):
        """Get a lease, and have it verified."""
        self.client.acquire()
        self.go(1)
        assert self.client.state == "BOUND"
        return self

    def again(self, server=None, **how):
        """This device after a reset, with what its flash holds."""
        return Sleeper(server or self.cable.server, store=Memory(self.store.kept), **how)
