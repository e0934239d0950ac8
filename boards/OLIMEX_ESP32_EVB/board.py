"""Olimex ESP32-EVB: Ethernet by the ESP32's MAC and a LAN8710."""

import network
from machine import Pin


def nic():
    """The board's Ethernet, switched on."""
    lan = network.LAN(  # type: ignore[call-arg]  # the stubs have mimxrt's
        mdc=Pin(23),
        mdio=Pin(18),
        phy_type=network.PHY_LAN8710,
        phy_addr=0,
        ref_clk=Pin(0),
        ref_clk_mode=Pin.IN,
    )
    lan.active(True)
    return lan


def nics():
    """The Ethernet and the board's Wi-Fi, both switched on, for dhcpc.failover."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return [nic(), wlan]
