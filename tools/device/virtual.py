"""A board that is not there: the MicroPython VM with its REPL on a pseudo-terminal and its files
in a littlefs image, for mpremote and whatever else talks to boards over a serial port.

What it has of a board: the raw REPL, Ctrl-C, soft reset, boot.py and main.py, a small heap, flash
that keeps what was written when the power goes. What it has not: pins, radio, `machine.reset()`,
and a program of its own cannot read what is typed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import termios
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Any

from littlefs import LittleFSError

from device.image import BLOCK, Image, is_erased, is_image
from toolchain import vm
from toolchain.cli import Refusal

BLOCKS = 212  # a Pico W's 848 KB

_LEAST = 2 * BLOCK  # bytes: what littlefs takes
_HEAP = 400_000  # bytes, in the 64-bit VM: about what 200 KB are on a board
_START_S = 10
_SETTLE_S = 0.002
_UNREAD = 1 << 16  # bytes that wait for somebody to read them; a board's USB keeps less

_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_RAW = b"raw REPL; CTRL-B to exit\r\n"
_FRIENDLY = b"\r\nMicroPython "
_STARTED = b"\0"

# The VM has a prompt only once the host's files are out of reach. A session leader without a
# terminal gets the one that it opens first: then the VM ends when we do.
_BOOT = """
import os, sys
sys.path[:] = [%r]
from device import virtual_vm as board
open(%r).close()
flash = board.Flash(%r, %r)
board.mount(flash, %r)
os.putenv("MICROPYINSPECT", "1")
sys.stdout.write("\\0")
board.start(globals(), %r, %r)
"""


class VirtualBoard:
    """A context manager; inside, `port` is what to connect to."""

    port: str

    def __init__(self, image: Path, blocks: int = BLOCKS, **implementation: Any) -> None:
        """image: a littlefs image; made, with so many blocks, if it is not there or empty.
        implementation: what `sys.implementation` is to say, as in `version=(1, 21, 0, "")`.

        Refusal: there is something else in it. OSError: it cannot be read or written.
        """
        self.image = image.resolve()
        self.implementation = implementation
        if not image.exists() or image.is_file() and not image.stat().st_size:
            image.write_bytes(b"\xff" * BLOCK * blocks)
        self.new = _is_new(image)

    def __enter__(self) -> VirtualBoard:
        """Refusal: there is no VM, or it does not start."""
        self._vm = vm.vms()["vm64"]
        if self._vm.missing:
            raise Refusal(f"{self._vm.name}: {self._vm.missing}")
        with contextlib.ExitStack() as undo:
            # The terminal's other end stays open, so that one user may follow another.
            self._outside, outer = _terminal()
            undo.callback(os.close, self._outside)
            undo.callback(os.close, outer)
            os.set_blocking(self._outside, False)
            self.port = os.ttyname(outer)
            self._stopped, self._stop = os.pipe()
            undo.callback(os.close, self._stopped)
            undo.callback(os.close, self._stop)
            self._said = b""
            self._failed = False
            self._power_on(raw=False)
            undo.callback(self._power_off)
            self._thread = threading.Thread(target=self._relay, name="virtual board")
            self._thread.start()
            undo.callback(self._thread.join)
            undo.callback(os.write, self._stop, b"\0")
            if not self._started.wait(_START_S) or self._failed:
                raise Refusal(f"the VM does not start: {self._said.decode(errors='replace')}")
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    def reset(self) -> None:
        """Switch it off, whatever it is doing, and on again."""
        process = self._process
        process.kill()
        while self._process is process:
            time.sleep(_SETTLE_S)
        self._started.wait(_START_S)

    # The VM

    def _power_on(self, raw: bool) -> None:
        # raw: as after a soft reset in the raw REPL, which leads back there without main.py.
        self._started = threading.Event()
        self._raw = raw
        self._inside, inner = _terminal(signals=True)
        boot = _BOOT % (
            str(Path(__file__).parents[1]),
            os.ttyname(inner),
            str(self.image),
            BLOCK,
            self.new,
            not raw,
            self.implementation,
        )
        program, *arguments = self._vm.command(boot, heap=_HEAP)
        try:
            self._process = subprocess.Popen(
                [program, *arguments],
                stdin=inner,
                stdout=inner,
                stderr=inner,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._inside)
            raise
        finally:
            os.close(inner)
        self._to_raw = _CTRL_A if raw else b""  # which no Ctrl-C takes away
        self._to_vm = b""
        self._latest = b""

    def _power_off(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._inside)

    def _executes(self) -> bool:
        # At the prompt the VM has its terminal not make signals.
        return bool(termios.tcgetattr(self._inside)[3] & termios.ISIG)

    # What goes in and out

    def _relay(self) -> None:
        self._unread = b""
        while True:
            waits_for_vm = self._started.is_set() and (self._to_raw or self._to_vm)
            readable, writable, _ = select.select(
                [self._inside, self._outside, self._stopped],
                [self._outside] if self._unread else [],
                [],
                _SETTLE_S if waits_for_vm else None,
            )
            if self._stopped in readable:
                return
            if self._outside in readable:
                self._to_vm += os.read(self._outside, 4096)
            if self._inside in readable and not self._hear():
                self._failed = True
                self._started.set()
                return
            if self._outside in writable:
                with contextlib.suppress(BlockingIOError):
                    self._unread = self._unread[os.write(self._outside, self._unread) :]
            if self._started.is_set():
                self._tell()

    def _hear(self) -> bool:
        # False: the VM did not get as far as to have the flash for its files.
        try:
            data = os.read(self._inside, 4096)
        except OSError as error:
            if error.errno != errno.EIO:  # what Linux says when nobody has the other end any more
                raise
            data = b""
        if not data:
            soft = self._process.wait() >= 0
            if soft and not self._started.is_set():
                return False
            os.close(self._inside)
            self._power_on(raw=soft and self._raw)
            data = b"MPY: soft reboot\r\n" if soft else b""
        elif not self._started.is_set():
            said, started, data = (self._said + data).partition(_STARTED)
            if not started:
                self._said = said
                return True
            self._said = b""
            self._started.set()
        self._latest = (self._latest + data)[-4096:]
        raw, friendly = self._latest.rfind(_RAW), self._latest.rfind(_FRIENDLY)
        if raw != friendly:  # neither has been seen
            self._raw = raw > friendly
        self._unread = (self._unread + data)[-_UNREAD:]
        return True

    def _tell(self) -> None:
        # To change the terminal's mode the VM throws away what is in it: nothing may be there
        # while it executes. Ctrl-C is a signal then.
        if not self._executes():
            if data := self._to_raw + self._to_vm:
                with contextlib.suppress(OSError):  # it has just ended, which will be heard
                    self._to_vm = data[os.write(self._inside, data) :]
                    self._to_raw = b""
        elif _CTRL_C in self._to_vm:
            self._to_vm = self._to_vm.partition(_CTRL_C)[2]
            self._process.send_signal(signal.SIGINT)


def _is_new(image: Path) -> bool:
    # Whether it has to be formatted. Refusal: it has, but something else is in it.
    if not image.is_file():
        raise Refusal(f"{image}: is not a file")
    if is_erased(image):
        if (size := image.stat().st_size) < _LEAST:
            raise Refusal(f"{image}: {size:,} bytes are no flash, which has {_LEAST:,} at least")
        return True
    why = "is not a littlefs image"
    if is_image(image):
        try:
            Image(image)
            return False
        except LittleFSError as error:
            why = f"the littlefs image is damaged ({error})"
    raise Refusal(f"{image}: {why}, so nothing was changed; name a new file, or a board's flash")


def _terminal(signals: bool = False) -> tuple[int, int]:
    # Both ends of a pseudo-terminal that changes nothing of what passes.
    here, there = os.openpty()
    tty.setraw(there)
    if signals:
        mode = termios.tcgetattr(there)
        mode[3] |= termios.ISIG
        termios.tcsetattr(there, termios.TCSANOW, mode)
    return here, there
