"""What esptool writes to an ESP32: bootloader, partition table, program and files in one .bin.

Read in MicroPython 1.22 to 1.29: ports/esp32/makeimg.py, main.c, modules/flashbdev.py,
partitions-*.csv; in ESP-IDF: components/partition_table/gen_esp32part.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
from typing import Any, NamedTuple

from esptool.bin_image import LoadFirmwareImage
from esptool.cmds import merge_bin
from esptool.targets import ROM_LIST
from esptool.util import FatalError

from device.catalogue import Model

_MAGIC = b"\xe9"  # begins what boots
_OFFSETS = (0, 0x1000, 0x2000)  # of the bootloader in flash, by chip
_ERASED = b"\xff"
_MIB = 1024 * 1024

# The partition table: so many bytes of entries, and an MD5 behind them
_TABLE, _TABLE_SIZE, _ENTRY = 0x8000, 0xC00, struct.Struct("<2sBBII16sI")
_ENTRY_MAGIC, _MD5_MAGIC = b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14
_PROGRAM, _DATA, _FAT = 0, 1, 0x81  # types, and a subtype
_FILES, _FILES_OF_OTHERS = "vfs", "ffat"  # the labels that MicroPython looks for


class Partition(NamedTuple):
    """An entry of the table."""

    kind: int
    subtype: int
    start: int
    size: int
    label: str
    flags: int = 0

    @property
    def end(self) -> int:
        """Where in flash the next may begin."""
        return self.start + self.size


class Image:
    """MicroPython for an ESP32.

    flash: what it puts into flash, from its start. `start`, `size`: where in flash its file system
    is, in bytes. `at`: where in flash the file begins. `needs`: bytes of flash that it is for.
    """

    def __init__(self, data: bytes, model: Model) -> None:
        """ValueError: what is wrong with it."""
        self._mcu, self._offset = model.mcu, model.offset
        before = len(data) - len(data.lstrip(_ERASED))  # of a file for the start of flash
        if before not in _OFFSETS or data[before : before + 1] != _MAGIC:
            raise ValueError("it is not an image for an ESP32")
        mcu = _mcu(data[before:])
        if mcu != model.mcu:
            raise ValueError(f"it is for {mcu}, but {model.name} has an {model.mcu}")
        flash = data if before else _ERASED * model.offset + data
        boot = _load(flash[model.offset : _TABLE], model.mcu, "bootloader")
        self.at = 0 if before else model.offset
        self.needs = (1 << (boot.flash_size_freq >> 4)) * _MIB
        table = _partitions(flash)
        for partition in table:
            if partition.kind == _PROGRAM and flash[partition.start : partition.end].strip(
                _ERASED
            ):
                _load(flash[partition.start : partition.end], model.mcu, partition.label)
        files = [each for each in table if each.kind == _DATA and each.label == _FILES]
        if not files:
            if any(each.label == _FILES_OF_OTHERS for each in table):
                raise ValueError("its file system is FAT, and this makes littlefs")
            files = [_rest(table, self.needs)]
            flash = _with_table(flash, [*table, *files])
        self.flash = flash
        self.start, self.size = files[0].start, files[0].size

    def merged(self, files: bytes) -> bytes:
        """The image, with that in its file system, from where the chip boots."""
        parts = [(self._offset, self.flash[self._offset :]), (self.start, files)]
        with contextlib.redirect_stdout(io.StringIO()):
            made = merge_bin(parts, self._mcu, target_offset=self._offset)
        assert made
        return bytes(made)


def _mcu(boot: bytes) -> str:
    # What the image is for, as boards/*/board.json call it.
    number = int.from_bytes(boot[12:14], "little")
    names = {rom.IMAGE_CHIP_ID: rom.CHIP_NAME.lower().replace("-", "") for rom in ROM_LIST[1:]}
    return str(names.get(number, f"chip {number}"))


def _load(data: bytes, mcu: str, what: str) -> Any:
    # Something that boots, as esptool reads it.
    try:
        image = LoadFirmwareImage(mcu, data)
    except (FatalError, RuntimeError, TypeError, IndexError, struct.error):
        raise ValueError(f"its {what} is damaged or incomplete") from None
    right = image.checksum == image.calculate_checksum()
    if image.append_digest:
        right = right and image.stored_digest == image.calc_digest
    if not right:
        raise ValueError(f"its {what} is damaged")
    return image


def _partitions(flash: bytes) -> list[Partition]:
    table = flash[_TABLE : _TABLE + _TABLE_SIZE]
    found = []
    for at in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        if table.startswith(_MD5_MAGIC, at):
            digest = hashlib.md5(table[:at]).digest()
            if not table.startswith(digest, at + len(_MD5_MAGIC)):
                raise ValueError("its partition table is damaged")
            break
        magic, kind, subtype, start, size, label, flags = _ENTRY.unpack_from(table, at)
        if magic != _ENTRY_MAGIC:
            break
        name = label.rstrip(b"\0").decode("ascii", "replace")
        found.append(Partition(kind, subtype, start, size, name, flags))
    if not found:
        raise ValueError("it has no partition table: give the .bin that is for the whole flash")
    return found


def _rest(table: list[Partition], flash: int) -> Partition:
    # Since 1.26 MicroPython makes a partition of what is left of the chip when it starts, unless
    # there is one, as up to 1.25. What the chip has is not known here, so it gets one: of what is
    # left of the flash that the bootloader was made for.
    start = max(partition.end for partition in table)
    return Partition(_DATA, _FAT, start, max(flash - start, 0), _FILES)


def _with_table(flash: bytes, partitions: list[Partition]) -> bytes:
    entries = b"".join(
        _ENTRY.pack(_ENTRY_MAGIC, *each[:4], each.label.encode(), each.flags)
        for each in partitions
    )
    table = entries + _MD5_MAGIC + hashlib.md5(entries).digest()
    end = _TABLE + _TABLE_SIZE
    return flash[:_TABLE] + table.ljust(_TABLE_SIZE, _ERASED) + flash[end:]
