"""Any RP2 board with a CYW43, as the Raspberry Pi Pico W: its Wi-Fi."""

import network


def nic():
    """The board's Wi-Fi, switched on; the application connects it."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return wlan
