"""A cable, and the Wi-Fi when that is gone: a whole program, as main.py, without a boot.py, for a
board whose board.py has NICS. Beside boot.py an app.py needs nothing of this: `dhcp` is then the
Failover.
"""

import json

import board  # boards/<BOARD>/board.py
from dhcpc import failover

with open("/dhcpc.json") as f:
    config = json.load(f)


def join(nic):
    """Have the radio join the Wi-Fi, when its turn comes."""
    nic.connect(config["ssid"], config.get("key"))


def tell(event, lease):
    """Print which NIC is the way out, and that there is none: the sockets of the one before are of
    no use any more.
    """
    if event in ("send", "recv", "ignored"):
        return
    if dhcp.used:
        way = dhcp.clients.index(dhcp.used)
        print("%s: NIC %d, %s by %s" % (event, way, lease.ip, lease.gateway))
    else:
        print(event, dhcp.reason)


dhcp = failover.make(board.NICS, join)  # the preferred one first
dhcp.on_event = tell
while True:
    dhcp.poll(100)
