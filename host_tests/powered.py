"""Virtual boards that are switched on, a tree to deploy from, and what is on a board then."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from littlefs import LittleFS, UserContext

from device.deployment import EXTRAS
from device.virtual import BLOCK, VirtualBoard
from imaging.storage import contents
from toolchain import vm

NAME = "RPI_PICO_W"
ONE_FILE = "/lib/dhcpc/__init__.mpy"
MODULES = {  # with DEBUG=1
    f"/lib/dhcpc/{path.name}"
    for path in vm.PACKAGE.glob("*.py")
    if path.stem not in EXTRAS or path.stem in ("config", "explain")
}
ROOT_FILES = {"/board.py", "/boot.py", "/main.py"}
DEPLOYED = {ONE_FILE, "/lib/dhcpc/config.mpy", "/lib/dhcpc/explain.mpy"} | ROOT_FILES
COUNT = len(DEPLOYED)
OTHERS = "print('somebody else')\n"
TIMEOUT_S = 60


# The laptop


def copy_tree(to: Path) -> Path:
    """A copy of the project that a test may change, with the same .venv."""
    ignore = shutil.ignore_patterns("__pycache__", "*.orig")
    for name in ("boards", "firmware", "tools"):
        shutil.copytree(vm.ROOT / name, to / name, ignore=ignore)
    shutil.copy2(vm.ROOT / "Makefile", to)
    (to / ".venv").symlink_to(vm.ROOT / ".venv")
    return to


def make(tree: Path, target: str, *settings: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "--silent", target, *settings],
        cwd=tree,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )


def deployed(tree: Path, port: str, *settings: str, **env: str) -> str:
    """What `make deploy` says when it succeeds."""
    done = make(tree, "deploy", f"BOARD={NAME}", f"PORT={port}", *settings, **env)
    assert done.returncode == 0, done.stdout
    return done.stdout


def refused(tree: Path, port: str, *settings: str, **env: str) -> str:
    """What it says when it does not: one line, and make's own."""
    done = make(tree, "deploy", f"BOARD={NAME}", f"PORT={port}", *settings, **env)
    assert done.returncode == 2, done.stdout  # make's, for any failure
    (line,) = re.findall("^deploy: (.*)$", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout
    return str(line)


def mpremote(board: VirtualBoard, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def copied(said: str) -> list[str]:
    return re.findall(r"^\[.*\] (\S+)  [\d,]+ bytes$", said, re.MULTILINE)


# The board


Boards = Callable[..., VirtualBoard]


def formatted(files: dict[str, str | bytes], blocks: int) -> bytes:
    flash = UserContext(BLOCK * blocks)
    littlefs = LittleFS(flash, block_size=BLOCK, block_count=blocks)
    for path, data in files.items():
        littlefs.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)
        with littlefs.open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
    return bytes(flash.buffer)


def files(board: VirtualBoard) -> dict[str, bytes]:
    """What is in its flash, read without the VM."""
    flash = UserContext(buffer=bytearray(board.image.read_bytes()))
    littlefs = LittleFS(flash, block_size=BLOCK, block_count=len(flash.buffer) // BLOCK)
    return contents(littlefs)
