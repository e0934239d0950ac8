"""The settings of `make deploy` and its like, and which port is meant."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")

from serial.tools.list_ports_common import ListPortInfo

import deploy
from device import remote
from powered import NAME, make
from toolchain import cli
from toolchain.cli import Refusal

pytest_plugins = ["powered_fixtures"]


def test_a_setting_that_is_not_known_is_named_with_those_that_are(tree: Path) -> None:
    done = make(tree, "deploy", "BORD=RPI_PICO_W", "PORT=/dev/moon")
    assert done.returncode == 2
    assert "*** BORD= is not known here; there are APP= ARGS= BOARD= " in done.stdout


@pytest.mark.parametrize(
    ("typed", "meant"), [("port=auto", "PORT"), ("KEY=", "WIFI_KEY"), ("EXTRA=aio", "EXTRAS")]
)
def test_a_setting_that_is_nearly_known_is_told_alone(tree: Path, typed: str, meant: str) -> None:
    said = make(tree, "deploy", f"BOARD={NAME}", typed).stdout
    assert f"*** {typed.partition('=')[0]}= is not known: is it {meant}=?.  Stop." in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ["PORT=/dev/moon", "SSID=my", "wifi"],
            ': a value with a blank takes quotes, SSID="my wifi"',
        ),
        (["EXTRAS=aio", "sleep"], ': a value with a blank takes quotes, EXTRAS="aio sleep"'),
        (["PORT=/dev/a", "/dev/b"], ': a value with a blank takes quotes, PORT="/dev/a /dev/b"'),
        ([NAME], f": is it BOARD={NAME}?"),
        (["/dev/pts/0"], ": is it PORT=/dev/pts/0?"),
        (
            ["SSID=$(shell touch ran)", "$(shell touch ran)"],
            '="$(shell touch ran) $(shell touch ran)"',
        ),
        (["deployy"], '"deployy" is not a command here'),
    ],
)
def test_what_follows_a_blank_is_told_before_anything_is_done(
    tree: Path, words: list[str], why: str
) -> None:
    done = make(tree, "help", *words)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "*** " in done.stdout
    assert f"{why}; make lists the commands.  Stop." in done.stdout
    assert not (tree / "ran").exists()


def test_a_value_that_begins_with_a_dash_is_no_option(tree: Path) -> None:
    assert "repl: -x: there is no such port" in make(tree, "repl", "PORT=-x").stdout
    assert "emulate: -x: No such file" in make(tree, "emulate", "IMAGE=-x").stdout


def test_the_emulator_takes_the_image_that_the_other_commands_take(tree: Path) -> None:
    assert (
        "emulate: moon.uf2: No such file" in make(tree, "emulate", "MICROPYTHON=moon.uf2").stdout
    )


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
        assert re.match(r"\w+: /dev/ttyUSB99: (there is no such port|no such file or port)", said)


Type = Callable[..., list[str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Somebody at a terminal who is asked for the key of `home`, on /dev/null. Returns what is not
    typed in the end."""

    def type_in(*keys: str, port: str = "/dev/null") -> list[str]:
        left = [*keys]

        def answer(prompt: str) -> str:
            if not left:
                raise EOFError
            return left.pop(0)

        monkeypatch.setattr(deploy.getpass, "getpass", answer)
        monkeypatch.setattr(sys, "argv", ["deploy", NAME, port, "--ssid=home"])
        assert cli.run(deploy.main) == 1
        return left

    monkeypatch.setenv("WIFI_KEY", "")  # it is as it was afterwards
    monkeypatch.delenv("WIFI_KEY")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    return type_in


def test_a_prompt_without_a_terminal_is_refused(tree: Path) -> None:
    said = make(tree, "repl", "PORT=/dev/null").stdout
    assert said.startswith(
        "repl: a prompt takes a terminal; for one line: mpremote connect /dev/null"
    )


def test_ctrl_d_where_the_key_is_asked_for_ends_in_words(
    typed: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    typed()
    assert capsys.readouterr().err == "\ndeploy: no answer, so nothing is done\n"


def test_a_key_that_is_none_is_asked_for_again(
    typed: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not typed("short", "long enough")
    said = capsys.readouterr()
    assert said.out == ("the key is not 8 to 63 ASCII characters, or 64 hex digits. Once more:\n")
    assert said.err.startswith("deploy: /dev/null: the port cannot be opened")


def test_no_key_is_asked_for_a_port_that_is_not_there(
    typed: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("long enough", port="/dev/moon")
    assert capsys.readouterr().err.startswith("deploy: /dev/moon: there is no such port; ")
