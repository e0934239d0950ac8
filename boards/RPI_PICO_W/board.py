"""Raspberry Pi Pico W: Wi-Fi by a CYW43439."""

import network


def nic():
    """The board's Wi-Fi, switched on; the application connects it."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return wlan
