"""docs/codec.md and docs/options.md do what they say, under both Pythons; names are alike."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from capture.names import MESSAGE_TYPES
from dhcpc import codec
from dhcpc.options import kind, name
from toolchain import vm

PAGES = {page: (vm.ROOT / f"docs/{page}.md").read_text() for page in ("codec", "options")}
EXAMPLE = re.compile(
    r"^```python\n(.*?)^```\n+prints\n+```text\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
EXAMPLES = [
    pytest.param(*example, id=f"{page}{number}")
    for page, text in PAGES.items()
    for number, example in enumerate(EXAMPLE.findall(text))
]
FIRST_OPTION = "SUBNET_MASK"


def test_each_script_of_the_pages_is_an_example() -> None:
    assert len(EXAMPLES) == sum(text.count("```python") for text in PAGES.values()) == 5


@pytest.mark.parametrize(("script", "prints"), EXAMPLES)
def test_an_example_is_right_under_cpython(script: str, prints: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(vm.FIRMWARE)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == (prints, "")


@pytest.mark.parametrize(("script", "prints"), EXAMPLES)
@pytest.mark.parametrize("name", vm.vms())
def test_an_example_is_right_in_a_vm(name: str, script: str, prints: str) -> None:
    machine = vm.vms()[name]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
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


def test_the_table_of_options_has_each_with_its_type() -> None:
    rows = re.findall(r"^\| `(.)` \| .* \| (.*) \|$", PAGES["options"], re.MULTILINE)
    listed = {
        int(code): (letter, called)
        for letter, options in rows
        for code, called in re.findall(r"(\d+) `(\S+)`", options)
    }
    assert listed == {code: (kind(code), name(code)) for code in range(1, 255) if kind(code)}
