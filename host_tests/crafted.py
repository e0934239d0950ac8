"""For tests of tools/decode.py: messages, packets and files, made by scapy and by hand; and ways
to run the tool on them."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from capture.files import Unreadable
from capture.messages import Message, messages
from toolchain import vm

TOOL = vm.ROOT / "tools/decode.py"

ETHERNET, RAW_IP, WIFI, BSD_LOOP, LINUX_SLL, RADIOTAP, LINUX_SLL2 = 1, 101, 105, 108, 113, 127, 276
INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6


# Messages


def message(options: bytes, *, hlen: int = 6, sname: bytes = b"", file: bytes = b"") -> bytes:
    """A BOOTREPLY. options, from behind the cookie on, as they are."""
    fixed = struct.pack("!4B4sHH", 2, 1, hlen, 3, b"\x39\x03\xf3\x26", 7, 0x8000)
    addresses = bytes((0, 0, 0, 0, 192, 0, 2, 100, 192, 0, 2, 1, 10, 0, 0, 1))
    chaddr = b"\2\0\0\0\0\1"
    cookie = b"c\x82Sc"
    return (
        struct.pack("12s16s16s64s128s4s", fixed, addresses, chaddr, sname, file, cookie) + options
    )


def option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


END = b"\xff"
OFFER = message(option(53, b"\2") + option(54, b"\xc0\0\2\1") + END)
ACK = message(option(53, b"\5") + option(54, b"\xc0\0\2\1") + END)
LONG = message(option(53, b"\5") + 5 * option(43, bytes(range(250))) + END)  # over 1,400 bytes
OVER_FILE = message(option(52, b"\1") + END, file=option(12, bytes(120)) + option(3, bytes(5)))
OVER_SNAME = message(option(52, b"\2") + END, sname=bytes(63) + b"\x0c", file=b"\1\xff")
MESSAGES = (OFFER, LONG, OVER_FILE, OVER_SNAME)


# Packets


def ip(payload: bytes = OFFER, sport: int = 67, dport: int = 68, **fields: Any) -> IP:
    fields = {"src": "192.0.2.1", "dst": "255.255.255.255"} | fields
    return IP(**fields) / UDP(sport=sport, dport=dport) / Raw(payload)


def ether(*args: Any, **kwargs: Any) -> Ether:
    return ETHER / ip(*args, **kwargs)


ETHER = Ether(src="02:00:00:00:01:01", dst="ff:ff:ff:ff:ff:ff")
SLL: dict[str, Any] = {"src": b"\2\0\0\0\1\1\0\0", "lladdrlen": 6}  # Linux cooked
FRAGMENTS = fragment(ether(LONG, id=1), fragsize=480)


# Files


def pcap(*packets: Any, link: int = ETHERNET, order: str = "<", unit: str = "us") -> bytes:
    """Packets 500 units of the clock apart. Those given as (size, bytes) are cut."""
    magic = {"us": 0xA1B2C3D4, "ns": 0xA1B23C4D}[unit]
    data = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link)
    for number, packet in enumerate(packets):
        size, packet = packet if isinstance(packet, tuple) else (len(packet), packet)
        data += struct.pack(order + "IIII", 1000, 500 * number, len(packet), size) + bytes(packet)
    return data


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(
    order: str = "<", link: int = ETHERNET, snaplen: int = 0, options: bytes = b""
) -> bytes:
    return block(order, INTERFACE, struct.pack(order + "HHI", link, 0, snaplen) + options)


def enhanced(packet: Any, order: str = "<", index: int = 0, ticks: int = 0) -> bytes:
    fields = index, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet)
    return block(order, ENHANCED_PACKET, struct.pack(order + "5I", *fields) + bytes(packet))


def write(folder: Path, content: bytes, name: str = "x.pcap") -> Path:
    """A file of that content, in a folder."""
    (folder / name).write_bytes(content)
    return folder / name


# The tool


class Run:
    """What the command made of its arguments."""

    def __init__(self, *args: str | Path, stdin: bytes = b""):
        command = [sys.executable, TOOL, *args]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()
        assert "Traceback" not in self.err

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def read(path: Path) -> tuple[list[Message], list[str]]:
    """In this process: a file's messages, and what is said about the rest of it."""
    found: list[Message] = []
    said: list[str] = []
    try:
        found.extend(messages(str(path), said.append))
    except Unreadable as error:
        said.append(str(error))
    return found, said


def types(path: Path) -> list[str | None]:
    """The types of all messages of a file in which nothing is wrong."""
    found, said = read(path)
    assert not said
    assert [message.record["error"] for message in found] == [None] * len(found)
    return [message.record["type"] for message in found]


# Damage


@st.composite
def damaged(draw: st.DrawFn, originals: tuple[bytes, ...]) -> bytes:
    """One of `originals` with bytes changed, put in, or missing."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.sampled_from((at, at + 1, at + 1, at + 4, len(data))))
        data = data[:at] + draw(st.binary(max_size=4)) + data[end:]
    return data
