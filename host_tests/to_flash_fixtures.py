"""Fixtures of test_make_flash*.py: what stands in for esptool, what a board is afterwards."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import flash_board
from device.virtual import VirtualBoard
from flashing import esp32
from to_flash import ASKED, ESPTOOL, Calls
from toolchain import cli, vm


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[[str], VirtualBoard]]:
    """Switches on what the board is once MicroPython runs on it."""
    machine = vm.vms()["vm64"]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    made = []

    def on(says: str) -> VirtualBoard:
        made.append(VirtualBoard(tmp_path / "flash.img", 212, _machine=says).__enter__())
        return made[-1]

    yield on
    for each in made:
        each.__exit__(None, None, None)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command; how it ends, and what it says."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["flash_board", *map(str, words)])
        code = cli.run(flash_board.main)
        return code, "".join(capfd.readouterr())

    return run


@pytest.fixture
def esptool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts one in place of esptool: it says what chip there is, and writes down what it gets."""

    def put(
        chip: str = "ESP32",
        size: str = "4MB",
        asked: str = ASKED,
        ask_code: int = 0,
        write_code: int = 0,
    ) -> None:
        script = tmp_path / "esptool.py"
        said = asked.format(chip=chip, size=size)
        log = str(tmp_path / "log")
        codes = {"ask_code": ask_code, "write_code": write_code}
        script.write_text(ESPTOOL.format(log=log, asked=said, **codes))
        monkeypatch.setattr(esp32, "ESPTOOL", [sys.executable, str(script)])

    put()
    return put


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[list[str]]]:
    """What it got, each time that it was called."""

    def calls() -> list[list[str]]:
        log = tmp_path / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return calls


@pytest.fixture
def image(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "micropython.image"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def written(calls: Calls) -> Callable[[], bool]:
    """Whether it was told to write; if it was not, the board has been started again."""

    def written() -> bool:
        _, last = calls()
        assert ("write-flash" in last) != ("hard-reset" in last)
        return "write-flash" in last

    return written
