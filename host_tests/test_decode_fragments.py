"""tools/decode.py puts the fragments of IPv4 together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, fragment

from counting import cost
from crafted import (
    ETHER,
    FRAGMENTS,
    LONG,
    Run,
    enhanced,
    ether,
    interface,
    message,
    pcap,
    read,
    section,
    types,
    write,
)

EMPTY = ETHER / IP(src="192.0.2.1", dst="255.255.255.255", id=1, flags="MF", frag=60, proto=17)


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
def test_fragments_are_put_together(frames: list[Any], tmp_path: Path) -> None:
    assert len(FRAGMENTS) == 4
    messages, said = read(write(tmp_path, pcap(*frames)))
    assert [message.payload for message in messages] == [LONG]
    assert not said


def test_fragments_of_different_datagrams_are_kept_apart(tmp_path: Path) -> None:
    others = fragment(ether(LONG, id=2), fragsize=480)
    mixed = [frame for pair in zip(FRAGMENTS, others, strict=True) for frame in pair]
    assert types(write(tmp_path, pcap(*mixed))) == ["ACK", "ACK"]


def test_fragments_of_different_interfaces_are_kept_apart(tmp_path: Path) -> None:
    content = section() + interface() + interface()
    for each in FRAGMENTS:
        content += enhanced(each, index=0) + enhanced(each, index=1)
    assert types(write(tmp_path, content)) == ["ACK", "ACK"]


def test_a_missing_fragment_is_named(tmp_path: Path) -> None:
    run = Run("--json", write(tmp_path, pcap(FRAGMENTS[0], FRAGMENTS[2], FRAGMENTS[3])))
    (record,) = run.records
    assert record["error"].startswith("IPv4 fragments are missing from byte 480 on; option 43 ")
    assert (record["type"], run.code) == ("ACK", 1)


def test_a_missing_first_fragment_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(*FRAGMENTS[1:]))
    run = Run("--json", path)
    what = "packet 3 may be DHCP: IPv4 fragments are missing from byte 0 on"
    said = [f"decode: {path}: {what}", f"decode: {path}: has no DHCP message"]
    assert run.err.splitlines() == said
    assert (run.out, run.code) == ("", 1)


def test_overlapping_fragments_are_named(tmp_path: Path) -> None:
    other = FRAGMENTS[1].copy()
    other[IP].frag -= 1
    messages, said = read(write(tmp_path, pcap(FRAGMENTS[0], other, *FRAGMENTS[2:])))
    assert len(messages) == 1
    assert messages[0].record["error"].startswith("IPv4 fragments overlap at byte 472; ")
    assert len(said) == 1


def test_fragments_of_other_protocols_are_skipped(tmp_path: Path) -> None:
    frames = fragment(ETHER / IP() / TCP() / bytes(1000), fragsize=480)
    other_port = fragment(ether(LONG, sport=53, dport=5353), fragsize=480)
    assert types(write(tmp_path, pcap(*frames[1:], *other_port[:2]))) == []


@given(again=st.lists(st.integers(0, 3), max_size=8), order=st.permutations(range(4)))
def test_fragments_come_in_any_order_and_again(
    again: list[int], order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    last = order.pop()
    frames = [FRAGMENTS[i] for i in [*order, *again, last] if i != last] + [FRAGMENTS[last]]
    assert types(write(tmp_path_factory.getbasetemp(), pcap(*frames))) == ["ACK"]


def test_fragments_that_touch_do_not_overlap(tmp_path: Path) -> None:
    frames = fragment(ether(LONG, id=1), fragsize=8)
    odd, even = frames[1::2], frames[::2]
    assert types(write(tmp_path, pcap(*odd, *even))) == ["ACK"]


@pytest.mark.parametrize("step", [1, -1], ids=["in order", "backwards"])
def test_a_fragment_costs_the_same_however_many_there_are(step: int, tmp_path: Path) -> None:
    costs = []
    for count in 100, 400:
        frames = fragment(ether(message(bytes(8 * count - 248)), id=1), fragsize=8)
        assert len(frames) == count
        path = write(tmp_path, pcap(*frames[::step]))
        assert len(read(path)[0]) == 1
        costs.append(cost(read, path).lines)
    assert costs[1] < 5 * costs[0]
