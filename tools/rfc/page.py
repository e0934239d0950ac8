"""docs/conformance.md: a table of the rules, with the tests that show each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rfc.rules import LEVELS, MEANINGS, SHOWN, STATES, Document, Rule
from toolchain.cli import Refusal

Tests = Mapping[str, list[str]]  # by the key of the rule that they show

_HEAD = """# Which rules of the RFCs it keeps

This page lists what the RFCs ask of a DHCPv4 client, in our own short words, and whether this one
does it. The level is the RFC's own word; - marks a mere statement. The last column names the tests
in `host_tests/` that show it, by their own marks; those in `cases/` run under CPython and in
MicroPython's VMs.

`make conformance` makes this page from the rules in `host_tests/rules/` and from those marks
([how](testing.md#rules)). `make test` fails if a rule that is called kept or extra has no test, if
a test names an unknown rule, or if this page is not what that command makes.

"""
_SHOWN = 3  # tests of a rule by name


def page(documents: list[Document], tests: Tests) -> str:
    """The text. Refusal: a rule has no test, or a test no rule."""
    rules = [rule for document in documents for rule in document.rules]
    check(rules, tests)
    lines = [*_states(), *_by_level(rules), *_by_document(documents), *_tables(documents, tests)]
    return _HEAD + "\n".join(lines)


def check(rules: list[Rule], tests: Tests) -> None:
    """See that they go together. Refusal: all that do not, a line each."""
    wrong = [
        f"{rule.key} is called {rule.state}, and no test shows it"
        for rule in rules
        if rule.state in SHOWN and rule.key not in tests
    ]
    keys = {rule.key for rule in rules}
    wrong += [f"{tests[key][0]}: there is no rule {key}" for key in tests if key not in keys]
    if wrong:
        raise Refusal("\n".join(wrong))


def _states() -> Iterator[str]:
    for state in STATES:
        yield f"* {state}: {MEANINGS[state]}"
    yield ""


def _by_level(rules: list[Rule]) -> Iterator[str]:
    yield from _head("level", *STATES, "all")
    for level in LEVELS:
        yield _counted(level, [rule for rule in rules if rule.level == level])
    yield _counted("all", rules)
    yield ""


def _by_document(documents: list[Document]) -> Iterator[str]:
    yield from _head("RFC", *STATES, "all")
    for document in documents:
        number = document.number
        yield _counted(f"[{number}](#rfc-{number}) {document.title}", document.rules)
    yield ""


def _counted(name: str, rules: list[Rule]) -> str:
    counts = Counter(rule.state for rule in rules)
    return _row(name, *(str(counts[state]) for state in STATES), str(len(rules)))


def _tables(documents: list[Document], tests: Tests) -> Iterator[str]:
    for document in documents:
        yield f"## RFC {document.number}\n"
        yield f"{document.title}\n"
        yield from _head("section", "level", "rule", "here", "shown by")
        for rule in document.rules:
            state = f"{rule.state}: {rule.reason}" if rule.reason else rule.state
            shown = _named(tests.get(rule.key, []))
            yield _row(rule.section, rule.level, rule.text, state, shown)
        yield ""


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield _row(*["---"] * len(cells))


def _row(*cells: str) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _named(tests: list[str]) -> str:
    names = ", ".join(f"`{name}`" for name in tests[:_SHOWN])
    more = len(tests) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names
