"""Programs that run in the test bed, and how to wait for what they do."""

from __future__ import annotations

import contextlib
import inspect
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from toolchain.cli import Refusal
from toolchain.programs import ENVIRONMENT, Argv

PATIENCE_S = 60  # the longest wait for anything; only a fault takes that long

T = TypeVar("T")


class LabError(Refusal):
    """Something in the lab failed; the text holds what the program said."""


def wait_for(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Poll `condition()` until it is true and return its value. LabError: it never is."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise LabError(f"no {what} in {patience_s} s")
        time.sleep(0.02)
    return value


class Process(subprocess.Popen[bytes]):
    """A program in the lab, behind an nsenter: what is signalled is the program."""

    def __init__(self, argv: Argv, out: IO[bytes] | None) -> None:
        self._output = tempfile.TemporaryFile()
        super().__init__(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out or self._output,
            stderr=self._output,
            start_new_session=True,  # Ctrl-C is for this process
            env=ENVIRONMENT,
        )

    def said(self) -> str:
        """What it has printed so far."""
        return read(self._output).decode(errors="replace")

    def lines(self) -> list[str]:
        """The lines that it has printed to their ends: it may be in the middle of another."""
        return self.said().split("\n")[:-1]

    def program_pid(self) -> int | None:
        """The program's pid as seen from outside the lab; None once it has ended."""
        while self.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return only_child(self.pid)
            time.sleep(0.002)
        return None

    def send_signal(self, sig: int) -> None:
        if pid := self.program_pid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)


def read(file: IO[bytes]) -> bytes:
    """What is in a file that a program still writes to."""
    return os.pread(file.fileno(), 1 << 24, 0)  # leaves the position to the one who writes


def only_child(pid: int) -> int:
    """The pid of the one process that a process has started. ValueError: there is not one."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def python(function: Callable[..., None], *args: str) -> list[str]:
    """The command that calls a function which needs nothing else of this module."""
    return [sys.executable, "-c", f"{inspect.getsource(function)}\n{function.__name__}{args}"]
