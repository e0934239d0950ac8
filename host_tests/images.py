"""Images of MicroPython that are none: they have what the tools look for, and no program."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

from esptool import bin_image

BANNER = b"MicroPython v1.25.0 on 2025-04-15; "
PICO_W = BANNER + b"Raspberry Pi Pico W with RP2040"
PICO2_W = BANNER + b"Raspberry Pi Pico 2 W with RP2350"
ESP32 = BANNER + b"Generic ESP32 module with ESP32"
RP2040, RP2350, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF57
XIP = 0x1000_0000
MIB = 1024 * 1024
# ports/esp32/partitions-4MiB.csv of MicroPython 1.25: type, subtype, offset, size
WITH_VFS = {
    "nvs": (1, 2, 0x9000, 0x6000),
    "phy_init": (1, 1, 0xF000, 0x1000),
    "factory": (0, 0, 0x10000, 0x1F0000),
    "vfs": (1, 0x81, 0x200000, 0x200000),
}
WITHOUT_VFS = {name: WITH_VFS[name] for name in WITH_VFS if name != "vfs"}  # of 1.26


def uf2(flash: bytes, family: int = RP2040, start: int = 0) -> bytes:
    """Flash from `start` on, as Microsoft describes UF2, in blocks of 256 bytes."""
    parts = [flash[at : at + 256] for at in range(0, len(flash), 256)]
    return b"".join(
        struct.pack(
            "<8I476sI",
            *(0x0A324655, 0x9E5D5157, 0x2000, XIP + start + 256 * number, 256, number, len(parts)),
            *(family, part, 0x0AB16F30),
        )
        for number, part in enumerate(parts)
    )


def absolute_block() -> bytes:
    """What picotool puts before an image for RP2350 A2 (RP2350-E10)."""
    head = (0x0A324655, 0x9E5D5157, 0xA000, 0x10FF_FF00, 256, 0, 2, ABSOLUTE)
    data = b"\xef" * 256 + struct.pack("<I", 0x9957E304)  # an extension tag
    return struct.pack("<8I476sI", *head, data, 0x0AB16F30)


def with_info(program: bytes, start: int, size: int) -> bytes:
    """A program whose binary info (picotool reads it) tells where two file systems are."""
    at = 0x200
    romfs, files, names = at + 36, at + 64, at + 96
    info = struct.pack("<5I", 0x7188EBF2, XIP + at + 20, XIP + at + 32, 0, 0xE71AA390)
    info += struct.pack("<3I", 0x2000_0000, XIP + romfs, XIP + files)  # the first is in RAM
    info = info.ljust(romfs - at, b"\0")
    device = struct.pack("<2H5IH", 7, 0x504D, XIP + names + 12, XIP + 0x8000, 0x1000, 0, 0, 1)
    info = (info + device).ljust(files - at, b"\0")
    device = struct.pack("<2H5IH", 7, 0x504D, XIP + names, XIP + start, size, 0, 0, 3)
    info = (info + device).ljust(names - at, b"\0") + b"MicroPython\0ROMFS\0"
    return bytes(at) + info + program


def esp_program(data: bytes, chip: str = "ESP32", flash: int = 4 * MIB) -> bytes:
    """Something that boots on an ESP32 with so much flash, made by esptool."""
    made = getattr(bin_image, f"{chip}FirmwareImage")()
    data += bytes(-len(data) % 4)
    made.segments = [bin_image.ELFSection(b".dram0.data", 0x3FFE_8000, data, 0)]
    made.entrypoint = 0x4008_0000
    made.chip_id = made.ROM_LOADER.IMAGE_CHIP_ID
    made.flash_size_freq = ((flash // MIB).bit_length() - 1) << 4
    saved = made.save(None)
    assert saved
    return bytes(saved)


def table(partitions: Mapping[str, tuple[int, int, int, int]]) -> bytes:
    """A partition table, as ESP-IDF's gen_esp32part.py makes it."""
    entries = b"".join(
        struct.pack("<2s2B2I16sI", b"\xaa\x50", *partitions[name], name.encode(), 0)
        for name in partitions
    )
    md5 = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    return (entries + md5).ljust(0xC00, b"\xff")


def esp(
    program: bytes = ESP32,
    partitions: Mapping[str, tuple[int, int, int, int]] = WITH_VFS,
    chip: str = "ESP32",
    offset: int = 0x1000,
    files: bytes = b"",
) -> bytes:
    """An image as MicroPython's makeimg.py merges it, from `offset` on; with files in `vfs`."""
    flash = b"\xff" * offset + esp_program(b"bootloader", chip)
    flash = flash.ljust(0x8000, b"\xff") + table(partitions)
    flash = flash.ljust(0x10000, b"\xff") + esp_program(program, chip)
    return (flash.ljust(0x200000, b"\xff") + files if files else flash)[offset:]
