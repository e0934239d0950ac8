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
    boards = int(sys.argv[1])
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IP))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
    except PermissionError:  # only the machine's root may
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    sock.bind(("eth0", _IP))
    sock.setblocking(False)
    buf = bytearray(_HEAD + 570)
    message = memoryview(buf)[_HEAD:]
    start = time.monotonic()

    def now() -> int:
        return int((time.monotonic() - start) * 1000)

    sessions: dict[bytes, Session] = {}
    calls: list[tuple[int, bytes]] = []
    for number in range(boards):
        mac = b"\2\x77" + number.to_bytes(4, "big")
        sessions[mac] = session = Session(mac, b"\x3d\x07\x01" + mac, random.getrandbits)
        session.step(0)
        session.start(random.randrange(_TOGETHER_MS))
        heapq.heappush(calls, (session.wait, mac))
    leases: dict[str, str] = {}
    seconds: list[float] = []
    sent = 0

    def step(mac: bytes) -> None:
        nonlocal sent
        session = sessions[mac]
        while event := session.step(now()):
            if event == "send":
                size = session.write(message, 0)
                frame(buf, size, mac)
                sock.send(buf[: _HEAD + size])
                sent += 1
        if session.state != _BOUND:
            heapq.heappush(calls, (now() + session.wait, mac))

    while len(leases) < boards and now() < _PATIENCE_S * 1000:
        wait = max(calls[0][0] - now(), 0) / 1000 if calls else 1
        if select.select([sock], [], [], min(wait, 1))[0]:
            data = sock.recv(2048)
            mac = data[_HEAD + 28 : _HEAD + 34]
            if data[34:38] != _TO_CLIENT or mac not in sessions:
                continue
            session = sessions[mac]
            event = session.read(data[_HEAD:])
            if event == "bound" and session.lease:
                leases[mac.hex(":")] = session.lease.ip
                seconds.append(now() / 1000)
            elif event == "recv":
                step(mac)
        else:
            while calls and calls[0][0] <= now():
                _, mac = heapq.heappop(calls)
                session = sessions[mac]
                if session.state != _BOUND:
                    step(mac)
    print(json.dumps({"seconds": sorted(seconds), "leases": leases, "sent": sent}))


if __name__ == "__main__":
    main()
