"""Brings the network up as /dhcpc.json says, and waits for nothing. What it makes is there for
main.py and at the prompt: `config`, `nic`, `dhcp`, `connect()`. See docs/application.md.
"""

import sys

import network

import board  # boards/<BOARD>/board.py
import dhcpc.config


def connect():
    """Join the Wi-Fi, or wake the Ethernet chip that a failed send has put to sleep. Returns at
    once.
    """
    try:
        if "ssid" in config:
            nic.connect(config["ssid"], config.get("key"))
        elif hasattr(nic, "send_ethernet") and nic.status() == 1:
            nic.active(False)
            nic.active(True)
    except OSError:
        pass  # an ESP32 is at it already


config = dhcpc.config.read()
if "hostname" in config:
    network.hostname(config["hostname"])
nic = board.nic()
if "ssid" not in config and hasattr(nic, "connect"):
    raise ValueError("/dhcpc.json: no ssid")
dhcp = dhcpc.config.client(nic, **config)  # from here on the built-in client is silent
if "ssid" in config:
    nic.disconnect()  # it may be joined since before a soft reset, and to another network
connect()
del sys.modules["dhcpc.config"], dhcpc.config  # it has done its part: 5 KB of heap
