#!/usr/bin/env python3
"""Shows the lease records that a board has stored, or removes them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from dhcpc.store import Store
from dhcpc.wire import Message
from names import mac_text, option_name, option_text, quoted
from remote import Board, Refusal, ports

_VERSION = 1
_CLIENT_ID = 61
_NAME = 8  # where the network's name begins
_READING = slice(-9, -4)
_FILE = "dhcpc.lease"  # and what begins like that: one half written
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


def describe(data: bytes) -> str:
    """What a file of records says, or why it says nothing, in lines for people. docs/record.md has
    the format.
    """
    size = Store.room
    records = [data[at : at + size] for at in range(0, len(data), size)]
    return "\n".join(map(_describe, records)) or "no lease"


def _describe(record: bytes) -> str:
    name_end = _NAME + record[1] if len(record) > 1 else 0
    key_end = name_end + 2 + int.from_bytes(record[name_end + 1 : name_end + 2], "big")
    lease = _Bytes(record).load(Message(), record[:key_end])
    if not lease:
        return f"{len(record)} bytes that are no whole record"
    if record[0] != _VERSION:
        return f"a record of version {record[0]}, which is not known here"
    name, client_id = record[_NAME:name_end], record[name_end + 2 : key_end]
    lines = [
        f"{lease.ip} on {quoted(name) if name else 'a cable'}, {mac_text(record[2:_NAME])}",
        f"{_CLIENT_ID} {option_name(_CLIENT_ID)}: {option_text(_CLIENT_ID, client_id)}",
    ]
    for code in range(1, 255):
        if (value := lease.option(code)) is not None:
            lines.append(f"{code} {option_name(code)}: {option_text(code, value)}")
    kind, seconds = divmod(int.from_bytes(record[_READING], "big"), 1 << 32)
    lines.append(f"begun at {seconds} s of clock {kind}" if kind else "begun when no clock says")
    return "\n    ".join(lines)


def _records(board: Board) -> list[str]:
    return [f"/{name}" for name in board.names("/") if name.startswith(_FILE)]


def _show(port: str) -> None:
    with Board(port) as board:
        records = _records(board)
        for path in records:
            print(f"{path}\n{describe(board.read(path))}")
    if not records:
        print("no lease is stored on the board")


def _wipe(port: str) -> None:
    with Board(port) as board:
        records = _records(board)
        board.run(_REMOVE % records)
    print("\n".join(f"removed {path}" for path in records) or "no lease was stored on the board")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", help="the serial port of the board")
    parser.add_argument("--wipe", action="store_true", help="remove the records")
    arguments = parser.parse_args()
    try:
        if not arguments.port:
            raise Refusal(f"PORT= is missing; {ports()}")
        (_wipe if arguments.wipe else _show)(arguments.port)
    except Refusal as refusal:
        print(f"lease: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
