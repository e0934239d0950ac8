"""The client as an asyncio task, under MicroPython and CPython."""

import asyncio
import errno

from dhcpc import Client, Lease

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from .failover import Failover

_AT_MOST = const(250)  # ms between polls at most: the link may have gone
_AWAKE = const(50)  # ms between polls while a lease is awaited


async def keep(dhcp: "Client | Failover") -> None:
    """Poll the client for ever: get a lease, keep it, and get another when the link has been away.
    To end this, cancel its task; the lease stays. An exception of on_event ends it, too.
    """
    while True:
        await asyncio.sleep(min(dhcp.poll(), _AT_MOST) / 1000)


async def acquire(dhcp: "Client | Failover", timeout_ms: int = 20000) -> Lease:
    """Wait for a lease and return it. `keep` may run meanwhile, and need not. timeout_ms: below
    2**30.

    OSError: as Client.acquire raises it.
    """
    start = dhcp.clock()
    try:
        old = dhcp.link.error()  # of an earlier try, as long as it does not change
    except Exception:
        old = None  # another link of a Failover may still get a lease
    while True:
        try:
            return dhcp.acquire(0)
        except OSError as error:
            reason = error.args[0]
            if reason == errno.ETIMEDOUT:
                old = reason  # any words of the link are new from here on
            if reason != old or dhcp.clock() - start & 0x3FFFFFFF >= timeout_ms:
                raise
        await asyncio.sleep(_AWAKE / 1000)
