"""`make flash`: what is decided before a board is erased. Others stand in for esptool and for the
drive of a bootloader, and a virtual board for what starts afterwards. The images are made here.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")

import flash_board
import images
from device import catalogue
from device.deployment import program
from device.remote import Board
from device.virtual import VirtualBoard
from flashing import download, esp32, rp2
from imaging import storage
from toolchain import cli, vm

PICO_W = "Raspberry Pi Pico W with RP2040"
ESP32 = "Generic ESP32 module with ESP32"

ESPTOOL = """
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
print("esptool v5.6.0")
if "flash-id" in sys.argv:
    print({asked!r})
    sys.exit({ask_code})
sys.exit({write_code})
"""
ASKED = """Connected to {chip} on /dev/moon:
Chip type:          {chip} (revision v3.1)
MAC:                30:ae:a4:00:53:01

Manufacturer: 68
Detected flash size: {size}"""


# Images


def uf2(machine: str, family: int = images.RP2040) -> bytes:
    """MicroPython for an RP2."""
    return images.uf2((images.BANNER + machine.encode()).ljust(2048, b"\0"), family)


def flash_bin(
    machine: str, chip: str = "ESP32", offset: int = 0x1000, files: bytes = b""
) -> bytes:
    """MicroPython for an ESP32."""
    return images.esp(images.BANNER + machine.encode(), chip=chip, offset=offset, files=files)


# The board


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[[str], VirtualBoard]]:
    """Switches on what the board is once MicroPython runs on it."""
    machine = vm.vms()["vm64"]
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    made = []

    def on(says: str) -> VirtualBoard:
        made.append(VirtualBoard(tmp_path / "flash.img", 212, _machine=says).__enter__())
        return made[-1]

    yield on
    for each in made:
        each.__exit__(None, None, None)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command; how it ends, and what it says."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["flash_board", *map(str, words)])
        code = cli.run(flash_board.main)
        return code, "".join(capfd.readouterr())

    return run


@pytest.fixture
def esptool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts one in place of esptool: it says what chip there is, and writes down what it gets."""

    def put(
        chip: str = "ESP32",
        size: str = "4MB",
        asked: str = ASKED,
        ask_code: int = 0,
        write_code: int = 0,
    ) -> None:
        script = tmp_path / "esptool.py"
        said = asked.format(chip=chip, size=size)
        log = str(tmp_path / "log")
        codes = {"ask_code": ask_code, "write_code": write_code}
        script.write_text(ESPTOOL.format(log=log, asked=said, **codes))
        monkeypatch.setattr(esp32, "ESPTOOL", [sys.executable, str(script)])

    put()
    return put


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[list[str]]]:
    """What it got, each time that it was called."""

    def calls() -> list[list[str]]:
        log = tmp_path / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return calls


@pytest.fixture
def image(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "micropython.image"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def written(calls: Calls) -> Callable[[], bool]:
    """Whether it was told to write; if it was not, the board has been started again."""

    def written() -> bool:
        _, last = calls()
        assert ("write-flash" in last) != ("hard-reset" in last)
        return "write-flash" in last

    return written


Run = Callable[..., tuple[int, str]]
Put = Callable[..., None]
Calls = Callable[[], list[list[str]]]
Written = Callable[[], bool]
Write = Callable[[bytes], Path]
On = Callable[[str], VirtualBoard]


# ESP32


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


# RP2


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Mounts the drive of a bootloader. It goes once it has an image, if it takes one."""
    where = tmp_path / "mnt"
    monkeypatch.setattr(rp2, "mounts", lambda: sorted(where.iterdir()) if where.exists() else [])
    monkeypatch.setattr(rp2, "_LABELS", where)
    monkeypatch.setattr(rp2, "_TAKES_S", 30)

    def mount(board_id: str = "RPI-RP2", size: int = 0) -> Path:
        path = where / f"{board_id} {len(list(where.glob('*')))}"
        path.mkdir(parents=True)
        (path / rp2.INFO).write_text(f"UF2 Bootloader v3.0\nModel: moon\nBoard-ID: {board_id}\n")

        def take() -> None:
            file = path / "firmware.uf2"
            while not (file.exists() and file.stat().st_size == size):
                if over.wait(0.01):
                    return
            (path / rp2.INFO).unlink()

        if size:
            threads.append(threading.Thread(target=take))
            threads[-1].start()
        return path

    over = threading.Event()
    threads: list[threading.Thread] = []
    yield mount
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("words", [[], ["auto"]])
def test_a_new_rp2_gets_it_by_its_drive_and_is_deployed_to_where_it_shows_up(
    words: list[str],
    run: Run,
    drive: Callable[..., Path],
    image: Write,
    board: On,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = board(PICO_W).port
    data = uf2(PICO_W)
    path = image(data)
    there = drive(size=len(data))

    def on_usb() -> list[str]:  # its port is there when its drive is not
        return [] if (there / rp2.INFO).exists() else [port]

    monkeypatch.setattr(flash_board, "on_usb", on_usb)
    code, said = run("--yes", f"--image={path}", "RPI_PICO_W", *words)
    assert code == 0, said
    assert (there / "firmware.uf2").read_bytes() == data
    assert (
        f"{there} is an rp2040: it gets MicroPython 1.25.0 of {path}, and the files of a "
        "MicroPython stay\n"
    ) in said
    assert f"flashed; the board is on {port}\n" in said
    assert "copied 6 of 6 files, in " in said


def test_an_rp2_that_runs_micropython_is_led_into_its_bootloader(
    run: Run,
    drive: Callable[..., Path],
    image: Write,
    board: On,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = board(PICO_W).port
    data = uf2(PICO_W)
    ran = []

    def leave_to(self: Board, script: str) -> None:
        ran.append(script)
        drive(size=len(data))

    monkeypatch.setattr(Board, "leave_to", leave_to)
    code, said = run("--yes", f"--image={image(data)}", "RPI_PICO_W", port)
    assert code == 0, said
    assert ran == ["import machine, time; time.sleep_ms(100); machine.bootloader()"]
    assert f"{port} is a {PICO_W!r}: it gets MicroPython 1.25.0 of " in said


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (
            "Raspberry Pi Pico 2 W with RP2350",
            "says that it is 'Raspberry Pi Pico 2 W with RP2350', but RPI_PICO_W has an rp2040. ",
        ),
        ("", "says that it is '', but RPI_PICO_W has an rp2040. If it is a RPI_PICO_W all the "),
        (
            "Silicognition RP2040-Shim with RP2040",
            "is a 'Silicognition RP2040-Shim with RP2040': give BOARD=SIL_RP2040_SHIM, or FORCE=1",
        ),
    ],
)
def test_a_board_that_is_another_is_not_led_there(
    run: Run, image: Write, board: On, says: str, why: str
) -> None:
    port = board(says).port
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W", port)
    assert code == 1
    assert f"flash_board: {port} {why}" in said


def test_a_drive_of_another_mcu_is_refused(
    run: Run, drive: Callable[..., Path], image: Write
) -> None:
    there = drive("RP2350")
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W")
    assert code == 1
    assert f"flash_board: {there} is an rp2350, but RPI_PICO_W has an rp2040\n" in said
    assert not (there / "firmware.uf2").exists()


@pytest.mark.parametrize("port", ["/dev/null", "auto"])
def test_of_a_port_and_a_drive_none_is_taken(
    run: Run,
    drive: Callable[..., Path],
    image: Write,
    monkeypatch: pytest.MonkeyPatch,
    port: str,
) -> None:
    monkeypatch.setattr(flash_board, "on_usb", lambda: ["/dev/null"])
    there = drive()
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W", port)
    assert code == 1
    assert f"PORT={port} is there, and {there} is the drive of another board: unplug one" in said
    assert not (there / "firmware.uf2").exists()


def test_of_two_drives_none_is_taken(run: Run, drive: Callable[..., Path], image: Write) -> None:
    first, second = drive(), drive()
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W")
    assert code == 1
    assert f"{first} and {second} are drives of bootloaders: leave one board plugged in" in said


@pytest.mark.parametrize("words", [[], ["auto"]])
def test_without_a_drive_the_button_is_told_and_waited_for(
    words: list[str],
    run: Run,
    drive: Callable[..., Path],
    image: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flash_board, "_BUTTON_S", 0.1)
    monkeypatch.setattr(flash_board, "on_usb", list)
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W", *words)
    assert code == 1
    assert said.startswith("hold BOOTSEL while you plug the board in, and let go: a drive appears")
    assert "flash_board: no drive of a bootloader is here: hold BOOTSEL" in said


def test_a_drive_that_nothing_has_mounted_is_told(
    run: Run,
    drive: Callable[..., Path],
    image: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flash_board, "_BUTTON_S", 0.1)
    monkeypatch.setattr(rp2, "_LABELS", tmp_path)
    (tmp_path / "RPI-RP2").touch()
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W")
    assert code == 1
    assert f"its drive is not mounted: udisksctl mount -b {tmp_path}/RPI-RP2, and run it" in said


def test_a_bootloader_that_does_not_take_the_image_is_told(
    run: Run, drive: Callable[..., Path], image: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rp2, "_TAKES_S", 0.1)
    there = drive()
    code, said = run("--yes", f"--image={image(uf2(PICO_W))}", "RPI_PICO_W")
    assert code == 1
    assert f"flash_board: {there}: its bootloader does not take the image; hold BOOTSEL" in said


def test_a_port_that_does_not_come_back_is_told(
    run: Run, drive: Callable[..., Path], image: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash_board, "_BACK_S", 0.1)
    monkeypatch.setattr(flash_board, "on_usb", list)
    data = uf2(PICO_W)
    drive(size=len(data))
    code, said = run("--yes", f"--image={image(data)}", "RPI_PICO_W")
    assert code == 1
    assert "flash_board: no usable port has appeared since: press RESET, or plug" in said


def test_a_drive_is_found_among_what_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    pico = tmp_path / "my boards" / "RPI-RP2"
    pico.mkdir(parents=True)
    (pico / rp2.INFO).write_text("UF2 Bootloader v1.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2")
    at = str(pico).replace(" ", r"\040")
    table.write_text(
        f"/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 {tmp_path} vfat rw 0 0\n/dev/sdc1 {at} vfat rw 0 0\n"
    )
    monkeypatch.setattr(rp2, "_MOUNTS", table)
    assert rp2.drives() == [rp2.Drive(pico, "rp2040")]


# Where the image comes from


@contextlib.contextmanager
def served(
    handler: type[http.server.BaseHTTPRequestHandler], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """In place of MicroPython's web site: a server that answers by this handler."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setattr(download, "SITE", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """MicroPython's web site: what is in this folder."""
    root = tmp_path / "site"
    root.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    monkeypatch.setattr(download, "DIRECTORY", tmp_path / "downloads")
    with served(Handler, monkeypatch):
        yield root


def publish(site: Path, board: str, *names: str) -> None:
    page = site / "download" / board
    page.mkdir(parents=True)
    links = [f'<a href="/resources/firmware/{name}">it</a>' for name in names]
    (page / "index.html").write_text("\n".join(links))
    files = site / "resources/firmware"
    files.mkdir(parents=True)
    for name in names:
        (files / name).write_text(name)


def test_the_newest_release_is_downloaded_once(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(
        site,
        "RPI_PICO_W",
        "RPI_PICO_W-20251209-v1.28.0-preview.4.gabc.uf2",
        "RPI_PICO_W-20250911-v1.26.1.uf2",
        "RPI_PICO_W-20241129-v1.24.1.uf2",
        "RPI_PICO_W-RISCV-20260911-v1.30.0.uf2",
        "RPI_PICO_W-20260911-v1.30.0.app-bin",
        "RPI_PICO_W-20250415-v1.9.0.uf2",
    )
    for said in ("downloads ", ""):
        path = download.latest(catalogue.model("RPI_PICO_W"))
        assert path.name == path.read_text() == "RPI_PICO_W-20250911-v1.26.1.uf2"
        assert capsys.readouterr().out.startswith(said)
    (site / "resources/firmware" / path.name).unlink()
    assert download.latest(catalogue.model("RPI_PICO_W")) == path


def test_a_download_that_is_no_image_is_not_kept(run: Run, site: Path) -> None:
    name = "RPI_PICO_W-20250911-v1.26.1.uf2"
    publish(site, "RPI_PICO_W", name)
    for data, why in (
        ("<html>not found</html>", f"{name}: it is not a whole UF2 file\n"),
        ("", f"{name}: no MicroPython is in it\n"),
    ):
        (site / "resources/firmware" / name).write_text(data)
        code, said = run("--yes", "RPI_PICO_W")
        assert code == 1
        assert said.endswith(why)
    assert list(download.DIRECTORY.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 5000\r\n\r\ncut off",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\ncut off",
        b"HTTP/1.0 302 Found\r\nLocation: http://[::moon/\r\n\r\n",
        b"HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"moon\r\n",
    ],
)
def test_a_download_that_goes_wrong_is_told_and_leaves_nothing(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: bytes,
) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = b'HTTP/1.0 200 OK\r\n\r\n<a href="%s">' % link
            self.wfile.write(page if self.path.startswith("/download/") else answer)

        def log_message(self, *args: object) -> None:
            pass

    link = b"/resources/firmware/RPI_PICO_W-20250911-v1.26.1.uf2"
    monkeypatch.setattr(download, "DIRECTORY", tmp_path / "downloads")
    with served(Handler, monkeypatch):
        code, said = run("--yes", "RPI_PICO_W")
    assert code == 1
    assert "flash_board: cannot download from http://127.0.0.1:" in said
    assert not download.DIRECTORY.exists()


def test_what_cannot_be_downloaded_is_told_with_the_remedy(run: Run, site: Path) -> None:
    code, said = run("--yes", "RPI_PICO_W")
    assert code == 1
    assert "flash_board: cannot download from http://127.0.0.1:" in said
    assert "get the .uf2 elsewhere, and give MICROPYTHON=FILE" in said
    publish(site, "RPI_PICO_W", "RPI_PICO_W-20251209-v1.28.0-preview.4.gabc.uf2")
    code, said = run("--yes", "RPI_PICO_W")
    assert code == 1
    assert "/download/RPI_PICO_W/ names no .uf2; get the .uf2 elsewhere, " in said


def test_make_hands_over_what_is_typed() -> None:
    settings = "BOARD=ESP32_GENERIC", "PORT=a99", "MICROPYTHON=my $file.bin"
    done = subprocess.run(
        ["make", "--silent", "flash", *settings], cwd=vm.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "flash_board: my $file.bin: No such file or directory\n" in done.stderr
