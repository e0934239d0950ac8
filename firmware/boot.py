"""Brings the network up as /dhcpc.json says, and waits for nothing. What it makes is there for
main.py and at the prompt: `config`, `nic`, `dhcp`, `faults`, `connect()`. See
docs/application.md.
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


def off(nic):
    """Switch a NIC off that is not used: its built-in client may have port 68."""
    try:
        nic.active(False)
    except (OSError, RuntimeError):
        pass


def client(nic):
    """Make a Client on a NIC, whose built-in client asks no more after this; None on a radio that
    has no network to join.
    """
    radio = hasattr(nic, "connect")
    if radio and "ssid" not in config:
        return None
    try:
        dhcp = dhcpc.config.client(nic, **config)
    except ValueError as error:
        if str(error) == "nic: not active":
            raise OSError(error)
        raise ValueError("/dhcpc.json: %s" % error)
    if radio:
        nic.disconnect()  # it may be joined since before a soft reset, and to another network
    return dhcp


config = dhcpc.config.read()
if "hostname" in config:
    network.hostname(config["hostname"])
nics: list = []
clients: list = []
faults = []  # in words, of the NICs that do not work, while others do
makers = getattr(board, "NICS", (board.nic,))
for make in reversed(makers):  # the preferred one last, see dhcpc.failover
    nic = dhcp = None
    try:
        nic = make()
        dhcp = client(nic)
    except (OSError, RuntimeError) as error:
        if make is makers[0] and not nics:
            raise
        faults.append("board.%s(): %s: %s" % (make.__name__, type(error).__name__, error))
    if dhcp:
        nics.insert(0, nic)
        clients.insert(0, dhcp)
    elif nic:
        off(nic)
if not nics:
    raise ValueError("/dhcpc.json: no ssid")
if len(nics) > 1 and "fallback" in config:
    raise ValueError("/dhcpc.json: fallback: it does not go with several NICs")
nic = nics[0]
if len(nics) > 1:
    from dhcpc.failover import Failover

    dhcp = Failover(clients, join)
else:
    dhcp = clients[0]
connect()
del sys.modules["dhcpc.config"], dhcpc.config  # it has done its part: 5 KB of heap
