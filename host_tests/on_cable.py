"""Cables for tools/netup.py, with a server and without, and how a run on one ends. The fixtures
are imported by `as`, so that they are none of all other tests.
"""

from __future__ import annotations

import binascii
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_interop import STORE, Event, Netup
from testbed import clients
from testbed.lab import Lab
from testbed.process import PATIENCE_S
from toolchain import vm
from toolchain.programs import require

NETUP = clients.Netup.path
RESOLV_CONF = Path("/etc/resolv.conf")
WITH_PACKET = ("recv", "send")


def run(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run netup to its end, outside of any lab."""
    return subprocess.run(
        [sys.executable, NETUP, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        **how,
    )


@pytest.fixture(params=["micropython", "python"])
def which(request: pytest.FixtureRequest) -> str:
    """Each --vm in turn."""
    if request.param == "micropython" and (missing := vm.vms()["vm64"].missing):
        pytest.skip(f"vm64: {missing}")
    return str(request.param)


@pytest.fixture(scope="module")
def lab_works() -> None:
    """Skips, with the reason, where there can be no lab or no VM."""
    if missing := vm.vms()["vm64"].missing:
        pytest.skip(f"vm64: {missing}")
    require("dnsmasq")
    with Lab():
        pass


@pytest.fixture
def net(lab_works: None) -> Iterator[Lab]:
    """A cable without a server."""
    with Lab() as net:
        yield net


@pytest.fixture
def served(net: Lab) -> Lab:
    """A cable with dnsmasq on it."""
    net.serve("dnsmasq")
    return net


def names(events: list[Event]) -> list[str]:
    return [event["event"] for event in events]


def everything(net: Lab) -> list[str]:
    """All that netup might change on the client's host, and on the machine."""
    show = ["address show", "route show table all", "rule show", "neigh show dev lo"]
    said = [net.run(["ip", "-4", *what.split()]) for what in show]
    return [*said, net.outside(RESOLV_CONF).read_text()]


def ended(run: Netup, code: int = 0) -> list[Event]:
    """Wait for the end of a run, and return its events."""
    assert run.process.wait(PATIENCE_S) == code, run.process.said()
    assert "Traceback" not in run.process.said()
    return run.events()


def stored(net: Lab) -> bytes:
    """The record of a lease on this network, and no trace of it besides."""
    ended(Netup(net, "--once"))
    net.run(["ip", "address", "flush", "dev", "eth0"])
    return net.outside(STORE).read_bytes()


def crc(data: bytes | bytearray) -> bytes:
    return binascii.crc32(data).to_bytes(4, "big")
