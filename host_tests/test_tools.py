"""The rules of tools/: a file there is a command, what commands use is in rooms, no import runs in
a circle; and how every command starts and ends."""

from __future__ import annotations

import ast
import fnmatch
import graphlib
import importlib.machinery
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dhcpc
from toolchain import cli, vm

TOOLS = vm.ROOT / "tools"
COMMANDS = {path.stem: path for path in sorted(TOOLS.glob("*.py"))}
ROOMS = sorted(path.parent.name for path in TOOLS.glob("*/__init__.py"))
FILES = {
    ".".join(path.relative_to(TOOLS).with_suffix("").parts): path
    for path in sorted(TOOLS.rglob("*.py"))
}
LINES = 400
EVERY_FILE = pytest.mark.parametrize("name", FILES)
EVERY_COMMAND = pytest.mark.parametrize("name", COMMANDS)
EVERY_ROOM = pytest.mark.parametrize("name", ROOMS)


def ended(*command: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*command], stdin=subprocess.DEVNULL, text=True, timeout=60, **{"stderr": -1, **how}
    )


def imported(name: str) -> Iterator[str]:
    """The files of tools/ that one of them imports, anywhere in it, by their names in FILES."""
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: a relative import"
            package = node.module or ""
            wanted = [package, *(f"{package}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (each for each in wanted if each in FILES)


def room(name: str) -> str:
    """The room that a file is in; of a command, its own name."""
    return name.split(".")[0]


# Where things are


@EVERY_COMMAND
def test_a_file_in_tools_is_a_command_that_can_be_run_by_its_name(name: str) -> None:
    path = COMMANDS[name]
    assert path.read_text().startswith("#!/usr/bin/env python3\n")
    assert os.access(path, os.X_OK)


@EVERY_FILE
def test_no_file_is_long(name: str) -> None:
    assert len(FILES[name].read_text().splitlines()) <= LINES


@EVERY_ROOM
def test_a_room_says_what_it_is_for_and_holds_nothing_else_in_its_init(name: str) -> None:
    tree = ast.parse((TOOLS / name / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


@EVERY_ROOM
def test_a_room_has_a_name_of_its_own(name: str) -> None:
    assert name not in COMMANDS
    assert name not in sys.stdlib_module_names
    elsewhere = [path for path in sys.path if Path(path).resolve() != TOOLS]
    elsewhere += [str(path.parent) for path in (vm.ROOT / "boards").glob("*/board.py")]
    assert not importlib.machinery.PathFinder.find_spec(name, elsewhere)


def test_no_import_runs_in_a_circle() -> None:
    graph = {name: {*imported(name)} for name in FILES}
    assert sum(map(len, graph.values())) > len(FILES)
    graphlib.TopologicalSorter(graph).prepare()  # or else CycleError names the circle


def test_rooms_do_not_know_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name in FILES:
        others = {room(each) for each in imported(name)} - {room(name)}
        graph.setdefault(room(name), set()).update(others)
    graphlib.TopologicalSorter(graph).prepare()


def test_no_room_knows_a_command() -> None:
    for name in FILES:
        if name not in COMMANDS:
            assert not {*imported(name)} & {*COMMANDS}, name


def test_the_layout_names_every_command_every_room_and_every_file_of_tests() -> None:
    told = re.findall(r"`([^`]+)`", (vm.ROOT / "docs/layout.md").read_text())
    there = [f"{name}.py" for name in COMMANDS] + [f"{name}/" for name in ROOMS]
    there += [path.stem for path in (vm.ROOT / "host_tests").glob("*.py")]
    patterns = [*told, *(each.removesuffix(".py") for each in told)]
    assert [
        name for name in there if not any(fnmatch.fnmatchcase(name, each) for each in patterns)
    ] == []


# How a command starts


@EVERY_COMMAND
def test_a_command_tells_the_version_of_the_firmware(name: str) -> None:
    done = ended(sys.executable, COMMANDS[name], "--version", stdout=-1)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{name} (dhcpc) {dhcpc.__version__}\n"


@EVERY_COMMAND
def test_a_command_tells_how_it_is_used(name: str) -> None:
    done = ended(COMMANDS[name], "--help", stdout=-1, env=with_python_first())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name}.py ")
    assert "--version" in done.stdout


@EVERY_COMMAND
def test_an_option_that_there_is_not_is_exit_code_2(name: str) -> None:
    done = ended(sys.executable, COMMANDS[name], "--moon", stdout=-1)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")


def with_python_first() -> dict[str, str]:
    """An environment in which `python3` is the one that runs this."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_without_a_version_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package.py").write_text('version = "0.1.0"\n')
    monkeypatch.setattr(cli, "_PACKAGE", tmp_path / "package.py")
    with pytest.raises(cli.Refusal, match=r"package\.py has no __version__"):
        cli.version()


# How it ends


def fails(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs is called `moon`."""
    monkeypatch.setattr(sys, "argv", ["/some/where/moon.py", "--full"])


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (cli.Refusal("it is new: wait"), 1, "moon: it is new: wait\n"),
        (cli.Unavailable("no sky: go out"), 2, "moon: no sky: go out\n"),
        (cli.Interrupted("half seen"), 130, "moon: half seen\n"),
        (FileNotFoundError(2, "No such file", "sky"), 1, "moon: sky: No such file\n"),
        (KeyboardInterrupt(), 130, "moon: interrupted\n"),
        (EOFError(), 1, "\nmoon: no answer, so nothing is done\n"),
    ],
)
def test_what_is_refused_is_a_line_and_an_exit_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(fails(error)) == code
    assert capsys.readouterr() == ("", said)


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        cli.run(fails(ZeroDivisionError()))


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (7, 7)])
def test_what_a_command_returns_is_its_exit_code(result: int | None, code: int) -> None:
    assert cli.run(lambda: result) == code


@pytest.mark.parametrize("how", ["--help", "--version"])
def test_a_reader_that_has_gone_is_no_reason_for_words(how: str) -> None:
    # Without buffers argparse itself keeps silent about it.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = ended(sys.executable, COMMANDS["size"], how, stdout=writer, env=env)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_while_a_command_loads_ends_in_words(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("import toolchain.start\nraise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, tmp_path / "late.py"],
        env={**os.environ, "PYTHONPATH": str(vm.ROOT / "tools")},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert done.stderr == "late: interrupted\n"


def test_what_takes_a_second_is_said_and_what_does_not_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with cli.patience("flies to the moon"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(cli, "_PATIENCE_S", 0)
    with cli.patience("flies to the moon"):
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
    assert capsys.readouterr().err == "flies to the moon\n"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The project before `make setup`, as far as that is about it."""
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "tools/requirements.txt"):
        shutil.copy(vm.ROOT / name, tmp_path / name)
    return tmp_path


def setup(directory: Path, *settings: str) -> str:
    """What `make demo` says, which begins with the setup and fails there."""
    done = subprocess.run(
        ["make", "--no-print-directory", "demo", *settings],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    return done.stdout


def test_a_folder_that_cannot_be_written_to_is_told_before_pip_is_asked(bare: Path) -> None:
    (bare / ".venv").touch()  # so that it can be no folder, for root neither
    said = setup(bare)
    assert said.startswith("setup: this folder cannot be written to, and the packages go into")
    assert "PyPI" not in said


# In place of Python: makes an environment whose pip fails
_PYTHON = """#!/bin/sh
case $1 in
-m) mkdir -p .venv/bin; cp pip .venv/bin/python; chmod +x .venv/bin/python ;;
esac
"""


def test_of_what_pip_says_the_last_line_is_told(bare: Path) -> None:
    (bare / "pip").write_text("#!/bin/sh\necho first\necho middle >&2\necho last\nexit 1\n")
    (bare / "python").write_text(_PYTHON)
    (bare / "python").chmod(0o700)
    assert setup(bare, "PYTHON=./python").splitlines()[:3] == [
        "setup: packages from PyPI into .venv",
        "last",
        "setup: not finished; is PyPI in reach? Once it is: make setup",
    ]


def test_every_setting_that_a_recipe_reads_or_the_help_names_is_one_that_make_knows() -> None:
    text = (vm.ROOT / "Makefile").read_text()
    known = re.search(r"^SETTINGS = ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert known
    read = re.findall(r"\$\$\{?([A-Z_][A-Z_0-9]+)", text)
    help_ = "\n".join(re.findall(r"^[a-z-]+:.*?## (.*)", text, re.MULTILINE))
    told = re.findall(r"\b([A-Z_]{2,})=", help_)
    assert {*read, *told} <= {*known[1].split()}
