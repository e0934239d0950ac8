"""What a page tells people to type: run, or read as the program that is meant would read it."""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from mpremote import main as mpremote

from toolchain.package import ROOT
from toolchain.programs import ENVIRONMENT, which

PYTHON = ".venv/bin/python"
CAPTURE = ROOT / "host_tests/captures/dnsmasq-dhclient-nak.pcap"
LINE_S = 60
MAKEFILE = (ROOT / "Makefile").read_text()
LACKING = re.compile("are required|expected one argument")
EVERYWHERE = ("PYTHON",)  # variables of the Makefile that are no target's

# Programs of others, and what their manuals let one write. Those that are at hand are asked.
FOREIGN = {
    ".venv/bin/pre-commit": r"install|run --all-files",
    "apk": r"(update|add [\w-]+)",
    "dfu-util": r"-d 0x\w{4}:0x\w{4} -R -D \w+-DATE-VERSION\.app-bin",
    "dumpcap": r"-D|-i \d+ -f [^-]+ -w [\w.]+\.pcapng",
    "esptool": r"--port \S+ (erase-flash|(--baud \d+ )?write-flash \w+ \w+-DATE-VERSION\.bin)",
    "id": r"",
    "ip": r"link set \w+ (up|down)",
    "iw": r"dev \w+ set (type (monitor|managed)|channel \d+)",
    "logread": r"-e \w+",
    "mpflash": r"flash --board \w+ --serial \S+",
    "nmcli": r"device wifi hotspot ifname \w+ ssid \w+ password .+ band (a|bg)"
    r"|device set \w+ managed no|connection down Hotspot",
    "opkg": r"(update|install [\w-]+)",
    "picotool": r"info -a|load -x \w+-DATE-VERSION\.uf2",
    "pip": r"install (\.|[\w-]+)",
    "py": r"-m pip install [\w -]+",
    "python3": r"-m http\.server -d build/mip",
    "usbipd": r"(list|bind|attach --wsl) ?(--busid \d-\d)?",
    "usermod": r"-aG dialout \$USER",
}


class Read(Exception):
    """A program has read its command line: no more is wanted of it."""


class Wrong(AssertionError):
    """What is wrong with a command."""


def words(line: str) -> list[list[str]]:
    """The commands of a line of shell, each as its words, without what leads their output into
    files."""
    found: list[list[str]] = [[]]
    rest = iter(shlex.split(line, comments=True))
    for word in rest:
        if word in ("|", "&&"):
            found.append([])
        elif word == ">":
            next(rest)
        else:
            found[-1].append(word)
    return [without_prefix(each) for each in found if each]


def without_prefix(command: list[str]) -> list[str]:
    """Without `sudo`, and what is set for it alone."""
    while command[0] == "sudo" or re.fullmatch(r"[A-Z_]+=.*", command[0]):
        command = command[1:]
    return command


def check(line: str, brief: bool = False) -> None:
    """Wrong says what no program would take. brief: arguments may be missing, as within a text."""
    for command in words(line):
        if brief:
            command = [word for word in command if word != "..."]
        check_command(command, brief)


def check_command(command: list[str], brief: bool) -> None:
    name, arguments = command[0], command[1:]
    if name == "make":
        check_make(arguments)
    elif name == PYTHON and arguments[:2] == ["-m", "pytest"]:
        check_pytest(arguments[2:])
    elif name == PYTHON and arguments[:2] == ["-m", "mpremote"]:
        check_mpremote(arguments[2:])
    elif name == PYTHON:
        check_tool(arguments[0], arguments[1:], brief)
    elif name.startswith("tools/"):
        check_tool(name, arguments, brief)
    elif name in ("mpremote", ".venv/bin/mpremote"):
        check_mpremote(arguments, brief)
    elif command[:3] == ["py", "-m", "mpremote"]:
        check_mpremote(command[3:])
    elif name == "ssh" and len(arguments) > 1:
        check(arguments[1] if " " in arguments[1] else shlex.join(arguments[1:]))
    elif name == "tcpdump":
        check_tcpdump(arguments)
    elif brief and not arguments:
        pass  # a program's name, and no more
    elif not re.fullmatch(FOREIGN.get(name, "(?!)"), " ".join(arguments)):
        raise Wrong(f"{shlex.join(command)}: nothing here knows such a command")


# make


def recipe(target: str) -> str:
    """What the Makefile has of a target."""
    found = re.search(rf"^{re.escape(target)}:.*\n(?:\t.*\n)*", MAKEFILE, re.MULTILINE)
    if not found:
        raise Wrong(f"make {target}: there is no such target")
    return with_variables(found[0])


def with_variables(text: str) -> str:
    """A piece of the Makefile, and what it refers to."""
    for name in set(re.findall(r"\$\((\w+)\)", text)):
        found = re.search(rf"^{name} =.*(?:\n\t.*)*", MAKEFILE, re.MULTILINE)
        if found and found[0] not in text:
            text += "\n" + with_variables(found[0])
    return text


def check_make(arguments: list[str]) -> None:
    """Its targets and variables are there, and what it would run takes its arguments."""
    targets = [each for each in arguments if "=" not in each and not each.startswith("-")]
    given = dict(each.split("=", 1) for each in arguments if "=" in each)
    text = "".join(map(recipe, targets))
    for name in given:
        if name not in EVERYWHERE and not re.search(rf"\$[{{(]*{name}\b", text):
            raise Wrong(f"make {' '.join(targets)}: it takes no {name}")
    board = given.get("BOARD", "BOARD")  # which stands for one
    if board != "BOARD" and not (ROOT / "boards" / board).is_dir():
        raise Wrong(f"make {' '.join(targets)}: no board {board}")
    for line in would_run(tuple(arguments)) if targets else ():
        check_command(line, True)


@cache
def would_run(arguments: tuple[str, ...]) -> list[list[str]]:
    """The commands of ours that make would run, as words."""
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise Wrong(done.stderr)
    env |= dict(each.split("=", 1) for each in arguments if "=" in each)
    found = []
    for line in done.stdout.replace("\\\n", " ").splitlines():
        if line.lstrip().startswith((f"{PYTHON} tools/", f"{PYTHON} host_tests/")):
            shell = ["sh", "-fc", f"printf '%s\\0' {line}"]
            out = subprocess.run(shell, env=env, capture_output=True, text=True, check=True).stdout
            found.append(out.split("\0")[:-1])
    return found


# Python


def check_tool(path: str, arguments: list[str], brief: bool) -> None:
    """A command of ours takes these arguments: its own parser says so."""
    file = ROOT / path
    if file.stem == "NAME":
        return  # stands for one
    if not file.exists():
        raise Wrong(f"there is no {path}")
    if file.is_dir():
        return  # which runs without a parser that could be asked
    spec = importlib.util.spec_from_file_location(f"{file.stem}_command", file)
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    parse = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser, *how: object) -> None:
        parse(parser, *how)  # type: ignore[call-overload]
        raise Read

    def refuse(parser: argparse.ArgumentParser, message: str) -> None:
        raise Read if brief and LACKING.search(message) else Wrong(f"{path}: {message}")

    with (
        mock.patch.object(sys, "argv", [path, *arguments]),
        mock.patch.object(sys, "path", [*sys.path, str(file.parent)]),
        mock.patch.object(argparse.ArgumentParser, "parse_args", only_parse),
        mock.patch.object(argparse.ArgumentParser, "error", refuse),
    ):
        spec.loader.exec_module(tool)
        with pytest.raises((Read, SystemExit)):  # the latter of --help
            tool.main()


def check_pytest(arguments: list[str]) -> None:
    """There are tests of these names and files."""
    written = {path: path.read_text() for path in (ROOT / "host_tests").rglob("test_*.py")}
    for i, word in enumerate(arguments):
        if i and arguments[i - 1] == "-k":
            for name in set(re.findall(r"\w+", word)) - {"and", "or", "not"}:
                if not any(name in path.name or name in text for path, text in written.items()):
                    raise Wrong(f"pytest -k {word}: no test is called {name}")
        elif not word.startswith("-") and not (ROOT / word.split("::")[0]).exists():
            raise Wrong(f"pytest {word}: there is no such file")


def check_mpremote(arguments: list[str], brief: bool = False) -> None:
    """mpremote takes these, by its own parsers; what it would copy is there."""
    if brief and len(arguments) == 1 and arguments[0] in mpremote._COMMANDS:
        return
    mpremote.prepare_command_expansions(SimpleNamespace(commands={}))
    rest = list(arguments)
    while rest:
        try:
            mpremote.do_command_expansion(rest)
            parser = mpremote._COMMANDS[rest[0]][1]()
            parser.exit_on_error = False
            name = rest.pop(0)
            parser.add_argument("next_command", nargs=argparse.REMAINDER)
            found = parser.parse_args(rest)
        except (KeyError, argparse.ArgumentError, SystemExit, mpremote.CommandError) as error:
            raise Wrong(f"mpremote {shlex.join(arguments)}: {error}") from None
        rest = found.next_command
        if name == "fs" and found.command == ["cp"]:
            for path in found.path[:-1]:
                made = path == "dhcpc.json" or path.startswith("dist/")  # by people; by a release
                if not made and not (ROOT / path).exists():
                    raise Wrong(f"mpremote cp {path}: there is no such file")


# Captures


def check_tcpdump(arguments: list[str]) -> None:
    """It takes the filter of a recording: with -d it compiles and prints one."""
    if arguments == ["-D"]:
        return
    if arguments[:1] + arguments[2:5] != ["-i", "-U", "-w", "-"] and arguments[:3] != [
        "-U",
        "-w",
        "-",
    ]:
        raise Wrong(f"tcpdump {shlex.join(arguments)}: not -i IFACE -U -w - FILTER")
    capture_filter = " ".join(arguments[arguments.index("-w") + 2 :])
    if not which("tcpdump"):
        pytest.skip("no tcpdump: sudo apt-get install tcpdump")
    compiled = ["tcpdump", "-y", "EN10MB", "-d", capture_filter]
    done = subprocess.run(compiled, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise Wrong(done.stderr)


# What runs anywhere


def harmless(line: str) -> bool:
    """Does it take no board, no interface and no network, and little time?"""
    last = words(line)[-1]
    if last == ["make", "help"]:
        return True
    if last[:1] != [PYTHON] or last[1] not in ("tools/decode.py", "tools/lease.py"):
        return False
    return not any(word.startswith("/dev/") for word in last)


def folder(path: Path) -> Path:
    """Make a folder that looks like the project's, and in which nothing of it is changed."""
    path.mkdir()
    for entry in ROOT.iterdir():
        (path / entry.name).symlink_to(entry)
    return path


def run(line: str, where: Path) -> str:
    """What it prints. A recording that a reader is to have made is there; so is what comes from
    another host."""
    files = [*words(line)[-1][2:]] if "tools/decode.py" in line else []
    for word in files:
        file = where / word
        if re.search(r"\.pcap(ng)?(\.gz)?$", word) and not file.exists():
            data = CAPTURE.read_bytes()
            file.write_bytes(gzip.compress(data) if word.endswith(".gz") else data)
    line = re.sub(r"^ssh .* \| ", f"cat {shlex.quote(str(CAPTURE))} | ", line)
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=where,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LINE_S,
    )
    if done.returncode or done.stderr:
        raise Wrong(f"{line}: {done.returncode}, {done.stderr}")
    return done.stdout
