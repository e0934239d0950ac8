"""Espressif ESP32-P4-Function-EV-Board: Ethernet by the ESP32-P4's MAC and an IP101."""

import network
from machine import Pin


def nic():
    """The board's Ethernet, switched on."""
    lan = network.LAN(  # type: ignore[call-arg]  # the stubs have mimxrt's
        mdc=Pin(31),
        mdio=Pin(52),
        phy_type=network.PHY_IP101,
        phy_addr=1,
    )
    if lan.active():
        lan.active(False)  # it is on since before a soft reset
    lan.active(True)
    return lan
