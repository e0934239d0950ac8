"""docs/compare.md: each cell says how it was checked, and what other pages measure is the same."""

from __future__ import annotations

import re

import pytest

from toolchain.package import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "compare.md").read_text()
CLIENTS = ["this", "RP2", "ESP32", "Adafruit", "udhcpc", "dhcpcd"]


def tables(text: str, corner: str) -> list[dict[str, list[str]]]:
    """The tables of all clients with that first cell: row by row, the cells by the row's name."""
    head = f"| {corner + ' ' if corner else ''}| {' | '.join(CLIENTS)} |\n"
    found = []
    for part in text.split(head)[1:]:
        lines = part.split("\n\n")[0].splitlines()[1:]
        rows = [line.strip("|").split("|") for line in lines]
        found.append({row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows})
    return found


CELLS, HOW = tables(PAGE, ""), tables(PAGE, "how")
ROWS = {name: cells for table in CELLS for name, cells in table.items()}


def fleets(part: str) -> dict[str, list[str]]:
    """A table of docs/fleets.md, by what comes before the figures."""
    text = (DOCS / "fleets.md").read_text()
    text = text[text.index(f"<!-- made by tools/fleets.py: {part} -->") :].split("<!-- until")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {
        " ".join(row[: 1 if part == "first lease" else 2 if part == "day" else 3]): row
        for row in rows
    }


MODELS = ["this client", "lwIP", "lwIP, ESP-IDF", "", "udhcpc", "dhcpcd"]


def test_each_table_has_one_that_says_how() -> None:
    assert len(CELLS) == len(HOW) == 4
    assert [[*table] for table in CELLS] == [[*table] for table in HOW]


@pytest.mark.parametrize("row", ROWS)
def test_each_cell_says_how_it_was_checked(row: str) -> None:
    how = next(table[row] for table in HOW if row in table)
    assert len(ROWS[row]) == len(how) == len(CLIENTS)
    for cell, checked in zip(ROWS[row], how, strict=True):
        assert cell
        assert checked
        assert checked != "-" or cell in ("-", "no; the board's stack has what it has")


def test_a_first_lease_is_as_docs_fleets_has_it() -> None:
    rows = fleets("first lease")
    cells = next(cells for name, cells in ROWS.items() if name.startswith("first lease"))
    assert cells == [rows[model][3] if model else "-" for model in MODELS]


def test_a_day_is_as_docs_fleets_has_it() -> None:
    rows = fleets("day")
    cells = next(cells for name, cells in ROWS.items() if name.startswith("leases of 10 min"))
    assert cells == [rows[f"10 min {model}"][4] if model else "-" for model in MODELS]


def test_many_boards_are_as_docs_fleets_has_them() -> None:
    rows = fleets("power")
    cells = next(cells for name, cells in ROWS.items() if name.startswith("1,000 boards"))
    for place, model in ((0, "this client"), (2, "lwIP, ESP-IDF")):
        assert cells[place] == rows[f"1,000 one server of 50/s {model}"][5]


def test_odd_servers_are_as_docs_odd_servers_has_them() -> None:
    text = (DOCS / "odd-servers.md").read_text()
    leases = re.findall(r"\d+ of \d+", re.findall(r"^\| leases .*$", text, re.MULTILINE)[0])
    rp2, esp32, _, rp2_own, esp32_own, dhcpcd, _, udhcpc = leases
    this = f"{rp2} (RP2), {esp32} (ESP32)"
    assert ROWS["odd servers that give a lease"] == [this, rp2_own, esp32_own, "-", udhcpc, dhcpcd]
