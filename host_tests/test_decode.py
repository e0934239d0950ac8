"""tools/decode.py as people and scripts call it, on files made by scapy and by hand."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

import decode
from capture import names
from toolchain import vm

TOOL = vm.ROOT / "tools/decode.py"

ETHERNET, RAW_IP, BSD_LOOP, LINUX_SLL, LINUX_SLL2 = 1, 101, 108, 113, 276
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


# Packets


def ip(payload: bytes = OFFER, sport: int = 67, dport: int = 68, **fields: Any) -> IP:
    fields = {"src": "192.0.2.1", "dst": "255.255.255.255"} | fields
    return IP(**fields) / UDP(sport=sport, dport=dport) / Raw(payload)


def ether(*args: Any, **kwargs: Any) -> Ether:
    return ETHER / ip(*args, **kwargs)


ETHER = Ether(src="02:00:00:00:01:01", dst="ff:ff:ff:ff:ff:ff")


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


# The command


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


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: bytes, name: str = "x.pcap") -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def read(path: Path) -> tuple[list[decode.Message], list[str]]:
    """In this process: a file's messages, and what is said about the rest of it."""
    messages: list[decode.Message] = []
    said: list[str] = []
    try:
        messages.extend(decode.messages(str(path), said.append))
    except decode.Unreadable as error:
        said.append(str(error))
    return messages, said


def types(path: Path) -> list[str | None]:
    """The types of all messages of a file in which nothing is wrong."""
    messages, said = read(path)
    assert not said
    assert [message.record["error"] for message in messages] == [None] * len(messages)
    return [message.record["type"] for message in messages]


# What a message says


def test_json_is_one_object_a_line(write: Write) -> None:
    path = write(pcap(ether(OFFER), ether(ACK)))
    run = Run("--json", path)
    offer = {
        "file": str(path),
        "n": 1,
        "op": 2,
        "htype": 1,
        "hlen": 6,
        "hops": 3,
        "xid": "3903f326",
        "secs": 7,
        "flags": 0x8000,
        "ciaddr": "0.0.0.0",
        "yiaddr": "192.0.2.100",
        "siaddr": "192.0.2.1",
        "giaddr": "10.0.0.1",
        "chaddr": "020000000001",
        "type": "OFFER",
        "options": [[53, "02"], [54, "c0000201"]],
        "error": None,
    }
    assert list(run.records[0].items()) == list(offer.items())
    ack = {"n": 2, "type": "ACK", "options": [[53, "05"], [54, "c0000201"]]}
    assert run.records[1:] == [offer | ack]
    assert (run.code, run.err) == (0, "")


@pytest.mark.rfc("3396 5", "2132 9.3")
def test_options_are_joined_and_in_order_of_first_appearance() -> None:
    options = option(53, b"\2") + option(12, b"a") + b"\0" + option(52, b"\3") + END
    file = option(3, b"\1\2\3\4") + option(12, b"b") + END + option(99, b"behind END")
    sname = option(1, b"\xff\xff\xff\0") + option(12, b"c") + END
    record = decode.decode(message(options + option(98, b"behind END"), file=file, sname=sname))
    expected = [[53, "02"], [12, b"abc".hex()], [52, "03"], [3, "01020304"], [1, "ffffff00"]]
    assert (record["options"], record["error"]) == (expected, None)


@pytest.mark.rfc("2132 9.3")
@pytest.mark.parametrize(("overload", "read"), [(1, [12]), (2, [15]), (3, [12, 15]), (4, [])])
def test_only_the_fields_that_option_52_names_hold_options(overload: int, read: list[int]) -> None:
    options = option(52, bytes([overload])) + END
    record = decode.decode(
        message(options, file=option(12, b"file") + END, sname=option(15, b"sname") + END)
    )
    assert [code for code, _ in record["options"]] == [52, *read]


@pytest.mark.rfc("2132 9.3")
def test_option_52_in_an_overloaded_field_is_listed_and_not_obeyed() -> None:
    file = option(52, b"\3") + option(12, b"a") + END
    record = decode.decode(message(option(52, b"\1") + END, file=file, sname=b"\x63"))
    assert record["options"] == [[52, "0103"], [12, b"a".hex()]]
    assert record["error"] is None


@pytest.mark.rfc("2132 9.6")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (option(53, b"\1"), "DISCOVER"),
        (option(53, b"\x08"), "INFORM"),
        (option(53, b"\x0d"), "LEASEACTIVE"),
        (option(53, b"\xc8"), "200"),
        (option(53, b"\0"), "0"),
        (option(53, b""), None),
        (option(53, b"\1\1"), None),
        (option(53, b"\1") * 2, None),
        (b"", None),
    ],
)
def test_type(options: bytes, expected: str | None) -> None:
    record = decode.decode(message(options + END))
    assert (record["type"], record["error"]) == (expected, None)


@pytest.mark.parametrize("hlen", [0, 6, 16, 255])
def test_chaddr_has_hlen_bytes_and_at_most_16(hlen: int) -> None:
    chaddr = "020000000001" + "00" * 10
    assert decode.decode(message(b"", hlen=hlen))["chaddr"] == chaddr[: 2 * hlen]


OVER_FILE = message(option(52, b"\1") + END, file=option(12, bytes(120)) + option(3, bytes(5)))
OVER_SNAME = message(option(52, b"\2") + END, sname=bytes(63) + b"\x0c", file=b"\1\xff")


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", "0 bytes, the fixed fields need 240"),
        (OFFER[:54], "54 bytes, the fixed fields need 240"),
        (OFFER[:239], "239 bytes, the fixed fields need 240"),
        (message(b"").replace(b"c\x82Sc", b"c\x82Sd"), "no magic cookie: 63825364"),
        (message(b"\x0c\1a\3\3\1"), "option 3 at offset 243 claims 3 bytes, only 1 left"),
        (message(b"\x0c\1a\3"), "option 3 at offset 243 has no length byte"),
        (message(b"\x0c\1a\0\x0c"), "option 12 at offset 244 has no length byte"),
        (OVER_FILE, "option 3 at offset 230 in file claims 5 bytes, only 4 left"),
        (OVER_SNAME, "option 12 at offset 107 in sname has no length byte"),
        (
            message(option(12, b"a") + 130 * option(43, bytes(255)) + END),
            "33654 bytes, and options are read from the first 32767 alone",
        ),
    ],
)
def test_a_malformed_message_is_reported(payload: bytes, error: str, write: Write) -> None:
    run = Run("--json", write(payload, "x.bin"))
    assert run.records[0]["error"] == error
    assert (run.code, run.err, len(run.records)) == (1, "", 1)


def test_a_malformed_message_shows_what_came_before_the_fault() -> None:
    record = decode.decode(message(option(53, b"\2") + option(12, b"a") + b"\x0c\x05b"))
    assert (record["type"], record["options"]) == ("OFFER", [[53, "02"], [12, "61"]])


def test_a_field_that_a_short_message_lacks_is_null() -> None:
    record = decode.decode(OFFER[:18])
    assert (record["xid"], record["flags"], record["ciaddr"]) == ("3903f326", 0x8000, "0.0.0.0")
    lacking = ("yiaddr", "siaddr", "giaddr", "chaddr", "type")
    assert [record[name] for name in lacking] == [None] * 5
    assert record["options"] == []


@pytest.mark.rfc("2131 4.1")
def test_neither_end_nor_option_53_is_required() -> None:
    assert decode.decode(message(option(12, b"a")))["error"] is None


# Where messages are found


NO_MAC, ONE_MAC = "", "02:00:00:00:01:01 "
SLL: dict[str, Any] = {"src": b"\2\0\0\0\1\1\0\0", "lladdrlen": 6}
LINKS = {
    "ethernet": (ETHERNET, ETHER, ONE_MAC),
    "ethernet-fcs": (0x2400 << 16 | ETHERNET, ETHER, ONE_MAC),
    "vlan": (ETHERNET, ETHER / Dot1Q(vlan=10), ONE_MAC + "vlan 10 "),
    "qinq": (ETHERNET, ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=10), ONE_MAC + "vlan 7 vlan 10 "),
    "qinq-9100": (
        ETHERNET,
        Ether(src=ETHER.src, type=0x9100) / Dot1Q(vlan=7) / Dot1Q(vlan=10),
        ONE_MAC + "vlan 7 vlan 10 ",
    ),
    "linux-cooked": (LINUX_SLL, CookedLinux(**SLL), ONE_MAC),
    "linux-cooked-vlan": (LINUX_SLL, CookedLinux(**SLL) / Dot1Q(vlan=10), ONE_MAC + "vlan 10 "),
    "linux-cooked-2": (LINUX_SLL2, CookedLinuxV2(**SLL), ONE_MAC),
    "null-little-endian": (0, Raw(b"\2\0\0\0"), NO_MAC),
    "null-big-endian": (0, Raw(b"\0\0\0\2"), NO_MAC),
    "loop": (BSD_LOOP, Raw(b"\0\0\0\2"), NO_MAC),
    "raw-12": (12, Raw(b""), NO_MAC),
    "raw-101": (RAW_IP, Raw(b""), NO_MAC),
    "raw-ipv4": (228, Raw(b""), NO_MAC),
}


@pytest.mark.parametrize("name", LINKS)
def test_link(name: str, write: Write) -> None:
    link, header, source = LINKS[name]
    messages, said = read(write(pcap(header / ip(), link=link)))
    assert [message.payload for message in messages] == [OFFER]
    assert messages[0].datagram
    assert messages[0].datagram.source == f"{source}192.0.2.1:67"
    assert messages[0].datagram.target.endswith("255.255.255.255:68")
    assert not said


def test_what_stands_behind_the_ip_packet_is_not_the_message(write: Write) -> None:
    with_trailer = bytes(ether()) + b"\x0c\x01"
    assert read(write(pcap(with_trailer)))[0][0].payload == OFFER


def test_ip_options_are_skipped(write: Write) -> None:
    frame = ether(options=[b"\x94\x04\0\0"])
    assert read(write(pcap(frame)))[0][0].payload == OFFER


def test_an_ip_length_of_0_is_the_length_of_the_frame(write: Write) -> None:
    assert read(write(pcap(ether(len=0))))[0][0].payload == OFFER


OTHERS = {
    "tcp": ETHER / IP() / TCP(sport=67, dport=68) / OFFER,
    "other port": ether(sport=53, dport=5353),
    "arp": ETHER / ARP(),
    "ipv6": ETHER / IPv6() / UDP(sport=67, dport=68) / OFFER,
    "runt": b"\xff" * 10,
    "broken ip": ether(ihl=3, src="0.67.0.68"),
    "empty": b"",
}


def test_other_packets_are_skipped_and_not_counted(write: Write) -> None:
    run = Run("--json", write(pcap(*OTHERS.values(), ether(), *OTHERS.values(), ether(ACK))))
    assert [(record["n"], record["type"]) for record in run.records] == [(1, "OFFER"), (2, "ACK")]
    assert (run.code, run.err) == (0, "")


@pytest.mark.parametrize("ports", [(67, 67), (9, 67), (9, 68), (67, 9), (68, 9)])
def test_one_dhcp_port_is_enough(ports: tuple[int, int], write: Write) -> None:
    assert types(write(pcap(ether(sport=ports[0], dport=ports[1])))) == ["OFFER"]


# IPv4 fragments


FRAGMENTS = fragment(ether(LONG, id=1), fragsize=480)
EMPTY = ETHER / IP(src="192.0.2.1", dst="255.255.255.255", id=1, flags="MF", frag=60, proto=17)


@pytest.mark.rfc("791 3.2")
@pytest.mark.parametrize(
    "frames",
    [
        FRAGMENTS,
        FRAGMENTS[::-1],
        FRAGMENTS[:2] + FRAGMENTS[:2] + FRAGMENTS[2:],
        FRAGMENTS[:2] + [EMPTY] + FRAGMENTS[2:],
    ],
    ids=["in order", "backwards", "twice", "an empty one"],
)
def test_fragments_are_put_together(frames: list[Any], write: Write) -> None:
    assert len(FRAGMENTS) == 4
    messages, said = read(write(pcap(*frames)))
    assert [message.payload for message in messages] == [LONG]
    assert not said


def test_fragments_of_different_datagrams_are_kept_apart(write: Write) -> None:
    others = fragment(ether(LONG, id=2), fragsize=480)
    mixed = [frame for pair in zip(FRAGMENTS, others, strict=True) for frame in pair]
    assert types(write(pcap(*mixed))) == ["ACK", "ACK"]


def test_fragments_of_different_interfaces_are_kept_apart(write: Write) -> None:
    content = section() + interface() + interface()
    for each in FRAGMENTS:
        content += enhanced(each, index=0) + enhanced(each, index=1)
    assert types(write(content)) == ["ACK", "ACK"]


def test_a_missing_fragment_is_named(write: Write) -> None:
    run = Run("--json", write(pcap(FRAGMENTS[0], FRAGMENTS[2], FRAGMENTS[3])))
    (record,) = run.records
    assert record["error"].startswith("IPv4 fragments are missing from byte 480 on; option 43 ")
    assert (record["type"], run.code) == ("ACK", 1)


def test_a_missing_first_fragment_is_named(write: Write) -> None:
    path = write(pcap(*FRAGMENTS[1:]))
    run = Run("--json", path)
    what = "packet 3 may be DHCP: IPv4 fragments are missing from byte 0 on"
    assert (run.out, run.err, run.code) == ("", f"{path}: {what}\n", 0)


def test_overlapping_fragments_are_named(write: Write) -> None:
    other = FRAGMENTS[1].copy()
    other[IP].frag -= 1
    messages, said = read(write(pcap(FRAGMENTS[0], other, *FRAGMENTS[2:])))
    assert len(messages) == 1
    assert messages[0].record["error"].startswith("IPv4 fragments overlap at byte 472; ")
    assert len(said) == 1


def test_fragments_of_other_protocols_are_skipped(write: Write) -> None:
    frames = fragment(ETHER / IP() / TCP() / bytes(1000), fragsize=480)
    other_port = fragment(ether(LONG, sport=53, dport=5353), fragsize=480)
    assert types(write(pcap(*frames[1:], *other_port[:2]))) == []


# Files


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("unit", "ns"), [("us", 500_000), ("ns", 500)])
def test_pcap(order: str, unit: str, ns: int, write: Write) -> None:
    messages, said = read(write(pcap(ether(), ether(ACK), order=order, unit=unit)))
    times = [message.datagram.packet.ns for message in messages if message.datagram]
    assert times == [1000 * 10**9, 1000 * 10**9 + ns]
    assert not said


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_has_three_kinds_of_packet_blocks(order: str, write: Write) -> None:
    frame = bytes(ether())
    obsolete = struct.pack(order + "HHIIII", 0, 0, 0, 5, len(frame), len(frame)) + frame
    content = section(order) + interface(order) + enhanced(frame, order, ticks=5)
    content += block(order, OBSOLETE_PACKET, obsolete)
    content += block(order, SIMPLE_PACKET, struct.pack(order + "I", len(frame)) + frame)
    content += block(order, 5, bytes(12)) + block(order, 0xBAD, b"other blocks")
    messages, said = read(write(content, "x.pcapng"))
    assert [message.payload for message in messages] == [OFFER] * 3
    times = [message.datagram.packet.ns for message in messages if message.datagram]
    assert times == [5000, 5000, None]
    assert not said


def test_pcapng_interfaces_have_link_types_and_clocks_of_their_own(write: Write) -> None:
    nanoseconds = struct.pack("<HHB3x", 9, 1, 9)
    binary = struct.pack("<HHB3x", 9, 1, 0x80 | 10)
    late = struct.pack("<HHq", 14, 8, 3) + bytes(4)
    content = section() + interface() + interface(link=RAW_IP, options=nanoseconds)
    content += interface(options=binary + late)
    content += enhanced(ip(), index=1, ticks=1 << 32) + enhanced(ether(), ticks=7)
    content += enhanced(ether(), index=2, ticks=512)
    messages, said = read(write(content))
    times = [message.datagram.packet.ns for message in messages if message.datagram]
    assert times == [1 << 32, 7000, 3_500_000_000]
    assert not said


def test_pcapng_sections_have_byte_orders_and_interfaces_of_their_own(write: Write) -> None:
    content = section() + interface() + enhanced(ether())
    content += section(">") + interface(">", RAW_IP) + enhanced(ip(ACK), ">")
    assert types(write(content)) == ["OFFER", "ACK"]


def test_a_payload_is_known_by_its_name(write: Write) -> None:
    assert types(write(ACK, "x.bin")) == ["ACK"]


def test_stdin(write: Write) -> None:
    run = Run("--json", "/dev/stdin", stdin=pcap(ether()))
    assert [record["type"] for record in run.records] == ["OFFER"]


GOOD = pcap(ether())
GOOD_NG = section() + interface() + enhanced(ether())
SHORT_PACKET = block("<", ENHANCED_PACKET, struct.pack("<5I", 0, 0, 0, 64, 64) + bytes(60))
UNREADABLE = {
    "empty": (b"", "is empty"),
    "foreign": (b"\x7fELF" + bytes(100), "is neither pcap nor pcapng, and not named .bin"),
    "pcap header": (GOOD[:20], "is cut off in the pcap header"),
    "pcap version": (GOOD[:4] + b"\3" + GOOD[5:], "is pcap version 3.4, not 2"),
    "pcap length": (
        GOOD[:32] + b"\xff" * 4 + GOOD[36:],
        "packet 1 claims 4294967295 bytes",
    ),
    "byte order": (
        section().replace(b"\x4d\x3c\x2b\x1a", b"abcd"),
        "block 1 begins a section in no known byte order",
    ),
    "block length": (section() + struct.pack("<II", 6, 8), "block 2 claims 8 bytes"),
    "block size": (section() + struct.pack("<II", 6, 1 << 31), "block 2 claims 2147483636 bytes"),
    "block end": (GOOD_NG[:-4] + bytes(4), "block 3 ends with another length than it begins with"),
    "block": (GOOD_NG[:-5], "is cut off in block 3"),
    "packet": (
        section() + interface() + SHORT_PACKET,
        "block 3 is too short for what it should hold",
    ),
    "interface": (section() + enhanced(ether()), "packet 1 is of interface 0, which is not there"),
    "options": (
        section() + interface(options=b"\x09\0\1\0"),
        "block 2 is too short for what it should hold",
    ),
    "link type": (
        pcap(ether(), ether(), link=127),
        "has packets that cannot be read: 2 of link type 127",
    ),
    "payload": (bytes(65508), "is longer than a UDP payload can be, 65507 bytes"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_refused(name: str, write: Write) -> None:
    content, why = UNREADABLE[name]
    path = write(content, "x.bin" if name == "payload" else "x.pcap")
    run = Run("--json", path)
    assert (run.out, run.err, run.code) == ("", f"{path}: {why}\n", 2)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name, why in ("none", "No such file or directory"), (".", "Is a directory"):
        path = tmp_path / name
        run = Run("--json", path)
        assert (run.out, run.err, run.code) == ("", f"{path}: {why}\n", 2)


def test_what_is_whole_of_a_cut_file_is_shown(write: Write) -> None:
    for content, where in (pcap(ether(), ether(ACK)), "packet 2"), (GOOD_NG * 2, "block 6"):
        path = write(content[:-7])
        run = Run("--json", path)
        assert [record["type"] for record in run.records] == ["OFFER"]
        assert (run.err, run.code) == (f"{path}: is cut off in {where}\n", 2)


def test_an_interface_of_another_kind_does_not_hide_the_others(write: Write) -> None:
    content = section() + interface(link=189) + interface()
    run = Run("--json", write(content + enhanced(b"usb") + enhanced(ether(), index=1)))
    assert [record["type"] for record in run.records] == ["OFFER"]
    assert "1 of link type 189" in run.err
    assert run.code == 2


def test_one_unreadable_file_does_not_stop_the_others(write: Write, tmp_path: Path) -> None:
    malformed = write(OFFER[:100], "malformed.bin")
    run = Run("--json", write(GOOD, "1.pcap"), tmp_path / "none", malformed, write(ACK, "2.bin"))
    assert [record["type"] for record in run.records] == ["OFFER", None, "ACK"]
    assert run.code == 2


# Packets that the capture did not keep whole


def test_a_message_that_the_capture_cut_is_named(write: Write) -> None:
    frame = bytes(ether())
    simple = block("<", SIMPLE_PACKET, struct.pack("<I", len(frame)) + frame[:100])
    cut_by_pcapng = section() + interface(snaplen=100) + simple
    for content in pcap((len(frame), frame[:100])), cut_by_pcapng:
        run = Run("--json", write(content))
        (record,) = run.records
        kept = f"the capture kept 100 of its {len(frame)} bytes"
        assert record["error"] == f"{kept}; 58 bytes, the fixed fields need 240"
        assert (record["xid"], run.code) == ("3903f326", 1)


def test_a_trailer_that_the_capture_cut_is_not_missed(write: Write) -> None:
    frame = bytes(ether())
    assert types(write(pcap((len(frame) + 4, frame)))) == ["OFFER"]


@pytest.mark.parametrize("kept", [0, 13, 30, 40])
def test_a_packet_cut_too_early_to_tell_is_named(kept: int, write: Write) -> None:
    frame = bytes(ether())
    path = write(pcap((len(frame), frame[:kept]), ether(ACK)))
    run = Run("--json", path)
    what = f"packet 1 may be DHCP: the capture kept {kept} of its {len(frame)} bytes"
    assert [record["type"] for record in run.records] == ["ACK"]
    assert (run.err, run.code) == (f"{path}: {what}\n", 0)


@pytest.mark.parametrize(
    ("length", "error"),
    [
        (400, "UDP claims 400 bytes, only 258 are there"),
        (258, None),
        (200, "192 bytes, the fixed fields need 240"),
        (7, "UDP claims 7 bytes, its header has 8"),
    ],
)
def test_the_udp_length_counts(length: int, error: str | None, write: Write) -> None:
    frame = ether()
    frame[UDP].len = length
    record = read(write(pcap(frame)))[0][0].record
    assert (record["error"] or "").split("; ")[0] == (error or "")


def test_an_ip_length_less_than_that_of_udp_is_named(write: Write) -> None:
    record = read(write(pcap(ether(len=270))))[0][0].record
    assert record["error"].startswith("UDP claims 258 bytes, only 250 are there; ")


# For people


def test_text(write: Write) -> None:
    options = option(53, b"\2") + option(51, b"\0\0\2\x58") + option(6, bytes(range(8)))
    offer = message(options + option(200, b"\1\2") + END, sname=b'boot"1', file=b"pxe.0\0x")
    path = write(pcap(ether(ACK), ether(offer), ether(b"\7")))
    run = Run(path)
    _, second, third = run.out.split(f"{path}, message ")[1:]
    assert second.splitlines() == [
        "2, packet 2, +0.000500 s: OFFER",
        "    02:00:00:00:01:01 192.0.2.1:67 -> ff:ff:ff:ff:ff:ff 255.255.255.255:68",
        "    BOOTREPLY, xid 3903f326, secs 7, flags 0x8000 (broadcast), chaddr 02:00:00:00:00:01",
        "    yiaddr 192.0.2.100, siaddr 192.0.2.1, giaddr 10.0.0.1, "
        r'sname "boot\x221", file "pxe.0"',
        "    53 DHCP message type: OFFER",
        "    51 IP address lease time: 600 s (0:10:00)",
        "    6 domain name server: 0.1.2.3, 4.5.6.7",
        "    200 option 200: 0102",
    ]
    assert third.splitlines() == [
        "3, packet 3, +0.001000 s: op 7",
        "    02:00:00:00:01:01 192.0.2.1:67 -> ff:ff:ff:ff:ff:ff 255.255.255.255:68",
        "    op 7",
        "    malformed: 1 bytes, the fixed fields need 240",
    ]
    assert (run.code, run.err) == (1, "")


def test_overloaded_fields_are_not_shown_as_names(write: Write) -> None:
    offer = message(option(52, b"\1") + END, file=option(12, b"a") + END, sname=b"server")
    shown = decode.text(read(write(offer, "x.bin"))[0][0])
    assert 'sname "server"' in shown
    assert "file " not in shown.replace("overload: file", "")


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        (1, "ffffff00", "255.255.255.0"),
        (1, "ffff", "ffff, which is not its size"),
        (2, "fffff1f0", "-3600 s"),
        (6, "", "empty, which is not its size"),
        (12, "61097f22ff", r'"a\x09\x7f\x22\xff"'),
        (19, "01", "yes"),
        (26, "05dc", "1500"),
        (33, "0a000001c0000201", "10.0.0.1 192.0.2.1"),
        (51, "ffffffff", "infinite"),
        (51, "00015180", "86400 s (1 day, 0:00:00)"),
        (52, "03", "file and sname"),
        (53, "06", "NAK"),
        (55, "01f2", "1 subnet mask, 242 option 242"),
        (61, "01020000000001", "Ethernet 02:00:00:00:00:01"),
        (61, "ff0001", "ff0001"),
        (81, "0500006100", r'flags 0x05, "a\x00"'),
        (82, "0104", "0104"),
        (93, "00000007", "0, 7"),
        (242, "", "empty"),
    ],
)
def test_value(code: int, value: str, expected: str) -> None:
    assert names.option_text(code, bytes.fromhex(value)) == expected


@given(st.integers(0, 255), st.binary(max_size=40))
def test_every_value_is_printable(code: int, value: bytes) -> None:
    for shown in names.option_name(code), names.option_text(code, value):
        assert shown.isascii()
        assert shown.isprintable()


def test_a_reader_may_leave_early(write: Write) -> None:
    path = write(pcap(*[bytes(ether())] * 2000))
    command = [sys.executable, str(TOOL), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


# Whatever the bytes are


MESSAGES = (OFFER, LONG, OVER_FILE, OVER_SNAME)
FILES = (
    pcap(*FRAGMENTS, *map(ether, MESSAGES)),
    pcap(ETHER / Dot1Q(vlan=1) / ip(), order=">", unit="ns"),
    pcap(CookedLinux(**SLL) / ip(), link=LINUX_SLL),
    pcap(CookedLinuxV2(**SLL) / ip(), link=LINUX_SLL2),
    GOOD_NG + section(">") + interface(">", 0) + enhanced(b"\2\0\0\0" + bytes(ip()), ">"),
)


@st.composite
def damaged(draw: st.DrawFn, originals: tuple[bytes, ...]) -> bytes:
    """One of `originals` with bytes changed, put in, or missing."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.sampled_from((at, at + 1, at + 1, at + 4, len(data))))
        data = data[:at] + draw(st.binary(max_size=4)) + data[end:]
    return data


@given(damaged(MESSAGES))
def test_no_message_raises(payload: bytes) -> None:
    record = decode.decode(payload)
    shown = decode.Message(payload, None, {"file": "x.bin", "n": 1} | record)
    assert decode.text(shown).isascii()


@given(content=damaged(FILES))
def test_no_file_raises(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pcap"
    path.write_bytes(content)
    for found in read(path)[0]:
        assert decode.text(found).startswith(str(path))
