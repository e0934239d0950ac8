"""Where lease records are: a file, a littlefs image, a board."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from littlefs import LittleFSError
from serial.tools.list_ports import comports

from device.image import Image, is_image
from device.record import are_records
from device.remote import Board, ports, resolved
from toolchain.cli import Refusal

_FILE = "dhcpc.lease"
_FILES = (_FILE, _FILE + "~")  # the second one is half written
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
        """Refusal: there is something else than records in it."""
        self.path = str(path)
        if not path.exists():
            return
        if not path.is_file():
            raise Refusal(f"{path}: is not a file, an image or a port")
        with path.open("rb") as file:
            if not are_records(file):
                raise Refusal(
                    f"{path}: no lease record is in it, so nothing was changed; name a file of "
                    f"records, a littlefs image, or a port; {ports()}"
                )

    def paths(self) -> list[str]:
        path = Path(self.path)
        return [self.path] if path.exists() and path.stat().st_size else []

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            Path(path).resolve().unlink()  # what a link leads to


class _InImage:
    path = f"/{_FILE}"
    name = "the image"

    def __init__(self, image: Image) -> None:
        self.image = image
        self.files = image.files

    def paths(self) -> list[str]:
        return [f"/{name}" for name in self.files.listdir("/") if name in _FILES]

    def read(self, path: str) -> bytes:
        with self.files.open(path, "rb") as file:
            return bytes(file.read())

    def write(self, path: str, data: bytes) -> None:
        with self.files.open(path, "wb") as file:
            file.write(data)
        self.image.keep()

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            self.files.remove(path)
        self.image.keep()


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
    """Open what a user names: a file of records, a littlefs image, or a board's serial port.

    new: a file need not be there. Refusal: it is none of them, or cannot be read or written.
    """
    if not (target and Path(target).exists()):
        target = resolved(target)
    path = Path(target)
    is_port = path.is_char_device() or target in [port.device for port in comports()]
    if not (is_port or path.exists() or new):
        raise Refusal(f"{target}: no such file or port; {ports()}")
    try:
        if is_port:
            with Board(target) as board:
                yield _OnBoard(board)
        elif path.is_file() and is_image(path):
            yield _InImage(Image(path))
        else:
            yield _OneFile(path)
    except LittleFSError as error:
        raise Refusal(f"{target}: the littlefs image is damaged or full ({error})") from None
    except OSError as error:
        raise Refusal(f"{target}: {error.strerror}") from None
