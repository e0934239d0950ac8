"""What is on a cable: DHCP messages as scapy reads them, and captures."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from capture.names import message_type
from testbed.network import Network
from testbed.process import LabError, read, wait_for
from toolchain.programs import ENVIRONMENT, require

_TOOLS = Path(__file__).resolve().parents[1]
_SNIFF = f"import sys; sys.path.insert(0, {str(_TOOLS)!r}); from capture.recorder import sniff"


class Message:
    """A DHCP message as scapy reads it: its layers `ether`, `ip`, `bootp` (None if it is cut off);
    `type`, its name, or "-"; `options`, {scapy's name, as "server_id" or "requested_addr", or a
    code: value}; the `time` it was captured, in seconds since 1970."""

    def __init__(self, time: float, frame: bytes) -> None:
        from scapy.layers.dhcp import BOOTP, DHCP
        from scapy.layers.inet import IP
        from scapy.layers.l2 import Ether

        self.time = time
        self.ether = Ether(frame)
        self.ip = self.ether[IP]
        self.bootp = self.ether.getlayer(BOOTP)
        listed = self.ether[DHCP].options if DHCP in self.ether else ()
        self.options = {item[0]: item[1] for item in listed if isinstance(item, tuple)}
        kind = self.options.get("message-type")
        self.type = message_type(kind) if kind else "-"


class Capture:
    """The DHCP packets on the client's cable; a context manager, or `stop` ends it."""

    def __init__(self, net: Network, path: Path | None) -> None:
        self._file: IO[bytes] = path.open("w+b") if path else tempfile.TemporaryFile()
        self._process = net.start(
            [sys.executable, "-c", f"{_SNIFF}; sniff('client')"], host="switch", out=self._file
        )
        wait_for(self.pcap, "capture")

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; what it holds stays readable."""
        self._process.terminate()
        self._process.wait()

    def pcap(self) -> bytes:
        """The capture file so far."""
        return read(self._file)

    def messages(self, kind: str | None = None) -> list[Message]:
        """The messages so far, or those of one type."""
        messages = [Message(*packet) for packet in packets(self.pcap())]
        return [message for message in messages if kind in (None, message.type)]

    def types(self) -> list[str]:
        """The types of the messages so far."""
        return [message.type for message in self.messages()]

    def wait(self, kind: str, count: int = 1) -> Message:
        """Wait for the `count`th message of a type, and return it."""
        try:
            wait_for(lambda: len(self.messages(kind)) >= count, f"{kind} number {count}")
        except LabError as error:
            raise LabError(f"{error}, only: {' '.join(self.types())}") from None
        return self.messages(kind)[count - 1]

    def text(self) -> str:
        """The capture as tcpdump prints it."""
        require("tcpdump")
        show = ["tcpdump", "-r", "-", "-nn", "-e", "-t", "-vvv"]
        done = subprocess.run(show, input=self.pcap(), env=ENVIRONMENT, capture_output=True)
        return done.stdout.decode()


def packets(pcap: bytes) -> Iterator[tuple[float, bytes]]:
    """Time and frame of each packet of a capture, but for one that is still being written."""
    at = 24
    while at + 16 <= len(pcap):
        seconds, micros, length = struct.unpack_from("=3I", pcap, at)
        at += 16 + length
        if at <= len(pcap):
            yield seconds + micros / 1e6, pcap[at - length : at]
