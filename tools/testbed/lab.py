"""The lab: a network with servers and captures on it, ready to use."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from testbed.network import Network
from testbed.plan import Plan
from testbed.servers import SERVERS, Server
from testbed.wire import Capture

_BEHIND = "198.51.100.1"  # of a server behind a relay

# The end of the server's cable that is on the switch goes to the relay, which passes on what is
# for the server itself, too.
_RELAY = f"""
ip link set {{server}} netns relay
ip -n relay link set {{server}} name eth1
ip -n relay link set eth1 up
ip -n relay address add 198.51.100.2/24 dev eth1
ip netns exec relay sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip -n {{server}} address add {_BEHIND}/24 dev eth0
ip -n {{server}} route add {{network}} via 198.51.100.2
"""


class Lab(Network):
    """A network on which servers can be started, and the client's cable captured."""

    def __init__(self, *, uplink: bool = False) -> None:
        super().__init__(uplink=uplink)
        self._numbers = itertools.count(1)

    def serve(
        self,
        name: str,
        plan: Plan | None = None,
        leases: Server | None = None,
        change: Callable[[str], str] = str,
    ) -> Server:
        """Start a server (a key of SERVERS) on a host of its own and wait until it is ready.

        `leases` is a stopped server of the same kind whose lease file it inherits. `change` makes
        of its configuration file another. ValueError says what of the plan this server cannot do.
        """
        return SERVERS[name](self, plan or Plan(), next(self._numbers), leases, change)

    def relay(self, server: Server) -> str:
        """Put a relay, which has the address that the server had, between the client's cable and
        the server; return the address that the server then has on a cable of its own.
        """
        network = server.plan.network
        self.run(["ip", "address", "flush", "dev", "eth0"], host=server.host)
        self.add_host("relay", "02:00:00:00:02:01", f"{server.plan.server}/{network.prefixlen}")
        script = _RELAY.format(server=server.host, network=network)
        self.run(["sh", "-ec", script], host="switch")
        argv = ["dnsmasq", "--no-daemon", "--port=0", "--conf-file=/dev/null"]
        self.start([*argv, f"--dhcp-relay={server.plan.server},{_BEHIND}"], host="relay")
        return _BEHIND

    def capture(self, path: Path | None = None) -> Capture:
        """Start to record the DHCP packets on the client's cable, to `path` if it is given."""
        return Capture(self, path)
