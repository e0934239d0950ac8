"""How each block of the pages is checked: `check` asks the rules in their order.

A rule takes a block, and returns how it is checked, or None if it is not its business.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from textwrap import dedent
from unittest import mock

import pytest
from serial.tools.list_ports_common import ListPortInfo

import doc_commands as commands
from cable import Board as CableBoard
from cable import Server
from device import remote
from device.catalogue import model
from device.virtual import VirtualBoard
from dhcpc import config
from dhcpc.explain import History
from doc_blocks import Block
from doc_commands import Wrong
from doc_programs import PROGRAMS, Check, machine
from imaging.fleet import fleet
from program import run_app
from toolchain import vm
from toolchain.cli import Refusal
from world import REQUEST

ASKED = " [y/N] "  # ends a question
LETTERS = 8  # small ones, at least, that a saying has of its own
SHELL = ("sh", "shell", "bash", "console")
FIRST_WORD = re.compile(
    r"(\$ )?(sudo |[A-Z_]+=\S+ |[A-Z_]+=\"[^\"]*\" )?"
    r"(make|pip|py|mpremote|ssh|python3|\.venv/bin/python|\.venv/bin/mpremote|tools/\S+\.py|"
    + "|".join(commands.FOREIGN)
    + r"|tcpdump)( |$)"
)


def blank(text: str) -> str:
    """Without what differs from run to run: numbers, and the address and id of somebody."""
    return re.sub(r"\d[\d,]*(\.\d+)*", "N", text)


def contains(said: str, shown: str) -> bool:
    """Does the one have the lines of the other, in that order? `...` is any number of lines."""
    parts = [blank(part.strip("\n")) for part in re.split(r"^ *\.\.\.$", shown, flags=re.M)]
    where = 0
    for part in parts:
        where = blank(said).find(part, where)
        if where < 0:
            return False
        where += len(part)
    return True


# Settings, commands


def json_file(block: Block) -> Check | None:
    """/dhcpc.json: the firmware takes it."""
    if block.language != "json" and not (block.language is None and block.text[0] == "{"):
        return None

    def check(_: Path) -> None:
        try:
            config.parsed(block.text, "/dhcpc.json")
        except ValueError as error:
            raise Wrong(str(error)) from None

    return check


def table_of_a_fleet(block: Block) -> Check | None:
    """A table of boards: `make image` takes it, beside the config that the page has with it."""
    if block.language or "hostname" not in block.text.split("\n")[0].split(","):
        return None
    base = re.search(r"`common.json`, `({.*?})`", block.after)

    def check(folder: Path) -> None:
        path = folder / "boards.csv"
        path.write_text(block.text)
        common = config.parsed(base[1], "common.json") if base else {}
        try:
            fleet(path, common, model("RPI_PICO_W"), "")
        except Refusal as error:
            raise Wrong(str(error)) from None

    return check


def refusal_of_a_fleet(block: Block) -> Check | None:
    """What `make image` says of a table whose second board has a setting that is wrong."""
    found = re.fullmatch(r"image: boards.csv, line 3: (\w+): .*", block.text)
    if not found:
        return None

    def check(folder: Path) -> None:
        path = folder / "boards.csv"
        path.write_text(f"hostname,ssid,{found[1]}\npump-1,plant,\npump-2,plant,eight\n")
        with pytest.raises(Refusal) as refused:
            fleet(path, {}, model("RPI_PICO_W"), "")
        if f"image: {refused.value}".replace(str(path), path.name) != block.text:
            raise Wrong(str(refused.value))

    return check


def lines_of(text: str) -> Iterator[str]:
    """The lines of shell in a block, each whole."""
    yield from filter(None, text.replace("\\\n", "").splitlines())


def transcript(block: Block) -> Check | None:
    """Commands behind `$`, each with what it prints."""
    if block.language not in (None, *SHELL) or not block.text.startswith("$ "):
        return None

    def check(folder: Path) -> None:
        where = commands.folder(folder / "project")
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            said = commands.run(line, where)
            if said.strip("\n") != shown.strip("\n"):
                raise Wrong(f"it prints\n{said}")

    return check


def shell(block: Block) -> Check | None:
    """Commands: those that can run anywhere do. What they print may stand below them."""
    if block.language not in (None, *SHELL) or not FIRST_WORD.match(block.text):
        return None

    def run(folder: Path) -> None:
        where = commands.folder(folder / "project")
        typed, _, printed = block.text.partition("\n\n")
        if FIRST_WORD.match(printed):
            typed, printed = block.text, ""
        for line in lines_of(typed):
            commands.check(line)
            if commands.harmless(line):
                commands.run(line, where)
        if printed:
            check(replace(block, text=printed), folder)

    return run


# What is printed, and other things that are shown


def drawn(block: Block) -> Check | None:
    """Made by a command, whose own test holds the page to it."""
    maker = re.search(r"<!-- made by (\S+): [\w ]+ -->\s*(```\w*\s*)?$", block.before)
    if not maker:
        return None

    def check(_: Path) -> None:
        tests = (vm.ROOT / "host_tests").glob("test_*.py")
        name = Path(maker[1]).stem
        assert (vm.ROOT / maker[1]).is_file()
        assert any(re.search(rf"docs/{Path(block.page).name}", t.read_text()) for t in tests), name

    return check


def refusal(block: Block) -> Check | None:
    """What is said of a setting that is wrong, whoever says it."""
    found = re.fullmatch(r"(.*): (\w+): (\".*?\") (is not .*)", block.text)
    if not found:
        return None
    setting, value = found[2], json.loads(found[3])

    def check(_: Path) -> None:
        told = f"x: {setting}: {found[3]} {found[4]}"
        with pytest.raises(ValueError, match=re.escape(told)):
            config.parsed(json.dumps({setting: value}), "x")

    return check


@cache
def at_the_prompt() -> list[str]:
    """What boot.py and main.py print on a board, from power-on until the cable has gone."""
    stages = []
    for text in ('{"ssid": "home", "watchdog_s": 8}', '{"ssid": "home"}'):
        stages += run_app("def loop(dhcp): pass", "PICO_W", text).printed
    return [blank(line) for line in stages]


def on_the_console(block: Block) -> Check | None:
    """Lines that a board prints."""
    if block.language or not block.text.startswith("dhcpc: "):
        return None

    def check(_: Path) -> None:
        for line in block.text.splitlines():
            if unit_free(line) not in map(unit_free, at_the_prompt()):
                raise Wrong(f"no board says {line!r}: {at_the_prompt()}")

    return check


def unit_free(line: str) -> str:
    return re.sub(r"N (s|min|h|days)$", "N", blank(line))


@cache
def deployed() -> str:
    """What a deployment prints: on a virtual board."""
    machine()
    folder = vm.ROOT / f"build/docs-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "flash.bin"
    with VirtualBoard(image) as board:
        command = [sys.executable, "tools/deploy.py", "RPI_PICO_W", board.port]
        done = subprocess.run(
            command, cwd=vm.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    image.unlink()
    folder.rmdir()
    assert done.returncode == 0, done.stderr
    return done.stdout


def listing(block: Block) -> Check | None:
    """What a command says that lacks a port: the serial ports that there are."""
    found = re.match(r"\w+: PORT= is missing; (serial ports here:\n.*)", block.text, re.S)
    if not found:
        return None
    shown = found[1]

    def check(_: Path) -> None:
        listed = re.findall(r"^ +(\S+)  (.*)$", shown, re.M)
        here = [ListPortInfo(device) for device, _ in listed]
        for port, (_, name) in zip(here, listed, strict=True):
            port.product, port.vid = name, 1
        with mock.patch.object(remote, "comports", return_value=here):
            if remote.ports() != shown:
                raise Wrong(f"it says {remote.ports()}")

    return check


def deployment(block: Block) -> Check | None:
    """What `make deploy` prints."""
    if block.language or not re.search(r"^copied \d+ of \d+ files, in ", block.text, re.M):
        return None

    def check(_: Path) -> None:
        if not contains(deployed(), block.text):
            raise Wrong(f"it prints\n{deployed()}")

    return check


def story(block: Block) -> Check | None:
    """What explain tells of a server that offers, and answers no REQUEST."""
    if block.language != "" or not re.match(r" *\d+\.\d{3} s  [A-Z]+ ", block.text):
        return None

    def check(_: Path) -> None:
        server = Server(options=b"")
        server.trip = 50
        server.mute = (REQUEST,)
        board = CableBoard(server)
        board.client.session.rand = lambda bits: 1 << bits - 1  # waits of the middle
        history = History(board.client)
        board.go(1.7)
        said = "\n".join(history.story())
        if blank(dedent(said)) != blank(dedent(block.text)):
            raise Wrong(f"it says\n{said}")

    return check


def rule_of_an_rfc(block: Block) -> Check | None:
    """A paragraph of host_tests/rules."""
    if block.language != "" or not re.match(r"[\d.]+ [\w-]+ (MUST|SHOULD|MAY|-)\n", block.text):
        return None

    def check(_: Path) -> None:
        rules = (vm.ROOT / "host_tests/rules").glob("*")
        if not any(block.text in each.read_text() for each in rules if each.is_file()):
            raise Wrong("no file has that rule")

    return check


def tree(block: Block) -> Check | None:
    """A list of files, each below the folder that it is in: all of them are there, and nothing
    but them of tools/."""
    if block.language or not block.text.startswith("tools/\n"):
        return None

    def check(_: Path) -> None:
        folder, found = "", set()
        for line in block.text.splitlines():
            name = re.match(r"(  )?(\S+?,?)( |$)", line)
            if not name:
                continue  # goes on with the line before
            if not name[1]:
                folder = name[2]
            for each in re.findall(r"[\w.*/]+", line.strip().split("  ")[0]):
                path = each if not name[1] else f"{folder}{each}"
                suffix = "" if re.search(r"[./*]", each) else "*.py"
                there = sorted(vm.ROOT.glob(path.rstrip("/") + suffix))
                if not there:
                    raise Wrong(f"there is no {path}")
                found.update(there)
        listed = {path for path in found if path.parent == vm.ROOT / "tools"}
        every = set((vm.ROOT / "tools").glob("*"))
        missing = {path.name for path in every - listed} - {"__pycache__"}
        if missing:
            raise Wrong(f"it lacks {', '.join(sorted(missing))}")

    return check


@cache
def sayings() -> list[re.Pattern[str]]:
    """What this project may say: the strings in the sources of the firmware and of the commands,
    with room for what is filled in."""
    found = set()
    for path in [*vm.FIRMWARE.rglob("*.py"), *(vm.ROOT / "tools").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            texts = [str(part.value) if isinstance(part, ast.Constant) else None for part in parts]
            own = "".join(text or "" for text in texts)
            if len(re.findall(r"[a-z]", own)) >= LETTERS or own.endswith(ASKED):
                pattern = "".join("(.+?)" if text is None else re.escape(text) for text in texts)
                found.add(re.compile(rf"(\w+: )?{pattern}"))
    return list(found)


def said(block: Block) -> Check | None:
    """Lines that stand in a source, each as a whole, but for what is filled in and answered."""
    lines = [re.sub(r" *\[y/N\]( y)?$", ASKED, line) for line in block.text.splitlines()]
    if block.language or not all(any(s.fullmatch(line) for s in sayings()) for line in lines):
        return None
    return lambda _: None


RULES = (
    drawn,
    *PROGRAMS,
    json_file,
    table_of_a_fleet,
    refusal_of_a_fleet,
    refusal,
    said,
    transcript,
    shell,
    on_the_console,
    listing,
    deployment,
    story,
    rule_of_an_rfc,
    tree,
)


def check(block: Block, folder: Path) -> None:
    for rule in RULES:
        if found := rule(block):
            found(folder)
            return
    raise Wrong(f"no rule of this file takes it:\n{block.text}")
