"""Conversations as people read them in a terminal: a line a message, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator

from capture.conversations import Conversation, Step
from capture.messages import Message, option_value
from capture.names import quoted

_BOOTREQUEST = 1
_ALL = "255.255.255.255"
_VENDOR_CLASS = 60  # RFC 2132
_LEAST = 40  # columns for a note beside its message; with fewer it stands below
_INDENT = 11  # there


def summary(conversation: Conversation, width: int) -> str:
    """A conversation in lines of at most `width` characters. A word that is longer than a line
    goes on in the next; nothing is cut off.
    """
    lines = [*filled(_head(conversation), "", "    ", width)]
    rows = _rows(conversation.steps)
    sizes = [max(map(len, column)) for column in zip(*(row for row, _ in rows), strict=True)]
    for row, note in rows:
        time, *others = (
            cell.rjust(size) if not n else cell.ljust(size)
            for n, (cell, size) in enumerate(zip(row, sizes, strict=True))
        )
        if len(" ".join(["", time, *others])) > width:  # the state stands below, with the note
            note = f"{others.pop().rstrip()} {note}".rstrip()
        start = " ".join(["", time, *others, ""])
        indent = len(start)
        if width - indent < _LEAST and len(note) > width - indent:
            lines += filled(start.rstrip(), "", " " * _INDENT, width)
            start, indent = " " * _INDENT, _INDENT
        lines += filled(note, start, " " * indent, width)
    lines += filled(conversation.verdict, "  => ", "     ", width)
    if conversation.advice:
        lines += filled(conversation.advice, "     ", "     ", width)
    return "\n".join(lines)


def _head(conversation: Conversation) -> str:
    head = conversation.client
    if conversation.name:
        head += f', host name "{conversation.name}"'
    for step in conversation.steps:
        vendor = option_value(step.message.record, _VENDOR_CLASS)
        if vendor and step.message.record["op"] == _BOOTREQUEST:
            return f"{head}, vendor class {quoted(vendor)}"
    return head


def _rows(steps: list[Step]) -> list[tuple[list[str], str]]:
    # The columns of each message, and its note.
    times = [step.message.ns for step in steps]
    start = next((time for time in times if time is not None), 0)
    rows = []
    for step, time in zip(steps, times, strict=True):
        record = step.message.record
        row = [
            "-" if time is None else f"{(time - start) / 1e9:.3f}",
            _way(step.message),
            record["type"] or "BOOTP",
            record["xid"] or "",
            step.state,
        ]
        rows.append((row, step.note))
    return rows


def _way(message: Message) -> str:
    # From the client, or to it; and who the other one is.
    request = message.record["op"] == _BOOTREQUEST
    peer = message.record.get("dst" if request else "src", "").partition(":")[0]
    return f"{'->' if request else '<-'} {'all' if peer == _ALL else peer}".rstrip()


def filled(text: str, start: str, indent: str, width: int) -> Iterator[str]:
    """Lines of whole words, the first of which begins with `start`, the others with `indent`."""
    line, empty = start, True
    for word in text.split(" "):
        if not empty and len(line) + 1 + len(word) > width:
            yield line.rstrip()
            line, empty = indent, True
        line += word if empty else f" {word}"
        empty = False
        while len(line) > width > len(indent):
            yield line[:width]
            line = indent + line[width:]
    yield line.rstrip()
