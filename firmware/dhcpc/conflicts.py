"""Address conflicts: how to find out that somebody else has the address, and what to do then
(RFC 2131 3.1, step 5; 3.2, step 3; 4.4.1).
"""

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable

_DECLINE = const(4)
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1, step 5
_MAX_CONFLICTS = const(10)  # RFC 5227 1.1, 2.1.1: from so many on
_RATE_LIMIT_INTERVAL = const(60000)  # ms
_COUNT = "conflicts"  # of the client's: those found when an address was new, and later ones


def decline(dhcp: Client) -> None:
    """Send DECLINE: somebody else has the address. It is taken away and its record forgotten, and
    in 10 s there will be a DISCOVER; from the tenth time on, in 60 s. Without a lease, nothing.
    """
    session = dhcp.session
    if session.lease:
        count = getattr(dhcp, _COUNT, 0) + 1
        setattr(dhcp, _COUNT, count)
        wait = _AFTER_DECLINE if count < _MAX_CONFLICTS else _RATE_LIMIT_INTERVAL
        session.start(wait)
        dhcp.reason = "declined"
        # First the address goes: DECLINE comes from 0.0.0.0 (RFC 2131 4.4.4).
        dhcp.update("declined", True)
        dhcp.send(_DECLINE)
        session.wait = wait  # whether it could leave or not,
        session.last = dhcp.last  # and from then on
        session.yiaddr = bytes(4)  # not to be asked for again


def probe(dhcp: Client, used: "Callable[[str], object] | None" = None) -> None:
    """Ask used(ip) before an address is put to use, whether somebody has it already: after
    "bound", "rebooted", "reused", and whenever the address has become another. If so, send DECLINE
    as `decline` does. An address that lasts until it is renewed ends the row of conflicts; a link
    that comes back does not, and from the tenth on it, too, is followed by 60 s. Call it before
    the first poll, and once.

    used: a function that may take seconds, for which `poll` then waits, or None for the link's
    own. If it raises, that is an "error", and the address is used. ValueError: there is none.
    """
    used = used or getattr(dhcp.link, "used", None)
    if not callable(used):
        raise ValueError("used: not callable")
    session = dhcp.session
    start, update = dhcp.start, dhcp.update

    def begin() -> None:
        start()
        if getattr(dhcp, _COUNT, 0) >= _MAX_CONFLICTS and not session.lease:
            session.wait = _RATE_LIMIT_INTERVAL

    def judge(event: str, clear: object = False, recv: bool = False) -> None:
        lease = session.lease
        old = dhcp.lease
        new = lease and event != dhcp.due and not (old and old.yiaddr == lease.yiaddr)
        if lease and new and dhcp.attempt(used, lease.ip):
            if recv:
                dhcp.tell("recv")
            dhcp.due = event  # this address was to be used, so its record is forgotten
            decline(dhcp)
        else:
            if old and lease and not new:
                setattr(dhcp, _COUNT, 0)
            update(event, clear, recv)

    dhcp.start, dhcp.update = begin, judge  # type: ignore[method-assign]
