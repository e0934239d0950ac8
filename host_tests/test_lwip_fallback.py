"""An address for when no server answers, on the boards' IP stack, and a server that comes late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from test_interop import ALL, ANY, path
from test_interop_fallback import PEER, reach
from test_lwip_client import LINKS, Link
from testbed.board import Board, plug_board
from testbed.lab import Lab
from testbed.process import wait_for

pytest_plugins = ["lwip_fixtures"]

STATIC = "192.168.7.7"
FALL_BACK = f"""
from dhcpc import fallback
fallback.static(dhcp, {STATIC!r}, gateway="192.168.7.1", after_ms=700)
until("fallback")
tell("used", nic.ifconfig()[:3], dhcp.lease.ip)
until("send")
tell("sent")
until("bound")
tell("lease", nic.ifconfig()[0], dhcp.lease.ip)
"""

LINK_LOCAL = """
from dhcpc import fallback
fallback.link_local(dhcp, after_ms=700)
until("fallback")
until("send")
tell("used", nic.ifconfig()[0])
until("bound")
"""


@pytest.fixture
def net(stack_works: None) -> Iterator[Lab]:
    """A board's cable, and a host that the address can be reached from."""
    with Lab() as net:
        plug_board(net)
        net.add_host("peer", "02:00:00:00:02:01", PEER)
        yield net


def word(board: Board, name: str) -> Any:
    """Wait until the board has told something of that name, and return it."""
    return wait_for(lambda: [each for each in board.told() if each[0] == name], name)[0]


def test_servers_answer_a_link_local_source(net: Lab, kind: str) -> None:
    link = LINKS["device"]
    with net.capture() as wire, Board(net, link.port, link.script() + LINK_LOCAL) as board:
        _, ip = word(board, "used")
        net.serve(kind)
        board.end()
        wire.wait("ACK")
    assert wire.messages("DISCOVER")[-1].ip.src == ip
    assert ip.startswith("169.254.")


@pytest.mark.parametrize("name", LINKS)
def test_it_is_reached_discovers_go_on_and_a_lease_takes_over(net: Lab, name: str) -> None:
    link: Link = LINKS[name]
    with net.capture() as wire, Board(net, link.port, link.script() + FALL_BACK) as board:
        word(board, "sent")
        reach(net, STATIC)
        net.serve("dnsmasq")
        told = {name: more for name, *more in board.end()}
        wire.wait("ACK")
        beneath = wire.messages("DISCOVER")[-1]
    assert told["used"] == [[STATIC, "255.255.255.0", "192.168.7.1"], STATIC]
    assert told["lease"][0] == told["lease"][1]
    assert told["lease"][0].startswith("192.0.2.")
    # A whole frame says what RFC 2131 4.1 wants; a socket has the NIC's address.
    assert path(beneath) == (ANY if name.startswith("frame") else STATIC, ALL)
    assert beneath.bootp.ciaddr == ANY
