"""The files that tools/decode.py reads, and those that it refuses."""

from __future__ import annotations

import gzip
import select
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from scapy.layers.dot11 import Dot11, RadioTap
from scapy.layers.l2 import LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1Q
from scapy.layers.ppp import PPP, PPPoE

from capture import files
from capture.text import text
from counting import cost
from crafted import (
    ACK,
    ENHANCED_PACKET,
    ETHER,
    FRAGMENTS,
    LINUX_SLL,
    LINUX_SLL2,
    MESSAGES,
    OBSOLETE_PACKET,
    OFFER,
    RADIOTAP,
    RAW_IP,
    SIMPLE_PACKET,
    SLL,
    TOOL,
    Run,
    block,
    damaged,
    enhanced,
    ether,
    interface,
    ip,
    pcap,
    read,
    section,
    types,
    write,
)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("unit", "ns"), [("us", 500_000), ("ns", 500)])
def test_pcap(order: str, unit: str, ns: int, tmp_path: Path) -> None:
    messages, said = read(write(tmp_path, pcap(ether(), ether(ACK), order=order, unit=unit)))
    times = [message.datagram.packet.ns for message in messages if message.datagram]
    assert times == [1000 * 10**9, 1000 * 10**9 + ns]
    assert not said


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_has_three_kinds_of_packet_blocks(order: str, tmp_path: Path) -> None:
    frame = bytes(ether())
    obsolete = struct.pack(order + "HHIIII", 0, 0, 0, 5, len(frame), len(frame)) + frame
    content = section(order) + interface(order) + enhanced(frame, order, ticks=5)
    content += block(order, OBSOLETE_PACKET, obsolete)
    content += block(order, SIMPLE_PACKET, struct.pack(order + "I", len(frame)) + frame)
    content += block(order, 5, bytes(12)) + block(order, 0xBAD, b"other blocks")
    messages, said = read(write(tmp_path, content, "x.pcapng"))
    assert [message.payload for message in messages] == [OFFER] * 3
    times = [message.datagram.packet.ns for message in messages if message.datagram]
    assert times == [5000, 5000, None]
    assert not said


def test_pcapng_interfaces_have_link_types_and_clocks_of_their_own(tmp_path: Path) -> None:
    nanoseconds = struct.pack("<HHB3x", 9, 1, 9)
    binary = struct.pack("<HHB3x", 9, 1, 0x80 | 10)
    late = struct.pack("<HHq", 14, 8, 3) + bytes(4)
    content = section() + interface() + interface(link=RAW_IP, options=nanoseconds)
    content += interface(options=binary + late)
    content += enhanced(ip(), index=1, ticks=1 << 32) + enhanced(ether(), ticks=7)
    content += enhanced(ether(), index=2, ticks=512)
    messages, said = read(write(tmp_path, content))
    times = [message.datagram.packet.ns for message in messages if message.datagram]
    assert times == [1 << 32, 7000, 3_500_000_000]
    assert not said


def test_pcapng_sections_have_byte_orders_and_interfaces_of_their_own(tmp_path: Path) -> None:
    content = section() + interface() + enhanced(ether())
    content += section(">") + interface(">", RAW_IP) + enhanced(ip(ACK), ">")
    assert types(write(tmp_path, content)) == ["OFFER", "ACK"]


def test_a_payload_is_known_by_its_name(tmp_path: Path) -> None:
    assert types(write(tmp_path, ACK, "x.bin")) == ["ACK"]


def test_stdin(tmp_path: Path) -> None:
    run = Run("--json", "/dev/stdin", stdin=pcap(ether()))
    assert [record["type"] for record in run.records] == ["OFFER"]


def test_a_dash_is_stdin() -> None:
    for content in pcap(ether()), gzip.compress(pcap(ether())):
        run = Run("--json", "-", stdin=content)
        assert [(record["file"], record["type"]) for record in run.records] == [("-", "OFFER")]
        assert (run.code, run.err) == (0, "")


def test_stdin_is_refused_like_a_file() -> None:
    run = Run("-", stdin=pcap(ether())[:-1])
    assert (run.err, run.code) == ("decode: -: is cut off in packet 1\n", 2)


def test_a_message_is_shown_before_the_next_one_is_there() -> None:
    command = [sys.executable, str(TOOL), "--json", "-"]
    content = pcap(ether(), ether(ACK))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for byte in range(2):  # a pipe may give less than a header at once
            process.stdin.write(content[byte : byte + 1])
            process.stdin.flush()
        process.stdin.write(content[2:-1])
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 30)[0]
        assert b"OFFER" in process.stdout.readline()
        process.stdin.write(content[-1:])
        process.stdin.close()
        assert b"ACK" in process.stdout.read()


GOOD = pcap(ether())
GOOD_NG = section() + interface() + enhanced(ether())
SHORT_PACKET = block("<", ENHANCED_PACKET, struct.pack("<5I", 0, 0, 0, 64, 64) + bytes(60))
UNREADABLE = {
    "empty": (b"", "is empty"),
    "foreign": (b"\x7fELF" + bytes(100), files._FOREIGN),
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
        pcap(ether(), ether(), link=147),
        "has packets that cannot be read: 2 of link type 147",
    ),
    "payload": (bytes(65508), "is longer than a UDP payload can be, 65507 bytes"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_refused(name: str, tmp_path: Path) -> None:
    content, why = UNREADABLE[name]
    path = write(tmp_path, content, "x.bin" if name == "payload" else "x.pcap")
    run = Run("--json", path)
    assert (run.out, run.err, run.code) == ("", f"decode: {path}: {why}\n", 2)


@pytest.mark.parametrize("name", ["pcap", "pcapng"])
def test_what_a_file_claims_and_does_not_hold_takes_no_memory(name: str, tmp_path: Path) -> None:
    size = struct.pack("<I", 1 << 24)
    content = GOOD[:32] + size + GOOD[36:] if name == "pcap" else section() + bytes(4) + size
    path = write(tmp_path, content)
    assert read(path)[1][0].startswith("is cut off in ")
    assert cost(read, path).bytes < 500_000


# gzip


@pytest.mark.parametrize("name", ["x.pcap.gz", "x.pcapng.gz", "x.pcap"])
def test_a_gzipped_capture_is_known_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    content = GOOD_NG if "ng" in name else GOOD
    assert types(write(tmp_path, gzip.compress(content), name)) == ["OFFER"]


def test_a_gzipped_payload_is_known_by_its_name(tmp_path: Path) -> None:
    assert types(write(tmp_path, gzip.compress(ACK), "x.BIN.gz")) == ["ACK"]


def test_a_payload_may_begin_as_gzip_does(tmp_path: Path) -> None:
    messages, said = read(write(tmp_path, b"\x1f\x8b" + ACK[2:], "x.bin"))
    assert [message.record["op"] for message in messages] == [0x1F]
    assert not said


ZIPPED = gzip.compress(pcap(ether(), ether(ACK)), 0, mtime=0)  # 0: as it is
BAD_GZIP = {
    "cut": (ZIPPED[:-9], "is cut off within its gzip stream"),
    "header": (ZIPPED[:3], "is cut off within its gzip stream"),
    "checksum": (ZIPPED[:-8] + bytes(8), "is damaged within its gzip stream: CRC check failed"),
    "block": (ZIPPED[:10] + b"\7" + ZIPPED[11:], "is damaged within its gzip stream: Error -3 "),
    "capture in it": (gzip.compress(GOOD[:-1]), "is cut off in packet 1"),
    "nothing in it": (gzip.compress(b""), "is empty"),
}


@pytest.mark.parametrize("name", BAD_GZIP)
def test_a_bad_gzip_stream_is_refused(name: str, tmp_path: Path) -> None:
    content, why = BAD_GZIP[name]
    path = write(tmp_path, content)
    run = Run("--json", path)
    assert run.err.startswith(f"decode: {path}: {why}")
    assert (run.err.count("\n"), run.code) == (1, 2)


def test_a_bad_gzipped_payload_is_refused(tmp_path: Path) -> None:
    for content, why in (
        (gzip.compress(ACK)[:-1], "is cut off within its gzip stream"),
        (ACK, "is damaged within its gzip stream: Not a gzipped file (b'\\x02\\x01')"),
        (gzip.compress(bytes(65508)), "is longer than a UDP payload can be, 65507 bytes"),
    ):
        path = write(tmp_path, content, "x.bin.gz")
        run = Run("--json", path)
        assert (run.out, run.err, run.code) == ("", f"decode: {path}: {why}\n", 2)


def test_what_is_whole_of_a_cut_gzip_stream_is_shown(tmp_path: Path) -> None:
    messages, said = read(write(tmp_path, ZIPPED[:-20]))
    assert [message.record["type"] for message in messages] == ["OFFER"]
    assert said == ["is cut off within its gzip stream"]


# Files of which something is missing


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name, why in ("none", "No such file or directory"), (".", "Is a directory"):
        path = tmp_path / name
        run = Run("--json", path)
        assert (run.out, run.err, run.code) == ("", f"decode: {path}: {why}\n", 2)


def test_what_is_whole_of_a_cut_file_is_shown(tmp_path: Path) -> None:
    for content, where in (pcap(ether(), ether(ACK)), "packet 2"), (GOOD_NG * 2, "block 6"):
        path = write(tmp_path, content[:-7])
        run = Run("--json", path)
        assert [record["type"] for record in run.records] == ["OFFER"]
        assert (run.err, run.code) == (f"decode: {path}: is cut off in {where}\n", 2)


def test_an_interface_of_another_kind_does_not_hide_the_others(tmp_path: Path) -> None:
    content = section() + interface(link=189) + interface()
    run = Run("--json", write(tmp_path, content + enhanced(b"usb") + enhanced(ether(), index=1)))
    assert [record["type"] for record in run.records] == ["OFFER"]
    assert "1 of link type 189" in run.err
    assert run.code == 2


def test_one_unreadable_file_does_not_stop_the_others(tmp_path: Path) -> None:
    malformed = write(tmp_path, OFFER[:100], "malformed.bin")
    first, last = write(tmp_path, GOOD, "1.pcap"), write(tmp_path, ACK, "2.bin")
    run = Run("--json", first, tmp_path / "none", malformed, last)
    assert [record["type"] for record in run.records] == ["OFFER", None, "ACK"]
    assert run.code == 2


# Whatever the bytes are


FILES = (
    pcap(*FRAGMENTS, *map(ether, MESSAGES)),
    pcap(ETHER / Dot1Q(vlan=1) / ip(), order=">", unit="ns"),
    pcap(CookedLinux(**SLL) / ip(), link=LINUX_SLL),
    pcap(CookedLinuxV2(**SLL) / ip(), link=LINUX_SLL2),
    pcap(RadioTap() / Dot11(type=2, addr2=ETHER.src) / LLC() / SNAP() / ip(), link=RADIOTAP),
    pcap(ETHER / PPPoE() / PPP() / ip()),
    gzip.compress(pcap(ether()), mtime=0),
    GOOD_NG + section(">") + interface(">", 0) + enhanced(b"\2\0\0\0" + bytes(ip()), ">"),
)


@given(content=damaged(FILES))
def test_no_file_raises(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pcap"
    path.write_bytes(content)
    for found in read(path)[0]:
        assert text(found).startswith(str(path))
