"""docs/states.md is what tools/states.py makes, and the machine that it shows is RFC 2131's.

What the RFC has is written out here by hand, from its figure 5, its table 5 and its section 4.3.6.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import states
from dhcpc import Session, session
from figure import drawing, survey
from figure.drawing import PAGE, page
from figure.survey import STATES, Run, Sent
from toolchain.cli import Refusal
from toolchain.vm import ROOT

TOOL = ROOT / "tools/states.py"

# Messages, by the states that send them: table 5, and 4.3.6, which names the state before
FIRST = Sent("DISCOVER")
DISCOVER = Sent("DISCOVER", requested=True)  # from then on: 4.4.1, the address that it had
REQUEST = {
    "REBOOTING": Sent("REQUEST", requested=True),
    "REQUESTING": Sent("REQUEST", requested=True, server=True),
    "RENEWING": Sent("REQUEST", ciaddr=True, unicast=True),
    "REBINDING": Sent("REQUEST", ciaddr=True),
}
SENDS = {"SELECTING": DISCOVER, **REQUEST}
DECLINE = Sent("DECLINE", requested=True, server=True)
RELEASE = Sent("RELEASE", server=True, ciaddr=True, unicast=True)

# Figure 5, but for what it collects and discards: from, why, message, to
FIGURE_5 = {
    ("INIT-REBOOT", "wait over", REQUEST["REBOOTING"], "REBOOTING"),
    ("REBOOTING", "NAK", None, "INIT"),
    ("REBOOTING", "ACK", None, "BOUND"),
    ("INIT", "wait over", FIRST, "SELECTING"),
    ("INIT", "wait over", DISCOVER, "SELECTING"),
    ("SELECTING", "OFFER", REQUEST["REQUESTING"], "REQUESTING"),
    ("REQUESTING", "NAK", None, "INIT"),
    ("REQUESTING", "ACK", None, "BOUND"),
    ("BOUND", "T1", REQUEST["RENEWING"], "RENEWING"),
    ("RENEWING", "ACK", None, "BOUND"),
    ("RENEWING", "NAK", None, "INIT"),
    ("RENEWING", "T2", REQUEST["REBINDING"], "REBINDING"),
    ("REBINDING", "ACK", None, "BOUND"),
    ("REBINDING", "NAK", None, "INIT"),
    ("REBINDING", "end of the lease", None, "INIT"),
}
# 4.1, 4.4.5: each state that waits for a reply sends again
AGAIN = {
    (state, "no answer", message, state)
    for state, message in [*SENDS.items(), ("SELECTING", FIRST)]
}
# 3.1, step 5, and 3.2: these two give up
GIVE_UP = {
    ("REQUESTING", "no answer, 6 times", None, "INIT"),
    ("REBOOTING", "no answer, 3 times", None, "INIT"),
}
ADDED = {
    (before, why, None, after)
    for why, after in {
        "start": "INIT",
        "start with a record": "INIT-REBOOT",
        "start with a record to reuse": "BOUND",
        "stop": "STOPPED",
    }.items()
    for before in STATES
    if before != after
}
LATE = {
    ("BOUND", "T2", REQUEST["REBINDING"], "REBINDING"),
    ("BOUND", "end of the lease", None, "INIT"),
    ("RENEWING", "end of the lease", None, "INIT"),
}
EVENTS = {
    "OFFER": {"SELECTING": "recv"},
    "ACK": {
        "REBOOTING": "rebooted",
        "REQUESTING": "bound",
        "RENEWING": "renewed",
        "REBINDING": "rebound",
    },
    "NAK": dict.fromkeys(REQUEST, "nak"),
    "end of the lease": dict.fromkeys(("BOUND", "RENEWING", "REBINDING"), "expired"),
    **{cause: {state: "timeout"} for state, cause, _, _ in GIVE_UP},
}


@pytest.fixture(scope="module")
def found() -> survey.Survey:
    return survey.survey()


# The page


def test_the_page_is_what_the_command_makes() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "to make it anew: make states"


def test_the_command_prints_the_page() -> None:
    done = subprocess.run([sys.executable, TOOL], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, PAGE.read_text(), "")


def test_it_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "states.md"
    stale.write_text(PAGE.read_text().replace("| SELECTING | DISCOVER |", "| SELECTING | - |"))
    monkeypatch.setattr(states, "PAGE", stale)
    monkeypatch.setattr(sys, "argv", ["states.py", "--write"])
    states.main()
    assert stale.read_text() == PAGE.read_text()


@pytest.mark.parametrize("mark", ["<!-- made by tools/states.py: late -->", "<!-- until here -->"])
def test_a_page_without_a_place_for_a_part_is_refused(mark: str) -> None:
    with pytest.raises(Refusal, match="no place for the"):
        page(PAGE.read_text().replace(mark, ""))


def test_the_picture_draws_every_arrow_and_each_state_by_its_name(found: survey.Survey) -> None:
    names = {drawing._id(state): state for state in STATES}
    drawn = set()
    for line in drawing.picture(found):
        ends, arrow, label = line.strip().partition(": ")
        if arrow:
            before, _, after = ends.partition(" --> ")
            for each in label.split("<br/>"):
                starts = [s for s in STATES if s != after] if before == "any_state" else [before]
                drawn |= {(names.get(s, s), each.split(" / ")[0], names[after]) for s in starts}
    wanted = {(arrow.before, arrow.cause, arrow.after) for arrow in found.arrows}
    assert {arrow for arrow in drawn if arrow[0] != arrow[2]} == {
        arrow for arrow in wanted if arrow[0] != arrow[2]
    }
    assert '    state "INIT-REBOOT" as INIT_REBOOT' in drawing.picture(found)


# The machine


@pytest.mark.rfc(
    "2131 figure5 requesting-ack",
    "2131 figure5 requesting-nak",
    "2131 figure5 rebooting-ack",
    "2131 figure5 rebooting-nak",
    "2131 figure5 renewing-rebinding-ack",
    "2131 figure5 renewing-rebinding-nak",
)
def test_the_arrows_are_those_of_figure_5_and_of_what_is_said_about_it(
    found: survey.Survey,
) -> None:
    arrows = {(arrow.before, arrow.cause, arrow.sent, arrow.after) for arrow in found.arrows}
    assert arrows == FIGURE_5 | AGAIN | GIVE_UP | ADDED


def test_a_late_call_acts_on_the_time_that_it_is(found: survey.Survey) -> None:
    assert {(each.before, each.cause, each.sent, each.after) for each in found.late} == LATE


def test_each_arrow_has_its_event(found: survey.Survey) -> None:
    for arrow in found.arrows + found.late:
        assert arrow.event == EVENTS.get(arrow.cause, {}).get(arrow.before, "")


@pytest.mark.rfc("2131 4.3.6 selecting-broadcast", "2131 4.3.6 reboot-broadcast")
def test_the_tables_say_what_4_3_6_and_table_5_say() -> None:
    rows = survey.rows()
    assert {state: row.sent for state, row in rows.items() if row.sent} == SENDS
    assert survey.stateless() == [DECLINE, RELEASE]
    takes = {state: row.takes for state, row in rows.items() if row.takes}
    assert takes == {"SELECTING": ("OFFER",), **dict.fromkeys(REQUEST, ("ACK", "NAK"))}
    assert {state: row.event for state, row in rows.items() if row.event} == EVENTS["ACK"]


@pytest.mark.rfc("2131 figure5 other-replies")
def test_the_session_does_what_its_tables_say(found: survey.Survey) -> None:
    rows = survey.rows()
    assert set(found.refused) == set(rows) == set(STATES)
    for state, row in rows.items():
        assert found.refused[state] == {"OFFER", "ACK", "NAK"} - {*row.takes}
        messages = {each.sent for each in found.arrows + found.late if each.after == state}
        first = {FIRST} if state == "SELECTING" else set()
        assert messages - {None} == first | {row.sent} - {None}
    assert survey.written_without_a_state() == survey.stateless()


@pytest.mark.rfc("2131 3.1 discover-suggests-address")
@pytest.mark.parametrize(("reply", "named"), [(survey._NAK, False), (survey._ACK, True)])
def test_an_address_that_a_server_has_refused_is_not_named_again(reply: int, named: bool) -> None:
    run = survey._bound()
    for do in (Run.silence, lambda run: run.reply(reply), lambda run: run.start("start")):
        do(run)
    run.silence()
    assert run.arrows[-1].sent == Sent("DISCOVER", requested=named)


# A session that errs


def without_the_end(step: Callable[..., str | None]) -> Callable[..., str | None]:
    """A `step` that goes on renewing where the lease is over."""

    def erring(self: Session, now: int) -> str | None:
        if self.lease and self.lease.age + (now - self.last) // 1000 >= self.lease.lease_time:
            self.lease.age = 0
        return step(self, now)

    return erring


def giving_up_for_good(step: Callable[..., str | None]) -> Callable[..., str | None]:
    """A `step` that does not start over."""

    def erring(self: Session, now: int) -> str | None:
        event = step(self, now)
        if event == "timeout":
            self.stop()
        return event

    return erring


def deaf_to_naks(read: Callable[..., str]) -> Callable[..., str]:
    """A `read` that takes a NAK and stays where it is."""

    def erring(self: Session, buf: bytes) -> str:
        before = self.state, self.lease
        event = read(self, buf)
        if event == "nak":
            self.state, self.lease = before
        return event

    return erring


def forgetful(start: Callable[..., None]) -> Callable[..., None]:
    """A `start` that does not remember the address that there was."""

    def erring(self: Session, *args: Any) -> None:
        self.yiaddr = bytes(4)
        start(self, *args)

    return erring


def changed(table: bytes, state: str, value: int) -> bytes:
    at = STATES.index(state)
    return table[:at] + bytes((value,)) + table[at + 1 :]


# What is changed, and into what
ERRING: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "a REQUEST in REBINDING to the server": (
        session,
        "_FORMS",
        lambda table: changed(table, "REBINDING", 0x93),
    ),
    "no address that SELECTING names": (
        session,
        "_FORMS",
        lambda table: changed(table, "SELECTING", 0x01),
    ),
    "an address that is forgotten": (Session, "start", forgetful),
    "a NAK in RENEWING ignored": (session, "_REPLIES", lambda t: changed(t, "RENEWING", 0x20)),
    "an ACK in SELECTING taken": (session, "_REPLIES", lambda t: changed(t, "SELECTING", 0x24)),
    "an ACK of another name": (session, "_EVENTS", lambda t: ("bound", *t[1:])),
    "silence that ends it all": (Session, "step", giving_up_for_good),
    "a lease without an end": (Session, "step", without_the_end),
    "a NAK without consequences": (Session, "read", deaf_to_naks),
}


@pytest.mark.parametrize("how", ERRING)
def test_a_session_that_errs_has_another_page(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, change = ERRING[how]
    monkeypatch.setattr(owner, name, change(getattr(owner, name)))
    text = PAGE.read_text()
    assert page(text) != text
