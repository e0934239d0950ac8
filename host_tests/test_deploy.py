"""`make deploy`, with the real mpremote, on virtual boards."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")

from device import remote
from powered import (
    COUNT,
    DEPLOYED,
    MODULES,
    NAME,
    ONE_FILE,
    OTHERS,
    ROOT_FILES,
    TIMEOUT_S,
    Boards,
    copied,
    copy_tree,
    deployed,
    files,
    make,
    mpremote,
    refused,
)

pytest_plugins = ["powered_fixtures"]


# Deployment


def test_a_first_deployment_copies_all_and_a_second_nothing(tree: Path, power: Boards) -> None:
    board = power()
    said = deployed(tree, board.port)
    assert {*copied(said)} == DEPLOYED == {*files(board)}
    assert f"copied {COUNT} of {COUNT} files, in " in said
    assert f"[1/{COUNT}] {ONE_FILE}  " in said
    assert said.splitlines()[-3:] == [
        "no /dhcpc.json on the board; Wi-Fi needs one: give SSID= or CONFIG=",
        f"your program goes to /app.py: .venv/bin/mpremote connect {board.port} cp app.py :",
        f"to see its lease: make doctor PORT={board.port}",
    ]
    check = "import dhcpc; print(dhcpc.Client.__name__, dhcpc.__file__)"
    assert mpremote(board, "exec", check) == "Client /lib/dhcpc/__init__.mpy\n"
    before = board.image.read_bytes()
    said = deployed(tree, board.port)
    assert copied(said) == []
    assert f"nothing to copy: all {COUNT} files are there\n" in said
    assert board.image.read_bytes() == before


def test_what_has_changed_is_copied_and_what_is_no_more_goes(tree: Path, power: Boards) -> None:
    (tree / "firmware/dhcpc/moon.py").write_text("PHASE = 'full'\n")
    board = power()
    deployed(tree, board.port, "EXTRAS=moon")
    assert "/lib/dhcpc/moon.mpy" in files(board)
    (tree / "firmware/dhcpc/moon.py").unlink()
    with (tree / "firmware/dhcpc/store.py").open("a") as module:
        module.write("MOON = 3\n")
    said = deployed(tree, board.port)
    assert copied(said) == [ONE_FILE]
    assert f"copied 1 of {COUNT} files, removed 1, in " in said
    assert "\nremoved from /lib/dhcpc: moon.mpy\n" in said
    assert {*files(board)} == DEPLOYED
    assert mpremote(board, "exec", "import dhcpc; print(dhcpc.MOON)") == "3\n"


def test_the_modules_of_an_older_version_make_way_for_the_one_file(
    tree: Path, power: Boards
) -> None:
    names = ("__init__", "client", "lease", "link", "session", "store", "wire")
    board = power({f"/lib/dhcpc/{name}.mpy": "old" for name in names})
    said = deployed(tree, board.port)
    assert f"copied {COUNT} of {COUNT} files, removed {len(names) - 1}, in " in said
    assert {*files(board)} == DEPLOYED


def test_a_board_with_several_nics_gets_what_keeps_them(tree: Path, power: Boards) -> None:
    board = power()
    done = make(tree, "deploy", "BOARD=OLIMEX_ESP32_POE", f"PORT={board.port}")
    assert done.returncode == 0, done.stdout
    assert {*files(board)} == DEPLOYED | {"/lib/dhcpc/failover.mpy"}


def test_a_config_brings_the_extras_that_it_takes(
    tree: Path, power: Boards, tmp_path: Path
) -> None:
    board = power()
    path = tmp_path / "wlan.json"
    path.write_text('{"ssid": "home", "vendor_class": "acme", "dns": false}')
    deployed(tree, board.port, f"CONFIG={path}")
    found = {"/dhcpc.json", "/lib/dhcpc/dns.mpy", "/lib/dhcpc/options.mpy"}
    assert {*files(board)} == DEPLOYED | found
    mpremote(board, "rm", ":/lib/dhcpc/dns.mpy")
    assert copied(deployed(tree, board.port)) == ["/lib/dhcpc/dns.mpy"]


def test_debug_copies_the_source_and_back(tree: Path, power: Boards) -> None:
    board = power()
    deployed(tree, board.port, "EXTRAS=aio")
    deployed(tree, board.port, "DEBUG=1")
    found = files(board)
    assert {*found} == MODULES | {"/lib/dhcpc/aio.py"} | ROOT_FILES
    assert "/lib/dhcpc/_compat.py" in found
    assert found["/lib/dhcpc/wire.py"] == (tree / "firmware/dhcpc/wire.py").read_bytes()
    check = (
        "import dhcpc, dhcpc.aio as a; print(dhcpc.__file__, a.__file__, hasattr(dhcpc, 'wire'))"
    )
    said = mpremote(board, "exec", check)
    assert said == "/lib/dhcpc/__init__.py /lib/dhcpc/aio.py True\n"
    deployed(tree, board.port, "DEBUG=0")
    assert {*files(board)} == DEPLOYED | {"/lib/dhcpc/aio.mpy"}
    said = mpremote(board, "exec", check)
    assert said == f"{ONE_FILE} /lib/dhcpc/aio.mpy False\n"


def test_an_extra_comes_when_asked_for_and_stays(tree: Path, power: Boards) -> None:
    board = power()
    deployed(tree, board.port, "EXTRAS=conflicts")
    with (tree / "firmware/dhcpc/conflicts.py").open("a") as module:
        module.write("MOON = 3\n")
    assert copied(deployed(tree, board.port)) == ["/lib/dhcpc/conflicts.mpy"]
    assert {*files(board)} == DEPLOYED | {"/lib/dhcpc/conflicts.mpy"}
    check = "from dhcpc import conflicts as c; print(c.MOON, c.decline.__name__)"
    assert mpremote(board, "exec", check) == "3 decline\n"
    why = refused(tree, board.port, "EXTRAS=conflicts moon")
    assert why.startswith("EXTRAS: there is no moon; there are ")


def test_an_extra_that_the_program_on_the_board_imports_comes_along(
    tree: Path, power: Boards
) -> None:
    board = power({"/app.py": "from dhcpc import Lease, aio\n"})
    assert "the programs on the board import aio\n" in deployed(tree, board.port)
    assert {*files(board)} == DEPLOYED | {"/app.py", "/lib/dhcpc/aio.mpy"}


def test_what_is_on_the_board_besides_stays(tree: Path, power: Boards) -> None:
    others = {"/app.py": OTHERS, "/lib/moon.py": OTHERS, "/lib/dhcpc/notes.txt": "full moon"}
    board = power(others)
    assert "your program goes to" not in deployed(tree, board.port)
    found = files(board)
    assert {path: found[path].decode() for path in others} == others


# Cut off


def trees(tmp_path: Path) -> list[Path]:
    """Two versions of the project in which all that is deployed differs."""
    found = []
    for name in ("old", "new"):
        tree = copy_tree(tmp_path / name)
        sources = [*tree.glob("firmware/dhcpc/*.py"), tree / f"boards/{NAME}/board.py"]
        for source in [*sources, tree / "firmware/boot.py", tree / "firmware/main.py"]:
            with source.open("a") as module:
                module.write(f"MOON = {name!r}\n")
        found.append(tree)
    return found


def cut_off(
    tree: Path, port: str, lines: int, cut: Callable[[subprocess.Popen[str]], None]
) -> int:
    """Begin a deployment, cut it off after so many lines, and return its exit code."""
    with subprocess.Popen(
        [sys.executable, tree / "tools/deploy.py", NAME, port],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            said = [run.stdout.readline() for _ in range(lines)] if run.stdout else []
            cut(run)
            rest = run.communicate(timeout=TIMEOUT_S)[0]
        finally:
            run.kill()
    assert "Traceback" not in rest
    assert all(said), said + [rest]
    return run.returncode


def test_cut_off_anywhere_each_file_is_old_or_new_and_the_next_run_ends_it(
    tmp_path: Path, power: Boards
) -> None:
    old, new = trees(tmp_path)
    board = power()
    wanted = {}
    for tree in (new, old):
        deployed(tree, board.port)
        wanted[tree] = files(board)
    assert all(wanted[old][path] != wanted[new][path] for path in wanted[new])

    def reset(run: subprocess.Popen[str]) -> None:
        board.reset()

    def interrupt(run: subprocess.Popen[str]) -> None:
        run.send_signal(signal.SIGINT)

    def kill(run: subprocess.Popen[str]) -> None:
        run.kill()

    # After the first line, which is about the board, each is about a file that is being copied.
    cuts = [(cut, lines) for cut in (interrupt, kill) for lines in (1, 2, 3, COUNT, COUNT + 1)]
    # An interrupt may come when the run is at its end; a shell calls both 130.
    codes = {interrupt: (130, -signal.SIGINT), kill: (-signal.SIGKILL,), reset: (1,)}
    arrived = 0
    for cut, lines in [*cuts, (reset, 3)]:
        assert cut_off(new, board.port, lines, cut) in (*codes[cut], 0)
        found = files(board)
        for path in wanted[old]:
            assert found[path] in (wanted[old][path], wanted[new][path])
        arrived += COUNT - len(copied(deployed(new, board.port)))
        assert files(board) == wanted[new]
        old, new = new, old
    assert arrived  # is not copied again


def test_the_program_on_the_board_runs_again_after_an_interrupt(tree: Path, power: Boards) -> None:
    board = power({"/main.py": "RUNS = True\n"})
    assert cut_off(tree, board.port, 1, lambda run: run.send_signal(signal.SIGINT)) in (130, 1)
    assert mpremote(board, "resume", "exec", "print(RUNS)") == "True\n"
    assert {*files(board)} == {"/main.py"}


def test_a_board_that_is_left_to_a_script_hears_no_ctrl_c() -> None:
    heard = []

    class Transport:
        def exec_raw_no_follow(self, script: str) -> None:
            heard.append(script)

        @property
        def serial(self) -> Transport:
            return self

        def write(self, data: bytes) -> None:
            heard.append(str(data))

        def close(self) -> None:
            heard.append("closed")

    board = remote.Board("moon")
    board._transport = Transport()
    board.leave_to("machine.bootloader()")
    board.__exit__(None, None, None)
    assert heard == ["machine.bootloader()", "closed"]


# Several


def test_several_boards_are_served_at_once(tree: Path, power: Boards) -> None:
    first, second = power(), power()
    said = deployed(tree, f"{first.port} {second.port}")
    for board in (first, second):
        assert f"{board.port}: copied {COUNT} of {COUNT} files, in " in said
    assert files(first) == files(second)
    lines = [line.split(":")[0] for line in said.splitlines()]
    assert {*lines} == {first.port, second.port}
    assert lines != sorted(lines)
    assert lines != sorted(lines, reverse=True)


def test_one_board_of_several_that_fails_does_not_hinder_the_others(
    tree: Path, power: Boards
) -> None:
    board = power()
    done = make(tree, "deploy", f"BOARD={NAME}", f"PORT=/dev/moon {board.port}")
    assert done.returncode == 2
    assert "/dev/moon: deploy: /dev/moon: there is no such port" in done.stdout
    assert {*files(board)} == DEPLOYED
