"""How a file is written that others rely on: wholly, or not at all."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolchain.cli import Refusal


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
