"""`make flash` on an RP2: what is decided before it is erased. A folder stands in for the drive of
its bootloader.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")


import flash_board
from device.remote import Board
from flashing import rp2
from to_flash import PICO_W, On, Run, Write, uf2

pytest_plugins = ["to_flash_fixtures"]


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
