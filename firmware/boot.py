"""Brings the network up as /dhcpc.json says, and waits for nothing. What it makes is there for
main.py and at the prompt: `config`, `nic`, `dhcp`, `connect()`. See docs/application.md.
"""

import json

import network

import board  # boards/<BOARD>/board.py
import dhcpc

TEXT = (str,)
NUMBER = (int, float)
SETTINGS = {
    "ssid": TEXT,
    "key": TEXT,
    "hostname": TEXT,
    "timeout_s": NUMBER,
    "watchdog_s": NUMBER,
}


def settings(path):
    """The settings in the file; ValueError names the one that is wrong."""
    try:
        with open(path) as f:
            found = json.load(f)
    except OSError:
        return {}  # a cable needs none
    except ValueError:
        raise ValueError(path + ": not JSON")
    if not isinstance(found, dict):
        raise ValueError(path + ": not an object")
    for name in found:
        kind = SETTINGS.get(name, ())
        if not isinstance(found[name], kind) or kind is NUMBER and not 1 <= found[name] <= 86400:
            raise ValueError("%s: %s" % (path, name))
    return found


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


config = settings("/dhcpc.json")
if "hostname" in config:
    network.hostname(config["hostname"])
nic = board.nic()
if "ssid" not in config and hasattr(nic, "connect"):
    raise ValueError("/dhcpc.json: no ssid")
# Before the network is joined: it keeps the built-in client from asking first.
dhcp = dhcpc.Client(nic)
if "ssid" in config and dhcp.link.up():
    nic.disconnect()  # since before a soft reset, and maybe of another network
connect()
