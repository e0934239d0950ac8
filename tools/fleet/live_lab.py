"""The part of tools/lab.py fleet that runs on the client's host in the lab: sessions of the
firmware, each with a MAC of its own, over one packet socket.

usage: live_lab.py BOARDS. Prints {"seconds": [...], "leases": {MAC: address}, "sent": packets}.
"""

from __future__ import annotations

import heapq
import json
import random
import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware"))

from dhcpc import Session, frame

_PATIENCE_S = 50  # of a minute that the lab waits for anything
_TOGETHER_MS = 100  # in which all begin
_IP = 0x0800
_SO_RCVBUFFORCE = 33
_ROOM = 8 << 20  # bytes of replies: it is the server's queue that is to be met, not this one's
_HEAD = 42  # of a frame, before the message
_TO_CLIENT = b"\0\x43\0\x44"  # ports 67, 68
_BOUND = 6


def main() -> None:
    boards = _Boards(int(sys.argv[1]))
    boards.run()
    found = {"seconds": sorted(boards.seconds), "leases": boards.leases, "sent": boards.sent}
    print(json.dumps(found))


class _Boards:
    """Their sessions, on one socket. seconds: in how many each had its lease; leases: the address
    of each MAC; sent: packets."""

    def __init__(self, number: int) -> None:
        self.leases: dict[str, str] = {}
        self.seconds: list[float] = []
        self.sent = 0
        self._sock = _socket()
        self._buf = bytearray(_HEAD + 570)
        self._message = memoryview(self._buf)[_HEAD:]
        self._start = time.monotonic()
        self._sessions: dict[bytes, Session] = {}
        self._calls: list[tuple[int, bytes]] = []  # (ms, MAC)
        for each in range(number):
            mac = b"\2\x77" + each.to_bytes(4, "big")
            session = Session(mac, b"\x3d\x07\x01" + mac, random.getrandbits)
            session.step(0)
            session.start(random.randrange(_TOGETHER_MS))
            self._sessions[mac] = session
            heapq.heappush(self._calls, (session.wait, mac))

    def run(self) -> None:
        """Until all have a lease, or patience ends."""
        while len(self.leases) < len(self._sessions) and self._now() < _PATIENCE_S * 1000:
            wait = max(self._calls[0][0] - self._now(), 0) / 1000 if self._calls else 1
            if select.select([self._sock], [], [], min(wait, 1))[0]:
                self._read(self._sock.recv(2048))
            else:
                self._call()

    def _now(self) -> int:
        return int((time.monotonic() - self._start) * 1000)

    def _read(self, data: bytes) -> None:
        mac = data[_HEAD + 28 : _HEAD + 34]
        if data[34:38] != _TO_CLIENT or mac not in self._sessions:
            return
        session = self._sessions[mac]
        event = session.read(data[_HEAD:])
        if event == "bound" and session.lease:
            self.leases[mac.hex(":")] = session.lease.ip
            self.seconds.append(self._now() / 1000)
        elif event == "recv":
            self._step(mac)

    def _call(self) -> None:
        while self._calls and self._calls[0][0] <= self._now():
            _, mac = heapq.heappop(self._calls)
            if self._sessions[mac].state != _BOUND:
                self._step(mac)

    def _step(self, mac: bytes) -> None:
        session = self._sessions[mac]
        while event := session.step(self._now()):
            if event == "send":
                size = session.write(self._message, 0)
                frame(self._buf, size, mac)
                self._sock.send(self._buf[: _HEAD + size])
                self.sent += 1
        if session.state != _BOUND:
            heapq.heappush(self._calls, (self._now() + session.wait, mac))


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IP))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
    except PermissionError:  # only the machine's root may
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    sock.bind(("eth0", _IP))
    sock.setblocking(False)
    return sock


if __name__ == "__main__":
    main()
