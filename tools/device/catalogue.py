"""The boards that there are, and what is known of each without asking it: boards/*/board.json.
boards/README.md has the keys.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from toolchain.cli import Refusal
from toolchain.package import ROOT

BOARDS = ROOT / "boards"
SITE = "https://micropython.org"

PORTS = {  # of MicroPython, by MCU
    "rp2040": "rp2",
    "rp2350": "rp2",
    "esp32": "esp32",
    "esp32s2": "esp32",
    "esp32s3": "esp32",
    "esp32c2": "esp32",
    "esp32c3": "esp32",
    "esp32c5": "esp32",
    "esp32c6": "esp32",
    "esp32p4": "esp32",
}
NICS = ETHERNET, WIFI = "Ethernet", "Wi-Fi"
RUN_ON = CHIP, EMULATOR = "chip", "emulator"

_KIB = 1024
_IN_A_LINE = 3  # names of boards
_KEYS: dict[str, type] = {
    "vendor": str,
    "product": str,
    "mcu": str,
    "nics": list,
    "firmware": str,
    "micropython": str,
    "machine": list,
    "flash_kib": int,
}
_OPTIONAL: dict[str, type] = {"same_as": str, "run_on": list}
_OF_PORT: dict[str, tuple[str, type]] = {
    "rp2": ("storage_kib", int),
    "esp32": ("flash_offset", str),
}


@dataclass(frozen=True)
class Model:
    """A board as one buys it.

    name: its folder in boards/. nics: ETHERNET, WIFI or both, the preferred one first. firmware:
    what MicroPython calls the board whose image runs on it. micropython: the oldest version in
    which its NICs work, as "1.22". machines: what that may say in `sys.implementation._machine`,
    since 1.22. run_on: CHIP, EMULATOR or both, where the client has run on them. same_as: the
    board whose board.py it runs; "" if it has its own. flash: bytes that it has at least. storage:
    bytes at the end of them that hold files, of an RP2; offset: where in them an image begins, of
    an ESP32; 0 with the other port.
    """

    name: str
    vendor: str
    product: str
    mcu: str
    nics: tuple[str, ...]
    firmware: str
    micropython: str
    machines: tuple[str, ...]
    run_on: tuple[str, ...]
    same_as: str
    flash: int
    storage: int
    offset: int

    @property
    def port(self) -> str:
        """MicroPython's port: rp2 or esp32."""
        return PORTS[self.mcu]

    @property
    def oldest(self) -> tuple[int, int]:
        """`micropython`, to be compared."""
        major, minor = self.micropython.split(".")
        return int(major), int(minor)

    @property
    def program(self) -> Path:
        """The board.py that it runs."""
        return BOARDS / (self.same_as or self.name) / "board.py"

    @property
    def ending(self) -> str:
        """How the name of an image ends."""
        return ".uf2" if self.port == "rp2" else ".bin"

    @property
    def download(self) -> str:
        """Where MicroPython has its images."""
        return f"{SITE}/download/{self.firmware}/"


def boards() -> list[str]:
    """The names of the boards that there are."""
    return sorted(path.parent.name for path in BOARDS.glob("*/board.json"))


@cache
def model(name: str) -> Model:
    """What is known of a board. Refusal: there is no such board, or its board.json is wrong."""
    if name not in boards():
        raise Refusal(_no_board(name))
    path = BOARDS / name / "board.json"
    try:
        return parsed(name, json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Refusal(f"{path.relative_to(ROOT)}: {error}") from None


def _no_board(name: str) -> str:
    # With those that may be meant: by how they begin, by what is in them, by their looks.
    there = boards()
    the_list = f"boards/README.md lists all {len(there)}"
    if not name:
        return f"BOARD= is missing, as in BOARD=RPI_PICO_W; {the_list}"
    meant = re.sub(r"\W", "_", name.upper())
    parts = [each for each in there if all(part in each for part in meant.split("_"))]
    near = (
        [each for each in there if each == meant]
        or [each for each in there if each.startswith(meant)]
        or sorted(parts, key=lambda each: meant not in each)
        or get_close_matches(meant, there)
    )
    if not near:
        return f"no board {name}; {the_list}"
    if len(near) <= _IN_A_LINE:
        return f"no board {name}: is it {' or '.join(near)}? {the_list}"
    width = max(map(len, near))
    lines = "".join(f"\n    {each:{width}}  {model(each).product}" for each in near)
    return f"no board {name}; {the_list}, among them{lines}"


def parsed(name: str, facts: dict[str, Any]) -> Model:
    """A board by what its board.json says. ValueError: names what is wrong."""
    port = PORTS.get(facts.get("mcu", ""))
    if not port:
        raise ValueError(f"mcu: is not one of {', '.join(PORTS)}")
    keys = _KEYS | dict([_OF_PORT[port]])
    for key in {**keys, **facts}:
        if key not in keys | _OPTIONAL:
            raise ValueError(f"{key}: there is no such key for the port {port}")
        if key not in facts:
            raise ValueError(f"{key}: is missing")
        value = facts[key]
        kind = (keys | _OPTIONAL)[key]
        if type(value) is not kind or not value:
            raise ValueError(f"{key}: {value!r} is no {kind.__name__} with something in it")
    if not re.fullmatch(r"\d+\.\d+", facts["micropython"]):
        raise ValueError(f"micropython: {facts['micropython']!r} is not a version like 1.22")
    run_on = facts.get("run_on", [])
    for key, of, known in ("nics", facts["nics"], NICS), ("run_on", run_on, RUN_ON):
        if not {*of} <= {*known}:
            raise ValueError(f"{key}: are not among {', '.join(known)}")
    return Model(
        name=name,
        vendor=facts["vendor"],
        product=facts["product"],
        mcu=facts["mcu"],
        nics=tuple(facts["nics"]),
        firmware=facts["firmware"],
        micropython=facts["micropython"],
        machines=tuple(facts["machine"]),
        run_on=tuple(run_on),
        same_as=facts.get("same_as", ""),
        flash=facts["flash_kib"] * _KIB,
        storage=facts.get("storage_kib", 0) * _KIB,
        offset=int(facts.get("flash_offset", "0"), 16),
    )


def catalogue() -> dict[str, Model]:
    """Every board, by its name."""
    return {name: model(name) for name in boards()}


def like(machine: str) -> list[str]:
    """The names of the boards that a machine, by its `sys.implementation._machine`, may be."""
    return [each.name for each in catalogue().values() if machine in each.machines]
