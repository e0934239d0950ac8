"""Scapy's opinion on the frames that leave a board."""

from __future__ import annotations

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import world
from dhcpc.link import HEAD, frame
from dhcpc.session import DECLINE, RELEASE

ALL = b"\xff" * 4
ALL_MACS = b"\xff" * 6
HOP = bytes.fromhex("020000000009")
UP = 0x8000

MESSAGES = {
    "discover": (lambda client: client.selecting(), 0),
    "request in SELECTING": (lambda client: client.requesting(), 0),
    "request in INIT-REBOOT": (lambda client: client.rebooting(), 0),
    "request in RENEWING": (lambda client: client.renewing(), 0),
    "request in REBINDING": (lambda client: client.rebinding(), 0),
    "release": (lambda client: client.bound(), RELEASE),
    "decline": (lambda client: client.bound(), DECLINE),
}
TYPES = {
    name: world.REQUEST if name.startswith("request") else getattr(world, name.upper())
    for name in MESSAGES
}
WITH_CIADDR = {"request in RENEWING", "request in REBINDING", "release"}
TO_ONE_SERVER = {"request in RENEWING", "release"}


class Client(world.World):
    """A client whose messages are framed and read back by scapy."""

    def frame(self, form: int = 0, mac: bytes = ALL_MACS, to: bytes = ALL) -> Ether:
        end = self.session.write(self.buf, HEAD, form)
        frame(self.buf, end, world.MAC, mac, to)
        return Ether(bytes(self.buf[:end]))


def message(name: str, **how: object) -> Ether:
    """The frame of one of MESSAGES."""
    prepare, form = MESSAGES[name]
    client = Client(**how)
    prepare(client)
    unicast = name in TO_ONE_SERVER
    return client.frame(form, HOP if unicast else ALL_MACS, world.SERVER if unicast else ALL)


def recomputed(packet: Ether) -> Ether:
    """The same packet, with what scapy itself would put into lengths and checksums."""
    copy = packet.copy()
    for layer, name in ((IP, "len"), (IP, "chksum"), (UDP, "len"), (UDP, "chksum")):
        copy[layer].delfieldval(name)
    return Ether(bytes(copy))


@pytest.mark.rfc("791 3.1", "768 Fields")
@pytest.mark.parametrize("name", MESSAGES)
def test_lengths_and_checksums_are_what_scapy_computes(name: str) -> None:
    packet = message(name)
    assert bytes(recomputed(packet)) == bytes(packet)


@pytest.mark.rfc("791 3.1", "768 Fields")
@pytest.mark.parametrize("size", range(1, 256))
def test_lengths_and_checksums_are_right_for_options_of_any_length(size: int) -> None:
    value = bytes(range(size))
    packet = message("request in SELECTING", options=bytes((60, size)) + value)
    assert bytes(recomputed(packet)) == bytes(packet)
    assert ("vendor_class_id", value) in packet[DHCP].options


@pytest.mark.rfc("894 Frame")
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_of_the_ethernet_header(name: str) -> None:
    ether = message(name)
    assert ether.src == "02:00:00:00:00:01"
    assert ether.dst == ("02:00:00:00:00:09" if name in TO_ONE_SERVER else "ff:ff:ff:ff:ff:ff")
    assert ether.type == 0x0800


@pytest.mark.rfc("791 3.1", "2131 4.1")
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_of_the_ip_header(name: str) -> None:
    packet = message(name)
    ip = packet[IP]
    assert (ip.version, ip.ihl, ip.tos, ip.id, ip.flags, ip.frag) == (4, 5, 0, 0, 0, 0)
    assert ip.options == []
    assert ip.ttl >= 16
    assert ip.proto == 17
    assert ip.len == len(packet) - 14
    assert ip.src == ("10.0.0.5" if name in WITH_CIADDR else "0.0.0.0")
    assert ip.dst == ("10.0.0.1" if name in TO_ONE_SERVER else "255.255.255.255")


@pytest.mark.rfc("768 Fields", "2131 4.1")
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_of_the_udp_header(name: str) -> None:
    packet = message(name)
    udp = packet[UDP]
    assert (udp.sport, udp.dport) == (68, 67)
    assert udp.len == len(packet) - 34
    assert udp.chksum


@pytest.mark.rfc("2131 2", "2131 4.3.6", "2131 4.4.1")
@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("flags", [0, UP])
def test_every_field_of_the_message(name: str, flags: int) -> None:
    bootp = message(name, flags=flags)[BOOTP]
    assert (bootp.op, bootp.htype, bootp.hlen, bootp.hops) == (1, 1, 6, 0)
    assert bootp.ciaddr == ("10.0.0.5" if name in WITH_CIADDR else "0.0.0.0")
    assert (bootp.yiaddr, bootp.siaddr, bootp.giaddr) == ("0.0.0.0",) * 3
    assert bootp.chaddr == world.MAC + bytes(10)
    assert bootp.sname == bytes(64)
    assert bootp.file == bytes(128)
    assert bootp.options == world.COOKIE
    assert int(bootp.flags) == (0 if name in ("release", "decline") else flags)
    assert ("message-type", TYPES[name]) in bootp[DHCP].options
    assert "end" in bootp[DHCP].options


@pytest.mark.rfc("1542 2.1")
@pytest.mark.parametrize("name", MESSAGES)
def test_no_message_is_shorter_than_300_bytes(name: str) -> None:
    assert len(bytes(message(name)[UDP].payload)) >= 300
