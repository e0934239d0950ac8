"""Where lease records are: a file, a littlefs image, a board."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from littlefs import LittleFS, LittleFSError, UserContext
from serial.tools.list_ports import comports

from device.remote import Board, ports
from toolchain.cli import Refusal

_FILE = "dhcpc.lease"
_FILES = (_FILE, _FILE + "~")  # the second one is half written
_BLOCK = 4096  # bytes of flash
_PROGRAM = 256  # rp2's program size, a multiple of ESP32's
_SUPERBLOCK = slice(8, 16)  # of either of the first two blocks
_REMOVE = """
import os
for path in %r:
    os.remove(path)
"""


class Place(Protocol):
    """Files of records, by their paths there. `path`: where a new one goes. `name`: of it all."""

    path: str
    name: str

    def paths(self) -> list[str]: ...
    def read(self, path: str) -> bytes: ...
    def write(self, path: str, data: bytes) -> None: ...
    def remove(self, paths: list[str]) -> None: ...


class _OneFile:
    name = "the file"

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def paths(self) -> list[str]:
        return [self.path] if Path(self.path).exists() else []

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            Path(path).unlink()


class _Image:
    path = f"/{_FILE}"
    name = "the image"

    def __init__(self, image: Path) -> None:
        self.image = image
        data = bytearray(image.read_bytes())
        self.flash = UserContext(buffer=data)
        self.files = LittleFS(
            self.flash,
            mount=False,  # or else it formats what it cannot mount
            block_size=_BLOCK,
            block_count=len(data) // _BLOCK,
            prog_size=_PROGRAM,
            cache_size=_BLOCK,
        )
        self.files.mount()

    def paths(self) -> list[str]:
        return [f"/{name}" for name in self.files.listdir("/") if name in _FILES]

    def read(self, path: str) -> bytes:
        with self.files.open(path, "rb") as file:
            return bytes(file.read())

    def write(self, path: str, data: bytes) -> None:
        with self.files.open(path, "wb") as file:
            file.write(data)
        self._keep()

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            self.files.remove(path)
        self._keep()

    def _keep(self) -> None:
        self.image.write_bytes(self.flash.buffer)


class _OnBoard:
    path = f"/{_FILE}"
    name = "the board"

    def __init__(self, board: Board) -> None:
        self.board = board
        self.read = board.read
        self.write = board.write

    def paths(self) -> list[str]:
        return [f"/{name}" for name in self.board.names("/") if name in _FILES]

    def remove(self, paths: list[str]) -> None:
        self.board.run(_REMOVE % paths)


@contextlib.contextmanager
def place(target: str, *, new: bool = False) -> Iterator[Place]:
    """Open what a user names: a file, a littlefs image, or a board's serial port. new: a file need
    not be there. Refusal: it is none of them, or cannot be read or written.
    """
    if not target:
        raise Refusal(f"PORT= is missing; {ports()}")
    path = Path(target)
    is_port = path.is_char_device() or target in [port.device for port in comports()]
    if not (is_port or path.exists() or new):
        raise Refusal(f"{target}: no such file or port; {ports()}")
    try:
        if is_port:
            with Board(target) as board:
                yield _OnBoard(board)
        elif path.is_file() and _is_image(path):
            yield _Image(path)
        else:
            yield _OneFile(path)
    except LittleFSError as error:
        raise Refusal(f"{target}: the littlefs image is damaged or full ({error})") from None
    except OSError as error:
        raise Refusal(f"{target}: {error.strerror}") from None


def _is_image(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2 * _BLOCK)
    return b"littlefs" in (start[_SUPERBLOCK], start[_BLOCK:][_SUPERBLOCK])
