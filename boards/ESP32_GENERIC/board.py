"""Any board with a chip of the ESP32 family: its own Wi-Fi."""

import network


def nic():
    """The board's Wi-Fi, switched on; the application connects it."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return wlan
