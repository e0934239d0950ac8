"""What `make image` makes, read without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rp2040py.device.load_flash import decode_block

import images
from toolchain import vm

PICO_W, ESP32 = "RPI_PICO_W", "ESP32_GENERIC"
SIZE = 848 * 1024  # of a Pico W's file system
CONFIG = {"ssid": "home", "key": "correct horse", "hostname": "greenhouse"}
VM = vm.vms()["vm64"]
needs_vm = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")

Make = Callable[..., Path]


def flash_of(path: Path) -> bytes:
    """Flash after a UF2, read as the emulator's bootloader reads it."""
    data = path.read_bytes()
    flash = bytearray(b"\0" * 2 * images.MIB)
    for at in range(0, len(data), 512):
        block = decode_block(data[at : at + 512])
        start = block.flash_address - images.XIP
        flash[start : start + len(block.payload)] = block.payload
    return bytes(flash)


def files_of(path: Path) -> bytes:
    return flash_of(path)[-SIZE:]


# ESP32

IMAGE = images.esp()
