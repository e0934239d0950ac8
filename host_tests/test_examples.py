"""The programs of firmware/examples in the MicroPython VM, with the boot.py and the main.py of
boards, on a network with a real server. What a firmware has and the VM has not is written below.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from test_lwip_failover import Site
from testbed.board import plug_second
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import Process, python, wait_for
from toolchain import vm

EXAMPLES = vm.FIRMWARE / "examples"
DIR = Lab.dir / "board"

pytestmark = pytest.mark.usefixtures("lab_works")

FIRMWARE = """
import builtins, json, sys
import dhcpc, link

want = json.loads(sys.argv[1])

class Network:
    def hostname(self, name=None): return name or "board"

class RTC:
    def datetime(self, when): print("clock", when)

class Machine:
    def RTC(self): return RTC()

class Board:
    def nic(self): return link.Interface("eth0")

class Several:
    def nic(): return link.Interface("eth1")
    def other(): return link.Interface("eth0")
    NICS = nic, other

sys.modules["network"] = Network()
sys.modules["machine"] = Machine()
sys.modules["board"] = Several() if want["several"] else Board()

# The root of this machine's files is no board's.
sys.path.append(want["dir"])
dhcpc.Client.store = want["dir"] + "/dhcpc.lease"
plain_open = open
def open_there(path, *how):
    return plain_open(want["dir"] + path if path == "/dhcpc.json" else path, *how)
builtins.open = open_there

for name in want["programs"]:
    with plain_open(want["dir"] + "/" + name) as f:
        exec(f.read())
"""


class Board:
    """The client's host as a board that is switched on with these files."""

    def __init__(self, net: Lab, app: str = "", main: str = "main", **config: Any) -> None:
        self.net = net
        files = {"boot.py": vm.FIRMWARE / "boot.py", "main.py": vm.FIRMWARE / "main.py"}
        if app:
            files["app.py"] = EXAMPLES / f"{app}.py"
        if main != "main":
            files["main.py"] = EXAMPLES / f"{main}.py"
        net.outside(DIR).mkdir()
        for name, path in files.items():
            net.outside(DIR / name).write_text(path.read_text())
        net.outside(DIR / "dhcpc.json").write_text(json.dumps(config))

    def start(self, *programs: str, several: bool = False) -> Board:
        """Run these of its files. several: on a board whose board.py gives two NICs."""
        unix = vm.vms()["vm64"]
        path = os.pathsep.join(map(str, (unix.firmware(), vm.ROOT / "boards/UNIX", ".frozen")))
        names = programs or ("boot.py", "main.py")
        want = json.dumps({"dir": str(DIR), "programs": names, "several": several})
        command = ["env", f"MICROPYPATH={path}", *unix.command(FIRMWARE, want)]
        self.process = self.net.start(command)
        return self

    def wait(self, words: str, count: int = 1) -> str:
        """Wait until it has printed a line that begins so, the `count`th, and return that."""

        def said() -> list[str]:
            ended = self.process.poll() is not None
            found = [line for line in self.process.lines() if line.startswith(words)]
            assert len(found) >= count or not ended, self.process.said()
            return found[count - 1 :]

        return wait_for(said, f"{words!r} in {self.process.said()}")[0]


@pytest.fixture
def net() -> Iterator[Lab]:
    with Lab() as net:
        yield net


def settings(name: str) -> dict[str, Any]:
    """Those of an example, without the Wi-Fi: here is a cable."""
    found = json.loads((EXAMPLES / f"{name}.json").read_text())
    return {key: value for key, value in found.items() if key not in ("ssid", "key")}


def unplugged(net: Lab, away: bool) -> None:
    net.run(["ip", "link", "set", "client", "down" if away else "up"], host="switch")


def connections(broker: Process) -> list[str]:
    return broker.lines()


def time_server(seconds: str) -> None:
    """Answers on port 123 with a time, in seconds from 1900."""
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 123))
        while True:
            data, client = sock.recvfrom(100)
            if len(data) == 48 and data[0] & 7 == 3:
                answer = struct.pack("!BB38xII", 0x1C, 2, int(seconds) % 2**32, 0)
                sock.sendto(answer, client)


def broker(port: str) -> None:
    """Takes connections, says what comes over them and from where, and greets each."""
    import socket
    import threading

    def serve(sock: socket.socket, host: str) -> None:
        print(host, sock.recv(100).decode().strip(), flush=True)
        sock.sendall(b"welcome")
        while sock.recv(100):
            pass

    with socket.create_server(("", int(port))) as server:
        while True:
            sock, (host, _) = server.accept()
            threading.Thread(target=serve, args=(sock, host), daemon=True).start()


def test_minimal_says_what_it_gets_and_what_becomes_of_it(net: Lab) -> None:
    net.serve("dnsmasq")
    board = Board(net, main="minimal").start("main.py")
    assert board.wait("bound").startswith("bound 192.0.2.")
    unplugged(net, True)
    board.wait("link no link")
    unplugged(net, False)
    assert board.wait("rebooted").startswith("rebooted 192.0.2.")


def test_asyncio_goes_on_and_reports_when_there_is_a_network(net: Lab) -> None:
    board = Board(net, main="asyncio_app").start()
    server = net.serve("dnsmasq")
    assert board.wait("192.0.2.").endswith(" measured")
    assert server.leases()


# 1 January 2030, and a time after the count began anew, in 2036
@pytest.mark.parametrize(
    ("since_1900", "shown"),
    [(4102444800, "2030-01-01 00:00:00"), (4294967296 + 60_000_000, "2038-01-01 ")],
)
def test_ntp_sets_the_clock_by_the_servers_that_the_network_names(
    net: Lab, since_1900: int, shown: str
) -> None:
    server = net.serve("dnsmasq")
    net.start(python(time_server, str(since_1900)), host=server.host)
    board = Board(net, "ntp_app").start()
    assert board.wait(f"ntp: {shown}").endswith(", by 192.0.2.1")
    year = int(shown[:4])
    assert board.wait("clock").startswith(f"clock ({year}, 1, ")


def test_ntp_says_that_a_server_is_silent(net: Lab) -> None:
    net.serve("dnsmasq")
    board = Board(net, "ntp_app").start()
    assert "Errno" in board.wait("ntp: 192.0.2.1: ")


def test_reconnect_opens_a_connection_from_the_new_address(net: Lab) -> None:
    server = net.serve("dnsmasq")
    first = net.start(python(broker, "1883"), host=server.host)
    board = Board(net, "reconnect_app").start()
    old = board.wait("broker: connected from").split()[-1]
    board.wait("broker: b'welcome'")
    assert connections(first) == [f"{old} hello from {old}"]

    unplugged(net, True)
    board.wait("broker: closed, the address is None")
    server.stop()
    server = net.serve("dnsmasq", Plan(clients=1))  # there the old address is nobody's
    second = net.start(python(broker, "1883"), host=server.host)
    unplugged(net, False)
    new = board.wait("broker: connected from", 2).split()[-1]
    board.wait("broker: b'welcome'", 2)
    assert connections(second) == [f"{new} hello from {new}"]
    assert old != new == Plan(clients=1).pool[0]


def test_reconnect_tries_again_when_the_broker_goes_and_comes_back(net: Lab) -> None:
    server = net.serve("dnsmasq")
    first = net.start(python(broker, "1883"), host=server.host)
    board = Board(net, "reconnect_app").start()
    board.wait("broker: b'welcome'")
    first.kill()
    board.wait("broker: closed,")
    net.start(python(broker, "1883"), host=server.host)
    board.wait("broker: b'welcome'", 2)


def enterprise(config: str) -> str:
    """dnsmasq's, which tells pumps on the second floor where to send what they measure."""
    return config + "\n".join(
        (
            "dhcp-userclass=set:floor,floor-2",
            "dhcp-option=vendor:acme-pump,1,collector.plant.example",
            "dhcp-option=vendor:acme-pump,2,00:1e",
            "dhcp-option=tag:floor,119,plant.example,example.com",
            "domain=plant.example",
            "",
        )
    )


@pytest.mark.rfc(
    "2132 9.13 vendor-class",
    "3004 4 user-sets-classes",
    "4702 3.3 updates-by-the-server",
    "4361 6.1 operator-sets-the-duid",
    "4361 6.1 iaid-and-duid",
)
def test_enterprise_reads_what_its_server_has_for_it_alone(net: Lab) -> None:
    server = net.serve("dnsmasq", change=enterprise)
    board = Board(net, "enterprise_app", **settings("enterprise")).start()
    assert board.wait("collector:") == "collector: collector.plant.example"
    assert board.wait("interval:") == "interval: 30 s"
    assert board.wait("time servers:") == "time servers: ['192.0.2.1']"
    assert board.wait("search list:") == "search list: ['plant.example', 'example.com']"
    assert "pump-3.plant.example" in board.wait("name:")
    assert "ff:00:00:00:01:00:03:00:01:02:00:5e:00:53:01" in server.lease_bytes().decode()


def test_enterprise_gets_nothing_of_it_as_another_device(net: Lab) -> None:
    net.serve("dnsmasq", change=enterprise)
    told = {**settings("enterprise"), "vendor_class": "acme-valve", "user_class": ["floor-1"]}
    board = Board(net, "enterprise_app", **told).start()
    assert board.wait("search list:") == "search list: None"
    assert "collector:" not in board.process.said()


def ask(address: str) -> None:
    """Ask the board who it is, and print what it says."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(b"who", (address, 8080))
        print(sock.recv(100).decode())


@pytest.mark.rfc("3927 1.9 routable-address-for-what-is-new")
def test_fallback_answers_at_its_own_address_until_there_is_a_server(net: Lab) -> None:
    net.add_host("neighbour", "02:00:00:00:02:01", "169.254.0.1/16")
    told = {**settings("fallback"), "fallback_s": 1}
    board = Board(net, "fallback_app", **told).start()
    own = board.wait("dhcpc: fallback: ").split()[2]
    assert net.run(python(ask, own), host="neighbour").strip() == f"{own}, link-local"

    server = net.serve("dnsmasq")
    leased = board.wait("dhcpc: bound: ").split()[2]
    assert net.run(python(ask, leased), host=server.host).strip() == f"{leased}, lease"
    assert [address.split("/")[0] for address in net.addresses()] == [leased]


@pytest.fixture
def site() -> Iterator[Site]:
    with Lab() as net:
        plug_second(net, tap=False)
        yield Site(net)


def leave_by(net: Lab, way: str, other: str) -> None:
    """Wait until one NIC has an address, and the other has none."""
    wait_for(lambda: net.addresses(way) and not net.addresses(other), f"way out by {way}")


@pytest.mark.parametrize(("program", "begins"), [("two_nics", ""), ("main", "dhcpc: ")])
def test_two_nics_have_one_way_out_with_boot_and_without(
    site: Site, program: str, begins: str
) -> None:
    net = site.net
    board = Board(net, main=program)
    board.start(*(() if begins else ("main.py",)), several=True)
    leave_by(net, "eth1", "eth0")
    net.run(["ip", "link", "set", "wire", "down"], host="switch")
    leave_by(net, "eth0", "eth1")
    net.run(["ip", "link", "set", "wire", "up"], host="switch")
    leave_by(net, "eth1", "eth0")
    assert "198.51.100." in board.wait(f"{begins}used: ")
