"""Address conflicts: what to do when somebody else has the address (RFC 2131 3.1, step 5)."""

from dhcpc import Client

from ._compat import const

_DECLINE = const(4)
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1, step 5


def decline(dhcp: Client) -> None:
    """Send DECLINE: somebody else has the address. It is taken away and its record forgotten, and
    in 10 s there will be a DISCOVER. Without a lease, nothing.
    """
    session = dhcp.session
    if session.lease:
        session.step(dhcp.clock())  # the 10 s begin now
        session.start(_AFTER_DECLINE)
        # First the address goes: DECLINE comes from 0.0.0.0 (RFC 2131 4.4.4).
        dhcp.update("declined", True)
        dhcp.send(_DECLINE)
        session.wait = _AFTER_DECLINE  # whether it could leave or not
        session.yiaddr = bytes(4)  # not to be asked for again
