"""The part of tools/bench.py that runs on the client's host in the lab: starts the VM again and
again, and watches the wire.

usage: bench_lab.py FILE, of JSON with the keys rounds, ways ({name: {command: the VM's, path: its
MICROPYPATH}}), store, fresh (the name of the way that is to find no store). Prints {name: [a
Sample for each round]}.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, TypedDict

# The wheel's VM is an extension module of CPython, whose own start no board knows: so it is loaded
# here, once, and a fork runs it. Another VM is a program of its own.
_wheel: Any = None
with contextlib.suppress(ImportError):
    _wheel = importlib.import_module("micropython_unix")

_ETH_P_ALL = 3
_PACKET_OUTGOING = 4
_SO_TIMESTAMPNS = 35
_UDP_TO_SERVER = b"\0\x44\0\x43"  # ports 68, 67


class Sample(TypedDict):
    """One start of the VM."""

    packets: int
    first: float | None  # ms from the start until the first packet left, if one did
    address: float  # ms from the start until the interface was given one


class Tap:
    """What leaves by eth0, with the kernel's time stamps."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sock.bind(("eth0", _ETH_P_ALL))
        self._sock.setblocking(False)

    def sent(self) -> list[int]:
        """When each message since the last call left, ns since 1970."""
        times: list[int] = []
        while True:
            try:
                frame, stamps, _, address = self._sock.recvmsg(2048, 64)
            except BlockingIOError:
                return times
            if address[2] == _PACKET_OUTGOING and frame[34:38] == _UDP_TO_SERVER:
                seconds, ns = struct.unpack("@ll", stamps[0][2])
                times.append(seconds * 10**9 + ns)


def start(command: list[str], tap: Tap) -> Sample:
    """Run the VM once; it prints when it has got an address, in ns since 1970."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:  # the last thing before the VM is to look at the clock
        try:
            os.dup2(writer, 1)
            os.write(1, b"%d\n" % time.time_ns())
            if _wheel:
                _wheel.run_main(command)
            else:
                os.execv(command[0], command)
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as output:
        said = output.read()
    os.waitpid(pid, 0)
    begin, *end = said.split()
    if len(end) != 1:
        raise RuntimeError(f"the VM got no address: {' '.join(end)}")
    sent = tap.sent()
    return Sample(
        packets=len(sent),
        first=(sent[0] - int(begin)) / 1e6 if sent else None,
        address=(int(end[0]) - int(begin)) / 1e6,
    )


def main() -> None:
    want = json.loads(Path(sys.argv[1]).read_text())
    tap = Tap()
    samples: dict[str, list[Sample]] = {name: [] for name in want["ways"]}
    for _ in range(want["rounds"]):
        for name, way in want["ways"].items():
            os.environ["MICROPYPATH"] = way["path"]
            if name == want["fresh"]:
                Path(want["store"]).unlink(missing_ok=True)
            samples[name].append(start(way["command"], tap))
    print(json.dumps(samples))


if __name__ == "__main__":
    main()
