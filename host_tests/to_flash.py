"""Images of MicroPython for `make flash`, and what stands in for esptool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import images
from device.virtual import VirtualBoard

PICO_W = "Raspberry Pi Pico W with RP2040"
ESP32 = "Generic ESP32 module with ESP32"

ESPTOOL = """
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
print("esptool v5.6.0")
if "flash-id" in sys.argv:
    print({asked!r})
    sys.exit({ask_code})
sys.exit({write_code})
"""
ASKED = """Connected to {chip} on /dev/moon:
Chip type:          {chip} (revision v3.1)
MAC:                30:ae:a4:00:53:01

Manufacturer: 68
Detected flash size: {size}"""


def uf2(machine: str, family: int = images.RP2040) -> bytes:
    """MicroPython for an RP2."""
    return images.uf2((images.BANNER + machine.encode()).ljust(2048, b"\0"), family)


def flash_bin(
    machine: str, chip: str = "ESP32", offset: int = 0x1000, files: bytes = b""
) -> bytes:
    """MicroPython for an ESP32."""
    return images.esp(images.BANNER + machine.encode(), chip=chip, offset=offset, files=files)


Run = Callable[..., tuple[int, str]]
Put = Callable[..., None]
Calls = Callable[[], list[list[str]]]
Written = Callable[[], bool]
Write = Callable[[bytes], Path]
On = Callable[[str], VirtualBoard]
