"""Several NICs and one way out, on a Linux host with two interfaces, each in a network of its own
with a server and a way to the same far side.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from test_lwip_failover import FAR, Site
from testbed.board import plug_second
from testbed.lab import Lab
from testbed.process import Process, wait_for
from toolchain import vm

pytestmark = pytest.mark.usefixtures("lab_works")

# Whenever it is another one's turn, who answers at the far side by then.
KEEP = f"""
import json, socket
import board
from dhcpc import failover

def way():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.sendto(b"?", socket.getaddrinfo({FAR!r}, 9)[0][-1])
    name = sock.recv(64).decode()
    sock.close()
    return name

links = [board.nic(name) for name in ("eth1", "eth0")]
dhcp = failover.make(links, store="/run/lab/lease")
used = None
while True:
    dhcp.poll(100)
    if dhcp.used is not used:
        used = dhcp.used
        print(json.dumps([used and used.link.name, used and way()]))
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with Lab() as net:
        plug_second(net, tap=False)
        yield Site(net)


def follow(client: Process, *last: str) -> None:
    """Wait until this is the last that the client told."""

    def found() -> bool:
        assert client.poll() is None, client.said()
        return client.lines()[-1:] == [json.dumps(last)]

    wait_for(found, " ".join(last))


def test_the_way_out_follows_the_link(site: Site) -> None:
    net = site.net
    unix = vm.vms()["vm64"]
    paths = os.pathsep.join(map(str, (unix.firmware(), vm.ROOT / "boards/UNIX", ".frozen")))
    client = net.start(["env", f"MICROPYPATH={paths}", *unix.command(KEEP)])
    follow(client, "eth1", "wire")
    net.run(["ip", "link", "set", "wire", "down"], host="switch")
    follow(client, "eth0", "air")
    assert net.addresses("eth1") == []
    net.run(["ip", "link", "set", "wire", "up"], host="switch")
    follow(client, "eth1", "wire")
    assert net.addresses("eth0") == []
