"""The steps by which an emulated Pico W shows that the firmware does on a board what it should."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from littlefs import LittleFSError

from dhcpc import Client
from emulator.image import BOARD
from emulator.pico_w import MPREMOTE_S, PicoW, run
from imaging import storage
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import LabError, wait_for
from testbed.tap import plugged
from testbed.wire import Capture, Message
from toolchain import vm

T1, T2 = 8, 60  # seconds

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

# At the prompt, after the boot.py of an image that was made
SHOW = "import network; print(network.hostname(), *nic.ifconfig())"


class Proof:
    """A board, step by step; LabError if a step does not go as it should."""

    def __init__(self, wire: Capture) -> None:
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

    def run(self, board: PicoW, last: str, expected: str) -> list[Message]:
        """Run the client on the board up to an event; return as `see`."""
        script = SCRIPT.format(last=last)
        return self.see(lambda: board.mpremote("exec", script, hear=self.hear), expected)

    def see(self, step: Callable[[], object], expected: str) -> list[Message]:
        """Take a step; return the messages on the wire meanwhile, which must be of these types."""
        try:
            step()
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

    def verify(self, messages: list[Message], address: str) -> None:
        """The REQUEST of INIT-REBOOT, RFC 2131 4.3.2, and its ACK."""
        request, ack = messages[:2]
        form = request.options.get("requested_addr"), "server_id" in request.options
        right = form == (address, False) and ack.bootp.yiaddr == address
        self.expect(right and request.ip.src == "0.0.0.0", f"{address} again for one packet")

    def expect(self, right: bool, what: str) -> None:
        """Say that it is so. LabError: it is not."""
        if not right:
            raise LabError(f"not so: {what}")
        self.say(f"ok: {what}")


def _line(message: Message) -> str:
    """A message, as tcpdump would begin its line."""
    details = {"ciaddr": message.bootp.ciaddr, "yiaddr": message.bootp.yiaddr} | {
        name: message.options[name]
        for name in ("requested_addr", "server_id", "lease_time")
        if name in message.options
    }
    shown = ", ".join(f"{name} {value}" for name, value in details.items() if value != "0.0.0.0")
    ends = f"{message.ether.src} > {message.ether.dst}, {message.ip.src} > {message.ip.dst}"
    return f"{ends}: {message.type} xid {message.bootp.xid:08x}, {shown}".removesuffix(", ")


def prove_made(image: Path) -> None:
    """Switch a board on that was flashed with what `make image` makes, see it get its first lease
    by itself, and cut its power. LabError, Unavailable: as of `prove`."""
    with Lab() as net, plugged(net) as tap, net.capture() as wire:
        server = net.serve("dnsmasq", Plan())
        proof = Proof(wire)

        def start(board: PicoW, event: str) -> None:
            # Only its prompt waits for USB, which is slow while the Wi-Fi starts.
            board.listen(f"dhcpc: {event}: ", proof.hear)
            # Ctrl-C, with which mpremote begins, might come before it is written.
            wait_for(lambda: Client.store in _files(board), "lease in its flash", MPREMOTE_S)
            board.mpremote("exec", SHOW, hear=proof.hear)

        with PicoW(image, tap) as board:
            proof.say(f"{image.name}, on {board.port}; Wi-Fi takes a minute to start")
            messages = proof.see(lambda: start(board, "bound"), "DISCOVER OFFER REQUEST ACK")
            address = str(messages[1].bootp.yiaddr)
            proof.expect(address in server.leases(), f"{server.name} says so, too")
            flash = board.littlefs()
        proof.say("power cut")
        with PicoW(image, tap, flash) as board:
            proof.verify(proof.see(lambda: start(board, "rebooted"), "REQUEST ACK"), address)


def _files(board: PicoW) -> dict[str, bytes]:
    # What is in its flash; nothing while it is in the middle of a change.
    try:
        return storage.found(board.littlefs(), "rp2")[0]
    except LittleFSError:
        return {}


def prove(image: Path) -> None:
    """Take a board through the steps, and print what was seen. LabError: not as it should be.
    Unavailable: no lab, or no TAP here."""
    with Lab() as net, plugged(net) as tap, net.capture() as wire:
        server = net.serve("dnsmasq", Plan(t1=T1, t2=T2))
        proof = Proof(wire)
        with PicoW(image, tap) as board:
            board.wait()
            version = board.mpremote("exec", "import sys; print(sys.version)").strip()
            proof.say(f"{image.name}: {version}, on {board.port}")
            tool = str(vm.ROOT / "tools/deploy.py")
            deploy = [sys.executable, tool, "--no-app", BOARD, board.port]
            run(deploy, proof.say)
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
