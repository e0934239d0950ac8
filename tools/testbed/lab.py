"""The lab: a network with servers and captures on it, ready to use."""

from __future__ import annotations

import itertools
from pathlib import Path

from testbed.network import Network
from testbed.plan import Plan
from testbed.servers import SERVERS, Server
from testbed.wire import Capture


class Lab(Network):
    """A network on which servers can be started, and the client's cable captured."""

    def __init__(self, *, uplink: bool = False) -> None:
        super().__init__(uplink=uplink)
        self._numbers = itertools.count(1)

    def serve(self, name: str, plan: Plan | None = None, leases: Server | None = None) -> Server:
        """Start a server (a key of SERVERS) on a host of its own and wait until it is ready.

        `leases` is a stopped server of the same kind whose lease file it inherits. ValueError says
        what of the plan this server cannot do.
        """
        return SERVERS[name](self, plan or Plan(), next(self._numbers), leases)

    def capture(self, path: Path | None = None) -> Capture:
        """Start to record the DHCP packets on the client's cable, to `path` if it is given."""
        return Capture(self, path)
