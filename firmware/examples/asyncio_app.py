"""An asyncio program beside the client: a main.py in place of the one that runs app.py. boot.py
stays as it is.
"""

import asyncio

from __main__ import connect, dhcp  # boot.py's
from dhcpc import aio

count = 0


async def measure():
    """Work that goes on, network or not."""
    global count
    while True:
        count += 1
        await asyncio.sleep(1)


async def report():
    """Work that needs the network."""
    while True:
        try:
            lease = await aio.acquire(dhcp, timeout_ms=20_000)
        except OSError as error:
            print("no network:", error)
            connect()  # not every port joins anew by itself
            await asyncio.sleep(5)
        else:
            print("%s: %d measured" % (lease.ip, count))
            await asyncio.sleep(10)


async def main():
    """All at once. `keep` renews the lease, and gets another when the network has been away."""
    await asyncio.gather(aio.keep(dhcp), measure(), report())


asyncio.run(main())
