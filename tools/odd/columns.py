"""The clients that are put before the odd server, each in a lab that stays: how they are started,
what they tell, how they are ended without a trace."""

from __future__ import annotations

import json
from typing import NamedTuple

from testbed.board import Board, plug_board
from testbed.clients import CLIENTS, Client
from testbed.lab import Lab
from testbed.network import Network
from testbed.process import wait_for
from toolchain import lwip, vm
from toolchain.cli import Unavailable

# In place of the distribution's. What udhcpc tells in $ip, dhclient and dhcpcd do in
# $new_ip_address.
_SCRIPT = """#!/bin/sh
ip=${ip:-$new_ip_address}
mask=${subnet:-$new_subnet_mask}
case $1$reason in
bound | BOUND | REBOOT) word=lease ;;
renew | RENEW | REBIND) word=renewal ;;
*) exit 0 ;;
esac
routes="$staticroutes $new_classless_static_routes "
default=${routes#*0.0.0.0/0 }
router=$router$new_routers
[ "$default" = "$routes" ] || router=${default%% *}
ip -4 address show dev eth0 | grep -q " $ip/" || ip address add $ip/24 dev eth0 || exit 0
echo "$word|$ip|$mask|$router|$dns$new_domain_name_servers" >>/run/lab/told
exit 0
"""

_WORDS = {
    "bound": "lease",
    "rebooted": "lease",
    "renewed": "renewal",
    "rebound": "renewal",
}

# What a board tells is what its NIC has.
_OURS = """
import dhcpc
def on_event(event, lease):
    tell(event, *nic.ifconfig())
nic.active(True)
dhcp = dhcpc.Client(nic, store="/run/lab/lease", on_event=on_event)
nic.connect("lab", "key")
while True:
    dhcp.poll(100)
"""
_BUILT_IN = """
nic.active(True)
nic.connect("lab", "key")
while not nic.isconnected():
    time.sleep(0.02)
tell("bound", *nic.ifconfig())
"""


class Told(NamedTuple):
    """What a client told: event, "lease" or "renewal"; what it applied, "" if that is nothing."""

    event: str
    ip: str
    mask: str
    gateway: str
    dns: str


class Column:
    """A client in its lab. `renews`: whether it renews a lease of seconds."""

    title: str
    renews = True

    def __init__(self, net: Network) -> None:
        self.net = net

    @classmethod
    def require(cls) -> None:
        """Raise Unavailable unless it can be run."""

    @classmethod
    def version(cls) -> str:
        """What it is."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it as if it had never run."""
        raise NotImplementedError

    def restart(self) -> None:
        """Cut its power and start it again, with the lease that it keeps if it does."""
        raise NotImplementedError

    def told(self) -> list[Told]:
        """What it has told so far."""
        raise NotImplementedError

    def said(self) -> str:
        """All that it printed."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it without a word."""
        raise NotImplementedError


class _OnBoard(Column):
    """The MicroPython VM on a port's stack."""

    port: str
    script: str

    def __init__(self, net: Lab) -> None:
        super().__init__(net)
        plug_board(net)

    @classmethod
    def require(cls) -> None:
        if missing := vm.vms()["vm64"].missing:
            raise Unavailable(f"vm64: {missing}")
        lwip.build(cls.port)

    def start(self) -> None:
        self.net.outside(self.net.dir / "lease").unlink(missing_ok=True)
        self._before: list[Told] = []
        self._board = Board(self.net, self.port, self.script)

    def restart(self) -> None:
        self._before = self.told()
        self._board.stop()
        self._board = Board(self.net, self.port, self.script)

    def told(self) -> list[Told]:
        told = self._before[:]
        for event, *four in self._board.told():
            if event in _WORDS:
                told.append(Told(_WORDS[event], *four))
        return told

    def said(self) -> str:
        return self._board.said()

    def stop(self) -> None:
        self._board.stop()


class RP2(_OnBoard):
    title = "rp2"
    port = "rp2"
    script = _OURS

    @classmethod
    def version(cls) -> str:
        return f"this client in the VM, on lwIP with {cls.port}'s options"


class ESP32(RP2):
    title = "esp32"
    port = "esp32"


class RP2BuiltIn(_OnBoard):
    title = "rp2 built-in"
    port = "rp2"
    script = _BUILT_IN
    renews = False  # lwIP's timer for this has a grain of a minute

    @classmethod
    def version(cls) -> str:
        return f"lwIP's own client with {cls.port}'s options"


class ESP32BuiltIn(RP2BuiltIn):
    title = "esp32 built-in"
    port = "esp32"


class _Program(Column):
    """A client of testbed.clients."""

    program: str
    more: tuple[str, ...] = ()

    @classmethod
    def require(cls) -> None:
        CLIENTS[cls.program].require()

    @classmethod
    def version(cls) -> str:
        return CLIENTS[cls.program].version()

    def start(self) -> None:
        self.client: Client = CLIENTS[self.program](self.net)
        self.net.outside(self.client.script).write_text(_SCRIPT)
        self.client.start(*self.more)

    def restart(self) -> None:
        self._kill()
        self.client.start(*self.more)

    def _kill(self) -> None:
        for run in self.client.runs:
            run.kill()
            run.wait()
        self.net.cut_power()

    def told(self) -> list[Told]:
        try:
            lines = self.net.outside(self.net.dir / "told").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Told(*line.split("|")) for line in lines]

    def said(self) -> str:
        return self.client.log()

    def stop(self) -> None:
        self._kill()
        wipe = f"rm -rf {self.client.dir} {self.net.dir}/told /var/lib/dhcpcd/* /run/dhcpcd*"
        self.net.run(["sh", "-c", wipe], host="switch")


class Unix(_Program):
    title = "unix"
    program = "netup"
    more = ("--json",)

    @classmethod
    def version(cls) -> str:
        return "this client in the VM, by tools/netup.py"

    def restart(self) -> None:
        wait_for(self.client.is_bound, "record of the lease")  # a busy machine takes its time
        super().restart()

    def told(self) -> list[Told]:
        told = []
        for line in self.client.log().split("\n")[:-1]:
            event = json.loads(line) if line.startswith("{") else {"event": ""}
            if event["event"] in _WORDS:
                four = event["ip"], event["mask"], event["gateway"] or "0.0.0.0"
                told.append(Told(_WORDS[event["event"]], *four, (event["dns"] or ["0.0.0.0"])[0]))
        return told


class Dhcpcd(_Program):
    title = program = "dhcpcd"


class Dhclient(_Program):
    title = program = "dhclient"


class Udhcpc(_Program):
    title = program = "udhcpc"


OURS: tuple[type[Column], ...] = (RP2, ESP32, Unix)
COLUMNS: tuple[type[Column], ...] = (*OURS, RP2BuiltIn, ESP32BuiltIn, Dhcpcd, Dhclient, Udhcpc)
