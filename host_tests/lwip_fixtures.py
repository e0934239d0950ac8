"""Fixtures of the modules test_lwip_*.py: cables with a board's IP stack on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lwip_board import ADDRESS, PEER
from testbed.board import plug_board
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from toolchain import lwip, vm


@pytest.fixture(scope="module")
def stack_works() -> None:
    """Skips, with the reason and the remedy, where lwIP, its TAP or a VM cannot be had."""
    if missing := vm.vms()["vm64"].missing:
        pytest.skip(f"vm64: {missing}")
    for port in lwip.BOARDS:
        lwip.build(port)
    with Lab() as net:
        plug_board(net)


@pytest.fixture(scope="module")
def net(stack_works: None) -> Iterator[Lab]:
    """A board's cable and, on the same switch, a peer that knows the MAC of ADDRESS by itself."""
    with Lab() as net:
        plug_board(net)
        net.add_host("peer", "02:00:00:00:02:01", f"{PEER}/24")
        neighbour = ["ip", "neigh", "add", ADDRESS, "lladdr", CLIENT_MAC, "dev", "eth0"]
        net.run(neighbour, host="peer")
        net.run(["ip", "route", "add", "default", "dev", "eth0"], host="peer")
        yield net


@pytest.fixture(scope="module")
def served(stack_works: None) -> Iterator[Lab]:
    """A board's cable with dnsmasq on it."""
    with Lab() as net:
        plug_board(net)
        net.serve("dnsmasq")
        yield net


@pytest.fixture(params=lwip.BOARDS)
def port(request: pytest.FixtureRequest) -> str:
    """Each board in turn."""
    return str(request.param)
