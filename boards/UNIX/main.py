"""The part of tools/netup.py that runs in the MicroPython VM, or under CPython: prints one JSON
object for each event.

The first line of standard input is JSON with the keys iface, once, store, hostname, timeout
(seconds, 0: for ever), reuse, apply. It ends, and gives the address back, when standard input
does.
"""

import json
import select
import sys
import time

import board
import dhcpc
from dhcpc import Store, dotted

_VM = sys.implementation.name == "micropython"
_INFINITE = 0xFFFFFFFF

_WALL_CLOCK = 1 << 32  # the kind of clock, as a record has it


def ticks_ms():
    """A monotonic clock; CPython has no time.ticks_ms."""
    return time.ticks_ms() if _VM else time.monotonic_ns() // 1_000_000


class Memory(Store):
    """A store for as long as the program runs."""

    kept = b""

    def __init__(self):
        pass

    def read(self):
        """What was written last."""
        return self.kept

    def write(self, data):
        """Keep it."""
        self.kept = data


def _tell(event, lease):
    session = dhcp.session
    told = {"t_ms": ticks_ms() - start, "event": event, "state": dhcp.state}
    if event in ("send", "recv", "ignored"):
        told["type"] = session.type
    if event in ("ignored", "error"):
        told["reason"] = str(dhcp.reason)
    if event == "timeout":
        told["reason"] = str(dhcp.reason or ("no answer" if dhcp.link.up() else "no carrier"))
    if lease and event not in ("send", "recv", "ignored", "error"):
        told["ip"] = lease.ip
        told["mask"] = lease.mask
        told["gateway"] = lease.gateway if lease.gateway != "0.0.0.0" else None
        told["dns"] = lease.dns
        told["server"] = dotted(lease.server, 0)
        # What counts as for ever in the firmware is told as it came.
        whole = int.from_bytes(lease.option(51), "big")
        ever = lease.remaining() is None
        told["lease_time"] = whole
        told["t1"] = (whole if whole == _INFINITE else whole // 2) if ever else lease.t1
        told["t2"] = (whole if whole == _INFINITE else whole // 8 * 7) if ever else lease.t2
    print(json.dumps(told))


class _Stop(Exception):
    pass


def _heed():
    # Whoever started this closes our standard input to have the lease given back; a signal might
    # come between any two instructions.
    for _ in stop.poll(0):
        raise _Stop


def _run():
    try:
        if want["timeout"]:
            dhcp.acquire(int(want["timeout"] * 1000), _heed)
        while not want["once"]:
            _heed()
            dhcp.poll(100)
    except _Stop:
        dhcp.release()
    except OSError:
        _tell("timeout", None)
        return 1
    return 0


stop = select.poll()
stop.register(sys.stdin, select.POLLIN)
start = ticks_ms()
want = json.loads(sys.stdin.readline())
store = Store(want["store"]) if want["store"] else Memory()
store.epoch = lambda: _WALL_CLOCK + int(time.time())
try:
    dhcp = dhcpc.Client(
        board.nic(want["iface"], want["apply"]),
        hostname=want["hostname"],
        store=store,
        on_event=_tell,
        clock=ticks_ms,
        reuse=want["reuse"],
    )
except (ValueError, OSError) as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit(2)
sys.exit(_run())
