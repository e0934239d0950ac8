"""Fixtures of test_image*.py: runs of the command, an application."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import image
import images
from to_make import CONFIG, PICO_W, Make, files_of


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application."""
    directory = tmp_path / "app"
    (directory / "lib").mkdir(parents=True)
    (directory / "app.py").write_text("def loop(dhcp):\n    pass\n")
    (directory / "lib/moon.py").write_text("PHASE = 'full'\n")
    return directory


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Runs the command: the board, what is in its image of MicroPython, further arguments, and the
    config. Returns the directory where it puts what it makes."""

    def run(
        board: str = PICO_W,
        micropython: bytes = images.uf2(images.PICO_W),
        *arguments: str | Path,
        config: object = CONFIG,
    ) -> Path:
        given = tmp_path / "micropython"
        given.write_bytes(micropython)
        settings = tmp_path / "config.json"
        settings.write_text(json.dumps(config))
        output = tmp_path / "output"
        words = [board, given, "--config", settings, "--output", output, *arguments]
        monkeypatch.setattr(sys, "argv", ["image", *map(str, words)])
        image.main()
        return output

    monkeypatch.delenv("WIFI_KEY", raising=False)
    return run


@pytest.fixture
def made(make: Make) -> Callable[..., bytes]:
    """The same for one board; returns what its file system holds."""

    def run(*arguments: str | Path, config: object = CONFIG) -> bytes:
        return files_of(
            make(PICO_W, images.uf2(images.PICO_W), *arguments, config=config) / f"{PICO_W}.uf2"
        )

    return run
