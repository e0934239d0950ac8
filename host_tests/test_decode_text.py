"""What tools/decode.py shows to people."""

from __future__ import annotations

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


def test_a_reader_may_leave_early(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(*[bytes(ether())] * 2000))
    command = [sys.executable, str(TOOL), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
