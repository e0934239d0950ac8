"""How a file is written: what cannot be, or would replace what is not ours, is said before, and
one that others rely on is written wholly, or not at all."""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from toolchain.cli import Refusal

# How what the commands write begins
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="dhcpc">
"""
PCAP = struct.pack("=I", 0xA1B2C3D4)


def check_writable(
    path: Path, option: str, begins: str | bytes = PAGE, inputs: Iterable[str | Path] = ()
) -> None:
    """Before the work, not at its end: Refusal, which names the option, if no file can be written
    there, or if one is there that this project has not made. Nothing is changed yet.

    begins: how a file begins that may be replaced, besides an empty one. inputs: what the command
    reads, which is never replaced.
    """
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise Refusal(f"{option} {path}: is what is read; name another file")
    file = Path(os.path.realpath(path))  # of a link that leads nowhere, it is the end that is new
    new = not file.exists()
    try:
        file.open("ab").close()
    except OSError as error:
        raise Refusal(f"{option} {path}: {error.strerror}") from None
    if new:
        file.unlink()
    elif file.is_file() and file.stat().st_size:
        start = begins.encode() if isinstance(begins, str) else begins
        if not _begins(file, start):
            raise Refusal(
                f"{option} {path}: is there, and is no such file of this project; name another "
                "file, or remove it"
            )


def _begins(file: Path, start: bytes) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(start)) == start
    except OSError:  # it may be written, and not read
        return False


@contextlib.contextmanager
def placed(path: Path) -> Iterator[Path]:
    """A new file to write to, which takes its place at one stroke when all has gone well, and else
    goes. Nobody else may read it. Refusal: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            new = Path(file.name)
        try:
            yield new
            new.replace(path)
        except BaseException:
            new.unlink()
            raise
    except OSError as error:
        raise Refusal(f"cannot write {path}: {error.strerror}") from None
