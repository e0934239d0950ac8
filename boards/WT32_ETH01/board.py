"""Wireless-Tag WT32-ETH01: Ethernet by the ESP32's MAC and a LAN8720."""

import network
from machine import Pin


def nic():
    """The board's Ethernet, switched on."""
    lan = network.LAN(  # type: ignore[call-arg]  # the stubs have mimxrt's
        mdc=Pin(23),
        mdio=Pin(18),
        power=Pin(16),
        phy_type=network.PHY_LAN8720,
        phy_addr=1,
        ref_clk=Pin(0),
        ref_clk_mode=Pin.IN,
    )
    if lan.active():
        lan.active(False)  # it is on since before a soft reset
    lan.active(True)
    return lan


def wifi():
    """The board's Wi-Fi, switched on."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return wlan


NICS = nic, wifi  # what makes each, the preferred one first
