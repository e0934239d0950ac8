"""A board's flash in a file: a littlefs image."""

from __future__ import annotations

from pathlib import Path

from littlefs import LittleFS, UserContext

from toolchain.cli import Refusal

BLOCK = 4096  # bytes, as on the boards

_PROGRAM = 256  # rp2's program size, a multiple of ESP32's
_SUPERBLOCK = slice(8, 16)  # of either of the first two blocks
_ERASED = b"\xff"
_MOST = 64 << 20  # bytes, more than a board's flash has


class Image:
    """An image that is there. `files`: its file system; what is changed there is in the file after
    `keep`.
    """

    def __init__(self, path: Path) -> None:
        """LittleFSError: it is damaged. OSError: it cannot be read."""
        self.path = path
        data = bytearray(path.read_bytes())
        self.flash = UserContext(buffer=data)
        self.files = LittleFS(
            self.flash,
            mount=False,  # or else it formats what it cannot mount
            block_size=BLOCK,
            block_count=len(data) // BLOCK,
            prog_size=_PROGRAM,
            cache_size=BLOCK,
        )
        self.files.mount()

    def keep(self) -> None:
        """Write it to its file. OSError: not all of it has been written."""
        self.path.write_bytes(self.flash.buffer)


def is_image(path: Path) -> bool:
    """Whether a file looks like an image, damaged or not. OSError: it cannot be read. Refusal: it
    is larger than any image.
    """
    start = _start(path)
    return b"littlefs" in (start[_SUPERBLOCK], start[BLOCK:][_SUPERBLOCK])


def is_erased(path: Path) -> bool:
    """Whether a file is flash that nothing was written to. OSError: it cannot be read."""
    return not _start(path).strip(_ERASED) and not path.read_bytes().strip(_ERASED)


def _start(path: Path) -> bytes:
    if (size := path.stat().st_size) > _MOST:
        raise Refusal(f"{path}: {size:,} bytes are more than a board's flash has")
    with path.open("rb") as file:
        return file.read(2 * BLOCK)
