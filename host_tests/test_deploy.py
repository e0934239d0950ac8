"""`make deploy`, `lease`, `wipe-lease` and `repl`, with the real mpremote, on virtual boards."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")

from littlefs import LittleFS, UserContext
from serial.tools.list_ports_common import ListPortInfo

import deploy
from device import remote
from device.catalogue import model
from device.config import checked, held
from device.deployment import EXTRAS, Deployment
from device.virtual import BLOCK, VirtualBoard
from dhcpc import Lease, Message, Store, option
from toolchain import cli, vm
from toolchain.cli import Refusal

NAME = "RPI_PICO_W"
ONE_FILE = "/lib/dhcpc/__init__.mpy"
MODULES = {  # with DEBUG=1
    f"/lib/dhcpc/{path.name}"
    for path in vm.PACKAGE.glob("*.py")
    if path.stem not in EXTRAS or path.stem in ("config", "explain")
}
ROOT_FILES = {"/board.py", "/boot.py", "/main.py"}
DEPLOYED = {ONE_FILE, "/lib/dhcpc/config.mpy", "/lib/dhcpc/explain.mpy"} | ROOT_FILES
COUNT = len(DEPLOYED)
OTHERS = "print('somebody else')\n"
TIMEOUT_S = 60


# The laptop


def copy_tree(to: Path) -> Path:
    """A copy of the project that a test may change, with the same .venv."""
    ignore = shutil.ignore_patterns("__pycache__", "*.orig")
    for name in ("boards", "firmware", "tools"):
        shutil.copytree(vm.ROOT / name, to / name, ignore=ignore)
    shutil.copy2(vm.ROOT / "Makefile", to)
    (to / ".venv").symlink_to(vm.ROOT / ".venv")
    return to


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copy_tree(tmp_path / "tree")


def make(tree: Path, target: str, *settings: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "--silent", target, *settings],
        cwd=tree,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )


def deployed(tree: Path, port: str, *settings: str, **env: str) -> str:
    """What `make deploy` says when it succeeds."""
    done = make(tree, "deploy", f"BOARD={NAME}", f"PORT={port}", *settings, **env)
    assert done.returncode == 0, done.stdout
    return done.stdout


def refused(tree: Path, port: str, *settings: str, **env: str) -> str:
    """What it says when it does not: one line, and make's own."""
    done = make(tree, "deploy", f"BOARD={NAME}", f"PORT={port}", *settings, **env)
    assert done.returncode == 2, done.stdout  # make's, for any failure
    (line,) = re.findall("^deploy: (.*)$", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout
    return str(line)


def mpremote(board: VirtualBoard, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def copied(said: str) -> list[str]:
    return re.findall(r"^\[.*\] (\S+)  [\d,]+ bytes$", said, re.MULTILINE)


# The board


Boards = Callable[..., VirtualBoard]


@pytest.fixture
def power(tmp_path: Path) -> Iterator[Boards]:
    """Switches a new board on: files that are on it, how many blocks, what it says to be."""
    machine = vm.vms()["vm64"]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    with ExitStack() as boards:
        count = 0

        def on(
            files: dict[str, str | bytes] | None = None, blocks: int = 212, **says: object
        ) -> VirtualBoard:
            nonlocal count
            count += 1
            image = tmp_path / f"flash{count}.bin"
            if files:
                image.write_bytes(formatted(files, blocks))
            return boards.enter_context(VirtualBoard(image, blocks, **says))

        yield on


def formatted(files: dict[str, str | bytes], blocks: int) -> bytes:
    flash = UserContext(BLOCK * blocks)
    littlefs = LittleFS(flash, block_size=BLOCK, block_count=blocks)
    for path, data in files.items():
        littlefs.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)
        with littlefs.open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
    return bytes(flash.buffer)


def files(board: VirtualBoard) -> dict[str, bytes]:
    """What is in its flash, read without the VM."""
    flash = UserContext(buffer=bytearray(board.image.read_bytes()))
    littlefs = LittleFS(flash, block_size=BLOCK, block_count=len(flash.buffer) // BLOCK)
    found = {}
    for directory, _, names in littlefs.walk("/"):
        for name in names:
            path = f"{directory.rstrip('/')}/{name}"
            with littlefs.open(path, "rb") as file:
                found[path] = bytes(file.read())
    return found


# A virtual board is like a board


def test_its_files_are_in_the_flash_and_no_others_are_there(power: Boards, tmp_path: Path) -> None:
    board = power()
    (tmp_path / "app.py").write_text("X = 1\n")
    said = mpremote(
        board, "cp", str(tmp_path / "app.py"), ":app.py", "+", "mkdir", ":etc", "+", "ls"
    )
    assert re.findall(r"^ +\d+ (.*)$", said, re.MULTILINE) == ["app.py", "etc/"]
    assert files(board) == {"/app.py": b"X = 1\n"}
    paths = "import os, sys; print(os.getcwd(), sys.path, os.listdir('/etc'))"
    assert mpremote(board, "exec", paths).split("\n")[-2] == "/ ['', '.frozen', '/lib'] []"


def test_it_runs_boot_and_main_and_is_interrupted(power: Boards) -> None:
    programs = {
        "/boot.py": "X = ['boot']\n",
        "/main.py": "import time\nX.append('main')\nwhile True:\n    time.sleep(1)\n",
    }
    board = power(programs)
    assert mpremote(board, "resume", "exec", "print(X, __name__)") == "['boot', 'main'] __main__\n"
    # A soft reset in the raw REPL does not run main.py; one at the prompt does.
    assert mpremote(board, "exec", "print(X); X = 0") == "['boot']\n"
    with remote.Board(board.port):
        pass
    assert mpremote(board, "resume", "exec", "print(X); X = 0") == "['boot', 'main']\n"
    board.reset()
    assert mpremote(board, "resume", "exec", "print(X)") == "['boot', 'main']\n"


def test_an_image_that_is_none_does_not_bring_up_the_hosts_files(tmp_path: Path) -> None:
    if vm.vms()["vm64"].missing:
        pytest.skip(vm.vms()["vm64"].missing)
    image = tmp_path / "flash.bin"
    board = VirtualBoard(image)
    image.write_bytes(b"")
    with pytest.raises(RuntimeError, match=r"the VM does not start: (.|\n)*OSError"):
        board.__enter__()


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


# Refusals


def test_a_board_or_port_that_is_not_there_is_told_with_those_that_are(tree: Path) -> None:
    assert make(tree, "deploy").stdout.startswith("deploy: BOARD= is missing; there are ARDUINO")
    said = make(tree, "deploy", "BOARD=UNIX", "PORT=x").stdout
    assert said.startswith("deploy: no board UNIX; there are ARDUINO_NANO_ESP32, ")
    assert re.match(
        "PORT= is missing; (no serial port is on USB here|serial ports here:)", refused(tree, "")
    )
    assert refused(tree, "/dev/moon").startswith("there is no such port; ")
    assert "repl: there is no such port; " in make(tree, "repl", "PORT=/dev/moon").stdout
    assert refused(tree, "/dev/null").startswith("the port cannot be opened: ")


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


def test_a_port_that_is_in_use_is_told(tree: Path, power: Boards) -> None:
    board = power()
    with remote.Board(board.port):
        assert refused(tree, board.port).startswith("the port cannot be opened: another program")


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


# The command line


def test_a_setting_that_is_not_known_is_named_with_those_that_are(tree: Path) -> None:
    done = make(tree, "deploy", "BORD=RPI_PICO_W", "PORT=/dev/moon")
    assert done.returncode == 2
    assert "*** BORD= is not known here; there are APP= ARGS= BOARD= " in done.stdout


@pytest.mark.parametrize(
    ("what", "setting", "why"),
    [
        ("flash", "YES=no", "YES= is 1 or 0"),
        ("deploy", "FORCE=$(false)", "FORCE= is 1 or 0"),
        ("deploy", "DEBUG=off", "DEBUG= is 1 or 0"),
        ("deploy", "APP=app", "APP= is 0 or 1 here; APP=DIR is for `make image`"),
    ],
)
def test_a_switch_is_on_or_off(tree: Path, what: str, setting: str, why: str) -> None:
    done = make(tree, what, "BOARD=RPI_PICO_W", "PORT=/dev/moon", setting)
    assert done.returncode == 2
    assert f"*** {why}.  Stop." in done.stdout


def test_an_image_takes_no_ssid_and_names_what_it_takes(tree: Path) -> None:
    done = make(tree, "image", f"BOARD={NAME}", "MICROPYTHON=moon.uf2", "SSID=home")
    assert done.returncode == 2
    assert "*** SSID= is for `make deploy`; an image takes CONFIG=FILE" in done.stdout


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> list[ListPortInfo]:
    """What is plugged in, besides a port that is no board's."""
    plugged: list[ListPortInfo] = []
    found = [ListPortInfo("/dev/ttyS0")]
    monkeypatch.setattr(remote, "comports", lambda: found + plugged)
    return plugged


def plug_in(usb: list[ListPortInfo], device: str) -> None:
    usb.append(ListPortInfo(device))
    usb[-1].vid = 0x2E8A


def test_a_port_that_is_on_no_usb_is_not_taken_for_a_boards(usb: list[ListPortInfo]) -> None:
    other = "; others, probably not of a board:\n    /dev/ttyS0  n/a"
    assert remote.ports().startswith("no serial port is on USB here: ")
    assert remote.ports().endswith(other)
    plug_in(usb, "/dev/ttyACM3")
    assert remote.ports() == "serial ports here:\n    /dev/ttyACM3  n/a"


def test_the_only_board_is_found(usb: list[ListPortInfo]) -> None:
    with pytest.raises(Refusal, match="PORT=auto takes the only board on USB, and there is none"):
        remote.resolved("auto")
    plug_in(usb, "/dev/ttyACM3")
    assert remote.resolved("auto") == "/dev/ttyACM3"
    plug_in(usb, "/dev/ttyUSB0")
    why = r"and there are 2; serial ports here:\n    /dev/ttyACM3  n/a\n    /dev/ttyUSB0  n/a$"
    with pytest.raises(Refusal, match=why):
        remote.resolved("auto")


@pytest.mark.parametrize(
    ("short", "port"),
    [("a0", "/dev/ttyACM0"), ("u12", "/dev/ttyUSB12"), ("c3", "COM3"), ("b1", "b1"), ("a", "a")],
)
def test_short_names_are_mpremotes(short: str, port: str) -> None:
    assert remote.resolved(short) == port


def test_every_tool_takes_them(tree: Path) -> None:
    for target in ("deploy", "doctor", "lease", "wipe-lease"):
        said = make(tree, target, f"BOARD={NAME}", "PORT=u99").stdout
        assert re.match(r"\w+: (there is no such port|/dev/ttyUSB99: no such file or port)", said)


def test_ctrl_d_where_the_key_is_asked_for_ends_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(prompt: str) -> str:
        raise EOFError

    monkeypatch.delenv("WIFI_KEY", raising=False)
    monkeypatch.setattr(deploy.getpass, "getpass", end)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "argv", ["deploy", NAME, "/dev/moon", "--ssid=home"])
    assert cli.run(deploy.main) == 1
    assert capsys.readouterr().err == "\ndeploy: no answer, so nothing is done\n"


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
    assert "/dev/moon: deploy: there is no such port" in done.stdout
    assert {*files(board)} == DEPLOYED


# The config


def config(board: VirtualBoard) -> object:
    return json.loads(files(board)["/dhcpc.json"])


def test_a_config_is_set_kept_and_replaced(tree: Path, power: Boards, tmp_path: Path) -> None:
    board = power()
    assert "no /dhcpc.json on the board" in deployed(tree, board.port)
    first = {"ssid": "moon", "key": "full of it", "hostname": "crater-3", "timeout_s": 9}
    path = tmp_path / "my config.json"
    path.write_text(json.dumps(first))
    assert copied(deployed(tree, board.port, f"CONFIG={path}")) == ["/dhcpc.json"]
    assert config(board) == first
    said = deployed(tree, board.port)
    assert copied(said) == []
    assert "/dhcpc.json" not in said
    # The Wi-Fi alone.
    said = deployed(tree, board.port, "SSID=home", WIFI_KEY="a new one")
    assert config(board) == {**first, "ssid": "home", "key": "a new one"}
    assert "a new one" not in said
    deployed(tree, board.port, "SSID=cafe", WIFI_KEY="")
    assert config(board) == {"ssid": "cafe", "hostname": "crater-3", "timeout_s": 9}


def test_a_wifi_is_taken_as_it_is_typed(tree: Path, power: Boards) -> None:
    board = power()
    for name in ("a$b $$", "$(shell touch ran)`touch ran`", '-it\'s "home"', "#\\ ~*,:="):
        deployed(tree, board.port, f"SSID={name}", "WIFI_KEY=$(PY) $key")
        assert config(board) == {"ssid": name, "key": "$(PY) $key"}
    assert not (tree / "ran").exists()


def test_the_config_on_the_board_is_held_against_it(
    tree: Path, power: Boards, tmp_path: Path
) -> None:
    board = power({"/dhcpc.json": '{"hostname": "a"}'})
    assert refused(tree, board.port) == (
        "/dhcpc.json on the board: no ssid, and RPI_PICO_W has only Wi-Fi; "
        "SSID= sets its Wi-Fi, CONFIG=FILE replaces it"
    )
    broken = power({"/dhcpc.json": "{"})
    assert refused(tree, broken.port).startswith("/dhcpc.json on the board: not JSON: ")
    assert {*files(board), *files(broken)} == {"/dhcpc.json"}
    deployed(tree, broken.port, "APP=0")  # whose program need not read it
    deployed(tree, board.port, "SSID=home", WIFI_KEY="")
    assert config(board) == {"hostname": "a", "ssid": "home"}
    (tmp_path / "c.json").write_text('{"ssid": "home"}')
    deployed(tree, broken.port, f"CONFIG={tmp_path}/c.json")
    assert config(broken) == {"ssid": "home"}


@pytest.mark.parametrize(
    ("board", "text"),
    [
        ("RPI_PICO_W", '{"ssid": "x", "watchdog_s": 8.388}'),
        ("ESP32_GENERIC", '{"ssid": "x", "watchdog_s": 20}'),
        ("W5500_EVB_PICO", "{}"),
        ("OLIMEX_ESP32_POE", '{"fallback": "link-local"}'),
    ],
)
def test_what_a_board_can_do_may_be_in_its_config(board: str, text: str) -> None:
    held(checked(text, "c.json"), model(board), "c.json")


@pytest.mark.parametrize(
    ("board", "text", "why"),
    [
        ("RPI_PICO_W", "{}", "no ssid, and RPI_PICO_W has only Wi-Fi"),
        ("RPI_PICO_W", '{"ssid": "x", "watchdog_s": 8.389}', "watchdog_s: 8.389 is more than"),
        (
            "RPI_PICO2_W",
            '{"ssid": "x", "watchdog_s": 20}',
            "watchdog_s: 20 is more than the 8.388",
        ),
        (
            "OLIMEX_ESP32_POE",
            '{"fallback": "link-local", "ssid": "x"}',
            "fallback: it does not go",
        ),
    ],
)
def test_what_a_board_cannot_do_is_refused_in_its_config(board: str, text: str, why: str) -> None:
    with pytest.raises(Refusal, match=f"^c.json: {why}"):
        held(checked(text, "c.json"), model(board), "c.json")


def test_a_board_reads_any_text_of_its_config_right(
    tree: Path, power: Boards, tmp_path: Path
) -> None:
    board = power()
    path = tmp_path / "wlan.json"
    path.write_text(r'{"ssid": "caf\u00e9 \ud83d\ude00"}')
    deployed(tree, board.port, f"CONFIG={path}")
    check = "from dhcpc import config; print(config.read()['ssid'].encode())"
    assert mpremote(board, "exec", check).strip() == str("café 😀".encode())


def test_a_config_that_is_wrong_is_refused_before_the_board_is_asked(
    tree: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wlan.json"
    path.write_text('{"ssid": 7}')
    why = refused(tree, "/dev/moon", f"CONFIG={path}")
    assert why == f"{path}: ssid: 7 is not a text of 1 to 32 bytes"
    assert refused(tree, "/dev/moon", "CONFIG=moon.json") == "moon.json: No such file or directory"
    path.write_text('{"ssid": "home", "fallback": "link-local"}')
    why = refused(tree, "/dev/moon", f"CONFIG={path}", "BOARD=OLIMEX_ESP32_POE")
    assert why.startswith(f"{path}: fallback: it does not go with several NICs: ")
    why = refused(tree, "/dev/moon", "SSID=home", WIFI_KEY="short")
    assert why.startswith("SSID or WIFI_KEY: key: it is not 8 to 63 ")
    assert refused(tree, "/dev/moon", "SSID=home").startswith("SSID= needs a key: set WIFI_KEY")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", ": not JSON: .*line 1 column 2"),
        ("[" * 100_000, ": not JSON: "),
        ("[]", ": not a JSON object"),
        ('{"sid": "x"}', ': there is no "sid"; there are anonymous, broadcast, client_id, '),
        ('{"ssid": ""}', ': ssid: "" is not a text of 1 to 32 bytes'),
        (r'{"ssid": "\ud800"}', ": ssid: "),
        ('{"ssid": "%s"}' % ("ü" * 17), ": ssid: "),
        ('{"key": "secret"}', ": key: it is not 8 to 63 ASCII characters, or 64 hex digits"),
        ('{"key": "%s"}' % ("g" * 64), ": key: "),
        ('{"key": ["secret"]}', ": key: it is"),
        ('{"hostname": "under_score"}', ': hostname: "under_score" is not '),
        ('{"hostname": "-a"}', ": hostname: "),
        ('{"hostname": "%s"}' % ("a" * 33), ": hostname: "),
        ('{"timeout_s": 0}', ": timeout_s: 0 is not a number from 1 to 86400"),
        ('{"timeout_s": NaN}', ": timeout_s: NaN"),
        ('{"watchdog_s": true}', ": watchdog_s: true"),
        ('{"watchdog_s": "8"}', ': watchdog_s: "8"'),
        ('{"reuse": 1}', ": reuse: 1 is not true or false"),
        ('{"fallback": {"address": "192.0.2.255"}}', ": fallback: address: not a host's"),
        (json.dumps({"vendor_class": "a" * 200, "user_class": ["b" * 200]}), ": options"),
    ],
)
def test_what_is_wrong_with_a_config_is_named(text: str, why: str) -> None:
    with pytest.raises(Refusal, match=f"^c.json{why}") as refusal:
        checked(text, "c.json")
    assert "secret" not in str(refusal.value)


def test_a_config_may_have_all_of_it_or_nothing() -> None:
    wifi = {"ssid": "ü" * 16, "key": "x" * 63}
    whole = {**wifi, "hostname": "a" * 32, "timeout_s": 1.5, "watchdog_s": 8}
    for right in (whole, {}, {"key": "0f" * 32}, {"dns": False}):
        assert checked(json.dumps(right), "c.json") == right


# Leases


def lease_file(path: Path) -> bytes:
    """What the firmware's Store writes for a lease on a Wi-Fi and one on a cable."""
    mac = bytes.fromhex("02005e005301")
    store = Store(str(path))
    for name, address in ((b"", b"\xc0\0\2\x65"), (b"home", b"\xc0\0\2\x64")):
        ack = b"\2\1\6\0" + bytes(12) + address + bytes(8) + mac + bytes(202) + b"c\x82Sc"
        ack += (
            option(53, b"\5") + option(54, b"\xc0\0\2\1") + option(51, (3600).to_bytes(4, "big"))
        )
        message = Message()
        message.read(ack + option(1, b"\xff\xff\xff\0") + b"\xff")
        key = bytes((1, len(name))) + mac + name + option(61, b"\1" + mac)
        store.save(Lease(message, 0), key)
    return path.read_bytes()


def test_the_leases_of_a_board_are_shown(tree: Path, power: Boards, tmp_path: Path) -> None:
    data = lease_file(tmp_path / "lease")
    board = power({"/dhcpc.lease": data, "/dhcpc.lease~": data[:70]})
    shown = make(tree, "lease", f"PORT={board.port}")
    assert shown.returncode == 0
    assert shown.stdout == (
        "/dhcpc.lease\n"
        '192.0.2.100 on "home", 02:00:5e:00:53:01\n'
        "    61 client identifier: Ethernet 02:00:5e:00:53:01\n"
        "    1 subnet mask: 255.255.255.0\n"
        "    51 IP address lease time: 3600 s (1:00:00)\n"
        "    54 server identifier: 192.0.2.1\n"
        "    begun when no clock says\n"
        "192.0.2.101 on a cable, 02:00:5e:00:53:01\n"
        "    61 client identifier: Ethernet 02:00:5e:00:53:01\n"
        "    1 subnet mask: 255.255.255.0\n"
        "    51 IP address lease time: 3600 s (1:00:00)\n"
        "    54 server identifier: 192.0.2.1\n"
        "    begun when no clock says\n"
        "/dhcpc.lease~\n"
        "70 bytes that are not a whole record\n"
    )


def test_the_leases_of_a_board_are_wiped(tree: Path, power: Boards) -> None:
    board = power({"/dhcpc.lease": "torn", "/dhcpc.json": "{}"})
    wiped = make(tree, "wipe-lease", f"PORT={board.port}")
    assert (wiped.returncode, wiped.stdout) == (0, "removed /dhcpc.lease\n")
    assert {*files(board)} == {"/dhcpc.json"}
    for target, said in (("wipe-lease", "no lease was stored"), ("lease", "no lease is stored")):
        again = make(tree, target, f"PORT={board.port}")
        assert (again.returncode, again.stdout) == (0, f"{said} on the board\n")
    assert make(tree, "lease").stdout.startswith("lease: PORT= is missing; ")


def test_repl_is_the_boards_prompt(tree: Path, power: Boards) -> None:
    board = power()
    master, slave = os.openpty()
    with subprocess.Popen(
        ["make", "repl", f"PORT={board.port}"], cwd=tree, stdin=slave, stdout=slave, stderr=slave
    ) as run:
        try:
            said = read_until(master, b"to exit this shell")
            os.write(master, b"\rprint(6 * 7)\r")
            said += read_until(master, b"\n42")
            os.write(master, b"\x1d")
            assert run.wait(TIMEOUT_S) == 0, said
        finally:
            run.kill()
            os.close(slave)
            os.close(master)


def read_until(fd: int, ending: bytes) -> bytes:
    said = b""
    end = time.monotonic() + TIMEOUT_S
    while ending not in said:
        assert select.select([fd], [], [], max(0, end - time.monotonic()))[0], said
        said += os.read(fd, 1024)
    return said
