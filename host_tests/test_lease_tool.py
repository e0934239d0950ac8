"""tools/lease.py: records on the laptop, in a file, in a littlefs image, on a (virtual) board."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.image import Image
from device.record import Bytes, Fields
from device.remote import Board
from device.virtual import VirtualBoard
from dhcpc import Store
from toolchain import vm
from toolchain.cli import Refusal

TOOL = vm.ROOT / "tools/lease.py"
VM = vm.vms()["vm64"]
MAC = bytes.fromhex("020000000001")
KEY = b"\1\0" + MAC + b"\x3d\7\1" + MAC
NEEDED = "mac=02:00:00:00:00:01 ip=192.0.2.5 server=192.0.2.1 lease=3600".split()
EVERY = (
    "mask=255.255.255.0 router=192.0.2.1 dns=192.0.2.53,192.0.2.54 t1=600 t2=900 "
    "domain=home.arpa mtu=1400 broadcast=192.0.2.255 ntp=192.0.2.123"
).split()
needs_vm = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")


def tool(*words: object) -> str:
    """What the tool prints."""
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def refusal(*words: object) -> str:
    """What the tool says why not."""
    done = run(*words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("lease: ")
    return done.stderr


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a file of records may be."""
    return tmp_path / "leases"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A littlefs image as MicroPython makes it, empty but for a file of its own."""
    path = tmp_path / "flash.bin"
    path.write_bytes(b"\xff" * 4096 * 32)
    assert in_vm(path, "f = open('/own', 'w'); f.write('kept'); f.close()") == ""
    return path


def in_vm(path: Path, script: str) -> str:
    """What a script prints on a board that has this flash."""
    mount = f"from device.virtual_vm import Flash, mount; mount(Flash({str(path)!r}, 4096))\n"
    # Before that: what the board has is all that can be imported then.
    imports = "import dhcpc\n"
    done = VM.run(imports + mount + script, [vm.ROOT / "tools"])
    assert done.code == 0, done.out
    return done.out


def test_the_firmware_reads_what_was_made(file: Path) -> None:
    tool("make", file, *NEEDED, *EVERY, "begun=2:1000")
    assert file.stat().st_size == Store.room
    store = Store(str(file))
    store.epoch = lambda: (2 << 32) + 1500
    lease = store.lease(store.records()[0], KEY)
    assert lease.ifconfig() == ("192.0.2.5", "255.255.255.0", "192.0.2.1", "192.0.2.53")
    assert (lease.lease_time, lease.t1, lease.t2, lease.age) == (3600, 600, 900, 500)
    assert lease.dns == ["192.0.2.53", "192.0.2.54"]
    assert [lease.option(code) for code in (15, 26, 28, 42)] == [
        b"home.arpa",
        b"\x05\x78",
        b"\xc0\0\2\xff",
        b"\xc0\0\2\x7b",
    ]


def test_what_was_made_is_what_the_firmware_stores(file: Path) -> None:
    tool("make", file, *NEEDED, *EVERY, "begun=2:1000")
    made = file.read_bytes()
    store = Store(str(file))
    lease = store.lease(store.records()[0], KEY)
    lease.age = 0
    file.write_bytes(b"")
    store.epoch = lambda: (2 << 32) + 1000
    store.save(lease, KEY)
    assert file.read_bytes() == made


def test_what_is_made_is_shown(file: Path) -> None:
    made = tool("make", file, *NEEDED, "network=home", "client_id=00abcdef", "begun=1:7")
    assert made == tool("show", file)
    assert made == (
        f"{file}\n"
        '192.0.2.5 on "home", 02:00:00:00:00:01\n'
        "    61 client identifier: 00abcdef\n"
        "    51 IP address lease time: 3600 s (1:00:00)\n"
        "    54 server identifier: 192.0.2.1\n"
        "    begun at 7 s of clock 1\n"
    )


def test_a_new_record_goes_before_the_others_and_takes_the_place_of_its_servers(
    file: Path,
) -> None:
    for network, ip in (("a", 1), ("b", 2), ("a", 3), ("c", 4), ("d", 5), ("e", 6)):
        tool("make", file, *NEEDED, f"network={network}", f"ip=192.0.2.{ip}")
    first = [line.split()[:3] for line in tool("show", file).splitlines() if " on " in line]
    assert first == [
        ["192.0.2.6", "on", '"e",'],
        ["192.0.2.5", "on", '"d",'],
        ["192.0.2.4", "on", '"c",'],
        ["192.0.2.3", "on", '"a",'],
    ]


def test_a_field_is_set_and_the_rest_stays(file: Path) -> None:
    tool("make", file, *NEEDED, *EVERY, "network=other")
    tool("make", file, *NEEDED, *EVERY, "begun=2:1000")
    before = tool("show", file)
    after = tool("set", file, "ip=192.0.2.9", "domain=", "begun=", "--record", 2)
    head, _, tail = before.partition('192.0.2.5 on "other"')
    assert after.startswith(head)
    expected = [line for line in tail.splitlines() if "15 domain name" not in line]
    assert after[len(head) :].splitlines() == ['192.0.2.9 on "other"' + expected[0], *expected[1:]]
    assert "begun at 1000" in tool("set", file, "t1=601")
    assert "58 renewal" in tool("show", file)


@needs_vm
def test_an_image_is_changed_so_that_a_board_reads_it(image: Path) -> None:
    assert tool("show", image) == "no lease is stored on the image\n"
    tool("make", image, *NEEDED)
    tool("make", image, *NEEDED, "network=home")
    tool("set", image, "ip=192.0.2.8")
    assert tool("show", image).startswith('/dhcpc.lease\n192.0.2.8 on "home"')
    script = (
        "store = dhcpc.Store('/dhcpc.lease')\n"
        f"record = [each for each in store.records() if each.startswith({KEY!r})][0]\n"
        "print(store.lease(record, b'').ip, open('/own').read())\n"
        "store.write(store.read() + b'x')"
    )
    assert in_vm(image, script).split() == ["192.0.2.5", "kept"]
    assert "1 bytes that are not a whole record" in tool("show", image)
    assert "wipe" in refusal("make", image, *NEEDED)
    assert tool("wipe", image) == "removed /dhcpc.lease\n"
    assert in_vm(image, "import os; print(os.listdir('/'))").strip() == "['own']"


@needs_vm
def test_a_board_is_changed(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "flash.bin") as board:
        assert tool("show", board.port) == "no lease is stored on the board\n"
        tool("make", board.port, *NEEDED)
        tool("set", board.port, "ip=192.0.2.8")
        assert tool("show", board.port).startswith("/dhcpc.lease\n192.0.2.8 on a cable")
    tool("wipe", tmp_path / "flash.bin")


@pytest.mark.parametrize("says", [b"{'dhcpc.lease': 1}", b"'none'", b"[1]", b""])
def test_what_is_no_list_of_names_is_no_empty_folder(says: bytes) -> None:
    class Transport:
        def exec(self, script: str) -> bytes:
            return says

    board = Board("moon")
    board._transport = Transport()
    with pytest.raises(Refusal, match="is no list of names"):
        board.names("/")


def test_a_file_is_wiped(file: Path) -> None:
    tool("make", file, *NEEDED)
    assert tool("wipe", file) == f"removed {file}\n"
    assert not file.exists()


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("nonsense", "is not NAME=VALUE"),
        ("foo=1", "no such field; there are mac ip"),
        ("_needed=1", "no such field"),
        ("mac=02:00", "not a MAC address"),
        ("ip=192.0.2", "192.0.2"),
        ("ip=", "ip="),
        ("dns=192.0.2.1,x", "x"),
        ("lease=soon", "not a number of 32 bits"),
        ("lease=4294967296", "not a number of 32 bits"),
        ("mtu=70000", "not a number of 16 bits"),
        ("network=" + "ä" * 17, "at most 32 bytes"),
        ("client_id=xyz", "not hexadecimal"),
        ("client_id=" + "00" * 120, "too long for a record of 128 bytes"),
        ("client_id=" + "00" * 96, "does not fit in a record of 128 bytes"),
        ("domain=" + "a" * 90, "option 15 does not fit"),
        ("begun=5", "not KIND:SECONDS"),
        ("begun=256:0", "the kind is 1 to 255"),
        ("begun=1:4294967296", "the seconds have 32 bits"),
    ],
)
def test_a_setting_that_is_wrong_is_named_and_nothing_written(
    file: Path, setting: str, why: str
) -> None:
    said = refusal("make", file, *NEEDED, setting)
    assert why in said
    assert setting.partition("=")[0] in said or "option" in said
    assert not file.exists()


@pytest.mark.parametrize("missing", range(4))
def test_a_record_needs_what_the_client_cannot_do_without(file: Path, missing: int) -> None:
    settings = [*NEEDED[:missing], *NEEDED[missing + 1 :]]
    name = NEEDED[missing].partition("=")[0]
    assert refusal("make", file, *settings) == f"lease: a record needs {name}=\n"


def test_what_is_not_there_or_damaged_is_named(tmp_path: Path) -> None:
    assert "no such file or port" in refusal("show", tmp_path / "nothing")
    assert "No such file" in refusal("make", tmp_path / "no/where", *NEEDED)
    broken = tmp_path / "broken"
    broken.write_bytes(b"\xff" * 8 + b"littlefs" + bytes(8192))
    assert "littlefs image is damaged" in refusal("show", broken)


# When a lease began


@pytest.mark.parametrize(
    ("begun", "shown"),
    [
        ("1:1795879781", "begun 2026-11-28 15:29:41, over 2026-11-28 16:29:41, at 1795879781 s"),
        ("1:849194981", "begun 2026-11-28 15:29:41, over 2026-11-28 16:29:41, at 849194981 s"),
        ("2:849194981", "begun 2026-11-28 15:29:41, over 2026-11-28 16:29:41, at 849194981 s"),
        ("1:757382400", "begun 2024-01-01 00:00:00, over 2024-01-01 01:00:00, at 757382400 s"),
        ("1:757382399", "begun at 757382399 s of clock 1"),
        ("2:1000", "begun at 1000 s of clock 2"),
        ("3:1795879781", "begun at 1795879781 s of clock 3"),
        ("", "when it began is not known"),
    ],
    ids=["since 1970", "since 2000", "RTC", "2024", "2023", "not set", "another clock", "none"],
)
def test_a_time_is_a_date_where_the_clock_is_known(file: Path, begun: str, shown: str) -> None:
    assert f"\n    {shown}" in tool("make", file, *NEEDED, f"begun={begun}")


def test_a_lease_without_an_end_is_never_over(file: Path) -> None:
    said = tool("make", file, *NEEDED, "lease=4294967295", "begun=1:1795879781")
    assert "    begun 2026-11-28 15:29:41, at 1795879781 s of clock 1\n" in said


# What is not ours


def test_a_large_file_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.touch()
    os.truncate(file, 1 << 40)
    assert "1,099,511,627,776 bytes are more than a board's flash has" in refusal("show", file)


def test_of_a_large_file_in_an_image_no_more_is_shown_than_the_firmware_keeps(
    image: Path, tmp_path: Path
) -> None:
    record = Bytes(b"")
    fields = Fields()
    for text in NEEDED:
        fields.set(text)
    fields.save(record)
    shown = Image(image)
    with shown.files.open("/dhcpc.lease", "wb") as leases:
        leases.write(record.data * 500)
    shown.keep()
    said = tool("show", image)
    assert said.count("192.0.2.5 on a cable") == Store.most
    assert said.endswith("63,488 bytes after these, which the firmware does not keep\n")


def contents(path: Path) -> dict[Path, bytes]:
    """Every file below a directory, and what is in it."""
    return {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.mark.parametrize(
    "data",
    [
        b"# Read me\n",
        b"\0",
        bytes(128),
        b"\xff" * 4096 * 4,
        b"PK\3\4" + b"photos" * 3000,
        b"\1\0" + MAC + b"\x3d\7\1" + MAC + bytes(111),  # a record but for its CRC
    ],
)
@pytest.mark.parametrize(
    "words", ["show {}", "wipe {}", "set {} ip=192.0.2.9", "make {} " + " ".join(NEEDED)]
)
def test_a_file_without_a_record_is_named_and_left_alone(
    tmp_path: Path, data: bytes, words: str
) -> None:
    file = tmp_path / "README.md"
    file.write_bytes(data)
    before = contents(tmp_path)
    said = refusal(*words.format(file).split())
    assert said.startswith(
        f"lease: {file}: no lease record is in it, so nothing was changed; name a"
    )
    assert "wipe" not in said
    assert contents(tmp_path) == before


def test_a_record_in_the_midst_of_a_long_file_does_not_make_it_ours(file: Path) -> None:
    # The whole flash of a board, say, in which its littlefs is.
    tool("make", file, *NEEDED)
    flash = b"\xff" * 4096 + file.read_bytes() + b"\xff" * 4096
    for data in (flash, file.read_bytes() * 4 + b"x"):
        file.write_bytes(data)
        assert "no lease record is in it" in refusal("wipe", file)
        assert file.read_bytes() == data


def test_zeros_behind_something_else_are_no_record(file: Path) -> None:
    file.write_bytes(bytes(132))  # the last four are the CRC of nothing
    assert "no lease record is in it" in refusal("wipe", file)
    assert file.read_bytes() == bytes(132)


def test_a_damaged_file_of_records_is_ours_as_long_as_one_is_whole(file: Path) -> None:
    for network in ("a", "b"):
        tool("make", file, *NEEDED, f"network={network}")
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(data + b"x")
    said = tool("show", file)
    assert "128 bytes that are not a whole record" in said
    assert '192.0.2.5 on "a"' in said
    assert "`wipe` removes it" in refusal("make", file, *NEEDED)
    assert tool("wipe", file) == f"removed {file}\n"


def test_an_empty_file_stays(file: Path) -> None:
    file.touch()
    assert tool("show", file) == "no lease is stored on the file\n"
    assert tool("wipe", file) == "no lease was stored on the file\n"
    assert file.exists()
    tool("make", file, *NEEDED)


def test_a_link_stays_and_what_it_leads_to_is_wiped(file: Path, tmp_path: Path) -> None:
    tool("make", file, *NEEDED)
    link = tmp_path / "link"
    link.symlink_to(file)
    tool("wipe", link)
    assert link.is_symlink()
    assert not file.exists()


@pytest.mark.parametrize("verb", ["show", "wipe"])
def test_what_is_no_file_is_named_and_left_alone(tmp_path: Path, verb: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert f"{pipe}: is not a file" in refusal(verb, pipe)
    assert pipe.is_fifo()
    assert f"{tmp_path}: is not a file" in refusal(verb, tmp_path)


def test_an_image_without_a_record_is_not_written(image: Path) -> None:
    image.chmod(0o444)
    before = image.stat()
    assert tool("wipe", image) == "no lease was stored on the image\n"
    assert image.stat().st_mtime_ns == before.st_mtime_ns


def test_make_wipe_lease_leaves_a_readme_alone(tmp_path: Path) -> None:
    file = tmp_path / "READ ME.md"
    file.write_text("# Read me\n")
    done = subprocess.run(
        ["make", "-s", "wipe-lease", f"PORT={file}"],
        cwd=vm.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"lease: {file}: no lease record is in it")
    assert file.read_text() == "# Read me\n"


def test_a_record_that_there_is_not_is_not_set(file: Path) -> None:
    tool("make", file, *NEEDED)
    for number in ("0", "2", "-1"):
        assert "there are 1" in refusal("set", file, "ip=192.0.2.7", f"--record={number}")
