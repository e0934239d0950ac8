"""`make flash` on an ESP32: what is decided before it is erased. A script stands in for esptool,
and a virtual board for what starts afterwards. The images are made here.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")


import images
from device import catalogue
from device.deployment import program
from flashing import esp32
from imaging import storage
from to_flash import ESP32, PICO_W, Calls, On, Put, Run, Write, Written, flash_bin, uf2

pytest_plugins = ["to_flash_fixtures"]


def test_an_esp32_is_erased_written_and_deployed_to(
    run: Run, esptool: Put, calls: Calls, image: Write, board: On
) -> None:
    port = board(ESP32).port
    path = image(flash_bin(ESP32))
    code, said = run("--yes", f"--image={path}", "ESP32_GENERIC", port)
    assert code == 0, said
    ask, write = calls()
    assert ask == ["--port", port, "--after", "no-reset", "flash-id"]
    assert write == [
        *("--chip", "esp32", "--port", port, "--baud", "460800"),
        *("write-flash", "--erase-all", "0x1000", str(path)),
    ]
    assert (
        f"{port} is an esp32, MAC 30:ae:a4:00:53:01: its flash of 4 MB is erased, with all "
        f"files, and it gets MicroPython 1.25.0 of {path}\n"
    ) in said
    assert f"flashed; the board is on {port}\n" in said
    assert "copied 6 of 6 files, in " in said


@pytest.mark.parametrize(
    ("name", "chip", "offset"),
    [
        ("ESP32_GENERIC", "ESP32", 0x1000),
        ("ESP32_GENERIC_S3", "ESP32-S3", 0),
        ("ESP32_GENERIC_C6", "ESP32-C6", 0),
    ],
)
def test_an_image_goes_where_the_chip_boots_from(
    run: Run,
    esptool: Put,
    calls: Calls,
    image: Write,
    name: str,
    chip: str,
    offset: int,
) -> None:
    esptool(chip=chip, write_code=1)  # so that it ends there
    machine = catalogue.model(name).machines[0]
    path = image(flash_bin(machine, chip.replace("-", ""), offset))
    run("--yes", f"--image={path}", name, "/dev/moon")
    assert calls()[1][-3:] == ["--erase-all", f"{offset:#x}", str(path)]


def test_an_image_that_is_filled_up_goes_to_the_start_of_flash(
    run: Run, esptool: Put, calls: Calls, image: Write
) -> None:
    esptool(write_code=1)
    path = image(b"\xff" * 0x1000 + flash_bin(ESP32))
    run("--yes", f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert calls()[1][-2:] == ["0x0", str(path)]


def test_an_image_that_brings_its_files_is_not_deployed_to(
    run: Run, esptool: Put, image: Write
) -> None:
    path = image(flash_bin(ESP32, files=b"littlefs"))
    code, said = run("--yes", f"--image={path}", "ESP32_GENERIC", os.devnull)
    assert (code, said.splitlines()[-1]) == (0, "flashed; the board is on /dev/null")


@pytest.mark.parametrize("word", ["--ssid=moon", "--config=moon.json", "--extras=aio"])
def test_settings_are_refused_that_an_image_with_files_would_not_get(
    run: Run, esptool: Put, calls: Calls, image: Write, word: str
) -> None:
    path = image(flash_bin(ESP32, files=b"littlefs"))
    code, said = run("--yes", word, f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert code == 1
    assert (
        f"flash_board: {path} has its files in it: CONFIG=, SSID= and EXTRAS= are for `m" in said
    )
    assert calls() == []


def test_an_image_with_the_files_of_another_board_is_refused(
    run: Run, esptool: Put, calls: Calls, image: Write
) -> None:
    other = catalogue.model("ESP32_GENERIC_W5500")  # which runs the same image of MicroPython
    files = storage.made({"/board.py": program(other)}, 0x200000, "esp32")
    path = image(flash_bin(ESP32, files=files))
    words = "--yes", f"--image={path}", "ESP32_GENERIC", os.devnull
    code, said = run(*words)
    assert code == 1
    assert f"{path}: the files in it are for ESP32_GENERIC_W5500, not for ESP32_GENERIC\n" in said
    assert calls() == []
    code, said = run("--force", *words)
    assert code == 0, said


@pytest.mark.parametrize(
    ("chip", "size", "why"),
    [
        ("ESP32-S3", "8MB", "the chip is an esp32s3, but ESP32_GENERIC has an esp32"),
        (
            "ESP32",
            "2MB",
            "the chip has 2 MB of flash, and the image is for 4 MB: give MICROPYTHON",
        ),
    ],
)
def test_a_chip_that_is_another_is_not_erased(
    run: Run, esptool: Put, written: Written, image: Write, chip: str, size: str, why: str
) -> None:
    esptool(chip=chip, size=size)
    path = image(flash_bin(ESP32))
    code, said = run("--yes", f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert code == 1
    assert f"flash_board: {why}" in said
    assert not written()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        (
            "ESP32_GENERIC",
            flash_bin("x", "ESP32S3", 0),
            "it is for esp32s3, but ESP32_GENERIC has an esp32",
        ),
        (
            "ESP32_GENERIC",
            images.esp_program(images.ESP32),
            "it has no partition table: give the .bin that is",
        ),
        ("ESP32_GENERIC", flash_bin(ESP32)[:-4], "its factory is damaged"),
        ("ESP32_GENERIC", flash_bin("Moon rover with ESP32"), "it is not for ESP32_GENERIC"),
        ("ESP32_GENERIC", b"", "it is not an image for an ESP32"),
        ("RPI_PICO_W", flash_bin(ESP32), "it is not a UF2 file"),
        (
            "RPI_PICO_W",
            uf2(PICO_W, images.RP2350),
            "it is for rp2350, but RPI_PICO_W has an rp2040",
        ),
        ("RPI_PICO_W", uf2(PICO_W)[:-512], "it is not whole: 7 of 8 blocks are there"),
        (
            "RPI_PICO_W",
            uf2("W5500-EVB-Pico with RP2040"),
            "it is not for RPI_PICO_W, .* or W5500_EVB_PICO",
        ),
    ],
)
def test_an_image_that_is_not_for_the_board_is_refused_before_the_board_is_asked(
    run: Run, esptool: Put, calls: Calls, image: Write, name: str, data: bytes, why: str
) -> None:
    path = image(data)
    code, said = run("--yes", f"--image={path}", name, "/dev/moon")
    assert code == 1
    assert f"flash_board: {path}: " in said
    assert why.partition(" .* ")[0] in said
    assert why.rpartition(" .* ")[2] in said
    assert calls() == []


def test_a_firmware_of_ones_own_is_taken_by_force(
    run: Run, esptool: Put, calls: Calls, image: Write
) -> None:
    esptool(write_code=1)
    path = image(flash_bin("Moon rover with ESP32"))
    run("--yes", "--force", f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert len(calls()) == 2


@pytest.mark.parametrize(
    ("answer", "goes_on"), [("y", True), ("n", False), ("", False), ("^D", False), ("^C", False)]
)
def test_nothing_is_erased_without_a_yes(
    run: Run,
    esptool: Put,
    written: Written,
    image: Write,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    goes_on: bool,
) -> None:
    def type_it(prompt: str) -> str:
        if answer in ("^D", "^C"):
            raise {"^D": EOFError, "^C": KeyboardInterrupt}[answer]
        return answer

    esptool(write_code=1)
    monkeypatch.setattr("builtins.input", type_it)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    path = image(flash_bin(ESP32))
    code, said = run(f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert code == (130 if answer == "^C" else 1)
    assert written() == goes_on
    assert ("nothing is done" in said) == (not goes_on and answer != "^C")


def test_where_nobody_can_be_asked_nothing_is_erased(
    run: Run, esptool: Put, written: Written, image: Write
) -> None:
    path = image(flash_bin(ESP32))
    code, said = run(f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert (code, said.splitlines()[-1]) == (
        1,
        "flash_board: nobody can answer here: YES=1 goes on",
    )
    assert not written()


def test_what_esptool_cannot_do_is_said_with_the_remedy(
    run: Run, esptool: Put, image: Write
) -> None:
    path = image(flash_bin(ESP32))
    words = "--yes", f"--image={path}", "ESP32_GENERIC", "/dev/moon"
    esptool(write_code=2)
    code, said = run(*words)
    assert code == 1
    assert "flash_board: esptool failed, as it says above. It may be the cable or a hub; " in said
    esptool(asked="A fatal error occurred: Failed to connect to ESP32: No data.", ask_code=2)
    code, said = run(*words)
    assert code == 1
    assert (
        "flash_board: esptool: Failed to connect to ESP32: No data: hold BOOT, press and rel"
        in said
    )
    esptool(asked="moon")
    code, said = run(*words)
    assert code == 1
    assert "flash_board: esptool does not say what is on /dev/moon: moon\n" in said


def test_ctrl_c_while_it_is_written_ends_in_words(
    run: Run, esptool: Put, image: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = subprocess.run

    def interrupted(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        if "write-flash" in command:
            raise KeyboardInterrupt
        done: subprocess.CompletedProcess[str] = started(command, **how)
        return done

    monkeypatch.setattr(esp32.subprocess, "run", interrupted)
    path = image(flash_bin(ESP32))
    code, said = run("--yes", f"--image={path}", "ESP32_GENERIC", "/dev/moon")
    assert code == 130
    assert (
        "flash_board: interrupted; the board has no firmware now, and no harm is done: run" in said
    )


def test_a_port_that_answers_nothing_ends_in_words(
    run: Run, image: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(esp32, "ESPTOOL", [*esp32.ESPTOOL, "--connect-attempts", "1"])
    path = image(flash_bin(ESP32))
    near, far = os.openpty()
    try:
        code, said = run("--yes", f"--image={path}", "ESP32_GENERIC", os.ttyname(far))
    finally:
        os.close(near)
        os.close(far)
    assert code == 1
    assert "flash_board: esptool: Failed to connect to Espressif device: No serial data" in said
    assert "hold BOOT, press and release RESET" in said
