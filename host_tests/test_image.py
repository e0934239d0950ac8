"""`make image`: what is in the one file, and that a board starts with it. The images of
MicroPython are made here, but for the last test's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import images
from deploy import parsed as deploy_parsed
from device.catalogue import model
from device.deployment import Deployment
from device.image import BLOCK
from device.remote import Board
from device.virtual import VirtualBoard
from emulator.image import find_image
from emulator.proof import prove_made
from imaging import esp32, rp2, storage
from to_make import CONFIG, ESP32, IMAGE, PICO_W, SIZE, VM, Make, flash_of, needs_vm
from toolchain import vm
from toolchain.cli import Refusal

pytest_plugins = ["to_make_fixtures"]


# Modules that a board has and the VM has not, for boot.py and main.py
NETWORK = """
STA_IF = 0
names = []
def hostname(name="virtual"):
    names.append(name)
    return name
class WLAN:
    def __init__(self, kind): pass
    def status(self, what=None): return 1
    def config(self, name): return {"mac": b"\\2\\0\\0\\0\\0\\1", "ssid": ""}[name]
    def ifconfig(self, four=None): return ("0.0.0.0",) * 4
    def connect(self, ssid, key=None): names.append((ssid, key))
    def disconnect(self): pass
    def active(self, on): pass
    def send_ethernet(self, frame): pass
"""
# In the VM: its flash, the program size with which its port mounts it, and a name
MOUNT = """
import sys
sys.path.append(%r)
from device import virtual_vm
import vfs, os
flash = virtual_vm.Flash(%r, 4096)
fs = vfs.VfsLfs2(flash, progsize=%d)
vfs.umount("/")
vfs.mount(fs, "/")
print(os.statvfs("/")[2], os.listdir("/lib/dhcpc"))
with open("/new", "w") as f:
    f.write("kept" * 2000)
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(flash, progsize=%d), "/")
print(open("/new").read() == "kept" * 2000, open("/dhcpc.json").read())
"""


# What is in it


@needs_vm
def test_it_holds_what_a_deployment_copies_and_the_application(
    made: Callable[..., bytes], app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**CONFIG, "vendor_class": "acme"}
    found, _ = storage.found(made("--app", app, "--extras", "aio", config=config), "rp2")
    path = tmp_path / "config.json"
    with VirtualBoard(tmp_path / "flash.bin") as virtual:
        words = [PICO_W, virtual.port, "--config", path, "--extras", "aio"]
        monkeypatch.setattr(sys, "argv", ["deploy", *map(str, words)])
        with Board(virtual.port) as board:
            Deployment(board, deploy_parsed()).run()
    deployed, _ = storage.found((tmp_path / "flash.bin").read_bytes(), "rp2")
    own = {f"/{each}": (app / each).read_bytes() for each in ("app.py", "lib/moon.py")}
    assert found == deployed | own
    assert "/lib/dhcpc/options.mpy" in found  # which the config takes


@pytest.mark.parametrize(
    "line", ["from dhcpc import Lease, aio", "import dhcpc.aio as a", "from dhcpc.aio import poll"]
)
def test_an_extra_that_the_application_imports_comes_along(
    made: Callable[..., bytes], app: Path, line: str
) -> None:
    (app / "lib/moon.py").write_text(f"def rise():\n    {line}\n")
    (app / "lib/old.py").write_text("print 'no Python of today'\n")
    found, _ = storage.found(made("--app", app), "rp2")
    assert "/lib/dhcpc/aio.mpy" in found
    assert "/lib/dhcpc/sleep.mpy" not in found


def test_a_main_py_of_ones_own_takes_the_place_of_the_clients(
    made: Callable[..., bytes], app: Path
) -> None:
    (app / "app.py").rename(app / "main.py")
    found, _ = storage.found(made("--app", app), "rp2")
    assert found["/main.py"] == (app / "main.py").read_bytes()
    assert b"# deployed" in found["/boot.py"]


def test_micropython_in_it_is_as_it_was_given(make: Make) -> None:
    program = images.with_info(images.PICO_W + os.urandom(5000), 0x12C000, SIZE)
    given = images.uf2(program)
    flash = flash_of(make(PICO_W, given) / f"{PICO_W}.uf2")
    assert flash[: len(program)] == program
    assert flash[len(program) : -SIZE].strip(b"\xff\0") == b""


def test_made_twice_it_is_the_same(make: Make, app: Path) -> None:
    path = f"{PICO_W}.uf2"
    first = (make(PICO_W, images.uf2(images.PICO_W), "--app", app) / path).read_bytes()
    for each in app.rglob("*"):
        os.utime(each, (1, 1))
    assert (make(PICO_W, images.uf2(images.PICO_W), "--app", app) / path).read_bytes() == first


def test_nobody_else_may_read_it_and_no_key_is_printed(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make() / f"{PICO_W}.uf2"
    said = capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    assert "The result holds a Wi-Fi key" in said
    assert CONFIG["key"] not in said
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("port", ["rp2", "esp32"])
def test_what_is_free_is_erased(port: str) -> None:
    files = {f"/lib/{number}.bin": os.urandom(7000) for number in range(20)}
    data = storage.made(files, SIZE, port)
    found, free = storage.found(data, port)
    written = [data[at : at + BLOCK].strip(b"\xff") != b"" for at in range(0, SIZE, BLOCK)]
    assert found == files
    assert sum(written) <= (SIZE - free) // BLOCK


def test_what_was_not_written_as_it_was_meant_takes_no_place(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = rp2.Image.merged
    monkeypatch.setattr(rp2.Image, "merged", lambda self, files: merged(self, files[::-1]))
    with pytest.raises(Refusal, match="what was written is not what was made"):
        make()
    assert list(Path(sys.argv[-1]).iterdir()) == []


# In the VM


@needs_vm
@pytest.mark.parametrize(("port", "program"), [("rp2", 256), ("esp32", 32)])
def test_micropython_mounts_it_as_its_port_does_and_writes_to_it(
    tmp_path: Path, port: str, program: int
) -> None:
    files = {
        "/dhcpc.json": json.dumps(CONFIG).encode(),
        **{f"/lib/dhcpc/{number}.mpy": os.urandom(5000) for number in range(9)},
    }
    path = tmp_path / "flash.bin"
    path.write_bytes(storage.made(files, SIZE, port))
    done = VM.run(MOUNT % (str(vm.ROOT / "tools"), str(path), program, program))
    names = sorted(path.rpartition("/")[2] for path in files if "/lib/" in path)
    assert done.out.splitlines() == [
        f"{SIZE // BLOCK} {names}",
        f"True {json.dumps(CONFIG)}",
    ]


@needs_vm
def test_boot_and_main_run_from_it(made: Callable[..., bytes], app: Path, tmp_path: Path) -> None:
    (app / "network.py").write_text(NETWORK)
    (app / "machine.py").write_text("")
    path = tmp_path / "flash.bin"
    path.write_bytes(made("--app", app))
    ask = "import moon; print(network.names[0], network.names[-1], WATCHDOG_MS, moon.PHASE)"
    with VirtualBoard(path) as board:
        words = ["-m", "mpremote", "connect", board.port, "resume", "exec", ask]
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60)
    joined = CONFIG["ssid"], CONFIG["key"]
    assert done.stdout == f"greenhouse {joined} 0 full\n", done.stderr


# RP2


def test_where_the_image_says_that_files_are_is_where_they_go() -> None:
    program = images.with_info(images.PICO_W, 0x10_0000, 64 * BLOCK)
    found = rp2.Image(images.uf2(program), model(PICO_W))
    assert (found.start, found.size) == (0x10_0000, 64 * BLOCK)


def test_an_image_that_says_nothing_has_them_where_its_board_has_them() -> None:
    found = rp2.Image(images.uf2(images.PICO_W), model(PICO_W))
    assert (found.start, found.size) == (2 * images.MIB - SIZE, SIZE)


def test_the_block_for_a_fault_of_rp2350_stays_before_the_others() -> None:
    first, program = images.absolute_block(), images.PICO2_W
    board = model("RPI_PICO2_W")
    found = rp2.Image(first + images.uf2(program, images.RP2350), board)
    merged = found.merged(b"files".ljust(found.size, b"\xff"))
    flash = program.ljust(256, b"\0").ljust(found.start, b"\xff") + b"files"
    flash = flash.ljust(4 * images.MIB, b"\xff")
    assert merged == first + images.uf2(flash, images.RP2350)


# ESP32


@pytest.mark.parametrize("given", [IMAGE, b"\xff" * 0x1000 + IMAGE], ids=["0x1000", "0x0"])
def test_an_esp32_gets_its_files_in_the_partition_for_them(make: Make, given: bytes) -> None:
    data = (make(ESP32, given) / f"{ESP32}.bin").read_bytes()
    start = 0x20_0000 - 0x1000
    found, _ = storage.found(data[start:], "esp32")
    assert data[:start] == IMAGE.ljust(start, b"\xff")
    assert len(data) == 4 * images.MIB - 0x1000
    assert json.loads(found["/dhcpc.json"]) == CONFIG


def test_without_a_partition_for_files_it_gets_one_of_what_is_left(make: Make) -> None:
    given = images.esp(partitions=images.WITHOUT_VFS)
    data = (make(ESP32, given) / f"{ESP32}.bin").read_bytes()
    start = 0x20_0000 - 0x1000
    assert data[:start] == IMAGE.ljust(start, b"\xff")  # with the partition of 1.25
    assert "/boot.py" in storage.found(data[start:], "esp32")[0]


def test_an_esp32_with_more_flash_has_more_for_files() -> None:
    boot = images.esp_program(b"bootloader", flash=8 * images.MIB)
    given = boot + images.esp(partitions=images.WITHOUT_VFS)[len(boot) :]
    found = esp32.Image(given, model(ESP32))
    assert (found.start, found.size) == (0x20_0000, 6 * images.MIB)


@pytest.mark.parametrize("chip", ["ESP32C3", "ESP32C6", "ESP32S3"])
def test_esptool_finds_nothing_wrong_with_what_is_merged(chip: str, tmp_path: Path) -> None:
    board = model(f"ESP32_GENERIC_{chip[5:]}")
    found = esp32.Image(images.esp(chip=chip, offset=0), board)
    path = tmp_path / "merged.bin"
    path.write_bytes(found.merged(b"\xff" * found.size))
    words = [sys.executable, "-m", "esptool", "image-info", str(path)]
    said = subprocess.run(words, capture_output=True, text=True).stdout
    assert "(valid)" in said
    assert "invalid" not in said


# As it is typed


def test_make_image_makes_one(tmp_path: Path, app: Path) -> None:
    (tmp_path / "micropython.uf2").write_bytes(images.uf2(images.PICO_W))
    words = [f"MICROPYTHON={tmp_path}/micropython.uf2", f"APP={app}", f"OUTPUT={tmp_path}/made"]
    command = ["make", "--no-print-directory", "--silent", "image", f"BOARD={PICO_W}", *words]
    done = subprocess.run(command, cwd=vm.ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "MicroPython 1.25.0, 848 KB for files",
        f"{tmp_path}/made/{PICO_W}.uf2: 8 files, 792 KB free",
        "no /dhcpc.json in it; Wi-Fi needs one: give CONFIG=",
        "To flash it: hold BOOTSEL while you plug the board in, and copy it to the drive that "
        "appears.",
    ]


@pytest.mark.board
def test_a_board_gets_its_lease_by_what_was_flashed_alone(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    output = make(PICO_W, find_image().read_bytes())
    prove_made(output / f"{PICO_W}.uf2")
    said = capsys.readouterr().out
    assert said.count(f"board: {CONFIG['hostname']} 192.0.2.") == 2
    assert said.count("again for one packet") == 1
