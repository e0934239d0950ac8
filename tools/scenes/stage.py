"""Where the acts of tools/demo.py take place: the board in its VM, its flash, and a network with a
server. Knows how they are run, and not what should happen.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from littlefs import LittleFS, LittleFSError, UserContext

from scenes.server import ALL, Message, Server
from toolchain import vm
from toolchain.cli import Refusal

HOST = "127.0.0.1"
MAC = bytes.fromhex("00005e005301")  # for documentation: RFC 7042 2.1.2
STORE = "/dhcpc.lease"  # where the client keeps its lease unless told otherwise
BLOCK = 4096  # bytes, as on the boards
BLOCKS = 16
TIMEOUT_S = 2  # for a lease
SLACK_S = 1  # for what is no part of the protocol

_HOSTNAME = "greenhouse-3"
# The VM is there, and waits, when the power is switched on: its own start is none of a board's.
_BOOT = """
import sys
print('{"vm": "%d.%d.%d"}' % sys.implementation.version[:3])
sys.stdin.readline()
import scenes.board_vm
"""


@dataclass
class Packet:
    """A message that went over the sockets."""

    at: float  # seconds since power-on
    message: Message
    to: IPv4Address
    sent: bool  # by the client


@dataclass
class Act:
    """What happened until the application had something to show."""

    packets: list[Packet] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)  # the client's, and its state then
    seen: dict[str, str] = field(default_factory=dict)  # expressions, and their values
    trouble: list[str] = field(default_factory=list)


class Stage:
    """The board and the server, until `close`."""

    def __init__(self, machine: vm.VM, server: Server, directory: Path) -> None:
        self.machine = machine
        self.server = server
        self.flash = directory / "flash.bin"
        self.flash.write_bytes(b"\xff" * BLOCK * BLOCKS)
        self.everyone = _socket()  # gets what is sent to 255.255.255.255
        self.host = _socket()  # gets what is sent to the server's address
        with _socket() as free:
            self.client_port = port(free)
        self.process: subprocess.Popen[bytes] | None = None
        self.version = ""
        self.began = 0.0

    def on(self) -> None:
        """Power on. The board knows nothing but what is in its flash."""
        wanted = {
            "flash": str(self.flash),
            "block": BLOCK,
            "mac": list(MAC),
            "server": list(self.server.address.packed),
            "host": HOST,
            "everyone_port": port(self.everyone),
            "server_port": port(self.host),
            "client_port": self.client_port,
            "hostname": _HOSTNAME,
            "timeout_ms": TIMEOUT_S * 1000,
        }
        self.process = subprocess.Popen(
            self.machine.command(_BOOT, json.dumps(wanted)),
            env=self.machine.env(Path(__file__).parents[1]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout
        self.said = b""
        self.waits = False  # for us to have seen what it shows
        trouble = self.act().trouble
        if trouble:
            raise Refusal("\n".join(trouble))
        self.began = time.monotonic()

    def off(self) -> None:
        """Power off, whatever the board is doing."""
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def close(self) -> None:
        """Power off, and no network any more."""
        self.off()
        self.everyone.close()
        self.host.close()

    def act(self, seconds: float = TIMEOUT_S) -> Act:
        """Go on until the application has something to show; for about `seconds` at most."""
        act = Act()
        if self.waits:
            self.waits = False
            with contextlib.suppress(BrokenPipeError):
                self.input.write(b"\n")
        end = time.monotonic() + seconds + SLACK_S
        with selectors.DefaultSelector() as selector:
            for source in (self.output, self.everyone, self.host):
                selector.register(source, selectors.EVENT_READ)
            over = False
            while not over:
                ready = selector.select(max(0, end - time.monotonic()))
                for key, _ in ready:
                    if key.fileobj is self.output:
                        over = self._hear(act)
                    else:
                        self._serve(key.fileobj is self.everyone, act)
                if not ready:
                    act.trouble.append("the application had nothing to show in time")
                    over = True
            selector.unregister(self.output)
            for key, _ in selector.select(0):  # what was sent just before
                self._serve(key.fileobj is self.everyone, act)
        return act

    def record(self) -> bytes:
        """The lease in flash, read without the VM; b"" if there is none."""
        image = UserContext(buffer=bytearray(self.flash.read_bytes()))
        try:
            files = LittleFS(image, block_size=BLOCK, block_count=BLOCKS, cache_size=BLOCK)
            with files.open(STORE, "rb") as file:
                return bytes(file.read())
        except (LittleFSError, FileNotFoundError):
            return b""

    def _hear(self, act: Act) -> bool:
        # What the VM prints; return whether the act is over.
        data = os.read(self.output.fileno(), 65536)
        if not data:
            act.trouble.append("the VM has ended")
            return True
        *lines, self.said = (self.said + data).split(b"\n")
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                told = None
            match told:
                case {"event": event, "state": state}:
                    act.events.append((event, state))
                case {"vm": version}:
                    self.version = version
                    self.waits = True
                case {"seen": seen}:
                    act.seen = dict(seen)
                    self.waits = True
                case {"error": error}:
                    act.trouble.append(f"the client gives up: {error}")
                    return True
                case _:
                    act.trouble.append(line.decode(errors="replace"))
        return self.waits

    def _serve(self, to_all: bool, act: Act) -> None:
        data = (self.everyone if to_all else self.host).recv(2048)
        now = time.monotonic()
        try:
            message = Message(data)
        except ValueError as error:
            act.trouble.append(f"the server cannot read what came: {error}")
            return
        to = ALL if to_all else self.server.address
        act.packets.append(Packet(now - self.began, message, to, sent=True))
        reply = self.server.handle(message, now)
        if reply:
            at = time.monotonic() - self.began
            self.host.sendto(reply.data, (HOST, self.client_port))
            act.packets.append(Packet(at, Message(reply.data), reply.to, sent=False))


def port(sock: socket.socket) -> int:
    """The port that a socket is bound to."""
    number: int = sock.getsockname()[1]
    return number


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return sock
