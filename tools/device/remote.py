"""A board on a serial port: its prompt by mpremote, its files, and what to say when something
does not work.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial.tools.list_ports import comports

from toolchain.cli import Refusal

_READ_S = 2.0  # how long a byte may take, where mpremote would wait for ever
# For a prompt: many an ESP32 is reset by the opening of its port, and deaf first
_PROMPT_S = 3, 10
_CTRL_B, _CTRL_C, _CTRL_D = b"\r\x02", b"\r\x03", b"\x04"

_SUMS = """
def _sum(path):
    import hashlib
    h = hashlib.sha256()
    buf = bytearray(512)
    try:
        with open(path, "rb") as f:
            n = f.readinto(buf)
            while n:
                h.update(memoryview(buf)[:n])
                n = f.readinto(buf)
    except OSError as error:
        if error.errno != 2:
            raise
        return None
    return h.digest()
print("{")
for path in %r:
    print("%%r: %%r," %% (path, _sum(path)))
print("}")
"""
_NAMES = """
import os
try:
    print([entry[0] for entry in os.ilistdir(%r)])
except OSError:
    print([])
"""
_SYSTEM = """
import os, sys
i = sys.implementation
mpy = getattr(i, "_mpy", 0)
print((i.name, tuple(i.version)[:3], getattr(i, "_machine", ""), mpy & 255, os.statvfs("/")))
"""


class NoMemory(Refusal):
    """The board has too little memory for what it was asked to do."""


class System(NamedTuple):
    """What a board runs. `mpy`: the version of .mpy files that it loads, 0 if it loads none.
    `block`: bytes; `free`: blocks."""

    name: str
    version: tuple[int, ...]
    machine: str
    mpy: int
    block: int
    free: int


class Board:
    """A context manager; inside, the board is at its raw prompt after a soft reset. In the end it
    is started anew, and runs its boot.py and main.py.
    """

    def __init__(self, port: str) -> None:
        """port: as the operating system has it."""
        self.port = port

    def __enter__(self) -> Board:
        """Refusal: the port is not there, or does not answer."""
        try:
            self._transport = SerialTransport(self.port, timeout=_READ_S)
        except TransportError:
            raise Refusal(_why_not(self.port)) from None
        try:
            self._prompt()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    def _prompt(self) -> None:
        for seconds in _PROMPT_S:
            with self._talk():
                try:
                    self._transport.enter_raw_repl(timeout_overall=seconds)
                    return
                except TransportError:
                    continue
        raise Refusal(
            "no prompt: is MicroPython on the board, and no program that heeds no Ctrl-C?"
        )

    def _leave(self) -> None:
        # Whatever state it is in, it shall run again.
        serial = self._transport.serial
        with contextlib.suppress(TransportError, OSError):
            serial.write(_CTRL_C)
            serial.write(_CTRL_B)
            serial.write(_CTRL_D)
            self._transport.read_until(1, b"soft reboot\r\n", timeout_overall=_READ_S)
        with contextlib.suppress(OSError):
            self._transport.close()

    @contextlib.contextmanager
    def _talk(self) -> Iterator[None]:
        # In the words of this module; mpremote prints what it cannot understand.
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except TransportExecError as error:
            said = error.error_output.strip().splitlines()[-1]
            kind = NoMemory if said.startswith(MemoryError.__name__) else Refusal
            raise kind(f"the board says {said}") from None
        except OSError as error:  # of the port, or one of a file that mpremote has translated
            if error.errno == errno.ENOSPC:
                raise Refusal("the board's file system is full") from None
            raise Refusal(f"lost the board ({error}): once it is back, run it again") from None
        except (TransportError, struct.error) as error:
            raise Refusal(f"lost the board ({error}): once it is back, run it again") from None

    def run(self, script: str) -> Any:
        """Run a script that prints one literal, or nothing; return its value."""
        with self._talk():
            said = self._transport.exec(script).strip()
        try:
            return ast.literal_eval(said.decode()) if said else None
        except (SyntaxError, ValueError):
            raise Refusal(f"lost the board (it says {said[:60]!r}): run it again") from None

    def system(self) -> System:
        """What it runs, and its free space."""
        name, version, machine, mpy, space = self.run(_SYSTEM)
        return System(name, version, machine, mpy, block=space[0], free=space[3])

    def names(self, directory: str) -> list[str]:
        """The names in a directory; none of one that is not there."""
        return sorted(self.run(_NAMES % directory))

    def sums(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The SHA-256 of each file that is there."""
        found: dict[str, bytes | None] = self.run(_SUMS % list(paths))
        return {path: found[path] or b"" for path in found if found[path]}

    def read(self, path: str) -> bytes:
        """The bytes of a file that is there."""
        with self._talk():
            return bytes(self._transport.fs_readfile(path))

    def write(self, path: str, data: bytes) -> None:
        """Write a file, in place."""
        with self._talk():
            self._transport.fs_writefile(path, data)


def ports() -> str:
    """The serial ports of this computer, for people: those on USB, or all if there are none."""
    found = sorted(comports())
    found = [port for port in found if port.vid is not None] or found
    lines = [f"\n    {port.device}  {port.product or port.description}" for port in found]
    return "serial ports here:" + "".join(lines) if lines else "no serial port is here"


def _why_not(port: str) -> str:
    if os.name == "posix" and not Path(port).exists():
        return f"there is no such port; {ports()}"
    if os.name == "posix" and not os.access(port, os.R_OK | os.W_OK):
        return "no permission to use the port: on most Linux systems the group dialout has it"
    return "the port cannot be opened: another program has it, or it is no serial port"
