"""Every message of host_tests/captures: our codec, scapy and the VMs read it alike."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCPOptionsField, DHCPTypes
from scapy.layers.inet import IP, UDP
from scapy.packet import Packet
from scapy.utils import rdpcap

from capture import names
from capture.messages import Message, messages
from toolchain import vm

CAPTURES = sorted(Path(__file__).parent.glob("captures/*.pcap"))
EVERY_VM = [pytest.param(machine, id=name) for name, machine in vm.vms().items()]


@cache
def ours(path: Path) -> list[Message]:
    said: list[str] = []
    found = list(messages(str(path), said.append))
    assert not said
    return found


# The second opinion

OPTIONS = DHCPOptionsField("options", b"")


def scapy_message(path: Path, n: int, packet: Packet) -> dict[str, Any]:
    """What decode.py should say of a message, put together from what scapy says."""
    payload = bytes(packet[UDP].payload)
    bootp = BOOTP(payload)
    pieces = scapy_options(payload[240:])
    overload = b"".join(value for code, value in pieces if code == 52)
    if overload in (b"\1", b"\3"):
        pieces += scapy_options(bootp.file)
    if overload in (b"\2", b"\3"):
        pieces += scapy_options(bootp.sname)
    options: dict[int, bytes] = {}
    for code, value in pieces:
        options[code] = options.get(code, b"") + value
    return {
        "file": str(path),
        "n": n,
        "op": bootp.op,
        "htype": bootp.htype,
        "hlen": bootp.hlen,
        "hops": bootp.hops,
        "xid": f"{bootp.xid:08x}",
        "secs": bootp.secs,
        "flags": int(bootp.flags),
        "ciaddr": bootp.ciaddr,
        "yiaddr": bootp.yiaddr,
        "siaddr": bootp.siaddr,
        "giaddr": bootp.giaddr,
        "chaddr": bootp.chaddr[: bootp.hlen].hex(),
        "type": DHCPTypes[options[53][0]].upper(),
        "options": [[code, value.hex()] for code, value in options.items()],
        "error": None,
        "time": float(packet.time),
        "packet": n,
        "src": f"{packet[IP].src}:{packet[UDP].sport}",
        "dst": f"{packet[IP].dst}:{packet[UDP].dport}",
    }


def scapy_options(field: bytes) -> list[tuple[int, bytes]]:
    """The options of a field, up to END."""
    found = OPTIONS.m2i(None, field)
    if "end" in found:
        found = found[: found.index("end")]
    return [each for each in found if each != "pad"]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_scapy_says_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scapy.layers.dhcp.DHCPOptions", {})  # no types: options stay bytes
    expected = [scapy_message(path, n, packet) for n, packet in enumerate(rdpcap(str(path)), 1)]
    assert [message.record for message in ours(path)] == expected


# The VMs

READ_ALL = """
import json
from dhcpc import Message
message = Message()
file = open({path!r}, "rb")
while size := file.read(2):
    data = file.read(size[0] << 8 | size[1])
    word = message.read(data)
    values = [message.option(code) for code in range(1, 255)]
    print(json.dumps([word] + [value and value.hex() for value in values]))
"""


@pytest.mark.parametrize("machine", EVERY_VM)
def test_the_vm_says_the_same(machine: vm.VM, tmp_path: Path) -> None:
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    every = [message for path in CAPTURES for message in ours(path)]
    payloads = tmp_path / "payloads"
    with payloads.open("wb") as file:
        for message in every:
            file.write(len(message.payload).to_bytes(2, "big") + message.payload)
    result = machine.run(READ_ALL.format(path=str(payloads)), [tmp_path])
    assert result.code == 0, result.out
    read = [json.loads(line) for line in result.out.splitlines()]
    assert [word for word, *_ in read] == [None] * len(every)
    expected = [dict(message.record["options"]) for message in every]
    assert [dict(options(values)) for _, *values in read] == expected


def options(values: list[str | None]) -> list[tuple[int, str]]:
    return [(code, value) for code, value in enumerate(values, 1) if value is not None]


# What there is


def test_the_readme_lists_them() -> None:
    listed = {}
    for line in (Path(__file__).parent / "captures/README.md").read_text().splitlines():
        if ".pcap" in line:
            name, *_, types = line.strip("| ").split(" | ")
            listed[name] = types.split()
    found = {path.name: [message.record["type"] for message in ours(path)] for path in CAPTURES}
    assert found == listed


def test_they_hold_every_type_and_every_way_to_carry_options() -> None:
    records = [message.record for path in CAPTURES for message in ours(path)]
    options = [dict(record["options"]) for record in records]
    assert {record["type"] for record in records} >= set(names.MESSAGE_TYPES[:8])
    assert {each.get(52) for each in options} >= {None, "03"}
    assert any(len(value) > 2 * 255 for each in options for value in each.values())
