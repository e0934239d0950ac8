#!/usr/bin/env python3
"""Makes docs/conformance.md: which rules of the RFCs the client keeps, and which tests show it.

The rules are in host_tests/rules/; the tests name those that they show.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rfc.page import page
from rfc.rules import documents
from toolchain import cli, vm
from toolchain.cli import Refusal
from toolchain.parts import make

PAGE = vm.ROOT / "docs/conformance.md"


def main() -> None:
    parser = cli.parser(__doc__.splitlines()[0], "--write")
    make(parser, PAGE, lambda: page(documents(), marks()))


def marks() -> dict[str, list[str]]:
    """The tests by the rule that their marks name. Refusal: they cannot be collected."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "marks.json"
        pytest = [sys.executable, "-m", "pytest", "--quiet", "--collect-only", f"--marks={path}"]
        every = {**os.environ, "PYTEST_ADDOPTS": ""}  # which may leave some out
        done = subprocess.run(pytest, cwd=vm.ROOT, env=every, capture_output=True, text=True)
        if done.returncode:
            raise Refusal(f"the tests cannot be collected:\n{done.stdout[-2000:]}{done.stderr}")
        found: dict[str, list[str]] = json.loads(path.read_text())
        return found


if __name__ == "__main__":
    sys.exit(cli.run(main))
