"""Typed options against scapy's fields, and any bytes through them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scapy.fields import ByteField, IntField, IPField, ShortField
from scapy.layers.dhcp import DHCP, DHCPOptions, DHCPTypes
from scapy.layers.dhcp6 import DUID_EN, DUID_LL, DUID_LLT, DUID_UUID
from scapy.layers.dns import dns_encode

from dhcpc import options

FIELDS = {code: field for code, field in DHCPOptions.items() if hasattr(field, "name")}
SIZES = {"1": (ByteField, 1), "2": (ShortField, 2), "4": (IntField, 4)}
NUMBERS = [code for code in FIELDS if options.kind(code) in SIZES and code != 53]
ADDRESSES = [code for code in FIELDS if options.kind(code) in ("a", "A")]

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=5).map(".".join)
addresses = st.ip_addresses(v=4).map(str)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
words = st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1, max_size=20)
parts = st.binary(min_size=1, max_size=20)
macs = st.binary(min_size=6, max_size=6)
numbers = st.integers(0, 0xFFFFFFFF)


def scapys(code: int, *values: Any) -> bytes:
    """The bytes of an option as scapy writes it."""
    data = bytes(DHCP(options=[(FIELDS[code].name, *values)]))
    assert data[0] == code
    return data[2 : 2 + data[1]]


# Against scapy


def test_scapy_knows_options_of_each_type() -> None:
    assert len(NUMBERS) > 15
    assert len(ADDRESSES) > 30
    assert {"host": options.kind(12), "class": options.kind(60)} == {"host": "t", "class": "t"}
    assert all(isinstance(FIELDS[code], SIZES[options.kind(code)][0]) for code in NUMBERS)
    assert all(isinstance(FIELDS[code], IPField) for code in ADDRESSES)
    assert DHCPTypes[1] == "discover"


@given(st.sampled_from(NUMBERS), st.data())
def test_numbers_are_those_of_scapy(code: int, data: st.DataObject) -> None:
    size = SIZES[options.kind(code)][1]
    value = data.draw(st.integers(0, 256**size - 1))
    assert options.encode(code, value) == scapys(code, value)
    assert options.decode(code, scapys(code, value)) == value


@given(st.sampled_from(ADDRESSES), st.lists(addresses, min_size=1, max_size=8))
def test_addresses_are_those_of_scapy(code: int, some: list[str]) -> None:
    value = some if options.kind(code) == "A" else some[0]
    written = scapys(code, *(some if value is some else some[:1]))
    assert options.encode(code, value) == written
    assert options.decode(code, written) == value


@given(st.lists(st.tuples(st.integers(0, 32), addresses, addresses), min_size=1, max_size=12))
@example([(0, "0.0.0.0", "192.0.2.1"), (32, "10.1.2.3", "0.0.0.0")])
def test_routes_are_those_of_scapy(some: list[tuple[int, str, str]]) -> None:
    routes = [
        [str(IPv4Network((network, width), strict=False)), router]
        for width, network, router in some
    ]
    written = scapys(121, *map(":".join, routes))
    assert options.decode(121, written) == routes


@given(st.lists(names, min_size=1, max_size=8))
def test_names_are_those_of_scapy(some: list[str]) -> None:
    written = b"".join(dns_encode(name.encode()) for name in some)
    assert options.decode(119, written) == some


@given(names)
def test_a_whole_name_is_as_scapy_writes_it(name: str) -> None:
    assert options.encode(81, name + ".") == b"\5\0\0" + dns_encode(name.encode())
    assert options.encode(81, name) + b"\0" == options.encode(81, name + ".")


@given(numbers, macs, numbers, parts, st.uuids())
def test_duids_are_those_of_scapy(
    iaid: int, mac: bytes, number: int, identifier: bytes, uuid: UUID
) -> None:
    text = mac.hex(":")
    for duid, written in (
        ({"mac": text}, DUID_LL(lladdr=text)),
        ({"mac": text, "time": number}, DUID_LLT(timeval=number, lladdr=text)),
        ({"enterprise": number, "id": identifier}, DUID_EN(enterprisenum=number, id=identifier)),
        ({"uuid": uuid.hex}, DUID_UUID(uuid=uuid)),
    ):
        value = {"iaid": iaid, "duid": duid}
        data = b"\xff" + iaid.to_bytes(4, "big") + bytes(written)
        assert options.encode(61, value) == data
        assert options.decode(61, data) == value


# There and back


def encoded(code: int, value: Any) -> tuple[bytes, str]:
    """What a value is written as, or why it is refused."""
    try:
        return options.encode(code, value), ""
    except ValueError as error:
        return b"", str(error)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": addresses,
    "A": st.lists(addresses, min_size=1, max_size=63),
    "1": st.integers(0, 0xFF),
    "2": st.integers(0, 0xFFFF),
    "4": numbers,
    "s": st.integers(-(2**31), 2**31 - 1),
    "w": st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=20),
    "f": st.booleans(),
    "t": texts,
    "c": st.lists(st.integers(1, 254).map(options.name), min_size=1, max_size=40),
    "o": st.dictionaries(st.integers(1, 254), parts, min_size=1, max_size=8),
    "i": words,
    "u": st.lists(words, min_size=1, max_size=3),
    "n": st.builds(
        lambda flags, name: {"flags": flags, "name": name},
        st.sampled_from([1, 4, 5, 12]),
        names,
    ),
    "V": st.dictionaries(numbers, st.lists(words, min_size=1, max_size=2), min_size=1, max_size=2),
    "v": st.dictionaries(
        numbers,
        st.dictionaries(st.integers(1, 254), parts, min_size=1, max_size=3),
        min_size=1,
        max_size=2,
    ),
}


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=50)
@given(st.data())
def test_what_is_written_reads_as_it_was(kind: str, data: st.DataObject) -> None:
    code = data.draw(st.sampled_from([c for c in range(1, 255) if options.kind(c) == kind]))
    value = data.draw(VALUES[kind])
    written, refusal = encoded(code, value)
    if refusal:
        assume(len(repr(value)) < 60)  # else it may be over 255 bytes
    assert options.decode(code, written) == value


# Any bytes and values

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | parts,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=6,
)


@settings(max_examples=1000)
@given(st.integers(1, 254), st.binary(max_size=300))
def test_any_bytes_are_read_or_stay(code: int, data: bytes) -> None:
    value = options.decode(code, data)
    assert value == data if isinstance(value, bytes) else value is not None


@given(st.sampled_from([61, 77, 81, 119, 120, 121, 124, 125, 162]), st.data())
@settings(max_examples=1000)
def test_bytes_that_are_nearly_an_option_are_read_or_stay(code: int, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.sampled_from(b"\0\1\2\3\4\5\7\x20\x40\xc0\xffab."), max_size=40))
    value = options.decode(code, bytes(drawn))
    assert value == bytes(drawn) if isinstance(value, bytes) else value is not None


@settings(max_examples=1000)
@given(st.integers(1, 254), _json)
def test_any_value_is_written_or_refused_by_the_options_name(code: int, value: Any) -> None:
    written, refusal = encoded(code, value)
    if refusal:
        assert refusal.startswith(f"{options.name(code)}: ")
    else:
        assert 0 < len(written) <= 255
