"""The emulated Pico W: what tools/emulate.py adds to rp2040py, shown with programs of a few
instructions; and, where there is an image of MicroPython for it, the whole proof."""

from __future__ import annotations

import importlib.metadata
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rp2040py.boards import BOARDS
from rp2040py.device.base_device import BaseDevice
from rp2040py.external.cyw43 import bus as cyw43
from rp2040py.rp2040 import RP2040
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import emulate
import images
from emulator.image import IMAGE, VERSION, find_image
from emulator.pico_w import JOIN_S, TICK_S, Bus, Chip, PicoW
from emulator.proof import prove
from testbed.lab import Lab
from testbed.process import PATIENCE_S, LabError, wait_for
from testbed.tap import plugged
from toolchain import vm
from toolchain.cli import Unavailable

MAC = bytes.fromhex("001018000002")
OTHER = bytes.fromhex("020000000009")
ALL = b"\xff" * 6
GROUP = bytes.fromhex("01005e0000fb")
SERIAL = 2  # an endpoint

# Thumb code. wfi; b .-2
IDLE = struct.pack("<2H", 0xBF30, 0xE7FD)
# b .
BUSY = struct.pack("<H", 0xE7FE)
# Adds 1 to the first word of SRAM, and sets TRIGGER in the watchdog's CTRL unless it is now 3.
RESETS_TWICE = struct.pack(
    "<12H3I",
    0x4805,  # ldr r0, =SRAM
    0x6801,  # ldr r1, [r0]
    0x3101,  # adds r1, #1
    0x6001,  # str r1, [r0]
    0x2903,  # cmp r1, #3
    0xD003,  # beq end
    0x4A03,  # ldr r2, =CTRL
    0x4B04,  # ldr r3, =TRIGGER
    0x6013,  # str r3, [r2]
    0xE7FE,  # b .
    0xE7FE,  # end: b .
    0xBF00,
    0x2000_0000,
    0x4005_8000,
    0x8000_0000,
)


@pytest.fixture
def air() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TAP's two ends: the emulator's, and what stands for the network."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def pico(tmp_path: Path, air: tuple[socket.socket, socket.socket]) -> PicoW:
    """A Pico W that idles."""
    return make(tmp_path, air[0], IDLE)


def make(directory: Path, tap: socket.socket, program: bytes, littlefs: bytes = b"") -> PicoW:
    image = directory / "program.uf2"
    image.write_bytes(images.uf2(program))
    return PicoW(image, tap.fileno(), littlefs)


# The Wi-Fi chip


def sdpcm(kind: int, payload: bytes) -> bytes:
    """What cyw43-driver writes to the chip, before it is padded."""
    size = cyw43.SDPCM_HEADER_LEN + len(payload)
    return struct.pack("<2HBB6x", size, size ^ 0xFFFF, 0, kind) + payload


def write(bus: Bus, data: bytes) -> None:
    """Write whole words, the last filled up with what must not go further."""
    data += b"\xee" * (-len(data) % 4)
    bus.write_register(cyw43.WLAN_FUNCTION, 0, len(data), int.from_bytes(data, "little"))


def command(bus: Bus, number: int) -> None:
    write(bus, sdpcm(cyw43.CONTROL_HEADER, struct.pack("<4I", number, 0, 0, 0)))


def send(bus: Bus, frame: bytes) -> None:
    write(bus, sdpcm(cyw43.DATA_HEADER, bytes(2 + cyw43.BDC_HEADER_LEN) + frame))


def received(bus: Bus) -> list[bytes]:
    """The Ethernet frames that wait in the chip; reads all that does."""
    frames: list[bytes] = []
    while True:
        status = bus.read_register(cyw43.BUS_FUNCTION, cyw43.SPI_STATUS_REGISTER, 4)
        if not status & cyw43.STATUS_F2_PKT_AVAILABLE:
            return frames
        size = (status & cyw43.STATUS_F2_PKT_LEN_MASK) >> cyw43.STATUS_F2_PKT_LEN_SHIFT
        data = bus.read_register(cyw43.WLAN_FUNCTION, 0, size).to_bytes(size, "little")
        if data[5] == cyw43.DATA_HEADER:
            frames.append(data[cyw43.SDPCM_HEADER_LEN + 2 + cyw43.BDC_HEADER_LEN :])


class Wired:
    """The bus of a board, and the frames that came out of it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.bus = Bus(self.sent.append)
        Chip(self.bus).attach(RP2040())


@pytest.fixture
def wired() -> Wired:
    return Wired()


@pytest.mark.parametrize("size", [60, 61, 62, 63, 342])
def test_a_frame_leaves_without_what_the_bus_padded_it_with(wired: Wired, size: int) -> None:
    frame = (ALL + MAC + bytes(range(256)) * 2)[:size]
    command(wired.bus, cyw43.WLC_SET_SSID)
    send(wired.bus, frame)
    assert wired.sent == [frame]


def test_nothing_leaves_or_arrives_but_in_a_network(wired: Wired) -> None:
    bus, frame = wired.bus, ALL + MAC + bytes(48)

    def crossed() -> tuple[int, int]:
        wired.sent.clear()
        received(bus)
        send(bus, frame)
        bus.deliver(frame)
        return len(wired.sent), len(received(bus))

    assert crossed() == (0, 0)
    command(bus, cyw43.WLC_SET_SSID)
    assert crossed() == (1, 1)
    command(bus, cyw43.WLC_DISASSOC)
    assert crossed() == (0, 0)
    command(bus, cyw43.WLC_SET_SSID)
    assert crossed() == (1, 1)
    bus.power_off()
    assert crossed() == (0, 0)


def test_the_board_gets_what_is_for_it_or_for_a_group(wired: Wired) -> None:
    command(wired.bus, cyw43.WLC_SET_SSID)
    send(wired.bus, ALL + MAC + bytes(48))
    frames = [to + OTHER + bytes([number]) * 48 for number, to in enumerate((MAC, ALL, GROUP))]
    for frame in (frames[0], OTHER + ALL + bytes(48), *frames[1:]):
        wired.bus.deliver(frame)
    assert received(wired.bus) == frames


def test_the_access_point_takes_its_time(pico: PicoW) -> None:
    begin: list[float] = []

    def join() -> None:
        begin.append(pico.clock.nanos / 1e9)
        command(pico.bus, cyw43.WLC_SET_SSID)
        assert not pico.bus.associated

    pico.clock.create_alarm(join).schedule(1e6)
    with pico:
        wait_for(lambda: pico.bus.associated, "association")
        took = pico.clock.nanos / 1e9 - begin[0]
    assert took >= JOIN_S


# Time


@pytest.mark.parametrize("program", [IDLE, BUSY], ids=["idle", "busy"])
def test_emulated_time_does_not_run_ahead(
    tmp_path: Path, air: tuple[socket.socket, socket.socket], program: bytes
) -> None:
    pico = make(tmp_path, air[0], program)
    begin = time.monotonic()
    with pico:
        time.sleep(0.3)
        emulated = pico.clock.nanos / 1e9
        wall = time.monotonic() - begin
    assert 0 < emulated <= wall + TICK_S
    if program is IDLE:  # not that it stands still
        assert emulated > wall / 4


def test_traffic_does_not_hurry_it(pico: PicoW, air: tuple[socket.socket, socket.socket]) -> None:
    begin = time.monotonic()
    with pico:
        while time.monotonic() < begin + 0.3:
            air[1].send(ALL + OTHER + bytes(48))
        emulated = pico.clock.nanos / 1e9
        wall = time.monotonic() - begin
    assert 0 < emulated <= wall + TICK_S


def test_emulated_time_does_not_catch_up(pico: PicoW) -> None:
    stalled: list[tuple[float, float]] = []

    def stall() -> None:
        time.sleep(0.2)
        stalled.append((time.monotonic(), pico.clock.nanos / 1e9))

    pico.clock.create_alarm(stall).schedule(20e6)
    with pico:
        wait_for(lambda: stalled, "stall")
        time.sleep(0.1)
        emulated = pico.clock.nanos / 1e9 - stalled[0][1]
        wall = time.monotonic() - stalled[0][0]
    assert emulated <= wall + TICK_S


def test_what_the_emulator_raises_comes_out(pico: PicoW) -> None:
    pico.clock.create_alarm(lambda: 1 // 0).schedule(1e6)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError), pico:
        with pytest.raises(LabError, match="ZeroDivisionError"):
            pico.wait()


# Resets and flash


def test_a_reset_keeps_flash_and_takes_the_chip_s_power(
    tmp_path: Path, air: tuple[socket.socket, socket.socket]
) -> None:
    files = bytes(range(256)) * (848 * 4)
    pico = make(tmp_path, air[0], RESETS_TWICE, files)
    pico.bus.joined()
    before = pico.bus.associated
    with pico:
        boots = pico.device.mcu.sram
        wait_for(lambda: boots[0] == 3, "third start of the program")
    assert (before, pico.bus.associated) == (True, False)
    assert pico.littlefs() == files


def test_without_files_the_flash_is_as_the_image_leaves_it(pico: PicoW) -> None:
    assert pico.littlefs() == bytes([pico.littlefs()[0]]) * 848 * 1024


# The serial port


class Device:
    """The firmware's end of USB: it reads, again and again, as TinyUSB does."""

    def __init__(self, pico: PicoW) -> None:
        self.reads: list[bytes] = []
        self._usb = pico.device.mcu.usb_ctrl
        self._usb.endpoint_read_done = self._done  # type: ignore[method-assign]
        pico.device.cdc._out_endpoint = SERIAL  # what enumeration finds out
        self._again = pico.clock.create_alarm(self._read)
        self._again.schedule(1e6)

    def _read(self) -> None:
        assert self._usb.on_endpoint_read
        self._usb.on_endpoint_read(SERIAL, 64)

    def _done(self, endpoint: int, buffer: bytes | bytearray, delay: int | None = None) -> None:
        assert endpoint == SERIAL
        self.reads.append(bytes(buffer))
        self._again.schedule(10e3)


def test_what_is_typed_reaches_the_board_and_no_empty_read_does(pico: PicoW) -> None:
    device = Device(pico)
    typed = os.urandom(3000)  # of all values: the pty changes none; more than the FIFO holds
    with pico:
        time.sleep(0.05)
        assert device.reads == []
        port = os.open(pico.port, os.O_RDWR | os.O_NOCTTY)
        for at in range(0, len(typed), 1000):
            os.write(port, typed[at : at + 1000])
        wait_for(lambda: sum(map(len, device.reads)) >= len(typed), "all that was typed")
        os.close(port)
    assert b"".join(device.reads) == typed
    assert min(map(len, device.reads)) > 0
    assert max(map(len, device.reads)) <= 64


def test_what_the_board_prints_comes_out_of_the_port(pico: PicoW) -> None:
    printed = bytes(range(256))
    hear = pico.device.cdc.on_serial_data
    assert hear
    pico.clock.create_alarm(lambda: hear(printed)).schedule(1e6)
    with pico:
        port = os.open(pico.port, os.O_RDWR | os.O_NOCTTY)
        heard = b""
        while len(heard) < len(printed) and select.select([port], [], [], PATIENCE_S)[0]:
            heard += os.read(port, 4096)
        os.close(port)
    assert heard == printed


def test_a_board_that_nobody_listens_to_goes_on(pico: PicoW) -> None:
    hear = pico.device.cdc.on_serial_data
    assert hear
    said = []

    def chatter() -> None:
        hear(bytes(1000))
        said.append(1)
        again.schedule(100e3)

    again = pico.clock.create_alarm(chatter)
    again.schedule(1e6)
    with pico:
        wait_for(lambda: len(said) > 300, "300,000 bytes")


# The image

REFUSED = {
    "text": (b"not an image", "it is not a whole UF2 file"),
    "another MCU": (images.uf2(images.PICO2_W, images.RP2350), "it is for rp2350"),
    "another board": (
        images.uf2(images.PICO_W.replace(b"Pico W", b"Pico")),
        "it is not for RPI_PICO_W",
    ),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_image_that_is_not_for_a_pico_w_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    image = tmp_path / "some.uf2"
    image.write_bytes(content)
    monkeypatch.setenv(IMAGE, str(image))
    with pytest.raises(Unavailable, match=f"some.uf2: {reason}.*{IMAGE}"):
        find_image()


def test_the_image_of_the_environment_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "some.uf2"
    image.write_bytes(images.uf2(images.PICO_W))
    monkeypatch.setenv(IMAGE, str(image))
    assert find_image() == image


@pytest.mark.parametrize("online", [False, True])
def test_without_an_image_it_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, online: bool
) -> None:
    def resolve(spec: object, family: str, tag: str) -> object:
        assert (spec, family, tag) == (BOARDS["pico_w"], "micropython", VERSION)
        if online:
            return BOARDS["pico_w"]  # as for a 404: no image in it
        raise OSError("no way out")

    monkeypatch.delenv(IMAGE, raising=False)
    monkeypatch.setattr("emulator.image.resolve_firmware", resolve)
    with pytest.raises(Unavailable) as caught:
        find_image()
    for words in (IMAGE, VERSION, "RPI_PICO_W-*.uf2", "download page"):
        assert words in str(caught.value)


def test_the_command_without_an_image_ends_with_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, emulate.__file__],
        env={**os.environ, IMAGE: str(tmp_path / "none.uf2")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.uf2: No such file" in done.stderr


# With a real network


@pytest.mark.interop
def test_the_chip_gets_an_offer_from_a_real_server_over_the_tap(pico: PicoW) -> None:
    discover = (
        Ether(src=MAC, dst=ALL)
        / IP(src="0.0.0.0", dst="255.255.255.255")
        / UDP(sport=68, dport=67)
        / BOOTP(chaddr=MAC, xid=0x12345678)
        / DHCP(options=[("message-type", "discover"), "end"])
    )
    bus = pico.bus
    with Lab() as net:
        with plugged(net) as fd, net.capture() as wire:
            net.serve("dnsmasq")
            bus.transmit = lambda frame: os.write(fd, frame)
            bus.joined()
            send(bus, bytes(discover))
            wire.wait("OFFER")
            frames = []
            while select.select([fd], [], [], 0.2)[0]:
                frames.append(os.read(fd, 2048))
                bus.deliver(frames[-1])
        assert wire.types() == ["DISCOVER", "OFFER"]
        got = [Ether(frame) for frame in received(bus)]
        offers = [frame[BOOTP] for frame in got if BOOTP in frame]
        assert [(offer.xid, offer.yiaddr[:8]) for offer in offers] == [(0x12345678, "192.0.2.")]
        assert all(frame.dst == MAC.hex(":") or int(frame.dst[:2], 16) & 1 for frame in got)


# The whole


def test_it_is_the_emulator_that_the_tool_was_made_for(pico: PicoW) -> None:
    pins = (vm.ROOT / "tools/requirements.txt").read_text()
    assert f"rp2040py=={importlib.metadata.version('rp2040py')}" in pins
    # What is read and is not there fails by itself; what is set would do nothing.
    untouched = BaseDevice(board=pico.device.board)
    assert untouched.cdc.on_serial_data is None
    assert untouched.cdc.on_device_connected is None
    assert untouched.mcu.usb_ctrl.on_endpoint_read
    assert untouched.mcu.usb_ctrl.on_reset
    assert cyw43.GSPIBus().nat_bridge is None


@pytest.mark.board
def test_a_pico_w_gets_its_lease_from_flash_with_one_packet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prove(find_image())
    out = capsys.readouterr().out
    assert out.count("again for one packet") == 2
    assert "ok: renewed by unicast" in out
