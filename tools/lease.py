#!/usr/bin/env python3
"""Shows, makes, edits and removes lease records: in a file, in a littlefs image, or on a board.

Fields of a record are given as NAME=VALUE, its options among them by these names. An option
without a value is taken out. docs/record.md has the format.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from littlefs import LittleFS, LittleFSError, UserContext
from serial.tools.list_ports import comports

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from capture.names import mac_text, option_name, option_text, quoted
from dhcpc.lease import Lease
from dhcpc.store import Store
from dhcpc.wire import Message, option
from remote import Board, Refusal, ports

_VERSION = 1
_CLIENT_ID = 61
_NAME = 8  # where the network's name begins
_READING = slice(-9, -4)
_FILE = "dhcpc.lease"
_FILES = (_FILE, _FILE + "~")  # the second one is half written
_BLOCK = 4096  # bytes of flash
_PROGRAM = 256  # rp2's program size, a multiple of ESP32's
_SUPERBLOCK = slice(8, 16)  # of either of the first two blocks
_REMOVE = """
import os
for path in %r:
    os.remove(path)
"""


class _Bytes(Store):
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        return self.data

    def write(self, data: bytes) -> None:
        self.data = data


# What a record says, as text


def describe(data: bytes) -> str:
    """What a file of records says, or why it says nothing, in lines for people. docs/record.md has
    the format.
    """
    return "\n".join(map(_describe, _split(data))) or "no lease"


def _split(data: bytes) -> list[bytes]:
    size = Store.room
    return [data[at : at + size] for at in range(0, len(data), size)]


def _describe(record: bytes) -> str:
    try:
        fields = Fields.of(record)
    except ValueError as error:
        return str(error)
    name = fields.network
    lines = [
        f"{fields.ip} on {quoted(name) if name else 'a cable'}, {mac_text(fields.mac)}",
        f"{_CLIENT_ID} {option_name(_CLIENT_ID)}: {option_text(_CLIENT_ID, fields.client_id)}",
    ]
    for code, value in sorted(fields.options.items()):
        lines.append(f"{code} {option_name(code)}: {option_text(code, value)}")
    kind, seconds = divmod(fields.begun, 1 << 32)
    lines.append(f"begun at {seconds} s of clock {kind}" if kind else "begun when no clock says")
    return "\n    ".join(lines)


@dataclass
class Fields:
    """What is in a record. `begun`: the clock's kind << 32, plus seconds; a kind of 0 is none."""

    mac: bytes = b""
    ip: IPv4Address | None = None
    network: bytes = b""
    client_id: bytes = b""
    begun: int = 0
    options: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, record: bytes) -> Fields:
        """ValueError: it is no record, or of another version."""
        name_end = _NAME + record[1] if len(record) > 1 else 0
        key_end = name_end + 2 + int.from_bytes(record[name_end + 1 : name_end + 2], "big")
        lease = _Bytes(record).load(Message(), record[:key_end])
        if not lease:
            raise ValueError(f"{len(record)} bytes that are no whole record")
        if record[0] != _VERSION:
            raise ValueError(f"a record of version {record[0]}, which is not known here")
        return cls(
            mac=record[2:_NAME],
            ip=IPv4Address(lease.yiaddr),
            network=record[_NAME:name_end],
            client_id=record[name_end + 2 : key_end],
            begun=int.from_bytes(record[_READING], "big"),
            options={c: v for c in range(1, 255) if (v := lease.option(c)) is not None},
        )

    def set(self, text: str) -> None:
        """Take in a NAME=VALUE. Refusal: names what is wrong with it."""
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise ValueError
            if name in _OPTIONS:
                code, parse = _OPTIONS[name]
                self.options.pop(code, None)
                if value:
                    self.options[code] = parse(value)
            else:
                setattr(self, name, _FIELDS[name](value))
        except KeyError:
            names = " ".join((*_FIELDS, *_OPTIONS))
            raise Refusal(f"{text}: no such field; there are {names}") from None
        except ValueError as error:
            raise Refusal(f"{text}: {error if equals else 'is not NAME=VALUE'}") from None

    def record(self) -> bytes:
        """The record, by itself. Refusal: it lacks something, or is too long."""
        store = _Bytes(b"")
        self.save(store)
        return store.data

    def save(self, store: Store) -> None:
        """Store it as the firmware does. Refusal: as of `record`."""
        for name, there in (("mac", self.mac), ("ip", self.ip), *self._needed()):
            if not there:
                raise Refusal(f"a record needs {name}=")
        client_id = self.client_id or b"\x01" + self.mac
        key = bytes((_VERSION, len(self.network))) + self.mac + self.network
        key += option(_CLIENT_ID, client_id)
        ip = self.ip.packed if self.ip else b""
        ack = bytes(16) + ip + bytes(216) + b"c\x82Sc"
        message = Message()
        message.read(ack + b"".join(option(code, self.options[code]) for code in self.options))
        store.epoch = lambda: self.begun  # type: ignore[assignment]
        try:
            store.save(Lease(message, 0), key)
        except (ValueError, OverflowError):
            raise Refusal(f"client_id: too long for a record of {store.room} bytes") from None
        for code in self.options.keys() - Fields.of(store.read()[: store.room]).options.keys():
            raise Refusal(f"option {code} does not fit in a record of {store.room} bytes")

    def _needed(self) -> Iterator[tuple[str, bytes | None]]:
        for name in ("server", "lease"):
            yield name, self.options.get(_OPTIONS[name][0])


def _mac(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text):
        raise ValueError("not a MAC address, as 02:00:00:00:00:01")
    return bytes.fromhex(text.replace(":", ""))


def _network(text: str) -> bytes:
    if len(text.encode()) > 32:
        raise ValueError("an SSID has at most 32 bytes")
    return text.encode()


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("not hexadecimal digits") from None


def _begun(text: str) -> int:
    if text in ("", "0"):
        return 0
    if not (found := re.fullmatch(r"(\d{1,3}):(\d{1,10})", text)):
        raise ValueError("not KIND:SECONDS, as 2:86400")
    kind, seconds = map(int, found.groups())
    if not (0 < kind < 256 and seconds < 1 << 32):
        raise ValueError("the kind is 1 to 255, the seconds have 32 bits")
    return kind << 32 | seconds


def _number(bits: int) -> Callable[[str], bytes]:
    def parse(text: str) -> bytes:
        if not (text.isascii() and text.isdigit() and int(text) < 1 << bits):
            raise ValueError(f"not a number of {bits} bits")
        return int(text).to_bytes(bits // 8, "big")

    return parse


def _ip(text: str) -> bytes:
    return IPv4Address(text).packed


def _ips(text: str) -> bytes:
    return b"".join(map(_ip, text.split(",")))


_FIELDS: dict[str, Callable[[str], object]] = {
    "mac": _mac,
    "ip": IPv4Address,
    "network": _network,
    "client_id": _hex,
    "begun": _begun,
}
_OPTIONS: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "server": (54, _ip),
    "lease": (51, _number(32)),
    "mask": (1, _ip),
    "router": (3, _ips),
    "dns": (6, _ips),
    "t1": (58, _number(32)),
    "t2": (59, _number(32)),
    "domain": (15, str.encode),
    "mtu": (26, _number(16)),
    "broadcast": (28, _ip),
    "ntp": (42, _ips),
}


# Where records are


class Place(Protocol):
    """Files of records, by their paths there. `path`: where a new one goes. `name`: of it all."""

    path: str
    name: str

    def paths(self) -> list[str]: ...
    def read(self, path: str) -> bytes: ...
    def write(self, path: str, data: bytes) -> None: ...
    def remove(self, paths: list[str]) -> None: ...


class _OneFile:
    name = "the file"

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def paths(self) -> list[str]:
        return [self.path] if Path(self.path).exists() else []

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            Path(path).unlink()


class _Image:
    path = f"/{_FILE}"
    name = "the image"

    def __init__(self, image: Path) -> None:
        self.image = image
        data = bytearray(image.read_bytes())
        self.flash = UserContext(buffer=data)
        self.files = LittleFS(
            self.flash,
            mount=False,  # or else it formats what it cannot mount
            block_size=_BLOCK,
            block_count=len(data) // _BLOCK,
            prog_size=_PROGRAM,
            cache_size=_BLOCK,
        )
        self.files.mount()

    def paths(self) -> list[str]:
        return [f"/{name}" for name in self.files.listdir("/") if name in _FILES]

    def read(self, path: str) -> bytes:
        with self.files.open(path, "rb") as file:
            return bytes(file.read())

    def write(self, path: str, data: bytes) -> None:
        with self.files.open(path, "wb") as file:
            file.write(data)
        self._keep()

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            self.files.remove(path)
        self._keep()

    def _keep(self) -> None:
        self.image.write_bytes(self.flash.buffer)


class _OnBoard:
    path = f"/{_FILE}"
    name = "the board"

    def __init__(self, board: Board) -> None:
        self.board = board
        self.read = board.read
        self.write = board.write

    def paths(self) -> list[str]:
        return [f"/{name}" for name in self.board.names("/") if name in _FILES]

    def remove(self, paths: list[str]) -> None:
        self.board.run(_REMOVE % paths)


@contextlib.contextmanager
def place(target: str, *, new: bool = False) -> Iterator[Place]:
    """Open what a user names: a file, a littlefs image, or a board's serial port. new: a file need
    not be there. Refusal: it is none of them, or cannot be read or written.
    """
    if not target:
        raise Refusal(f"PORT= is missing; {ports()}")
    path = Path(target)
    is_port = path.is_char_device() or target in [port.device for port in comports()]
    if not (is_port or path.exists() or new):
        raise Refusal(f"{target}: no such file or port; {ports()}")
    try:
        if is_port:
            with Board(target) as board:
                yield _OnBoard(board)
        elif path.is_file() and _is_image(path):
            yield _Image(path)
        else:
            yield _OneFile(path)
    except LittleFSError as error:
        raise Refusal(f"{target}: the littlefs image is damaged or full ({error})") from None
    except OSError as error:
        raise Refusal(f"{target}: {error.strerror}") from None


def _is_image(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2 * _BLOCK)
    return b"littlefs" in (start[_SUPERBLOCK], start[_BLOCK:][_SUPERBLOCK])


# What is done with them


def _show(target: str) -> None:
    with place(target) as there:
        paths = there.paths()
        for path in paths:
            print(f"{path}\n{describe(there.read(path))}")
        if not paths:
            print(f"no lease is stored on {there.name}")


def _wipe(target: str) -> None:
    with place(target) as there:
        paths = there.paths()
        there.remove(paths)
        for path in paths:
            print(f"removed {path}")
        if not paths:
            print(f"no lease was stored on {there.name}")


def _make(target: str, settings: list[str]) -> None:
    fields = Fields()
    for text in settings:
        fields.set(text)
    record = fields.record()
    with place(target, new=True) as there:
        store = _Bytes(b"".join(_records(there)))
        fields.save(store)
        # The firmware would not write another reading alone.
        _put(there, record + store.data[len(record) :])


def _set(target: str, number: int, settings: list[str]) -> None:
    with place(target) as there:
        records = _records(there)
        if not 0 < number <= len(records):
            raise Refusal(f"--record {number}: there are {len(records)}")
        fields = Fields.of(records[number - 1])
        for text in settings:
            fields.set(text)
        records[number - 1] = fields.record()
        _put(there, b"".join(records))


def _put(there: Place, data: bytes) -> None:
    there.write(there.path, data)
    print(f"{there.path}\n{describe(data)}")


def _records(there: Place) -> list[bytes]:
    # All of the file, which must be records.
    if there.path not in there.paths():
        return []
    records = _split(there.read(there.path))
    for record in records:
        try:
            Fields.of(record)
        except ValueError as error:
            raise Refusal(f"{there.path}: has {error}; `wipe` removes it") from None
    return records


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fields = f"fields: {' '.join((*_FIELDS, *_OPTIONS))}"
    show = commands.add_parser("show", help="print the records")
    make = commands.add_parser("make", help="put a record before the others", epilog=fields)
    edit = commands.add_parser("set", help="change fields of a record", epilog=fields)
    wipe = commands.add_parser("wipe", help="remove all records")
    for command in (show, make, edit, wipe):
        command.add_argument("target", help="a file, a littlefs image, or a board's serial port")
    for command in (make, edit):
        command.add_argument("settings", nargs="+", metavar="NAME=VALUE")
    edit.add_argument("--record", type=int, default=1, metavar="N", help="from 1, the default")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "show":
                _show(arguments.target)
            case "make":
                _make(arguments.target, arguments.settings)
            case "set":
                _set(arguments.target, arguments.record, arguments.settings)
            case "wipe":
                _wipe(arguments.target)
    except Refusal as refusal:
        print(f"lease: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
