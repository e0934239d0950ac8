"""tools/bench.py works, and prints what scripts read. Whether anything is fast is not for here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from measure import footprint, imports, speed
from toolchain import vm
from toolchain.cli import Refusal, Unavailable

LINE = re.compile(
    r"(?P<name>[^:]+): (?P<value>[\d.]+) (?P<unit>\S+) "
    r"(\(x(?P<times>\d+\.\d) of (?P<of>\w+)\) )? (?P<peer>\w+) (?P<theirs>[\d.]+) (?P=unit)"
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
VMS = [footprint.machine(bits) for bits in (64, 32)]
IMPORTS = {
    each.name: {
        f"import dhcpc, {each.name}": "ms",
        f"heap after import, {each.name}": "B",
        f"heap after import of a client, {each.name}": "B",
    }
    for each in VMS
}
ROWS = {
    **dict.fromkeys(MESSAGES, "us"),
    **{f"heap to {name}": "B" for name in MESSAGES},
    "first DISCOVER lost, to the ACK (simulated)": "s",
    **{name: unit for rows in IMPORTS.values() for name, unit in rows.items()},
    **STARTS,
}

# A module that takes 6 ms to import
SLOW = """
import time
start = time.ticks_ms()
while time.ticks_ms() - start < 6:
    pass
"""


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
    left_out = [*STARTS] if "VM start and packets are left out: " in quick.stderr else []
    for name, rows in IMPORTS.items():
        left_out += rows if f"bench: {name} is left out: " in quick.stderr else []
    wanted = {name: unit for name, unit in ROWS.items() if name not in left_out}
    assert {name: match["unit"] for name, match in figures.items()} == wanted


def test_each_figure_says_what_it_is_beside(figures: dict[str, re.Match[str]]) -> None:
    ours = {name for rows in IMPORTS.values() for name in rows if "of a client" not in name}
    for name, match in figures.items():
        assert match["peer"] == ("modules" if name in ours else speed.PEER), match[0]
        assert match["of"] in (None, match["peer"]), match[0]


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


def test_a_factor_and_the_figures_beside_it_agree(figures: dict[str, re.Match[str]]) -> None:
    for match in figures.values():
        if match["times"]:
            factor = float(match["theirs"]) / float(match["value"])
            assert match["times"] == f"{factor:.1f}", match[0]


def test_they_agree_where_a_peer_is_slow_now_and_then_by_itself() -> None:
    row = speed.Row("start", "ms", [1.0, 1.0, 4.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0, 20.0])
    assert str(row) == "start: 1.00 ms (x2.0 of Adafruit)  Adafruit 2.00 ms"


def test_rounds_in_which_the_machine_was_slow_do_not_shift_the_factor() -> None:
    row = speed.Row("build", "us", [1.0, 9.0, 9.0, 1.0, 9.0], [4.0, 36.0, 36.0, 4.0, 4.0])
    assert str(row) == "build: 9.00 us (x4.0 of Adafruit)  Adafruit 36.00 us"


def test_a_figure_that_is_0_now_and_then_is_the_median_of_all_rounds() -> None:
    assert str(speed.Row("packets", "sent", [0, 2, 2], [2, 2, 4])) == (
        "packets: 2 sent (x1.0 of Adafruit)  Adafruit 2 sent"
    )


@pytest.mark.parametrize("machine", VMS, ids=[each.name for each in VMS])
def test_every_import_that_is_timed_loads_all_of_a_package(machine: vm.VM, tmp_path: Path) -> None:
    if machine.missing:
        pytest.skip(machine.missing)
    slow, fast = tmp_path / "slow", tmp_path / "fast"
    for side, root in ((slow, "from . import wire"), (fast, "wire = 1")):
        (side / "dhcpc").mkdir(parents=True)
        (side / "dhcpc/__init__.py").write_text(root)
    (slow / "dhcpc/wire.py").write_text(SLOW)
    for sides in ((slow, fast), (fast, slow)):
        found = dict(zip(sides, imports.times(machine, sides, 3), strict=True))
        assert [len(samples) for samples in found.values()] == [3, 3]
        assert min(found[slow]) > 5
        assert max(found[fast]) < min(found[slow])


def test_the_modules_are_those_that_the_one_file_is_made_of() -> None:
    compiled = {path.stem for path in (imports.modules() / "dhcpc").glob("*.mpy")}
    assert compiled == {
        "__init__",
        "_compat",
        "wire",
        "lease",
        "session",
        "store",
        "link",
        "client",
    }


def test_without_a_lab_or_a_vm_the_other_figures_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_lab(*_: object) -> list[speed.Row]:
        raise Unavailable("no namespaces here")

    machines = {64: vm.VM("vm64", ()), 32: vm.VM("vm32", (), "no Node.js")}
    row = speed.Row("import", "ms", [1], [2], "modules")
    monkeypatch.setattr(speed, "install_peer", lambda: None)
    monkeypatch.setattr(speed, "compile_both", lambda: [])
    monkeypatch.setattr(speed, "messages", lambda *_: [speed.Row("heap", "B", [0], [3])])
    monkeypatch.setattr(footprint, "machine", machines.__getitem__)
    monkeypatch.setattr(speed, "loads", lambda *_: [row])
    monkeypatch.setattr(speed, "clients", lambda *_: [])
    monkeypatch.setattr(speed, "starts", no_lab)
    monkeypatch.setattr(sys, "argv", ["bench.py"])
    bench.main()
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "heap: 0 B  Adafruit 3 B",
        "import: 1.00 ms (x2.0 of modules)  modules 2.00 ms",
    ]
    assert said.err.splitlines() == [
        "bench: vm32 is left out: no Node.js",
        "bench: VM start and packets are left out: no namespaces here",
    ]
