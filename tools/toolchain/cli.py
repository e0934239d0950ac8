"""How every command starts and ends: its `--version`, its refusals, its exit codes.

The codes, unless a command says otherwise (docs/commands.md has each command's):

    0    it did what it was asked to do
    1    it did not, or what it looked at is not as it should be; also Ctrl-D at a question
    2    the command line is wrong, or this machine lacks what the lab or the emulator takes
    130  Ctrl-C
    141  who read its output has gone
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[2] / "firmware/dhcpc/__init__.py"
_INTERRUPTED = 130  # 128 + SIGINT, as a shell has it
_PATIENCE_S = 1.0
_NO_READER = 141  # 128 + SIGPIPE
_EXAMPLES = "for example:"


class Refusal(RuntimeError):
    """What cannot be done, why, and what to do about it, in words for people. `code`: the exit
    code of a command that ends so."""

    code = 1


class Unavailable(Refusal):
    """This machine lacks what it takes; the text says what, and the remedy."""

    code = 2


class Interrupted(Refusal):
    """Ctrl-C, where there is something to say about it."""

    code = _INTERRUPTED


def name() -> str:
    """What the command that runs is called."""
    return Path(sys.argv[0]).stem


def version() -> str:
    """The version of this project, which the firmware has. Refusal: it has none."""
    found = re.search(r'^__version__ = "([^"]+)"$', _PACKAGE.read_text(), re.MULTILINE)
    if not found:
        raise Refusal(f"{_PACKAGE} has no __version__")
    return found[1]


class _Version(argparse.Action):
    # The file is read for those alone who ask for it.

    def __init__(self, option_strings: list[str], dest: str, **_: Any) -> None:
        super().__init__(
            option_strings,
            argparse.SUPPRESS,
            nargs=0,
            default=argparse.SUPPRESS,
            help="print the version of this project, and end",
        )

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"{name()} (dhcpc) {version()}")
        parser.exit()


class _Formatter(argparse.HelpFormatter):
    # An example stays in a line of its own, to be copied.

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith(_EXAMPLES):
            return text
        return super()._fill_text(text, width, indent)


def parser(description: str, *examples: str, **more: Any) -> argparse.ArgumentParser:
    """A command's parser, with `--help` and `--version`.

    examples: the arguments of commands that `--help` shows; or a whole command line, with {} for
    the command. more: as of ArgumentParser.
    """
    command = f".venv/bin/python tools/{name()}.py"
    lines = (
        each.replace("{}", command) if "{}" in each else f"{command} {each}" for each in examples
    )
    epilog = "\n  ".join([_EXAMPLES, *map(str.rstrip, lines)])
    made = argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=_Formatter, **more
    )
    made.add_argument("--version", action=_Version)
    return made


@contextlib.contextmanager
def patience(what: str) -> Iterator[None]:
    """Say what is done meanwhile, if it takes more than a second and somebody is at a terminal."""
    said = threading.Timer(_PATIENCE_S, print, [what], {"file": sys.stderr, "flush": True})
    said.daemon = True
    if sys.stderr.isatty():
        said.start()
    try:
        yield
    finally:
        said.cancel()


def run(main: Callable[[], int | None]) -> int:
    """Run a command; return its exit code. A Refusal, and whatever the operating system refuses,
    becomes a line on stderr that begins with the command's name."""
    try:
        try:
            return main() or 0
        finally:
            if sys.stdout:  # None, where it was closed from the start
                sys.stdout.flush()
    except BrokenPipeError:
        # Or else Python complains when it flushes for the last time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NO_READER
    except Refusal as refusal:
        print(f"{name()}: {refusal}", file=sys.stderr)
        return refusal.code
    except OSError as error:
        named = error.filename is not None and error.strerror
        said = f"{os.fsdecode(error.filename)}: {error.strerror}" if named else error
        print(f"{name()}: {said}", file=sys.stderr)
        return Refusal.code
    except EOFError:  # Ctrl-D; the cursor is still behind the question
        print(f"\n{name()}: no answer, so nothing is done", file=sys.stderr)
        return Refusal.code
    except KeyboardInterrupt:
        print(f"{name()}: interrupted", file=sys.stderr)
        return _INTERRUPTED
