"""Each board's folder: `nic()` against modules that offer what the oldest promised firmware does,
types, and what the pages say."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from device.catalogue import BOARDS, ETHERNET, WIFI, boards, model
from device.listing import PAGE, page
from toolchain import vm

APART = vm.ROOT / ".venv/apart"

STA_IF, AP_IF = 0, 1


class Nic:
    """What a constructor in `network` returns: how it was made, and how it was switched. `on`:
    whether it is so since before a soft reset.
    """

    on = False

    def __init__(self, kind: str, **made: object) -> None:
        self.made = kind, {name: value for name, value in made.items() if value is not None}
        self.done: list[object] = []

    def active(self, *on: object) -> object:
        self.done += on
        return self.on


@dataclass(frozen=True)
class Pin:
    """ports/esp32/machine_pin.c"""

    number: int
    IN = 1
    OUT = 3


class SPI:
    """ports/esp32/machine_hw_spi.c, ports/rp2/machine_spi.c"""

    def __init__(self, number: int, baudrate: int = 0, *, sck: Pin, mosi: Pin, miso: Pin) -> None:
        self.wired = number, baudrate, sck, mosi, miso

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SPI) and self.wired == other.wired


def module(name: str, **names: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    return made


# Firmware: what of `network` and `machine` a board.py may use, by MicroPython 1.22.


def wlan(interface: int = STA_IF) -> Nic:
    return Nic("WLAN", interface=interface)


def lan(
    id: object = None,
    *,
    mdc: object = None,
    mdio: object = None,
    power: object = None,
    phy_addr: int,
    phy_type: int,
    spi: object = None,
    cs: object = None,
    int: object = None,
    ref_clk_mode: object = None,
    ref_clk: object = None,
) -> Nic:
    """ports/esp32/network_lan.c; it has had `reset` too since 1.23."""
    pins = {"mdc": mdc, "mdio": mdio, "power": power, "ref_clk": ref_clk}
    pins.update(spi=spi, cs=cs, int=int)
    return Nic("LAN", phy_addr=phy_addr, phy_type=phy_type, ref_clk_mode=ref_clk_mode, **pins)


def wiznet5k(*wired: object) -> Nic:
    """extmod/network_wiznet5k.c: SPI, CS, RST and perhaps INT; without arguments where
    MICROPY_HW_WIZNET_SPI_ID is defined.
    """
    if len(wired) not in (0, 3, 4):
        raise TypeError
    return Nic("WIZNET5K", wired=wired or None)


def esp32() -> list[ModuleType]:
    """ports/esp32/modnetwork_globals.h, ports/esp32/network_common.h"""
    network = module("network", WLAN=wlan, LAN=lan, STA_IF=STA_IF, AP_IF=AP_IF)
    vars(network).update(PHY_LAN8710=0, PHY_LAN8720=1, PHY_IP101=2, PHY_RTL8201=3, PHY_W5500=102)
    return [network, module("machine", Pin=Pin, SPI=SPI)]


def cyw43() -> list[ModuleType]:
    """extmod/modnetwork.c, extmod/network_cyw43.c"""
    return [module("network", WLAN=wlan, STA_IF=STA_IF, AP_IF=AP_IF), module("machine")]


def wiznet() -> list[ModuleType]:
    """extmod/modnetwork.c; there is no radio."""
    return [module("network", WIZNET5K=wiznet5k), module("machine", Pin=Pin, SPI=SPI)]


@dataclass(frozen=True)
class Board:
    """What a board.py makes. `source`: where the pins were read, in MicroPython's tree unless it
    says otherwise.
    """

    firmware: Callable[[], list[ModuleType]]
    kind: str
    made: Mapping[str, object] = field(default_factory=dict)
    source: str = ""


def rmii(
    mdc: int, mdio: int, phy_type: int, phy_addr: int, clock: Mapping[str, object], **more: object
) -> dict[str, object]:
    """The arguments of a network.LAN that is the chip's own MAC."""
    pins = {"mdc": Pin(mdc), "mdio": Pin(mdio)}
    return {**pins, "phy_type": phy_type, "phy_addr": phy_addr, **clock, **more}


LAN8710, LAN8720, IP101, RTL8201, W5500 = 0, 1, 2, 3, 102
CLOCK_IN = {"ref_clk": Pin(0), "ref_clk_mode": Pin.IN}
CLOCK_OUT = {"ref_clk": Pin(17), "ref_clk_mode": Pin.OUT}
ARDUINO = "espressif/arduino-esp32: variants/%s/pins_arduino.h"


TABLE = {
    "RPI_PICO_W": Board(cyw43, "WLAN", {"interface": STA_IF}),
    "W5500_EVB_PICO": Board(
        wiznet, "WIZNET5K", source="ports/rp2/boards/W5500_EVB_PICO/mpconfigboard.h"
    ),
    "RPI_PICO_W5500": Board(
        wiznet,
        "WIZNET5K",
        {
            "wired": (
                SPI(0, 20_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16)),
                *map(Pin, (17, 20, 21)),
            )
        },
        "ports/rp2/boards/W5500_EVB_PICO/mpconfigboard.h",
    ),
    "ESP32_GENERIC": Board(esp32, "WLAN", {"interface": STA_IF}),
    "ESP32_GENERIC_P4": Board(
        esp32,
        "LAN",
        rmii(31, 52, IP101, 1, {}),
        "pull request 19036, tried on the ESP32-P4-Function-EV-Board",
    ),
    "ESP32_GENERIC_S3_W5500": Board(
        esp32,
        "LAN",
        {
            "spi": SPI(1, sck=Pin(12), mosi=Pin(13), miso=Pin(14)),
            "cs": Pin(10),
            "int": Pin(11),
            "phy_type": W5500,
            "phy_addr": 0,
        },
        "docs/esp32/quickref.rst",
    ),
    "ESP32_GENERIC_W5500": Board(
        esp32,
        "LAN",
        {
            "spi": SPI(2, sck=Pin(18), mosi=Pin(23), miso=Pin(19)),
            "cs": Pin(5),
            "int": Pin(4),
            "phy_type": W5500,
            "phy_addr": 0,
        },
        "docs/esp32/quickref.rst: the default pins of SPI(2); CS and INT are free ones",
    ),
    "OLIMEX_ESP32_EVB": Board(
        esp32,
        "LAN",
        rmii(23, 18, LAN8710, 0, CLOCK_IN),
        "ports/esp32/boards/OLIMEX_ESP32_EVB/sdkconfig.board; mongoose-os-libs/ethernet: README",
    ),
    "OLIMEX_ESP32_GATEWAY": Board(
        esp32, "LAN", rmii(23, 18, LAN8720, 0, CLOCK_OUT, power=Pin(5)), "docs/esp32/quickref.rst"
    ),
    "OLIMEX_ESP32_POE": Board(
        esp32, "LAN", rmii(23, 18, LAN8720, 0, CLOCK_OUT, power=Pin(12)), "docs/esp32/quickref.rst"
    ),
    "SIL_WESP32": Board(esp32, "LAN", rmii(16, 17, RTL8201, 0, CLOCK_IN), ARDUINO % "wesp32"),
    "WT32_ETH01": Board(
        esp32,
        "LAN",
        rmii(23, 18, LAN8720, 1, CLOCK_IN, power=Pin(16)),
        "docs/esp32/quickref.rst; " + ARDUINO % "wt32-eth01",
    ),
}
LINKS = {  # the sections of boards/README.md
    ("rp2", (WIFI,)): ["cyw43-wi-fi"],
    ("rp2", (ETHERNET,)): ["wiznet5k-ethernet"],
    ("esp32", (WIFI,)): ["esp32-wi-fi"],
    ("esp32", (ETHERNET,)): ["esp32-ethernet"],
    ("esp32", (ETHERNET, WIFI)): ["esp32-ethernet", "esp32-wi-fi"],
}
every_board = pytest.mark.parametrize("name", TABLE)


def test_every_board_py_is_in_the_table_and_every_folder_has_one_or_names_one() -> None:
    folders = {path.name for path in BOARDS.iterdir() if path.is_dir()}
    assert folders == {*boards(), "UNIX"}
    assert {path.parent.name for path in BOARDS.glob("*/board.py")} == {*TABLE, "UNIX"}
    same = {name: model(name).same_as for name in folders - {*TABLE, "UNIX"}}
    assert {*same.values()} <= {*TABLE}
    assert not any(model(name).same_as for name in TABLE)


@pytest.mark.parametrize("name", [name for name in boards() if name not in TABLE])
def test_a_board_that_is_the_same_has_the_same_port_and_nics(name: str) -> None:
    board = model(name)
    other = model(board.same_as)
    assert (board.port, board.nics, board.program) == (other.port, other.nics, other.program)


def functions(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a board.py has, on its firmware."""
    for offered in TABLE[name].firmware():
        monkeypatch.setitem(sys.modules, offered.__name__, offered)
    return runpy.run_path(str(BOARDS / name / "board.py"))


@every_board
def test_nic_makes_the_nic_and_switches_it_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    board = TABLE[name]
    nic = functions(name, monkeypatch)["nic"]()
    assert nic.made == (board.kind, board.made), board.source
    assert nic.done == [True]


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name].kind == "LAN"])
def test_an_ethernet_of_esp32_that_is_on_since_before_a_soft_reset_is_switched_on_anew(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 1.23 to switch it on twice fails, and its status is that of its last event."""
    monkeypatch.setattr(Nic, "on", True)
    assert functions(name, monkeypatch)["nic"]().done == [False, True]


@every_board
def test_nics_are_what_makes_all_that_the_board_has_and_each_by_itself(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = functions(name, monkeypatch)
    nics = [make() for make in found.get("NICS", ())]
    several = (TABLE[name].kind, "WLAN") if len(model(name).nics) > 1 else ()
    assert tuple(nic.made[0] for nic in nics) == several
    assert all(nic.done == [True] for nic in nics)
    assert not several or found["NICS"][0] is found["nic"]


@every_board
def test_it_compiles(name: str, tmp_path: Path) -> None:
    vm.compile_package(BOARDS / name, tmp_path)
    assert (tmp_path / name / "board.mpy").stat().st_size < 350


def mypy(port: str, source: Path) -> str:
    """What `make lint` would say of a board.py for that port."""
    stubs = APART / port
    if not stubs.exists():
        pytest.skip("there are no stubs of MicroPython's modules: `make setup`")
    command = [sys.executable, "-m", "mypy", "--config-file", str(BOARDS / "mypy.ini")]
    done = subprocess.run(
        [*command, "--custom-typeshed-dir", str(stubs), "--cache-dir", os.devnull, str(source)],
        env={**os.environ, "MYPYPATH": str(stubs)},
        cwd=vm.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("port", "name", "right", "wrong", "error"),
    [
        ("esp32", "ESP32_GENERIC", "active(True)", "actve(True)", 'no attribute "actve"'),
        ("esp32", "OLIMEX_ESP32_POE", "Pin(17)", "Pin(17, mod=3)", 'argument "mod" for "Pin"'),
        ("esp32", "OLIMEX_ESP32_POE", "PHY_LAN8720", "PHY_8720", 'no attribute "PHY_8720"'),
        ("rp2", "RPI_PICO_W", "STA_IF", "IF_STA", 'no attribute "IF_STA"'),
    ],
)
def test_types_show_what_a_port_does_not_have(
    port: str, name: str, right: str, wrong: str, error: str, tmp_path: Path
) -> None:
    source = (BOARDS / name / "board.py").read_text()
    assert right in source
    changed = tmp_path / "board.py"
    changed.write_text(source.replace(right, wrong))
    assert error in mypy(port, changed)


# Pages


def has_page(name: str) -> bool:
    return (BOARDS / name / "README.md").exists()


@pytest.mark.parametrize("name", [name for name in boards() if has_page(name)])
def test_a_page_has_every_command_from_a_new_board_to_the_lease(name: str) -> None:
    board = model(name)
    text = (BOARDS / name / "README.md").read_text()
    assert text.startswith(f"# {name}\n")
    radio = " SSID=" if board.nics == (WIFI,) else "  #"
    commands = (
        rf"make flash BOARD={name} .*\n"
        rf" +make deploy BOARD={name} PORT=(\S+){radio}.*\n"
        r" +make repl PORT=\1 .*\n"
        r" +make doctor PORT=\1 "
    )
    assert re.search(commands, text)
    assert "(../../docs/quick-start.md)" in text
    if board.port == "rp2":
        assert f"picotool load -x {board.firmware}-" in text
    else:
        assert re.search(
            rf"write-flash {board.offset:#x} {board.firmware}-".replace("0x0", "0"), text
        )
    assert f"\n| MicroPython | {board.micropython} or later, " in text
    assert all(f"(../README.md#{link}" in text for link in LINKS[board.port, board.nics])
    assert "\nVerified: " in text


@every_board
def test_a_board_py_has_a_page_that_tells_its_pins(name: str) -> None:
    rows = re.findall(r"^\| .*", (BOARDS / name / "README.md").read_text(), re.MULTILINE)
    told = {int(number) for row in rows for number in re.findall(r"\b\d+\b", row)}
    pins = re.findall(r"Pin\((\d+)\)", (BOARDS / name / "board.py").read_text())
    assert {*map(int, pins)} <= told


def test_the_list_is_that_of_the_folders() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "make boards"
    sections = {name.lower().replace(" ", "-") for name in re.findall("\n### (.*)", text)}
    assert {link for links in LINKS.values() for link in links} <= sections


def test_what_the_quick_start_says_that_tools_say_they_say() -> None:
    text = (vm.ROOT / "docs/quick-start.md").read_text()
    troubles = text.partition("## When a command does not work")[2].partition("## Windows")[0]
    quoted = [line.split(" | ")[0] for line in troubles.splitlines() if "esptool" not in line]
    said = [words for cell in quoted for words in re.findall("`([^`]+)`", cell)]
    source = "".join(path.read_text() for path in (vm.ROOT / "tools").rglob("*.py"))
    source += (vm.ROOT / "Makefile").read_text()
    for words in [*said, "the board has its address", "PORT= is missing; ", "serial ports here:"]:
        assert words in text
        for part in words.split("..."):
            assert part.strip() in source, words
