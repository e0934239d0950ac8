"""Brings the network up as /dhcpc.json says, and waits for nothing. What it makes is there for
main.py and at the prompt: `config`, `nic`, `dhcp`, `connect()`. See docs/application.md.
"""

import json

import network

import board  # boards/<BOARD>/board.py

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


def silence():
    """Stop the built-in client, which would ask first: an address that is set by hand does."""
    try:
        nic.ifconfig(("0.0.0.0",) * 4)
    except Exception:
        pass  # an ESP32 has set all but the DNS server then


config = settings("/dhcpc.json")
if "hostname" in config:
    network.hostname(config["hostname"])
nic = board.nic()
if "ssid" not in config and hasattr(nic, "connect"):
    raise ValueError("/dhcpc.json: no ssid")
silence()
if "ssid" in config:
    nic.disconnect()  # it may be joined since before a soft reset, and to another network
connect()

import dhcpc  # while the network is being joined, there is time  # noqa: E402

dhcp = dhcpc.Client(nic)
