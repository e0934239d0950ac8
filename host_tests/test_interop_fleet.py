"""A hundred boards get power at once before a real server: sessions of the firmware, each with a
MAC of its own, in one process. tools/lab.py fleet does it with a thousand.
"""

from __future__ import annotations

import sys

import pytest

import lab
from fleet import live
from fleet.live import Live, run
from toolchain.cli import Refusal

pytestmark = pytest.mark.usefixtures("lab_works")

BOARDS = 100


def test_every_board_has_a_lease_of_its_own_that_the_server_knows() -> None:
    found = run(BOARDS)
    assert found.faults(BOARDS) == []
    assert len(found.leases) == len(found.seconds) == BOARDS
    assert found.sent >= 2 * BOARDS


def test_the_command_tells_how_long_it_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Live([0.1, 0.2], {"a": "10.0.0.5", "b": "10.0.0.6"}, 4, {"10.0.0.5": "a"})
    monkeypatch.setattr(live, "run", lambda boards, server: found)
    monkeypatch.setattr(sys, "argv", ["lab.py", "fleet", "--boards", "2"])
    assert lab.main() == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[1:] == [
        "50 % of them: 0.1 s",
        "99 % of them: 0.1 s",
        "100 % of them: 0.2 s",
        "sent by a board: 2.0",
    ]
    assert said.err == "the server knows nothing of the leases of 1 boards\n"


@pytest.mark.parametrize("boards", ["0", "50001"])
def test_a_fleet_that_is_none_is_refused(boards: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["lab.py", "fleet", "--boards", boards])
    with pytest.raises(Refusal, match=f"--boards: 1 to 50,000, not {boards}"):
        lab.main()


def test_what_is_wrong_is_named() -> None:
    leases = {"02:00:00:00:00:01": "10.0.0.5", "02:00:00:00:00:02": "10.0.0.5"}
    found = Live([0.1, 0.2], leases, 4, {"10.0.0.5": "02:00:00:00:00:01"})
    assert found.faults(3) == [
        "1 of 3 boards have no lease",
        "1 boards have the address of another one",
        "the server knows nothing of the leases of 1 boards",
    ]
