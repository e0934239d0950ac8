"""docs/conformance.md, the rules in host_tests/rules/ and the tests' marks go together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from rfc.page import Tests, check, page
from rfc.rules import Document, documents
from toolchain.cli import Refusal
from toolchain.vm import ROOT

MOON = """9999 The Moon

2 full MUST
The moon is full
once a month.
kept

2 blue MAY
It is blue.
extra: `blue`, where there are
  two in a month

10.1 cheese -
It is of cheese.
alien: nobody has looked
"""
TESTS: Tests = {
    "9999 2 full": [f"test_moon.py::test_{i}" for i in range(5)],
    "9999 2 blue": ["cases/test_sky.py::test_blue"],
}


@pytest.fixture
def moon(tmp_path: Path) -> Path:
    """Where the rules of an RFC are that there is not."""
    (tmp_path / "9999.txt").write_text(MOON)
    return tmp_path


@pytest.fixture(scope="module")
def marks() -> Tests:
    """Of all tests that there are."""
    return conformance.marks()


# This project's


def test_every_rule_that_is_kept_has_a_test_and_every_mark_a_rule(marks: Tests) -> None:
    check([rule for document in documents() for rule in document.rules], marks)


def test_the_page_is_what_the_command_makes(marks: Tests) -> None:
    text = conformance.PAGE.read_text()
    assert page(documents(), marks) == text, "to make it anew: make conformance"


def test_the_sections_of_each_rfc_are_in_order() -> None:
    for document in documents():
        numbers = [
            [int(part) for part in rule.section.split(".")]
            for rule in document.rules
            if rule.section.replace(".", "").isdigit()
        ]
        assert numbers == sorted(numbers), document.number


# The command


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/conformance.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def called(monkeypatch: pytest.MonkeyPatch, moon: Path, tests: Tests, *arguments: str) -> None:
    """Call the command with the moon's rules and these tests."""
    monkeypatch.setattr(conformance, "documents", lambda: documents(moon))
    monkeypatch.setattr(conformance, "marks", lambda: tests)
    monkeypatch.setattr(conformance, "PAGE", moon / "page.md")
    monkeypatch.setattr(sys, "argv", ["conformance.py", *arguments])
    conformance.main()


def test_it_prints_the_page(
    monkeypatch: pytest.MonkeyPatch, moon: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(monkeypatch, moon, TESTS)
    assert capsys.readouterr().out == page(documents(moon), TESTS)
    assert not (moon / "page.md").exists()


def test_it_writes_the_page(
    monkeypatch: pytest.MonkeyPatch, moon: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(monkeypatch, moon, TESTS, "--write")
    assert capsys.readouterr().out == ""
    assert (moon / "page.md").read_text() == page(documents(moon), TESTS)


def test_it_writes_no_page_of_what_does_not_go_together(
    monkeypatch: pytest.MonkeyPatch, moon: Path
) -> None:
    with pytest.raises(Refusal):
        called(monkeypatch, moon, {}, "--write")
    assert not (moon / "page.md").exists()


def test_it_takes_no_other_argument() -> None:
    done = run("moon")
    assert done.returncode == 2
    assert "moon" in done.stderr


def test_tests_that_cannot_be_collected_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "test_moon.py").write_text("import moon\n")
    monkeypatch.setattr(conformance.vm, "ROOT", tmp_path)
    with pytest.raises(Refusal, match="the tests cannot be collected"):
        conformance.marks()


# The page


def test_a_row_has_the_rule_what_becomes_of_it_and_its_first_tests(moon: Path) -> None:
    lines = page(documents(moon), TESTS).splitlines()
    tests = ", ".join(f"`test_moon.py::test_{i}`" for i in range(3))
    rows = [
        f"| 2 | MUST | The moon is full once a month. | kept | {tests} and 2 more |",
        "| 2 | MAY | It is blue. | extra: `blue`, where there are two in a month "
        "| `cases/test_sky.py::test_blue` |",
        "| 10.1 | - | It is of cheese. | alien: nobody has looked |  |",
    ]
    start = lines.index("## RFC 9999")
    assert lines[start + 2] == "The Moon"
    assert [line for line in lines[start:] if line.startswith("|")][2:] == rows


def test_rules_are_counted_by_level_and_by_rfc(moon: Path) -> None:
    (moon / "10000.txt").write_text("10000 Stars\n\n1 many MUST\nThere are many.\nkept\n")
    tests = {**TESTS, "10000 1 many": ["test_stars.py::test_many"]}
    text = page(documents(moon), tests)
    assert "\n| MUST | 2 | 0 | 0 | 0 | 0 | 2 |\n" in text
    assert "\n| [9999](#rfc-9999) The Moon | 1 | 0 | 1 | 0 | 1 | 3 |\n" in text
    assert "\n| all | 2 | 0 | 1 | 0 | 1 | 4 |\n" in text
    assert text.index("## RFC 9999") < text.index("## RFC 10000")


def test_a_bar_is_no_end_of_a_cell(moon: Path) -> None:
    (moon / "9999.txt").write_text(MOON.replace("of cheese", "a|b"))
    assert "| It is a\\|b. |" in page(documents(moon), TESTS)


# Rules and marks that do not go together


def test_a_rule_without_a_test_is_named_whether_every_client_keeps_it_or_an_extra(
    moon: Path,
) -> None:
    with pytest.raises(Refusal) as refused:
        page(documents(moon), {})
    assert str(refused.value).splitlines() == [
        "9999 2 full is called kept, and no test shows it",
        "9999 2 blue is called extra, and no test shows it",
    ]


@pytest.mark.parametrize(
    "key", ["9999 2 fuller", "9999 2.1 full", "9998 2 full", "9999 2", "full", ""]
)
def test_a_mark_that_names_no_rule_is_named_with_its_test(moon: Path, key: str) -> None:
    with pytest.raises(Refusal) as refused:
        page(documents(moon), {**TESTS, key: ["cases/test_moon.py::test_dark"]})
    assert str(refused.value) == f"cases/test_moon.py::test_dark: there is no rule {key}"


# What a file of rules has


def test_a_rule_is_read_part_by_part(moon: Path) -> None:
    (document,) = documents(moon)
    assert (document.number, document.title) == ("9999", "The Moon")
    full, blue, cheese = document.rules
    assert (full.key, full.level, full.state) == ("9999 2 full", "MUST", "kept")
    assert (full.text, full.reason) == ("The moon is full once a month.", "")
    assert (blue.state, blue.reason) == ("extra", "`blue`, where there are two in a month")
    assert (cheese.section, cheese.level) == ("10.1", "-")


def test_blank_lines_of_any_number_and_kind_part_two_rules(moon: Path) -> None:
    (moon / "9999.txt").write_text(MOON.replace("\n\n", "\n \n\n") + "\n\n")
    assert [rule.name for rule in documents(moon)[0].rules] == ["full", "blue", "cheese"]


def test_rfcs_are_in_the_order_of_their_numbers(moon: Path) -> None:
    for number in ("768", "10000"):
        (moon / f"{number}.txt").write_text(f"{number} Another\n")
    (moon / "README.md").write_text("no rules\n")
    found: list[Document] = documents(moon)
    assert [document.number for document in found] == ["768", "9999", "10000"]


FIRST = "9999.txt, line 1: not the number of the file, and a title"
FULL = "9999.txt, line 3: 2 full MUST: "


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (MOON, "", FIRST),
        ("9999 The Moon", "9999", FIRST),
        ("9999 The Moon", "9998 The Moon", FIRST),
        ("9999 The Moon", "The Moon", FIRST),
        ("2 full MUST", "2 full SHALL", "9999.txt, line 3: 2 full SHALL: not a section, a name"),
        ("2 full MUST", "2 full", "line 3: 2 full: not a section"),
        ("2 full MUST", "2 Full MUST", "line 3: 2 Full MUST: not a section"),
        ("2 full MUST", "full MUST", "line 3: full MUST: not a section"),
        ("2 full MUST", "2  full MUST", "line 3: 2  full MUST: not a section"),
        ("kept\n", "", FULL + "its last line does not begin with kept, departs, extra"),
        ("kept\n", "held\n", FULL + "its last line does not begin with kept, departs, extra"),
        ("kept\n", "kept:\n", FULL + "its last line does not begin with kept"),
        ("kept\n", "kept: always\n", FULL + "kept, and a reason behind it"),
        ("kept\n", "departs\n", FULL + "departs, and no reason behind it"),
        ("alien: nobody has looked", "alien", "10.1 cheese -: alien, and no reason behind it"),
        ("The moon is full\nonce a month.\n", "", FULL + "it has no words"),
        ("kept\n\n", "kept\n", FULL + "an empty line is missing, or this is no part of its words"),
        ("kept\n\n2 blue MAY\n", "kept\n", FULL + "an empty line is missing"),
        (
            "2 blue",
            "2 full",
            "9999.txt, line 8: 2 full MAY: there is one of that section and name",
        ),
    ],
)
def test_what_is_no_file_of_rules_is_refused_with_the_line_and_what_is_wrong(
    moon: Path, old: str, new: str, words: str
) -> None:
    assert MOON.count(old) == 1
    (moon / "9999.txt").write_text(MOON.replace(old, new))
    with pytest.raises(Refusal) as refused:
        documents(moon)
    assert words in str(refused.value)


def test_a_file_that_is_not_named_for_an_rfc_is_refused(moon: Path) -> None:
    (moon / "moon.txt").write_text("moon The Moon\n")
    with pytest.raises(Refusal, match=r"moon\.txt, line 1: not the number"):
        documents(moon)
