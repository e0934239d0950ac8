"""What tools/decode.py shows to people."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import names
from capture.text import text
from crafted import ACK, END, TOOL, Run, ether, message, option, pcap, read, write


def test_text(tmp_path: Path) -> None:
    options = option(53, b"\2") + option(51, b"\0\0\2\x58") + option(6, bytes(range(8)))
    offer = message(options + option(200, b"\1\2") + END, sname=b'boot"1', file=b"pxe.0\0x")
    path = write(tmp_path, pcap(ether(ACK), ether(offer), ether(b"\7")))
    run = Run("-v", path)
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


def test_overloaded_fields_are_not_shown_as_names(tmp_path: Path) -> None:
    offer = message(option(52, b"\1") + END, file=option(12, b"a") + END, sname=b"server")
    shown = text(read(write(tmp_path, offer, "x.bin"))[0][0])
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
        (53, "0205", "OFFER, of 0205, which is not its size"),
        (53, "", "empty"),
        (55, "01f2", "1 subnet mask, 242 option 242"),
        (61, "01020000000001", "Ethernet 02:00:00:00:00:01"),
        (68, "", "none"),
        (93, "00000007", "0, 7"),
        (242, "", "empty"),
    ],
)
def test_value(code: int, value: str, expected: str) -> None:
    assert names.option_text(code, bytes.fromhex(value)) == expected


SEARCH = b"\3lab\7example\3org\0\4test\xc0\4\xc0\0".hex()
UUID = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        (43, "0104c00002010203616263ff", '1: c0000201, 2: "abc"'),
        (43, "0100", "1: empty"),
        (43, "0000", "0000"),
        (43, "0104", "0104"),
        (43, "010161ff01", "010161ff01"),
        (61, "00626f617264", '"board"'),
        (61, "00", "00"),
        (
            61,
            "ff00000001 0001 0001 2d24bd00 020000000001",
            "IAID 00000001, DUID-LLT Ethernet 02:00:00:00:00:01 of 2024-01-01 00:00:00",
        ),
        (61, "ff00000001 0003 0020 0102", "IAID 00000001, DUID-LL hardware 32 01:02"),
        (61, "ff00000001 0002 00000009 abcd", "IAID 00000001, DUID-EN enterprise 9 abcd"),
        (
            61,
            "ff00000001 0004" + UUID,
            "IAID 00000001, DUID-UUID 00112233-4455-6677-8899-aabbccddeeff",
        ),
        (61, "ff00000001 0009 ab", "IAID 00000001, DUID of type 9 ab"),
        (61, "ff00000001 0001 0001", "ff0000000100010001"),
        (61, "ff00000001 0004 0011", "ff0000000100040011"),
        (61, "ff0001", "ff0001"),
        (81, "0100006100", r'flags 0x01 (S), "a\x00"'),
        (81, "0500000161026f7200", "flags 0x05 (SE), a.or"),
        (81, "0400000161", "flags 0x04 (E), a"),
        (81, "050000", "flags 0x05 (SE), ."),
        (81, "05000000", "flags 0x05 (SE), ."),
        (81, "0400000161000162", "0400000161000162"),
        (81, "0500006100", "0500006100"),
        (81, "0000", "0000"),
        (82, "010465746830 0206020000000001", 'circuit ID "eth0", remote ID 020000000001'),
        (
            82,
            "0b04c0000201 0502c000 630161",
            'server identifier override 192.0.2.1, link selection c000, suboption 99 "a"',
        ),
        (82, "0104", "0104"),
        (77, "0773656e736f7273036c6162", '"sensors", "lab"'),
        (77, "69505845", '"iPXE"'),
        (119, SEARCH, "lab.example.org, test.example.org, lab.example.org"),
        (119, "03612e6200", "03612e6200"),
        (119, "03611b6200", r"a\x1bb"),
        (119, "0161c000", "0161c000"),
        (119, "c000", "c000"),
        (119, "0161", "0161"),
        (119, "40" + 64 * "61" + "00", "40" + 64 * "61" + "00"),
        (
            121,
            "00c0000201 080ac0000201 1cc000021000000000",
            "default via 192.0.2.1, 10.0.0.0/8 via 192.0.2.1, 192.0.2.16/28 on the link",
        ),
        (249, "00c0000201", "default via 192.0.2.1"),
        (121, "18c00002", "18c00002"),
        (121, "21c000020100c0000201", "21c000020100c0000201"),
        (
            124,
            "00000009 04 03616263 0000137f 03 020102",
            'enterprise 9: "abc"; enterprise 4991: 0102',
        ),
        (124, "00000009 04 04616263", "000000090404616263"),
        (124, "00000009 00", "0000000900"),
        (
            125,
            "00000de9 05 0103616263 00000009 00",
            'enterprise 3561: 1: "abc"; enterprise 9: nothing',
        ),
        (125, "00000de9 05 0103", "00000de9050103"),
        (120, "0103c0000201", "0103c0000201"),
        (120, "01c0000201c0000202", "192.0.2.1, 192.0.2.2"),
        (120, "00037369700000", "sip, ."),
        (
            162,
            "0015 0001 05 03646e7300 04 c0000201 0001 0004 03646f74 0008 0002 05 03646e7300",
            "priority 1 dns, 192.0.2.1, 1: 03646f74; priority 2 dns",
        ),
    ],
)
def test_value_with_parts(code: int, value: str, expected: str) -> None:
    assert names.option_text(code, bytes.fromhex(value)) == expected


def test_a_name_is_not_followed_through_pointers_without_end() -> None:
    ladder = b"\1a\0" + b"".join(struct.pack("!H", 0xC000 | at) for at in (0, *range(3, 99, 2)))
    assert names.option_text(119, ladder) == ladder.hex()
    assert names.option_text(119, ladder[:21]) == ", ".join("a" * 10)


@given(st.integers(0, 255), st.binary(max_size=40))
def test_every_value_is_printable(code: int, value: bytes) -> None:
    for shown in names.option_name(code), names.option_text(code, value):
        assert shown.isascii()
        assert shown.isprintable()


def test_a_reader_may_leave_early(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(*[bytes(ether())] * 2000))
    command = [sys.executable, str(TOOL), "-v", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
