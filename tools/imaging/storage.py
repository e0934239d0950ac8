"""A board's file system: littlefs, as its port of MicroPython formats and mounts it.

Read in MicroPython 1.22 to 1.29: ports/rp2/modules/_boot.py, ports/esp32/modules/inisetup.py,
extmod/vfs_lfs.c, extmod/vfs_lfsx.c, lib/littlefs/lfs2.h.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from littlefs import LittleFS, LittleFSError, UserContext

from device.image import BLOCK
from toolchain.cli import Refusal

Files = Mapping[str, bytes]  # by path on the board

SPARE = 4  # blocks that a board needs to write its lease

_PROGRAM = {"rp2": 256, "esp32": 32}  # bytes
# Of every port: bytes, bytes, erasures
_READ, _LOOKAHEAD, _CYCLES = 32, 32, 100
_VERSION = 0x0002_0001  # of what is on the disk: 2.1
_KIB = 1024


def made(files: Files, size: int, port: str) -> bytes:
    """A new file system of so many bytes with these files, the same bytes each time. No file has a
    time, and what is free is as erased flash.

    Refusal: they do not fit.
    """
    flash = UserContext(size)
    littlefs = _littlefs(flash, port)
    littlefs.format()
    littlefs.mount()
    try:
        for path in sorted(files):
            littlefs.makedirs(path.rpartition("/")[0], exist_ok=True)
            with littlefs.open(path, "wb") as file:
                file.write(files[path])
    except LittleFSError as error:
        if error.code == LittleFSError.Error.LFS_ERR_NAMETOOLONG:
            raise Refusal(f"{path}: its name is too long for a board") from None
        if error.code != LittleFSError.Error.LFS_ERR_NOSPC:
            raise
        raise _too_small(files, size) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _too_small(files, size) from None
    if size // BLOCK - littlefs.used_block_count < SPARE:
        raise _too_small(files, size)
    return bytes(flash.buffer)


def found(data: bytes, port: str) -> tuple[dict[str, bytes], int]:
    """The files in a file system, and how many bytes are free. LittleFSError: it is damaged."""
    littlefs = _littlefs(UserContext(buffer=bytearray(data)), port)
    littlefs.mount()
    return contents(littlefs), len(data) - littlefs.used_block_count * BLOCK


def contents(littlefs: LittleFS) -> dict[str, bytes]:
    """All files of a mounted file system."""
    files = {}
    for directory, _, names in littlefs.walk("/"):
        for name in names:
            path = f"{directory.rstrip('/')}/{name}"
            with littlefs.open(path, "rb") as file:
                files[path] = bytes(file.read())
    return files


def _littlefs(flash: UserContext, port: str) -> LittleFS:
    program = _PROGRAM[port]
    return LittleFS(
        flash,
        mount=False,
        block_size=BLOCK,
        block_count=len(flash.buffer) // BLOCK,
        read_size=_READ,
        prog_size=program,
        cache_size=min(BLOCK, 4 * max(_READ, program)),
        lookahead_size=_LOOKAHEAD,
        block_cycles=_CYCLES,
        disk_version=_VERSION,
    )


def _too_small(files: Files, size: int) -> Refusal:
    sizes = sum(map(len, files.values()))
    return Refusal(
        f"not enough space: {len(files)} files of {-(-sizes // _KIB)} KB in all do not fit into a "
        f"file system of {size // _KIB} KB"
    )
