"""A temporary address: for a NIC that can neither bind a socket to a device nor send frames."""

from dhcpc import Link as _Link
from dhcpc import dotted

from ._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class Link(_Link):
    """Sends from a link-local address as long as there is no lease: 169.254.68.x, where x is the
    last byte of the MAC. Nobody probes it, as RFC 3927 2.2.1 asks: Python cannot hear ARP there.
    """

    def __init__(self, nic: "Any") -> None:
        """nic: as dhcpc.Link takes it."""
        super().__init__(nic)
        self.ifconfig = dotted(b"\xa9\xfe\x44" + self.mac[5:], 0), "255.255.0.0", "0.0.0.0"
