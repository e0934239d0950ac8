#!/usr/bin/env python3
"""The lab: real DHCP servers and clients on a network of their own.

Knows namespaces, and the command lines and lease files of dnsmasq, ISC dhcpd, Kea, busybox udhcpd,
udhcpc, dhclient, dhcpcd and tools/netup.py; knows nothing of the firmware. As a module it carries
the interop tests; as a command it runs one exchange and prints it, or records
host_tests/captures.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import itertools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import IO, TypeVar

import vm
from capture.names import message_type

CLIENT_MAC = "02:00:00:00:00:01"  # locally administered, as every MAC here
INFINITE = 0xFFFFFFFF  # a lease time, RFC 2131 3.3
PATIENCE_S = 60  # the longest wait for anything; only a fault takes that long

PACKAGES = {  # program: the Debian package that brings it
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "tcpdump": "tcpdump",
    "dnsmasq": "dnsmasq-base",
    "dhcpd": "isc-dhcp-server",
    "kea-dhcp4": "kea-dhcp4-server",
    "udhcpd": "udhcpd",
    "udhcpc": "udhcpc",
    "dhclient": "isc-dhcp-client",
    "dhcpcd": "dhcpcd-base",
}

# An ordinary user's PATH may lack sbin. Lease files and messages are read: no translations.
ENVIRONMENT = {
    **os.environ,
    "PATH": os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin",
    "LC_ALL": "C",
}

Argv = Sequence["str | Path"]
T = TypeVar("T")


class Unavailable(Exception):
    """The lab cannot run here; the text says why and what to do about it."""


class LabError(RuntimeError):
    """Something in the lab failed; the text holds what the program said."""


def require(*programs: str) -> None:
    """Raise Unavailable, with the remedy, unless all these programs are installed."""
    missing = [program for program in programs if not _which(program)]
    if missing:
        packages = " ".join(sorted({PACKAGES[program] for program in missing}))
        policy = "/usr/sbin/policy-rc.d"
        raise Unavailable(
            f"not installed: {', '.join(missing)}. To install, without starting a service: "
            f'sudo sh -c \'printf "#!/bin/sh\\nexit 101\\n" >{policy}; chmod 755 {policy}; '
            f"apt-get install -y --no-install-recommends {packages}; rm {policy}'"
        )


def wait_for(condition: Callable[[], T], what: str) -> T:
    """Poll `condition()` until it is true and return its value. LabError: it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise LabError(f"no {what} in {PATIENCE_S} s")
        time.sleep(0.02)
    return value


def _which(program: str) -> str | None:
    return shutil.which(program, path=ENVIRONMENT["PATH"])


# --- what runs in the lab -----------------------------------------------------------------------


class Process(subprocess.Popen[bytes]):
    """A program in the lab, behind an nsenter: what is signalled is the program."""

    def __init__(self, argv: Argv, out: IO[bytes] | None) -> None:
        self._output = tempfile.TemporaryFile()
        super().__init__(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out or self._output,
            stderr=self._output,
            start_new_session=True,  # Ctrl-C is for this process
            env=ENVIRONMENT,
        )

    def said(self) -> str:
        """What it has printed so far."""
        return _read(self._output).decode(errors="replace")

    def program_pid(self) -> int | None:
        """The program's pid as seen from outside the lab; None once it has ended."""
        while self.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return _only_child(self.pid)
            time.sleep(0.002)
        return None

    def send_signal(self, sig: int) -> None:
        if pid := self.program_pid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)


def _read(file: IO[bytes]) -> bytes:
    return os.pread(file.fileno(), 1 << 24, 0)  # leaves the position to the one who writes


def _only_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def _python(function: Callable[..., None], *args: str) -> list[str]:
    """The command that calls a function which needs nothing else of this module."""
    return [sys.executable, "-c", f"{inspect.getsource(function)}\n{function.__name__}{args}"]


def _whole_checksums(interface: str) -> None:
    """Have UDP checksums finished before they leave: `ethtool -K INTERFACE tx off`. A veth hands
    them on half done, which no wire carries and some clients refuse."""
    import array
    import fcntl
    import socket
    import struct

    SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
    off = array.array("I", (ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP8x", interface.encode(), off.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, request)


def _sniff(interface: str) -> None:
    """Write an interface's DHCP packets to stdout as pcap. tcpdump does not capture in a user
    namespace: it insists on becoming another user."""
    import socket
    import struct
    import sys
    import time

    ETH_P_ALL, ETHERNET = 3, 1
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    tap.bind((interface, ETH_P_ALL))
    out = sys.stdout.buffer
    out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, ETHERNET))
    while True:
        out.flush()
        frame = tap.recv(65535)
        udp = frame[14 + (frame[14] & 15) * 4 :]
        is_udp = frame[12:14] == b"\x08\x00" and frame[23] == 17
        if is_udp and set(struct.unpack_from("!HH", udp)) & {67, 68}:
            seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
            out.write(struct.pack("=4I", seconds, micros, len(frame), len(frame)) + frame)


# /etc is a copy: an overlay would not let an ordinary user change what root owns.
# /var/lib/dhcpcd is compiled into dhcpcd.
_ANCHOR = """
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/lab /run/lock /run/kea
cp -r /etc /run/etc 2>/dev/null || true
rm -f /run/etc/resolv.conf
touch /run/etc/resolv.conf
mount --bind /run/etc /etc
[ ! -d /var/lib/dhcpcd ] || mount -t tmpfs tmpfs /var/lib/dhcpcd
ip link add switch type bridge forward_delay 0
ip link set switch up
echo ready
exec cat
"""

# No flooding: a virtual NIC does not drop what is for another MAC, and dhcpd would answer it.
_HOST = """
ip netns add {name}
ip link add {name} type veth peer name eth0 address {mac} netns {name}
ip link set {name} master switch up
ip link set {name} type bridge_slave flood off
ip -n {name} link set lo up
ip -n {name} link set eth0 up
"""

_UPLINK = """
ip link add uplink type veth peer name eth1 netns client
ip address add 203.0.113.1/24 dev uplink
ip link set uplink up
ip -n client address add 203.0.113.2/24 dev eth1
ip -n client link set eth1 up
ip -n client route add default via 203.0.113.1
"""


class Lab:
    """A switch, a client's host on it with an eth0, and the servers that are asked for.

    A context manager; any number may be open at once. All of it lives in fresh mount, PID and
    network namespaces (and a user namespace, unless root asks), with a /run and an /etc of their
    own. The first process there reads a pipe from this one. However this one ends, the pipe
    closes, that one ends, and the kernel kills and removes all the rest: nothing is left over.

    `uplink` gives the client a second interface eth1, 203.0.113.2/24, and a default route through
    it. Raises Unavailable if the lab cannot run here.
    """

    dir = Path("/run/lab")  # for files; `outside` tells where this process finds them

    def __init__(self, *, uplink: bool = False) -> None:
        self._uplink = uplink
        self._numbers = itertools.count(1)
        self._processes: list[Process] = []

    def __enter__(self) -> Lab:
        if sys.platform != "linux":
            raise Unavailable("the lab needs Linux, for its namespaces")
        require("unshare", "nsenter", "ip")
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        self._anchor = subprocess.Popen(
            [*unshare, "--mount-proc", *user, "sh", "-ec", _ANCHOR],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=ENVIRONMENT,
        )
        assert self._anchor.stdout
        assert self._anchor.stderr
        try:
            if self._anchor.stdout.readline() != b"ready\n":
                raise LabError(" ".join(self._anchor.stderr.read().decode().split()))
            pid = _only_child(self._anchor.pid)
            self._root = Path(f"/proc/{pid}/root")
            nsenter = ["nsenter", f"--target={pid}", "--mount", "--net", "--pid"]
            self._nsenter = [*nsenter, "--preserve-credentials", *user[:1]]
            self.add_host("client", CLIENT_MAC)
            if self._uplink:
                self.run(["sh", "-ec", _UPLINK], host="switch")
        except LabError as error:
            self.close()
            raise Unavailable(f"no network namespaces for the lab here: {error}") from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything in the lab."""
        for pipe in (self._anchor.stdin, self._anchor.stdout, self._anchor.stderr):
            if pipe:
                pipe.close()
        for process in (self._anchor, *self._processes):
            process.wait()

    def outside(self, path: Path) -> Path:
        """Where this process finds the lab's file `path`."""
        return self._root / path.relative_to("/")

    def add_host(self, name: str, mac: str, address: str = "") -> None:
        """Put one more host on the switch, with an eth0 and, if given, its "a.b.c.d/n"."""
        self.run(["sh", "-ec", _HOST.format(name=name, mac=mac)], host="switch")
        self.run(_python(_whole_checksums, "eth0"), host=name)
        if address:
            self.run(["ip", "address", "add", address, "dev", "eth0"], host=name)

    def remove_host(self, name: str) -> None:
        """Unplug a host. Its processes are the caller's to end."""
        self.run(["ip", "link", "delete", name], host="switch")
        self.run(["ip", "netns", "delete", name], host="switch")

    def start(self, argv: Argv, *, host: str = "client", out: IO[bytes] | None = None) -> Process:
        """Start a program on a host; "switch" is the one that has a port of every cable.

        What it prints goes to `Process.said`, or its stdout to the file `out`.
        """
        program, *args = map(str, argv)
        # AppArmor's profiles hold for installed paths, and know nothing of the lab's files: what
        # might have one is run from a copy.
        if program in PACKAGES and program != "ip":
            require(program)
            copy = self.dir / "bin" / program
            if not self.outside(copy).exists():
                self.run(["install", "-D", _which(program) or "", copy], host="switch")
            program = str(copy)
        where = [] if host == "switch" else ["ip", "netns", "exec", host]
        process = Process([*self._nsenter, *where, program, *args], out)
        self._processes.append(process)
        return process

    def run(self, argv: Argv, *, host: str = "client") -> str:
        """Run a program on a host and return what it printed; LabError if it fails."""
        process = self.start(argv, host=host)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.wait():
            words = " ".join(map(str, argv))
            raise LabError(f"{words}: exit {process.returncode}: {process.said()}")
        return process.said()

    def cut_power(self) -> None:
        """End all that runs on the client's host without a word, and take eth0's address away."""
        self.run(["sh", "-c", "kill -9 $(ip netns pids client) 2>&-; true"], host="switch")
        self.run(["ip", "address", "flush", "dev", "eth0"])

    def addresses(self, interface: str = "eth0") -> list[str]:
        """The IPv4 addresses, as "a.b.c.d/n", of an interface of the client's host."""
        show = ["ip", "-json", "-4", "address", "show", "dev", interface]
        infos = [info for link in json.loads(self.run(show)) for info in link.get("addr_info", ())]
        return [f"{info['local']}/{info['prefixlen']}" for info in infos]

    def serve(self, name: str, plan: Plan | None = None, leases: Server | None = None) -> Server:
        """Start a server (a key of SERVERS) on a host of its own and wait until it is ready.

        `leases` is a stopped server of the same kind whose lease file it inherits. ValueError says
        what of the plan this server cannot do.
        """
        return SERVERS[name](self, plan or Plan(), next(self._numbers), leases)

    def capture(self, path: Path | None = None) -> Capture:
        """Start to record the DHCP packets on the client's cable, to `path` if it is given."""
        return Capture(self, path)


# --- what was on the wire -----------------------------------------------------------------------


class Message:
    """A DHCP message as scapy reads it: its layers `ether`, `ip`, `bootp`; `type`, its name;
    `options`, {scapy's name, as "server_id" or "requested_addr", or a code: value}; the `time` it
    was captured, in seconds since 1970."""

    def __init__(self, time: float, frame: bytes) -> None:
        from scapy.layers.dhcp import BOOTP, DHCP
        from scapy.layers.inet import IP
        from scapy.layers.l2 import Ether

        self.time = time
        self.ether = Ether(frame)
        self.ip = self.ether[IP]
        self.bootp = self.ether[BOOTP]
        listed = self.bootp[DHCP].options if DHCP in self.bootp else ()
        self.options = {item[0]: item[1] for item in listed if isinstance(item, tuple)}
        self.type = message_type(self.options["message-type"])


class Capture:
    """The DHCP packets on the client's cable; a context manager, or `stop` ends it."""

    def __init__(self, lab: Lab, path: Path | None) -> None:
        self._file: IO[bytes] = path.open("w+b") if path else tempfile.TemporaryFile()
        self._process = lab.start(_python(_sniff, "client"), host="switch", out=self._file)
        wait_for(self.pcap, "capture")

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; what it holds stays readable."""
        self._process.terminate()
        self._process.wait()

    def pcap(self) -> bytes:
        """The capture file so far."""
        return _read(self._file)

    def messages(self, kind: str | None = None) -> list[Message]:
        """The messages so far, or those of one type."""
        messages = [Message(*packet) for packet in _packets(self.pcap())]
        return [message for message in messages if kind in (None, message.type)]

    def types(self) -> list[str]:
        """The types of the messages so far."""
        return [message.type for message in self.messages()]

    def wait(self, kind: str, count: int = 1) -> Message:
        """Wait for the `count`th message of a type, and return it."""
        try:
            wait_for(lambda: len(self.messages(kind)) >= count, f"{kind} number {count}")
        except LabError as error:
            raise LabError(f"{error}, only: {' '.join(self.types())}") from None
        return self.messages(kind)[count - 1]

    def text(self) -> str:
        """The capture as tcpdump prints it."""
        require("tcpdump")
        show = ["tcpdump", "-r", "-", "-nn", "-e", "-t", "-vvv"]
        done = subprocess.run(show, input=self.pcap(), env=ENVIRONMENT, capture_output=True)
        return done.stdout.decode()


def _packets(pcap: bytes) -> Iterator[tuple[float, bytes]]:
    """Time and frame of each packet of a capture, but for one that is still being written."""
    at = 24
    while at + 16 <= len(pcap):
        seconds, micros, length = struct.unpack_from("=3I", pcap, at)
        at += 16 + length
        if at <= len(pcap):
            yield seconds + micros / 1e6, pcap[at - length : at]


# --- servers ------------------------------------------------------------------------------------


class SearchList(bytes):
    """A domain search list, RFC 3397. Names that end in the first one point to it."""

    names: tuple[str, ...]

    def __new__(cls, first: str, *others: str) -> SearchList:
        encoded = _labels(first) + b"\0"
        for name in others:
            head = name.removesuffix("." + first)
            encoded += _labels(head) + (b"\0" if head == name else b"\xc0\0")
        value = super().__new__(cls, encoded)
        value.names = (first, *others)
        return value


def _labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))


def _routes(network: IPv4Network, count: int) -> bytes:
    """A default route and `count` others, RFC 3442."""
    through = network[1].packed
    return b"\0" + through + b"".join(bytes((24, 10, 0, n)) + through for n in range(count))


def _everyday(network: IPv4Network) -> dict[int, bytes]:
    return {
        3: network[1].packed,
        6: network[53].packed + network[54].packed,
        15: b"lab.example",
        28: network.broadcast_address.packed,
        42: network[1].packed,
    }


def _rich(network: IPv4Network) -> dict[int, bytes]:
    return _everyday(network) | {
        17: b"192.0.2.60:/srv/root",
        26: struct.pack("!H", 1400),
        43: b"\x01\x04" + network[60].packed + b"\x02\x12http://lab.example\x80\x01\x05",
        100: b"CET-1CEST,M3.5.0,M10.5.0/3",
        101: b"Europe/Berlin",
        114: b"https://portal.lab.example/.well-known/captive-portal",
        119: SearchList("lab.example", "eng.lab.example", "sales.lab.example", "example.org"),
        120: b"\x01" + network[60].packed,
        121: _routes(network, 12),
        125: struct.pack("!IB", 32473, 14) + b"\x01\x0cexample-text",
        209: b"boot/lab.cfg",
        210: b"http://boot.lab.example/",
    }


OPTION_SETS: dict[str, Callable[[IPv4Network], dict[int, bytes]]] = {
    "minimal": lambda network: {},
    "everyday": _everyday,
    "rich": _rich,  # so many that they overflow into `file` and `sname`: RFC 2131 4.1
    "long": lambda network: _everyday(network) | {121: _routes(network, 40)},  # RFC 3396
}


@dataclass(frozen=True)
class Plan:
    """What a server hands out, and how.

    subnet: "a.b.c.0/n", of which hosts 100 to 199 are for clients. host: the server's own number
    there. lease, t1, t2: seconds; T1 and T2 are sent if they are given (dnsmasq has a lease
    last 120 s at least, T1 and T2 2 s). options: a key of OPTION_SETS. extra: more of them, {code:
    value}. force: send them to clients that do not ask for them too. authoritative: NAK even
    where only who knows all clients can tell (udhcpd always does). broadcast: reply so to every
    client (udhcpd always does, Kea cannot).
    """

    subnet: str = "192.0.2.0/24"
    host: int = 1
    lease: int = 3600
    t1: int | None = None
    t2: int | None = None
    options: str = "everyday"
    extra: dict[int, bytes] = field(default_factory=dict)
    force: bool = False
    authoritative: bool = True
    broadcast: bool = False

    @property
    def network(self) -> IPv4Network:
        return IPv4Network(self.subnet)

    @property
    def server(self) -> str:
        """The server's address."""
        return str(self.network[self.host])

    @property
    def pool(self) -> tuple[str, str]:
        """The first and the last address for clients."""
        return str(self.network[100]), str(self.network[199])

    def all_options(self) -> dict[int, bytes]:
        """What is sent besides subnet mask, lease time and server identifier."""
        options = OPTION_SETS[self.options](self.network)
        for code, seconds in ((58, self.t1), (59, self.t2)):
            if seconds is not None:
                options[code] = struct.pack("!I", seconds)
        return options | self.extra


class Program:
    """What servers and clients have in common."""

    name: str
    program: str
    shows_version = "--version"

    @classmethod
    def require(cls) -> None:
        """Raise Unavailable unless it can be run."""
        require(cls.program)

    @classmethod
    def version(cls) -> str:
        """Its name and version."""
        show = [cls.program, cls.shows_version]
        said = subprocess.run(show, env=ENVIRONMENT, capture_output=True, text=True)
        number = re.search(r"\d+(\.\d+)+(-P\d+)?", said.stdout + said.stderr)
        return f"{cls.name} {number[0] if number else '?'}"


class Server(Program):
    """A running DHCP server; `Lab.serve` makes them."""

    longest_option = 255

    def __init__(self, lab: Lab, plan: Plan, number: int, leases: Server | None) -> None:
        for code, value in plan.all_options().items():
            if len(value) > self.longest_option:
                raise ValueError(f"{self.name} sends at most {self.longest_option} bytes: {code}")
        self.lab = lab
        self.plan = plan
        self.host = f"server{number}"
        self.mac = f"02:00:00:00:01:{number:02x}"
        self.dir = lab.dir / self.host
        self.lease_file = self.dir / "leases"
        lab.outside(self.dir).mkdir()
        lab.outside(self.lease_file).write_bytes(leases.lease_bytes() if leases else b"")
        lab.outside(self.dir / "conf").write_text(self.config())
        address = f"{plan.server}/{plan.network.prefixlen}"
        lab.add_host(self.host, self.mac, address)
        self._process = lab.start([self.program, *self.args()], host=self.host)
        wait_for(self._ready, f"{self.name} on port 67")

    def config(self) -> str:
        """The text of its configuration file, `dir / "conf"`."""
        raise NotImplementedError

    def args(self) -> Argv:
        """Its command line."""
        raise NotImplementedError

    def parse_leases(self, leases: bytes) -> dict[str, tuple[str, str]]:
        """`leases` of the text of its lease file, in which the last word counts."""
        raise NotImplementedError

    def flush(self) -> None:
        """Have the lease file written, if the server does not keep it up to date."""

    def _ready(self) -> bool:
        if not (pid := self._process.program_pid()):
            raise LabError(f"{self.name} ended: {self.log()}")
        with contextlib.suppress(OSError):
            # Before it has entered its host, its sockets are those of this process.
            entered = os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
            return entered and ":0043 " in Path(f"/proc/{pid}/net/udp").read_text()
        return False

    def log(self) -> str:
        """What it has printed."""
        return self._process.said()

    def lease_bytes(self) -> bytes:
        """Its lease file as it is."""
        return self.lab.outside(self.lease_file).read_bytes()

    def leases(self) -> dict[str, tuple[str, str]]:
        """Its lease file: {address: (MAC, state)}. A lease that is held has the state "active";
        one that was released has another, or is not there."""
        self.flush()
        return self.parse_leases(self.lease_bytes())

    def stop(self) -> None:
        """End it and unplug its host."""
        self.flush()
        self._process.terminate()
        self._process.wait()
        self.lab.remove_host(self.host)


class Dnsmasq(Server):
    name = program = "dnsmasq"

    def config(self) -> str:
        plan = self.plan
        options = plan.all_options()
        force = "-force" if plan.force else ""
        lines = [
            "port=0",
            "no-ping",
            "interface=eth0",
            f"dhcp-leasefile={self.lease_file}",
            f"dhcp-range={','.join(plan.pool)},{plan.network.netmask},"
            f"{'infinite' if plan.lease == INFINITE else plan.lease}",
            *(["dhcp-option=3"] if 3 not in options else []),  # or else it names itself
            *(f"dhcp-option{force}={code},{_dnsmasq(code, options[code])}" for code in options),
            *(["dhcp-authoritative"] if plan.authoritative else []),
            *(["dhcp-broadcast"] if plan.broadcast else []),
        ]
        return "\n".join(lines) + "\n"

    def args(self) -> Argv:
        return ["--no-daemon", "--log-dhcp", f"--conf-file={self.dir / 'conf'}"]

    def parse_leases(self, leases: bytes) -> dict[str, tuple[str, str]]:
        lines = [line.split() for line in leases.decode().split("\n")[:-1]]
        return {line[2]: (line[1], "active") for line in lines}


def _dnsmasq(code: int, value: bytes) -> str:
    """An option as dnsmasq wants it: hex, but for those of which it knows what they mean."""
    if code in (3, 6, 28, 42):
        return ",".join(str(IPv4Address(value[at : at + 4])) for at in range(0, len(value), 4))
    if code in (58, 59):
        return str(int.from_bytes(value, "big"))
    if isinstance(value, SearchList):
        return ",".join(value.names)
    if value.isascii() and value.decode().isprintable():
        return f'"{value.decode()}"'
    return value.hex(":")


class Dhcpd(Server):
    name = program = "dhcpd"
    longest_option = 65535

    def config(self) -> str:
        plan = self.plan
        options = plan.all_options()
        asked = "option dhcp-parameter-request-list"
        forced = f"{asked} = concat({asked}, {bytes(options).hex(':')});"
        lines = [
            *(f"option lab-{code} code {code} = string;" for code in options),
            "authoritative;" if plan.authoritative else "not authoritative;",
            *(["always-broadcast on;"] if plan.broadcast else []),
            "ping-check off;",
            "ddns-update-style none;",
            *(f"{which}-lease-time {plan.lease};" for which in ("min", "default", "max")),
            f"subnet {plan.network.network_address} netmask {plan.network.netmask} {{",
            f"range {' '.join(plan.pool)};",
            *(f"option lab-{code} {value.hex(':')};" for code, value in options.items()),
            *([forced] if plan.force and options else []),
            "}",
        ]
        return "\n".join(lines) + "\n"

    def args(self) -> Argv:
        files = f"-cf {self.dir / 'conf'} -lf {self.lease_file} -pf {self.dir / 'pid'}"
        return ["-4", "-d", "-f", *files.split(), "eth0"]

    def parse_leases(self, leases: bytes) -> dict[str, tuple[str, str]]:
        found = {}
        for ip, body in re.findall(r"^lease (\S+) {(.*?)^}", leases.decode(), re.M | re.S):
            words = dict(re.findall(r"^  (hardware ethernet|binding state) (\S+);", body, re.M))
            found[ip] = (words.get("hardware ethernet", ""), words["binding state"])
        return found


class Kea(Server):
    name = "kea"
    program = "kea-dhcp4"
    shows_version = "-v"
    longest_option = 65535

    def config(self) -> str:
        plan = self.plan
        if plan.broadcast:
            raise ValueError("kea broadcasts only to clients that ask for it")
        options = [
            {"code": code, "csv-format": False, "data": value.hex(), "always-send": plan.force}
            for code, value in plan.all_options().items()
        ]
        subnet = {
            "id": 1,
            "subnet": plan.subnet,
            "pools": [{"pool": "-".join(plan.pool)}],
            "option-data": options,
        }
        leases = {"type": "memfile", "name": str(self.lease_file), "lfc-interval": 0}
        dhcp4 = {
            "interfaces-config": {"interfaces": ["eth0"]},
            "lease-database": leases,
            "authoritative": plan.authoritative,
            "valid-lifetime": plan.lease,
            "calculate-tee-times": False,
            "subnet4": [subnet],
        }
        return json.dumps({"Dhcp4": dhcp4}, indent=1)

    def args(self) -> Argv:
        return ["-c", self.dir / "conf"]

    def parse_leases(self, leases: bytes) -> dict[str, tuple[str, str]]:
        found = {}
        for line in leases.decode().split("\n")[1:-1]:  # the first one names the columns
            ip, mac, _, lifetime, *_ = line.split(",")
            found[ip] = (mac, "active" if int(lifetime) else "free")
        return found


class Udhcpd(Server):
    name = program = "udhcpd"
    shows_version = "--help"

    def config(self) -> str:
        plan = self.plan
        notify = self.lab.outside(self.dir / "notify")
        notify.write_text(f"#!/bin/sh\ntouch {self.dir / 'written'}\n")
        notify.chmod(0o755)
        lines = [
            "interface eth0",
            f"start {plan.pool[0]}",
            f"end {plan.pool[1]}",
            "max_leases 100",
            "min_lease 1",
            f"lease_file {self.lease_file}",
            f"pidfile {self.dir / 'pid'}",
            f"notify_file {self.dir / 'notify'}",
            f"option subnet {plan.network.netmask}",
            f"option lease {plan.lease}",
            *(f"option {code} {value.hex()}" for code, value in plan.all_options().items()),
        ]
        return "\n".join(lines) + "\n"

    def args(self) -> Argv:
        return ["-f", "-a", "0", self.dir / "conf"]

    def flush(self) -> None:
        # It writes on SIGUSR1, and then runs the notify_file.
        written = self.lab.outside(self.dir / "written")
        written.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        wait_for(lambda: written.exists() or self._process.poll() is not None, "lease file")

    def parse_leases(self, leases: bytes) -> dict[str, tuple[str, str]]:
        found = {}
        for at in range(8, len(leases), 36):  # behind the time of writing
            remaining, ip, mac = struct.unpack_from("!I4s6s", leases, at)
            found[str(IPv4Address(ip))] = (mac.hex(":"), "active" if remaining else "free")
        return found


SERVERS: dict[str, type[Server]] = {s.name: s for s in (Dnsmasq, Dhcpd, Kea, Udhcpd)}


# --- clients ------------------------------------------------------------------------------------

# What clients run in place of the distribution's script. udhcpc has the event in $1 and the
# address in $ip, dhclient in $reason and $new_ip_address.
_SCRIPT = """#!/bin/sh
case $1$reason in
bound | renew | BOUND | RENEW | REBIND | REBOOT)
    ip address replace ${ip:-$new_ip_address}/${subnet:-$new_subnet_mask} dev eth0 ;;
deconfig | PREINIT | EXPIRE)
    ip address flush dev eth0 ;;
esac
"""


class Client(Program):
    """A DHCP client, which has the eth0 of the client's host to itself.

    broadcast: it sets the broadcast flag. ValueError if it cannot be told to.
    """

    can_broadcast = False
    scenarios: tuple[str, ...] = ("lease", "reboot", "nak")

    def __init__(self, lab: Lab, *, broadcast: bool = False) -> None:
        if broadcast and not self.can_broadcast:
            raise ValueError(f"{self.name} does not set the broadcast flag when asked to")
        self.lab = lab
        self.broadcast = broadcast
        self.dir = lab.dir / "client"
        self.script = self.dir / "script"
        lab.outside(self.dir).mkdir()
        lab.outside(self.script).write_text(_SCRIPT)
        lab.outside(self.script).chmod(0o755)
        lab.outside(self.dir / "conf").write_text(self.config())
        self.runs: list[Process] = []

    def config(self) -> str:
        """The text of its configuration file, `dir / "conf"`."""
        return ""

    def command(self) -> Argv:
        """Its command line."""
        raise NotImplementedError

    def start(self, *more: str) -> None:
        """Start it, with more arguments; it runs until it is ended."""
        self.runs.append(self.lab.start([*self.command(), *more]))

    def renew(self) -> None:
        """Have it renew now; one that cannot be told does it at T1."""

    def release(self) -> None:
        """Have it send a RELEASE."""
        raise NotImplementedError

    def is_bound(self) -> bool:
        """Has it applied a lease, and kept it for the next start?"""
        return bool(self.lab.addresses())

    def log(self) -> str:
        """What it has printed."""
        return "".join(run.said() for run in self.runs)


class Udhcpc(Client):
    name = program = "udhcpc"
    shows_version = "--help"
    can_broadcast = True
    scenarios = ("lease", "decline")  # it keeps no lease to come back with

    def command(self) -> Argv:
        flags = ["-f", *(["-B"] if self.broadcast else [])]
        return ["udhcpc", *flags, "-i", "eth0", "-s", self.script, "-x", "hostname:lab"]

    def renew(self) -> None:
        self.runs[-1].send_signal(signal.SIGUSR1)

    def release(self) -> None:
        self.runs[-1].send_signal(signal.SIGUSR2)


class Dhclient(Client):
    name = program = "dhclient"

    def config(self) -> str:
        lines = [
            "initial-delay 0;",
            'send host-name "lab";',
            "request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers,",
            "  dhcp-renewal-time, dhcp-rebinding-time, domain-search, host-name;",
        ]
        return "\n".join(lines) + "\n"

    def command(self) -> Argv:
        files = f"-cf {self.dir / 'conf'} -lf {self.dir / 'leases'} -pf {self.dir / 'pid'}"
        return ["dhclient", "-4", "-d", *files.split(), "-sf", self.script, "eth0"]

    def is_bound(self) -> bool:
        return "bound to" in self.runs[-1].said()  # last of all

    def release(self) -> None:
        self.lab.run([*self.command(), "-r"])


class Dhcpcd(Client):
    name = program = "dhcpcd"
    can_broadcast = True
    scenarios = ("lease", "reboot", "nak", "inform")

    def config(self) -> str:
        lines = [
            "ipv4only",
            "nodelay",
            "clientid",
            "hostname lab",
            f"script {self.script}",
            "option subnet_mask, routers, domain_name_servers, domain_name, ntp_servers",
            "option classless_static_routes, domain_search, interface_mtu",
            *(["broadcast"] if self.broadcast else []),
        ]
        return "\n".join(lines) + "\n"

    def command(self) -> Argv:
        return ["dhcpcd", "-B", "-f", self.dir / "conf", "eth0"]

    def start(self, *more: str) -> None:
        # Its ARP probe takes seconds; without one, version 9.4.1 dies of --inform.
        super().start(*more or ["--noarp"])

    def renew(self) -> None:
        self.runs[-1].send_signal(signal.SIGUSR1)

    def release(self) -> None:
        def ended() -> bool:
            self.runs[-1].send_signal(signal.SIGALRM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.runs[-1].wait(1)
            return self.runs[-1].poll() is not None

        wait_for(ended, "end of dhcpcd")  # which, when busy, overlooks a signal now and then


class Netup(Client):
    name = "netup"
    path = vm.ROOT / "tools/netup.py"

    @classmethod
    def require(cls) -> None:
        if missing := vm.vms()["vm64"].missing:
            raise Unavailable(f"vm64: {missing}")

    @classmethod
    def version(cls) -> str:
        return "netup of this project"

    def command(self) -> Argv:
        store = self.dir / "lease"
        return [sys.executable, self.path, "eth0", "--hostname", "lab", "--store", store]

    def is_bound(self) -> bool:
        return super().is_bound() and self.lab.outside(self.dir / "lease").exists()

    def release(self) -> None:
        self.runs[-1].terminate()


CLIENTS: dict[str, type[Client]] = {c.name: c for c in (Udhcpc, Dhclient, Dhcpcd, Netup)}


# --- exchanges ----------------------------------------------------------------------------------


def _bind(client: Client, capture: Capture) -> None:
    """Start a client and wait for its first lease."""
    client.start()
    capture.wait("ACK")
    wait_for(client.is_bound, f"lease of {client.name}")


def _lease(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease, its renewal, its release"""
    with lab.capture(path) as capture:
        _bind(client, capture)
        client.renew()
        capture.wait("ACK", 2)
        client.release()
        capture.wait("RELEASE")
    return capture


def _reboot(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease, a power cut, the same lease confirmed"""
    with lab.capture(path) as capture:
        _bind(client, capture)
        lab.cut_power()
        client.start()
        capture.wait("ACK", 2)
    return capture


def _nak(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """a new lease, a power cut, the network renumbered: NAK, and a lease there"""
    with lab.capture(path) as capture:
        _bind(client, capture)
        lab.cut_power()
        server.stop()
        lab.serve(server.name, replace(server.plan, subnet="198.51.100.0/24"))
        client.start()
        capture.wait("NAK")
        capture.wait("ACK", 2)
    return capture


def _decline(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """an address that another host has: DECLINE, and a lease of another one"""
    client.start()  # once without a witness: servers offer a client its old address
    taken = wait_for(lab.addresses, "address on eth0")[0]
    lab.cut_power()
    lab.add_host("squatter", "02:00:00:00:00:02", taken)
    with lab.capture(path) as capture:
        client.start("-a", "-A", "1")
        capture.wait("DECLINE")
        capture.wait("ACK", 2)
    return capture


def _inform(lab: Lab, server: Server, client: Client, path: Path | None) -> Capture:
    """an address set by hand: INFORM"""
    network = server.plan.network
    with lab.capture(path) as capture:
        client.start(f"--inform={network[50]}/{network.prefixlen}")
        capture.wait("ACK")
    return capture


SCENARIOS = {f.__name__[1:]: f for f in (_lease, _reboot, _nak, _decline, _inform)}


@dataclass(frozen=True)
class Exchange:
    """A client's exchange with a server; words are keys of SERVERS, CLIENTS, SCENARIOS and so on.

    broadcast: "client" sets the broadcast flag, "server" broadcasts unasked.
    """

    server: str
    client: str
    scenario: str = "lease"
    options: str = "everyday"
    lease: int = 600
    broadcast: str | None = None

    def __post_init__(self) -> None:
        can = CLIENTS[self.client].scenarios
        if self.scenario not in can:
            raise ValueError(f"{self.client} cannot do {self.scenario}, only {', '.join(can)}")

    def __str__(self) -> str:
        """Its arguments for `tools/lab.py run`."""
        words = [self.server, self.client, self.scenario]
        for option in fields(self)[3:]:
            if (value := getattr(self, option.name)) != option.default:
                words.append(f"--{option.name} {value}")
        return " ".join(words)

    @property
    def file(self) -> str:
        """The name of its capture file."""
        return str(self).replace("--options ", "").replace("--", "").replace(" ", "-") + ".pcap"

    def run(self, path: Path | None = None) -> Capture:
        """Run it in a lab of its own, and record it, to `path` if it is given."""
        SERVERS[self.server].require()
        CLIENTS[self.client].require()
        plan = Plan(
            options=self.options,
            lease=self.lease,
            t1=3,  # for clients that cannot be told to renew
            t2=self.lease * 7 // 8,
            force=self.options != "everyday",
            broadcast=self.broadcast == "server",
        )
        with Lab() as lab:
            client = CLIENTS[self.client](lab, broadcast=self.broadcast == "client")
            server = lab.serve(self.server, plan)
            try:
                return SCENARIOS[self.scenario](lab, server, client, path)
            except LabError as error:
                raise LabError(f"{self}: {error}\n{client.log()}\n{server.log()}") from None


def recordings() -> list[Exchange]:
    """What host_tests/captures holds."""
    each = [
        exchange
        for server in SERVERS
        for exchange in (
            *(Exchange(server, client) for client in CLIENTS),
            # Kea knows no largest size, and udhcpc has room for 628 bytes alone.
            Exchange(server, "dhcpcd" if server == "kea" else "udhcpc", options="rich"),
            Exchange(server, "udhcpc", "decline"),
            Exchange(server, "dhclient", "nak"),
            Exchange(server, "dhcpcd", "reboot"),
            Exchange(server, "dhcpcd", "inform"),
            Exchange(server, "netup", "nak", options="rich"),
        )
    ]
    some = [
        Exchange("dnsmasq", "dhclient", "reboot", options="minimal", lease=INFINITE),
        Exchange("dhcpd", "udhcpc", options="minimal"),
        Exchange("dhcpd", "dhcpcd", options="long"),
        Exchange("kea", "dhcpcd", options="long"),
        Exchange("dnsmasq", "udhcpc", broadcast="client"),
        Exchange("dhcpd", "dhcpcd", broadcast="client"),
        Exchange("kea", "dhcpcd", broadcast="client"),
        Exchange("dhcpd", "udhcpc", broadcast="server"),
    ]
    return each + some


_README = """# Captures

DHCP traffic between real servers and clients, one exchange a file, recorded on the client's cable
in the project's own lab. `make captures` records all of it again; `tools/lab.py run`, with the
arguments beside a file, runs that exchange alone and prints it.

{versions}

| file | what happens | `tools/lab.py run` | messages |
| --- | --- | --- | --- |
{rows}
"""


def record(out: Path) -> None:
    """Record all of `recordings` in the directory `out`, in place of the captures there."""
    exchanges = recordings()
    programs: set[type[Program]] = {SERVERS[exchange.server] for exchange in exchanges}
    programs |= {CLIENTS[exchange.client] for exchange in exchanges}
    for program in programs:
        program.require()
    rows = []
    with tempfile.TemporaryDirectory() as new, ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(exchange.run, Path(new, exchange.file)) for exchange in exchanges]
        try:
            for exchange, job in zip(exchanges, jobs, strict=True):
                types = " ".join(job.result().types())
                print(f"{exchange.file}: {types}", flush=True)
                what = SCENARIOS[exchange.scenario].__doc__
                rows.append(f"| {exchange.file} | {what} | `{exchange}` | {types} |")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("*.pcap"):
            old.unlink()
        for exchange in exchanges:
            shutil.copy(Path(new, exchange.file), out)
    versions = ", ".join(sorted(program.version() for program in programs))
    (out / "README.md").write_text(_README.format(versions=versions, rows="\n".join(rows)))


# --- the command --------------------------------------------------------------------------------


def show_list() -> int:
    """Print what the lab has; on stderr what it lacks, and the remedy. The exit code."""
    lacking = []
    programs: list[type[Program]] = [*SERVERS.values(), *CLIENTS.values()]
    for program in programs:
        try:
            program.require()
            print(program.version())
        except Unavailable as error:
            lacking.append(str(error))
    for name, scenario in SCENARIOS.items():
        print(f"{name}: {scenario.__doc__}")
    try:
        Lab().__enter__().close()
    except Unavailable as error:
        lacking.append(str(error))
    print(*lacking, sep="\n", end="\n" if lacking else "", file=sys.stderr)
    return 2 if lacking else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Real DHCP servers and clients in namespaces.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="servers, clients, scenarios; what is missing")
    run = commands.add_parser("run", help="one exchange, printed by tcpdump")
    run.add_argument("server", choices=SERVERS)
    run.add_argument("client", choices=CLIENTS)
    run.add_argument("scenario", choices=SCENARIOS, nargs="?", default="lease")
    run.add_argument("--options", choices=OPTION_SETS, default="everyday", help="handed out")
    run.add_argument("--lease", type=int, default=600, metavar="S", help="lease time, seconds")
    run.add_argument("--broadcast", choices=("client", "server"), help="who wants broadcasts")
    run.add_argument("--pcap", type=Path, metavar="FILE", help="keep the capture")
    again = commands.add_parser("record", help="record the captures of the test suite again")
    again.add_argument("--out", type=Path, metavar="DIR", default=vm.ROOT / "host_tests/captures")
    args = vars(parser.parse_args())
    try:
        match args.pop("command"):
            case "list":
                return show_list()
            case "record":
                record(args["out"])
            case "run":
                pcap = args.pop("pcap")
                print(Exchange(**args).run(pcap).text(), end="")
    except (Unavailable, LabError, ValueError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
