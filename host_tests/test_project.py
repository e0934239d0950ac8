"""What the project tells those who join it: checks before a commit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from toolchain import vm

HOOKS = vm.ROOT / ".pre-commit-config.yaml"
PINS = dict(
    line.split("#")[0].split(";")[0].strip().split("==")
    for line in (vm.ROOT / "tools/requirements.txt").read_text().splitlines()
    if "==" in line
)


def read(path: Path) -> dict[Any, Any]:
    """A file of YAML."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


# Checks before a commit


def hooks() -> dict[str, dict[str, Any]]:
    """Every hook by its name."""
    return {hook["id"]: hook for repo in read(HOOKS)["repos"] for hook in repo["hooks"]}


def test_hooks_have_the_versions_that_lint_has() -> None:
    found = {
        package: version
        for hook in hooks().values()
        for package, _, version in (
            pin.partition("==") for pin in hook.get("additional_dependencies", ())
        )
        if version
    }
    assert found == {name: PINS[name] for name in ("codespell", "ruff")}


def test_pre_commit_takes_the_file() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ("Read only whole lines", True),
        ("Read only whole lines\n", True),
        ("Read only whole lines\n\nA board's line was taken before its end.\n", True),
        ("Read only whole lines\n# what git adds\n", True),
        ("fixup! Read only whole lines\n", True),
        ("R" * 72 + "\n", True),
        ("R" * 73 + "\n", False),
        ("Read only whole lines.\n", False),
        ("read only whole lines\n", False),
        ("Read only whole lines\nA board's line\n", False),
        ("\n", False),
    ],
)
def test_a_message_has_a_short_first_line_and_a_blank_one(message: str, taken: bool) -> None:
    hook = hooks()["commit-message"]
    assert hook["stages"] == ["commit-msg"]
    assert hook["language"] == "pygrep"
    assert hook["args"] == ["--multiline", "--negate"]
    # As pre-commit's pygrep does it
    found = re.compile(hook["entry"].encode(), re.MULTILINE | re.DOTALL).search(message.encode())
    assert bool(found) == taken
