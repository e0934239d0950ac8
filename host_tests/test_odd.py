"""The firmware's client before odd servers, live: on lwIP with the ports' options, and on UNIX."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, cast

import pytest

from odd import table
from odd.columns import OURS, Column
from odd.oddities import named

LANES = 4  # labs for each client
REFUSED_S = 4  # of silence are enough where a lease would take one

ODDITIES = named()


class Meeting(NamedTuple):
    """An oddity, by its name, and a client."""

    name: str
    column: type[Column]

    def __str__(self) -> str:
        return f"{self.name}-{self.column.title}"


MEETINGS = [Meeting(name, column) for name in ODDITIES for column in OURS]
TAKEN = [each for each in MEETINGS if table.takes(each.column, ODDITIES[each.name])]
REFUSED = [each for each in MEETINGS if each not in TAKEN]


@pytest.fixture(scope="module")
def met(request: pytest.FixtureRequest) -> dict[Meeting, table.Outcome | str]:
    """The outcome of each meeting that is selected, all run at once; or why it cannot be had."""
    wanted = {
        cast(Meeting, item.callspec.params["meeting"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    }
    taken = {each.name for each in TAKEN}
    columns, missing = table.able({each.column: None for each in wanted})
    oddities = {
        name: ODDITIES[name] if name in taken else replace(ODDITIES[name], limit=REFUSED_S)
        for name in {each.name for each in wanted}
    }
    outcomes = table.run(oddities, columns, LANES)
    return {each: missing.get(each.column) or outcomes[each] for each in wanted}


@pytest.fixture
def outcome(met: dict[Meeting, table.Outcome | str], meeting: Meeting) -> table.Outcome:
    """What came of a meeting. Skips, with the reason and the remedy, where it cannot be had."""
    found = met[meeting]
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.mark.parametrize("meeting", TAKEN, ids=str)
def test_a_lease_is_got(outcome: table.Outcome, meeting: Meeting) -> None:
    assert str(outcome) == "yes", outcome.said


@pytest.mark.parametrize("meeting", REFUSED, ids=str)
def test_a_reply_that_is_refused_is_no_lease(outcome: table.Outcome, meeting: Meeting) -> None:
    assert str(outcome) == "no", outcome.said
