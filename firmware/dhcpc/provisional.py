"""An address for the time being, for a NIC that can neither tie a socket to a device nor send
whole frames.
"""

from dhcpc import Link as _Link
from dhcpc import dotted

from ._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class Link(_Link):
    """Sends from a link-local address, 169.254.68.x with the last byte of the MAC, as long as
    there is no lease. It is not probed as RFC 3927 2.2.1 wants it: Python cannot hear ARP there.
    """

    def __init__(self, nic: "Any") -> None:
        """nic: as of dhcpc.Link."""
        super().__init__(nic)
        self.ifconfig = dotted(b"\xa9\xfe\x44" + self.mac[5:], 0), "255.255.0.0", "0.0.0.0"
