"""Lease records as text, and text as lease records. docs/record.md has the format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import BinaryIO

from capture.names import mac_text, option_name, option_text, quoted
from dhcpc import Lease, Message, Store, option
from toolchain.cli import Refusal

_VERSION = 1
_CLIENT_ID = 61
_LEASE_TIME = 51
_INFINITE = 0xFFFFFFFF
_CALENDARS = (1, 2)  # kinds of clocks that may show a date: docs/sleep.md
_SET = 2024
_NAME = 8  # where the network's name begins
_READING = slice(-9, -4)


class Bytes(Store):
    """A file of records that is in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        return self.data

    def write(self, data: bytes) -> None:
        self.data = data


def are_records(file: BinaryIO) -> bool:
    """Whether a file may be taken for one of records: it is empty, or no longer than the firmware
    makes it, and at least one of the records is whole.
    """
    most = Store.most * Store.room
    data = file.read(most + 1)
    return not data or len(data) <= most and bool(Bytes(data).records())


def describe(data: bytes) -> str:
    """What a file of records says, or why it says nothing, in lines for people."""
    most = Store.most * Store.room
    told = [*map(_describe, split(data[:most]))] or ["no lease"]
    if len(data) > most:
        told.append(f"{len(data) - most:,} bytes after these, which the firmware does not keep")
    return "\n".join(told)


def split(data: bytes) -> list[bytes]:
    """The records in a file, each as it is."""
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
    lines.append(_begun_at(fields))
    return "\n    ".join(lines)


def _begun_at(fields: Fields) -> str:
    kind, seconds = divmod(fields.begun, 1 << 32)
    if not kind:
        return "when it began is not known"
    reading = f"at {seconds} s of clock {kind}"
    begun = _date(seconds) if kind in _CALENDARS else None
    if not begun:
        return f"begun {reading}"
    span = int.from_bytes(fields.options.get(_LEASE_TIME, b""), "big")
    over = f", over {begun + timedelta(seconds=span)}" if 0 < span < _INFINITE else ""
    return f"begun {begun}{over}, {reading}"


def _date(seconds: int) -> datetime | None:
    # By the ports' epochs: a clock that shows a year before 2024 is not set, so that only one of
    # the two makes sense until 2054.
    for year in (1970, 2000):
        date = datetime(year, 1, 1) + timedelta(seconds=seconds)
        if date.year >= _SET:
            return date
    return None


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
        key = record[:key_end]
        store = Bytes(record)
        if not store.records():
            raise ValueError(f"{len(record)} bytes that are not a whole record")
        if record[0] != _VERSION:
            raise ValueError(f"a record of version {record[0]}, which is unknown here")
        lease = store.lease(record, key)
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
            raise Refusal(f"{text}: no such field; there are {' '.join(FIELDS)}") from None
        except ValueError as error:
            raise Refusal(f"{text}: {error if equals else 'is not NAME=VALUE'}") from None

    def record(self) -> bytes:
        """The record, by itself. Refusal: it lacks something, or is too long."""
        store = Bytes(b"")
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
        store.epoch = lambda: self.begun
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
        raise ValueError("not a MAC address like 02:00:00:00:00:01")
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

FIELDS = (*_FIELDS, *_OPTIONS)  # the names that may be set
