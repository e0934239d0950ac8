"""A board on the lab's switch, and a peer beside it: what the modules test_lwip_*.py stand on."""

from __future__ import annotations

import io
import sys
from typing import Any

from scapy.layers.inet import IP, UDP
from scapy.utils import PcapReader

from testbed.board import Board
from testbed.lab import Lab
from testbed.wire import Capture

ADDRESS = "192.0.2.77"
PEER = "192.0.2.9"

# Sends datagrams to port 68, from port 67: each argument but the first is a payload.
SENDER = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sock.bind(("", 67))
for payload in sys.argv[2:]:
    sock.sendto(payload.encode(), (sys.argv[1], 68))
"""

# Up, but without an address
UNADDRESSED = """
nic.active(True)
silence()
nic.connect("lab")
sock = udp()
"""


def frames(wire: Capture) -> list[Any]:
    """The DHCP packets so far, as scapy reads them."""
    return list(PcapReader(io.BytesIO(wire.pcap())))


def payloads(wire: Capture) -> list[tuple[str, bytes]]:
    """The source address and the payload of each of them."""
    return [(frame[IP].src, bytes(frame[UDP].payload)) for frame in frames(wire)]


def answers(net: Lab, port: str, script: str, *, two: bool = False) -> list[Any]:
    """Run a script on a board to its end; what it told."""
    with Board(net, port, script, two=two) as board:
        return board.end()


def send(net: Lab, to: str, *payloads: str) -> None:
    """Have the peer send datagrams to port 68."""
    net.run([sys.executable, "-c", SENDER, to, *payloads], host="peer")


def told_of(net: Lab, port: str, script: str, *datagrams: tuple[str, ...]) -> list[Any]:
    """Run a script that calls `ready`, and send datagrams (to, payload, ...) then; what it told
    after that."""
    go = net.outside(Lab.dir / "go")
    go.unlink(missing_ok=True)
    with Board(net, port, script) as board:
        board.wait(1)
        for to, *texts in datagrams:
            send(net, to, *texts)
        go.touch()
        return board.end()[1:]
