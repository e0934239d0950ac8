"""A device that can be reached without a DHCP server, too: an app.py, for the settings in
fallback.json. After 10 s without a lease it has an address of its own, which goes when there is a
lease.
"""

import socket

PORT = 8080

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def setup(dhcp):
    """Open a port at which the device says what address it has."""
    sock.bind(socket.getaddrinfo("0.0.0.0", PORT)[0][-1])
    sock.setblocking(False)


def kind(lease):
    """Where an address is from: "static", "link-local", or the server that has granted it."""
    return getattr(lease, "kind", None) or "lease"


def loop(dhcp):
    """Answer those who ask."""
    lease = dhcp.lease
    try:
        _, whom = sock.recvfrom(64)
        if lease:
            sock.sendto(("%s, %s" % (lease.ip, kind(lease))).encode(), whom)
    except OSError:
        pass  # nobody asks, or the link has just gone
