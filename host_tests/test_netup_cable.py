"""tools/netup.py on cables that are pulled, interfaces that vanish, and with odd replies."""

from __future__ import annotations

import sys

import pytest

from on_cable import NETUP, crc, ended, names, stored
from on_cable import lab_works as lab_works
from on_cable import net as net
from on_cable import served as served
from on_cable import which as which
from test_interop import STORE, Netup
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import wait_for
from toolchain.programs import require

# Replies of all sizes


def test_a_reply_of_over_1024_bytes_gives_a_lease(net: Lab, which: str) -> None:
    # Kea heeds no option 57. Of longer replies than a frame has room for it sends none.
    require("kea-dhcp4")
    long = {224 + number: bytes([65 + number]) * 240 for number in range(4)}
    net.serve("kea", Plan(extra=long, force=True))
    with net.capture() as wire:
        run = Netup(net, "--once", "--vm", which)
        bound = run.wait("bound")
        run.end()
        wire.wait("ACK")
    assert (bound["lease_time"], bound["server"]) == (3600, "192.0.2.1")
    assert wire.messages("ACK")[-1].ip["UDP"].len - 8 > 1024
    assert net.addresses() == [f"{bound['ip']}/24"]


# The cable


@pytest.mark.rfc("2131 3.7 verified-after-disconnection")
@pytest.mark.parametrize("end", ["switch", "client"])
def test_a_cable_that_is_pulled_and_put_back_takes_one_request(served: Lab, end: str) -> None:
    # "switch": the carrier goes; "client": somebody takes the interface down.
    interface = "client" if end == "switch" else "eth0"
    run = Netup(served)
    ip = run.wait("bound")["ip"]
    before = len(run.events())
    served.run(["ip", "link", "set", interface, "down"], host=end)
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    assert served.addresses() == []
    assert run.events()[-1]["state"] == "STOPPED"
    served.run(["ip", "link", "set", interface, "up"], host=end)
    assert run.wait("rebooted")["ip"] == ip
    sent = [event["type"] for event in run.events()[before:] if event["event"] == "send"]
    assert sent == ["REQUEST"]
    assert served.addresses() == [f"{ip}/24"]
    run.process.terminate()
    ended(run)


def test_an_interface_that_is_taken_down_while_a_reply_is_awaited(net: Lab, which: str) -> None:
    run = Netup(net, "--vm", which)
    run.wait("send")
    net.run(["ip", "link", "set", "eth0", "down"])
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    net.serve("dnsmasq")
    net.run(["ip", "link", "set", "eth0", "up"])
    run.wait("bound")
    run.process.terminate()
    ended(run)


@pytest.mark.parametrize("mac", [CLIENT_MAC, "02:00:00:00:00:77"])
def test_an_interface_that_is_made_anew_is_used_again(served: Lab, mac: str) -> None:
    run = Netup(served)
    ip = run.wait("bound")["ip"]
    served.run(["ip", "link", "delete", "client"], host="switch")
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    for command in (
        f"ip link add client type veth peer name eth0 address {mac} netns client",
        "ip link set client master switch up",
        "ip -n client link set eth0 up",
    ):
        served.run(command.split(), host="switch")
    assert run.wait("rebooted")["ip"] == ip
    assert served.addresses() == [f"{ip}/24"]
    run.process.terminate()
    ended(run)


def test_an_interface_that_vanishes_is_a_link_that_is_down(served: Lab) -> None:
    run = Netup(served)
    run.wait("bound")
    served.run(["ip", "link", "delete", "client"], host="switch")
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    run.process.terminate()
    assert names(ended(run))[-1] != "error"


def test_a_name_that_a_shell_would_take_apart_is_just_a_name(served: Lab) -> None:
    name = "e;t&$(h)"
    served.run(["ip", "link", "set", "eth0", "down"])
    served.run(["ip", "link", "set", "eth0", "name", name])
    served.run(["ip", "link", "set", name, "up"])
    said = served.run([sys.executable, NETUP, name, "--once", "--json"])
    assert "error" not in said
    assert len(served.addresses(name)) == 1


def test_a_namespace_that_was_entered_without_its_sysfs(net: Lab) -> None:
    """As `unshare --net` and `nsenter --net` leave it; `ip netns exec` mounts one."""
    make = "ip link add eth7 type veth peer name p7 && ip link set p7 up && ip link set eth7 up"
    run = f"{sys.executable} {NETUP} eth7 --once --json --timeout 0.5"
    said = net.run(["unshare", "--net", "sh", "-c", f"{make} && {run} || echo exit $?"])
    assert '"event": "send", "type": "DISCOVER"' in said
    assert said.endswith("exit 1\n")


@pytest.mark.rfc("2132 5.1 interface-mtu")
@pytest.mark.parametrize(("said", "applied"), [(1400, "1400"), (100, "1500")])
def test_the_longest_packet_is_as_the_server_says_until_the_end(
    said: int, applied: str, net: Lab
) -> None:
    def mtu() -> str:
        return net.run(["cat", "/sys/class/net/eth0/mtu"]).strip()

    assert mtu() == "1500"
    net.serve("dnsmasq", Plan(extra={26: said.to_bytes(2, "big")}, force=True))
    run = Netup(net)
    run.wait("bound")
    assert mtu() == applied
    run.process.terminate()
    assert "error" not in names(ended(run))
    assert mtu() == "1500"


def test_a_nak_is_told_with_the_server_and_its_own_words(net: Lab) -> None:
    net.serve("dnsmasq", Plan(subnet="192.0.2.0/24"))
    record = stored(net)
    moved = bytearray(record[:-4])
    moved[-9:-5] = b"\xc6\x33\x64\x05"  # an address of another network
    net.outside(STORE).write_bytes(bytes(moved) + crc(moved))
    events = ended(Netup(net, "--once"))
    (nak,) = [event for event in events if event["event"] == "nak"]
    assert nak["reason"].startswith("192.0.2.1: it has refused the address (")
