"""The part of tools/netup.py that runs in the MicroPython VM, or under CPython: prints one JSON
object for each event.

The first line of standard input is JSON with the keys iface, once, store, hostname, timeout
(seconds, 0: for ever), reuse, apply, resolver, probe, words (a file for what ip(8) says). It ends,
and gives the address back, when standard input does.
"""

import json
import select
import sys
import time
from binascii import hexlify

import board
import dhcpc
from dhcpc import Store, dotted
from dhcpc.conflicts import probe
from dhcpc.explain import why
from link import ticks_ms

_INFINITE = 0xFFFFFFFF
_LEASE_TIME = 51
_PAUSE_MS = 250  # after a fault, before what failed is tried again

_WALL_CLOCK = 1 << 32  # the kind of clock, as a record has it


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


class _Teller:
    """Prints events. `trouble`: whether the last one was a fault, and which."""

    trouble = None

    def tell(self, event, lease):
        """Print an event of the Client's, and before it what its link could not do; a fault that
        comes again and again, once.
        """
        link = dhcp.link
        if link.failed:
            self._print("error", reason=link.failed)
            link.failed = None
        if event == "error":
            fault = _words(dhcp.reason)
            if fault != self.trouble:
                self._print(event, reason=fault)
            self.trouble = fault
            return
        self.trouble = None
        told = {}
        if event in ("send", "recv", "ignored"):
            told["type"] = dhcp.session.type
        elif lease:
            told = _lease(lease)
        if event == "ignored":
            told["reason"] = dhcp.session.reason
        if event in ("timeout", "nak", "declined"):
            told["reason"] = _words(dhcp.reason)
        self._print(event, **told)

    def _print(self, event, **told):
        told["event"] = event
        told["state"] = dhcp.state
        told["t_ms"] = ticks_ms() - start
        try:
            print(json.dumps(told))
        except OSError:
            pass  # nobody reads it any more; standard input has ended, too


def _words(reason):
    # As both Pythons say it; in words of the kernel's it is put by who reads it.
    if isinstance(reason, OSError) and isinstance(reason.args[0], int):
        return "[Errno %d]" % reason.args[0]
    if isinstance(reason, Exception):
        return str(reason)
    return "; ".join([words for words in why(reason) if words])


def _lease(lease):
    told = {"ip": lease.ip, "mask": lease.mask, "dns": lease.dns}
    told["gateway"] = lease.gateway if lease.gateway != "0.0.0.0" else None
    told["server"] = dotted(lease.server, 0) if any(lease.server) else None
    told["lease_time"] = lease.lease_time
    told["t1"] = lease.t1
    told["t2"] = lease.t2
    message = lease.message()
    told["options"] = [
        [code, hexlify(message.option(code)).decode()]
        for code in range(1, 255)
        if message.index[code]
    ]
    if lease.remaining() is None:  # what counts as for ever in the firmware is told as it came
        i = message.find(_LEASE_TIME, 4)
        whole = int.from_bytes(lease.ack[i : i + 4], "big")
        told["lease_time"] = whole
        told["t1"] = whole if whole == _INFINITE else whole // 2
        told["t2"] = whole if whole == _INFINITE else whole // 8 * 7
    return told


class _Stop(Exception):
    pass


def _heed():
    # Whoever started this closes our standard input to have the lease given back; a signal might
    # come between any two instructions.
    for _ in stop.poll(_PAUSE_MS if teller.trouble else 0):
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
        return 1 if dhcp.link.applied else 0
    except OSError:
        teller.tell("timeout", None)
        return 1
    except BaseException:
        dhcp.link.apply(None)  # the machine is left as it was found
        raise
    return 0


stop = select.poll()
stop.register(sys.stdin, select.POLLIN)
start = ticks_ms()
want = json.loads(sys.stdin.readline())
teller = _Teller()
try:
    store = board.store(want["store"]) if want["store"] else Memory()
    store.epoch = lambda: _WALL_CLOCK + int(time.time())
    dhcp = dhcpc.Client(
        board.nic(
            want["iface"],
            apply=want["apply"],
            resolver=want["resolver"],
            words=want["words"],
        ),
        hostname=want["hostname"] or "",
        store=store,
        on_event=teller.tell,
        clock=ticks_ms,
        reuse=want["reuse"],
    )
    if want["probe"]:
        probe(dhcp)
except (ValueError, OSError) as error:
    print(json.dumps({"refused": _words(error)}))
    sys.exit(2 if isinstance(error, ValueError) else 1)
sys.exit(_run())
