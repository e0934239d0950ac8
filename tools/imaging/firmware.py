"""An image of MicroPython as one downloads it: which version, for which board, with room for which
file system; and the same with files in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from device.catalogue import Model, catalogue
from device.config import read
from device.image import BLOCK
from imaging import esp32, rp2, storage
from toolchain.cli import Refusal

# The banner of the prompt
_VERSION = re.compile(rb"MicroPython (?:\(with v2\.0 preview\) )?v(\d+)\.(\d+)\.(\d+)[-\w.]* on ")
_ERASED = b"\xff"
_MOST = 1 << 27  # bytes of flash: no board has more


class Container(Protocol):
    """What imaging.rp2 and imaging.esp32 have.

    flash: what goes into flash, from its start. `start`, `size`: of the file system in it, in
    bytes. `at`: where in an ESP32's flash the given file begins. `needs`: bytes of flash that an
    ESP32 has to have. Both are 0 for an RP2.
    """

    flash: bytes
    start: int
    size: int
    at: int
    needs: int

    def merged(self, files: bytes) -> bytes: ...


_CONTAINERS: dict[str, Callable[[bytes, Model], Container]] = {
    "rp2": rp2.Image,
    "esp32": esp32.Image,
}


def recognised(path: Path, model: Model, *, any_board: bool = False) -> tuple[Container, str]:
    """What is in a file, and its version of MicroPython, "" if that is not to be found.

    any_board: it may say to be for another board with the same MCU. Refusal: what is wrong with
    the file.
    """
    data = read(str(path))
    try:
        found = _CONTAINERS[model.port](data, model)
        try:
            return found, _identified(found.flash, model)
        except ValueError:
            if not any_board:
                raise
            return found, ""
    except ValueError as error:
        wrong = path.suffix.lower() != model.ending
        instead = f"; {model.name} takes the {model.ending} from {model.download}" if wrong else ""
        raise Refusal(f"{path}: {error}{instead}") from None


def has_files(found: Container) -> bool:
    """Whether an image brings files, as one of `make image` does."""
    return len(found.flash.rstrip(_ERASED)) > found.start


def files_of(found: Container, port: str) -> tuple[dict[str, bytes], int]:
    """The files in an image, and how many bytes are free. LittleFSError: they are damaged."""
    data = found.flash[found.start : found.start + found.size]
    return storage.found(data.ljust(found.size, _ERASED), port)


class Firmware:
    """MicroPython for a board. `named`: its version; `size`: of its file system, in bytes."""

    def __init__(self, path: Path, model: Model) -> None:
        """Refusal: what is wrong with the file."""
        self.model = model
        self._container, self.named = recognised(path, model)
        self.size = self._container.size
        if has_files(self._container):
            raise Refusal(f"{path}: there are files in it already; give MicroPython's own")
        start, size = self._container.start, self.size
        if size < 2 * BLOCK or size % BLOCK or start % BLOCK or start + size > _MOST:
            raise Refusal(f"{path}: it has no room for a file system")

    def merged(self, storage: bytes) -> bytes:
        """One file to flash: MicroPython, and what its file system holds."""
        return self._container.merged(storage)

    def files(self, data: bytes) -> tuple[dict[str, bytes], int]:
        """The files in what `merged` made, as of `files_of`. ValueError: it, or what else is in
        it, is not as it was made."""
        made = self._read(data)
        start, size = self._container.start, self.size
        rest = self._container.flash[:start].ljust(start, _ERASED)
        if (made.start, made.size, made.flash[:start]) != (start, size, rest):
            raise ValueError("MicroPython in it is not what was given")
        return files_of(made, self.model.port)

    def _read(self, data: bytes) -> Container:
        return _CONTAINERS[self.model.port](data, self.model)


def _identified(flash: bytes, model: Model) -> str:
    # The version of MicroPython, once it is seen to be for this board. ValueError: it is not.
    found = _VERSION.search(flash)
    if not found:
        raise ValueError("no MicroPython is in it")
    if not _is_for(flash, model):
        others = [name for name, each in catalogue().items() if _is_for(flash, each)]
        instead = f", but for {' or '.join(others)}" if others else ""
        runs = f", which runs {model.firmware}" if model.firmware != model.name else ""
        raise ValueError(f"it is not for {model.name}{runs}{instead}")
    version = b".".join(found.groups()).decode()
    if tuple(map(int, found.groups()))[:2] < model.oldest:
        raise ValueError(
            f"MicroPython {version} is too old, {model.name} takes {model.micropython} or later"
        )
    return version


def _is_for(flash: bytes, model: Model) -> bool:
    return any(machine.encode() in flash for machine in model.machines)
