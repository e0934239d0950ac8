"""How a file is written: what cannot be is said before, and one that others rely on is written
wholly, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolchain.cli import Refusal


def check_writable(path: Path, option: str) -> None:
    """Before the work, not at its end: Refusal, which names the option, if no file can be written
    there. Nothing is changed yet.
    """
    file = Path(os.path.realpath(path))  # of a link that leads nowhere, it is the end that is new
    new = not file.exists()
    try:
        file.open("ab").close()
    except OSError as error:
        raise Refusal(f"{option} {path}: {error.strerror}") from None
    if new:
        file.unlink()


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
