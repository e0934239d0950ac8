"""A board's IP stack, lwIP with MicroPython's options, on a TAP of the lab's switch: what the
modules test_lwip_*.py stand on."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.utils import PcapReader

from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.process import LabError, wait_for
from testbed.tap import REMEDY
from testbed.wire import Capture
from toolchain import lwip, vm
from toolchain.cli import Unavailable

SHIM = vm.ROOT / "host_tests/lwip_shim"
ADDRESS = "192.0.2.77"
PEER = "192.0.2.9"

# The TAP takes the place of the client's cable, name and all.
TAP = ("ip tuntap add client mode tap", "ip link set client master switch up")

PREAMBLE = """
import errno, json, os, select, socket, sys, time
import network

# By these names the firmware looks past all files, and so past the stack's socket and select.
sys.modules["usocket"] = socket
sys.modules["uselect"] = select

NONE = ("0.0.0.0",) * 4

def tell(*what):
    print(json.dumps(what))

def fault(call, *args):
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]

def udp(host="0.0.0.0", port=68):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, port))
    return sock

def silence():
    try:
        nic.ifconfig(NONE)
    except RuntimeError:  # ESP32, when all is done
        pass

def ready():  # for what the test sends meanwhile
    tell("ready")
    while fault(os.stat, "/run/lab/go"):
        time.sleep(0.01)

def heard(sock):
    sock.settimeout(0.1)
    data = []
    while fault(lambda: data.append(sock.recv(1500).decode())) is None:
        pass
    return data

nic = network.WLAN()
"""

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


def board_lab(net: Lab) -> None:
    """Put a TAP in the place of the client of an open lab. Unavailable: there can be none."""
    net.remove_host("client")
    try:
        for command in TAP:
            net.run(command.split(), host="switch")
    except LabError as error:
        raise Unavailable(f"no TAP for lwIP here: {REMEDY}: {error}") from None


class Board:
    """A script in the VM on a board's stack, on the TAP of a lab; a context manager."""

    def __init__(self, net: Lab, port: str, script: str) -> None:
        machine = vm.vms()["vm64"]
        path = f"MICROPYPATH={machine.env(SHIM)['MICROPYPATH']}"
        command = machine.command(PREAMBLE + script)
        stack: list[str | Path] = [
            "env",
            path,
            lwip.build(port),
            "client",
            CLIENT_MAC,
            *command,
        ]
        self._process = net.start(stack, host="switch")

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def told(self) -> list[Any]:
        """What the script has told so far."""
        lines = self._process.said().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("[")]

    def wait(self, count: int) -> Any:
        """Wait for the `count`th that it tells, and return that."""

        def done() -> bool:
            assert self._process.poll() is None or len(self.told()) >= count, self._process.said()
            return len(self.told()) >= count

        wait_for(done, f"word {count} of the board")
        return self.told()[count - 1]

    def end(self) -> list[Any]:
        """Wait until the script has ended well, and return what it told."""
        try:
            wait_for(lambda: self._process.poll() is not None, "end of the script")
        except LabError as error:
            pytest.fail(f"{error}\n{self._process.said()}")
        assert self._process.wait() == 0, self._process.said()
        return self.told()


def frames(wire: Capture) -> list[Any]:
    """The DHCP packets so far, as scapy reads them."""
    return list(PcapReader(io.BytesIO(wire.pcap())))


def payloads(wire: Capture) -> list[tuple[str, bytes]]:
    """The source address and the payload of each of them."""
    return [(frame[IP].src, bytes(frame[UDP].payload)) for frame in frames(wire)]


def answers(net: Lab, port: str, script: str) -> list[Any]:
    """Run a script on a board to its end; what it told."""
    with Board(net, port, script) as board:
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
