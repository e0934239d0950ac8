"""The clients that are put on the wire, and how they are started."""

from __future__ import annotations

from dataclasses import dataclass

from testbed import clients


@dataclass(frozen=True)
class Player:
    """A client. arguments: how it is started; careful: how it is started to look whether its
    address is free, () if it cannot. times: lease, T1, T2 that its servers give, in seconds.
    """

    title: str
    client: type[clients.Client]
    arguments: tuple[str, ...] = ()
    careful: tuple[str, ...] = ()
    times: tuple[int, int, int] = (20, 5, 13)


OURS = Player("this client", clients.Netup, careful=("--probe",))
PEERS = (
    # It waits at random, for up to 10 s, and would miss the end of T2 in 20 s.
    Player("dhclient", clients.Dhclient, times=(60, 5, 13)),
    Player("dhcpcd", clients.Dhcpcd, careful=("--timeout=60",)),  # all but --noarp
    # It takes no lease for shorter than 122 s, and does not heed T1 and T2: these are its own.
    Player("udhcpc", clients.Udhcpc, careful=("-a",), times=(124, 62, 95)),
)
PLAYERS = (OURS, *PEERS)
