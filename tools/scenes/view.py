"""What tools/demo.py shows, in 80 columns or in the 40 and more that a terminal has: the ladder of
messages, what the application sees, the record in flash. Knows what things look like, and not
whether they are right.
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from textwrap import wrap
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from capture.names import ip_text, mac_text, option_name, option_text
from scenes.server import ALL, ANY, MESSAGE_TYPE, PARAMETERS, Message
from scenes.stage import Act, Packet

_WIDTH, _LEAST = 80, 40  # columns
_LEFT = 20  # columns before the client's end of the ladder, where there is room for that
_ROOMY = 62  # columns that there have to be for it
_AROUND = 20  # columns for the rest of a line of a dump
_ASCII = str.maketrans("│┌┐─▶◀✓✗", "|++-><+!")  # for an output that has no more

# The options to be read, for each message; of the others the codes are enough.
_READ = {
    "DISCOVER": (50, 61, 12, 55),
    "OFFER": (54, 51),
    "REQUEST": (50, 54),
    "ACK": (54, 51, 58, 59),
    "NAK": (54, 56),
    "RELEASE": (54, 61),
}
_TELLING = {"REQUEST": (50, 54)}  # those whose absence says as much: RFC 2131 4.3.6


class Part(NamedTuple):
    """Some bytes of a record, and what they are."""

    data: bytes
    text: str


def parts(record: bytes) -> list[Part]:
    """Take a record apart, as firmware/dhcpc/store.py describes it. ValueError: it is not so."""
    rest = record
    found: list[Part] = []

    def take(size: int, text: Callable[[bytes], str]) -> bytes:
        nonlocal rest
        data, rest = rest[:size], rest[size:]
        if len(data) < size or size < 0:
            raise ValueError("the record ends too early")
        if size:
            found.append(Part(data, text(data)))
        return data

    def take_option() -> None:
        size = int.from_bytes(rest[1:2], "big")
        take(2 + size, lambda data: _option(data[0], data[2:]))

    size = take(2, lambda data: f"version {data[0]}, network key of {data[1]} bytes")[1]
    take(6, lambda data: f"chaddr {mac_text(data)}")
    take(size, lambda data: f"network key {data!r}")
    take_option()
    while rest[:1] > b"\0":
        take_option()
    take(len(rest) - 13, lambda data: f"{len(data)} bytes of room")
    take(4, lambda data: f"yiaddr {ip_text(data)}")
    take(5, lambda data: f"clock reading {data.hex()}" if data[0] else "no clock reading")
    take(4, lambda data: "CRC-32 of all that")
    if zlib.crc32(record[:-4]) != int.from_bytes(record[-4:], "big"):
        raise ValueError("the record's CRC-32 is wrong")
    return found


class View:
    """Shows it on a console: sober colours, and none where the terminal or its user wants none."""

    def __init__(self, console: Console | None = None) -> None:
        if console is None:
            columns = shutil.get_terminal_size((_WIDTH, 0)).columns
            width = max(_LEAST, min(_WIDTH, columns))
            console = Console(width=width, highlight=False, record=True)
        self.console = console
        self.width = min(_WIDTH, console.width)
        self.left = _LEFT if self.width >= _ROOMY else 0
        self.inner = self.width - self.left - (4 if self.left else 2)  # between its ends

    def say(self, *pieces: str | tuple[str, str]) -> None:
        """A line of text; a piece may have a style."""
        line = Text.assemble(*pieces)
        if self.console.options.ascii_only:
            line.plain = line.plain.translate(_ASCII)
        self.console.print(line)

    def title(self, text: str, note: str) -> None:
        """The head of an act, with which a picture begins."""
        if self.console.record:
            self.console.export_text(clear=True)
        self.say()
        if len(text) + len(note) + 3 > self.width:
            self.say((text, "bold"))
            self.say((note, "dim"))
            return
        line = "─" * (self.width - len(text) - len(note) - 2)
        self.say((text, "bold"), (f" {line} {note}", "dim"))

    def table(self, title: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Columns under a title, the last as wide as there is room."""
        rows = list(rows)
        widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        indent = " " * (2 + sum(widths[:-1]))
        self.say()
        if title:
            self.say((title, "bold"))
        for *cells, last in rows:
            head = "  " + "".join(
                f"{cell:{width}}" for cell, width in zip(cells, widths, strict=False)
            )
            for line in wrap(last, self.width - len(indent)) or [""]:
                self.say((head + line).rstrip())
                head = indent

    def record(self, title: str, found: list[Part]) -> None:
        """The bytes of a record, with what is what."""
        rows = []
        at = 0
        size = (self.width - _AROUND) // 6
        for data, text in found:
            for i in range(0, len(data), size):
                rows.append((f"{at + i:04x}", data[i : i + size].hex(" "), "" if i else text))
            at += len(data)
        self.table(title, rows)

    def ladder(self, act: Act, client: str, server: str) -> None:
        """Each message with its time, the client's state after it, and what matters in it."""
        sent = [state for event, state in act.events if event == "send"]
        taken = [state for event, state in act.events if event in ("recv", "ignored")]
        ends = f" {client}{server:>{self.inner - len(client) - 2}} "
        self.say()
        self._beside("s", "state", "dim", f"┌{ends}┐")
        before = ""
        for packet in act.packets:
            states = sent if packet.sent else taken
            state = states.pop(0) if states else ""
            shown = "" if state == before else state
            self._beside(f"{packet.at:.3f}", shown, "magenta", *_arrow(packet, self.inner))
            before = state
            for detail in _details(packet.message, packet.sent):
                for line in wrap(detail, self.inner - 4, subsequent_indent="   "):
                    self.say(" " * self.left, f"│   {line:{self.inner - 3}}│")
        if not act.packets:
            self.say(" " * self.left, f"│{'nothing':^{self.inner}}│")

    def _beside(self, at: str, state: str, style: str, *pieces: str | tuple[str, str]) -> None:
        # A time and a state left of the ladder, or above it.
        if self.left:
            self.say((f"{at:>8} ", "dim"), (f"{state:{self.left - 9}}", style), *pieces)
        else:
            self.say((at, "dim"), (f" {state}" if state else "", style))
            self.say(*pieces)

    def picture(self, title: str) -> str:
        """The act that was shown last, as an SVG. The console records, as by default."""
        drawn = self.console.export_svg(title=title, unique_id="demo")
        return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # from elsewhere

    def waiting(self, text: str) -> AbstractContextManager[object]:
        """For a time in which nothing happens: a sign of life, on a terminal."""
        return self.console.status(text, spinner="line", spinner_style="default")

    def right(self, text: str) -> None:
        """What came of an act that went well."""
        self.say()
        self.say(("✓ ", "bold green"), text)

    def wrong(self, text: str) -> None:
        """What went wrong."""
        self.say()
        self.say(("✗ ", "bold red"), text)


def _arrow(packet: Packet, inner: int) -> Iterator[str | tuple[str, str]]:
    kind = packet.message.type
    how = "broadcast" if packet.to == ALL else f"unicast to {packet.to}"
    yield "│── " if packet.sent else "│◀─ "
    yield kind, "bold"
    yield f" {'─' * (inner - len(kind) - len(how) - 8)} {how} "
    yield "─▶│" if packet.sent else "──│"


def _details(message: Message, sent: bool) -> Iterator[str]:
    fields = [f"xid {message.xid:08x}"]
    if sent:
        fields.append(f"secs {message.secs}")
    for name in ("ciaddr", "yiaddr"):
        if (address := getattr(message, name)) != ANY:
            fields.append(f"{name} {address}")
    yield ", ".join(fields)
    read = _READ.get(message.type, ())
    telling = _TELLING.get(message.type, ())
    for code in read:
        if code in message.options:
            yield _option(code, message.options[code])
        elif code in telling:
            yield f"no {code} {option_name(code)}"
    if others := [str(code) for code in message.options if code not in (*read, MESSAGE_TYPE)]:
        yield f"also {', '.join(others)}"


def _option(code: int, value: bytes) -> str:
    text = ", ".join(map(str, value)) if code == PARAMETERS else option_text(code, value)
    return f"{code} {option_name(code)}: {text}"
