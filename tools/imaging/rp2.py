"""What the bootloader of RP2040 and RP2350 takes: UF2, blocks of flash with their addresses.

Read in MicroPython 1.22 to 1.29: ports/rp2/rp2_flash.c, ports/rp2/boards/; in the Pico SDK:
boot/uf2.h, pico/binary_info/structure.h. The format: https://github.com/microsoft/uf2
"""

from __future__ import annotations

import struct

from uf2utils.block import DataBlock
from uf2utils.constants import BlockSize, Flags
from uf2utils.file import UF2File
from uf2utils.header import UF2DecodeError

from device.catalogue import Model

_FLASH, _MOST = 0x1000_0000, 0x100_0000  # where the processor sees it; bytes that it can see
_FAMILIES = {0xE48BFF56: "rp2040", 0xE48BFF59: "rp2350", 0xE48BFF5A: "rp2350"}  # ARM, RISC-V
# RP2350-E10: a block by itself, which comes first and makes the bootloader take the others.
_ABSOLUTE = 0xE48BFF57
_ERASED = b"\xff"

# Binary info: what a program for the chip says of itself, picotool reads it
_INFO, _INFO_END = 0x7188EBF2, 0xE71AA390
_INFO_WITHIN = 1024  # bytes of the start
_BLOCK_DEVICE, _MICROPYTHON = 7, int.from_bytes(b"MP", "little")
_NAME = b"MicroPython\0"  # of the block device with the files; another may be ROMFS


class Image:
    """MicroPython for an RP2.

    flash: what it puts into flash, from its start. `start`, `size`: where in flash its file system
    is, in bytes. `at`, `needs`: are about an ESP32.
    """

    at = needs = 0

    def __init__(self, data: bytes, model: Model) -> None:
        """ValueError: what is wrong with it."""
        blocks = _blocks(data)
        count = sum(block.header.board_family == _ABSOLUTE for block in blocks)
        self._first, blocks = data[: count * BlockSize], blocks[count:]
        if not blocks:
            raise ValueError("no MicroPython is in it")
        _check_whole(blocks)
        self._family = blocks[0].header.board_family
        mcu = _FAMILIES.get(self._family, "another MCU")
        if mcu != model.mcu:
            raise ValueError(f"it is for {mcu}, but {model.name} has an {model.mcu}")
        self.flash = _flash(blocks)
        self.start, self.size = _storage(self.flash) or (
            model.flash - model.storage,
            model.storage,
        )

    def merged(self, files: bytes) -> bytes:
        """The image, with that in its file system."""
        made = UF2File()
        made.header.flags = Flags.FamilyIDPresent
        made.header.board_family = self._family
        made.append_payload(self.flash.ljust(self.start, _ERASED) + files, _FLASH)
        made.renumber_blocks()
        return self._first + b"".join(bytes(block.as_bytes) for block in made)


def _blocks(data: bytes) -> list[DataBlock]:
    found = []
    for at in range(0, len(data), BlockSize):
        raw = data[at : at + BlockSize]
        try:
            block = DataBlock.fromBlock(raw)
        except UF2DecodeError:
            raise ValueError("it is not a whole UF2 file") from None
        made = block.as_bytes
        if (made[:8], made[-4:]) != (raw[:8], raw[-4:]):  # the magic numbers
            raise ValueError("it is not a UF2 file")
        found.append(block)
    return found


def _check_whole(blocks: list[DataBlock]) -> None:
    count = blocks[0].header.total_blocks
    if len(blocks) != count:
        raise ValueError(f"it is not whole: {len(blocks)} of {count} blocks are there")
    heads = [(block.header.block_number, block.header.board_family) for block in blocks]
    if heads != [(number, heads[0][1]) for number in range(count)]:
        raise ValueError("its blocks are not in order, or not for one MCU")


def _flash(blocks: list[DataBlock]) -> bytes:
    flash = bytearray()
    for block in sorted(blocks, key=lambda block: int(block.header.address)):
        at = block.header.address - _FLASH
        gap = at - len(flash)
        if gap < 0 or at >= _MOST:
            raise ValueError("its blocks overlap, or are not for flash")
        flash += _ERASED * gap + block.payload
    return bytes(flash)


def _storage(flash: bytes) -> tuple[int, int] | None:
    # Where the image says that its file system is. None: it does not say so.
    at = flash.find(struct.pack("<I", _INFO), 0, _INFO_WITHIN)
    try:
        _, first, last, _, end = struct.unpack_from("<5I", flash, at)
        if at < 0 or end != _INFO_END:
            return None
        entries = struct.unpack_from(f"<{(last - first) // 4}I", flash, first - _FLASH)
        for entry in entries:
            if not 0 <= entry - _FLASH < len(flash):
                continue  # in RAM
            kind, tag = struct.unpack_from("<HH", flash, entry - _FLASH)
            if (kind, tag) == (_BLOCK_DEVICE, _MICROPYTHON):
                name, start, size = struct.unpack_from("<3I", flash, entry - _FLASH + 4)
                if flash.startswith(_NAME, name - _FLASH):
                    return start - _FLASH, size
    except struct.error:
        pass
    return None
