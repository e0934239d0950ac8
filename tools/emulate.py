#!/usr/bin/env python3
"""An emulated Pico W gets its lease from a real server: MicroPython's own firmware in rp2040py,
its serial port a pty, its Wi-Fi a TAP in a lab where dnsmasq answers.

Deploys, gets a lease, resets the board, gets the lease back from flash with one packet, renews,
cuts the power, gets it back once more. Prints what was seen; exit code 1 if a step went wrong,
2 if it cannot run here. Where rp2040py is not like hardware, `Bus` and `PicoW` mend it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rp2040py.boards import BOARDS, resolve_firmware, resolve_layout
from rp2040py.device.base_device import BaseDevice
from rp2040py.device.load_flash import UF2_BLOCK_SIZE, decode_block
from rp2040py.external.cyw43 import Cyw43439
from rp2040py.external.cyw43.bus import (
    CONTROL_HEADER,
    SDPCM_HEADER_LEN,
    WLAN_FUNCTION,
    WLC_SET_SSID,
    GSPIBus,
)

import lab
import vm

VERSION = "1.25.0"  # of MicroPython, to download if no image is given
IMAGE = "MICROPYTHON_UF2"  # in the environment: the image's path
BOARD = "RPI_PICO_W"
T1, T2 = 8, 60  # seconds
TICK_S = 0.001  # how far emulated time gets before wall time is looked at
MPREMOTE_S = 240  # the longest that mpremote takes for anything; Wi-Fi alone takes 25 s to start

# What runs on the board. Any network and any key will do there.
SCRIPT = """
import dhcpc, network, time
def show(event, lease):
    global last
    last = event
    print(event, dhcp.state, lease and lease.ip, dhcp.reason or "")
nic = network.WLAN(network.STA_IF)
nic.active(True)
dhcp = dhcpc.Client(nic, on_event=show)
nic.connect("emulated", "no secret")
dhcp.acquire(60000)
while last != {last!r}:
    time.sleep_ms(min(dhcp.poll(), 100))
print("ifconfig", *nic.ifconfig())
"""


# --- the image ----------------------------------------------------------------------------------


def find_image() -> Path:
    """The image to run: that of the environment, or else one that rp2040py downloads or has.

    lab.Unavailable: there is none, or it is no MicroPython for a Pico W; the text has the remedy.
    """
    remedy = f"get {BOARD}-*.uf2 from MicroPython's download page and set {IMAGE} to its path"
    if given := os.environ.get(IMAGE):
        image = Path(given)
    else:
        why: object = "it is not there"
        try:
            found = resolve_firmware(BOARDS["pico_w"], "micropython", VERSION).image
        except OSError as error:
            found, why = None, error
        if not found:
            raise lab.Unavailable(
                f"no Pico W image: {IMAGE} is not set, and MicroPython {VERSION} cannot be "
                f"downloaded ({why}); {remedy}"
            )
        image = Path(found)
    if fault := _fault(image):
        raise lab.Unavailable(f"{image}: {fault}; {remedy}")
    return image


def _fault(image: Path) -> str | None:
    """What is wrong with an image."""
    try:
        data = image.read_bytes()
        blocks = [data[at : at + UF2_BLOCK_SIZE] for at in range(0, len(data), UF2_BLOCK_SIZE)]
        flash = b"".join(decode_block(block).payload for block in blocks)
        (count,) = struct.unpack_from("<I", data, 24)
    except OSError as error:
        return error.strerror
    except (ValueError, struct.error):
        return "not UF2, or not all of it"
    if len(blocks) != count:
        return f"{len(blocks)} of {count} blocks"
    if b"MicroPython" not in flash or b"Pico W" not in flash:
        return "not MicroPython for the Pico W"
    return None


# --- the board ----------------------------------------------------------------------------------


class Bus(GSPIBus):
    """The way to the Wi-Fi chip, and what the chip does at its far end.

    transmit: is called with each Ethernet frame that the board sends.
    """

    def __init__(self, transmit: Callable[[bytes], object]) -> None:
        super().__init__()
        self.transmit = transmit
        self.associated = False
        self.mac = b""

    def write_register(self, function: int, addr: int, size: int, value: int) -> None:
        if function == WLAN_FUNCTION:
            # The bus pads with what was in its buffer; SDPCM begins with the true length.
            size = min(size, value & 0xFFFF)
            value &= (1 << 8 * size) - 1
            data = value.to_bytes(size, "little")
            if size >= SDPCM_HEADER_LEN + 4 and data[5] & 15 == CONTROL_HEADER:
                command = int.from_bytes(data[SDPCM_HEADER_LEN:][:4], "little")
                self.associated |= command == WLC_SET_SSID  # any network will do
        super().write_register(function, addr, size, value)

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
        lab.wait_for(lambda: simulator.executing or self._run.done(), "emulator")
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
        """Wait until the board is on USB. lab.LabError: it is not, or the emulator ended."""
        lab.wait_for(lambda: self._enumerated.is_set() or self._run.done(), "board on USB")
        if self._run.done():
            raise lab.LabError(f"the emulator ended: {self._run.exception()!r}")

    def mpremote(self, *words: str, hear: Callable[[str], object] = len) -> str:
        """Run mpremote on the board as it is, with no soft reset, and return what it printed;
        `hear` gets each line as it comes. lab.LabError: it failed, or took too long."""
        command = [sys.executable, "-m", "mpremote", "connect", self.port, "resume", *words]
        return _run(command, hear)

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


def _run(command: list[str], hear: Callable[[str], object]) -> str:
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
        raise lab.LabError(f"{words}: exit {process.returncode}: {said or 'out of time'}")
    return said


# --- its network --------------------------------------------------------------------------------


def _send_tap(name: str, to: str) -> None:
    """Make a TAP in this network namespace, and hand it to who listens on a socket."""
    import fcntl
    import os
    import socket
    import struct

    TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(to)
        socket.send_fds(sock, [b"\0"], [tap])


@contextlib.contextmanager
def plugged(net: lab.Lab) -> Iterator[int]:
    """A TAP on the lab's switch, where the client's host was. lab.Unavailable: not to be had."""
    net.remove_host("client")
    path = net.dir / "tap"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(net.outside(path)))
        listener.listen()
        source = f"{inspect.getsource(_send_tap)}\n_send_tap('client', {str(path)!r})"
        try:
            net.run([sys.executable, "-c", source], host="switch")
        except lab.LabError as error:
            raise lab.Unavailable(
                f"no TAP here; it takes /dev/net/tun, open to this user: {error}"
            ) from None
        with listener.accept()[0] as sock:
            tap = socket.recv_fds(sock, 1, 1)[1][0]
    try:
        net.run(["ip", "link", "set", "client", "master", "switch", "up"], host="switch")
        yield tap
    finally:
        os.close(tap)


# --- the proof ----------------------------------------------------------------------------------


class Proof:
    """A board, step by step; lab.LabError if a step does not go as it should."""

    def __init__(self, wire: lab.Capture) -> None:
        self._start = time.time()
        self._wire = wire
        self._seen = 0
        self._heard: list[tuple[float, str]] = []

    def say(self, text: str) -> None:
        """Print it, behind the time in seconds."""
        self._print(time.time(), text)

    def _print(self, at: float, text: str) -> None:
        print(f"{at - self._start:8.3f} {text}", flush=True)

    def hear(self, line: str) -> None:
        """Keep a line that the board prints, to be shown among the packets."""
        self._heard.append((time.time(), f"board: {line}"))

    def run(self, board: PicoW, last: str, expected: str) -> list[lab.Message]:
        """Run the client on the board up to an event; return the messages on the wire meanwhile,
        which must be of these types."""
        try:
            board.mpremote("exec", SCRIPT.format(last=last), hear=self.hear)
        finally:
            messages = self._wire.messages()[self._seen :]
            self._seen += len(messages)
            seen = self._heard + [(message.time, _line(message)) for message in messages]
            for at, text in sorted(seen):
                self._print(at, text)
            self._heard.clear()
        types = " ".join(message.type for message in messages)
        self.expect(types == expected, f"{expected}, and nothing else")
        return messages

    def verify(self, messages: list[lab.Message], address: str) -> None:
        """The REQUEST of INIT-REBOOT, RFC 2131 4.3.2, and its ACK."""
        request, ack = messages[:2]
        form = request.options.get("requested_addr"), "server_id" in request.options
        right = form == (address, False) and ack.bootp.yiaddr == address
        self.expect(right and request.ip.src == "0.0.0.0", f"{address} again for one packet")

    def expect(self, right: bool, what: str) -> None:
        """Say that it is so. lab.LabError: it is not."""
        if not right:
            raise lab.LabError(f"not so: {what}")
        self.say(f"ok: {what}")


def _line(message: lab.Message) -> str:
    """A message, as tcpdump would begin its line."""
    details = {"ciaddr": message.bootp.ciaddr, "yiaddr": message.bootp.yiaddr} | {
        name: message.options[name]
        for name in ("requested_addr", "server_id", "lease_time")
        if name in message.options
    }
    shown = ", ".join(f"{name} {value}" for name, value in details.items() if value != "0.0.0.0")
    ends = f"{message.ether.src} > {message.ether.dst}, {message.ip.src} > {message.ip.dst}"
    return f"{ends}: {message.type} xid {message.bootp.xid:08x}, {shown}".removesuffix(", ")


def prove(image: Path) -> None:
    """Take a board through the steps, and print what was seen. lab.LabError: not as it should be.
    lab.Unavailable: no lab, or no TAP here."""
    with lab.Lab() as net, plugged(net) as tap, net.capture() as wire:
        server = net.serve("dnsmasq", lab.Plan(t1=T1, t2=T2))
        proof = Proof(wire)
        with PicoW(image, tap) as board:
            board.wait()
            version = board.mpremote("exec", "import sys; print(sys.version)").strip()
            proof.say(f"{image.name}: {version}, on {board.port}")
            tool = str(vm.ROOT / "tools/deploy.py")
            deploy = [sys.executable, tool, "--no-app", BOARD, board.port]
            _run(deploy, proof.say)
            board.reset()
            proof.say("machine.reset(); Wi-Fi takes half a minute to start")

            first, offer, *_ = proof.run(board, "bound", "DISCOVER OFFER REQUEST ACK")
            address = str(offer.bootp.yiaddr)
            asked = first.ip.src, int(first.bootp.flags)
            unicast = offer.ether.dst == first.ether.src and offer.ip.dst == address
            proof.expect(asked == ("0.0.0.0", 0) and unicast, "from 0.0.0.0; answered by unicast")
            proof.expect(address in server.leases(), f"{server.name} says so, too")
            board.reset()
            proof.say("machine.reset()")

            messages = proof.run(board, "renewed", "REQUEST ACK REQUEST ACK")
            proof.verify(messages, address)
            renewal = messages[2]
            ends = renewal.ip.src, renewal.ip.dst, renewal.bootp.ciaddr
            proof.expect(ends == (address, server.plan.server, address), "renewed by unicast")
            flash = board.littlefs()
        proof.say("power cut")
        with PicoW(image, tap, flash) as board:
            board.wait()
            proof.verify(proof.run(board, "rebooted", "REQUEST ACK"), address)


def main() -> int:
    argparse.ArgumentParser(description="An emulated Pico W gets its lease.").parse_args()
    try:
        prove(find_image())
    except lab.Unavailable as reason:
        print(f"emulate: {reason}", file=sys.stderr)
        return 2
    except lab.LabError as error:
        print(f"emulate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
