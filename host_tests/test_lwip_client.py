"""The firmware's client on the boards' IP stack, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from scapy.layers.inet import IP, UDP

from lwip_board import PEER, answers, send
from test_interop import ALL, ALL_MACS, ANY, path, sent
from testbed.board import Board, plug_board
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import wait_for
from testbed.servers import Server
from testbed.wire import Capture, Message

pytest_plugins = ["lwip_fixtures"]

CLIENT = """
import dhcpc
ahead = 0  # milliseconds
def clock():
    return time.ticks_ms() + ahead
def on_event(event, lease):
    seen.append(event)
    tell(event, dhcp.state, dhcp.link.sock is not None)
def until(event):
    del seen[:]
    while event not in seen:
        dhcp.poll(100)
seen = []
nic.active(True)
if not hasattr(nic, "send_ethernet") and not hasattr(socket, "SO_BINDTODEVICE"):
    from dhcpc import provisional
    link = provisional.Link(nic)
else:
    link = nic
dhcp = dhcpc.Client(link, store="/run/lab/lease", on_event=on_event, clock=clock)
dhcp.session.flags = flags
"""


class Link(NamedTuple):
    """A NIC of a board, and how its link is to send."""

    port: str
    nic: str
    source: str = ANY  # how the first packets' source address begins
    late: bool = False  # whether the built-in client cannot be silenced in time

    def script(self, flags: int = 0) -> str:
        """Makes the client, and has a radio associate."""
        connect = 'nic.connect("lab", "key")\n' if self.nic == "WLAN" else ""
        return f"flags = {flags}; nic = network.{self.nic}()\n{CLIENT}{connect}"


LINKS = {
    "frame": Link("rp2", "WLAN"),
    "frame-cable": Link("rp2", "WIZNET5K", late=True),
    "device": Link("esp32", "WLAN"),
    "device-cable": Link("esp32", "LAN"),
    "provisional": Link("rp2", "LAN", "169.254."),
}
FLAGS = {"unicast": 0, "broadcast": 0x8000}

KEEP = """
lease = dhcp.acquire()
tell("lease", lease.ifconfig(), nic.ifconfig())
until("renewed")
dhcp.release()
tell("released", nic.ifconfig()[0])
time.sleep(0.1)
"""


class Exchange(NamedTuple):
    """What went over the wire from boot to RELEASE, and what the board told."""

    link: Link
    wire: Capture
    told: dict[str, Any]
    server: Server

    def replies(self) -> list[Message]:
        """What the firmware heard before it had the lease."""
        xid = firmwares(self.wire)[0].bootp.xid
        replies = [*self.wire.messages("OFFER"), *self.wire.messages("ACK")]
        return [message for message in replies if message.bootp.xid == xid]


def keep(link: Link, flags: int) -> Exchange:
    """Have a board get a lease, renew it and give it back."""
    with Lab() as net:
        plug_board(net)
        server = net.serve("dnsmasq", Plan(lease=600, t1=3, t2=500))
        with net.capture() as wire, Board(net, link.port, link.script(flags) + KEEP) as board:
            told = {name: more for name, *more in board.end()}
            wire.wait("RELEASE")
            wait_for(lambda: not server.leases(), "end of the lease")
        return Exchange(link, wire, told, server)


def firmwares(wire: Capture) -> list[Message]:
    """What the firmware's client sent; the built-in one has no client identifier."""
    return [message for message in sent(wire) if "client_id" in message.options]


@pytest.fixture(scope="module")
def exchanges(stack_works: None) -> Iterator[dict[tuple[str, str], Future[Exchange]]]:
    """All of them at once, since most of it is waiting for T1."""
    with ThreadPoolExecutor(len(LINKS) * len(FLAGS)) as pool:
        yield {
            (link, flags): pool.submit(keep, LINKS[link], FLAGS[flags])
            for link in LINKS
            for flags in FLAGS
        }


@pytest.fixture(params=LINKS)
def link(request: pytest.FixtureRequest) -> str:
    """Each link in turn."""
    return str(request.param)


@pytest.fixture(params=FLAGS)
def flags(request: pytest.FixtureRequest) -> str:
    """How replies are wanted."""
    return str(request.param)


@pytest.fixture
def exchange(
    exchanges: dict[tuple[str, str], Future[Exchange]], link: str, flags: str
) -> Exchange:
    return exchanges[link, flags].result()


@pytest.mark.rfc("2131 3.1 release")
def test_lease_is_got_renewed_released(exchange: Exchange) -> None:
    types = [message.type for message in firmwares(exchange.wire)]
    assert types == ["DISCOVER", "REQUEST", "REQUEST", "RELEASE"]


def test_lease_is_on_the_nic_until_released(exchange: Exchange) -> None:
    lease, nic = exchange.told["lease"]
    assert lease[0].startswith("192.0.2.1")
    assert lease[1:] == ["255.255.255.0", "192.0.2.1", "192.0.2.53"]
    assert nic == lease
    (left,) = exchange.told["released"]
    assert left.startswith(exchange.link.source)


@pytest.mark.rfc(
    "2131 3.1 discover-broadcast", "2131 3.1 request-to-same-broadcast", "2131 4.4.4 broadcast"
)
def test_first_packets_are_broadcast_from_no_address(exchange: Exchange) -> None:
    for message in firmwares(exchange.wire)[:2]:
        assert message.ip.src.startswith(exchange.link.source)
        assert (message.ip.dst, message.ether.dst) == (ALL, ALL_MACS)


@pytest.mark.rfc("2131 2 unicast-before-address", "2131 4.1 broadcast-flag-set")
def test_replies_come_as_the_flag_says(exchange: Exchange, flags: str) -> None:
    ip = exchange.told["lease"][0][0]
    assert {message.ip.dst for message in exchange.replies()} == {ALL if FLAGS[flags] else ip}


@pytest.mark.rfc("2131 4.3.2 renewing-ciaddr", "2131 4.3.2 renewing-unicast")
def test_renewal_is_unicast_through_the_stack(exchange: Exchange) -> None:
    ip = exchange.told["lease"][0][0]
    renewal = firmwares(exchange.wire)[2]
    assert path(renewal) == (ip, exchange.server.plan.server)
    assert renewal.ether.dst == exchange.server.mac
    assert renewal.bootp.ciaddr == ip


@pytest.mark.rfc("2131 4.4.4 release-unicast")
def test_release_leaves_before_the_address_goes(exchange: Exchange) -> None:
    ip = exchange.told["lease"][0][0]
    assert path(firmwares(exchange.wire)[3]) == (ip, exchange.server.plan.server)


@pytest.mark.rfc("768 Fields checksum", "1122 4.1.3.4 checksum-sent")
def test_both_checksums_are_right(exchange: Exchange) -> None:
    for message in firmwares(exchange.wire):
        summed = message.ip.copy()
        del summed.chksum
        del summed[UDP].chksum
        again = IP(bytes(summed))
        assert (message.ip.chksum, message.ip[UDP].chksum) == (again.chksum, again[UDP].chksum)
        assert message.ip[UDP].chksum


def test_the_built_in_client_stays_silent(exchange: Exchange) -> None:
    others = [message for message in sent(exchange.wire) if "client_id" not in message.options]
    assert bool(others) == exchange.link.late


@pytest.fixture
def client(link: str) -> Link:
    """Each link in turn, on its NIC."""
    return LINKS[link]


@pytest.fixture(params=["frame", "device"])
def radio(request: pytest.FixtureRequest) -> Link:
    """Those that can lose an association."""
    return LINKS[request.param]


@pytest.mark.rfc(
    "2131 1.6 configuration-after-reboot",
    "2131 4.3.2 reboot-names-no-server",
    "4436 2.2 init-reboot",
)
def test_second_boot_takes_one_request(served: Lab, client: Link) -> None:
    answers(served, client.port, client.script() + "dhcp.acquire()")
    with served.capture() as wire:
        told = answers(served, client.port, client.script() + "until('rebooted')")
        wire.wait("ACK")
        (request,) = firmwares(wire)
    assert "rebooted" in [event for event, *_ in told]
    assert request.type == "REQUEST"
    assert request.ip.src.startswith(client.source)
    assert "server_id" not in request.options


@pytest.mark.rfc("2131 3.7 verified-after-disconnection")
def test_a_lost_association_takes_the_address_and_its_return_verifies_it(
    served: Lab, radio: Link
) -> None:
    script = """
ip = dhcp.acquire().ip
nic.disconnect()
until("link")
tell("without", nic.ifconfig()[0])
nic.connect("lab")
tell("again", nic.ifconfig()[0])
until("rebooted")
tell("same", dhcp.lease.ip == ip == nic.ifconfig()[0])
"""
    with served.capture() as wire:
        told = answers(served, radio.port, radio.script() + script)
        request = firmwares(wire)[-1]
    said = {word: more for word, *more in told}
    assert (said["without"], said["again"], said["same"]) == ([ANY], [ANY], [True])
    assert path(request) == (ANY, ALL)


def test_a_built_in_client_that_is_back_is_silenced_again(served: Lab, radio: Link) -> None:
    script = """
dhcp.acquire()
nic.ipconfig(dhcp4=True)
ahead = dhcp.lease.t1 * 1000
until("error")
tell("running", nic.ipconfig("dhcp4"), errno.errorcode[dhcp.reason.errno])
ahead = dhcp.lease.t2 * 1000
until("rebound")
"""
    told = answers(served, radio.port, radio.script() + script)
    assert ["running", False, "EADDRINUSE"] in told


def test_a_nic_that_was_off_and_on_again_in_mid_exchange_is_sent_by_again(
    served: Lab, client: Link
) -> None:
    script = """
hear = dhcp.link.recv
dhcp.link.recv = lambda size, wait: None
until("send")
while hear(1024, 200):
    pass
nic.active(False)
nic.active(True)
if hasattr(nic, "connect"):
    nic.connect("lab", "key")
dhcp.link.recv = hear
tell("lease", dhcp.acquire().ip == nic.ifconfig()[0])
"""
    assert ["lease", True] in answers(served, client.port, client.script() + script)


def test_close_hands_the_interface_back(served: Lab, client: Link) -> None:
    script = """
import stack
dhcp.acquire()
tell("kept", stack.Info().supplied)  # whether the built-in client has a lease
dhcp.close()
while not stack.Info().supplied:
    time.sleep(0.05)
tell("handed back", nic.ipconfig("dhcp4"), nic.ifconfig()[0][:8])
"""
    told = answers(served, client.port, client.script() + script)
    assert ["kept", False] in told
    assert told[-1] == ["handed back", True, "192.0.2."]


def test_garbage_and_empty_datagrams_do_not_keep_it_from_a_lease(
    stack_works: None, radio: Link
) -> None:
    with Lab() as net:
        plug_board(net)
        net.add_host("peer", "02:00:00:00:02:01", f"{PEER}/24")
        net.run(["ip", "route", "add", "default", "dev", "eth0"], host="peer")
        with Board(net, radio.port, radio.script() + "dhcp.acquire()") as board:
            board.wait(2)
            send(net, ALL, "", *["garbage"] * 9, "", "")
            net.serve("dnsmasq")
            assert board.end()[-1][0] == "bound"
