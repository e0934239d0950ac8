"""What holds for every command: its help, its exit codes in docs/commands.md, Ctrl-C at any
moment, Ctrl-D at a question."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import cli, lanes, vm
from toolchain.cli import Refusal
from toolchain.files import PAGE, PCAP, check_writable

TOOLS = vm.ROOT / "tools"
COMMANDS = {path.stem: path for path in sorted(TOOLS.glob("*.py"))}
TABLES = (vm.ROOT / "docs/commands.md").read_text()
CAPTURE = vm.ROOT / "host_tests/captures/dnsmasq-dhclient-nak.pcap"
EVERY = pytest.mark.parametrize("name", COMMANDS)


def ended(*command: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a terminal of 80 columns unless `env` says otherwise."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80", **env},
        timeout=60,
    )


# Help


@EVERY
def test_help_shows_commands_that_can_be_typed(name: str) -> None:
    text, _, examples = ended(COMMANDS[name], "--help").stdout.partition("\nfor example:\n")
    assert examples
    for line in examples.splitlines():
        _, _, words = line.partition(f".venv/bin/python tools/{name}.py")
        assert words or line.endswith(".py")
        for option in re.findall(r" (--?[a-z]+)", words):
            assert option in text or name == "lab"  # whose options are its commands'


@EVERY
def test_help_but_for_its_examples_fits_a_narrow_terminal(name: str) -> None:
    text = ended(COMMANDS[name], "--help", COLUMNS="40").stdout.partition("\nfor example:\n")[0]
    assert max(map(len, text.splitlines())) <= 40


def test_an_example_with_its_own_way_to_the_command_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["moon.py"])
    shown = cli.parser("Looks at the moon.", "", "--full", "sudo {} -v").format_help()
    command = ".venv/bin/python tools/moon.py"
    assert shown.endswith(f"for example:\n  {command}\n  {command} --full\n  sudo {command} -v\n")


# Exit codes


def rows(columns: int) -> dict[str, list[str]]:
    """The rows of the page's table with so many columns, by their first cells."""
    lines = [line[1:-1].split("|") for line in TABLES.splitlines() if line.startswith("| ")]
    found = [[cell.strip(" `") for cell in line] for line in lines]
    return {row[0]: row[1:] for row in found if len(row) == columns}


EXAMPLES: list[tuple[str, int, list[str]]] = [
    ("decode", 0, [str(CAPTURE)]),
    ("decode", 1, ["{tmp}/none.pcap"]),
    ("decode", 2, ["{tmp}/nothing"]),
    ("deploy", 1, ["MOON", "/dev/null"]),
    ("doctor", 1, ["/dev/null"]),
    ("emulate", 2, []),
    ("fleets", 1, ["moon"]),
    ("lab", 1, ["fail", "moon"]),
    ("lease", 0, ["show", "{tmp}/empty"]),
    ("lease", 1, ["show", "{tmp}/nothing"]),
    ("mip_index", 0, ["--output", "{tmp}/mip"]),
    ("netup", 2, ["eth0", "--timeout", "0"]),
    ("size", 0, []),
    ("states", 0, []),
    ("virtual_board", 1, ["{tmp}"]),
]


def test_the_page_has_every_command_and_no_other_one() -> None:
    assert {*rows(4)} - {"command", "---"} == {*COMMANDS}


def test_the_page_has_the_codes_of_cli() -> None:
    told = {int(code) for code in rows(2) if code.isdigit()}
    said = re.findall(r"^    (\d+) ", cli.__doc__ or "", re.MULTILINE)
    assert told == {*map(int, said)}
    assert told == {0, cli.Refusal.code, cli.Unavailable.code, cli.Interrupted.code, 141}


def test_the_page_has_the_fields_of_a_message_as_json() -> None:
    done = ended(COMMANDS["decode"], "--json", CAPTURE)
    fields = {*json.loads(done.stdout.splitlines()[0])}
    told = TABLES.partition("## Messages as JSON")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in told.splitlines() if line.startswith("| `")]
    assert {*re.findall(r"`(\w+)`", " ".join(cells))} == fields


def test_each_example_is_in_the_page() -> None:
    for name, code, _ in EXAMPLES:
        assert rows(4)[name][code], f"{name} {code}"


@pytest.mark.parametrize(("name", "code", "words"), EXAMPLES)
def test_a_command_ends_with_the_code_of_the_page(
    name: str, code: int, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "none.pcap").write_bytes(CAPTURE.read_bytes()[:24])  # the file's header
    given = [word.format(tmp=tmp_path) for word in words]
    env = {"MICROPYTHON_UF2": str(tmp_path / "nothing")} if name == "emulate" else {}
    done = ended(COMMANDS[name], *given, **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("decode", ["{tmp}/nothing", "--html"]),
        ("demo", ["--svg"]),
        ("doctor", ["/dev/null", "--html"]),
        ("lab", ["odd", "--out"]),
        ("lab", ["peers", "--out"]),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_done(
    name: str, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "no/file"
    done = ended(COMMANDS[name], *(word.format(tmp=tmp_path) for word in words), path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{name}: {words[-1]} {path}: No such file or directory\n"


def test_a_look_whether_a_file_can_be_written_changes_nothing(tmp_path: Path) -> None:
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_text(f"{PAGE}stays")
    link.symlink_to("nothing")
    for path in (there, link, tmp_path / "new"):
        check_writable(path, "--html")
    assert there.read_text() == f"{PAGE}stays"
    assert {*tmp_path.iterdir()} == {there, link}


def test_a_file_that_no_command_has_made_is_not_replaced(tmp_path: Path) -> None:
    page, pcap, notes, empty = (tmp_path / name for name in ("page", "pcap", "notes", "empty"))
    page.write_text(PAGE)
    pcap.write_bytes(PCAP)
    notes.write_text("<!DOCTYPE html>\n<p>Mine")
    empty.touch()
    good: list[tuple[Path, str | bytes]] = [(page, PAGE), (pcap, PCAP), (empty, PAGE)]
    foreign: list[tuple[Path, str | bytes]] = [(notes, PAGE), (page, PCAP), (pcap, PAGE)]
    for path, begins in good:
        check_writable(path, "--html", begins)
    for path, begins in foreign:
        with pytest.raises(Refusal, match="no such file of this project"):
            check_writable(path, "--html", begins)
    with pytest.raises(Refusal, match="is what is read"):
        check_writable(tmp_path / "x/../page", "--html", PAGE, [page])


@pytest.mark.parametrize("name", ["deploy", "doctor", "demo", "image", "lease", "virtual_board"])
def test_without_its_packages_a_command_says_how_it_is_run(name: str) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-S",
        COMMANDS[name],
    ]  # no site-packages, as the system's Python
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    said = rf"{name}: \w+ is not there: run \.venv/bin/python tools/{name}\.py, after make setup\n"
    assert re.fullmatch(said, done.stderr), done.stderr
    assert done.returncode == 2


# Ctrl-C

# Sends itself SIGINT when it is about to do the n-th thing that Python tells auditors of: to
# import, to open, to compile, to start a process. Counts from where the command begins to import,
# or from where its main does.
DRIVER = """
import _signal, os, runpy, sys
left, phase, busy = int(sys.argv[1]), sys.argv[2], False
def begun():
    if phase == "import":
        return sys.excepthook is not sys.__excepthook__
    frame = sys._getframe()
    while frame and frame.f_code.co_name + frame.f_code.co_filename != "main" + command:
        frame = frame.f_back
    return frame
def audit(event, arguments):
    global left, busy
    if busy or not left:
        return
    busy = True  # to look is such a thing, too
    left -= bool(begun())
    busy = False
    if not left:
        _signal.raise_signal(_signal.SIGINT)
del sys.argv[:3]
command = sys.argv[0]
sys.path[0] = os.path.dirname(sys.argv[0])
sys.addaudithook(audit)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
# What each is given, and how many such things it does at least: when it imports, and afterwards
CUT_OFF: dict[str, tuple[list[str], int, int]] = {
    "bench": (["--quick"], 600, 250),
    "boards": ([], 250, 100),
    "conformance": ([], 300, 40),
    "decode": ([str(CAPTURE)], 450, 12),
    "demo": ([], 3000, 250),
    "deploy": (["RPI_PICO_W", "/dev/null"], 550, 3),
    "doctor": (["/dev/null"], 650, 2),
    "emulate": ([], 1300, 20),
    "flash_board": (["RPI_PICO_W", "/dev/null"], 550, 3),
    "fleets": (["loss"], 300, 5),
    "image": (["RPI_PICO_W", "/dev/null"], 550, 3),
    "lab": (["list"], 3000, 30),
    "lease": (["show", "/dev/null"], 550, 2),
    "mip_index": (["--output", "{tmp}/mip"], 250, 350),
    "netup": (["lo"], 500, 100),
    "release": ([], 550, 8),
    "repl": (["auto"], 450, 2),
    "size": ([], 250, 400),
    "states": ([], 250, 900),
    "virtual_board": (["{tmp}/flash.bin"], 350, 4),
}


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("phase", ["import", "main"])
@EVERY
def test_ctrl_c_at_any_moment_ends_a_command_without_a_traceback(
    name: str, phase: str, number: int, tmp_path: Path
) -> None:
    words, imports, main = CUT_OFF[name]
    most = imports if phase == "import" else main
    moment = random.Random(f"{name} {number}").randint(1, most)
    given = [word.format(tmp=tmp_path) for word in words]
    make = tmp_path / "make"  # if `release` should come so far
    make.write_text("#!/bin/sh\nexit 1\n")
    make.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = ended("-c", DRIVER, str(moment), phase, COMMANDS[name], *given, PATH=path)
    assert not re.search("Traceback|KeyboardInterrupt", done.stdout + done.stderr), done.stderr
    if done.returncode in (1, 2):  # this machine lacks something, so it did not come so far
        assert f"{name}: " in done.stderr + done.stdout or "✗ " in done.stdout
    else:
        # By the signal itself before it has begun; 0 is how one ends that is ended so
        assert done.returncode in (-2, 130, 0 if name in ("netup", "virtual_board") else -2)


def test_who_leaves_the_lanes_waits_for_nobody() -> None:
    script = (
        "import itertools, time\n"
        "from toolchain import lanes\n"
        "work = lambda n: time.sleep(n and 600) or n\n"
        "for found in lanes.run(range(4), work, 3):\n"
        "    print(found)\n"
        "    raise KeyboardInterrupt\n"
    )
    done = ended("-c", script, PYTHONPATH=str(TOOLS))
    assert done.stdout == "(0, 0)\n"
    assert done.returncode == -2


def test_lanes_do_all_of_the_work_and_no_more_at_once_than_there_are() -> None:
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)

    def work(item: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(30)
        with lock:
            now -= 1
        return item * item

    assert dict(lanes.run(range(9), work, 3)) == {item: item * item for item in range(9)}
    assert most == 3


def test_what_the_work_raises_comes_out_of_the_lanes() -> None:
    with pytest.raises(ZeroDivisionError):
        dict(lanes.run([1, 0], lambda item: 1 // item, 2))


# Ctrl-D


def answered(typed: bytes, *command: str | Path, **env: str) -> tuple[int, str]:
    """The exit code, and what the terminal shows, of a command that is answered so."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={name: value for name, value in os.environ.items() if name != "WIFI_KEY"} | env,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while not said.rstrip().endswith(b":"):
        said += os.read(ours, 1000)
    os.write(ours, typed)
    code = process.wait(30)
    try:
        while more := os.read(ours, 1000):
            said += more
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return code, said.decode()


def test_ctrl_d_at_a_question_ends_the_command_with_a_word() -> None:
    code, said = answered(
        b"\x04", COMMANDS["deploy"], "RPI_PICO_W", "/dev/null", "--ssid", "greenhouse"
    )
    assert code == 1
    assert "\r\ndeploy: no answer, so nothing is done\r\n" in said
    assert "Traceback" not in said


def test_the_end_of_the_input_is_no_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    def asks() -> None:
        raise EOFError

    run: Callable[[], int] = lambda: cli.run(asks)  # noqa: E731
    assert run() == 1
    assert capsys.readouterr().err.endswith(": no answer, so nothing is done\n")
