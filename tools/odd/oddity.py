"""What an oddity is."""

from __future__ import annotations

from dataclasses import dataclass, field

from odd.replies import Answers, Change, proper

LEASE = ("lease",)  # what a client is to get
RENEWAL = ("lease", "renewal")
SECOND = ("lease", "lease")

NOBODY = "0.0.0.0"
ALL = "255.255.255.255"


@dataclass(frozen=True)
class Oddity:
    """What a server does, in a line; how it does it.

    changes: of every reply. answers: what it replies to what; late: after so many seconds. beside:
    an honest server is there too, which answers after so many seconds. same: it offers the same
    address even after a NAK. reboots: the client has its power cut once it has a lease.

    goal: what the client is to get, in this order, in `limit` seconds. right: what is to be
    applied, as a key of Told and its value. refused: why this project's client takes no lease; by:
    the columns where it does not.
    """

    line: str
    changes: tuple[Change, ...] = ()
    answers: Answers = proper
    late: float = 0
    beside: float | None = None
    same: bool = False
    reboots: bool = False
    goal: tuple[str, ...] = LEASE
    limit: int = 20
    right: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    by: tuple[str, ...] = ("rp2", "esp32", "unix")


def odd(line: str, *changes: Change, **more: object) -> Oddity:
    """An Oddity; `more` is its other attributes."""
    return Oddity(line, changes, **more)  # type: ignore[arg-type]
