"""What a wake costs: what tools/measure/wake.py makes of what a board prints, and, where there is
an image of MicroPython for the emulated Pico W, the whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from littlefs import LittleFS

from emulator.image import find_image
from emulator.timeline import timeline
from measure import wake
from testbed.process import LabError
from toolchain.cli import Unavailable

IMPORT = "import 19100 11100\n"
BUILT_IN = "wake built-in\n0 up\n1900 address\n"
NEW = """wake new
0 up
1700 link
3500 sent
3550 send
4000 received
4900 recv
6700 sent
6750 send
7200 received
9900 address
10050 recv
10100 bound
19900 written
20200 acquired
"""
STORED = """wake stored
0 up
1700 link
4400 sent
4450 send
5300 received
8500 address
8650 recv
8700 rebooted
12200 acquired
"""
IMPORTS = {"modules": wake.Import(76_700, 12_000), "one file": wake.Import(19_100, 11_100)}
SAID = IMPORT + BUILT_IN + NEW + STORED


def rows(said: str) -> dict[str, list[str]]:
    """The table of what a board said: the cells of each line by its head."""
    imported, wakes = wake.parse(said)
    lines = list(wake.table({"modules": imported}, wakes))
    return {line[:20].strip(): line[20:].split() for line in lines}


def test_the_table_has_the_ways_side_by_side() -> None:
    found = rows(SAID)
    assert found["from link up, ms"] == ["built-in", "new", "stored"]
    assert found["first packet"] == ["-", "3.5", "4.4"]
    assert found["ACK received"] == ["-", "7.2", "5.3"]
    assert found["address on the NIC"] == ["1.9", "9.9", "8.5"]
    assert found["application told"] == ["-", "10.1", "8.7"]
    assert found["record written"] == ["-", "19.9", "-"]
    assert found["acquire() returned"] == ["-", "20.2", "12.2"]


def test_the_table_has_the_imports_by_package() -> None:
    lines = [line.split() for line in wake.table(IMPORTS, wake.parse(SAID)[1])]
    assert lines[:3] == [
        ["import", "dhcpc", "ms", "heap,", "B"],
        ["modules", "76.7", "12,000"],
        ["one", "file", "19.1", "11,100"],
    ]


def test_of_several_wakes_the_table_has_the_median_and_the_range() -> None:
    later = NEW.replace("3500 sent", "3900 sent"), NEW.replace("3500 sent", "3600 sent")
    assert rows(SAID + "".join(later))["first packet"][1:3] == ["3.6", "(3.5-3.9)"]


def test_the_table_ends_with_the_budget() -> None:
    assert list(wake.table(IMPORTS, wake.parse(SAID)[1]))[-3:] == [
        "one file: 19.1 ms to import (must 30, aim 20)",
        "new: 10.1 ms from link up until told (must 15, aim 10)",
        "stored: 8.7 ms from link up until told (must 10, aim 6)",
    ]


REFUSED = {
    "nothing": ("", "nothing of its import"),
    "other words": (SAID + "MemoryError\n", "the board said: MemoryError"),
    "a mark of no wake": (IMPORT + "1900 address\n", "the board said: 1900 address"),
    "a way that there is not": (IMPORT + "wake late\n", "the board said: wake late"),
    "a new lease where one was stored": (
        IMPORT + NEW.replace("new", "stored"),
        "stored: no rebooted, but up link sent",
    ),
}


@pytest.mark.parametrize(("said", "fault"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_measurement_is_refused(said: str, fault: str) -> None:
    with pytest.raises(LabError, match=fault):
        wake.parse(said)


def test_a_file_system_holds_the_files() -> None:
    files = {"/board.py": b"nic = None\n", "/lib/dhcpc/wire.mpy": bytes(range(256)) * 20}
    image = wake.file_system(files, 64 * wake.BLOCK)
    assert len(image) == 64 * wake.BLOCK
    mounted = LittleFS(block_size=wake.BLOCK, block_count=64, mount=False)
    mounted.context.buffer = bytearray(image)
    mounted.mount()
    for path, data in files.items():
        with mounted.open(path, "rb") as file:
            assert file.read() == data


class Board:
    """A board that notes what it was switched on with, and answers in words that it was given."""

    def __init__(self, flash: bytes, log: list[tuple[bytes, str]]) -> None:
        self.flash = flash
        self.log = log

    def wait(self) -> None:
        pass

    def mpremote(self, *words: str) -> str:
        verb, script = words
        assert verb == "exec"
        compile(script, "script", "exec")
        self.log.append((self.flash, script))
        return SAID if f"\nwakes({wake.ROUNDS})\n" in script else IMPORT


def test_each_package_is_imported_from_a_flash_of_its_own(tmp_path: Path) -> None:
    for name in ("modules", "joined"):
        (tmp_path / name / "dhcpc").mkdir(parents=True)
        (tmp_path / name / "dhcpc/__init__.mpy").write_bytes(name.encode())
        (tmp_path / name / "dhcpc/sleep.mpy").write_bytes(b"an extra")
    log: list[tuple[bytes, str]] = []

    @contextlib.contextmanager
    def boot(flash: bytes) -> Iterator[Board]:
        yield Board(flash, log)

    packages = {"modules": tmp_path / "modules", "one file": tmp_path / "joined"}
    imports, wakes = wake.measure(boot, packages, {"/board.py": b"board"}, 64 * wake.BLOCK)
    assert list(imports) == ["modules", "one file"]
    assert [one.way for one in wakes] == ["built-in", "new", "stored"]
    (modules, first), (joined, second) = log
    assert b"an extra" not in modules + joined
    assert "wakes(" not in first.splitlines()[-1]
    assert second.splitlines()[-1] == f"wakes({wake.ROUNDS})"
    assert (b"modules" in modules, b"joined" in modules) == (True, False)
    assert (b"modules" in joined, b"joined" in joined) == (False, True)


@pytest.mark.board
def test_a_pico_w_s_wake_is_timed(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        timeline(find_image())
    except Unavailable as reason:
        pytest.skip(str(reason))
    out = capsys.readouterr().out
    told = next(line for line in out.splitlines() if line.startswith("application told"))
    assert told.split()[2] == "-"
    assert len(told.split()) > 4
