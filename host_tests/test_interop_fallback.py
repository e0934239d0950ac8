"""An address for when no server answers, on a real network whose server comes late."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from test_interop import ALL, ANY, path, sent
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.process import Process, wait_for
from toolchain import vm

pytestmark = pytest.mark.usefixtures("lab_works")

PEER = "192.168.7.9/24"
# Sends a datagram, for which the address must be resolved first.
SEND = "import socket, sys; socket.socket(2, 2).sendto(b'', (sys.argv[1], 9))"

# Falls back, and polls for as long as it may.
KEEP = """
import json, sys
import board
from dhcpc import Client, fallback

def tell(event, lease):
    print(json.dumps({"event": event, "ip": lease and lease.ip}))

dhcp = Client(board.nic("eth0"), store="/run/lab/lease", on_event=tell)
KIND
while True:
    dhcp.poll(100)
"""
STATIC = "fallback.static(dhcp, '192.168.7.7', gateway='192.168.7.1', after_ms=1000)"
LINK_LOCAL = "fallback.link_local(dhcp, after_ms=1000)"


@pytest.fixture
def net() -> Iterator[Lab]:
    with Lab() as net:
        yield net


def keep(net: Lab, kind: str) -> Process:
    unix = vm.vms()["vm64"]
    paths = os.pathsep.join(map(str, (unix.firmware(), vm.ROOT / "boards/UNIX", ".frozen")))
    script = KEEP.replace("KIND", kind)
    return net.start(["env", f"MICROPYPATH={paths}", *unix.command(script)])


def told(client: Process, event: str) -> str | None:
    """Wait for an event, and return the address that was in use then."""

    def found() -> list[dict[str, Any]]:
        assert client.poll() is None, client.said()
        return [each for each in map(json.loads, client.lines()) if each["event"] == event]

    ip: str | None = wait_for(found, f"event {event!r}")[0]["ip"]
    return ip


def reach(net: Lab, ip: str) -> None:
    """Have the peer ask by ARP who has an address; it is to be the client."""
    net.run([sys.executable, "-c", SEND, ip], host="peer")
    show = ["ip", "neigh", "show", "to", ip]
    wait_for(lambda: CLIENT_MAC in net.run(show, host="peer"), f"ARP of {ip}")


def test_a_static_address_is_reached_by_others_until_there_is_a_lease(net: Lab, kind: str) -> None:
    net.add_host("peer", "02:00:00:00:02:01", PEER)
    client = keep(net, STATIC)
    assert told(client, "fallback") == "192.168.7.7"
    assert net.addresses() == ["192.168.7.7/24"]
    reach(net, "192.168.7.7")
    with net.capture() as wire:
        server = net.serve(kind)
        ip = told(client, "bound")
        wire.wait("ACK")
    assert net.addresses() == [f"{ip}/24"]
    assert ip in server.leases()
    assert {path(message) for message in sent(wire)} == {(ANY, ALL)}


@pytest.mark.rfc("3927 2.1 seeded-by-the-mac", "3927 1.9 not-beside-a-routable-address")
@pytest.mark.parametrize("kind", ["dnsmasq"], indirect=True)
def test_a_link_local_address_is_the_same_each_time(net: Lab, kind: str) -> None:
    client = keep(net, LINK_LOCAL)
    first = told(client, "fallback")
    client.kill()
    net.cut_power()
    client = keep(net, LINK_LOCAL)
    assert told(client, "fallback") == first
    assert net.addresses() == [f"{first}/16"]
    net.serve(kind)
    assert net.addresses() != [f"{told(client, 'bound')}/16"]
