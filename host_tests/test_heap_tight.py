"""A lease on a small heap that is in pieces, in the 64-bit VM; on one that ends, in each."""

from __future__ import annotations

import pytest

from conftest import CASES
from toolchain import vm

HEAP = 250_000  # bytes
LARGER_HEAP = 300_000  # for a fake board
PLACES = [  # and blocks between two trials
    ("vm64", "PICO_W", 1),
    ("vm64", "ESP32", 3),
    ("vm64", "LAN", 3),
    ("vm32-1.22", "PICO_W", 7),
    ("vm32-1.29", "ESP32", 7),
]
TRIALS = 4000  # at least what a stride of 1 takes

WORLD = """
import gc
from cable import Cable, Server
from dhcpc import Client, Link
from records import Memory
from world import NAK, REQUEST, message, opt, reply

class Tight(Cable):
    # Receives as a board's link does; each read takes as much as it asks for, as a socket's does.
    recv = Link.recv

    def do(self, what):
        self.ask(what)  # and keeps no log, which would take the heap

    def open(self):
        super().open()
        self.sock = self.poll = Socket(self)

    def send(self, size, server):
        super().send(size, server)
        del self.sent[:-1]

class Socket:
    def __init__(self, cable):
        self.cable = cable

    def ipoll(self, wait):
        cable = self.cable
        if cable.inbox and cable.inbox[0][0] <= cable.now + wait:
            cable.now = max(cable.now, cable.inbox[0][0])
            return ((self, 1),)
        cable.now += wait
        return ()

    def recv(self, size):
        buf = bytearray(size)
        at, data = self.cable.inbox.pop(0)
        size = min(size, len(data))
        buf[:size] = data[:size]
        return bytes(buf[:size])

events = {}

def told(event, lease):
    events[event] = events.get(event, 0) + 1

cable = Tight(Server(t1=1000, t2=2000))
cable.poll = Socket(cable)
client = Client(cable, clock=cable.clock, store=Memory(), on_event=told)

def fill(pieces, count, size):
    # Take all the pieces of that size that there are; return how many are held then.
    try:
        while True:
            pieces[count] = bytearray(size)
            count += 1
    except MemoryError:
        return count

def in_pieces(size, most):
    # What is left of the heap is free in pieces of about that size, and in none of `most`.
    gc.collect()
    pieces = [None] * 2000
    count = fill(pieces, 0, size)
    for i in range(0, count, 2):
        pieces[i] = None
    gc.collect()
    fill(pieces, count, most)
    gc.collect()
    return pieces

def has(size):
    try:
        bytearray(size)
        return True
    except MemoryError:
        return False

def go(seconds):
    end = cable.now + seconds * 1000
    while cable.now < end:
        cable.now += min(max(client.poll(), 1), end - cable.now)
    client.poll()
"""

LEASE = """
#%%
held = in_pieces(600, 1000)
assert not has(1000)
assert gc.mem_free() > 40000
client.acquire()
assert client.lease.ip == "10.0.0.5"
go(2100)
cable.server.mute = (REQUEST,)
go(3700)
cable.server.mute = ()
go(60)
print(client.state, "renewed" in events, "expired" in events, "error" in events)
"""

SPITE = """
#%%
pieces = b"".join([bytes((c, 1, 65)) for c in range(60, 190)] * 2)
other = message(pieces + b"\\xff", xid=b"none")
cable.server.mute = (1,)
client.poll()
ours = message(pieces + b"\\xff", xid=cable.sent[-1].xid)
held = in_pieces(600, 1000)
assert not has(1000)
for data in (other, ours) * 20:
    cable.inbox.append((0, data))
    client.poll()
cable.server.mute = ()
client.acquire(100000)
print(client.state, "error" in events)
"""

MEMORY_ERRORS = """
#%%
import dhcpc

failing = 0

def fails(do):
    def attempt(*arguments):
        global failing
        failing += 1
        if failing % 3 == 0:
            raise MemoryError
        return do(*arguments)
    return attempt

client.session.read = fails(client.session.read)
client.store.save = fails(client.store.save)
cable.apply = fails(cable.apply)
for _ in range(3):
    go(2100)
    cable.server.naks = True
    go(1100)
    cable.server.naks = False
go(4000)
while client.state != "BOUND":  # RENEWING, if a call has just failed
    go(10)
print(client.state, cable.address == client.lease.ip, "error" in events)
"""


EACH_ALLOCATION = """
from exhausted import trials

left = trials({port!r}, {stride})
"""
# A step is a trial, since a 32-bit VM collects garbage only between two.
TRIAL = """
#%%
for _ in left:
    break
"""
END = """
#%%
for _ in left:
    raise AssertionError("there are more trials")
print("done")
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param(
            LEASE, "BOUND True True False", id="a lease where no KB is free in one piece"
        ),
        pytest.param(SPITE, "BOUND False", id="options in pieces from anybody"),
        pytest.param(MEMORY_ERRORS, "BOUND True True", id="each third call finds no room"),
    ],
)
def test_a_lease_on_a_heap_in_pieces(script: str, said: str) -> None:
    assert last_line(WORLD + script, HEAP) == said


@pytest.mark.parametrize(("name", "port", "stride"), PLACES)
def test_a_heap_that_ends_at_each_allocation_of_a_poll_is_made_up_for_by_the_next(
    name: str, port: str, stride: int
) -> None:
    every = "for _ in left: pass\n" if name == "vm64" else TRIAL * (TRIALS // stride)
    script = EACH_ALLOCATION.format(port=port, stride=stride) + every + END
    assert last_line(script, LARGER_HEAP, name) == "done"


def last_line(script: str, heap: int, name: str = "vm64") -> str:
    """What a script says in the end."""
    machine = vm.vms()[name]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    result = machine.run(script, [CASES], heap=heap, timeout=120)
    assert result.code == 0, result.out
    return result.out.splitlines()[-1]
