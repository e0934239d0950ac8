"""`make image`: what is in the one file, which images and applications it refuses, what a fleet's
boards have of their own. The images of MicroPython are made here, but for the last test's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rp2040py.device.load_flash import decode_block

import image
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
from toolchain import vm
from toolchain.cli import Refusal

PICO_W, ESP32 = "RPI_PICO_W", "ESP32_GENERIC"
SIZE = 848 * 1024  # of a Pico W's file system
CONFIG = {"ssid": "home", "key": "correct horse", "hostname": "greenhouse"}
FLEET = """hostname,ssid,key,vendor_class,watchdog_s,user_class
pump-1,home,the first secret,acme,8,"[""a"", ""b""]"
pump-2,,,123,,
pump-3,barn,,,,
"""
VM = vm.vms()["vm64"]
needs_vm = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")

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

Make = Callable[..., Path]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application."""
    directory = tmp_path / "app"
    (directory / "lib").mkdir(parents=True)
    (directory / "app.py").write_text("def loop(dhcp):\n    pass\n")
    (directory / "lib/moon.py").write_text("PHASE = 'full'\n")
    return directory


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Runs the command: the board, what is in its image of MicroPython, further arguments, and the
    config. Returns the directory where it puts what it makes."""

    def run(
        board: str = PICO_W,
        micropython: bytes = images.uf2(images.PICO_W),
        *arguments: str | Path,
        config: object = CONFIG,
    ) -> Path:
        given = tmp_path / "micropython"
        given.write_bytes(micropython)
        settings = tmp_path / "config.json"
        settings.write_text(json.dumps(config))
        output = tmp_path / "output"
        words = [board, given, "--config", settings, "--output", output, *arguments]
        monkeypatch.setattr(sys, "argv", ["image", *map(str, words)])
        image.main()
        return output

    monkeypatch.delenv("WIFI_KEY", raising=False)
    return run


@pytest.fixture
def made(make: Make) -> Callable[..., bytes]:
    """The same for one board; returns what its file system holds."""

    def run(*arguments: str | Path, config: object = CONFIG) -> bytes:
        return files_of(
            make(PICO_W, images.uf2(images.PICO_W), *arguments, config=config) / f"{PICO_W}.uf2"
        )

    return run


def flash_of(path: Path) -> bytes:
    """Flash after a UF2, read as the emulator's bootloader reads it."""
    data = path.read_bytes()
    flash = bytearray(b"\0" * 2 * images.MIB)
    for at in range(0, len(data), 512):
        block = decode_block(data[at : at + 512])
        start = block.flash_address - images.XIP
        flash[start : start + len(block.payload)] = block.payload
    return bytes(flash)


def files_of(path: Path) -> bytes:
    return flash_of(path)[-SIZE:]


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

IMAGE = images.esp()


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


# What is refused


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
        "it is not for W5500_EVB_PICO, but for RPI_PICO_W$",
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


# A fleet


def fleet(make: Make, tmp_path: Path, text: str, config: object = CONFIG) -> Path:
    table = tmp_path / "boards.csv"
    table.write_text(text)
    return make(PICO_W, images.uf2(images.PICO_W), "--fleet", table, config=config)


def test_each_board_of_a_fleet_has_its_own_config(make: Make, tmp_path: Path) -> None:
    output = fleet(make, tmp_path, FLEET)
    configs = {}
    for number in (1, 2, 3):
        files, _ = storage.found(files_of(output / f"{PICO_W}-pump-{number}.uf2"), "rp2")
        configs[number] = json.loads(files["/dhcpc.json"])
    assert configs == {
        1: {
            "ssid": "home",
            "key": "the first secret",
            "hostname": "pump-1",
            "vendor_class": "acme",
            "watchdog_s": 8,
            "user_class": ["a", "b"],
        },
        2: {**CONFIG, "hostname": "pump-2", "vendor_class": "123"},
        3: {"ssid": "barn", "hostname": "pump-3"},  # without the key of another network
    }


def test_nothing_of_one_is_in_another(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = {name: f"the secret of {name}" for name in ("pump-1", "pump-2", "pump-3")}
    lines = [f"{name},net {name},{secrets[name]}" for name in secrets]
    output = fleet(make, tmp_path, "\n".join(["hostname,ssid,key", *lines]))
    for name in secrets:
        flash = flash_of(output / f"{PICO_W}-{name}.uf2")
        words = (secret.encode() for each in secrets for secret in (each, secrets[each]))
        assert [word for word in words if word in flash] == [name.encode(), secrets[name].encode()]
        assert CONFIG["key"].encode() not in flash
    said = capsys.readouterr().out + (output / "manifest.json").read_text()
    assert not any(secret in said for secret in secrets.values())


def test_a_manifest_names_them_and_their_sums(make: Make, tmp_path: Path) -> None:
    output = fleet(make, tmp_path, FLEET)
    manifest = json.loads((output / "manifest.json").read_text())
    assert (manifest["board"], manifest["micropython"]) == (PICO_W, "1.25.0")
    sums = "\n".join(f"{each['sha256']}  {each['file']}" for each in manifest["images"])
    check = subprocess.run(["sha256sum", "--check"], input=sums, cwd=output, text=True)
    assert check.returncode == 0
    assert [each["hostname"] for each in manifest["images"]] == ["pump-1", "pump-2", "pump-3"]


def test_an_empty_key_comes_from_the_environment(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIFI_KEY", "from without")
    output = fleet(make, tmp_path, FLEET)
    keys = []
    for number in (1, 2, 3):
        files, _ = storage.found(files_of(output / f"{PICO_W}-pump-{number}.uf2"), "rp2")
        keys.append(json.loads(files["/dhcpc.json"])["key"])
    assert keys == ["the first secret", CONFIG["key"], "from without"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: there is no column hostname"),
        ("hostname;ssid\na;home\n", "line 1: there is no column hostname; commas stand between"),
        ("hostname,sid\na,home\n", 'line 1: "sid": there is no such setting'),
        ("hostname,\na,home\n", 'line 1: "": there is no such setting'),
        ("hostname, ssid\na,home\n", 'line 1: " ssid": there is no such setting'),
        ("hostname,ssid,ssid\na,b,c\n", "line 1: ssid: there are two of them"),
        ("hostname,ssid\n", ": there is no board in it"),
        ("hostname,ssid\na,home\nb\n", "line 3: 1 columns, line 1 has 2"),
        ("hostname,ssid\n,home\n", "line 2: hostname: is empty"),
        ("hostname\n-a\n", "line 2: hostname: it is not 1 to 32 letters"),
        ("hostname\na\n\nA\n", "line 4: hostname: it is used already: .*/boards.csv, line 2"),
        ("hostname,key\na,short\n", "line 2: key: it is not 8 to 63 "),
        ("hostname,watchdog_s\na,soon\n", "line 2: watchdog_s: it is not a number"),
        (f"hostname,user_class\na,{'[' * 100_000}\n", "line 2: user_class: it is not a list"),
        ("hostname,params\na,[\n", "line 2: params: "),
        ('hostname,ssid\na,"home\n', ": no CSV in UTF-8: "),
    ],
)
def test_what_is_wrong_with_a_fleet_is_named_by_line_and_column(
    make: Make, tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(Refusal, match=f"boards.csv(, )?{why}"):
        fleet(make, tmp_path, text)
    assert not (tmp_path / "output").exists()


SECRET = "battery staple"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hostname", SECRET),
        ("watchdog_s", SECRET),
        ("params", SECRET),
        ("options", json.dumps({SECRET: 1}).replace('"', '""')),
        ("servers", json.dumps({"allow": [SECRET]}).replace('"', '""')),
        ("fallback", json.dumps({"address": SECRET}).replace('"', '""')),
    ],
)
def test_a_key_in_the_wrong_column_is_not_printed(
    make: Make, tmp_path: Path, column: str, value: str
) -> None:
    columns = dict.fromkeys(("hostname", "ssid", "key", column), "") | {"hostname": "a"}
    columns[column] = f'"{value}"'
    with pytest.raises(Refusal, match=f"boards.csv, line 2: {column}: ") as refused:
        fleet(make, tmp_path, f"{','.join(columns)}\n{','.join(columns.values())}\n")
    assert SECRET not in str(refused.value)


def test_of_a_fleet_that_is_cut_off_no_manifest_stays(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = fleet(make, tmp_path, FLEET)

    def interrupted(files: object, size: int, port: str) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "made", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fleet(make, tmp_path, FLEET)
    assert not (output / "manifest.json").exists()


def test_a_fleet_needs_no_config_of_its_own(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"boards.csv, line 2: .*no ssid"):
        fleet(make, tmp_path, "hostname\na\n", config={})
    fleet(make, tmp_path, "hostname,ssid\na,home\n", config={})


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
