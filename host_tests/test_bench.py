"""tools/bench.py works, and prints what scripts read. Whether anything is fast is not for here."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import bench
from measure import speed
from toolchain.cli import Refusal, Unavailable

LINE = re.compile(
    r"(?P<name>[^:]+): (?P<value>[\d.]+) (?P<unit>\S+) "
    r"\((x(?P<times>\d+\.\d) of )?Adafruit, (?P<theirs>[\d.]+) (?P=unit)\)"
)
SIZE = "of 331 bytes and 13 options"
MESSAGES = [
    "build a DISCOVER",
    f"read an ACK {SIZE}",
    f"read and check an OFFER {SIZE}",
    f"read, check and accept an ACK {SIZE}",
]
WAYS = ["nothing stored", "stored lease verified", "stored lease reused"]
STARTS = {
    "VM start to the first packet": "ms",
    **{f"VM start to the address, {way}": "ms" for way in WAYS},
    **{f"packets, {way}": "sent" for way in WAYS},
}
ROWS = {
    **dict.fromkeys(MESSAGES, "us"),
    **{f"heap to {name}": "B" for name in MESSAGES},
    "first DISCOVER lost, to the ACK (simulated)": "s",
    **STARTS,
}


@pytest.fixture(scope="module")
def quick() -> subprocess.CompletedProcess[str]:
    """A quick run of the tool."""
    try:
        speed.machine()
        speed.install_peer()
    except Refusal as reason:
        pytest.skip(str(reason).splitlines()[0])
    command = [sys.executable, bench.__file__, "--quick"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def figures(quick: subprocess.CompletedProcess[str]) -> dict[str, re.Match[str]]:
    """Its lines by their names."""
    found = {}
    for line in quick.stdout.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found[match["name"]] = match
    return found


def test_every_figure_is_there_or_said_to_be_left_out(
    quick: subprocess.CompletedProcess[str], figures: dict[str, re.Match[str]]
) -> None:
    left_out = STARTS if "VM start and packets are left out: " in quick.stderr else ()
    wanted = {name: unit for name, unit in ROWS.items() if name not in left_out}
    assert {name: match["unit"] for name, match in figures.items()} == wanted


def test_the_peers_figures_are_measured(figures: dict[str, re.Match[str]]) -> None:
    assert [name for name, match in figures.items() if not float(match["theirs"])] == []


def test_a_figure_of_0_alone_has_no_factor(figures: dict[str, re.Match[str]]) -> None:
    for match in figures.values():
        assert (match["times"] is None) == (float(match["value"]) == 0), match[0]


def test_a_lease_that_is_reused_takes_no_packet(
    quick: subprocess.CompletedProcess[str], figures: dict[str, re.Match[str]]
) -> None:
    if f"packets, {WAYS[0]}" not in figures:
        pytest.skip(quick.stderr.strip())
    new, verified, reused = (int(figures[f"packets, {way}"]["value"]) for way in WAYS)
    assert new >= 2  # a slow machine has some sent again
    assert verified >= 1
    assert reused == 0


def test_a_round_in_which_the_machine_was_slow_does_not_shift_the_factor() -> None:
    row = speed.Row("build", "us", [1.0, 9.0, 9.0, 1.0, 9.0], [4.0, 36.0, 36.0, 4.0, 4.0])
    assert str(row) == "build: 9.00 us (x4.0 of Adafruit, 4.00 us)"


def test_without_a_lab_the_other_figures_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_lab(*_: object) -> list[speed.Row]:
        raise Unavailable("no namespaces here")

    monkeypatch.setattr(speed, "install_peer", lambda: None)
    monkeypatch.setattr(speed, "compile_both", lambda: [])
    monkeypatch.setattr(speed, "messages", lambda *_: [speed.Row("heap", "B", [0], [3])])
    monkeypatch.setattr(speed, "starts", no_lab)
    monkeypatch.setattr(sys, "argv", ["bench.py"])
    bench.main()
    said = capsys.readouterr()
    assert said.out == "heap: 0 B (Adafruit, 3 B)\n"
    assert said.err == "bench: VM start and packets are left out: no namespaces here\n"
