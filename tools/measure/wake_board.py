"""Runs on the board: times `import dhcpc`, and what a wake spends between the link and its lease.

wake.py sends it, followed by one call, and reads what it prints. A mark is a number in a list that
was made before: nothing is printed, and nothing collected, while time is taken.
"""

# mypy: ignore-errors
from gc import collect, mem_alloc
from time import sleep_ms, ticks_diff, ticks_us

collect()
_before = mem_alloc()
_start = ticks_us()
import dhcpc  # noqa: E402

_end = ticks_us()
collect()
print("import", ticks_diff(_end, _start), mem_alloc() - _before)

import network  # noqa: E402

RECORD = "/wake.lease"

nic = network.WLAN(network.STA_IF)
names = [""] * 64
times = [0] * 64
marks = 0


def mark(name):
    """Note what happened, and when."""
    global marks
    names[marks] = name
    times[marks] = ticks_us()
    marks += 1


class Link(dhcpc.Link):
    """The board's link; marks what passes it."""

    def send(self, size, server):
        super().send(size, server)
        mark("sent")

    def recv(self, size, wait):
        data = super().recv(size, wait)
        if data:
            mark("received")
        return data

    def apply(self, lease):
        super().apply(lease)
        if lease:
            mark("address")


class Store(dhcpc.Store):
    """The board's record; marks when it is there."""

    def write(self, data):
        super().write(data)
        mark("written")


def told(event, lease):
    mark(event)


def connect(poll):
    """Join the network, with a poll meanwhile, until the link is up."""
    global marks
    nic.connect("emulated", "no secret")
    poll()
    collect()  # now, so that it is not within the wake
    marks = 0
    while nic.status() < 2:
        pass
    mark("up")


def leave(way):
    """Print the marks of a way, and be off the network."""
    print("wake", way)
    for i in range(marks):
        print(ticks_diff(times[i], times[0]), names[i])
    nic.disconnect()
    while nic.status() > 0:
        sleep_ms(1)


def built_in():
    """A wake of the built-in client, from active(True) on."""
    nic.active(True)
    connect(collect)
    while not nic.isconnected():
        pass
    mark("address")
    nic.ifconfig(("0.0.0.0",) * 4)
    sleep_ms(100)  # its RELEASE, which waits for an ARP, is to leave now and not in another wake
    leave("built-in")


def ours(way):
    """A wake of ours, with the record that is there or without one. It stays for the next."""
    client = dhcpc.Client(Link(nic), store=Store(RECORD), on_event=told)
    connect(client.poll)
    client.acquire()
    mark("acquired")
    leave(way)
    client.poll()  # it sees that the link is gone, and lets go


def wakes(rounds):
    """First the built-in client, as ours silences it; then ours, new and stored in turn."""
    import os

    built_in()
    for _ in range(rounds):
        ours("new")
        ours("stored")
        os.remove(RECORD)
