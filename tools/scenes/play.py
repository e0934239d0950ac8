"""The acts of the demo: what should happen in each, and whether it did."""

from __future__ import annotations

import contextlib
import tempfile
import time
from itertools import zip_longest
from pathlib import Path

from capture.names import ip_text, mac_text
from scenes.server import ALL, ANY, DNS, MASK, ROUTER, T1, Message, Server
from scenes.stage import BLOCK, BLOCKS, HOST, MAC, SLACK_S, STORE, Act, Packet, Stage, port
from scenes.view import View, parts
from toolchain import vm
from toolchain.cli import Refusal


class Wrong(Exception):
    """What went another way than it should."""


class Play:
    """The acts, in their order. Each shows what happens, and returns what has come of it. Wrong:
    not what should.
    """

    def __init__(self, stage: Stage, view: View) -> None:
        self.stage = stage
        self.view = view
        self.server = stage.server.address

    def first_boot(self) -> str:
        """DISCOVER, OFFER, REQUEST, ACK; the lease goes to flash."""
        self.stage.on()
        self._introduce()
        self.view.title("1  First boot, nothing in flash", "RFC 2131 3.1")
        act = self.stage.act()
        offers = [packet.message for packet in act.packets if packet.message.type == "OFFER"]
        self.ip = str(offers[0].yiaddr) if offers else "of the pool"
        ack = self._messages(
            act,
            "DISCOVER, broadcast",
            f"OFFER, yiaddr {self.ip}",
            f"REQUEST, broadcast, option 50 {self.ip}, option 54 {self.server}",
            f"ACK, yiaddr {self.ip}",
        )
        self.view.table("The application sees", act.seen.items())
        self._bound("bound", act, ack.message)
        self._in_flash()
        self.stage.off()
        return f"{self.ip} {_ms(ack)} after power-on, and its lease in flash. Power off."

    def second_boot(self) -> str:
        """INIT-REBOOT: one REQUEST, for the address that is in flash."""
        self.stage.on()
        self.view.title("2  Second boot, from flash", "RFC 2131 3.2")
        act = self.stage.act()
        ack = self._messages(
            act, f"REQUEST, broadcast, option 50 {self.ip}", f"ACK, yiaddr {self.ip}"
        )
        self._bound("rebooted", act, ack.message)
        self._flash_as_it_was()
        self.asked = act.packets[0].at
        self.t1 = int.from_bytes(ack.message.options[T1], "big")
        return f"{self.ip} again, {_ms(ack)} after power-on, for one packet. Flash as it was."

    def renewal(self) -> str:
        """At T1 a REQUEST to the server alone."""
        self.view.title("3  Renewal", "RFC 2131 4.4.5")
        with self.view.waiting(f"T1 is {self.t1} s after that REQUEST"):
            act = self.stage.act(self.t1 + SLACK_S)
        ack = self._messages(
            act, f"REQUEST, to {self.server}, ciaddr {self.ip}", f"ACK, yiaddr {self.ip}"
        )
        self._bound("renewed", act, ack.message)
        self._flash_as_it_was()
        gone = act.packets[0].at - self.asked
        when = f"{gone:.3f} s after the REQUEST before; T1 is {self.t1} s."
        if abs(gone - self.t1) > SLACK_S:  # a lease is timed in whole seconds
            raise Wrong(when)
        return f"{when} Flash as it was."

    def release(self) -> str:
        """RELEASE: both sides forget the lease."""
        self.view.title("4  Release", "RFC 2131 4.4.6")
        act = self.stage.act()
        self._messages(
            act, f"RELEASE, to {self.server}, ciaddr {self.ip}, option 54 {self.server}"
        )
        self.view.table("The application sees", act.seen.items())
        self._application("released", act, {"dhcp.lease": None, "nic.address": None})
        if self.stage.record():
            raise Wrong("the lease is still in flash")
        if self.stage.server.leases:
            raise Wrong("the server still has the lease")
        return "The address is the server's again, and the lease gone from flash."

    def _introduce(self) -> None:
        stage = self.stage
        self.view.title("dhcpc at work", "a DHCP client for MicroPython boards")
        network = f"UDP on {HOST}. Port {port(stage.everyone)} stands for {ALL}:67, "
        network += f"port {port(stage.host)} for {self.server}:67, "
        network += f"port {stage.client_port} for the client's 68"
        rows = {
            "client": f"the firmware, compiled as for a board, in MicroPython {stage.version}",
            "server": "built on scapy, shares no code with the firmware",
            "network": network,
            "flash": f"littlefs in {BLOCKS} blocks of {BLOCK} bytes, empty so far",
        }
        self.view.table("", rows.items())

    def _messages(self, act: Act, *expected: str) -> Packet:
        # Show them, compare what RFC 2131 4.3.6 and table 5 tell them apart by, return the last.
        self.view.ladder(act, mac_text(MAC), str(self.server))
        faults = []
        for number, (one, other) in enumerate(
            zip_longest(map(_form, act.packets), expected, fillvalue="none"), 1
        ):
            if one != other:
                faults.append(f"message {number} is: {one}; it should be: {other}")
        if len({packet.message.xid for packet in act.packets}) > 1:
            faults.append("the messages have more than one xid")
        if faults or act.trouble:
            raise Wrong("\n".join(faults[:1] + act.trouble))
        return act.packets[-1]

    def _application(self, event: str, act: Act, expected: dict[str, object]) -> None:
        if event not in dict(act.events):
            raise Wrong(f"the application was not told {event!r}")
        for what, value in expected.items():
            if act.seen.get(what) != repr(value):
                raise Wrong(f"{what} is {act.seen.get(what)}; it should be {value!r}")

    def _bound(self, event: str, act: Act, ack: Message) -> None:
        # The application sees what scapy reads in the ACK.
        dns = ack.options[DNS]
        expected: dict[str, object] = {
            "lease.ip": self.ip,
            "lease.mask": ip_text(ack.options[MASK]),
            "lease.gateway": ip_text(ack.options[ROUTER]),
            "lease.dns": [ip_text(dns[i : i + 4]) for i in range(0, len(dns), 4)],
            "nic.address": self.ip,
        }
        self._application(event, act, expected)

    def _in_flash(self) -> None:
        record = self.stage.record()
        try:
            found = parts(record)
        except ValueError as error:
            raise Wrong(f"{STORE} in flash, {record.hex() or 'empty'}: {error}") from None
        self.view.record(f"Flash: {STORE}, {len(record)} bytes", found)
        if f"yiaddr {self.ip}" not in [part.text for part in found]:
            raise Wrong(f"{self.ip} is not in flash")
        self.image = self.stage.flash.read_bytes()

    def _flash_as_it_was(self) -> None:
        if self.stage.flash.read_bytes() != self.image:
            raise Wrong("the client wrote to flash, though nothing had changed")


def _ms(packet: Packet) -> str:
    return f"{packet.at * 1000:.0f} ms"


def _form(packet: Packet) -> str:
    message = packet.message
    if not packet.sent:
        return f"{message.type}, yiaddr {message.yiaddr}"
    form = [message.type, "broadcast" if packet.to == ALL else f"to {packet.to}"]
    if message.ciaddr != ANY:
        form.append(f"ciaddr {message.ciaddr}")
    if message.requested:
        form.append(f"option 50 {message.requested}")
    if message.server:
        form.append(f"option 54 {message.server}")
    return ", ".join(form)


def play(server: Server, view: View, picture: Path | None = None) -> int:
    """Play the acts with a server, until one goes wrong; return the exit code. picture: where the
    second boot goes, as an SVG."""
    began = time.monotonic()
    machine = vm.vms()["vm64"]
    if machine.missing:
        view.wrong(f"There is no MicroPython VM: {machine.missing}")
        return 1
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.closing(Stage(machine, server, Path(directory))) as stage,
    ):
        acts = Play(stage, view)
        try:
            for act in (acts.first_boot, acts.second_boot, acts.renewal, acts.release):
                view.right(act())
                if picture and act == acts.second_boot:
                    picture.write_text(view.picture("make demo"))
        except (Wrong, Refusal) as error:
            view.wrong(str(error))
            return 1
    view.right(f"All four acts as RFC 2131 has them, in {time.monotonic() - began:.1f} s.")
    return 0
