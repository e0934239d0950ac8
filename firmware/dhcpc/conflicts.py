"""Address conflicts: how to find out that another host has the address, and what to do then
(RFC 2131 3.1, step 5; 3.2, step 3; 4.4.1).
"""

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable

_DECLINE = const(4)  # RFC 2132 9.6
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1, step 5
_MAX_CONFLICTS = const(10)  # RFC 5227 1.1, 2.1.1: from this many on
_RATE_LIMIT_INTERVAL = const(60000)  # ms


def decline(dhcp: Client) -> None:
    """Send DECLINE: another host has the address. The address is taken away and its record is
    forgotten. A DISCOVER follows in 10 s; from the tenth time on, in 60 s: with `probe`, from the
    tenth in a row. Without a lease this does nothing.
    """
    session = dhcp.session
    if session.lease:
        dhcp.conflicts = count = getattr(dhcp, "conflicts", 0) + 1
        wait = _AFTER_DECLINE if count < _MAX_CONFLICTS else _RATE_LIMIT_INTERVAL
        session.start(wait)
        dhcp.reason = "declined"
        dhcp.save = dhcp.clear
        dhcp.saved = None
        # The address goes first: DECLINE comes from 0.0.0.0 (RFC 2131 4.4.4).
        dhcp.update("declined")
        dhcp.send(_DECLINE)
        # The wait begins now, whether the message could leave or not.
        session.wait = wait
        session.last = dhcp.last
        session.yiaddr = bytes(4)  # the next DISCOVER does not ask for it


def probe(dhcp: Client, used: "Callable[[str], object] | None" = None) -> None:
    """Call used(ip) before an address is put to use: after "bound", "rebooted", "reused", and
    whenever the address has changed. If it is true, send DECLINE as `decline` does. Call it before
    the first poll.

    An address that is kept until its renewal ends the row of conflicts. A link that comes back
    does not: from the tenth conflict on, it is also followed by 60 s without a packet.

    used: whether another host has the address. It may take seconds, and `poll` waits for it. None:
    the link's own method `used`. If it raises, the event is "error", and the address is used.
    ValueError: it is not callable, or the link has none.
    """
    used = used or getattr(dhcp.link, "used", None)
    if not callable(used):
        raise ValueError("used: not callable")
    session = dhcp.session
    start, update = dhcp.start, dhcp.update

    def begin() -> None:
        start()
        if getattr(dhcp, "conflicts", 0) >= _MAX_CONFLICTS and not session.lease:
            session.wait = _RATE_LIMIT_INTERVAL

    def judge(event: str, clear: object = False, recv: bool = False) -> None:
        lease = session.lease
        old = dhcp.lease
        new = lease and event != dhcp.due and not (old and old.yiaddr == lease.yiaddr)
        if lease and new and dhcp.attempt(used, lease.ip):
            if recv:
                dhcp.tell("recv")
            decline(dhcp)
        else:
            if old and lease and not new:
                dhcp.conflicts = 0
            update(event, clear, recv)

    dhcp.start, dhcp.update = begin, judge  # type: ignore[method-assign]
