"""Any RP2 board whose firmware knows where its W5500 or W5100S is, as the WIZnet W5500-EVB-Pico:
Ethernet.
"""

import network


def nic():
    """The board's Ethernet, switched on. By then the built-in client has begun."""
    # SPI, pins and interrupt are compiled into the board's firmware.
    lan = network.WIZNET5K()  # type: ignore[attr-defined]  # the stubs are a Pico W's
    lan.active(True)
    return lan
