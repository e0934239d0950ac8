#!/usr/bin/env python3
"""Shows, makes, edits and removes lease records: in a file, in a littlefs image, or on a board.

Fields of a record are given as NAME=VALUE, its options among them by these names. An option
without a value is taken out. docs/record.md has the format.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import sys

from device.places import Place, place
from device.record import FIELDS, Bytes, Fields, describe, split
from toolchain import cli


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
        if paths:
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
        store = Bytes(b"".join(_records(there)))
        fields.save(store)
        # The firmware would not write another reading alone.
        _put(there, record + store.data[len(record) :])


def _set(target: str, number: int, settings: list[str]) -> None:
    with place(target) as there:
        records = _records(there)
        if not 0 < number <= len(records):
            raise cli.Refusal(f"--record {number}: there are {len(records)}")
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
    records = split(there.read(there.path))
    for record in records:
        try:
            Fields.of(record)
        except ValueError as error:
            raise cli.Refusal(f"{there.path}: has {error}; `wipe` removes it") from None
    return records


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = cli.parser(
        "Shows, makes, edits and removes lease records: in a file, in a littlefs image, or on a "
        "board. Each COMMAND has its own --help.",
        "show /dev/ttyACM0",
        "set flash.bin ip=192.0.2.6 router=",
        "make eth0.lease mac=02:00:00:00:00:01 ip=192.0.2.5 server=192.0.2.1 lease=3600",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fields = f"fields: {' '.join(FIELDS)}"
    show = commands.add_parser("show", help="print the records")
    make = commands.add_parser("make", help="put a record before the others", epilog=fields)
    edit = commands.add_parser("set", help="change fields of a record", epilog=fields)
    wipe = commands.add_parser("wipe", help="remove all records")
    for command in (show, make, edit, wipe):
        command.add_argument(
            "target", help="a file of records, a littlefs image, or a board's serial port"
        )
    for command in (make, edit):
        command.add_argument("settings", nargs="+", metavar="NAME=VALUE")
    edit.add_argument("--record", type=int, default=1, metavar="N", help="from 1, the default")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    match arguments.command:
        case "show":
            _show(arguments.target)
        case "make":
            _make(arguments.target, arguments.settings)
        case "set":
            _set(arguments.target, arguments.record, arguments.settings)
        case "wipe":
            _wipe(arguments.target)


if __name__ == "__main__":
    sys.exit(cli.run(main))
