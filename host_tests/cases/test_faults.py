"""Each call of the driver and of the file system fails in turn, at every moment of a client's
life: nothing of it comes out of `poll`, all agree again within a poll, and no event is lost.
"""

from fakeboard import PORTS
from faulty import LIFE, QUIET, READING, Device, Faults, errors

LINKS = ("PICO_W", "ESP32", "LAN")  # whole frames, a socket tied to the NIC, and neither
# A link that is not known to be up is down, and comes back; a record that cannot be found, by its
# network's name or at all, is none.
ELSE = ("status", "config") + READING


def tried(device, life, number, error, how):
    """Have a call fail at a moment of life. Return its name, None if there are not so many."""
    _, before, happens, event = life
    faults = device.faults
    before(device)
    device.count = 0
    faults.begin(number, error, **how)
    for each in happens:
        each(device)
        device.poll()
    if faults.lasts:
        for _ in range(5):
            device.wait()
    faults.on = False
    device.poll()
    if faults.name in ELSE or faults.lasts:
        client = device.client
        device.until(lambda: device.events(event, "nak") or client.lease or not client.wanted)
    else:
        device.until(lambda: device.events(event))
        assert len(device.events(event)) == 1
    assert "error" in device.events() or faults.name in QUIET or not faults.hits
    device.settle()
    return faults.name


def assert_each_fault_is_survived(port, kinds, **how):
    """Each call of each moment fails, in each of those kinds; with 1, in one after the other."""
    every = errors()
    with Device(port, Faults()) as device:
        for life in LIFE:
            for kind in range(kinds):
                number = 0
                name = "none so far"
                while name:
                    error = every[(number * (kinds == 1) + kind) % len(every)]
                    try:
                        name = tried(device, life, number, error, how)
                    except BaseException:
                        print("on", port, life[0], number, device.faults.name, repr(error))
                        print(device.events())
                        raise
                    number += 1
                assert number > 7


def test_a_call_that_fails_once_is_an_event_and_is_made_up_for():
    for port in PORTS:
        assert_each_fault_is_survived(port, len(errors()))


def test_a_call_that_fails_from_then_on_is_survived():
    for port in LINKS:
        assert_each_fault_is_survived(port, 1, lasts=True)


def test_a_call_that_raises_when_it_has_done_its_work_is_made_up_for():
    for port in LINKS:
        assert_each_fault_is_survived(port, 1, done=True)
