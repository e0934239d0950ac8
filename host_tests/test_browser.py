"""The page of tools/decode.py --html as people use it, in Chromium: pointer, finger, keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.conversations import Conversation, Step, conversations
from capture.messages import Message, decode, messages
from chromium import Fault, Tab
from crafted import END, message, option
from page.page import page
from toolchain import vm

CAPTURES = vm.ROOT / "host_tests/captures"
TWO = ("dnsmasq-netup-lease.pcap", "kea-dhcpcd-lease-long.pcap")
HOSTILE = "</script><img src=x onerror='hit=1'><script>hit=1</script>\"' &lt; \u202e\0"

DESKTOP, PHONE, NARROW = (1280, 800), (390, 844), (360, 640)
TAB, ENTER = ("Tab", 9), ("Enter", 13)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    tab = Tab(tmp_path_factory.mktemp("chromium"))
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two captures, as if they were of two clients."""
    found: list[Conversation] = []
    for number, name in enumerate(TWO):
        steps = [Step(each, "SELECTING", "") for each in messages(str(CAPTURES / name), print)]
        found.append(Conversation(f"02:00:00:00:00:0{number}", name[:3], steps, "it is", "do"))
    path = tmp_path_factory.mktemp("page") / "two.html"
    path.write_text(page(found, "two captures"), "utf-8", newline="\n")
    return path


@pytest.fixture
def tab(browser: Tab, made: Path) -> Iterator[Tab]:
    """The page, on a desktop. In the end nobody has complained, nothing else was asked for."""
    browser.console.clear()
    browser.requests.clear()
    browser.screen(*DESKTOP)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)
    browser.open(made)
    yield browser
    assert browser.console == []
    assert {*browser.requests} <= {made.as_uri()}


def field(tab: Tab, name: str) -> str:
    """The number of a field of message 1, by how its name begins."""
    find = f"""[...document.querySelectorAll("#m1 .field")]
        .find(each => each.textContent.startsWith({json.dumps(name)})).dataset.field"""
    return str(tab.run(find))


def texts(tab: Tab, selector: str) -> Any:
    """What the elements say that a selector finds and that can be seen."""
    return tab.run(f"""[...document.querySelectorAll({json.dumps(selector)})]
        .filter(each => each.checkVisibility()).map(each => each.textContent)""")


def opened(tab: Tab) -> None:
    tab.point("[aria-controls=m1]", click=True)


# Of message 1, the OFFER
LEASE_TIME = "51 "
MARKED = "#m1 .row > [data-field].marked"
EXPLAIN = "#m1 .explain"


# A message


def test_a_click_opens_a_message_and_another_closes_it(tab: Tab) -> None:
    assert texts(tab, ".detail") == []
    opened(tab)
    assert len(texts(tab, ".detail")) == 1
    assert tab.run("document.querySelector('[aria-controls=m1]').ariaExpanded") == "true"
    assert "192.0.2." in texts(tab, "#m1 .facts")[0]
    opened(tab)
    assert texts(tab, ".detail") == []
    assert tab.run("document.querySelector('[aria-controls=m1]').ariaExpanded") == "false"


def test_the_pointer_over_a_field_explains_it_and_marks_its_bytes(tab: Tab) -> None:
    opened(tab)
    tab.point(f"#m1 .field[data-field='{field(tab, LEASE_TIME)}']")
    assert "".join(texts(tab, MARKED)) == "330400000258"
    (said,) = texts(tab, EXPLAIN)
    for part in ("51 IP address lease time", "RFC 2132 9.2", "For how long", "600 s"):
        assert part in said
    tab.point("h1")
    assert texts(tab, MARKED) == []
    assert "Point at" in texts(tab, EXPLAIN)[0]


def test_the_pointer_over_a_byte_marks_its_field(tab: Tab) -> None:
    opened(tab)
    tab.point(f"#m1 .row [data-field='{field(tab, LEASE_TIME)}']")
    assert texts(tab, "#m1 .field.marked")[0].startswith("51 IP address lease time")
    assert "RFC 2132 9.2" in texts(tab, EXPLAIN)[0]


def test_a_click_on_a_field_holds_it_until_the_next(tab: Tab) -> None:
    opened(tab)
    button = f"#m1 .field[data-field='{field(tab, LEASE_TIME)}']"
    tab.point(button, click=True)
    tab.point("#m1 .field[data-field='4']")
    assert "xid" in texts(tab, EXPLAIN)[0]
    tab.point("h1")
    assert "lease time" in texts(tab, EXPLAIN)[0]
    assert tab.run(f'document.querySelector("{button}").ariaPressed') == "true"
    tab.point(button, click=True)
    assert tab.run(f'document.querySelector("{button}").ariaPressed') == "false"


def test_a_finger_does_what_the_pointer_does(tab: Tab) -> None:
    tab.screen(*PHONE, phone=True)
    tab.tap("[aria-controls=m1]")
    tab.tap(f"#m1 .field[data-field='{field(tab, LEASE_TIME)}']")
    assert "For how long" in texts(tab, EXPLAIN)[0]
    tab.tap("#m1 .row [data-field='4']")
    assert "xid" in texts(tab, EXPLAIN)[0]
    assert texts(tab, "#m1 .field.marked")[0].startswith("xid")


def test_the_explanation_is_in_sight_wherever_the_field_is(tab: Tab) -> None:
    tab.screen(*PHONE, phone=True)
    tab.tap("[aria-controls=m1]")
    for name in ("op", LEASE_TIME, "end of options"):
        tab.tap(f"#m1 .field[data-field='{field(tab, name)}']")
        box = tab.run(f"document.querySelector('{EXPLAIN}').getBoundingClientRect().toJSON()")
        assert 0 < box["top"] < box["bottom"] <= PHONE[1]


def test_all_of_it_can_be_reached_with_the_keyboard(tab: Tab) -> None:
    tab.run("document.getElementById('all').focus()")
    tab.press(*TAB)
    tab.press(*ENTER)
    assert len(texts(tab, "#m0.detail")) == 1
    tab.press(*TAB)
    assert "RFC 2131 2" in texts(tab, "#m0 .explain")[0]
    assert texts(tab, "#m0 .field.marked")[0].startswith("op")
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_each_byte_is_there_in_the_end_and_belongs_to_a_field(tab: Tab) -> None:
    opened(tab)
    shown = tab.run("""[...document.querySelectorAll("#m1 .row")].map(row => {
        const run = row.querySelector(".run");
        return run ? "00".repeat(parseInt(run.textContent))
            : [...row.querySelectorAll(":scope > [data-field]")].map(b => b.textContent).join("");
    }).join("")""")
    sent = [*messages(str(CAPTURES / TWO[0]), print)][1]
    assert shown == sent.payload.hex()


# What is shown


def test_a_search_looks_into_the_messages_too(tab: Tab) -> None:
    tab.point("#search", click=True)
    tab.type("121 Classless")
    shown = texts(tab, ".message .type")
    assert 0 < len(shown) < tab.run("messages.length")
    assert texts(tab, "#count") == [f"{len(shown)} of {tab.run('messages.length')} messages"]
    assert len(texts(tab, "section")) == 1
    tab.type(" nowhere")
    assert texts(tab, "section") == []


def test_a_search_shows_which_field_it_is(tab: Tab) -> None:
    opened(tab)
    assert texts(tab, ".hit") == []
    tab.point("#search", click=True)
    tab.type("600 s")
    assert "51 IP address lease time 600 s (0:10:00)" in texts(tab, "#m1 .hit")


def test_a_search_does_not_look_at_names_of_files(tab: Tab) -> None:
    tab.point("#search", click=True)
    tab.type(".pcap")
    assert texts(tab, "section") == []


def test_a_client_is_chosen(tab: Tab) -> None:
    assert len(texts(tab, "section h2")) == 2
    tab.run("""client.value = "c1"; client.dispatchEvent(new Event("change"))""")
    assert texts(tab, "section h2") == ["kea 02:00:00:00:00:01"]
    tab.run("""client.value = ""; client.dispatchEvent(new Event("change"))""")
    assert len(texts(tab, "section h2")) == 2
    assert texts(tab, "#count") == [""]


def test_all_that_is_shown_is_opened_and_closed(tab: Tab) -> None:
    tab.point("#search", click=True)
    tab.type("offer")
    shown = len(texts(tab, ".message"))
    tab.point("#all", click=True)
    assert len(texts(tab, ".detail")) == shown
    tab.point("#all", click=True)
    assert texts(tab, ".detail") == []


# What it looks like


def test_it_is_light_or_dark_as_the_user_prefers(tab: Tab) -> None:
    def lightness() -> Any:
        color = tab.run("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, color[4:-1].split(",")))

    assert lightness() > 600
    tab.screen(*DESKTOP, scheme="dark")
    assert lightness() < 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(tab: Tab, scheme: str) -> None:
    tab.screen(*DESKTOP, scheme=scheme)
    opened(tab)
    tab.point(f"#m1 .field[data-field='{field(tab, LEASE_TIME)}']")
    for selector in (
        *(".type", ".state", ".time", ".begun", ".told", "header p", ".ack .type", ".in .type"),
        *(".facts", ".field .name", ".at", ".place", ".field.marked .value", ".row > .marked"),
    ):
        assert tab.run(CONTRAST % json.dumps(selector)) >= 4.5, selector


# WCAG 2.1: of a text, against the first background that is not transparent
CONTRAST = """(selector => {
    const parse = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => {
        const [r, g, b] = parse(color).map(c => c / 255)
            .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = document.querySelector(selector);
    let behind = element;
    while (parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const a = light(getComputedStyle(element).color);
    const b = light(getComputedStyle(behind).backgroundColor);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})(%s)"""


@pytest.mark.parametrize("size", [NARROW, PHONE, (768, 1024), DESKTOP])
def test_nothing_is_wider_than_the_screen(tab: Tab, size: tuple[int, int]) -> None:
    tab.screen(*size, phone=size[0] < 500)
    tab.point("#all", click=True)
    widest = """Math.max(...[...document.querySelectorAll("body *")]
        .map(each => each.getBoundingClientRect().right))"""
    assert tab.run("document.documentElement.scrollWidth") <= size[0]
    assert tab.run(widest) <= size[0]


def test_paper_has_what_is_open_and_no_controls(tab: Tab) -> None:
    opened(tab)
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert texts(tab, ".tools") == []
    assert texts(tab, ".explain") == []
    assert len(texts(tab, ".hex")) == 1
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


# What others have written


def test_what_is_hostile_is_text(browser: Tab, tmp_path: Path) -> None:
    payload = message(option(53, b"\2") + option(15, HOSTILE.encode()) + END)
    step = Step(Message(payload, None, {"file": HOSTILE, "n": 1, **decode(payload)}), HOSTILE, "")
    step.note = HOSTILE
    path = tmp_path / "hostile.html"
    path.write_text(page([Conversation(HOSTILE, HOSTILE, [step], HOSTILE, HOSTILE)], HOSTILE))
    browser.console.clear()
    browser.requests.clear()
    browser.screen(*NARROW, phone=True)
    browser.open(path)
    browser.tap(".message")
    browser.tap("#m0 .field[data-field='16']")
    assert browser.run("typeof hit") == "undefined"
    assert browser.run("document.images.length") == 0
    assert "onerror=" in texts(browser, ".note")[0]
    assert browser.run("document.documentElement.scrollWidth") <= NARROW[0]
    assert browser.console == []
    assert browser.requests == [path.as_uri()]


def test_the_policy_stops_any_other_script(browser: Tab, made: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.html"
    path.write_text(made.read_text("utf-8").replace("</main>", "<script>hit=1</script></main>"))
    browser.open(path)
    assert browser.run("typeof hit") == "undefined"
    assert "Content Security Policy" in "".join(browser.console)


def test_a_message_that_a_board_has_told_of_says_when_and_where_to(
    browser: Tab, tmp_path: Path
) -> None:
    payload = message(option(53, b"\1") + END)
    record = {"file": "/dev/ttyACM0", "n": 1, **decode(payload), "dst": "255.255.255.255:67"}
    told = conversations([Message(payload, None, record, 10**18)])
    path = tmp_path / "board.html"
    path.write_text(page(told, "/dev/ttyACM0"), "utf-8", newline="\n")
    browser.console.clear()
    browser.screen(*DESKTOP)
    browser.open(path)
    browser.point("[aria-controls=m0]", click=True)
    assert texts(browser, ".time") == ["+0.000 s"]
    (facts,) = texts(browser, "#m0 .facts")
    assert "2001-09-09 01:46:40" in facts
    assert "255.255.255.255:67" in facts
    assert browser.console == []


def test_a_page_without_a_message_is_no_fault(browser: Tab, tmp_path: Path) -> None:
    path = tmp_path / "none.html"
    path.write_text(page(conversations([]), "none"))
    browser.console.clear()
    browser.open(path)
    assert texts(browser, "main p") == ["There is no DHCP message."]
    assert browser.console == []


# The tests' own browser


def test_what_fails_in_the_browser_is_told(browser: Tab) -> None:
    with pytest.raises(Fault, match="moon is not defined"):
        browser.run("moon")
    with pytest.raises(Fault, match="Moon"):
        browser.call("Moon.rise")
