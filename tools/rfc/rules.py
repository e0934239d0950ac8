"""The rules of the RFCs that speak of clients, as host_tests/rules/ has them: a file an RFC.

A file is named for the RFC's number, and begins with that and the title. Behind an empty line
comes a rule:

    3.1 request-has-discovers-secs MUST
    The REQUEST in REQUESTING has the secs of the DISCOVER.
    kept

The section, a name of small letters, digits and hyphens, and the level come first; then the rule
in short own words, on a line or several; then what becomes of it, with the reason behind a colon
where one is needed. A line that is indented goes on from the one before. An empty line ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolchain.cli import Refusal

DIRECTORY = Path(__file__).resolve().parents[2] / "host_tests/rules"

# What an RFC says of how much a rule binds, in the words of RFC 2119; "-" for what it only tells.
LEVELS = ("MUST", "SHOULD", "MAY", "-")

# What becomes of a rule, and what that is to people.
KEPT, DEPARTS, EXTRA, ABSENT, ALIEN = STATES = ("kept", "departs", "extra", "absent", "alien")
MEANINGS = {
    KEPT: "every client keeps it",
    DEPARTS: "the client does something else: why, and what restores it",
    EXTRA: "it is kept with an extra, or with a setting",
    ABSENT: "it is not here: why",
    ALIEN: "it does not apply to such a client: why",
}
SHOWN = (KEPT, EXTRA)  # there must be a test
REASONED = (DEPARTS, EXTRA, ABSENT, ALIEN)  # there must be a reason, or the name of the extra

_TITLE = re.compile(r"(?P<number>\d+) (?P<title>\S.*)")
_FIRST = re.compile(rf"(?P<section>\S+) (?P<name>[a-z0-9-]+) (?P<level>{'|'.join(LEVELS)})")
_LAST = re.compile(rf"(?P<state>{'|'.join(STATES)})(: (?P<reason>.+))?")


@dataclass(frozen=True)
class Rule:
    """One rule. `key` is what a test's marker names it by: "2131 2 xid-random"."""

    rfc: str
    section: str
    name: str
    level: str
    text: str
    state: str
    reason: str

    @property
    def key(self) -> str:
        return f"{self.rfc} {self.section} {self.name}"


@dataclass(frozen=True)
class Document:
    """An RFC, and its rules in order."""

    number: str
    title: str
    rules: list[Rule]


def documents(directory: Path = DIRECTORY) -> list[Document]:
    """All of them, by number. Refusal: what is wrong in which line of which file."""
    found = [_document(path) for path in directory.glob("*.txt")]
    return sorted(found, key=lambda document: int(document.number))


def _document(path: Path) -> Document:
    lines = path.read_text().splitlines()
    first = _TITLE.fullmatch(lines[0]) if lines else None
    if not first or first["number"] != path.stem:
        raise Refusal(f"{path.name}, line 1: not the number of the file, and a title")
    rules: dict[str, Rule] = {}
    for number, block in _blocks(lines):
        try:
            rule = _rule(path.stem, block)
            if rule.key in rules:
                raise Refusal("there is one of that section and name already")
        except Refusal as refusal:
            raise Refusal(f"{path.name}, line {number}: {block[0]}: {refusal}") from None
        rules[rule.key] = rule
    return Document(path.stem, first["title"], [*rules.values()])


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    # Where each begins, from 1, and its lines; one that is indented goes on from the one before.
    start, block = 0, list[str]()
    for number, line in enumerate([*lines[1:], ""], 2):
        if not line.strip():
            if block:
                yield start, block
            block = []
        elif line.startswith(" ") and block:
            block[-1] += " " + line.strip()
        else:
            start = start if block else number
            block.append(line)


def _rule(rfc: str, block: list[str]) -> Rule:
    # Refusal: what is wrong with it.
    first, last = _FIRST.fullmatch(block[0]), _LAST.fullmatch(block[-1])
    if not first:
        raise Refusal(f"not a section, a name in small letters, and {', '.join(LEVELS)}")
    if not last:
        raise Refusal(f"its last line does not begin with {', '.join(STATES)}: {block[-1]}")
    words = block[1:-1]
    if not words:
        raise Refusal("it has no words")
    for line in words:
        if _FIRST.fullmatch(line) or _LAST.fullmatch(line):
            raise Refusal(f"an empty line is missing, or this is no part of its words: {line}")
    state, reason = last["state"], last["reason"] or ""
    if bool(reason) != (state in REASONED):
        raise Refusal(f"{state}, and {'a' if reason else 'no'} reason behind it")
    text = " ".join(words)
    return Rule(rfc, first["section"], first["name"], first["level"], text, state, reason)
