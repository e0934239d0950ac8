"""The names of the codec and of the typed options are alike, and docs/options.md has them all."""

from __future__ import annotations

import re

from capture.names import MESSAGE_TYPES
from dhcpc import codec
from dhcpc.options import kind, name
from toolchain import vm

PAGE = (vm.ROOT / "docs/options.md").read_text()
FIRST_OPTION = "SUBNET_MASK"


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
    rows = re.findall(r"^\| `(.)` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    listed = {
        int(code): (letter, called)
        for letter, options in rows
        for code, called in re.findall(r"(\d+) `(\S+)`", options)
    }
    assert listed == {code: (kind(code), name(code)) for code in range(1, 255) if kind(code)}
