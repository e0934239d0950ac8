"""A board on a serial port: its prompt by mpremote, its files, and what to say when something
does not work.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import os
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial.tools.list_ports import comports

from toolchain.cli import Refusal, patience

_READ_S = 2.0  # how long a byte may take, where mpremote would wait for ever
_SHOWN = 60  # characters of an answer that is none
_SHORT = {"a": "/dev/ttyACM", "u": "/dev/ttyUSB", "c": "COM"}  # mpremote's
_UNSEEN = "no serial port is on USB here: docs/quick-start.md says what to do"
# For a prompt: many an ESP32 is reset by the opening of its port, and deaf first
_PROMPT_S = 3, 10
_BOOT_S = 30  # for a boot.py, which may wait for a network
_RAW = b"raw REPL; CTRL-B to exit\r\n"
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

_NO_PROMPT = (
    "no prompt: is MicroPython on the board? Does its program ignore Ctrl-C? make flash puts "
    "MicroPython onto it; for an RP2 hold BOOTSEL while you plug it in"
)


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


@contextlib.contextmanager
def understood() -> Iterator[None]:
    """What is done with a board's answers. Refusal: one is none that this project knows."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Refusal(f"the board gives an odd answer ({error}): run it again") from None


class Board:
    """A context manager; inside, the board is at its raw prompt after a soft reset. In the end it
    is started anew, and runs its boot.py and main.py.
    """

    def __init__(self, port: str) -> None:
        """port: as the operating system has it."""
        self.port = port
        self.printed = ""  # what boot.py has
        self._left = False

    def __enter__(self) -> Board:
        """Refusal: the port is not there, or does not answer."""
        try:
            self._transport = SerialTransport(self.port, timeout=_READ_S)
        except TransportError:
            raise Refusal(_why_not(self.port)) from None
        try:
            with patience(f"waits for the prompt of {self.port}"):
                self._prompt()
            with patience(f"waits for the boot.py of {self.port}, for {_BOOT_S} s at most"):
                self._boot()
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
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=seconds)
                    return
                except TransportError:
                    continue
        raise Refusal(_NO_PROMPT)

    def _boot(self) -> None:
        # One soft reset, and no second one on top of it: mpremote's own would not wait so long for
        # boot.py. One that does not end is interrupted.
        with self._talk():
            self._transport.serial.write(_CTRL_D)
            there = self._heard(b"soft reboot\r\n", _PROMPT_S[-1])
            printed = self._heard(_RAW, _BOOT_S)
            if there and not printed.endswith(_RAW):
                self._transport.serial.write(_CTRL_C)
                printed = self._heard(_RAW, _PROMPT_S[-1])
        if not printed.endswith(_RAW):
            raise Refusal(_NO_PROMPT)
        self.printed = printed.removesuffix(_RAW).decode(errors="replace")

    def _heard(self, ending: bytes, seconds: float) -> bytes:
        # All up to that ending, or until the time is over.
        return bytes(
            self._transport.read_until(1, ending, timeout=seconds, timeout_overall=seconds)
        )

    def _leave(self) -> None:
        # Whatever state it is in, it shall run again.
        serial = self._transport.serial
        if not self._left:
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
            said = (error.error_output.strip().splitlines() or ["nothing"])[-1]
            kind = NoMemory if said.startswith(MemoryError.__name__) else Refusal
            raise kind(f"the board says {said}") from None
        except OSError as error:  # of the port, or one of a file that mpremote has translated
            if error.errno == errno.ENOSPC:
                raise Refusal("the board's file system is full") from None
            raise Refusal(f"lost the board ({error}): once it is back, run it again") from None
        except (TransportError, SyntaxError, ValueError, struct.error) as error:
            # Without what the board has printed meanwhile
            what = re.split(r" \(response|: b['\"]", str(error))[0]
            raise Refusal(f"lost the board ({what}): once it is back, run it again") from None

    def run(self, script: str) -> Any:
        """Run a script that prints one literal, or nothing; return its value."""
        with self._talk():
            said = self._transport.exec(script).strip()
        try:
            return ast.literal_eval(said.decode()) if said else None
        except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
            raise Refusal(f"lost the board (it says {said[:_SHOWN]!r}): run it again") from None

    def leave_to(self, script: str) -> None:
        """Start a script that does not come back, as one that resets the board. Nothing is said to
        the board afterwards."""
        self._left = True
        with self._talk():
            self._transport.exec_raw_no_follow(script)

    def system(self) -> System:
        """What it runs, and its free space."""
        with understood():
            name, version, machine, mpy, space = self.run(_SYSTEM)
            numbers = tuple(int(each) for each in version)
            return System(str(name), numbers, str(machine), int(mpy), +space[0], +space[3])

    def names(self, directory: str) -> list[str]:
        """The names in a directory; none of one that is not there."""
        with understood():
            found = self.run(_NAMES % directory)
            if not (isinstance(found, list) and all(isinstance(name, str) for name in found)):
                raise TypeError(f"{str(found)[:_SHOWN]} is no list of names")
            return sorted(found)

    def sums(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The SHA-256 of each file that is there."""
        with understood():
            with patience(f"compares the files on {self.port}"):
                found = self.run(_SUMS % list(paths))
            return {path: bytes(found[path]) for path in found if found[path]}

    def read(self, path: str) -> bytes:
        """The bytes of a file that is there."""
        with self._talk():
            return bytes(self._transport.fs_readfile(path))

    def write(self, path: str, data: bytes) -> None:
        """Write a file, in place."""
        with self._talk():
            self._transport.fs_writefile(path, data)


def on_usb() -> list[str]:
    """The serial ports of this computer that are on USB, as boards' are."""
    return sorted(port.device for port in comports() if port.vid is not None)


def resolved(port: str) -> str:
    """The port that a user means, as the operating system has it: `auto` is the only one on USB;
    a0, u1, c3 are mpremote's for /dev/ttyACM0, /dev/ttyUSB1, COM3. Refusal: none is meant, or
    `auto` and there is not one.
    """
    if not port:
        raise Refusal(f"PORT= is missing; {ports()}")
    if port == "auto":
        found = on_usb()
        if len(found) != 1:
            why = "is none" if not found else f"are {len(found)}"
            raise Refusal(f"PORT=auto takes the only board on USB, and there {why}; {ports()}")
        print(f"the only board is on {found[0]}", file=sys.stderr, flush=True)
        return found[0]
    short = re.fullmatch("([auc])([0-9]{1,3})", port)
    return _SHORT[short[1]] + short[2] if short else port


def ports() -> str:
    """The serial ports of this computer, for people: those on USB, as boards' are, or all if there
    are none."""
    every = sorted(comports())
    found = [port for port in every if port.vid is not None]
    said = "serial ports here:" if found else _UNSEEN
    if every and not found:
        said += "; others, probably not of a board:"
    lines = [f"\n    {port.device}  {port.product or port.description}" for port in found or every]
    return said + "".join(lines)


def check_port(port: str) -> None:
    """Refusal: it is not there, or may not be used, as far as the operating system tells."""
    if os.name == "posix" and not os.access(port, os.R_OK | os.W_OK):
        raise Refusal(_why_not(port))


def _why_not(port: str) -> str:
    if os.name == "posix" and not Path(port).exists():
        return f"{port}: there is no such port; {ports()}"
    if os.name == "posix" and not os.access(port, os.R_OK | os.W_OK):
        return (
            f"{port}: no permission to use the port: on most Linux systems the group dialout has "
            'it: sudo usermod -aG dialout "$USER", then log out and in'
        )
    return f"{port}: the port cannot be opened: another program has it, or it is no serial port"
