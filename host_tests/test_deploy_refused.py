"""What `make deploy` refuses, and that nothing is written then."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")


import deploy
from device import remote
from device.deployment import Deployment
from device.virtual import BLOCK
from powered import (
    DEPLOYED,
    NAME,
    OTHERS,
    Boards,
    copied,
    deployed,
    files,
    make,
    mpremote,
    refused,
)
from toolchain.cli import Refusal

pytest_plugins = ["powered_fixtures"]


def test_a_board_or_port_that_is_not_there_is_told_with_those_that_are(tree: Path) -> None:
    assert make(tree, "deploy").stdout.startswith("deploy: BOARD= is missing, as in ")
    said = make(tree, "deploy", "BOARD=UNIX", "PORT=x").stdout
    assert said.startswith("deploy: no board UNIX; boards/README.md lists ")
    assert re.match(
        "PORT= is missing; (no serial port is on USB here|serial ports here:)", refused(tree, "")
    )
    assert refused(tree, "/dev/moon").startswith("/dev/moon: there is no such port; ")
    assert (
        "repl: /dev/moon: there is no such port; " in make(tree, "repl", "PORT=/dev/moon").stdout
    )
    assert refused(tree, "/dev/null").startswith("/dev/null: the port cannot be opened: ")


def test_a_port_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PROMPT_S", (0.1, 0.1))
    monkeypatch.setattr(remote, "_READ_S", 0.1)
    master, slave = os.openpty()
    try:
        with pytest.raises(Refusal, match="no prompt: is MicroPython on the board"):
            remote.Board(os.ttyname(slave)).__enter__()
    finally:
        os.close(master)
        os.close(slave)


SLOW = """
import time
with open("/runs", "a") as f:
    f.write("run ")
time.sleep(%s)
ended = True
"""


def test_a_boot_py_that_takes_longer_than_a_prompt_is_waited_for_and_runs_once(
    power: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_PROMPT_S", (2, 60))
    board = power({"/boot.py": SLOW % 4})
    while files(board).get("/runs") != b"run ":
        time.sleep(0.02)
    with remote.Board(board.port) as connected:
        assert connected.run("print(ended, end='')") is True
        assert connected.read("/runs") == b"run run "  # the first one at power-on


def test_a_boot_py_without_an_end_is_interrupted(
    power: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = power({"/boot.py": SLOW % 3600})
    monkeypatch.setattr(remote, "_BOOT_S", 0.5)
    with remote.Board(board.port) as connected:
        assert connected.run("print('ended' in globals())") is False


def test_a_port_that_is_in_use_is_told(tree: Path, power: Boards) -> None:
    board = power()
    with remote.Board(board.port):
        why = f"{board.port}: the port cannot be opened: another program"
        assert refused(tree, board.port).startswith(why)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"version": (1, 21, 0, "")}, "MicroPython 1.21.0 .*is too old, RPI_PICO_W takes 1.22"),
        ({"name": "circuitpython"}, "the board runs circuitpython; make flash BOARD=RPI_PICO_W"),
        ({"_mpy": 5}, "MicroPython .* loads .mpy files of version 5, .* of 6: DEBUG=1 copies"),
    ],
)
def test_a_board_of_the_wrong_kind_is_refused(
    tree: Path, power: Boards, says: dict[str, object], why: str
) -> None:
    board = power(**says)
    assert re.match(why, refused(tree, board.port))
    assert files(board) == {}


def test_a_board_that_is_another_is_refused_before_anything_is_copied(
    tree: Path, power: Boards
) -> None:
    board = power(_machine="Generic ESP32 module with ESP32")
    assert refused(tree, board.port) == (
        "the board is a 'Generic ESP32 module with ESP32', but RPI_PICO_W is a "
        "'Raspberry Pi Pico W with RP2040': give BOARD=ESP32_GENERIC or "
        "ESP32_GENERIC_W5500 or WT32_ETH01"
    )
    assert files(board) == {}
    own = power(_machine="")
    assert refused(tree, own.port) == (
        "the board does not say what it is, but RPI_PICO_W is a 'Raspberry Pi Pico W with "
        "RP2040': give FORCE=1 for your own firmware"
    )
    deployed(tree, own.port, "FORCE=1")
    assert {*files(own)} == DEPLOYED


def test_micropython_from_before_the_nic_of_the_board_is_refused(
    tree: Path, power: Boards
) -> None:
    machine = "Raspberry Pi Pico 2 W with RP2350"
    board = power(_machine=machine, version=(1, 24, 1, ""))
    assert refused(tree, board.port, "BOARD=RPI_PICO2_W") == (
        f"MicroPython 1.24.1 on {machine} is too old, RPI_PICO2_W takes 1.25 or later; "
        f"make flash BOARD=RPI_PICO2_W PORT={board.port} puts one onto it"
    )
    assert files(board) == {}


def test_a_board_that_is_the_right_one_is_told_from_a_vm(tree: Path, power: Boards) -> None:
    note = "this is a VM, not RPI_PICO_W: "
    assert note in deployed(tree, power().port)
    said = deployed(tree, power(_machine="Raspberry Pi Pico W with RP2040").port)
    assert note not in said
    assert " on Raspberry Pi Pico W with RP2040, " in said


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"moon",
        b"7",
        b"()",
        b"(1, 2, 3, 4, 5)",
        b"('micropython', 'a.b', '', 6, (1, 2, 3, 4))",
        b"('micropython', (1, 25), '', 6, 'none')",
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_an_odd_answer_of_a_board_is_told(says: bytes) -> None:
    class Transport:
        def exec(self, script: str) -> bytes:
            return says

    board = remote.Board("moon")
    board._transport = Transport()
    with pytest.raises(Refusal, match=r"run it again$"):
        board.system()


def test_what_a_board_says_of_itself_goes_to_the_terminal_without_control_characters(
    tree: Path, power: Boards
) -> None:
    said = deployed(tree, power(_machine="\x1b[2Jmoon").port, "FORCE=1")
    assert r" on '\x1b[2Jmoon', " in said


def test_too_little_space_is_refused_before_anything_is_written(tree: Path, power: Boards) -> None:
    board = power({"/log": "x" * 5 * BLOCK}, blocks=16)
    assert re.match(
        r"not enough space: \d+ KB are free, it takes \d+ KB", refused(tree, board.port)
    )
    assert {*files(board)} == {"/log"}


def test_a_file_system_that_fills_up_meanwhile_is_told(power: Boards) -> None:
    with remote.Board(power(blocks=8).port) as board:
        with pytest.raises(Refusal, match="the board's file system is full"):
            board.write("/log", b"x" * 9 * BLOCK)


def test_what_did_not_arrive_as_it_was_sent_does_not_take_its_place(
    power: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = power({"/lib/dhcpc/wire.py": "as it was"})
    monkeypatch.setattr(sys, "argv", ["deploy", NAME, board.port])
    write = remote.Board.write
    monkeypatch.setattr(
        remote.Board, "write", lambda self, path, data: write(self, path, data[:-1] + b"?")
    )
    with remote.Board(board.port) as connected:
        with pytest.raises(Refusal, match=r"^/lib/dhcpc/\S+ arrived damaged"):
            Deployment(connected, deploy.parsed()).run()
    found = files(board)
    assert found.pop("/lib/dhcpc/wire.py") == b"as it was"
    assert all(path.endswith("~") for path in found)


def test_a_program_of_somebody_else_is_not_replaced_unless_asked(
    tree: Path, power: Boards
) -> None:
    board = power({"/main.py": OTHERS, "/boot.py": "# comments alone\n\n#import moon\n"})
    why = refused(tree, board.port)
    assert why.startswith("/main.py on the board: not from here, or edited there; ")
    assert why.endswith("FORCE=1 replaces it; APP=0 leaves /boot.py and /main.py alone")
    assert {*files(board)} == {"/main.py", "/boot.py"}
    deployed(tree, board.port, "APP=0")
    assert files(board)["/main.py"] == OTHERS.encode()
    deployed(tree, board.port, "FORCE=1")
    ours = files(board)["/main.py"]
    assert ours.startswith((tree / "firmware/main.py").read_bytes())
    # What is from here is replaced, unless it has been edited.
    with (tree / "firmware/main.py").open("a") as source:
        source.write("MOON = 3\n")
    assert copied(deployed(tree, board.port)) == ["/main.py"]
    mpremote(board, "exec", "with open('/main.py', 'a') as f: f.write('MOON = 4\\n')")
    with (tree / "firmware/main.py").open("a") as source:
        source.write("MOON = 5\n")
    assert refused(tree, board.port).startswith("/main.py on the board: not from here, or edited")


def test_another_dhcpc_that_would_be_imported_is_told(tree: Path, power: Boards) -> None:
    board = power({"/dhcpc/__init__.py": ""})
    assert refused(tree, board.port) == "/dhcpc on the board comes before /lib/dhcpc: remove it"
    board = power({"/board/__init__.py": ""})
    assert refused(tree, board.port) == "/board on the board comes before /board.py: remove it"
