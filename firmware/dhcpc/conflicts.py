"""Address conflicts: how to find out that somebody else has the address, and what to do then
(RFC 2131 3.1, step 5; 3.2, step 3; 4.4.1).
"""

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable

_DECLINE = const(4)
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1, step 5
_MAX_CONFLICTS = const(10)  # RFC 5227 1.1, 2.1.1: after so many in a row
_RATE_LIMIT_INTERVAL = const(60000)  # ms


def decline(dhcp: Client) -> None:
    """Send DECLINE: somebody else has the address. It is taken away and its record forgotten, and
    in 10 s there will be a DISCOVER. Without a lease, nothing.
    """
    session = dhcp.session
    if session.lease:
        session.step(dhcp.clock())  # the 10 s begin now
        session.start(_AFTER_DECLINE)
        dhcp.reason = "declined"
        # First the address goes: DECLINE comes from 0.0.0.0 (RFC 2131 4.4.4).
        dhcp.update("declined", True)
        dhcp.send(_DECLINE)
        session.wait = _AFTER_DECLINE  # whether it could leave or not
        session.yiaddr = bytes(4)  # not to be asked for again


def probe(dhcp: Client, used: "Callable[[str], object] | None" = None) -> None:
    """Ask used(ip) before an address is put to use, whether somebody has it already: after
    "bound", "rebooted", "reused", and whenever the address has become another. If so, send DECLINE
    as `decline` does; from the tenth time in a row on, the DISCOVER comes 60 s later. Call it
    before the first poll, and once.

    used: a function that may take seconds, for which `poll` then waits, or None for the link's
    own. If it raises, that is an "error", and the address is used. ValueError: there is none.
    """
    used = used or getattr(dhcp.link, "used", None)
    if not callable(used):
        raise ValueError("used: not callable")
    session = dhcp.session
    update = dhcp.update
    conflicts = 0

    def judge(event: str, clear: object = False, recv: bool = False) -> None:
        nonlocal conflicts
        lease = session.lease
        old = dhcp.lease
        new = lease and event != dhcp.due and not (old and old.yiaddr == lease.yiaddr)
        if lease and new and dhcp.attempt(used, lease.ip):
            if recv:
                dhcp.tell("recv")
            dhcp.due = event  # this address was to be used, so its record is forgotten
            decline(dhcp)
            conflicts += 1
            if conflicts >= _MAX_CONFLICTS:
                session.wait = _RATE_LIMIT_INTERVAL
        else:
            if new:
                conflicts = 0
            update(event, clear, recv)

    dhcp.update = judge  # type: ignore[method-assign]
