"""A lab with one client, in which a scene is played; what has been on the wire then."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from odd.oddities import named
from odd.server import OddServer
from peers.players import Player
from peers.traffic import Sent, sent
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.process import LabError, wait_for
from testbed.servers import Server

FIRST = "192.0.2.100"  # what Kea offers a client that it does not know

_PATIENCE_S = 180.0  # udhcpc takes a lease of 20 s for one of 122 s
_LOOK_S = 0.1
_SETTLE_S = 0.3  # for the answers to the last message to come in
_SQUATTER = "02:00:00:00:00:02"


class Stage:
    """What a scene can do. A context manager."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self._cuts: list[float] = []
        self._shown_from = 0.0
        with contextlib.ExitStack() as stack:
            self._lab = stack.enter_context(Lab())
            self._client = player.client(self._lab)
            self._capture = stack.enter_context(self._lab.capture())
            self._stack = stack.pop_all()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def serve(self, name: str, plan: Plan | None = None) -> Server:
        """Start a server; without a plan, with leases of the player's times."""
        lease, t1, t2 = self.player.times
        return self._lab.serve(name, plan or Plan(lease=lease, t1=t1, t2=t2))

    def serve_stubborn(self) -> Server:
        """Start a server with leases of the player's times, which refuses one that it does not
        know.
        """
        lease, t1, t2 = self.player.times
        plan = Plan(lease=lease, t1=t1, t2=t2, authoritative=False)
        return self._lab.serve("dnsmasq", plan)

    def replace(self, server: Server) -> None:
        """Stop a server, and start another in its place, its address and its MAC included, which
        knows of no lease.
        """
        server.stop()
        other = self._lab.serve(server.name, server.plan)
        move = ["ip", "link", "set", "eth0", "address", server.mac]
        self._lab.run(move, host=other.host)
        hear = ["ip", "link", "set", other.host, "type", "bridge_slave", "flood", "on"]
        self._lab.run(hear, host="switch")  # the switch has not seen that MAC there

    def serve_heir(self, server: Server) -> None:
        """End a server, and start another with its leases, which has an address of its own."""
        server.end()
        self._lab.serve(server.name, replace(server.plan, host=2), leases=server)

    def be_odd(self, oddity: str) -> None:
        """Put an odd server there."""
        self._stack.enter_context(OddServer(self._lab)).be(named()[oddity])

    def squat(self, address: str) -> None:
        """Put another host there that has an address."""
        self._lab.add_host("squatter", _SQUATTER, f"{address}/24")

    def start(self) -> None:
        """Start the client."""
        self._client.start(*self.player.arguments)

    def start_careful(self) -> None:
        """Start the client so that it looks whether an address is free."""
        self._client.start(*self.player.careful)

    def bind(self) -> None:
        """Start the client and wait until it has its first lease."""
        self.start()
        self.wait("ACK")
        wait_for(self._client.is_bound, f"lease of {self._client.name}")

    def cut_power(self) -> None:
        """Cut the client's power. The scene is shown from here on."""
        self._lab.cut_power()
        self._shown_from = time.time()
        self._cuts.append(self._shown_from)

    def release(self) -> None:
        """Have the client give its lease back."""
        self._client.release()

    def wait(self, kind: str, count: int = 1) -> None:
        """Wait for the count-th message of a type."""
        seen = b""

        def there() -> bool:
            nonlocal seen
            pcap = self._capture.pcap()
            if pcap == seen:
                time.sleep(_LOOK_S)
                return False
            seen = pcap
            return len(self._capture.messages(kind)) >= count

        try:
            wait_for(there, f"{kind} number {count}", _PATIENCE_S)
        except LabError as error:
            said = f"{' '.join(self._capture.types())}\n{self._client.log()}"
            raise LabError(f"{self._client.name}: {error}, only {said}") from None

    def played(self) -> list[Sent]:
        """What the client has sent so far."""
        time.sleep(_SETTLE_S)
        all_sent = sent(self._capture.messages(), self._cuts)
        return [each for each in all_sent if each.time >= self._shown_from]
