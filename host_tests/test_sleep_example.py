"""The sensor that sleeps, in the MicroPython VM: from a deep sleep there wakes a new VM, which has
the RTC's memory and the flash of the one before. Its server is the demo's, on 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scenes.server import LEASE_TIME, T1, T2, Message, Server
from toolchain import vm

EXAMPLE = vm.FIRMWARE / "examples/sensor.py"
VM = vm.vms()["vm64"]
HOST = "127.0.0.1"
BLOCK, BLOCKS = 4096, 16
LEASE_S = 3600
SLEEP_S = 300  # the example's
PATIENCE_S = 30
POWER_ON, DEEP_SLEEP = 1, 4  # machine.reset_cause()

pytestmark = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")

# What a board's firmware and its other hardware are here.
BOARD = """
import json, select, socket, sys, time
import dhcpc.sleep
from dhcpc import Link
from device.virtual_vm import Flash, mount

want = json.loads(sys.stdin.readline())
_AF_INET, _SOCK_DGRAM = 2, 2


class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = range(1, 6)

    class RTC:
        if want["memory"] is not None:
            data = bytes.fromhex(want["memory"])

            def memory(self, data=None):
                if data is None:
                    return self.data
                Machine.RTC.data = data

    def reset_cause(self):
        return want["cause"]

    def deepsleep(self, ms):
        memory = self.RTC.data.hex() if hasattr(self.RTC, "memory") else None
        print(json.dumps({"slept": ms, "memory": memory, "address": nic.address}))
        sys.exit()


class Time:
    def time(self):
        return want["rtc"] + time.ticks_ms() // 1000 - began


class Nic(Link):
    hostname = "sensor"
    mac = b"\\0\\0\\x5e\\0\\x53\\1"
    address = ssid = None

    def connect(self, ssid, key):
        self.ssid = ssid

    def up(self):
        return self.ssid

    def error(self):
        pass

    def key(self):
        return self.ssid.encode()

    def open(self):
        if not self.sock:
            self.sock = socket.socket(_AF_INET, _SOCK_DGRAM)
            self.sock.bind(address(want["client"]))
            self.poll.register(self.sock, select.POLLIN)

    def send(self, size, server):
        self.open()
        self.sock.sendto(self.buf[:size], address(want["server" if server else "everyone"]))

    def apply(self, lease):
        self.address = lease and lease.ip


class Board:
    def nic(self):
        return nic


def address(port):
    return socket.getaddrinfo("127.0.0.1", port)[0][-1]


began = time.ticks_ms() // 1000
nic = Nic(None)
dhcpc.sleep.utime = Time()
sys.modules["machine"] = Machine()
sys.modules["board"] = Board()
mount(Flash(want["flash"], 4096))
with open("/dhcpc.json", "w") as f:
    f.write('{"ssid": "greenhouse"}')
exec(want["example"], {"__name__": "__main__"})
"""


class Wake(NamedTuple):
    """What a board did until it slept: types of messages, those for the server alone in lower
    case; datagrams of the sensor; what the board printed; the address in use at the end."""

    sent: list[str]
    told: list[bytes]
    said: list[str]
    address: str | None


class Board:
    """memory: whether its RTC has one. seconds: since power-on."""

    def __init__(self, flash: Path, *, memory: bool) -> None:
        self.flash = flash
        flash.write_bytes(b"\xff" * BLOCK * BLOCKS)
        self.has_memory = memory
        self.server: Server | None = Server()
        self.server.options[LEASE_TIME] = ("lease_time", LEASE_S)
        self.server.options[T1] = ("renewal_time", LEASE_S // 2)
        self.server.options[T2] = ("rebinding_time", LEASE_S // 8 * 7)
        self.server.lease_time = LEASE_S
        self.slept = 0
        self.power_on()
        self.everyone, self.host, self.collector = (_socket() for _ in range(3))
        with _socket() as free:
            self.port = free.getsockname()[1]

    def power_on(self) -> None:
        """Power was away."""
        self.rtc = 0
        self.memory = "" if self.has_memory else None
        self.cause = POWER_ON

    def close(self) -> None:
        for sock in (self.everyone, self.host, self.collector):
            sock.close()

    def wake(self) -> Wake:
        """Run the example until it sleeps, and let the time go by that it sleeps for."""
        began = time.monotonic()
        source = EXAMPLE.read_text()
        collector = f'"{HOST}", {self.collector.getsockname()[1]}'
        for old, new in (
            ('"192.0.2.1", 5000', collector),
            ("TIMEOUT_MS = 10_000", "TIMEOUT_MS = 1_500"),
        ):
            assert source.count(old) == 1
            source = source.replace(old, new)
        want = {
            "example": source,
            "memory": self.memory,
            "cause": self.cause,
            "rtc": self.rtc,
            "flash": str(self.flash),
            "client": self.port,
            "everyone": self.everyone.getsockname()[1],
            "server": self.host.getsockname()[1],
        }
        process = subprocess.Popen(
            VM.command(BOARD),
            env=VM.env(vm.ROOT / "tools"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        assert process.stdin
        process.stdin.write(json.dumps(want).encode() + b"\n")
        try:
            sent, told, output = self._serve(process, began)
        finally:
            process.kill()
            process.communicate()
        *said, last = output.decode().splitlines()
        assert last.startswith("{"), output.decode()
        end = json.loads(last)
        assert end["slept"] == SLEEP_S * 1000
        self.memory = end["memory"]
        self.cause = DEEP_SLEEP if self.has_memory else POWER_ON
        self.rtc += SLEEP_S + int(time.monotonic() - began)
        self.slept += SLEEP_S
        return Wake(sent, told, said, end["address"])

    def _serve(
        self, process: subprocess.Popen[bytes], began: float
    ) -> tuple[list[str], list[bytes], bytes]:
        sent, told, output = [], [], b""
        assert process.stdout
        with selectors.DefaultSelector() as selector:
            for source in (process.stdout, self.everyone, self.host, self.collector):
                selector.register(source, selectors.EVENT_READ)
            over = False
            while not over:
                ready = selector.select(began + PATIENCE_S - time.monotonic())
                assert ready, output.decode()
                for key, _ in ready:
                    if key.fileobj is process.stdout:
                        data = process.stdout.read(65536)
                        output += data
                        over = not data
                    elif key.fileobj is self.collector:
                        told.append(self.collector.recv(2048))
                    else:
                        to_all = key.fileobj is self.everyone
                        message = Message((self.everyone if to_all else self.host).recv(2048))
                        sent.append(message.type if to_all else message.type.lower())
                        self._answer(message)
            while selector.get_map() and (rest := self._rest()):
                told.append(rest)
        return sent, told, output

    def _rest(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return self.collector.recv(2048, socket.MSG_DONTWAIT)
        return b""

    def _answer(self, message: Message) -> None:
        if self.server:
            reply = self.server.handle(message, time.monotonic() + self.slept)
            if reply:
                self.host.sendto(reply.data, (HOST, self.port))


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return sock


@pytest.fixture
def esp32(tmp_path: Path) -> Iterator[Board]:
    with contextlib.closing(Board(tmp_path / "flash", memory=True)) as board:
        yield board


@pytest.fixture
def rp2(tmp_path: Path) -> Iterator[Board]:
    with contextlib.closing(Board(tmp_path / "flash", memory=False)) as board:
        yield board


def is_at_work(wake: Wake) -> bool:
    """Whether it told its one reading, with an address and without a word."""
    return len(wake.told) == 1 and wake.address == "192.0.2.100" and not wake.said


@pytest.mark.rfc("2131 4.4.5 renewing-at-t1")
def test_esp32_sends_no_dhcp_packet_until_t1(esp32: Board) -> None:
    wakes = [esp32.wake() for _ in range(LEASE_S // 2 // SLEEP_S + 3)]
    assert all(map(is_at_work, wakes)), wakes
    sent = [wake.sent for wake in wakes]
    assert sent[0] == ["DISCOVER", "REQUEST"]
    (renewal,) = [i for i, types in enumerate(sent) if types == ["request"]]
    assert renewal in (LEASE_S // 2 // SLEEP_S - 1, LEASE_S // 2 // SLEEP_S)
    assert [types for i, types in enumerate(sent) if i not in (0, renewal)] == [[]] * 7


def test_esp32_writes_nothing_to_flash(esp32: Board) -> None:
    esp32.wake()
    flash = esp32.flash.read_bytes()
    assert b"\xc0\0\2\x64" not in flash


def test_esp32_starts_over_after_a_power_cut(esp32: Board) -> None:
    esp32.wake()
    esp32.power_on()
    assert esp32.wake().sent == ["DISCOVER", "REQUEST"]


@pytest.mark.rfc("2131 3.7 verified-after-boot")
def test_rp2_sends_one_request_at_each_wake(rp2: Board) -> None:
    wakes = [rp2.wake() for _ in range(3)]
    assert all(map(is_at_work, wakes)), wakes
    assert [wake.sent for wake in wakes] == [["DISCOVER", "REQUEST"], ["REQUEST"], ["REQUEST"]]


def test_without_a_server_a_board_says_so_and_sleeps(rp2: Board) -> None:
    rp2.server = None
    wake = rp2.wake()
    assert "ETIMEDOUT" in wake.said[0]
    assert not wake.told


def test_esp32_tells_its_reading_while_the_server_is_away(esp32: Board) -> None:
    esp32.wake()
    esp32.server = None
    for _ in range(3):
        wake = esp32.wake()
        assert is_at_work(wake)
        assert wake.sent == []
