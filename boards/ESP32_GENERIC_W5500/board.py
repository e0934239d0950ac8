"""Any module with an ESP32, and a W5500 on its SPI: Ethernet and Wi-Fi."""

import network
from machine import SPI, Pin


def nic():
    """The Ethernet, switched on."""
    lan = network.LAN(  # type: ignore[call-arg]  # the stubs have mimxrt's
        spi=SPI(2, sck=Pin(18), mosi=Pin(23), miso=Pin(19)),
        cs=Pin(5),
        int=Pin(4),
        phy_type=network.PHY_W5500,
        phy_addr=0,
    )
    if lan.active():
        lan.active(False)  # it is on since before a soft reset
    lan.active(True)
    return lan


def wifi():
    """The Wi-Fi, switched on."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return wlan


NICS = nic, wifi  # what makes each, the preferred one first
