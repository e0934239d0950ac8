"""dnsmasq, ISC dhcpd, Kea, busybox udhcpd: their command lines, their lease files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import struct
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from testbed.network import Network
from testbed.plan import INFINITE, Plan, SearchList
from testbed.process import LabError, wait_for
from testbed.program import Program
from toolchain.programs import Argv


class Server(Program):
    """A running DHCP server; `Lab.serve` makes them."""

    longest_option = 255
    can_commit = False

    def __init__(
        self,
        net: Network,
        plan: Plan,
        number: int,
        leases: Server | None,
        change: Callable[[str], str],
    ) -> None:
        if plan.rapid and not self.can_commit:
            raise ValueError(f"{self.name} knows no Rapid Commit")
        for code, value in plan.all_options().items():
            if len(value) > self.longest_option:
                raise ValueError(f"{self.name} sends at most {self.longest_option} bytes: {code}")
        self.net = net
        self.plan = plan
        self.host = f"server{number}"
        self.mac = f"02:00:00:00:01:{number:02x}"
        self.dir = net.dir / self.host
        self.lease_file = self.dir / "leases"
        net.outside(self.dir).mkdir()
        net.outside(self.lease_file).write_bytes(leases.lease_bytes() if leases else b"")
        net.outside(self.dir / "conf").write_text(change(self.config()))
        address = f"{plan.server}/{plan.network.prefixlen}"
        net.add_host(self.host, self.mac, address)
        self._process = net.start([self.program, *self.args()], host=self.host)
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
        return self.net.outside(self.lease_file).read_bytes()

    def leases(self) -> dict[str, tuple[str, str]]:
        """Its lease file: {address: (MAC, state)}. A lease that is held has the state "active";
        one that was released has another, or is not there."""
        self.flush()
        return self.parse_leases(self.lease_bytes())

    def end(self) -> None:
        """End it. Its host stays, and answers ARP."""
        self.flush()
        self._process.terminate()
        self._process.wait()

    def stop(self) -> None:
        """End it and unplug its host."""
        self.end()
        self.net.remove_host(self.host)


class Dnsmasq(Server):
    name = program = "dnsmasq"
    can_commit = True

    def config(self) -> str:
        plan = self.plan
        options = plan.all_options()
        force = "-force" if plan.force else ""
        pool = plan.pool if plan.clients else (str(plan.network.network_address), "static")
        lines = [
            "port=0",
            "no-ping",
            "interface=eth0",
            f"dhcp-leasefile={self.lease_file}",
            f"dhcp-range={','.join(pool)},{plan.network.netmask},"
            f"{'infinite' if plan.lease == INFINITE else plan.lease}",
            *(["dhcp-option=3"] if 3 not in options else []),  # or else it names itself
            *(f"dhcp-option{force}={code},{_dnsmasq(code, options[code])}" for code in options),
            *(["dhcp-authoritative"] if plan.authoritative else []),
            *(["dhcp-broadcast"] if plan.broadcast else []),
            *(["dhcp-rapid-commit"] if plan.rapid else []),
        ]
        return "\n".join(lines) + "\n"

    def args(self) -> Argv:
        return ["--no-daemon", "--log-dhcp", f"--conf-file={self.dir / 'conf'}"]

    def parse_leases(self, leases: bytes) -> dict[str, tuple[str, str]]:
        lines = [line.split() for line in leases.decode().split("\n")[:-1]]
        return {line[2]: (line[1], "active") for line in lines}


def _dnsmasq(code: int, value: bytes) -> str:
    """An option as dnsmasq wants it: hex, but for those of which it knows what they mean."""
    if code in (3, 6, 28, 33, 42):
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
            *([f"range {' '.join(plan.pool)};"] if plan.clients else []),
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
            "pools": [{"pool": "-".join(plan.pool)}] if plan.clients else [],
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
        if not plan.clients:
            raise ValueError("udhcpd has addresses for clients, or does not start")
        notify = self.net.outside(self.dir / "notify")
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
        written = self.net.outside(self.dir / "written")
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
