"""Fixtures of test_deploy*.py and its like: boards to be switched on, a tree to deploy from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from device.virtual import VirtualBoard
from powered import Boards, copy_tree, formatted
from toolchain import vm


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copy_tree(tmp_path / "tree")


@pytest.fixture
def power(tmp_path: Path) -> Iterator[Boards]:
    """Switches a new board on: files that are on it, how many blocks, what it says to be."""
    machine = vm.vms()["vm64"]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    with ExitStack() as boards:
        count = 0

        def on(
            files: dict[str, str | bytes] | None = None, blocks: int = 212, **says: object
        ) -> VirtualBoard:
            nonlocal count
            count += 1
            image = tmp_path / f"flash{count}.bin"
            if files:
                image.write_bytes(formatted(files, blocks))
            return boards.enter_context(VirtualBoard(image, blocks, **says))

        yield on
