"""Asking the server before it is time to: whether the lease still holds, or for a longer one."""

from dhcpc import Client


def verify(dhcp: Client) -> None:
    """Ask with the next poll whether the lease still holds (INIT-REBOOT, RFC 2131 3.2), as after a
    time in which the link may have been away. Until there is an answer, there is no address.
    Without a lease, nothing.
    """
    lease = dhcp.session.lease
    if lease:
        dhcp.session.start(0, lease.yiaddr)
        dhcp.settle("link")


def renew(dhcp: Client) -> None:
    """Renew the lease with the next poll, before T1. Without a lease, nothing."""
    dhcp.session.due = 0
