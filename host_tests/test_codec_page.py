"""docs/codec.md does what it says, under both Pythons; dhcpc.codec names options as others do."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from capture.names import MESSAGE_TYPES
from dhcpc import codec
from dhcpc.options import name
from toolchain import vm

PAGE = vm.ROOT / "docs/codec.md"
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n+prints\n+```text\n(.*?)^```$",
    PAGE.read_text(),
    re.MULTILINE | re.DOTALL,
)
VMS = pytest.mark.parametrize("name", vm.vms())
FIRST_OPTION = "SUBNET_MASK"


def test_the_page_has_an_example_of_each() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```python") == 2


def test_the_page_is_right_under_cpython() -> None:
    for script, prints in EXAMPLES:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(vm.FIRMWARE)},
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr) == (prints, "")


@VMS
def test_the_page_is_right_in_a_vm(name: str) -> None:
    machine = vm.vms()[name]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    for script, prints in EXAMPLES:
        assert machine.run(script) == (0, prints)


def constants() -> list[tuple[str, int]]:
    """The public numbers of codec.py, in its order."""
    return [(key, n) for key, n in vars(codec).items() if key[0].isupper() and type(n) is int]


def test_message_types_are_called_alike() -> None:
    types = {name: number for name, number in constants() if name in MESSAGE_TYPES}
    assert types == {name: MESSAGE_TYPES.index(name) + 1 for name in MESSAGE_TYPES[:8]}


def test_options_are_called_alike() -> None:
    names = [name for name, _ in constants()]
    options = constants()[names.index(FIRST_OPTION) :]
    assert [code for _, code in options] == sorted({code for _, code in options})
    for constant, code in options:
        assert constant == name(code).upper()
