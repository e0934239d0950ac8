"""The exchanges of the extras against real servers: what goes over the wire."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from test_interop import Netup
from test_interop_sleep import once
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import wait_for
from testbed.wire import Message
from toolchain import vm

pytestmark = pytest.mark.usefixtures("lab_works")

SQUATTER = "02:00:00:00:00:02"

# A client with an extra, and what it is to do then.
DEVICE = """
import json
import board
from dhcpc import Client, Store
from dhcpc import anonymity, conflicts, ipv6only, rapid, servers
from dhcpc.inform import inform

def tell(event, lease):
    told = {"event": event, "reason": str(dhcp.reason), "wait": dhcp.session.wait}
    if event == "ignored":
        told["reason"] = dhcp.session.reason
    print(json.dumps(told))

def go(until):
    while until not in seen:
        dhcp.poll(100)

seen = []
dhcp = Client(board.nic("eth0"), store=Store("/run/lab/dhcpc.lease"), hostname="greenhouse",
              on_event=lambda event, lease: (seen.append(event), tell(event, lease)))
"""


class Run(NamedTuple):
    """What the client told, and what was on the wire."""

    events: list[dict[str, Any]]
    messages: list[Message]

    @property
    def sent(self) -> list[Message]:
        return [message for message in self.messages if message.ether.src == CLIENT_MAC]

    @property
    def types(self) -> list[str]:
        """Of the messages that the client sent, but for those that it sent again."""
        return once(self.sent)

    @property
    def names(self) -> list[str]:
        """The events, but for those of single messages."""
        found = [event["event"] for event in self.events]
        return [name for name in found if name not in ("link", "send", "recv", "ignored")]

    def ack(self) -> Message:
        return next(message for message in self.messages if message.type == "ACK")


def run(net: Lab, *script: str, awaited: str = "") -> Run:
    """Switch the client's host on, and have its client do that. awaited: a type of message that is
    on the wire by then, whether the client hears it or not."""
    net.cut_power()
    unix = vm.vms()["vm64"]
    path = os.pathsep.join(map(str, (unix.firmware(), vm.ROOT / "boards/UNIX", ".frozen")))
    command = unix.command("\n".join((DEVICE, *script)))
    with net.capture() as wire:
        said = net.run(["env", f"MICROPYPATH={path}", *command])
        events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        count = len([event for event in events if event["event"] in ("send", "recv")])
        wait_for(lambda: len(wire.messages()) >= count, f"{count} messages")
        if awaited:
            wire.wait(awaited)
        return Run(events, wire.messages())


@pytest.fixture
def net() -> Iterator[Lab]:
    with Lab() as net:
        yield net


only_dnsmasq = pytest.mark.parametrize("kind", ["dnsmasq"], indirect=True)
dnsmasq_and_kea = pytest.mark.parametrize("kind", ["dnsmasq", "kea"], indirect=True)


# An address that the client has had

HAD = "dhcp.session.yiaddr = b'\\xc0\\0\\2\\x96'"


@pytest.mark.rfc("2131 3.1 discover-suggests-address")
def test_a_server_gives_the_address_that_a_discover_suggests(kind: str, net: Lab) -> None:
    net.serve(kind)
    assert run(net, HAD, "dhcp.acquire()").ack().bootp.yiaddr == "192.0.2.150"


@pytest.mark.rfc("2131 1.6 configuration-after-server-restart")
@pytest.mark.parametrize("kind", ["dnsmasq", "dhcpd"], indirect=True)  # the others say NAK
def test_a_server_that_has_lost_its_leases_gives_the_same_address(kind: str, net: Lab) -> None:
    server = net.serve(kind)
    run(net, HAD, "dhcp.acquire()")
    server.stop()
    net.serve(kind)
    again = run(net, "dhcp.acquire()")
    assert again.types == ["REQUEST"]
    assert again.ack().bootp.yiaddr == "192.0.2.150"


# Rapid Commit


@only_dnsmasq
@pytest.mark.rfc("4039 3 ack-taken-at-once", "4039 4 option-in-discover")
def test_a_server_that_commits_gives_a_lease_with_two_messages(kind: str, net: Lab) -> None:
    server = net.serve(kind, Plan(rapid=True))
    done = run(net, "rapid.commit(dhcp)", "dhcp.acquire()", "print(dhcp.lease.ip)")
    assert done.types == ["DISCOVER"]
    assert done.names == ["bound"]
    assert server.leases() == {done.ack().bootp.yiaddr: (CLIENT_MAC, "active")}
    # The lease is real: it can be verified, and be renewed.
    assert run(net, "dhcp.acquire()").types == ["REQUEST"]


@pytest.mark.rfc("4039 3.1 other-messages-as-in-rfc-2131")
def test_a_server_that_does_not_commit_is_none_the_worse(kind: str, net: Lab) -> None:
    net.serve(kind)
    done = run(net, "rapid.commit(dhcp)", "dhcp.acquire()")
    assert done.types == ["DISCOVER", "REQUEST"]
    assert done.names == ["bound"]


@only_dnsmasq
@pytest.mark.rfc("4039 3 only-when-configured")
def test_a_server_that_commits_makes_an_offer_to_who_does_not_ask(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(rapid=True))
    assert run(net, "dhcp.acquire()").types == ["DISCOVER", "REQUEST"]


# IPv6-only preferred

HALF_AN_HOUR = {108: b"\0\0\x07\x08"}
OBEYING = ("ipv6only.obey(dhcp)", "go('ipv6only')")


@pytest.mark.rfc("8925 3.2 no-request-to-such-an-offer")
def test_a_network_that_prefers_ipv6_gets_no_request(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(extra=HALF_AN_HOUR))
    done = run(net, *OBEYING)
    assert done.types == ["DISCOVER"]
    told = done.events[-1]
    assert told["event"] == "ipv6only"
    assert told["reason"].startswith("192.0.2.1: ipv6only")
    assert 1_790_000 < told["wait"] <= 1_801_000
    assert net.addresses() == []


@dnsmasq_and_kea
@pytest.mark.rfc("8925 3.2 ack-in-rebooting")
def test_a_network_that_has_come_to_prefer_ipv6_says_so_in_its_ack(kind: str, net: Lab) -> None:
    server = net.serve(kind)
    assert run(net, "dhcp.acquire()").names == ["bound"]
    server.stop()
    net.serve(kind, Plan(extra=HALF_AN_HOUR), leases=server)
    done = run(net, *OBEYING)
    assert done.names == ["ipv6only"]
    assert done.types[0] == "REQUEST"
    assert net.addresses() == []


@dnsmasq_and_kea
@pytest.mark.rfc("8925 3.2 not-asked-for-by-others")
def test_who_does_not_ask_gets_an_address_there(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(extra=HALF_AN_HOUR))
    assert run(net, "dhcp.acquire()").names == ["bound"]


# The anonymity profile


def carried(messages: list[Message]) -> list[tuple[str, set[str]]]:
    """Of each message, but for those sent again, what scapy finds in it."""
    found: list[tuple[str, set[str]]] = []
    for message in messages:
        each = (message.type, set(map(str, message.options)) - {"message-type"})
        if found[-1:] != [each]:
            found.append(each)
    return found


@pytest.mark.rfc(
    "7844 3 discover",
    "7844 3 discover-has-no-more",
    "7844 3 request",
    "7844 3 request-has-no-more",
    "7844 3 release",
    "7844 3.5 identifier-of-the-link-layer-address",
    "7844 3.6 few-parameters",
)
def test_messages_carry_what_the_anonymity_profile_allows(kind: str, net: Lab) -> None:
    net.serve(kind)
    script = ("anonymity.profile(dhcp)", "dhcp.acquire()", "dhcp.renew()", "go('renewed')")
    done = run(net, *script, "dhcp.release()")
    every = {"client_id", "param_req_list"}
    assert carried(done.sent) == [
        ("DISCOVER", every),
        ("REQUEST", every | {"server_id", "requested_addr"}),
        ("REQUEST", every),
        ("RELEASE", {"client_id", "server_id"}),
    ]
    for message in done.sent:
        assert message.options["client_id"] == b"\1" + bytes.fromhex(CLIENT_MAC.replace(":", ""))
    assert {1, 3, 6} == set(done.sent[0].options["param_req_list"])


@pytest.mark.rfc("7844 3 decline", "7844 3 inform", "7844 3 inform-has-no-more")
def test_decline_and_inform_carry_what_it_allows(kind: str, net: Lab) -> None:
    net.serve(kind)
    script = ("anonymity.profile(dhcp)", "dhcp.acquire()", "inform(dhcp)")
    done = run(net, *script, "conflicts.decline(dhcp)")
    every = {"client_id", "param_req_list"}
    assert carried(done.sent)[2:] == [
        ("INFORM", every),
        ("DECLINE", {"client_id", "server_id", "requested_addr"}),
    ]


# Conflicts


def squatted(net: Lab, *more: str) -> str:
    """Have another host take the address that the server has given to the client; return it."""
    address: str = run(net, "dhcp.acquire()", *more).ack().bootp.yiaddr
    net.cut_power()
    net.add_host("squatter", SQUATTER, f"{address}/24")
    return address


@pytest.mark.rfc(
    "2131 2.2 new-address-probed",
    "2131 3.1 decline",
    "2131 3.1 decline-then-start-over",
    "2131 3.1 ten-seconds-after-decline",
    "2131 4.1 source-zero-of-decline",
    "2131 figure5 ack-not-accepted",
    "2131 4.4.1 address-check",
    "2131 4.4.1 decline-in-use",
    "2131 4.4.4 decline-broadcast",
    "2131 table5 decline-requested-address",
    "2131 table5 decline-names-the-server",
    "5227 1 configuring-agent-notified",
    "5227 2.1 probe-before-use",
    "5227 2.1.1 sender-has-the-address",
)
def test_an_address_that_another_host_has_is_declined(kind: str, net: Lab) -> None:
    net.serve(kind)
    taken = squatted(net, "dhcp.store.write(b'')")
    with net.capture() as wire:
        netup = Netup(net, "--once", "--probe", "--timeout", "60")
        bound = netup.wait("bound")
        netup.end()
        decline = wire.wait("DECLINE")
        wire.wait("ACK", 2)
    told = [event["event"] for event in netup.events()]
    assert told.index("declined") < told.index("bound")
    assert bound["ip"] != taken
    assert decline.options["requested_addr"] == taken
    assert decline.options["server_id"] == "192.0.2.1"
    assert (decline.ip.src, decline.ip.dst) == ("0.0.0.0", "255.255.255.255")
    assert wire.messages("DISCOVER")[-1].time - decline.time >= 9.9


@only_dnsmasq
@pytest.mark.rfc("2131 3.2 decline", "5227 2.1 probe-after-a-change-of-link")
def test_a_verified_address_that_another_host_has_is_declined(kind: str, net: Lab) -> None:
    net.serve(kind)
    taken = squatted(net)
    with net.capture() as wire:
        netup = Netup(net, "--once", "--probe", "--timeout", "60")
        assert netup.wait("bound")["ip"] != taken
        netup.end()
        wire.wait("ACK", 2)
        assert wire.types()[:3] == ["REQUEST", "ACK", "DECLINE"]
        assert wire.messages("DECLINE")[0].options["requested_addr"] == taken


@only_dnsmasq
@pytest.mark.rfc("5227 2.1.1 three-probes")
@pytest.mark.parametrize("machine", ["micropython", "python"])
def test_a_probe_finds_nobody_where_nobody_is(kind: str, net: Lab, machine: str) -> None:
    net.serve(kind)
    netup = Netup(net, "--once", "--probe", "--vm", machine)
    bound = netup.wait("bound")
    netup.end()
    events = netup.events()
    assert "error" not in [event["event"] for event in events]
    request = [event for event in events if event["event"] == "send"][1]
    assert bound["t_ms"] - request["t_ms"] >= 900
    assert net.addresses() == [f"{bound['ip']}/24"]


# Servers


def two(net: Lab, *, extra: dict[int, bytes] | None = None) -> None:
    """dnsmasq and udhcpd on one wire: 192.0.2.1, and 192.0.2.2, which has those options more."""
    net.serve("dnsmasq", Plan(authoritative=False))
    net.serve("udhcpd", Plan(host=2, extra=extra or {}))


BOUND = ("dhcp.acquire()", "print(json.dumps({'event': dhcp.lease.server.hex()}))")
FIRST, SECOND = "c0000201", "c0000202"


@only_dnsmasq
@pytest.mark.parametrize(
    ("lists", "server"),
    [("allow=['192.0.2.2']", SECOND), ("deny=['192.0.2.2']", FIRST)],
)
def test_a_list_says_whose_offer_is_taken(kind: str, net: Lab, lists: str, server: str) -> None:
    two(net)
    done = run(net, f"servers.only(dhcp, {lists})", "servers.choose(dhcp, 500)", *BOUND)
    assert done.events[-1]["event"] == server
    refused = [event["reason"] for event in done.events if event["event"] == "ignored"]
    assert "server" in refused


@only_dnsmasq
@pytest.mark.rfc("2131 4.3.2 best-offer", "2131 3.1 several-offers-awaited")
def test_the_server_that_has_an_option_is_preferred_and_then_the_one_that_is_known(
    kind: str, net: Lab
) -> None:
    two(net, extra={66: b"tftp"})
    ask = "dhcp.session.options = dhcp.session.options.replace(b'\\x37\\x09', b'\\x37\\x0a\\x42')"
    done = run(net, ask, "servers.prefer(dhcp, b'\\x42', 1000)", *BOUND)
    assert done.events[-1]["event"] == SECOND
    # The record alone tells which one it was, as INIT-REBOOT is left out.
    again = ("servers.prefer(dhcp, window_ms=1000)", "dhcp.find()", "dhcp.start()")
    done = run(net, *again, "dhcp.session.start()", *BOUND)
    assert done.types == ["DISCOVER", "REQUEST"]
    assert done.events[-1]["event"] == SECOND


@only_dnsmasq
def test_in_rebinding_a_denied_server_takes_no_lease_away(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(authoritative=False))
    net.serve(kind, Plan(subnet="198.51.100.0/24"))  # it says no to addresses of another subnet
    rebind = "dhcp.session.lease.t2 = dhcp.session.due = 0"
    script = ("servers.only(dhcp, deny=['198.51.100.1'])", "dhcp.acquire()", rebind)
    done = run(net, *script, "go('rebound')", awaited="NAK")
    assert done.names == ["bound", "rebound"]
    assert {message.ip.src for message in done.messages if message.type == "NAK"} == {
        "198.51.100.1"
    }


@only_dnsmasq
@pytest.mark.rfc(
    "1542 3.4 giaddr-ignored", "2131 1.6 relay-agents", "2131 4.1 unicast-to-server-id"
)
def test_behind_a_relay_the_server_is_the_one_that_is_named_not_the_relay(
    kind: str, net: Lab
) -> None:
    behind = net.relay(net.serve(kind, Plan(lease=600, t1=3, t2=500)))
    done = run(net, f"servers.only(dhcp, allow=['{behind}'])", "dhcp.acquire()", "go('renewed')")
    assert done.names == ["bound", "renewed"]
    assert done.ack().bootp.giaddr == "192.0.2.1"
    assert done.sent[-1].ip.dst == behind


@only_dnsmasq
@pytest.mark.rfc("1542 3.4 giaddr-ignored")
def test_a_relay_is_not_listed_by_its_own_address(kind: str, net: Lab) -> None:
    net.relay(net.serve(kind))
    done = run(net, "servers.only(dhcp, deny=['192.0.2.1'])", "dhcp.acquire()")
    assert done.names == ["bound"]


# INFORM


@pytest.mark.rfc(
    "2131 3.4 inform",
    "2131 4.3.5 ack-to-inform",
    "2131 4.4.3 inform-ciaddr",
    "2131 4.4.3 inform-port",
    "2131 table5 inform-no-requested-address",
    "2131 table5 inform-no-lease-time",
    "2131 table5 inform-names-no-server",
)
def test_inform_brings_the_options_of_an_address_set_by_hand(kind: str, net: Lab) -> None:
    net.serve(kind)
    tell = "print(json.dumps({'event': told.ip, 'dns': told.dns, 'times': told.lease_time}))"
    set_up = "import os; os.system('ip address add 192.0.2.77/24 dev eth0')"
    done = run(net, set_up, "told = inform(dhcp, ip='192.0.2.77')", tell)
    assert done.types == ["INFORM"]
    inform = done.sent[0]
    assert inform.bootp.ciaddr == "192.0.2.77"
    assert not {"requested_addr", "lease_time", "server_id"} & set(inform.options)
    assert done.events[-1] == {
        "event": "192.0.2.77",
        "dns": ["192.0.2.53", "192.0.2.54"],
        "times": 0,
    }
