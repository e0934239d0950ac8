"""Where tools/decode.py finds messages: links, IPv4, UDP."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.dot11 import Dot11, Dot11Beacon, Dot11Elt, Dot11QoS, RadioTap
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.packet import Raw

from crafted import (
    ACK,
    BSD_LOOP,
    ETHER,
    ETHERNET,
    LINUX_SLL,
    LINUX_SLL2,
    OFFER,
    RADIOTAP,
    RAW_IP,
    SIMPLE_PACKET,
    SLL,
    WIFI,
    Run,
    block,
    ether,
    interface,
    ip,
    pcap,
    read,
    section,
    types,
    write,
)

# Where messages are found


NO_MAC, ONE_MAC = "", "02:00:00:00:01:01 "
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
    "pppoe": (ETHERNET, ETHER / PPPoE() / PPP(), ONE_MAC),
    "vlan-pppoe": (ETHERNET, ETHER / Dot1Q(vlan=10) / PPPoE() / PPP(), ONE_MAC + "vlan 10 "),
    "wifi": (WIFI, Dot11(type=2, addr2=ETHER.src) / LLC() / SNAP(), ONE_MAC),
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
def test_link(name: str, tmp_path: Path) -> None:
    link, header, source = LINKS[name]
    messages, said = read(write(tmp_path, pcap(header / ip(), link=link)))
    assert [message.payload for message in messages] == [OFFER]
    assert messages[0].datagram
    assert messages[0].datagram.source == f"{source}192.0.2.1:67"
    assert messages[0].datagram.target.endswith("255.255.255.255:68")
    assert not said


AP, STATION, SERVER, FAR_AP = (f"02:00:00:00:02:{n:02x}" for n in range(4))
WIFI_WAYS = {  # bits of frame control, to and from the access point: addresses, source, target
    "between stations": (0, [SERVER, STATION, AP], STATION, SERVER),
    "to": (1, [AP, STATION, SERVER], STATION, SERVER),
    "from": (2, [STATION, AP, SERVER], SERVER, STATION),
    "between access points": (3, [AP, FAR_AP, SERVER, STATION], STATION, SERVER),
}


def wifi(way: str = "to", **fields: Any) -> Dot11:
    bits, addresses, _, _ = WIFI_WAYS[way]
    addrs = {f"addr{n}": address for n, address in enumerate(addresses, 1)}
    return Dot11(type=2, FCfield=bits | fields.pop("bits", 0), **addrs | fields)


@pytest.mark.parametrize("way", WIFI_WAYS)
def test_wifi_names_who_sent_it_and_who_shall_have_it(way: str, tmp_path: Path) -> None:
    path = write(tmp_path, pcap(RadioTap() / wifi(way) / LLC() / SNAP() / ip(), link=RADIOTAP))
    _, _, source, target = WIFI_WAYS[way]
    datagram = read(path)[0][0].datagram
    assert datagram
    assert datagram.source == f"{source} 192.0.2.1:67"
    assert datagram.target == f"{target} 255.255.255.255:68"


RADIO = RadioTap(present="TSFT+Flags+Rate+Channel", mac_timestamp=1, Flags="FCS", Rate=2)
PLAIN = LLC() / SNAP() / ip()


@pytest.mark.parametrize(
    "frame",
    [
        bytes(RADIO / wifi() / PLAIN) + b"\1\2\3\4",
        RADIO / wifi(subtype=8) / Dot11QoS(TID=6) / PLAIN,
        RADIO / wifi("between access points", subtype=8) / Dot11QoS() / PLAIN,
        RADIO / wifi(subtype=8, bits=0x80) / Dot11QoS() / Raw(b"HT C") / PLAIN,
        RADIO / wifi(subtype=2) / PLAIN,
    ],
    ids=["fcs", "qos", "qos, four addresses", "qos, ht control", "acknowledged"],
)
def test_wifi_headers_have_many_sizes(frame: Any, tmp_path: Path) -> None:
    messages, said = read(write(tmp_path, pcap(frame, link=RADIOTAP)))
    assert [message.payload for message in messages] == [OFFER]
    assert not said


def test_other_wifi_frames_are_skipped(tmp_path: Path) -> None:
    others = [
        RADIO / Dot11(type=0, subtype=8) / Dot11Beacon() / Dot11Elt(ID="SSID", info=b"net"),
        RADIO / Dot11(type=1, subtype=13),
        RADIO / wifi(subtype=4),
        RADIO / wifi() / LLC() / SNAP() / ARP(),
        RADIO / wifi() / LLC(dsap=0x42, ssap=0x42) / bytes(300),
    ]
    path = write(tmp_path, pcap(*others, RADIO / wifi() / PLAIN, link=RADIOTAP))
    assert types(path) == ["OFFER"]


def test_wifi_frames_that_nobody_can_look_into_are_counted(tmp_path: Path) -> None:
    sealed = RADIO / wifi(bits=0x40) / bytes(300)
    aggregate = RADIO / wifi(subtype=8) / Dot11QoS(A_MSDU_Present=1) / bytes(300)
    path = write(tmp_path, pcap(sealed, RADIO / wifi() / PLAIN, aggregate, sealed, link=RADIOTAP))
    run = Run("--json", path)
    assert [record["type"] for record in run.records] == ["OFFER"]
    what = "Wi-Fi frames that may be DHCP: 2 encrypted, 1 aggregated (A-MSDU)"
    assert (run.err, run.code) == (f"decode: {path}: {what}\n", 0)


def test_what_stands_behind_the_ip_packet_is_not_the_message(tmp_path: Path) -> None:
    with_trailer = bytes(ether()) + b"\x0c\x01"
    assert read(write(tmp_path, pcap(with_trailer)))[0][0].payload == OFFER


def test_ip_options_are_skipped(tmp_path: Path) -> None:
    frame = ether(options=[b"\x94\x04\0\0"])
    assert read(write(tmp_path, pcap(frame)))[0][0].payload == OFFER


def test_an_ip_length_of_0_is_the_length_of_the_frame(tmp_path: Path) -> None:
    assert read(write(tmp_path, pcap(ether(len=0))))[0][0].payload == OFFER


OTHERS = {
    "tcp": ETHER / IP() / TCP(sport=67, dport=68) / OFFER,
    "other port": ether(sport=53, dport=5353),
    "arp": ETHER / ARP(),
    "ipv6": ETHER / IPv6() / UDP(sport=67, dport=68) / OFFER,
    "pppoe": ETHER / PPPoE() / PPP(proto=0x57) / IPv6() / UDP(sport=67, dport=68) / OFFER,
    "runt": b"\xff" * 10,
    "broken ip": ether(ihl=3, src="0.67.0.68"),
    "empty": b"",
}


def test_other_packets_are_skipped_and_not_counted(tmp_path: Path) -> None:
    others = OTHERS.values()
    run = Run("--json", write(tmp_path, pcap(*others, ether(), *others, ether(ACK))))
    assert [(record["n"], record["type"]) for record in run.records] == [(1, "OFFER"), (2, "ACK")]
    assert (run.code, run.err) == (0, "")


@pytest.mark.parametrize("ports", [(67, 67), (9, 67), (9, 68), (67, 9), (68, 9)])
def test_one_dhcp_port_is_enough(ports: tuple[int, int], tmp_path: Path) -> None:
    assert types(write(tmp_path, pcap(ether(sport=ports[0], dport=ports[1])))) == ["OFFER"]


# Packets that the capture did not keep whole


def test_a_message_that_the_capture_cut_is_named(tmp_path: Path) -> None:
    frame = bytes(ether())
    simple = block("<", SIMPLE_PACKET, struct.pack("<I", len(frame)) + frame[:100])
    cut_by_pcapng = section() + interface(snaplen=100) + simple
    for content in pcap((len(frame), frame[:100])), cut_by_pcapng:
        run = Run("--json", write(tmp_path, content))
        (record,) = run.records
        kept = f"the capture kept 100 of its {len(frame)} bytes"
        assert record["error"] == f"{kept}; 58 bytes, the fixed fields need 240"
        assert (record["xid"], run.code) == ("3903f326", 1)


def test_a_trailer_that_the_capture_cut_is_not_missed(tmp_path: Path) -> None:
    frame = bytes(ether())
    assert types(write(tmp_path, pcap((len(frame) + 4, frame)))) == ["OFFER"]


@pytest.mark.parametrize("kept", [0, 13, 30, 40])
def test_a_packet_cut_too_early_to_tell_is_named(kept: int, tmp_path: Path) -> None:
    frame = bytes(ether())
    path = write(tmp_path, pcap((len(frame), frame[:kept]), ether(ACK)))
    run = Run("--json", path)
    what = f"packet 1 may be DHCP: the capture kept {kept} of its {len(frame)} bytes"
    assert [record["type"] for record in run.records] == ["ACK"]
    assert (run.err, run.code) == (f"decode: {path}: {what}\n", 0)


@pytest.mark.parametrize("kept", [1, 9, 20, 40, 60, 80])
def test_of_wifi_frames_cut_too_early_only_data_is_named(kept: int, tmp_path: Path) -> None:
    beacon = bytes(RADIO / Dot11(type=0, subtype=8) / Dot11Beacon())
    data = bytes(RADIO / wifi(subtype=8) / Dot11QoS() / PLAIN)
    cut = (len(data), data[:kept]), (len(beacon), beacon[:40])
    messages, said = read(write(tmp_path, pcap(*cut, link=RADIOTAP)))
    assert messages == []
    assert said == [f"packet 1 may be DHCP: the capture kept {kept} of its {len(data)} bytes"]


@pytest.mark.parametrize(
    ("length", "error"),
    [
        (400, "UDP claims 400 bytes, only 258 are there"),
        (258, None),
        (200, "192 bytes, the fixed fields need 240"),
        (7, "UDP claims 7 bytes, its header has 8"),
    ],
)
def test_the_udp_length_counts(length: int, error: str | None, tmp_path: Path) -> None:
    frame = ether()
    frame[UDP].len = length
    record = read(write(tmp_path, pcap(frame)))[0][0].record
    assert (record["error"] or "").split("; ")[0] == (error or "")


def test_an_ip_length_less_than_that_of_udp_is_named(tmp_path: Path) -> None:
    record = read(write(tmp_path, pcap(ether(len=270))))[0][0].record
    assert record["error"].startswith("UDP claims 258 bytes, only 250 are there; ")
