"""docs/no-address.md: what it says of each reason is what the firmware says; its commands, its
links and its examples are right."""

from __future__ import annotations

import errno
import re
import shlex
import subprocess

import pytest

from odd.failures import FAILURES
from toolchain import vm
from toolchain.programs import ENVIRONMENT, which

PAGE = vm.ROOT / "docs/no-address.md"
TEXT = PAGE.read_text()
COMMANDS = re.findall(r"^(?:      |    )([a-z.].*)$", TEXT, re.M)
OUR_TOOLS = (".venv/bin/python", "tools/decode.py")


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


# What it has one type


@pytest.mark.parametrize("line", [each for each in COMMANDS if "tcpdump -i" in each])
def test_tcpdump_takes_its_commands(line: str) -> None:
    if not which("tcpdump"):
        pytest.skip("no tcpdump: sudo apt-get install tcpdump")
    words = shlex.split(line)
    if words[0] == "ssh":
        assert words[1] == "root@192.168.1.1"
        words = shlex.split(words[2])  # by the router's shell
    words = words[words.index("tcpdump") + 1 :]
    assert words[:1] + words[2:5] == ["-i", "-U", "-w", "-"]
    capture_filter = words[5] if words[5:] and words[5] != ">" else ""
    # With -d it compiles the filter and prints it.
    compiled = ["tcpdump", "-y", "EN10MB", "-d", capture_filter]
    done = subprocess.run(compiled, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_file_that_our_tools_are_given_is_there_or_made_above() -> None:
    made = set()
    for line in COMMANDS:
        words = shlex.split(line)
        if ">" in words:
            made.add(words[words.index(">") + 1])
        if tuple(words[:2]) == OUR_TOOLS:
            assert (vm.ROOT / words[1]).exists()
            assert words[2] in made or (vm.ROOT / words[2]).exists(), line
    assert made == {"board.pcap", "air.pcap"}


# Where it leads


def test_its_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.M)
    }
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, heading = link.partition("#")
        assert (PAGE.parent / path).exists(), link
        assert path or heading in headings, link


def test_every_failure_is_an_example() -> None:
    linked = re.findall(r"\(\.\./host_tests/captures/failures/([^)]*)\.pcap\)", TEXT)
    assert {*linked} == {*FAILURES}


def test_readme_and_client_page_lead_to_it() -> None:
    assert "(docs/no-address.md)" in (vm.ROOT / "README.md").read_text()
    assert "(no-address.md)" in (vm.ROOT / "docs/client.md").read_text()
