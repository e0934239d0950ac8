"""A script in the MicroPython VM on a board's IP stack: lwIP with MicroPython's options, on a TAP
of the lab's switch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from testbed.network import CLIENT_MAC, Network
from testbed.process import LabError, wait_for
from testbed.tap import REMEDY
from toolchain import lwip, vm
from toolchain.cli import Unavailable

_SHIM = vm.ROOT / "host_tests/lwip_shim"

# The TAP takes the place of the client's cable, name and all.
_TAP = ("ip tuntap add client mode tap", "ip link set client master switch up")

# A second one is on a switch of its own.
_SECOND = "wire"
_SECOND_MAC = "02:00:00:00:00:02"
_SWITCH = "second"
_SECOND_SWITCH = (
    f"ip link add {_SWITCH} type bridge forward_delay 0",
    f"ip link set {_SWITCH} up",
)
_SECOND_TAP = (
    f"ip tuntap add {_SECOND} mode tap",
    f"ip link set {_SECOND} master {_SWITCH} up",
)
_SECOND_CABLE = (
    f"ip link add {_SECOND} type veth peer name eth1 address {_SECOND_MAC} netns client",
    f"ip link set {_SECOND} master {_SWITCH} up",
    "ip -n client link set eth1 up",
)

_PREAMBLE = """
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


def plug_board(net: Network) -> None:
    """Put a TAP in the place of the client of an open lab. Unavailable: there can be none."""
    net.remove_host("client")
    try:
        for command in _TAP:
            net.run(command.split(), host="switch")
    except LabError as error:
        raise Unavailable(f"no TAP for lwIP here: {REMEDY}: {error}") from None


def plug_second(net: Network, *, tap: bool = True) -> None:
    """Put another TAP on a switch of its own, for the cable of a board with two NICs; or, if the
    client is a host, its eth1.
    """
    for command in _SECOND_SWITCH + (_SECOND_TAP if tap else _SECOND_CABLE):
        net.run(command.split(), host="switch")


def move_to_second(net: Network, host: str) -> None:
    """Move a host, servers included, to the second switch."""
    net.run(["ip", "link", "set", host, "master", _SWITCH], host="switch")


class Board:
    """A script in the VM on a board's stack, on the TAP of a lab; a context manager. two: a board
    that has the second TAP as its cable, too.
    """

    def __init__(self, net: Network, port: str, script: str, *, two: bool = False) -> None:
        machine = vm.vms()["vm64"]
        path = f"MICROPYPATH={machine.env(_SHIM)['MICROPYPATH']}"
        command = machine.command(_PREAMBLE + script)
        stack: list[str | Path] = [
            "env",
            path,
            lwip.build(port),
            f"client,{_SECOND}" if two else "client",
            f"{CLIENT_MAC},{_SECOND_MAC}" if two else CLIENT_MAC,
            *command,
        ]
        self.process = net.start(stack, host="switch")

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """All that it printed."""
        return self.process.said()

    def told(self) -> list[Any]:
        """What the script has told so far."""
        return [json.loads(line) for line in self.process.lines() if line.startswith("[")]

    def wait(self, count: int) -> Any:
        """Wait for the `count`th that it tells, and return that."""

        def done() -> bool:
            assert self.process.poll() is None or len(self.told()) >= count, self.said()
            return len(self.told()) >= count

        wait_for(done, f"word {count} of the board")
        return self.told()[count - 1]

    def end(self) -> list[Any]:
        """Wait until the script has ended well, and return what it told."""
        try:
            wait_for(lambda: self.process.poll() is not None, "end of the script")
        except LabError as error:
            raise LabError(f"{error}\n{self.said()}") from None
        assert self.process.wait() == 0, self.said()
        return self.told()
