"""Which NIC a packet for another network leaves by, on the boards' IP stack with two NICs, each in
a network of its own with a server and a way to the same far side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from lwip_board import answers
from testbed.board import move_to_second, plug_board, plug_second
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import Process, wait_for
from testbed.servers import Server

pytest_plugins = ["lwip_fixtures"]

FAR = "203.0.113.9"

# Answers whoever asks the far side with the name of this way to it.
ECHO = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], 9))
print("ready", flush=True)
while True:
    sock.sendto(sys.argv[2].encode(), sock.recvfrom(64)[1])
"""

TWO = """
import dhcpc
from dhcpc import failover

def way():  # who answers at the far side
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(2)
    try:
        sock.sendto(b"?", ("203.0.113.9", 9))
        return sock.recv(64).decode()
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        sock.close()

wlan = nic
lan = network.LAN() if hasattr(socket, "SO_BINDTODEVICE") else network.WIZNET5K()
"""

FAILOVER = """
def until(done):
    for _ in range(400):
        if done():
            return
        several.poll(50)
    raise SystemExit("in vain: %s" % (events,))

def tell_all(name):
    on = [each.ifconfig()[0] for each in (lan, wlan)]
    tell(name, way(), several.lease.ip, on, lan.ifconfig()[3])

def on_event(event, lease):
    events.append((event, lease and lease.ip))

def join(nic):
    nic.connect("lab", "key")

def clock():
    return time.ticks_ms() + ahead

ahead = 0  # milliseconds
events = []
for each in reversed(order):
    each.active(True)  # the preferred one comes last
several = failover.make(order, join, store="/run/lab/lease", clock=clock)
several.on_event = on_event
"""

CABLE_FIRST = """
cable, radio = several.clients
until(lambda: several.used is cable)
tell_all("cable")
lan.carrier = False
until(lambda: several.used is radio)
tell_all("radio")
lan.carrier = True
until(lambda: cable.session.lease)
tell_all("held")
until(lambda: several.used is cable)
tell_all("again")
"""

RADIO_FIRST = """
radio, cable = several.clients
until(lambda: several.used is radio)
tell_all("radio")
wlan._link(False)  # out of reach
until(lambda: several.used is cable)
tell_all("cable")
several.poll(50)  # by now it is at rest
ahead = 61000  # it is tried once a minute
until(lambda: several.used is radio)
tell_all("again")
"""

ON_WIRE = ("wire", "198.51.100.1", "0.0.0.0", "198.51.100.53")
ON_AIR = ("air", "0.0.0.0", "192.0.2.1", "192.0.2.53")


class Site:
    """The two networks, each with a server, which is its way to the far side too."""

    def __init__(self, net: Lab) -> None:
        self.net = net
        self.air = net.serve("dnsmasq")
        self.wire = net.serve("dnsmasq", Plan(subnet="198.51.100.0/24"))
        move_to_second(net, self.wire.host)
        for name in ("air", "wire"):
            server: Server = getattr(self, name)
            net.run(["ip", "address", "add", f"{FAR}/32", "dev", "lo"], host=server.host)
            net.run(["ip", "link", "set", "lo", "up"], host=server.host)
            far = net.start([sys.executable, "-c", ECHO, FAR, name], host=server.host)
            wait_for(partial(_ready, far), "the far side")


def _ready(far: Process) -> bool:
    return "ready" in far.said()


@pytest.fixture
def site(stack_works: None) -> Iterator[Site]:
    with Lab() as net:
        plug_board(net)
        plug_second(net)
        yield Site(net)


def run(site: Site, port: str, script: str) -> dict[str, list[Any]]:
    """What a board with two NICs tells, by its first words."""
    told = answers(site.net, port, TWO + script, two=True)
    return {name: more for name, *more in told}


@pytest.mark.parametrize(
    ("order", "script", "moments"),
    [
        (
            "lan, wlan",
            CABLE_FIRST,
            {"cable": ON_WIRE, "radio": ON_AIR, "held": ON_AIR, "again": ON_WIRE},
        ),
        ("wlan, lan", RADIO_FIRST, {"radio": ON_AIR, "cable": ON_WIRE, "again": ON_AIR}),
    ],
    ids=["cable-first", "radio-first"],
)
def test_the_way_out_is_that_of_the_nic_in_use_before_during_and_after_a_loss_of_the_link(
    site: Site, port: str, order: str, script: str, moments: dict[str, tuple[str, ...]]
) -> None:
    told = run(site, port, f"order = [{order}]\n{FAILOVER}{script}")
    for moment, (way, cable, radio, dns) in moments.items():
        went, ip, (on_cable, on_radio), server = told[moment]
        assert (moment, went) == (moment, way)
        assert ip == (on_radio if way == "air" else on_cable)
        assert on_cable.startswith(cable)
        assert on_radio.startswith(radio)
        assert server == dns


# Why


def test_esp32_sends_by_the_wifi_as_soon_as_that_has_a_link_address_or_not(site: Site) -> None:
    script = """
lan.active(True)
wlan.active(True)
for each in (lan, wlan):
    try:
        each.ifconfig(NONE)
    except RuntimeError:
        pass
lan.status()  # the link is there
lan.ifconfig(("198.51.100.77", "255.255.255.0", "198.51.100.1", "198.51.100.53"))
tell("alone", way())
wlan.connect("lab", "key")
tell("beside a Wi-Fi without an address", way())
wlan.disconnect()
tell("left", way())
"""
    assert run(site, "esp32", script) == {
        "alone": ["wire"],
        "beside a Wi-Fi without an address": ["EHOSTUNREACH"],
        "left": ["wire"],
    }


def test_plain_lwip_sends_by_the_nic_that_was_activated_last(site: Site) -> None:
    script = """
FOUR = ("198.51.100.77", "255.255.255.0", "198.51.100.1", "198.51.100.53")
lan.active(True)
lan.ifconfig(FOUR)
tell("alone", way())
wlan.active(True)
wlan.ifconfig(NONE)
tell("beside one that was activated later", way())
lan.active(False)
lan.active(True)
lan.ifconfig(FOUR)
tell("activated anew", way())
"""
    assert run(site, "rp2", script) == {
        "alone": ["wire"],
        "beside one that was activated later": ["EHOSTUNREACH"],
        "activated anew": ["wire"],
    }
