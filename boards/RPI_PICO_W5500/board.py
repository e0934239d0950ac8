"""A Raspberry Pi Pico, or any other RP2040 board, and a W5500 on its SPI: Ethernet."""

import network
from machine import SPI, Pin


def nic():
    """The Ethernet, switched on. By then the built-in client has begun."""
    lan = network.WIZNET5K(  # type: ignore[attr-defined]  # the stubs are a Pico W's
        SPI(0, 20_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16)),
        Pin(17),  # CS
        Pin(20),  # RST
        Pin(21),  # INT
    )
    lan.active(True)
    return lan
