"""udhcpc, dhclient, dhcpcd, and tools/netup.py: their command lines, how they are told
to renew.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys

from testbed.network import Network
from testbed.process import Process, wait_for
from testbed.program import Program
from toolchain import vm
from toolchain.cli import Unavailable
from toolchain.programs import Argv

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
    probing: tuple[str, ...] = ()  # what has it ask whether somebody has the address
    rapid: tuple[str, ...] = ()  # and what has it ask for a lease by two messages

    def __init__(self, net: Network, *, broadcast: bool = False) -> None:
        if broadcast and not self.can_broadcast:
            raise ValueError(f"{self.name} does not set the broadcast flag when asked to")
        self.net = net
        self.broadcast = broadcast
        self.dir = net.dir / "client"
        self.script = self.dir / "script"
        net.outside(self.dir).mkdir()
        net.outside(self.script).write_text(_SCRIPT)
        net.outside(self.script).chmod(0o755)
        net.outside(self.dir / "conf").write_text(self.config())
        self.runs: list[Process] = []

    def config(self) -> str:
        """The text of its configuration file, `dir / "conf"`."""
        return ""

    def command(self) -> Argv:
        """Its command line."""
        raise NotImplementedError

    def start(self, *more: str) -> None:
        """Start it, with more arguments; it runs until it is ended."""
        self.runs.append(self.net.start([*self.command(), *more]))

    def renew(self) -> None:
        """Have it renew now; one that cannot be told does it at T1."""

    def release(self) -> None:
        """Have it send a RELEASE."""
        raise NotImplementedError

    def is_bound(self) -> bool:
        """Has it applied a lease, and kept it for the next start?"""
        return bool(self.net.addresses())

    def log(self) -> str:
        """What it has printed."""
        return "".join(run.said() for run in self.runs)


class Udhcpc(Client):
    name = program = "udhcpc"
    shows_version = "--help"
    can_broadcast = True
    scenarios = ("lease", "decline")  # it keeps no lease to come back with
    probing = ("-a", "-A", "1")

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
        self.net.run([*self.command(), "-r"])


class Dhcpcd(Client):
    name = program = "dhcpcd"
    can_broadcast = True
    scenarios = ("lease", "reboot", "nak", "inform", "rapid")
    rapid = ("--noarp", "--option", "rapid_commit")

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
    scenarios = ("lease", "reboot", "nak", "decline")
    probing = ("--probe",)
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
        return super().is_bound() and self.net.outside(self.dir / "lease").exists()

    def release(self) -> None:
        self.runs[-1].terminate()


CLIENTS: dict[str, type[Client]] = {c.name: c for c in (Udhcpc, Dhclient, Dhcpcd, Netup)}
