"""Scapy's opinion on the frames that leave a board; the laptop's link on scapy's frames."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.utils import checksum

import link
import world
from dhcpc import Lease, Message, frame

HEAD = 42  # of Ethernet, IPv4 and UDP
ALL = b"\xff" * 4
ALL_MACS = b"\xff" * 6
HOP = bytes.fromhex("020000000009")
HOP_TEXT = "02:00:00:00:00:09"
UP = 0x8000

MESSAGES = {
    "discover": (lambda client: client.selecting(), 0),
    "request in SELECTING": (lambda client: client.requesting(), 0),
    "request in INIT-REBOOT": (lambda client: client.rebooting(), 0),
    "request in RENEWING": (lambda client: client.renewing(), 0),
    "request in REBINDING": (lambda client: client.rebinding(), 0),
    "release": (lambda client: client.bound(), world.RELEASE),
    "decline": (lambda client: client.bound(), world.DECLINE),
}
TYPES = {
    name: world.REQUEST if name.startswith("request") else getattr(world, name.upper())
    for name in MESSAGES
}
WITH_CIADDR = {"request in RENEWING", "request in REBINDING", "release"}
TO_ONE_SERVER = {"request in RENEWING", "release"}


class Client(world.World):
    """A client whose messages are framed and read back by scapy."""

    def frame(self, type: int = 0, to_server: bool = False) -> Ether:
        buf = bytearray(HEAD + 570)
        size = self.session.write(memoryview(buf)[HEAD:], type)
        frame(buf, size, world.MAC)
        if to_server:  # as no board does it, but the laptop's link
            link.readdress(buf, HOP, world.SERVER)
        return Ether(bytes(buf[: HEAD + size]))


def message(name: str, **how: object) -> Ether:
    """The frame of one of MESSAGES."""
    prepare, kind = MESSAGES[name]
    client = Client(**how)
    prepare(client)
    return client.frame(kind, name in TO_ONE_SERVER)


def recomputed(packet: Ether) -> Ether:
    """The same packet, with what scapy itself would put into lengths and checksums."""
    copy = packet.copy()
    for layer, name in ((IP, "len"), (IP, "chksum"), (UDP, "len"), (UDP, "chksum")):
        copy[layer].delfieldval(name)
    return Ether(bytes(copy))


@pytest.mark.rfc(
    "791 3.1 total-length", "791 3.1 header-checksum", "768 Fields length", "768 Fields checksum"
)
@pytest.mark.parametrize("name", MESSAGES)
def test_lengths_and_checksums_are_what_scapy_computes(name: str) -> None:
    packet = message(name)
    assert bytes(recomputed(packet)) == bytes(packet)


@pytest.mark.rfc("791 3.1 total-length", "768 Fields length", "768 Fields checksum")
@pytest.mark.parametrize("size", range(1, 256))
def test_lengths_and_checksums_are_right_for_options_of_any_length(size: int) -> None:
    value = bytes(range(size))
    packet = message("request in SELECTING", options=bytes((60, size)) + value)
    assert bytes(recomputed(packet)) == bytes(packet)
    assert ("vendor_class_id", value) in packet[DHCP].options


@pytest.mark.rfc(
    "894 Frame type",
    "894 Address broadcast",
    "894 Trailer none-sent",
    "1122 2.3.3 rfc-894-frames",
)
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_of_the_ethernet_header(name: str) -> None:
    ether = message(name)
    assert ether.src == "02:00:00:00:00:01"
    assert ether.dst == ("02:00:00:00:00:09" if name in TO_ONE_SERVER else "ff:ff:ff:ff:ff:ff")
    assert ether.type == 0x0800


@pytest.mark.rfc(
    "2131 4.1 source-zero",
    "951 3 never-fragmented",
    "951 7.1 source-and-destination",
    "791 3.1 version-and-length",
    "791 3.1 type-of-service",
    "791 3.1 total-length",
    "791 3.1 reserved-flag",
    "791 3.1 protocol",
    "6864 4.1 id-of-atomic-datagrams",
    "1122 3.2.1.3 source-is-its-own",
    "1122 3.2.1.7 time-to-live-not-0",
    "1122 3.3.6 limited-broadcast",
)
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_of_the_ip_header(name: str) -> None:
    packet = message(name)
    ip = packet[IP]
    assert (ip.version, ip.ihl, ip.tos, ip.flags, ip.frag) == (4, 5, 0, "DF", 0)
    assert ip.options == []
    assert ip.ttl >= 16
    assert ip.proto == 17
    assert ip.len == len(packet) - 14
    assert ip.src == ("10.0.0.5" if name in WITH_CIADDR else "0.0.0.0")
    assert ip.dst == ("10.0.0.1" if name in TO_ONE_SERVER else "255.255.255.255")


@pytest.mark.rfc(
    "2131 4.1 ports",
    "768 Fields source-port",
    "768 Fields length",
    "951 3 ports",
    "1122 4.1.3.4 checksum-sent",
)
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_of_the_udp_header(name: str) -> None:
    packet = message(name)
    udp = packet[UDP]
    assert (udp.sport, udp.dport) == (68, 67)
    assert udp.len == len(packet) - 34
    assert udp.chksum


@pytest.mark.rfc(
    "2131 2 hardware-type-and-length",
    "2131 2 hops-zero",
    "2131 2 other-addresses-zero",
    "2131 2 ciaddr-only-with-lease",
    "2131 2 file-null",
    "2131 2 reserved-flags-zero",
    "2131 3 op-bootrequest",
    "2131 3 magic-cookie",
    "2131 3 message-type",
    "2131 4.1 end-last",
    "2131 4.3.2 selecting-ciaddr-zero",
    "2131 4.3.2 reboot-ciaddr-zero",
    "2131 4.4.1 discover-ciaddr-zero",
    "2131 4.4.1 chaddr",
    "2131 table5 decline-release-flags",
    "2131 table5 decline-ciaddr-zero",
    "2131 table5 release-ciaddr",
    "2131 table5 sname-and-file-unused",
    "951 7.1 names-null",
    "1542 2.3 bits-of-chaddr",
    "1542 3.1.2 other-flags-zero",
    "1542 3.3 ciaddr-zero",
    "1542 3.4 giaddr-zero",
    "1542 3.5 cookie",
)
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


@pytest.mark.rfc("1542 2.1 size-of-a-request")
@pytest.mark.parametrize("name", MESSAGES)
def test_no_message_is_shorter_than_300_bytes(name: str) -> None:
    assert len(bytes(message(name)[UDP].payload)) >= 300


# What arrives


class Interface(link.Interface):
    """The laptop's link, without the laptop: `frames` are what its socket has, or raises."""

    def __init__(self, *frames: Any) -> None:
        self.frame = bytearray(HEAD + 570)
        self.buf = memoryview(self.frame)[HEAD:]
        self.poll: Any = SimpleNamespace(poll=self.ready)
        self.mac = world.MAC
        self.name = "eth0"
        self.applying = False
        self.applied = self.last = self.hop = self.failed = self.lease = None
        self.frames = list(frames)
        self.waits: list[int] = []
        self.sock: Any = SimpleNamespace(recv=self.arrive)

    def ready(self, wait: int) -> list[Any]:
        self.waits.append(wait)
        return [(0, 1)] if self.frames else []

    def arrive(self, size: int) -> bytes:
        data = self.frames.pop(0)
        if isinstance(data, OSError):
            raise data
        return bytes(data)[:size]


def arriving(payload: bytes = b"hello", port: int = 68, **ip: Any) -> Ether:
    """A frame from a server."""
    ip = {"src": "10.0.0.1", "dst": "10.0.0.5", **ip}
    mac = "02:00:00:00:00:01"
    return Ether(src=HOP_TEXT, dst=mac) / IP(**ip) / UDP(sport=67, dport=port) / payload


def received(*frames: Any) -> list[bytes]:
    """The messages that the link finds in these frames."""
    interface = Interface(*frames)
    found = []
    for _ in range(len(frames) + 1):
        data = interface.recv(1024, 0)
        if data:
            found.append(bytes(data))
    return found


@pytest.mark.rfc(
    "791 3.1 options-skipped",
    "894 Frame padding-is-no-data",
    "1122 2.3.3 rfc-894-frames",
    "1122 3.2.1.7 low-time-to-live-taken",
    "1122 3.2.1.8 unknown-options-ignored",
    "6864 4.1 id-ignored",
)
def test_a_message_is_found_whatever_is_around_it() -> None:
    assert received(arriving()) == [b"hello"]
    assert received(arriving(dst="255.255.255.255")) == [b"hello"]
    assert received(bytes(arriving()) + bytes(18)) == [b"hello"]  # Ethernet's padding
    assert received(arriving(options=b"\x01\x01\x01\x00")) == [b"hello"]
    assert received(arriving(options=b"\x9e\x04\x00\x00")) == [b"hello"]  # one of no RFC
    assert received(arriving(ttl=1), arriving(ttl=0)) == [b"hello", b"hello"]
    assert received(arriving(id=7), arriving(id=7, flags="DF")) == [b"hello", b"hello"]
    assert received(arriving(b"x" * 1024)) == [b"x" * 1024]
    assert received(arriving(b"x" * 1024, options=b"\x01" * 40)) == [b"x" * 1024]


@pytest.mark.rfc(
    "2131 4.1 ports", "951 7.5 others-discarded", "1122 3.2.1.1 other-versions-dropped"
)
def test_a_frame_without_a_whole_message_is_passed_over() -> None:
    whole = bytes(arriving())
    frames: tuple[Any, ...] = (
        b"\0",
        whole[:13],
        *(whole[:n] for n in range(14, len(whole))),
        arriving(port=67),
        arriving(proto=6),
        arriving(frag=20),
        bytes(arriving(b"x" * 2000))[:1513],  # cut, though there was room for more
        arriving(version=6),
        Ether(src=HOP_TEXT) / Dot1Q(vlan=5) / IP() / UDP(sport=67, dport=68) / b"hello",
        Ether(src=HOP_TEXT, type=0x0806) / bytes(50),
        whole[:38] + b"\0\x07" + whole[40:],  # a UDP length of less than a header
        whole[:38] + b"\xff\xff" + whole[40:],
        b"\xff" * 600,
        bytes(600),
    )
    for broken in frames:
        assert received(broken, arriving(b"then this")) == [b"then this"], bytes(broken).hex()


@pytest.mark.rfc("1122 3.2.1.3 impossible-source-dropped")
def test_what_comes_from_no_hosts_address_is_nothing() -> None:
    for source in ("255.255.255.255", "224.0.0.1", "239.255.255.255", "127.0.0.1"):
        assert received(arriving(src=source)) == [], source
    for source in ("0.0.0.0", "10.0.0.1", "126.0.0.1", "223.0.0.1", "240.0.0.1"):
        assert received(arriving(src=source)) == [b"hello"], source


@pytest.mark.rfc("1122 3.3.6 broadcast-frame-of-a-unicast")
def test_a_reply_to_one_address_is_found_in_a_frame_to_all() -> None:
    frame = arriving(dst="10.0.0.5")
    frame.dst = "ff:ff:ff:ff:ff:ff"
    assert received(frame) == [b"hello"]


@pytest.mark.rfc("894 Frame full-length")
@pytest.mark.parametrize("mtu", [1500, 9000])
@pytest.mark.parametrize("size", [1025, 1472, 1473, 4000])
def test_a_long_message_is_read_as_far_as_it_goes(size: int, mtu: int) -> None:
    text = b"".join(b"%5d" % number for number in range(size))[:size]
    datagram = arriving(text)
    frames = [bytes(Ether() / part) for part in datagram[IP].fragment(mtu - 20 & ~7)]
    assert (len(frames) > 1) == (size + 28 > mtu)
    assert received(*frames, arriving()) == [text[:1024], b"hello"]


def test_a_reply_is_found_behind_others_frames() -> None:
    assert received(*[arriving(port=53)] * 3, arriving()) == [b"hello"]


@pytest.mark.rfc("1122 4.1.3.4 checksum-verified", "6864 5.2 integrity-verified")
def test_a_datagram_with_a_wrong_checksum_is_nothing() -> None:
    frame = bytearray(bytes(arriving()))
    frame[-1] ^= 1
    assert received(bytes(frame)) == []


@pytest.mark.rfc("1122 3.2.1.2 header-checksum-verified")
def test_a_header_with_a_wrong_checksum_is_nothing() -> None:
    frame = bytearray(bytes(arriving(options=b"\x01\x01\x01\x00")))
    frame[15] ^= 1  # type of service, which nothing else looks at
    assert received(bytes(frame)) == []


@pytest.mark.rfc("768 Fields no-checksum", "1122 4.1.3.4 checksum-verified")
def test_a_datagram_without_a_checksum_is_right() -> None:
    frame = bytearray(bytes(arriving()))
    frame[40:42] = b"\0\0"
    assert received(bytes(frame)) == [b"hello"]


def test_a_checksum_that_was_left_to_hardware_is_let_pass() -> None:
    frame = bytearray(bytes(arriving()))
    pseudo = bytes(frame[26:34]) + bytes((0, 17)) + bytes(frame[38:40])
    frame[40:42] = (~checksum(pseudo) & 0xFFFF).to_bytes(2, "big")
    assert received(bytes(frame)) == [b"hello"]


def test_frames_of_others_hold_up_no_receive() -> None:
    interface = Interface(*[arriving(port=53)] * 1000)
    assert interface.recv(1024, 0) is None
    assert len(interface.frames) > 900


def test_no_wait_is_longer_than_asked_for_when_the_clock_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours = iter(range(0, -1000, -1))
    monkeypatch.setattr(time, "time", lambda: 1e9 + 3600 * next(hours))
    interface = Interface(*[arriving(port=53)] * 5)
    interface.recv(1024, 100)
    assert all(0 <= wait <= 100 for wait in interface.waits)


@pytest.mark.parametrize("number", [errno.ENETDOWN, errno.ENODEV, errno.EAGAIN])
def test_a_fault_of_the_interface_is_nothing_received(number: int) -> None:
    interface = Interface(OSError(number, "as it is"), arriving())
    assert interface.recv(1024, 0) is None
    assert interface.recv(1024, 0)


@pytest.mark.rfc("2131 4.3.2 renewing-unicast")
def test_what_is_for_one_server_goes_to_where_the_accepted_reply_came_from() -> None:
    ack = world.reply(world.ACK)
    interface = Interface(arriving(ack), arriving(b"of another server", src="10.0.0.2"))
    data = interface.recv(1024, 0)
    message = Message()
    assert message.read(data) is None
    lease = Lease(message, 0)
    interface.apply(lease)
    interface.frames[0][Ether].src = "02:00:00:00:00:99"
    assert interface.recv(1024, 0)
    interface.apply(lease)  # as after a fault
    size = Client().renewing().session.write(interface.buf, 0)
    sent = []
    interface.sock = type("Socket", (), {"send": lambda self, data: sent.append(bytes(data))})()
    interface.send(size, world.SERVER)
    assert Ether(sent[0]).dst == "02:00:00:00:00:09"
    assert Ether(sent[0])[IP].dst == "10.0.0.1"


# A probe


def sent(peer: socket.socket) -> list[Ether]:
    """What has arrived there."""
    peer.setblocking(False)
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(Ether(peer.recv(64)))
    return found


def counts(**fields: Any) -> bool:
    """Whether that ARP packet says that 10.0.0.5 is not free."""
    arp = ARP(**{"hwsrc": HOP_TEXT, "psrc": "10.0.0.9", "pdst": "10.0.0.5", **fields})
    data = bytes(Ether(src=HOP_TEXT, dst="ff:ff:ff:ff:ff:ff") / arp)
    return bool(Interface()._conflicts(data, world.IP))


@pytest.mark.rfc(
    "2131 4.4.1 probe-sender-hardware",
    "2131 4.4.1 probe-sender-zero",
    "3927 2.2.1 probe-packet",
    "3927 2.2.1 target-hardware-address",
    "5227 1.1 probe-is-an-arp-request",
    "5227 1.1 target-hardware-address",
    "826 Format request",
)
def test_a_probe_tells_our_hardware_address_and_no_ip_address_of_ours() -> None:
    interface: Any = Interface()
    ours, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    interface._packets = lambda protocol: ours
    with peer:
        peer.send(bytes(Ether() / ARP(op="is-at", hwsrc=HOP_TEXT, psrc="10.0.0.5")))
        assert interface.used("10.0.0.5")
        probe = Ether(peer.recv(64))
    assert (probe.src, probe.dst) == (world.MAC.hex(":"), "ff:ff:ff:ff:ff:ff")
    arp = probe[ARP]
    assert (arp.op, arp.hwsrc, arp.psrc) == (1, world.MAC.hex(":"), "0.0.0.0")
    assert (arp.hwdst, arp.pdst) == ("00:00:00:00:00:00", "10.0.0.5")


@pytest.mark.rfc("3927 2.2.1 sender-has-the-address", "5227 2.1.1 sender-has-the-address")
def test_whoever_says_that_it_has_the_address_has_it() -> None:
    assert counts(op="is-at", psrc="10.0.0.5", pdst="0.0.0.0")
    assert counts(op="who-has", psrc="10.0.0.5", pdst="10.0.0.1")
    assert counts(op="who-has", psrc="10.0.0.5", pdst="10.0.0.5")  # an announcement


@pytest.mark.rfc("3927 2.2.1 others-probe-too", "5227 2.1.1 others-probe-too")
def test_who_probes_for_the_same_address_wants_it() -> None:
    assert counts(op="who-has", psrc="0.0.0.0")
    assert not counts(op="who-has", psrc="0.0.0.0", pdst="10.0.0.6")


@pytest.mark.rfc("5227 2.1.1 sender-has-the-address")
def test_who_only_asks_for_the_address_does_not_have_it() -> None:
    assert not counts(op="who-has")
    assert not counts(op="is-at", psrc="10.0.0.6")


@pytest.mark.rfc("5227 2.1.1 own-packets")
def test_our_own_probe_that_comes_back_is_nobodys() -> None:
    assert not counts(op="who-has", psrc="0.0.0.0", hwsrc=world.MAC.hex(":"))


@pytest.mark.rfc("5227 2.1.1 three-probes")
def test_an_address_that_nobody_has_takes_three_probes() -> None:
    interface: Any = Interface()
    ours, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    interface._packets = lambda protocol: ours
    with peer:
        assert not interface.used("10.0.0.5")
        assert [frame[ARP].pdst for frame in sent(peer)] == ["10.0.0.5"] * 3


# An announcement


def applying(*addresses: bytes) -> list[Ether]:
    """What is on the wire when an interface gets leases of these addresses in turn."""
    interface: Any = Interface()
    ours, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    interface._packets = lambda protocol: ours.dup()
    interface._ip = lambda *_: None
    interface.applying = True
    interface.resolving = False
    interface.shell_name, interface.sys, interface.number, interface.mtu = "eth0", "/none/", 7, 0
    with ours, peer:
        for address in addresses:
            message = Message()
            assert message.read(world.reply(world.ACK, yiaddr=address)) is None
            interface.apply(Lease(message, 0))
        return sent(peer)


@pytest.mark.rfc(
    "5227 2.3 announcement",
    "5227 3 request-not-reply",
    "2131 4.4.1 announcement",
    "2131 4.4.1 announcement-is-a-reply",
    "826 Format request",
    "826 Generation sender",
    "826 Generation broadcast",
)
def test_a_new_address_is_announced_by_a_request_to_all() -> None:
    (frame,) = applying(world.IP)
    assert (frame.src, frame.dst) == (world.MAC.hex(":"), "ff:ff:ff:ff:ff:ff")
    arp = frame[ARP]
    assert (arp.hwtype, arp.ptype, arp.hwlen, arp.plen) == (1, 0x0800, 6, 4)
    assert (arp.op, arp.hwsrc, arp.psrc) == (1, world.MAC.hex(":"), "10.0.0.5")
    assert (arp.hwdst, arp.pdst) == ("00:00:00:00:00:00", "10.0.0.5")


def test_an_address_is_announced_once_and_its_renewals_are_not() -> None:
    announced = applying(world.IP, world.IP, world.OTHER_IP, world.OTHER_IP, world.IP)
    assert [frame[ARP].psrc for frame in announced] == ["10.0.0.5", "10.0.0.6", "10.0.0.5"]


def test_what_is_no_whole_arp_packet_is_nobodys() -> None:
    interface = Interface()
    whole = bytes(Ether() / ARP(op="is-at", hwsrc=HOP_TEXT, psrc="10.0.0.5"))
    for end in range(32):
        assert not interface._conflicts(whole[:end], world.IP)


@pytest.mark.rfc("826 Reception other-networks")
def test_an_arp_packet_of_another_network_or_protocol_says_nothing() -> None:
    whole = bytes(Ether() / ARP(op="is-at", hwsrc=HOP_TEXT, psrc="10.0.0.5"))
    assert Interface()._conflicts(whole, world.IP)
    for at in (15, 16, 18, 19):  # hardware, protocol, and how long their addresses are
        other = bytearray(whole)
        other[at] ^= 4
        assert not Interface()._conflicts(bytes(other), world.IP)
