"""The least that there is: a whole program, as main.py, without a boot.py. It gets a lease, keeps
it, and says what becomes of it.
"""

import json

import board  # boards/<BOARD>/board.py
import dhcpc


def tell(event, lease):
    """Print what has happened, but for single packets."""
    if event not in ("send", "recv", "ignored"):
        print(event, lease.ip if lease else dhcp.reason)


nic = board.nic()
dhcp = dhcpc.Client(nic, on_event=tell)  # silences the built-in client, reads flash
if hasattr(nic, "connect"):
    with open("/dhcpc.json") as f:
        config = json.load(f)
    nic.connect(config["ssid"], config.get("key"))
while True:
    dhcp.poll(100)
