"""boards/*/board.json: each board has one, complete, and true as far as its folder shows it."""

from __future__ import annotations

import json
import re

import pytest

from device.catalogue import BOARDS, ETHERNET, PORTS, WIFI, boards, catalogue, like, model, parsed
from toolchain.cli import Refusal

KIB = 1024
# By MCU: where the ROM of an ESP32 looks for what it boots, in hexadecimal
OFFSETS = {"esp32": 0x1000, "esp32s2": 0x1000, "esp32c5": 0x2000, "esp32p4": 0x2000}
every_board = pytest.mark.parametrize("name", boards())


@every_board
def test_a_board_has_flash_as_it_is_sold(name: str) -> None:
    assert model(name).flash in [size * 1024 * KIB for size in (2, 4, 8, 16, 32)]


def test_boards_that_run_one_image_are_of_one_kind() -> None:
    kinds: dict[str, set[object]] = {}
    for board in catalogue().values():
        kind = (board.mcu, board.machines, board.storage, board.offset)
        kinds.setdefault(board.firmware, set()).add(kind)
    assert [name for name in kinds if len(kinds[name]) > 1] == []


@every_board
def test_its_machine_ends_with_its_mcu(name: str) -> None:
    board = model(name)
    for machine in board.machines:
        # <MICROPY_HW_BOARD_NAME> with <MICROPY_HW_MCU_NAME>, "RP2350-RISCV" say
        mcu = machine.rpartition(" with ")[2].replace("-", "").lower()
        assert mcu.startswith(board.mcu), machine
    assert len({*board.machines}) == len(board.machines)


@every_board
def test_an_rp2_keeps_files_behind_the_firmware_and_an_esp32_boots_from_its_offset(
    name: str,
) -> None:
    board = model(name)
    if board.port == "rp2":
        assert 0 < board.storage < board.flash
        assert board.storage % 4096 == 0
        assert board.offset == 0
    else:
        assert board.storage == 0
        assert board.offset == OFFSETS.get(board.mcu, 0)


@every_board
def test_its_nics_are_those_of_its_board_py(name: str) -> None:
    source = model(name).program.read_text()
    kinds = {ETHERNET: r"network\.(LAN|WIZNET5K)\(", WIFI: r"network\.WLAN\("}
    assert {*model(name).nics} == {kind for kind in kinds if re.search(kinds[kind], source)}
    assert ("\nNICS = " in source) == (len(model(name).nics) > 1)


def test_a_board_is_found_by_what_it_says() -> None:
    assert like("Raspberry Pi Pico W with RP2040") == ["RPI_PICO_W"]
    wired = ["ESP32_GENERIC_S3", "ESP32_GENERIC_S3_W5500"]  # the same module
    assert like("Generic ESP32S3 module with ESP32-S3") == wired
    assert like("linux [GCC 14.2.1] version") == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mcu": "esp8266"}, "mcu: is not one of rp2040, "),
        ({"flash_offset": "0x0"}, "flash_offset: there is no such key for the port rp2"),
        ({"storage_kib": None}, "storage_kib: None is no int"),
        ({"machine": []}, "machine: .. is no list"),
        ({"micropython": "new"}, "micropython: 'new' is not a version like 1.22"),
        ({"nics": ["wifi"]}, "nics: are not among Ethernet, Wi-Fi"),
        ({"run_on": ["paper"]}, "run_on: are not among chip, emulator"),
    ],
)
def test_what_is_wrong_in_a_board_json_is_named(changes: dict[str, object], why: str) -> None:
    facts = json.loads((BOARDS / "RPI_PICO_W/board.json").read_bytes())
    with pytest.raises(ValueError, match=f"^{why}"):
        parsed("RPI_PICO_W", {**facts, **changes})


def test_what_is_missing_in_a_board_json_is_named() -> None:
    for key in (facts := json.loads((BOARDS / "W5500_EVB_PICO/board.json").read_bytes())):
        rest = {other: facts[other] for other in facts if other != key}
        with pytest.raises(ValueError, match=f"^{key}: is"):
            parsed("W5500_EVB_PICO", rest)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "BOARD= is missing, as in BOARD=RPI_PICO_W; boards/README.md lists all "),
        ("MOON", r"no board MOON; boards/README.md lists all \d+$"),
        ("rpi-pico-w", r"no board rpi-pico-w: is it RPI_PICO_W\? "),
        ("PICO_W", r"no board PICO_W; .*\n    RPI_PICO_W +Pico W\n    RPI_PICO_W5500 "),
        ("RPI_PIC_W", "no board RPI_PIC_W: is it RPI_PICO2_W or RPI_PICO_W or "),
        ("esp32", r"no board esp32; .*\n    ESP32_GENERIC  .*\n    ESP32_GENERIC_C2  "),
        ("esp32-s3", r"no board esp32-s3; .*\n(    .*\n)*    ESP32_GENERIC_S3  "),
        ("pico", r"no board pico; .*\n(    .*\n)*    RPI_PICO2_W  +Pico 2 W.*\n    RPI_PICO_W "),
    ],
)
def test_a_board_that_is_not_there_is_told_with_those_that_may_be_meant(
    typed: str, why: str
) -> None:
    with pytest.raises(Refusal, match=f"^{why}"):
        model(typed)


def test_the_catalogue_has_every_board() -> None:
    assert {*catalogue()} == {*boards()}
    assert {each.mcu for each in catalogue().values()} <= {*PORTS}
