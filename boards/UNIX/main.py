"""The part of tools/netup.py that runs in the MicroPython VM, or under CPython: prints one JSON
object for each event.

usage: main.py JSON, with the keys iface, once, store, hostname, timeout (seconds, 0: for ever),
reuse, apply.
"""

import json
import sys
import time

import board
import dhcpc
from dhcpc.lease import dotted

_VM = sys.implementation.name == "micropython"
_INFINITE = 0xFFFFFFFF

if _VM:
    ticks_ms = time.ticks_ms
else:
    from dhcpc.cpython import ticks_ms


class Memory:
    """A store for as long as the program runs."""

    data = b""

    def load(self):
        return self.data

    def save(self, data):
        self.data = data

    def clear(self):
        self.data = b""


def _seconds(lease, seconds):
    return _INFINITE if lease.remaining() is None else seconds


def _tell(event, lease):
    session = dhcp.session
    told = {"t_ms": ticks_ms() - start, "event": event, "state": dhcp.state}
    if event in ("send", "recv", "ignored"):
        told["type"] = session.type
    if event in ("ignored", "error", "timeout"):
        told["reason"] = str(dhcp.reason)
    if event == "informed":
        lease = session.informed
    if lease and event not in ("send", "recv", "ignored", "error"):
        told["ip"] = lease.ip
        told["mask"] = lease.mask
        told["gateway"] = lease.gateway
        told["dns"] = lease.dns
        told["server"] = dotted(lease.server)
        told["lease_time"] = _seconds(lease, lease.lease_time)
        told["t1"] = _seconds(lease, lease.t1)
        told["t2"] = _seconds(lease, lease.t2)
    print(json.dumps(told))


def _deaf():
    # One Ctrl-C is enough: the next must not disturb the RELEASE.
    if _VM:
        import micropython

        micropython.kbd_intr(-1)
    else:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run():
    try:
        dhcp.acquire((want["timeout"] or 1000000) * 1000)
        while not want["once"]:
            dhcp.poll(1000)
    except KeyboardInterrupt:
        _deaf()
        dhcp.release()
    except OSError as error:
        if not dhcp.reason:
            dhcp.reason = error
        return 1
    return 0


start = ticks_ms()
want = json.loads(sys.argv[1])
try:
    dhcp = dhcpc.Client(
        board.nic(want["iface"], want["apply"]),
        hostname=want["hostname"],
        store=want["store"] or Memory(),
        on_event=_tell,
        clock=ticks_ms,
        reuse=time.time if want["reuse"] else None,
    )
except (ValueError, OSError) as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit(2)
sys.exit(_run())
