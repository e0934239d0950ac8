"""The firmware client in the MicroPython VM against real servers, over real sockets.

The client's host has a second interface with an address and the default route, as a laptop would.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from testbed import clients
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import PATIENCE_S, LabError, wait_for
from testbed.wire import Capture, Message

pytestmark = pytest.mark.usefixtures("lab_works")

ANY = "0.0.0.0"
ALL = "255.255.255.255"
ALL_MACS = "ff:ff:ff:ff:ff:ff"
STORE = Lab.dir / "dhcpc.lease"
RETRANSMISSION_S = 0.4  # the first comes after 0.5 s at the earliest

Event = dict[str, Any]


class Netup:
    """A run of tools/netup.py on the client's eth0, with a store, and what it tells."""

    def __init__(self, net: Lab, *more: str) -> None:
        netup: list[str | Path] = [sys.executable, clients.Netup.path, "eth0", "--json"]
        self.process = net.start([*netup, "--store", STORE, *more])

    def events(self) -> list[Event]:
        return [json.loads(line) for line in self.process.lines() if line.startswith("{")]

    def wait(self, name: str) -> Event:
        """Wait for the first event of this name, and return it."""

        def told() -> list[Event]:
            ended = self.process.poll() is not None
            found = [event for event in self.events() if event["event"] == name]
            assert found or not ended, self.process.said()
            return found

        try:
            return wait_for(told, f"event {name!r}")[0]
        except LabError as error:
            pytest.fail(f"{error}\n{self.process.said()}")

    def end(self) -> list[Event]:
        """Wait until it has ended well, and return its events."""
        assert self.process.wait(PATIENCE_S) == 0, self.process.said()
        return self.events()


def sent(wire: Capture) -> list[Message]:
    """The client's messages, but for those that it sent again because no reply came in time: that
    is a slow machine."""
    messages: list[Message] = []
    last: Message | None = None
    for message in wire.messages():
        ours = message.ether.src == CLIENT_MAC
        late = last is not None and message.time - last.time > RETRANSMISSION_S
        again = last is not None and message.type == last.type
        if ours and not (late and again):
            messages.append(message)
        last = message
    return messages


def path(message: Message) -> tuple[str, str]:
    """Where a message came from and went to."""
    return message.ip.src, message.ip.dst


@pytest.fixture
def net() -> Iterator[Lab]:
    with Lab(uplink=True) as net:
        yield net


class Boots(NamedTuple):
    """Two boots: one with an empty store, and one with the lease of the first."""

    plan: Plan
    first: list[Message]  # what the client sent
    bound: Event
    addresses: list[str]
    routes: str
    resolver: list[str]
    second: list[Message]
    rebooted: Event


@pytest.fixture(scope="module")
def boots(kind: str) -> Boots:
    plan = Plan(lease=1000, t1=400, t2=700)
    with Lab(uplink=True) as net:
        net.serve(kind, plan)
        with net.capture() as wire:
            netup = Netup(net, "--once", "--resolver")
            bound = netup.wait("bound")
            netup.end()
            wire.wait("ACK")
        first = sent(wire)
        addresses = net.addresses()
        routes = net.run(["ip", "-4", "route"])
        resolver = net.outside(Path("/etc/resolv.conf")).read_text().splitlines()
        net.cut_power()
        with net.capture() as wire:
            netup = Netup(net, "--once")
            rebooted = netup.wait("rebooted")
            netup.end()
            wire.wait("ACK")
        return Boots(plan, first, bound, addresses, routes, resolver, sent(wire), rebooted)


@pytest.mark.rfc("2131 1.6 no-manual-configuration")
def test_new_lease_takes_a_discover_and_a_request(boots: Boots) -> None:
    assert [message.type for message in boots.first] == ["DISCOVER", "REQUEST"]


@pytest.mark.rfc(
    "2131 3.1 discover-broadcast", "2131 3.1 request-to-same-broadcast", "2131 4.1 source-zero"
)
def test_source_is_0_0_0_0_whatever_address_other_interfaces_have(boots: Boots) -> None:
    assert [path(message) for message in boots.first] == [(ANY, ALL), (ANY, ALL)]


@pytest.mark.rfc(
    "2131 4.3.2 selecting-names-the-server",
    "2131 4.3.2 selecting-ciaddr-zero",
    "2131 4.3.2 selecting-requested-address",
    "2131 3.1 request-names-server",
    "2131 3.1 request-names-address",
)
def test_request_in_selecting_names_the_server_and_the_address(boots: Boots) -> None:
    request = boots.first[-1]
    assert request.options["server_id"] == boots.plan.server
    assert request.options["requested_addr"] == boots.bound["ip"]
    assert request.bootp.ciaddr == ANY


@pytest.mark.rfc("2131 4.4.5 times-of-the-server", "2131 3.1 lease-time-noted")
def test_lease_is_what_the_server_granted(boots: Boots) -> None:
    told = boots.bound
    assert [told[name] for name in ("lease_time", "t1", "t2")] == [1000, 400, 700]
    assert [told[name] for name in ("mask", "gateway", "dns", "server")] == [
        "255.255.255.0",
        "192.0.2.1",
        ["192.0.2.53", "192.0.2.54"],
        "192.0.2.1",
    ]


def test_lease_is_applied(boots: Boots) -> None:
    assert boots.addresses == [f"{boots.bound['ip']}/24"]
    assert "default via 192.0.2.1 dev eth0" in boots.routes
    assert [line.split() for line in boots.resolver if line and line[0] != "#"] == [
        ["nameserver", "192.0.2.53"],
        ["nameserver", "192.0.2.54"],
        ["search", "lab.example"],
    ]


@pytest.mark.rfc(
    "2131 1.6 configuration-after-reboot",
    "2131 3.2 reuse-of-address",
    "2131 3.7 verified-after-boot",
    "4436 2.2 init-reboot",
)
def test_restart_with_a_stored_lease_takes_one_request(boots: Boots) -> None:
    assert [message.type for message in boots.second] == ["REQUEST"]
    assert boots.rebooted["ip"] == boots.bound["ip"]


@pytest.mark.rfc(
    "2131 4.3.2 reboot-names-no-server",
    "2131 4.3.2 reboot-requested-address",
    "2131 4.3.2 reboot-ciaddr-zero",
    "2131 4.3.6 reboot-broadcast",
    "2131 3.2 reboot-broadcast",
    "2131 3.2 reboot-names-address",
    "2131 3.2 reboot-without-ciaddr",
)
def test_request_in_init_reboot_names_the_address_and_no_server(boots: Boots) -> None:
    request = boots.second[0]
    assert request.options["requested_addr"] == boots.bound["ip"]
    assert "server_id" not in request.options
    assert request.bootp.ciaddr == ANY
    assert path(request) == (ANY, ALL)


@pytest.mark.rfc(
    "2131 4.3.2 renewing-names-no-server",
    "2131 4.3.2 renewing-no-requested-address",
    "2131 4.3.2 renewing-ciaddr",
    "2131 4.3.2 renewing-unicast",
    "2131 4.4.5 renewing-at-t1",
    "2131 4.1 unicast-to-server-id",
)
def test_request_in_renewing_is_unicast_from_the_leased_address(kind: str, net: Lab) -> None:
    server = net.serve(kind, Plan(lease=600, t1=3, t2=500))
    with net.capture() as wire:
        netup = Netup(net)
        ip = netup.wait("bound")["ip"]
        netup.wait("renewed")
        request = wire.wait("REQUEST", 2)
    assert path(request) == (ip, server.plan.server)
    assert request.ether.dst == server.mac
    assert request.bootp.ciaddr == ip
    assert not {"server_id", "requested_addr"} & set(request.options)


@pytest.mark.rfc(
    "2131 4.3.2 rebinding-names-no-server",
    "2131 4.3.2 rebinding-no-requested-address",
    "2131 4.3.2 rebinding-ciaddr",
    "2131 4.3.2 rebinding-broadcast",
    "2131 4.4.4 request-back-to-broadcast",
    "2131 4.4.5 rebinding-at-t2",
)
def test_request_in_rebinding_is_broadcast_and_any_server_may_answer(kind: str, net: Lab) -> None:
    server = net.serve(kind, Plan(lease=600, t1=3, t2=5))
    with net.capture() as wire:
        netup = Netup(net)
        ip = netup.wait("bound")["ip"]
        server.stop()
        other = net.serve(kind, replace(server.plan, host=2), leases=server)
        assert netup.wait("rebound")["server"] == other.plan.server
        request = wire.messages("REQUEST")[-1]
    assert path(request) == (ip, ALL)
    assert request.ether.dst == ALL_MACS
    assert request.bootp.ciaddr == ip
    assert not {"server_id", "requested_addr"} & set(request.options)


@pytest.mark.rfc("2131 3.2 nak-leads-to-init", "2131 figure5 rebooting-nak")
def test_nak_after_the_network_was_renumbered_leads_to_a_new_lease(kind: str, net: Lab) -> None:
    server = net.serve(kind)
    Netup(net, "--once").end()
    net.cut_power()
    server.stop()
    net.serve(kind, Plan(subnet="198.51.100.0/24"))
    with net.capture() as wire:
        netup = Netup(net, "--once")
        netup.wait("nak")
        assert netup.wait("bound")["server"] == "198.51.100.1"
        netup.end()
        wire.wait("ACK")
    assert [message.type for message in sent(wire)] == ["REQUEST", "DISCOVER", "REQUEST"]


@pytest.mark.rfc(
    "2131 3.1 release",
    "2131 3.1 release-identifies-lease",
    "2131 4.4.4 release-unicast",
    "2131 4.4.6 release",
    "2131 table5 release-ciaddr",
    "2131 table5 release-names-the-server",
)
def test_release_at_sigterm_frees_the_lease(kind: str, net: Lab) -> None:
    server = net.serve(kind)
    with net.capture() as wire:
        netup = Netup(net)
        ip = netup.wait("bound")["ip"]
        held = server.leases()
        netup.process.terminate()
        netup.end()
        release = wire.wait("RELEASE")
    assert held == {ip: (CLIENT_MAC, "active")}
    assert release.options["server_id"] == server.plan.server
    assert release.bootp.ciaddr == ip
    assert path(release) == (ip, server.plan.server)
    wait_for(lambda: "active" not in server.leases().get(ip, ()), "end of the lease")
    assert net.addresses() == []


def test_released_lease_is_not_asked_for_again(kind: str, net: Lab) -> None:
    net.serve(kind)
    netup = Netup(net)
    netup.wait("bound")
    netup.process.terminate()
    netup.end()
    with net.capture() as wire:
        Netup(net, "--once").wait("bound")
        wire.wait("ACK")
    assert sent(wire)[0].type == "DISCOVER"


@pytest.mark.parametrize("kind", ["dnsmasq"], indirect=True)
def test_cpython_runs_the_client_too(kind: str, net: Lab) -> None:
    net.serve(kind)
    assert Netup(net, "--once", "--vm", "python").end()[-1]["state"] == "BOUND"
