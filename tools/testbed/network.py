"""A network of its own: a switch, a client's host on it, and further hosts, in namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TypeVar

from testbed.process import PATIENCE_S, LabError, Process, only_child, python
from toolchain.cli import Unavailable
from toolchain.programs import ENVIRONMENT, PACKAGES, Argv, require, which

CLIENT_MAC = "02:00:00:00:00:01"  # locally administered, as every MAC here

N = TypeVar("N", bound="Network")


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


class Network:
    """A switch, a client's host on it with an eth0, and what hosts are added.

    A context manager; any number may be open at once. All of it lives in fresh mount, PID and
    network namespaces (and a user namespace, unless root asks), with a /run and an /etc of their
    own. The first process there reads a pipe from this one. However this one ends, the pipe
    closes, that one ends, and the kernel kills and removes all the rest: nothing is left over.

    `uplink` gives the client a second interface eth1, 203.0.113.2/24, and a default route through
    it. Raises Unavailable if there can be none here.
    """

    dir = Path("/run/lab")  # for files; `outside` tells where this process finds them

    def __init__(self, *, uplink: bool = False) -> None:
        self._uplink = uplink
        self._processes: list[Process] = []

    def __enter__(self: N) -> N:
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
            pid = only_child(self._anchor.pid)
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
        self.run(python(_whole_checksums, "eth0"), host=name)
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
                self.run(["install", "-D", which(program) or "", copy], host="switch")
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
