"""The ways back to a stored lease against real servers: what goes over the wire at each wake."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import wait_for
from testbed.wire import Message
from toolchain import vm

pytestmark = pytest.mark.usefixtures("lab_works")

STORE = Lab.dir / "dhcpc.lease"
KNOWN_S = 0.45  # from here on a message may be one sent again: that is a slow machine
ALL = "255.255.255.255"

# A wake: get a lease, then poll until the event that is waited for.
WAKE = """
import json, sys
import board
from dhcpc import Store
from dhcpc.sleep import Client, wall_clock

def tell(event, lease):
    global last
    last = event
    print(json.dumps({"event": event, "state": dhcp.state, "ip": lease and lease.ip}))

want = json.loads(sys.argv[1])
store = Store(want["store"])
store.epoch = wall_clock
dhcp = Client(board.nic("eth0"), store=store, on_event=tell, **want["settings"])
dhcp.acquire(20000)
dhcp.before_sleep(10000)
while want["until"] not in (None, last):
    dhcp.poll(100)
"""


class Wake(NamedTuple):
    """What the client told, what it sent, and the addresses of its interface afterwards."""

    events: list[dict[str, Any]]
    sent: list[Message]
    addresses: list[str]

    @property
    def types(self) -> list[str]:
        return [message.type for message in self.sent]

    def names(self) -> list[str]:
        """The events, but for those of single messages."""
        found = [event["event"] for event in self.events]
        return [name for name in found if name not in ("link", "send", "recv", "ignored")]


def wake(net: Lab, until: str | None = None, **settings: Any) -> Wake:
    """Switch the client's host on, with what its flash holds, until it has a lease."""
    net.cut_power()
    unix = vm.vms()["vm64"]
    path = os.pathsep.join(map(str, (unix.firmware(), vm.ROOT / "boards/UNIX", ".frozen")))
    want = {"store": str(STORE), "until": until, "settings": settings}
    with net.capture() as wire:
        said = net.run(["env", f"MICROPYPATH={path}", *unix.command(WAKE, json.dumps(want))])
        # What the client has seen is in the capture: its last message, or a reply to it.
        events = [json.loads(line) for line in said.splitlines()]
        count = [event["event"] for event in events].count("send")

        def sent() -> list[Message]:
            return [each for each in wire.messages() if each.ether.src == CLIENT_MAC]

        wait_for(lambda: len(sent()) >= count, f"{count} messages")
    return Wake(events, sent(), net.addresses())


def once(messages: list[Message]) -> list[str]:
    """The types, without those that were sent again because this machine was slow."""
    found: list[Message] = []
    for message in messages:
        if not found or message.type != found[-1].type or message.time - found[-1].time < KNOWN_S:
            found.append(message)
    return [message.type for message in found]


@pytest.fixture
def net() -> Iterator[Lab]:
    with Lab() as net:
        yield net


@pytest.mark.rfc("2131 1.6 configuration-after-reboot", "2131 4.4.5 renewing-at-t1")
def test_a_wake_costs_2_packets_or_1_or_none_until_t1(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(lease=1000, t1=8, t2=900))
    new = wake(net)
    verified = wake(net)
    reused = wake(net, reuse=True)
    assert once(new.sent) == ["DISCOVER", "REQUEST"]
    assert once(verified.sent) == ["REQUEST"]
    assert reused.names() == ["reused"]
    assert reused.sent == []
    assert new.addresses == verified.addresses == reused.addresses
    renewed = wake(net, until="renewed", reuse=True)
    assert renewed.names() == ["reused", "renewed"]
    assert {message.bootp.ciaddr for message in renewed.sent} == {renewed.events[0]["ip"]}
    assert {message.ip.dst for message in renewed.sent} == {"192.0.2.1"}
    # T1 counts from the REQUEST that was answered, sleep included; whole seconds are counted.
    age = renewed.sent[0].time - verified.sent[-1].time
    assert 6 <= age <= 12


def test_a_device_carried_between_two_sites_gets_each_ones_address_after_one_nak(
    kind: str, net: Lab
) -> None:
    here, there = Plan(), Plan(subnet="198.51.100.0/24")
    server = net.serve(kind, here)
    assert wake(net).names() == ["bound"]
    server.stop()
    other = net.serve(kind, there)
    assert wake(net).names() == ["nak", "bound"]
    other.stop()
    server = net.serve(kind, here, leases=server)
    back = wake(net, early=True)
    assert back.names() == ["early", "nak", "early", "rebooted"]
    assert once(back.sent) == ["REQUEST", "REQUEST"]
    assert back.addresses[0].startswith("192.0.2.")
    again = wake(net)
    assert once(again.sent) == ["REQUEST"]
    assert again.addresses == back.addresses


@pytest.mark.rfc("2131 3.2 silence-leaves-lease")
def test_a_lease_is_kept_while_the_server_is_away(kind: str, net: Lab) -> None:
    server = net.serve(kind)
    before = wake(net)
    server.stop()
    away = wake(net, keep=True)
    assert away.types == 3 * ["REQUEST"]
    assert away.names() == ["kept"]
    assert away.addresses == before.addresses


@pytest.mark.rfc("2131 3.2 nak-leads-to-init")
def test_an_early_address_that_the_network_has_no_more_is_taken_back(kind: str, net: Lab) -> None:
    server = net.serve(kind)
    wake(net)
    server.stop()
    net.serve(kind, Plan(subnet="198.51.100.0/24"))
    moved = wake(net, early=True)
    assert moved.names() == ["early", "nak", "bound"]
    assert [address.split(".")[0] for address in moved.addresses] == ["198"]
    assert {message.ip.dst for message in moved.sent} == {ALL}
    assert {message.ip.src for message in moved.sent} == {"0.0.0.0"}
