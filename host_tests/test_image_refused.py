"""Which images and applications `make image` refuses."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import images
from device.catalogue import model
from device.image import BLOCK
from imaging import esp32, rp2, storage
from to_make import ESP32, IMAGE, PICO_W, SIZE, Make
from toolchain.cli import Refusal

pytest_plugins = ["to_make_fixtures"]


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


OLD = images.PICO_W.replace(b"v1.25.0", b"v1.21.0")
CIRCUIT = images.PICO_W.replace(b"Micro", b"Circuit")
WHOLE = images.uf2(images.PICO_W + bytes(3000))
CONTAINERS = (
    (rp2.Image, PICO_W, images.uf2(images.with_info(images.PICO_W, 0x100000, SIZE))),
    (
        rp2.Image,
        "RPI_PICO2_W",
        images.absolute_block() + images.uf2(images.PICO2_W, images.RP2350),
    ),
    (esp32.Image, ESP32, IMAGE),
)
FAT = {**images.WITHOUT_VFS, "ffat": (1, 0x81, 0x200000, 0x200000)}
REFUSED = {
    "text": (PICO_W, b"no image", "it is not a whole UF2 file"),
    "blocks of text": (PICO_W, b"x" * 1024, "it is not a UF2 file"),
    "nothing": (PICO_W, b"", "no MicroPython is in it"),
    "cut off": (PICO_W, WHOLE[:-1], "it is not a whole UF2 file"),
    "a part": (PICO_W, WHOLE[:-512], r"it is not whole: 11 of 12 blocks are there"),
    "disorder": (PICO_W, WHOLE[512:1024] + WHOLE[:512] + WHOLE[1024:], "its blocks are not in"),
    "a part of an ESP32": (PICO_W, IMAGE[:5000], "it is not a UF2 file"),
    "another MCU": (
        PICO_W,
        images.uf2(images.PICO2_W, images.RP2350),
        "it is for rp2350, but RPI_PICO_W has an rp2040",
    ),
    "another board": (
        "W5500_EVB_PICO",
        images.uf2(images.PICO_W),
        "it is not for W5500_EVB_PICO, but for RPI_PICO_W;",
    ),
    "another firmware": (PICO_W, images.uf2(CIRCUIT), "no MicroPython is in it"),
    "too old": (
        PICO_W,
        images.uf2(OLD),
        "MicroPython 1.21.0 is too old, RPI_PICO_W takes 1.22 or later",
    ),
    "too old for the board": (
        "RPI_PICO2_W",
        images.uf2(images.PICO2_W.replace(b"v1.25.0", b"v1.24.1"), images.RP2350),
        "MicroPython 1.24.1 is too old, RPI_PICO2_W takes 1.25 or later",
    ),
    "another board with the same module": (
        "OLIMEX_ESP32_GATEWAY",
        IMAGE,
        "it is not for OLIMEX_ESP32_GATEWAY, which runs OLIMEX_ESP32_POE, but for ESP32_",
    ),
    "no room": (
        PICO_W,
        images.uf2(images.with_info(images.PICO_W, 0x100000, 0)),
        "it has no room for a file system",
    ),
    "files": (
        PICO_W,
        images.uf2(images.with_info(images.PICO_W + bytes(BLOCK), BLOCK, 8 * BLOCK)),
        "there are files in it already",
    ),
    "no such chip": (
        PICO_W,
        images.uf2(images.with_info(images.PICO_W, 0x100000, 0xF0000000)),
        "it has no room for a file system",
    ),
    "small": (
        PICO_W,
        images.uf2(images.with_info(images.PICO_W, 0x100000, 8 * BLOCK)),
        r"not enough space: 7 files of \d+ KB in all do not fit into a file system of 32 KB",
    ),
    "UF2 for an ESP32": (ESP32, images.uf2(images.PICO_W), "it is not an image for an ESP32"),
    "UF2 for an ESP32, and what it takes": (
        ESP32,
        images.uf2(images.PICO_W),
        ".*; ESP32_GENERIC takes the .bin from https://micropython.org/download/ESP32_GENERIC/$",
    ),
    "another ESP32": (
        ESP32,
        images.esp(chip="ESP32C3", offset=0),
        "it is for esp32c3, but ESP32_GENERIC has an esp32",
    ),
    "no table": (ESP32, images.esp_program(images.ESP32), "it has no partition table"),
    "damaged bootloader": (ESP32, damaged(IMAGE, 26), "its bootloader is damaged"),
    "damaged table": (ESP32, damaged(IMAGE, 0x7008), "its partition table is damaged"),
    "damaged program": (ESP32, damaged(IMAGE, 0xF020), "its factory is damaged"),
    "half a program": (ESP32, IMAGE[:-60], "its factory is damaged or incomplete"),
    "FAT": (ESP32, images.esp(partitions=FAT), "its file system is FAT"),
}


@pytest.mark.parametrize(("board", "data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_an_image_is_named(
    make: Make, board: str, data: bytes, why: str
) -> None:
    with pytest.raises(Refusal, match=f"^(.*/micropython: )?{why}"):
        make(board, data)


@settings(max_examples=300)
@given(
    place=st.sampled_from([0, 0x220, 0x400, 0x7000]),
    word=st.binary(min_size=4, max_size=4),
    data=st.data(),
)
def test_an_image_with_anything_in_it_is_taken_or_refused(
    place: int, word: bytes, data: st.DataObject
) -> None:
    at = place + data.draw(st.integers(0, 100))
    for container, board, whole in CONTAINERS:
        changed = whole[:at] + word + whole[at + 4 :]
        with contextlib.suppress(ValueError):
            found = container(changed, model(board))
            assert found.start >= 0
            assert len(found.flash) <= 16 * images.MIB


@pytest.mark.parametrize(
    "path",
    [
        "boot.py",
        "dhcpc.json",
        "dhcpc.lease",
        "lib/dhcpc/__init__.py",
        "dhcpc/__init__.py",
        "board/__init__.py",
        "lib",
    ],
)
def test_an_application_with_a_name_of_the_client_s_is_refused(
    made: Callable[..., bytes], app: Path, path: str
) -> None:
    (app / "lib/moon.py").unlink()
    (app / "lib").rmdir()
    (app / path).parent.mkdir(parents=True, exist_ok=True)
    (app / path).write_text("")
    with pytest.raises(Refusal, match=f"{path}: /{path} on the board is the client's"):
        made("--app", app)


def test_an_application_is_refused_that_main_would_not_find(
    made: Callable[..., bytes], app: Path
) -> None:
    with pytest.raises(Refusal, match=r"lib: it has no app.py, which main.py imports"):
        made("--app", app / "lib")
    with pytest.raises(Refusal, match=r"app.py: is not a directory"):
        made("--app", app / "app.py")


def test_an_application_that_is_not_all_there_is_refused(
    made: Callable[..., bytes], app: Path
) -> None:
    (app / "more").symlink_to(app / "lib")
    with pytest.raises(Refusal, match=r"app/more: is not a file; links to directories are not"):
        made("--app", app)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"moon\xff.py", r"moon.udcff.py': its name is not UTF-8"),
        (b"moon\n.py", r"moon.n.py': its name is not UTF-8"),
    ],
)
def test_a_file_whose_name_is_no_text_is_refused(
    made: Callable[..., bytes], app: Path, name: bytes, why: str
) -> None:
    try:
        (app / os.fsdecode(name)).write_text("")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(Refusal, match=why):
        made("--app", app)


def test_a_name_that_no_board_takes_is_refused() -> None:
    with pytest.raises(Refusal, match=r"^/x+/a: its name is too long for a board"):
        storage.made({f"/{'x' * 256}/a": b""}, SIZE, "rp2")


def test_a_file_without_an_end_is_refused(make: Make, app: Path) -> None:
    (app / "moon.bin").write_bytes(b"")
    os.truncate(app / "moon.bin", 1 << 32)  # a hole
    with pytest.raises(Refusal, match=r"moon.bin: it is larger than 64 MB"):
        make(PICO_W, images.uf2(images.PICO_W), "--app", app)
    with pytest.raises(Refusal, match=r"/dev/zero: it is larger than 64 MB"):
        make(PICO_W, images.uf2(images.PICO_W), "--fleet", "/dev/zero")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_cannot_be_read_is_refused(made: Callable[..., bytes], app: Path) -> None:
    (app / "lib").chmod(0)
    try:
        with pytest.raises(Refusal, match=r"app/lib: Permission denied"):
            made("--app", app)
    finally:
        (app / "lib").chmod(0o700)


def test_where_it_cannot_be_written_is_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    image_of = PICO_W, images.uf2(images.PICO_W)
    with pytest.raises(Refusal, match=r"^cannot write .*/file/RPI_PICO_W.uf2: "):
        make(*image_of, "--output", tmp_path / "file")
    (tmp_path / "output/RPI_PICO_W.uf2").mkdir(parents=True)
    with pytest.raises(Refusal, match=r"^cannot write .*/output/RPI_PICO_W.uf2: "):
        make(*image_of)
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["RPI_PICO_W.uf2"]


def test_what_belongs_to_the_computer_stays_there(made: Callable[..., bytes], app: Path) -> None:
    for name in (".git/config", "__pycache__/app.cpython-311.pyc", ".env"):
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text("")
    found, _ = storage.found(made("--app", app), "rp2")
    assert [path for path in found if "." in path.split("/")[1][:1] or "__py" in path] == []


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"ssid": 7}, "config.json: ssid: 7 is not a text of 1 to 32 bytes"),
        ({"hostname": "greenhouse"}, "config.json: .*no ssid"),
    ],
)
def test_a_config_that_the_board_would_refuse_is_refused(
    made: Callable[..., bytes], config: object, why: str
) -> None:
    with pytest.raises(Refusal, match=why):
        made(config=config)
