"""What the boards' IP stack lets a DHCP client do while its NIC has no address."""

from __future__ import annotations

import pytest

from lwip_board import ADDRESS, UNADDRESSED, answers, frames, payloads, told_of
from test_interop import ALL, ANY
from testbed.lab import Lab
from testbed.process import wait_for

pytest_plugins = ["lwip_fixtures"]

# Sending


def test_without_an_address_there_is_no_route(net: Lab, port: str) -> None:
    told = answers(
        net,
        port,
        UNADDRESSED
        + """
for to in "255.255.255.255", "192.0.2.9":
    tell(fault(sock.sendto, b"lost", (to, 67)))
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
tell(fault(sock.sendto, b"lost", ("255.255.255.255", 67)))
""",
    )
    assert told == [["EHOSTUNREACH"]] * 3


@pytest.mark.rfc("2131 4.1 source-zero")
def test_a_socket_bound_to_the_nic_sends_from_0_0_0_0(net: Lab) -> None:
    with net.capture() as wire:
        told = answers(
            net,
            "esp32",
            UNADDRESSED
            + """
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, nic.config("ifname"))
tell(fault(sock.sendto, b"unaddressed", ("255.255.255.255", 67)))
nic.ifconfig(("192.0.2.77", "255.255.255.0", "192.0.2.1", "192.0.2.1"))
tell(fault(sock.sendto, b"addressed", ("255.255.255.255", 67)))
""",
        )
        wait_for(lambda: len(frames(wire)) >= 2, "two datagrams")
    assert told == [[None], [None]]
    assert payloads(wire) == [(ANY, b"unaddressed"), (ADDRESS, b"addressed")]
    assert frames(wire)[0].dst == "ff:ff:ff:ff:ff:ff"


def test_the_name_to_bind_to_is_there_once_the_nic_is_active(net: Lab) -> None:
    told = answers(
        net,
        "esp32",
        """
for on in True, False, True:
    tell(nic.config("ifname"))
    nic.active(on)
tell(nic.config("ifname"))
sock = udp()
tell(fault(sock.setsockopt, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, "st1"))
""",
    )
    assert told == [[None], ["st1"], [None], ["st2"], ["ENODEV"]]


def test_rp2_has_no_way_to_bind_to_a_nic(net: Lab) -> None:
    told = answers(
        net,
        "rp2",
        UNADDRESSED
        + """
tell(hasattr(socket, "SO_BINDTODEVICE"))
tell(fault(sock.setsockopt, socket.SOL_SOCKET, 25, b"w00"))
tell(fault(sock.sendto, b"lost", ("255.255.255.255", 67)))
""",
    )
    assert told == [[False], [None], ["EHOSTUNREACH"]]


FRAME = """
import struct
def frame(payload):
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0, 0xFFFFFFFF)
    return b"\\xff" * 6 + nic.config("mac") + b"\\x08\\x00" + ip + udp
"""


def test_send_ethernet_needs_no_address_and_tells_nothing(net: Lab) -> None:
    with net.capture() as wire:
        told = answers(
            net,
            "rp2",
            FRAME
            + """
nic.active(True)
silence()
tell(nic.send_ethernet(frame(b"not associated")))
nic.connect("lab")
for kind in bytes, bytearray, memoryview:
    tell(nic.send_ethernet(kind(frame(b"at 0.0.0.0"))))
tell(nic.send_ethernet(b"0123456789"))
tell(nic.send_ethernet(frame(bytes(1473))))  # 1515 bytes: one too many
""",
        )
        wait_for(lambda: len(frames(wire)) >= 3, "three datagrams")
    assert told == [[None]] * 6
    assert payloads(wire) == [(ANY, b"at 0.0.0.0")] * 3


def test_a_provisional_address_is_the_source_and_makes_the_nic_connected(net: Lab) -> None:
    with net.capture() as wire:
        told = answers(
            net,
            "rp2",
            UNADDRESSED
            + """
tell(nic.status(), nic.isconnected())
nic.ifconfig(("169.254.7.7", "255.255.0.0", "0.0.0.0", "0.0.0.0"))
tell(nic.status(), nic.isconnected())
tell(fault(sock.sendto, b"provisional", ("255.255.255.255", 67)))
nic.disconnect()
tell(nic.ifconfig()[0], fault(sock.sendto, b"lost", ("255.255.255.255", 67)))
""",
        )
        wait_for(lambda: frames(wire), "a datagram")
    assert told == [[2, False], [3, True], [None], ["169.254.7.7", "EHOSTUNREACH"]]
    assert payloads(wire) == [("169.254.7.7", b"provisional")]


# Receiving


@pytest.mark.parametrize("address", [ANY, "169.254.7.7"])
def test_port_68_hears_unicast_for_an_address_that_the_nic_has_not(
    net: Lab, port: str, address: str
) -> None:
    script = f"""
if {address!r} != "0.0.0.0":
    nic.ifconfig(({address!r}, "255.255.0.0", "0.0.0.0", "192.0.2.1"))
ready()
tell(heard(sock))
"""
    told = told_of(net, port, UNADDRESSED + script, (ADDRESS, "unicast"), (ALL, "broadcast"))
    assert told == [[["unicast", "broadcast"]]]


def test_a_socket_bound_to_the_provisional_address_misses_the_unicast(net: Lab) -> None:
    script = """
nic.active(True)
silence()
nic.connect("lab")
nic.ifconfig(("169.254.7.7", "255.255.0.0", "0.0.0.0", "0.0.0.0"))
sock = udp("169.254.7.7")
ready()
tell(heard(sock))
"""
    told = told_of(net, "rp2", script, (ADDRESS, "unicast"), (ALL, "broadcast"))
    assert told == [[["broadcast"]]]


def test_an_empty_host_is_an_ipv6_address_on_rp2(net: Lab, port: str) -> None:
    script = UNADDRESSED.replace("udp()", 'udp("")') + "ready(); tell(heard(sock))"
    told = told_of(net, port, script, (ALL, "broadcast"))
    assert told == [[[] if port == "rp2" else ["broadcast"]]]


@pytest.mark.parametrize(("port", "length"), [("rp2", 4), ("esp32", 6)], indirect=["port"])
def test_a_socket_keeps_the_first_datagrams_and_drops_the_rest(
    net: Lab, port: str, length: int
) -> None:
    told = told_of(net, port, UNADDRESSED + "ready(); tell(heard(sock))", (ALL, *"01234567"))
    assert told == [[list("01234567")[:length]]]


def test_what_is_too_long_is_cut(net: Lab, port: str) -> None:
    script = UNADDRESSED + "ready(); tell(sock.recv(4).decode(), heard(sock))"
    assert told_of(net, port, script, (ALL, "datagram")) == [["data", []]]


def test_an_empty_datagram_ends_an_esp32_socket_for_good(net: Lab, port: str) -> None:
    script = UNADDRESSED + "ready(); tell([sock.recv(9).decode() for _ in range(3)])"
    told = told_of(net, port, script, (ALL, "", "a", "b"))
    assert told == [[["", "a", "b"] if port == "rp2" else ["", "", ""]]]


@pytest.mark.parametrize(
    ("port", "most", "error"), [("rp2", 4, "ENOMEM"), ("esp32", 10, None)], indirect=["port"]
)
def test_udp_slots_are_few(net: Lab, port: str, most: int, error: str | None) -> None:
    told = answers(
        net,
        port,
        """
nic.active(True)
silence()
socks = []
while True:
    try:
        socks.append(udp(port=1000 + len(socks)))
    except OSError as full:
        tell(len(socks), errno.errorcode.get(full.errno))
        break
socks.pop().close()
tell(fault(udp))
""",
    )
    assert told == [[most, error], [None]]
