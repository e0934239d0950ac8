"""How an image of MicroPython comes onto a board: by the drive that an RP2's bootloader shows, or
by esptool onto an ESP32; and where it comes from.
"""
