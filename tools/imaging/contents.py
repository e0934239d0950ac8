"""What an image's file system holds: what `make deploy` copies, the config, the application."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from device.catalogue import Model
from device.config import CONFIG, as_file, read
from device.deployment import APP, LIB, SHADOWS, Files, files
from dhcpc import Client
from dhcpc.config import extras
from toolchain.cli import Refusal

_MAIN = "main.py"  # in place of ours
_ENTRY = ("app.py", "app.mpy", "app/__init__.py", "app/__init__.mpy")  # what ours imports
_OURS = ({*APP} | {"/board.py", CONFIG, Client.store}) - {f"/{_MAIN}"}


def contents(
    board: Model, config: dict[str, Any] | None, wanted: set[str], app: Files, debug: bool
) -> Files:
    """Every file by its path on the board.

    config: None for none. wanted: extras beside those that the config takes. app: what
    `application` found. debug: the modules as source.
    """
    found = files(board.name, wanted | extras(config or {}), app=True, debug=debug)
    if config is not None:
        found[CONFIG] = as_file(config)
    return found | app


def application(directory: Path) -> Files:
    """The files of a directory, by their paths on the board; those of the computer's own not,
    which begin with a dot, and __pycache__.

    Refusal: there is neither app.py nor main.py, one has a name that the client has, or not all
    can be read.
    """
    if not directory.is_dir():
        raise Refusal(f"{directory}: is not a directory; APP= takes the one with app.py in it")
    if not any((directory / name).is_file() for name in (_MAIN, *_ENTRY)):
        raise Refusal(
            f"{directory}: it has no app.py, which main.py imports, and no {_MAIN} of its own"
        )
    found = {}
    for parent, directories, names in os.walk(directory, onerror=_refuse):
        directories[:] = filter(_is_of_board, directories)
        links = [each for each in directories if (Path(parent) / each).is_symlink()]
        for name in filter(_is_of_board, [*names, *links]):
            source = Path(parent) / name
            if not source.is_file():
                raise Refusal(f"{source}: is not a file; links to directories are not followed")
            path = f"/{source.relative_to(directory).as_posix()}"
            if not path.isprintable():
                raise Refusal(f"{str(source)!r}: its name is not UTF-8")
            if _is_ours(path):
                raise Refusal(
                    f"{source}: {path} on the board is the client's; give it another name"
                )
            found[path] = read(str(source))
    return found


def _refuse(error: OSError) -> None:
    raise Refusal(f"{error.filename}: {error.strerror}")


def _is_ours(path: str) -> bool:
    if path.startswith(f"{LIB}/") or f"{LIB}/".startswith(f"{path}/"):
        return True
    return path in _OURS or path.split("/")[1] in SHADOWS


def _is_of_board(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__"
