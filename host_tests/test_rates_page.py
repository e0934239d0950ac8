"""The table of what can be forced says what the tests hold."""

from __future__ import annotations

from test_client_rates import MOST
from toolchain.package import ROOT


def test_the_page_has_the_table_of_the_tests() -> None:
    page = (ROOT / "docs/SECURITY.md").read_text()
    table = "".join(f"| {what} | {most[0]} | {most[1]} |\n" for what, most in MOST.items())
    assert "| | packets | writes |\n| --- | --- | --- |\n" + table + "\n" in page
