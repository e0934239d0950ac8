"""How it is drawn: the picture as Mermaid has it, which GitHub draws, and the tables beside it.

The page is docs/states.md. Its words are written by hand; what stands between two marks is made
here.
"""

from __future__ import annotations

import re

from capture.names import option_name
from figure.survey import END, STATES, Arrow, Row, Sent, Survey, rows, stateless, survey
from toolchain.package import ROOT
from toolchain.parts import put

PAGE = ROOT / "docs/states.md"

_ANY = "any state"
_NOTHING = "-"


def page(text: str) -> str:
    """The page with every part that is made here made anew. Refusal: one has no place there."""
    found = survey()
    parts = {
        "picture": picture(found),
        "table": table(rows(), stateless(), found),
        "late": late(found),
    }
    return put(text, PAGE.name, "states.py", parts)


def picture(found: Survey) -> list[str]:
    """The arrows, each pair of states' on one. What leads from every state to one and the same is
    drawn once."""
    everywhere = _everywhere(found.arrows)
    merged: dict[tuple[str, str], list[str]] = {}
    for arrow in sorted(found.arrows, key=lambda arrow: STATES.index(arrow.before)):
        ends, label = (arrow.before, arrow.after), _label(arrow)
        if arrow in everywhere:
            ends = _ANY, arrow.after
        labels = merged.setdefault(ends, [])
        if label not in labels:
            labels.append(label)
    states = dict.fromkeys(state for ends in merged for state in ends)
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{name}" as {_id(name)}' for name in states if _id(name) != name]
    for (before, after), labels in merged.items():
        lines.append(f"    {_id(before)} --> {_id(after)}: {'<br/>'.join(labels)}")
    return [*lines, "```"]


def table(of: dict[str, Row], others: list[Sent], found: Survey) -> list[str]:
    """What each state sends and takes; at the end the messages that no state sends by itself.

    found: tells which messages carry option 50 only sometimes.
    """
    lines = _head("state", "sends", "with", "to", "takes", "an ACK is")
    for state, row in of.items():
        takes = ", ".join(row.takes) or _NOTHING
        sent = {arrow.sent for arrow in found.arrows if arrow.after == state} - {None}
        requested = {each.requested for each in sent if each}
        lines += _row(state, *_message(row.sent, requested), takes, _code(row.event))
    for each in others:
        lines += _row("in no state", *_message(each, {each.requested}), _NOTHING, _NOTHING)
    return lines


def late(found: Survey) -> list[str]:
    """What a call does that comes late."""
    lines = _head("the call before was in", "by now there is", "sends", "event", "state then")
    for arrow in found.late:
        passed = f"the {arrow.cause}" if arrow.cause == END else arrow.cause
        lines += _row(arrow.before, passed, _sent(arrow.sent), _code(arrow.event), arrow.after)
    return lines


def _everywhere(arrows: list[Arrow]) -> set[Arrow]:
    """Those whose cause leads from every state to the same."""
    states = {arrow.before for arrow in arrows} | {arrow.after for arrow in arrows}
    found: set[Arrow] = set()
    for cause in {arrow.cause for arrow in arrows}:
        alike = {arrow for arrow in arrows if arrow.cause == cause}
        after = {arrow.after for arrow in alike}
        if len(after) == 1 and {arrow.before for arrow in alike} | after == states:
            found |= alike
    return found


def _label(arrow: Arrow) -> str:
    parts = [arrow.cause, _sent(arrow.sent), arrow.event or _NOTHING]
    while parts[-1] == _NOTHING:
        parts.pop()
    return " / ".join(parts)


def _sent(sent: Sent | None) -> str:
    if not sent:
        return _NOTHING
    return f"{sent.type} to the server" if sent.unicast else f"{sent.type} to all"


def _message(sent: Sent | None, requested: set[bool]) -> tuple[str, str, str]:
    # requested: with option 50, without it, or both have been seen
    if not sent:
        return _NOTHING, _NOTHING, _NOTHING
    sometimes = ", if it had one" if False in requested else ""
    carried = [f"50 {option_name(50)}{sometimes}"] if True in requested else []
    carried += [f"54 {option_name(54)}"] if sent.server else []
    carried += ["ciaddr"] if sent.ciaddr else []
    return sent.type, ", ".join(carried) or _NOTHING, "the server" if sent.unicast else "all"


def _code(event: str) -> str:
    return f"`{event}`" if event else _NOTHING


def _id(state: str) -> str:
    return re.sub(r"\W", "_", state)  # Mermaid's names have no hyphens and no blanks


def _head(*cells: str) -> list[str]:
    return [*_row(*cells), *_row(*["---"] * len(cells))]


def _row(*cells: str) -> list[str]:
    return [f"| {' | '.join(cells)} |"]
