"""docs/no-address.md: what it says of each reason is what the firmware says, and it has every
reason and every example."""

from __future__ import annotations

import errno
import re

import pytest

from odd.failures import FAILURES
from toolchain import vm

PAGE = vm.ROOT / "docs/no-address.md"
TEXT = PAGE.read_text()


def rows(head: str) -> list[list[str]]:
    """The rows of the table with that first line."""
    lines = TEXT[TEXT.index(head) :].split("\n\n")[0].splitlines()[2:]
    return [line.strip("| ").split(" | ") for line in lines]


REASONS = rows("| the board says |")
EXCEPTIONS = rows("| the exception |")


# What the board says


@pytest.mark.parametrize("row", REASONS, ids=lambda row: row[0])
def test_a_reason_means_what_the_firmware_says(row: list[str]) -> None:
    from dhcpc.explain import why

    reason, meaning, change = row
    assert why(reason.strip("`"))[0] == meaning
    assert change


@pytest.mark.parametrize("row", EXCEPTIONS, ids=lambda row: row[0])
def test_an_exception_means_what_the_firmware_says(row: list[str]) -> None:
    from dhcpc.explain import why

    name, meaning, change = row
    number = getattr(errno, name.strip("`"), None)
    assert why(OSError(number) if number else MemoryError())[0] == meaning
    assert change


def test_it_has_every_reason_and_every_exception() -> None:
    from dhcpc import explain

    said = [row[0].strip("`") for row in REASONS]
    words = {reason if ": " not in reason else reason.split()[1] for reason in said}
    assert words == set(explain._REASONS)
    assert len(said) == len(words)
    assert [row[0].strip("`") for row in EXCEPTIONS] == [*explain._NUMBERS, "MemoryError"]


# Where it leads


def test_every_failure_is_an_example() -> None:
    linked = re.findall(r"\(\.\./host_tests/captures/failures/([^)]*)\.pcap\)", TEXT)
    assert {*linked} == {*FAILURES}


def test_readme_and_client_page_lead_to_it() -> None:
    assert "(docs/no-address.md)" in (vm.ROOT / "README.md").read_text()
    assert "(no-address.md)" in (vm.ROOT / "docs/client.md").read_text()
