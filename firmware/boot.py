"""Brings the network up as /dhcpc.json says, and waits for nothing. What it makes is there for
main.py and at the prompt: `config`, `nic`, `dhcp`, `connect()`. See docs/application.md.
"""

import sys

import network

import board  # boards/<BOARD>/board.py
import dhcpc.config


def join(nic):
    """Have a radio join the Wi-Fi. Returns at once."""
    nic.connect(config["ssid"], config.get("key"))


def connect():
    """Join the Wi-Fi, or wake the Ethernet chip that a failed send has put to sleep. Returns at
    once.
    """
    for each in nics:
        try:
            if hasattr(each, "connect"):
                if len(nics) == 1:  # or else `dhcp` has it join when its turn comes
                    join(each)
            elif hasattr(each, "send_ethernet") and each.status() == 1:
                each.active(False)
                each.active(True)
        except (OSError, RuntimeError):
            pass  # an ESP32 is at it already; main.py says so if it lasts


config = dhcpc.config.read()
if "hostname" in config:
    network.hostname(config["hostname"])
nics = list(board.nics()) if hasattr(board, "nics") else [board.nic()]
if not nics:
    raise ValueError("board.nics(): there is none")
if "ssid" not in config:
    for each in [each for each in nics if hasattr(each, "connect")]:
        each.active(False)  # or its built-in client has port 68
        nics.remove(each)
    if not nics:
        raise ValueError("/dhcpc.json: no ssid")
if len(nics) > 1 and "fallback" in config:
    raise ValueError("/dhcpc.json: fallback: it does not go with several NICs")
try:
    # No built-in client asks any more after this.
    clients = [dhcpc.config.client(each, **config) for each in nics]
except ValueError as error:
    raise ValueError("/dhcpc.json: %s" % error)
for each in nics:
    if hasattr(each, "connect"):
        each.disconnect()  # it may be joined since before a soft reset, and to another network
nic = nics[0]
if len(nics) > 1:
    from dhcpc.failover import Failover

    dhcp = Failover(clients, join)
else:
    dhcp = clients[0]  # type: ignore[assignment]  # both have the same face
connect()
del sys.modules["dhcpc.config"], dhcpc.config  # it has done its part: 5 KB of heap
