"""tools/virtual_board.py: which file it takes for a board's flash, and which it leaves alone; and
that the board itself is like a board."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")

from device import remote
from device.image import BLOCK, Image
from device.virtual import BLOCKS, VirtualBoard
from powered import Boards, files, mpremote
from toolchain import vm
from toolchain.cli import Refusal

pytest_plugins = ["powered_fixtures"]
TOOL = vm.ROOT / "tools/virtual_board.py"
VM = vm.vms()["vm64"]
needs_vm = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    """Where a board's flash may be."""
    return tmp_path / "flash.bin"


def formatted(path: Path) -> Path:
    """A board's flash, with a file in it."""
    with VirtualBoard(path):
        pass
    image = Image(path)
    with image.files.open("/own", "wb") as file:
        file.write(b"kept")
    image.keep()
    return path


def run(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself, or has a port, and is ended."""
    process = subprocess.Popen(
        [sys.executable, TOOL, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    port = process.stdout.readline()
    if port:
        process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    return subprocess.CompletedProcess(process.args, process.returncode, port + rest, errors)


@needs_vm
@pytest.mark.parametrize("data", [None, b"", b"\xff" * BLOCK * 32])
def test_what_is_new_or_empty_is_formatted(flash: Path, data: bytes | None) -> None:
    if data is not None:
        flash.write_bytes(data)
    done = run(flash)
    assert (done.returncode, done.stderr) == (0, "")
    assert Image(flash).files.listdir("/") == []
    assert flash.stat().st_size == (len(data) if data else BLOCK * BLOCKS)


@needs_vm
def test_a_littlefs_image_is_used_as_it_is(flash: Path) -> None:
    formatted(flash)
    before = flash.read_bytes()
    assert run(flash).returncode == 0
    assert flash.read_bytes() == before


@pytest.mark.parametrize(
    "data",
    [
        b"PK\3\4" + b"a photo" * 100_000,
        b"x",
        bytes(BLOCK * 32),
        b"\xff" * BLOCK * 32 + b"x",
        b"\xff" * 8 + b"littlefs" + b"\xff" * BLOCK * 32,
    ],
)
def test_a_file_with_something_else_is_named_and_left_alone(flash: Path, data: bytes) -> None:
    flash.write_bytes(data)
    done = run(flash)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"virtual_board: {flash}: ")
    assert "littlefs image" in done.stderr
    assert "so nothing was changed; name a new file" in done.stderr
    assert flash.read_bytes() == data


def test_a_flash_that_is_too_small_is_named_and_left_alone(flash: Path) -> None:
    flash.write_bytes(b"\xff" * 5000)
    done = run(flash)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"virtual_board: {flash}: 5,000 bytes are no flash, which has 8,192 at least\n"
    )
    assert flash.stat().st_size == 5000


@needs_vm
def test_a_damaged_image_is_not_formatted(flash: Path) -> None:
    formatted(flash)
    data = bytearray(flash.read_bytes())
    for block in (0, 1):  # the two copies of the superblock, behind its magic
        data[block * BLOCK + 24 : block * BLOCK + 40] = bytes(16)
    flash.write_bytes(data)
    with pytest.raises(Refusal, match="the littlefs image is damaged"):
        VirtualBoard(flash)
    assert flash.read_bytes() == data


@needs_vm
def test_what_the_vm_cannot_mount_is_not_formatted_either(flash: Path) -> None:
    board = VirtualBoard(formatted(flash))
    other = b"PK\3\4" + bytes(BLOCK * 32)
    flash.write_bytes(other)  # just before the start
    with pytest.raises(Refusal, match="the VM does not start"), board:
        pass
    assert flash.read_bytes() == other


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        done = run(path)
        assert done.returncode == 1
        assert done.stderr == f"virtual_board: {path}: is not a file\n"
    done = run(tmp_path / "no" / "where")
    assert done.returncode == 1
    assert str(tmp_path / "no" / "where") in done.stderr
    assert "Traceback" not in done.stderr


# What it is like


def test_its_files_are_in_the_flash_and_no_others_are_there(power: Boards, tmp_path: Path) -> None:
    board = power()
    (tmp_path / "app.py").write_text("X = 1\n")
    said = mpremote(
        board, "cp", str(tmp_path / "app.py"), ":app.py", "+", "mkdir", ":etc", "+", "ls"
    )
    assert re.findall(r"^ +\d+ (.*)$", said, re.MULTILINE) == ["app.py", "etc/"]
    assert files(board) == {"/app.py": b"X = 1\n"}
    paths = "import os, sys; print(os.getcwd(), sys.path, os.listdir('/etc'))"
    assert mpremote(board, "exec", paths).split("\n")[-2] == "/ ['', '.frozen', '/lib'] []"


def test_it_runs_boot_and_main_and_is_interrupted(power: Boards) -> None:
    programs = {
        "/boot.py": "X = ['boot']\n",
        "/main.py": "import time\nX.append('main')\nwhile True:\n    time.sleep(1)\n",
    }
    board = power(programs)
    assert mpremote(board, "resume", "exec", "print(X, __name__)") == "['boot', 'main'] __main__\n"
    # A soft reset in the raw REPL does not run main.py; one at the prompt does.
    assert mpremote(board, "exec", "print(X); X = 0") == "['boot']\n"
    with remote.Board(board.port):
        pass
    assert mpremote(board, "resume", "exec", "print(X); X = 0") == "['boot', 'main']\n"
    board.reset()
    assert mpremote(board, "resume", "exec", "print(X)") == "['boot', 'main']\n"


def test_an_image_that_is_none_does_not_bring_up_the_hosts_files(tmp_path: Path) -> None:
    if vm.vms()["vm64"].missing:
        pytest.skip(vm.vms()["vm64"].missing)
    image = tmp_path / "flash.bin"
    board = VirtualBoard(image)
    image.write_bytes(b"")
    with pytest.raises(RuntimeError, match=r"the VM does not start: (.|\n)*OSError"):
        board.__enter__()
