"""Many sessions of the firmware in one process, and one real server: in the lab."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import LabError

_HERE = Path(__file__).resolve().parent
MOST = 50_000  # boards, for which there is room in the subnet

_SUBNET = "10.77.0.0/16"
_LEASE_S = 3600


class Live(NamedTuple):
    """What came of it. seconds: from the first packet to each board's lease, in order. leases: the
    address of each board, by its MAC. sent: packets of all boards. server: {address: MAC} of its
    lease file."""

    seconds: list[float]
    leases: dict[str, str]
    sent: int
    server: dict[str, str]

    def faults(self, boards: int) -> list[str]:
        """What is not as it should be."""
        found = []
        if len(self.leases) < boards:
            found.append(f"{boards - len(self.leases)} of {boards} boards have no lease")
        if doubled := len(self.leases) - len({*self.leases.values()}):
            found.append(f"{doubled} boards have the address of another one")
        if wrong := [mac for mac, ip in self.leases.items() if self.server.get(ip) != mac]:
            found.append(f"the server knows nothing of the leases of {len(wrong)} boards")
        return found


def run(boards: int, server: str = "kea") -> Live:
    """Give so many boards power at once, and wait until all have a lease, or a minute has gone."""
    with Lab() as net:
        plan = Plan(_SUBNET, clients=boards + boards // 10, lease=_LEASE_S, options="minimal")
        running = net.serve(server, plan)
        said = net.run([sys.executable, _HERE / "live_lab.py", str(boards)])
        leases = running.leases()
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        raise LabError(f"the boards said: {said}") from None
    active = {ip: mac for ip, (mac, state) in leases.items() if state == "active"}
    return Live(found["seconds"], found["leases"], found["sent"], active)
