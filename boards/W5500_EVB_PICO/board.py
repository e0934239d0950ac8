"""WIZnet W5500-EVB-Pico: Ethernet by a W5500 on SPI."""

import network


def nic():
    """The board's Ethernet, switched on. By then the built-in client has begun."""
    # SPI, pins and interrupt are compiled into the board's firmware.
    lan = network.WIZNET5K()  # type: ignore[attr-defined]  # the stubs are a Pico W's
    lan.active(True)
    return lan
