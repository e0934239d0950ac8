"""What tools/decode.py --html and its like write, without a browser; test_browser.py has one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from capture.conversations import Conversation, Step
from capture.messages import Message, decode
from capture.names import option_name
from crafted import (
    ACK,
    END,
    MESSAGES,
    OFFER,
    OVER_FILE,
    Run,
    damaged,
    ether,
    message,
    option,
    pcap,
    read,
    write,
)
from page import glossary
from page.fields import Field, fields
from page.page import page
from toolchain import vm

CAPTURES = sorted((vm.ROOT / "host_tests/captures").glob("*.pcap"))
HOSTILE = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "\"' onmouseover='alert(1)'",
    "<!--<script>",
    "]]>&lt;",
    "nul\0, escape\x1b[31m, turned \u202egnp.exe, line\u2028end",
)


def alone(payload: bytes) -> Message:
    """A message that no datagram has carried."""
    return Message(payload, None, {"file": "x.bin", "n": 1, **decode(payload)})


def by_key(payload: bytes) -> dict[str | int, Field]:
    return {field.key: field for field in fields(alone(payload))}


def said(text: str) -> Conversation:
    """A conversation that says `text` wherever it says something."""
    payload = message(option(53, b"\2") + option(12, text.encode()[:255]) + END, file=b"</script>")
    step = Step(alone(payload), text, text)
    step.message.record["file"] = text
    return Conversation(text, text, [step], text, text)


class Page(HTMLParser):
    """A page, taken to pieces."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.data: Any = None  # in the element for it
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.data is None and self.tags and self.tags[-1][1].get("id") == "data":
            self.data = json.loads(data)


# Fields


def whole(payload: bytes) -> None:
    """Each byte is in one field, and an option's bytes are those that the codec reads."""
    found = fields(alone(payload))
    ranges = sorted(each for field in found for each in field.ranges)
    assert [start for start, _ in ranges] == [0, *(end for _, end in ranges)][: len(ranges)]
    assert not ranges or ranges[-1][1] == len(payload)
    options = [
        [field.key, b"".join(payload[start + 2 : end] for start, end in field.ranges).hex()]
        for field in found
        if isinstance(field.key, int)
    ]
    assert options == alone(payload).record["options"]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_bytes_of_what_was_recorded_are_those_that_the_codec_reads(path: Path) -> None:
    for each in read(path)[0]:
        whole(each.payload)


@given(damaged(MESSAGES))
def test_the_bytes_of_what_is_damaged_are_those_that_the_codec_reads(payload: bytes) -> None:
    whole(payload)


@pytest.mark.parametrize("size", [0, 1, 27, 30, 60, 239, 240, 241])
def test_a_message_may_end_anywhere(size: int) -> None:
    whole(OFFER[:size])


def test_a_message_may_be_longer_than_the_codec_reads() -> None:
    payload = message(130 * option(43, bytes(255)) + END)
    whole(payload)
    assert "32767" in by_key(payload)["torn"].value


def test_an_option_in_pieces_is_one_field() -> None:
    payload = message(option(12, b"ab") + option(3, bytes(4)) + option(12, b"c") + END)
    field = by_key(payload)[12]
    assert (field.ranges, field.value) == ([(240, 244), (250, 253)], '"abc"')


def test_options_in_file_are_there() -> None:
    found = by_key(OVER_FILE)
    assert found[12].ranges == [(108, 230)]
    assert found["torn"].ranges == [(230, 236)]
    assert found["torn"].value == alone(OVER_FILE).record["error"]
    assert "file" not in found
    assert "sname" in found


def test_what_stands_behind_the_end_is_told_apart() -> None:
    found = by_key(message(b"\0\0" + option(53, b"\2") + END + b"\0\1"))
    assert found["pad"].ranges == [(240, 242)]
    assert found["end"].ranges == [(245, 246)]
    assert found["behind"].ranges == [(246, 248)]


def test_fixed_fields_in_words() -> None:
    found = {field.name: field.value for field in fields(alone(OFFER))}
    assert found["op"] == "2 BOOTREPLY"
    assert found["htype"] == "1 Ethernet"
    assert found["flags"] == "0x8000, broadcast"
    assert found["ciaddr"] == "none"
    assert found["yiaddr"] == "192.0.2.100"
    assert found["chaddr"] == "02:00:00:00:00:01"
    assert found["magic cookie"] == "99.130.83.99"


def test_each_option_that_has_a_name_is_explained() -> None:
    for code in range(1, 255):
        named = option_name(code) != f"option {code}"
        assert not named or code in glossary.OPTIONS
        place, purpose = glossary.about(code)
        assert re.fullmatch(r"RFC \d{4}( \d+(\.\d+)*)?|Microsoft", place)
        assert purpose.endswith(".")


# The page


@pytest.mark.parametrize("text", HOSTILE)
def test_what_packets_and_files_say_is_text(text: str) -> None:
    plain, hostile = Page(page([said("x")], "x")), Page(page([said(text)], text))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    names = [sorted(attrs) for _, attrs in hostile.tags]
    assert names == [sorted(attrs) for _, attrs in plain.tags]
    shown = text.replace("\0", r"\x00").replace("\x1b", r"\x1b")
    shown = shown.replace("\u202e", r"\u202e").replace("\u2028", r"\u2028")
    assert sum(shown in each for each in hostile.texts) >= 6
    assert hostile.data["messages"][0]["file"] == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_it_hides_or_turns_what_is_read(text: str) -> None:
    made = page([said(text)], text)
    assert all(c.isprintable() or c == "\n" for c in made)


def test_data_cannot_end_its_element() -> None:
    made = page([said(HOSTILE[0])], "x")
    assert made.count("</script>") == 2  # the data's own, and the script's
    assert "<!--" not in made


def test_a_surrogate_in_a_files_name_can_be_written() -> None:
    assert r"a\udcff.pcap" in page([], "a\udcff.pcap").encode().decode()


def test_it_needs_nothing_else() -> None:
    made = page([said("x")], "x")
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\beval\b|innerHTML", made)
    for _, attrs in Page(made).tags:
        assert not {"src", "href", "action", "style", "data"} & {*attrs}
        assert not [name for name in attrs if name.startswith("on")]


def test_its_policy_lets_its_own_script_and_style_in_alone() -> None:
    made = page([said("x")], "x")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', made)
    for kind, element in (("script", "<script>"), ("style", "<style>")):
        text = made.split(element)[1].split(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_it_is_the_same_each_time() -> None:
    assert page([said("x")], "x") == page([said("x")], "x")


def test_a_ladder_says_who_sends_what_and_when(tmp_path: Path) -> None:
    ask = b"\1" + message(option(53, b"\1") + END)[1:]
    path = write(tmp_path, pcap(ether(ask), ether(OFFER), ether(b"\7")))
    found, _ = read(path)
    steps = [Step(each, "SELECTING", f"note {n}") for n, each in enumerate(found)]
    made = page([Conversation("02:00:00:00:00:01", "lab", steps, "it works", "sleep")], "x.pcap")
    rows = re.findall(r'<li class="([^"]+)">.*?"time">([^<]*)<.*?"state">(\w+)', made, re.DOTALL)
    assert rows == [
        ("out discover", "+0.000 s", "SELECTING"),
        ("in offer", "+0.001 s", "SELECTING"),
        ("odd unknown", "+0.001 s", "SELECTING"),
    ]
    assert re.findall("malformed</span> <bdi>(.*?)<", made) == ["note 2"]
    assert "1970-01-01 00:16:40 UTC, 3 messages" in made
    assert '<p class="told">it works</p>\n<p class="advice">sleep</p>' in made


def test_time_counts_from_the_first_message_of_a_file(tmp_path: Path) -> None:
    steps = []
    for name, packets in (("a.pcap", (OFFER, OFFER)), ("b.pcap", (OFFER,))):
        path = write(tmp_path, pcap(*map(ether, packets)), name)
        steps += [Step(each, "", "") for each in read(path)[0]]
    made = page([Conversation("x", "", steps, "", "")], "x")
    assert re.findall('"time">([^<]*)<', made) == ["+0.000 s", "+0.001 s", "+0.000 s"]


def test_a_message_of_no_known_time_has_none() -> None:
    made = page([said("x")], "x")
    assert re.findall('"time">([^<]*)<', made) == [""]
    assert " UTC" not in made


def test_what_a_board_has_told_of_a_message_is_shown() -> None:
    sent = alone(OFFER)._replace(ns=1_500_000_000)
    sent.record["dst"] = "192.0.2.1:67"
    made = page([Conversation("x", "", [Step(sent, "", "")], "", "")], "x")
    assert re.findall('"time">([^<]*)<', made) == ["+0.000 s"]
    (message,) = Page(made).data["messages"]
    assert message["facts"].startswith(
        "1970-01-01 00:00:01.500000 UTC, \N{RIGHTWARDS ARROW} 192.0.2.1:67, "
    )


def test_without_a_message_it_says_so() -> None:
    made = page([], "x.pcap")
    assert "There is no DHCP message." in made
    assert "0 messages of 0 clients" in made


# The command


def test_html_writes_the_page_and_the_rest_stays(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(ether(OFFER), ether(ACK)))
    made = tmp_path / "page.html"
    run = Run("--html", made, path)
    assert (run.code, run.err) == (0, "")
    assert run.out == Run(path).out
    assert len(Page(made.read_text("utf-8")).data["messages"]) == 2


def test_nothing_is_written_over_a_capture_or_where_nothing_was_read(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(ether(OFFER)))
    was = path.read_bytes()
    assert Run("--html", path, path).code == 1
    assert path.read_bytes() == was
    notes = write(tmp_path, b"no capture", "notes")
    made = tmp_path / "page.html"
    assert Run("--html", made, notes).code == 2
    assert not made.exists()


def test_a_page_that_cannot_be_written_is_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, pcap(ether(OFFER)))
    run = Run("--html", tmp_path / "no/page.html", path)
    assert (run.code, run.out) == (1, "")
    assert run.err == f"decode: --html {tmp_path}/no/page.html: No such file or directory\n"
