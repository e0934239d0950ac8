"""What tools/decode.py says of a message."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from scapy.layers.l2 import Dot1Q, Ether

from capture.messages import Message, decode
from capture.text import text
from counting import cost
from crafted import (
    ACK,
    END,
    ETHER,
    MESSAGES,
    OFFER,
    OVER_FILE,
    OVER_SNAME,
    SIMPLE_PACKET,
    Run,
    block,
    damaged,
    enhanced,
    ether,
    interface,
    ip,
    message,
    option,
    pcap,
    section,
    write,
)

# What a message says


def test_json_is_one_object_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(ether(OFFER), ether(ACK)))
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
        "time": 1000.0,
        "packet": 1,
        "src": "192.0.2.1:67",
        "dst": "255.255.255.255:68",
    }
    assert list(run.records[0].items()) == list(offer.items())
    ack = {"n": 2, "type": "ACK", "options": [[53, "05"], [54, "c0000201"]]}
    assert run.records[1:] == [offer | ack | {"time": 1000.0005, "packet": 2}]
    assert (run.code, run.err) == (0, "")


def test_json_wins_over_verbose(tmp_path: Path) -> None:
    path = write(tmp_path, ACK, "x.bin")
    run, both = Run("--json", path), Run("--json", "-v", path)
    assert (both.code, both.out, both.err) == (0, run.out, "")


def test_json_has_of_a_packet_what_its_file_says(tmp_path: Path) -> None:
    timeless = block("<", SIMPLE_PACKET, struct.pack("<I", len(ether())) + bytes(ether()))
    run = Run("--json", write(tmp_path, section() + interface() + enhanced(b"") + timeless))
    assert [(record["n"], record["packet"]) for record in run.records] == [(1, 2)]
    assert run.records[0]["time"] is None
    bare = Run("--json", write(tmp_path, OFFER, "x.bin")).records[0]
    assert run.records[0].keys() - bare.keys() == {"time", "packet", "src", "dst"}


def test_json_has_microseconds_and_addresses_without_their_link(tmp_path: Path) -> None:
    packet = Ether(src=ETHER.src, dst=ETHER.dst) / Dot1Q(vlan=7) / ip()
    nanoseconds = struct.pack("<HHB3x", 9, 1, 9)
    content = section() + interface(options=nanoseconds) + enhanced(packet, ticks=123_456_789_012)
    record = Run("--json", write(tmp_path, content)).records[0]
    assert (record["time"], record["src"]) == (123.456789, "192.0.2.1:67")


@pytest.mark.rfc("3396 5 fields-in-order", "2132 9.3 overloaded-fields-last")
def test_options_are_joined_and_in_order_of_first_appearance() -> None:
    options = option(53, b"\2") + option(12, b"a") + b"\0" + option(52, b"\3") + END
    file = option(3, b"\1\2\3\4") + option(12, b"b") + END + option(99, b"behind END")
    sname = option(1, b"\xff\xff\xff\0") + option(12, b"c") + END
    record = decode(message(options + option(98, b"behind END"), file=file, sname=sname))
    expected = [[53, "02"], [12, b"abc".hex()], [52, "03"], [3, "01020304"], [1, "ffffff00"]]
    assert (record["options"], record["error"]) == (expected, None)


@pytest.mark.rfc("2132 9.3 overloaded-fields")
@pytest.mark.parametrize(("overload", "read"), [(1, [12]), (2, [15]), (3, [12, 15]), (4, [])])
def test_only_the_fields_that_option_52_names_hold_options(overload: int, read: list[int]) -> None:
    options = option(52, bytes([overload])) + END
    record = decode(
        message(options, file=option(12, b"file") + END, sname=option(15, b"sname") + END)
    )
    assert [code for code, _ in record["options"]] == [52, *read]


def test_option_52_in_an_overloaded_field_is_listed_and_not_obeyed() -> None:
    file = option(52, b"\3") + option(12, b"a") + END
    record = decode(message(option(52, b"\1") + END, file=file, sname=b"\x63"))
    assert record["options"] == [[52, "0103"], [12, b"a".hex()]]
    assert record["error"] is None


@pytest.mark.rfc("2132 9.6 message-type")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (option(53, b"\1"), "DISCOVER"),
        (option(53, b"\x08"), "INFORM"),
        (option(53, b"\x0d"), "LEASEACTIVE"),
        (option(53, b"\xc8"), "200"),
        (option(53, b"\0"), "0"),
        (option(53, b""), None),
        (option(53, b"\2\5"), "OFFER"),
        (option(53, b"\2") * 2, "OFFER"),
        (b"", None),
    ],
)
def test_type(options: bytes, expected: str | None) -> None:
    record = decode(message(options + END))
    assert (record["type"], record["error"]) == (expected, None)


@pytest.mark.parametrize("hlen", [0, 6, 16, 255])
def test_chaddr_has_hlen_bytes_and_at_most_16(hlen: int) -> None:
    chaddr = "020000000001" + "00" * 10
    assert decode(message(b"", hlen=hlen))["chaddr"] == chaddr[: 2 * hlen]


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
def test_a_malformed_message_is_reported(payload: bytes, error: str, tmp_path: Path) -> None:
    run = Run("--json", write(tmp_path, payload, "x.bin"))
    assert run.records[0]["error"] == error
    assert (run.code, run.err, len(run.records)) == (1, "", 1)


def test_a_malformed_message_shows_what_came_before_the_fault() -> None:
    record = decode(message(option(53, b"\2") + option(12, b"a") + b"\x0c\x05b"))
    assert (record["type"], record["options"]) == ("OFFER", [[53, "02"], [12, "61"]])


def test_behind_the_fault_nothing_is_an_option() -> None:
    file, sname = option(3, bytes(4)) + b"\x0c\xff", option(12, b"a") + END
    record = decode(message(option(52, b"\3") + END, file=file, sname=sname))
    assert record["options"] == [[52, "03"], [3, "00000000"]]
    assert record["error"] == "option 12 at offset 114 in file claims 255 bytes, only 120 left"


def test_a_field_that_a_short_message_lacks_is_null() -> None:
    record = decode(OFFER[:18])
    assert (record["xid"], record["flags"], record["ciaddr"]) == ("3903f326", 0x8000, "0.0.0.0")
    lacking = ("yiaddr", "siaddr", "giaddr", "chaddr", "type")
    assert [record[name] for name in lacking] == [None] * 5
    assert record["options"] == []


def test_without_the_magic_cookie_nothing_is_an_option() -> None:
    payload = bytearray(OFFER)
    payload[239] ^= 1
    record = decode(bytes(payload))
    assert (record["type"], record["options"]) == (None, [])
    assert (record["xid"], record["error"]) == ("3903f326", "no magic cookie: 63825362")


def test_neither_end_nor_option_53_is_required() -> None:
    assert decode(message(option(12, b"a")))["error"] is None


# Whatever the bytes are


@pytest.mark.parametrize("size", [0, 1, 2, 40])
def test_a_fault_costs_no_more_than_a_few_readings(size: int) -> None:
    whole = message((30000 // (size + 2)) * option(43, bytes(size)))
    torn = whole + b"\x0c\xff" + 254 * b"\x0c"
    assert decode(torn)["error"] == (
        f"option 12 at offset {len(whole)} claims 255 bytes, only 254 left"
    )
    assert cost(decode, torn).lines < 5 * cost(decode, whole).lines


@given(damaged(MESSAGES))
def test_no_message_raises(payload: bytes) -> None:
    record = decode(payload)
    shown = Message(payload, None, {"file": "x.bin", "n": 1} | record)
    assert text(shown).isascii()
