"""`make lease`, `make wipe-lease` and `make repl`, on virtual boards."""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")


from dhcpc import Lease, Message, Store, option
from powered import TIMEOUT_S, Boards, files, make

pytest_plugins = ["powered_fixtures"]


def lease_file(path: Path) -> bytes:
    """What the firmware's Store writes for a lease on a Wi-Fi and one on a cable."""
    mac = bytes.fromhex("02005e005301")
    store = Store(str(path))
    for name, address in ((b"", b"\xc0\0\2\x65"), (b"home", b"\xc0\0\2\x64")):
        ack = b"\2\1\6\0" + bytes(12) + address + bytes(8) + mac + bytes(202) + b"c\x82Sc"
        ack += (
            option(53, b"\5") + option(54, b"\xc0\0\2\1") + option(51, (3600).to_bytes(4, "big"))
        )
        message = Message()
        message.read(ack + option(1, b"\xff\xff\xff\0") + b"\xff")
        key = bytes((1, len(name))) + mac + name + option(61, b"\1" + mac)
        store.save(Lease(message, 0), key)
    return path.read_bytes()


def test_the_leases_of_a_board_are_shown(tree: Path, power: Boards, tmp_path: Path) -> None:
    data = lease_file(tmp_path / "lease")
    board = power({"/dhcpc.lease": data, "/dhcpc.lease~": data[:70]})
    shown = make(tree, "lease", f"PORT={board.port}")
    assert shown.returncode == 0
    assert shown.stdout == (
        "/dhcpc.lease\n"
        '192.0.2.100 on "home", 02:00:5e:00:53:01\n'
        "    61 client identifier: Ethernet 02:00:5e:00:53:01\n"
        "    1 subnet mask: 255.255.255.0\n"
        "    51 IP address lease time: 3600 s (1:00:00)\n"
        "    54 server identifier: 192.0.2.1\n"
        "    when it began is not known\n"
        "192.0.2.101 on a cable, 02:00:5e:00:53:01\n"
        "    61 client identifier: Ethernet 02:00:5e:00:53:01\n"
        "    1 subnet mask: 255.255.255.0\n"
        "    51 IP address lease time: 3600 s (1:00:00)\n"
        "    54 server identifier: 192.0.2.1\n"
        "    when it began is not known\n"
        "/dhcpc.lease~\n"
        "70 bytes that are not a whole record\n"
    )


def test_the_leases_of_a_board_are_wiped(tree: Path, power: Boards) -> None:
    board = power({"/dhcpc.lease": "torn", "/dhcpc.json": "{}"})
    wiped = make(tree, "wipe-lease", f"PORT={board.port}")
    assert (wiped.returncode, wiped.stdout) == (0, "removed /dhcpc.lease\n")
    assert {*files(board)} == {"/dhcpc.json"}
    for target, said in (("wipe-lease", "no lease was stored"), ("lease", "no lease is stored")):
        again = make(tree, target, f"PORT={board.port}")
        assert (again.returncode, again.stdout) == (0, f"{said} on the board\n")
    assert make(tree, "lease").stdout.startswith("lease: PORT= is missing; ")


def test_repl_is_the_boards_prompt(tree: Path, power: Boards) -> None:
    board = power()
    master, slave = os.openpty()
    with subprocess.Popen(
        ["make", "repl", f"PORT={board.port}"], cwd=tree, stdin=slave, stdout=slave, stderr=slave
    ) as run:
        try:
            said = read_until(master, b"to exit this shell")
            os.write(master, b"\rprint(6 * 7)\r")
            said += read_until(master, b"\n42")
            os.write(master, b"\x1d")
            assert run.wait(TIMEOUT_S) == 0, said
        finally:
            run.kill()
            os.close(slave)
            os.close(master)


def read_until(fd: int, ending: bytes) -> bytes:
    said = b""
    end = time.monotonic() + TIMEOUT_S
    while ending not in said:
        assert select.select([fd], [], [], max(0, end - time.monotonic()))[0], said
        said += os.read(fd, 1024)
    return said
