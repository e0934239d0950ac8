"""Each call of the driver and of the file system fails in turn, at every moment of a client's
life, once or from then on: nothing of it comes out of `poll`, and all agree again afterwards.
"""

import sys

from faulty import LEASE, T1, Device, Faults, errors
from world import REQUEST

VM = sys.implementation.name == "micropython"
FEWER = 11
PAUSE = 600  # seconds between writes of the record

# What is no error, or not always: a link that is not known to be up is down; a NIC that knows no
# SSID is a cable; an address that has been set is set; nothing was received, announced, or stored.
QUIET = ("status", "config", "ifconfig", "ipoll", "recv", "send_ethernet", "open", "read")
MAKERS = ("socket", "poll")  # what they have made when they raise nobody has


def life(device):
    """A lease, a renewal, its end, another, a NAK; the link away and back; release and close, a
    lease after each. Afterwards leases are long.
    """
    board, client, server = device.board, device.client, device.board.server
    device.go(1)
    board.connect()
    device.go(T1 + 1)
    server.mute = (REQUEST,)
    device.go(LEASE)
    server.mute = ()
    device.go(10)
    server.naks = True
    device.go(T1)
    server.naks = False
    device.go(10)
    board.away()
    device.go(2)
    board.back()
    device.go(2)
    for end in (client.release, client.close):
        end()
        device.poll()
        assert client.lease is None
        client.wanted = True
        device.go(2)
    server.grant.update(lease=100 * LEASE, t1=50 * LEASE, t2=80 * LEASE)


def survived(port, faults):
    """The events of a life with those faults, which its end is to be none the worse for."""
    with Device(port, faults) as device:
        life(device)
        assert faults.hits
        faults.on = False
        device.poll()
        device.go(PAUSE + T1)
        client = device.client
        assert client.state == "BOUND"
        assert device.record() == client.lease.yiaddr
        return device.told


def in_turn(port, each=1, lasts=False, done=False):
    """Every so manieth call of each name is the first to fail, of a life each; in a VM, which
    takes its time, fewer.
    """
    kinds = errors()
    usual = Faults()
    with Device(port, usual) as device:
        life(device)
    if VM:
        each *= FEWER
    for name in usual.counts:
        count = 0 if done and name in MAKERS else usual.counts[name]
        for number in range(0, count, each):
            error = kinds[number // each % len(kinds)]
            try:
                told = survived(port, Faults(name, number, error, lasts, done))
                assert "error" in told or name in QUIET
            except BaseException:
                print("on", port, name, number, repr(error))
                raise


def test_a_call_that_fails_once_is_an_event_and_is_made_up_for():
    in_turn("PICO_W")
    in_turn("ESP32", 2)
    in_turn("LAN", 3)


def test_a_call_that_fails_from_then_on_is_survived():
    in_turn("PICO_W", 2, lasts=True)
    in_turn("ESP32", 5, lasts=True)


def test_a_call_that_raises_when_it_has_done_its_work_is_made_up_for():
    in_turn("PICO_W", 2, done=True)
    in_turn("ESP32", 7, done=True)
