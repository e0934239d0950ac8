"""An emulated Pico W: MicroPython's own firmware in rp2040py, its serial port a pty, its
Wi-Fi a TAP.

Where rp2040py is not like hardware, `Bus` and `PicoW` mend it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rp2040py.boards import BOARDS, resolve_layout
from rp2040py.device.base_device import BaseDevice
from rp2040py.external.cyw43 import Cyw43439
from rp2040py.external.cyw43.bus import WLAN_FUNCTION, GSPIBus

from testbed.process import LabError, wait_for

JOIN_S = 0.05  # how long an access point takes to answer; on a chip it is a second or so
TICK_S = 0.001  # how far emulated time gets before wall time is looked at
MPREMOTE_S = 240  # the longest that mpremote takes for anything; Wi-Fi alone takes 25 s to start
START_S = 600  # the longest that a board takes for what it does before its first lease


class Bus(GSPIBus):
    """The way to the Wi-Fi chip, and what the chip does at its far end.

    transmit: is called with each Ethernet frame that the board sends. `join` is called when the
    board asks for a network: it is `joined`, or what calls that later.
    """

    def __init__(self, transmit: Callable[[bytes], object]) -> None:
        super().__init__()
        self.transmit = transmit
        self.associated = False
        self.mac = b""
        self.join: Callable[[], object] = self.joined

    def write_register(self, function: int, addr: int, size: int, value: int) -> None:
        if function == WLAN_FUNCTION:
            # The bus pads with what was in its buffer; SDPCM begins with the true length.
            size = min(size, value & 0xFFFF)
            value &= (1 << 8 * size) - 1
        super().write_register(function, addr, size, value)

    def joined(self) -> None:
        """The board is in its network; any will do."""
        self.associated = True
        super()._queue_join_events()

    def _queue_join_events(self) -> None:
        self.join()

    def power_off(self) -> None:
        super().power_off()
        self.associated = False

    # In place of rp2040py's NatBridge, with its one-lease server

    def reset(self) -> None:
        """The board leaves the network."""
        self.associated = False

    def handle_outbound_ethernet_frame(self, frame: bytes) -> None:
        """The board sends a frame."""
        self.mac = frame[6:12]
        if self.associated:
            self.transmit(frame)

    def deliver(self, frame: bytes) -> None:
        """A frame is in the air: the board gets what is for it or for a group."""
        if self.associated and (frame[0] & 1 or frame[:6] == self.mac):
            self.queue_rx_ethernet_frame(frame)


class Chip(Cyw43439):
    """The Wi-Fi chip at the end of a bus of ours."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self.bus = bus

    def attach(self, rp2040: object) -> None:
        super().attach(rp2040)  # type: ignore[arg-type]
        self.bus.nat_bridge = self.bus  # type: ignore[assignment]  # no more is asked of it


class PicoW:
    """An emulated Pico W, on from __enter__ to __exit__.

    image: UF2. tap: where Ethernet frames are written and read. littlefs: what its file system
    holds; empty if there is none yet. `port` is the path of its serial port.
    """

    def __init__(self, image: Path, tap: int, littlefs: bytes = b"") -> None:
        self.bus = Bus(lambda frame: os.write(tap, frame))
        layout = resolve_layout(BOARDS["pico_w"], "micropython")
        assert layout
        extras = (lambda: Chip(self.bus),)
        spec = replace(BOARDS["pico_w"], image=image, layout=layout, extras=extras)
        self.device = BaseDevice(board=spec)
        end = layout.fs_start + layout.fs_blockcount * layout.fs_blocksize
        self._littlefs = slice(layout.fs_start, end)
        if littlefs:
            self.device.mcu.flash[self._littlefs] = littlefs
        self.clock = self.device.simulator.clock
        self._tap = tap
        self._alarm = self.clock.create_alarm(self._tick)
        # At once, and connect() would return with the link up.
        answer = self.clock.create_alarm(self.bus.joined)
        self.bus.join = lambda: answer.schedule(JOIN_S * 1e9)
        self._enumerated = threading.Event()

        cdc, usb = self.device.cdc, self.device.mcu.usb_ctrl
        cdc.on_serial_data = self._print
        cdc.on_device_connected = self._enumerated.set
        self._held: list[tuple[int, int]] = []
        read, reset = usb.on_endpoint_read, usb.on_reset
        assert read
        assert reset
        self._read, self._reset_usb = read, reset
        usb.on_endpoint_read = self._read_or_hold
        usb.on_reset = self._reset

    def __enter__(self) -> PicoW:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._due = time.monotonic()
        self._alarm.schedule(0)
        self.device.mcu.leave_reset()
        simulator = self.device.simulator
        self._pool = ThreadPoolExecutor(1)
        self._run = self._pool.submit(lambda: asyncio.run(simulator.execute()))
        # Before it runs, stop() would be forgotten.
        wait_for(lambda: simulator.executing or self._run.done(), "emulator")
        return self

    def __exit__(self, *_: object) -> None:
        self.device.simulator.stop()
        self._pool.shutdown()
        os.close(self._master)
        os.close(self._slave)
        self._run.result()  # raises what the emulator did

    def littlefs(self) -> bytes:
        """What the file system holds."""
        return bytes(self.device.mcu.flash[self._littlefs])

    def wait(self) -> None:
        """Wait until the board is on USB. LabError: it is not, or the emulator ended."""
        wait_for(lambda: self._enumerated.is_set() or self._run.done(), "board on USB")
        if self._run.done():
            raise LabError(f"the emulator ended: {self._run.exception()!r}")

    def mpremote(self, *words: str, hear: Callable[[str], object] = len) -> str:
        """Run mpremote on the board as it is, with no soft reset, and return what it printed;
        `hear` gets each line as it comes. LabError: it failed, or took too long."""
        command = [sys.executable, "-m", "mpremote", "connect", self.port, "resume", *words]
        return run(command, hear)

    def listen(self, words: str, hear: Callable[[str], object]) -> None:
        """Wait until the board prints a line with these words; `hear` gets each line as it comes.
        LabError: it does not."""
        deadline = time.monotonic() + START_S
        port = os.open(self.port, os.O_RDONLY | os.O_NOCTTY)
        try:
            lines: list[str] = []
            rest = ""
            while not any(words in line for line in lines):
                left = deadline - time.monotonic()
                if not select.select([port], [], [], max(left, 0))[0]:
                    raise LabError(f"the board does not say {words!r}")
                rest += os.read(port, 4096).decode(errors="replace")
                *lines, rest = rest.split("\n")
                for line in lines:
                    hear(line.rstrip())
        finally:
            os.close(port)

    def reset(self) -> None:
        """machine.reset(), and wait until the board is back."""
        self._enumerated.clear()
        self.mpremote("reset")
        self.wait()

    # What follows runs in the emulator's thread, between two instructions.

    def _tick(self) -> None:
        """Let wall time catch up, and pass on meanwhile what comes from outside.

        Emulated time never goes faster: it leaps over what is idle, and a server that takes 1 ms
        would come too late. Nor does it make up for what was slow, which is the same leap.
        """
        self._due = max(self._due + TICK_S, time.monotonic())
        fifo = self.device.cdc.tx_fifo
        while True:
            left = self._due - time.monotonic()
            room = fifo.size - fifo.item_count
            sources = [self._tap, self._master] if room else [self._tap]
            ready, _, _ = select.select(sources, [], [], max(left, 0))
            if self._tap in ready:
                self.bus.deliver(os.read(self._tap, 2048))
            if self._master in ready:
                self._type(os.read(self._master, room))
            if left <= 0:
                break
        self._alarm.schedule(TICK_S * 1e9)

    def _type(self, data: bytes) -> None:
        for byte in data:
            self.device.cdc.send_serial_byte(byte)
        held, self._held = self._held, []
        for endpoint, size in held:
            self._read_or_hold(endpoint, size)

    def _print(self, data: bytes | bytearray) -> None:
        with contextlib.suppress(BlockingIOError):  # full, as nobody reads: lost, as on a cable
            os.write(self._master, data)

    def _read_or_hold(self, endpoint: int, size: int) -> None:
        """The board reads. With nothing to read it gets no answer, where rp2040py gives an empty
        one at once, which it reads again at once."""
        if endpoint and self.device.cdc.tx_fifo.empty:
            self._held.append((endpoint, size))
        else:
            self._read(endpoint, size)

    def _reset(self) -> None:
        """The RP2040 was reset, so its pin that powers the Wi-Fi chip is low. Flash stays."""
        self._held.clear()
        self._reset_usb()
        self.bus.power_off()


def run(command: list[str], hear: Callable[[str], object]) -> str:
    """Run a command for as long as mpremote may take; return what it printed, and have `hear` get
    each line as it comes. LabError: it failed, or took too long."""
    said = ""
    with subprocess.Popen(command, stdout=-1, stderr=subprocess.STDOUT, text=True) as process:
        watchdog = threading.Timer(MPREMOTE_S, process.kill)
        watchdog.start()
        try:
            for line in process.stdout or ():
                said += line
                hear(line.rstrip())
        except BaseException:
            process.kill()
            raise
        finally:
            watchdog.cancel()
    if process.returncode:
        words = " ".join(command[1:6])
        raise LabError(f"{words}: exit {process.returncode}: {said or 'out of time'}")
    return said
