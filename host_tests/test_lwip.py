"""The boards' IP stack, lwIP with MicroPython's options, on a TAP of the lab's switch: what it
lets a DHCP client do, and the firmware's client on it against a real server.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scapy.layers.inet import IP, UDP
from scapy.utils import PcapReader

from test_interop import ALL, ALL_MACS, ANY, path, sent
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import LabError, wait_for
from testbed.servers import Server
from testbed.wire import Capture, Message
from toolchain import lwip, vm
from toolchain.cli import Unavailable

SHIM = vm.ROOT / "host_tests/lwip_shim"
ADDRESS = "192.0.2.77"
PEER = "192.0.2.9"

# The TAP takes the place of the client's cable, name and all.
TAP = """
ip tuntap add client mode tap
ip link set client master switch
ip link set client up
"""

PREAMBLE = """
import errno, json, os, socket, time
import network

NONE = ("0.0.0.0",) * 4

def tell(*what):
    print(json.dumps(what))

def fault(call, *args):
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]

def udp(host="0.0.0.0", port=68):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, port))
    return sock

def silence():
    try:
        nic.ifconfig(NONE)
    except RuntimeError:  # ESP32, when all is done
        pass

def ready():  # for what the test sends meanwhile
    tell("ready")
    while fault(os.stat, "/run/lab/go"):
        time.sleep(0.01)

def heard(sock):
    sock.settimeout(0.1)
    data = []
    while fault(lambda: data.append(sock.recv(1500).decode())) is None:
        pass
    return data

nic = network.WLAN()
"""

# Sends datagrams to port 68, from port 67: each argument but the first is a payload.
SENDER = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sock.bind(("", 67))
for payload in sys.argv[2:]:
    sock.sendto(payload.encode(), (sys.argv[1], 68))
"""


def board_lab(net: Lab) -> None:
    """Put a TAP in the place of the client of an open lab. Unavailable: there can be none."""
    net.remove_host("client")
    try:
        net.run(["sh", "-ec", TAP], host="switch")
    except LabError as error:
        raise Unavailable(
            f"no TAP for lwIP here: this takes root and /dev/net/tun (modprobe tun; for a "
            f"container --device=/dev/net/tun): {error}"
        ) from None


class Board:
    """A script in the VM on a board's stack, on the TAP of a lab; a context manager."""

    def __init__(self, net: Lab, kind: str, script: str) -> None:
        machine = vm.vms()["vm64"]
        path = f"MICROPYPATH={machine.env(SHIM)['MICROPYPATH']}"
        command = machine.command(PREAMBLE + script)
        stack: list[str | Path] = [
            "env",
            path,
            lwip.build(kind),
            "client",
            CLIENT_MAC,
            *command,
        ]
        self._process = net.start(stack, host="switch")

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def told(self) -> list[Any]:
        """What the script has told so far."""
        lines = self._process.said().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("[")]

    def wait(self, count: int) -> Any:
        """Wait for the `count`th that it tells, and return that."""

        def done() -> bool:
            assert self._process.poll() is None or len(self.told()) >= count, self._process.said()
            return len(self.told()) >= count

        wait_for(done, f"word {count} of the board")
        return self.told()[count - 1]

    def end(self) -> list[Any]:
        """Wait until the script has ended well, and return what it told."""
        try:
            wait_for(lambda: self._process.poll() is not None, "end of the script")
        except LabError as error:
            pytest.fail(f"{error}\n{self._process.said()}")
        assert self._process.wait() == 0, self._process.said()
        return self.told()


def frames(wire: Capture) -> list[Any]:
    """The DHCP packets so far, as scapy reads them."""
    return list(PcapReader(io.BytesIO(wire.pcap())))


def payloads(wire: Capture) -> list[tuple[str, bytes]]:
    """The source address and the payload of each of them."""
    return [(frame[IP].src, bytes(frame[UDP].payload)) for frame in frames(wire)]


@pytest.fixture(scope="module")
def stack_works() -> None:
    """Skips, with the reason and the remedy, where lwIP, its TAP or a VM cannot be had."""
    if missing := vm.vms()["vm64"].missing:
        pytest.skip(f"vm64: {missing}")
    try:
        for kind in lwip.BOARDS:
            lwip.build(kind)
        with Lab() as net:
            board_lab(net)
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def net(stack_works: None) -> Iterator[Lab]:
    """A board's cable and, on the same switch, a peer that knows the MAC of ADDRESS by itself."""
    with Lab() as net:
        board_lab(net)
        net.add_host("peer", "02:00:00:00:02:01", f"{PEER}/24")
        neighbour = ["ip", "neigh", "add", ADDRESS, "lladdr", CLIENT_MAC, "dev", "eth0"]
        net.run(neighbour, host="peer")
        net.run(["ip", "route", "add", "default", "dev", "eth0"], host="peer")
        yield net


@pytest.fixture(params=lwip.BOARDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each board in turn."""
    return str(request.param)


def answers(net: Lab, kind: str, script: str) -> list[Any]:
    """Run a script on a board to its end; what it told."""
    with Board(net, kind, script) as board:
        return board.end()


def send(net: Lab, to: str, *payloads: str) -> None:
    """Have the peer send datagrams to port 68."""
    net.run([sys.executable, "-c", SENDER, to, *payloads], host="peer")


def told_of(net: Lab, kind: str, script: str, *datagrams: tuple[str, ...]) -> list[Any]:
    """Run a script that calls `ready`, and send datagrams (to, payload, ...) then; what it told
    after that."""
    go = net.outside(Lab.dir / "go")
    go.unlink(missing_ok=True)
    with Board(net, kind, script) as board:
        board.wait(1)
        for to, *texts in datagrams:
            send(net, to, *texts)
        go.touch()
        return board.end()[1:]


# Without an address: sending

UNADDRESSED = """
nic.active(True)
silence()
nic.connect("lab")
sock = udp()
"""


def test_without_an_address_there_is_no_route(net: Lab, kind: str) -> None:
    told = answers(
        net,
        kind,
        UNADDRESSED
        + """
for to in "255.255.255.255", "192.0.2.9":
    tell(fault(sock.sendto, b"lost", (to, 67)))
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
tell(fault(sock.sendto, b"lost", ("255.255.255.255", 67)))
""",
    )
    assert told == [["EHOSTUNREACH"]] * 3


@pytest.mark.rfc("2131 4.1")
def test_a_socket_bound_to_the_nic_sends_from_0_0_0_0(net: Lab) -> None:
    with net.capture() as wire:
        told = answers(
            net,
            "esp32",
            UNADDRESSED
            + """
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, nic.config("ifname"))
tell(fault(sock.sendto, b"unaddressed", ("255.255.255.255", 67)))
nic.ifconfig(("192.0.2.77", "255.255.255.0", "192.0.2.1", "192.0.2.1"))
tell(fault(sock.sendto, b"addressed", ("255.255.255.255", 67)))
""",
        )
        wait_for(lambda: len(frames(wire)) >= 2, "two datagrams")
    assert told == [[None], [None]]
    assert payloads(wire) == [(ANY, b"unaddressed"), (ADDRESS, b"addressed")]
    assert frames(wire)[0].dst == "ff:ff:ff:ff:ff:ff"


def test_the_name_to_bind_to_is_there_once_the_nic_is_active(net: Lab) -> None:
    told = answers(
        net,
        "esp32",
        """
for on in True, False, True:
    tell(nic.config("ifname"))
    nic.active(on)
tell(nic.config("ifname"))
sock = udp()
tell(fault(sock.setsockopt, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, "st1"))
""",
    )
    assert told == [[None], ["st1"], [None], ["st2"], ["ENODEV"]]


def test_rp2_has_no_way_to_bind_to_a_nic(net: Lab) -> None:
    told = answers(
        net,
        "rp2",
        UNADDRESSED
        + """
tell(hasattr(socket, "SO_BINDTODEVICE"))
tell(fault(sock.setsockopt, socket.SOL_SOCKET, 25, b"w00"))
tell(fault(sock.sendto, b"lost", ("255.255.255.255", 67)))
""",
    )
    assert told == [[False], [None], ["EHOSTUNREACH"]]


FRAME = """
import struct
def frame(payload):
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0, 0xFFFFFFFF)
    return b"\\xff" * 6 + nic.config("mac") + b"\\x08\\x00" + ip + udp
"""


@pytest.mark.rfc("2131 4.1")
def test_send_ethernet_needs_no_address_and_tells_nothing(net: Lab) -> None:
    with net.capture() as wire:
        told = answers(
            net,
            "rp2",
            FRAME
            + """
nic.active(True)
silence()
tell(nic.send_ethernet(frame(b"not associated")))
nic.connect("lab")
for kind in bytes, bytearray, memoryview:
    tell(nic.send_ethernet(kind(frame(b"at 0.0.0.0"))))
tell(nic.send_ethernet(b"0123456789"))
tell(nic.send_ethernet(frame(bytes(1473))))  # 1515 bytes: one too many
""",
        )
        wait_for(lambda: len(frames(wire)) >= 3, "three datagrams")
    assert told == [[None]] * 6
    assert payloads(wire) == [(ANY, b"at 0.0.0.0")] * 3


def test_a_provisional_address_is_the_source_and_makes_the_nic_connected(net: Lab) -> None:
    with net.capture() as wire:
        told = answers(
            net,
            "rp2",
            UNADDRESSED
            + """
tell(nic.status(), nic.isconnected())
nic.ifconfig(("169.254.7.7", "255.255.0.0", "0.0.0.0", "0.0.0.0"))
tell(nic.status(), nic.isconnected())
tell(fault(sock.sendto, b"provisional", ("255.255.255.255", 67)))
nic.disconnect()
tell(nic.ifconfig()[0], fault(sock.sendto, b"lost", ("255.255.255.255", 67)))
""",
        )
        wait_for(lambda: frames(wire), "a datagram")
    assert told == [[2, False], [3, True], [None], ["169.254.7.7", "EHOSTUNREACH"]]
    assert payloads(wire) == [("169.254.7.7", b"provisional")]


# Without an address: receiving


@pytest.mark.parametrize("address", [ANY, "169.254.7.7"])
def test_port_68_hears_unicast_for_an_address_that_the_nic_has_not(
    net: Lab, kind: str, address: str
) -> None:
    script = f"""
if {address!r} != "0.0.0.0":
    nic.ifconfig(({address!r}, "255.255.0.0", "0.0.0.0", "192.0.2.1"))
ready()
tell(heard(sock))
"""
    told = told_of(net, kind, UNADDRESSED + script, (ADDRESS, "unicast"), (ALL, "broadcast"))
    assert told == [[["unicast", "broadcast"]]]


def test_a_socket_bound_to_the_provisional_address_misses_the_unicast(net: Lab) -> None:
    script = """
nic.active(True)
silence()
nic.connect("lab")
nic.ifconfig(("169.254.7.7", "255.255.0.0", "0.0.0.0", "0.0.0.0"))
sock = udp("169.254.7.7")
ready()
tell(heard(sock))
"""
    told = told_of(net, "rp2", script, (ADDRESS, "unicast"), (ALL, "broadcast"))
    assert told == [[["broadcast"]]]


def test_an_empty_host_is_an_ipv6_address_on_rp2(net: Lab, kind: str) -> None:
    script = UNADDRESSED.replace("udp()", 'udp("")') + "ready(); tell(heard(sock))"
    told = told_of(net, kind, script, (ALL, "broadcast"))
    assert told == [[[] if kind == "rp2" else ["broadcast"]]]


@pytest.mark.parametrize(("kind", "length"), [("rp2", 4), ("esp32", 6)], indirect=["kind"])
def test_a_socket_keeps_the_first_datagrams_and_drops_the_rest(
    net: Lab, kind: str, length: int
) -> None:
    told = told_of(net, kind, UNADDRESSED + "ready(); tell(heard(sock))", (ALL, *"01234567"))
    assert told == [[list("01234567")[:length]]]


def test_what_is_too_long_is_cut(net: Lab, kind: str) -> None:
    script = UNADDRESSED + "ready(); tell(sock.recv(4).decode(), heard(sock))"
    assert told_of(net, kind, script, (ALL, "datagram")) == [["data", []]]


def test_an_empty_datagram_ends_an_esp32_socket_for_good(net: Lab, kind: str) -> None:
    script = UNADDRESSED + "ready(); tell([sock.recv(9).decode() for _ in range(3)])"
    told = told_of(net, kind, script, (ALL, "", "a", "b"))
    assert told == [[["", "a", "b"] if kind == "rp2" else ["", "", ""]]]


@pytest.mark.parametrize(
    ("kind", "most", "error"), [("rp2", 4, "ENOMEM"), ("esp32", 10, None)], indirect=["kind"]
)
def test_udp_slots_are_few(net: Lab, kind: str, most: int, error: str | None) -> None:
    told = answers(
        net,
        kind,
        """
nic.active(True)
silence()
socks = []
while True:
    try:
        socks.append(udp(port=1000 + len(socks)))
    except OSError as full:
        tell(len(socks), errno.errorcode.get(full.errno))
        break
socks.pop().close()
tell(fault(udp))
""",
    )
    assert told == [[most, error], [None]]


# The built-in client

SETTLE = "time.sleep(0.3)"


def test_the_built_in_client_owns_port_68(net: Lab, kind: str) -> None:
    told = answers(
        net,
        kind,
        """
nic.active(True)
nic.connect("lab")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tell(fault(sock.bind, ("0.0.0.0", 68)))
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
tell(fault(sock.bind, ("0.0.0.0", 68)))
silence()
tell(fault(sock.bind, ("0.0.0.0", 68)))
""",
    )
    assert told == [["EADDRINUSE"], ["EADDRINUSE"], [None]]


def lwip_sends(net: Lab, kind: str, script: str, expected: list[str]) -> bool:
    """Whether messages of these types and no others leave while a script runs."""
    with net.capture() as wire:
        answers(net, kind, f"{script}\n{SETTLE}")
        if expected:
            wire.wait(expected[-1])
        return wire.types() == expected


def test_unless_silenced_it_sends_a_discover_at_link_up(net: Lab, kind: str) -> None:
    assert lwip_sends(net, kind, 'nic.active(True); nic.connect("lab")', ["DISCOVER"])


def test_addresses_of_zero_silence_it_through_reconnections(net: Lab, kind: str) -> None:
    script = UNADDRESSED + 'nic.disconnect(); nic.connect("lab")'
    assert lwip_sends(net, kind, script, [])


def test_before_active_silencing_is_lost_on_rp2(net: Lab, kind: str) -> None:
    script = 'silence(); nic.active(True); nic.connect("lab")'
    assert lwip_sends(net, kind, script, ["DISCOVER"] if kind == "rp2" else [])


def test_off_and_on_again_undoes_the_silencing(net: Lab, kind: str) -> None:
    script = UNADDRESSED + 'sock.close(); nic.active(False); nic.active(True); nic.connect("lab")'
    assert lwip_sends(net, kind, script, ["DISCOVER"])


def test_dhcp4_false_before_association_silences_rp2_alone(net: Lab, kind: str) -> None:
    script = 'nic.active(True); nic.ipconfig(dhcp4=False); nic.connect("lab")'
    assert lwip_sends(net, kind, script, [] if kind == "rp2" else ["DISCOVER"])


def test_on_a_wiznet5k_a_discover_leaves_within_active(net: Lab) -> None:
    script = "nic = network.WIZNET5K(); nic.active(True); silence()"
    assert lwip_sends(net, "rp2", script, ["DISCOVER"])


@pytest.fixture(scope="module")
def served(stack_works: None) -> Iterator[Lab]:
    """A board's cable with dnsmasq on it."""
    with Lab() as net:
        board_lab(net)
        net.serve("dnsmasq")
        yield net


LEASED = """
nic.active(True)
nic.connect("lab")
while nic.ifconfig()[0] == "0.0.0.0":
    time.sleep(0.05)
"""


def test_with_a_lease_up_silencing_releases_it(served: Lab, kind: str) -> None:
    with served.capture() as wire:
        told = answers(served, kind, f"{LEASED}silence(); tell(nic.ifconfig()[0])\n{SETTLE}")
        assert told == [[ANY]]
        wire.wait("RELEASE")


def test_started_while_port_68_is_held_it_hears_no_answer(served: Lab, kind: str) -> None:
    script = f"tell(nic.ipconfig(dhcp4=True))\n{SETTLE}\ntell(nic.ifconfig()[0])"
    with served.capture() as wire:
        assert answers(served, kind, UNADDRESSED + script) == [[None], [ANY]]
        first = wait_for(lambda: frames(wire), "a DISCOVER")[0]
    assert (first.src, first[UDP].dport) == (CLIENT_MAC, 67)
    assert first[UDP].sport != 68


# The firmware's client

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
dhcp = dhcpc.Client(nic, store="/run/lab/lease", on_event=on_event, clock=clock)
dhcp.session.flags = flags
"""


class Link(NamedTuple):
    """A NIC of a board, and how its link is to send."""

    kind: str
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
        board_lab(net)
        server = net.serve("dnsmasq", Plan(lease=600, t1=3, t2=500))
        with net.capture() as wire, Board(net, link.kind, link.script(flags) + KEEP) as board:
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


@pytest.mark.rfc("2131 3.1")
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


@pytest.mark.rfc("2131 4.1")
def test_first_packets_are_broadcast_from_no_address(exchange: Exchange) -> None:
    for message in firmwares(exchange.wire)[:2]:
        assert message.ip.src.startswith(exchange.link.source)
        assert (message.ip.dst, message.ether.dst) == (ALL, ALL_MACS)


@pytest.mark.rfc("2131 4.1")
def test_replies_come_as_the_flag_says(exchange: Exchange, flags: str) -> None:
    ip = exchange.told["lease"][0][0]
    assert {message.ip.dst for message in exchange.replies()} == {ALL if FLAGS[flags] else ip}


@pytest.mark.rfc("2131 4.3.2", "2131 4.4.5")
def test_renewal_is_unicast_through_the_stack(exchange: Exchange) -> None:
    ip = exchange.told["lease"][0][0]
    renewal = firmwares(exchange.wire)[2]
    assert path(renewal) == (ip, exchange.server.plan.server)
    assert renewal.ether.dst == exchange.server.mac
    assert renewal.bootp.ciaddr == ip


@pytest.mark.rfc("2131 4.4.6")
def test_release_leaves_before_the_address_goes(exchange: Exchange) -> None:
    ip = exchange.told["lease"][0][0]
    assert path(firmwares(exchange.wire)[3]) == (ip, exchange.server.plan.server)


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


@pytest.mark.rfc("2131 3.2", "2131 4.4.2")
def test_second_boot_takes_one_request(served: Lab, client: Link) -> None:
    answers(served, client.kind, client.script() + "dhcp.acquire()")
    with served.capture() as wire:
        told = answers(served, client.kind, client.script() + "until('rebooted')")
        wire.wait("ACK")
        (request,) = firmwares(wire)
    assert "rebooted" in [event for event, *_ in told]
    assert request.type == "REQUEST"
    assert request.ip.src.startswith(client.source)
    assert "server_id" not in request.options


@pytest.mark.rfc("2131 3.7")
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
        told = answers(served, radio.kind, radio.script() + script)
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
    told = answers(served, radio.kind, radio.script() + script)
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
    assert ["lease", True] in answers(served, client.kind, client.script() + script)


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
    told = answers(served, client.kind, client.script() + script)
    assert ["kept", False] in told
    assert told[-1] == ["handed back", True, "192.0.2."]


def test_garbage_and_empty_datagrams_do_not_keep_it_from_a_lease(
    stack_works: None, radio: Link
) -> None:
    with Lab() as net:
        board_lab(net)
        net.add_host("peer", "02:00:00:00:02:01", f"{PEER}/24")
        net.run(["ip", "route", "add", "default", "dev", "eth0"], host="peer")
        with Board(net, radio.kind, radio.script() + "dhcp.acquire()") as board:
            board.wait(2)
            send(net, ALL, "", *["garbage"] * 9, "", "")
            net.serve("dnsmasq")
            assert board.end()[-1][0] == "bound"


# Where it cannot be had


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree in which nothing has been built, and an /etc/apt without a source; both empty."""
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(lwip, "_BUILT", tmp_path / "lwip")
    monkeypatch.setattr(lwip, "_SOURCE", tmp_path / "lwip/source")
    monkeypatch.setattr(lwip, "_ETC_APT", tmp_path / "apt")
    return tmp_path


@pytest.mark.parametrize("program", ["gcc", "apt-get", "dpkg-source"])
def test_a_program_that_is_missing_is_named_with_its_package(
    unbuilt: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def which(name: str, path: str) -> str | None:
        return None if name == program else f"/bin/{name}"

    monkeypatch.setattr("shutil.which", which)
    package = {"gcc": "gcc", "apt-get": "apt", "dpkg-source": "dpkg-dev"}[program]
    with pytest.raises(Unavailable, match=f"apt-get install {package}"):
        lwip.build("rp2")


@pytest.mark.skipif(not shutil.which("apt-get"), reason="there is no apt-get: this needs Debian")
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sources.list", "deb [trusted=yes] file:/no/such/mirror stable main\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: file:/no/such/mirror\nSuites: stable\nComponents: main\n",
        ),
    ],
    ids=["one-line", "deb822"],
)
def test_a_mirror_out_of_reach_is_named_and_nothing_is_left(
    unbuilt: Path, file: str, text: str
) -> None:
    (unbuilt / "apt" / file).write_text(text)
    with pytest.raises(Unavailable, match=r"in reach.*no/such/mirror"):
        lwip.build("rp2")
    assert list((unbuilt / "lwip").iterdir()) == []


def test_without_a_tap_it_says_what_to_do(stack_works: None) -> None:
    with Lab() as net:
        net.run(["mount", "--bind", "/dev/null", "/dev/net/tun"], host="switch")
        with pytest.raises(Unavailable, match="modprobe tun"):
            board_lab(net)
