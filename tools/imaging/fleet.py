"""A fleet: a table with a line for each board, a column for each setting of /dhcpc.json."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from device.catalogue import Model
from device.config import SETTINGS, checked, held, near, read
from dhcpc.config import check, extras
from toolchain.cli import Refusal

_NAME = "hostname"
_TEXTS = (_NAME, "ssid", "key")  # are never JSON, whatever they begin with

Config = dict[str, Any]


class Member(NamedTuple):
    """A board of the fleet."""

    hostname: str
    config: Config


def fleet(path: Path, base: Config, board: Model, key: str) -> list[Member]:
    """The boards of a table in CSV. What a line leaves empty is as in the config `base`; but the
    key of another network than the line's is not taken. Without one it gets `key`, which may be
    empty.

    Refusal: names the line and the column that is wrong.
    """
    members = []
    places: dict[str, str] = {}
    for where, row in _rows(path):
        config = held(_config(row, base, key, where), board, where)
        first = places.setdefault(config[_NAME].lower(), where)  # in DNS it is the same name
        if first != where:
            raise Refusal(f"{where}: {_NAME}: it is used already: {first}")
        members.append(Member(config[_NAME], config))
    if not members:
        raise Refusal(f"{path}: there is no board in it")
    return members


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    # Where each line is, for people, and its texts by column.
    try:
        text = read(str(path)).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns = next(reader, [])
        _check(columns, f"{path}, line 1")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if any(row):
                if len(row) != len(columns):
                    raise Refusal(f"{where}: {len(row)} columns, line 1 has {len(columns)}")
                yield where, dict(zip(columns, row, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refusal(f"{path}: no CSV in UTF-8: {error}") from None


def _check(columns: list[str], where: str) -> None:
    if _NAME not in columns:
        raise Refusal(f"{where}: there is no column {_NAME}; commas stand between columns")
    for column in columns:
        if columns.count(column) > 1:
            raise Refusal(f"{where}: {column}: there are two of them")
        try:
            extras({column: None})
        except KeyError:
            hint = near(column, SETTINGS)
            raise Refusal(
                f"{where}: {json.dumps(column)}: there is no such setting"
                f"{hint and f': {hint}'}; docs/config.md has them"
            ) from None


def _config(row: dict[str, str], base: Config, key: str, where: str) -> Config:
    if not row[_NAME]:
        raise Refusal(f"{where}: {_NAME}: is empty")
    given = {name: _value(name, row[name]) for name in row if row[name]}
    config = {**base, **given}
    if "key" not in given:
        if config.get("ssid") != base.get("ssid"):
            config.pop("key", None)
        if "ssid" in config and key:
            config.setdefault("key", key)
    try:
        return checked(json.dumps(config), where)
    except Refusal as error:
        raise Refusal(
            f"{where}: {_without_value(str(error).removeprefix(f'{where}: '))}"
        ) from None


def _without_value(why: str) -> str:
    # A refusal that may be printed: line and column tell where the value is, which may be a key
    # in the wrong column.
    name, _, rest = why.partition(": ")
    if " is not " in rest and not rest.startswith("no option "):
        return f"{name}: it is not {rest.rpartition(' is not ')[2]}"
    if rest.startswith("it "):
        return why
    return f"{name}: docs/config.md says what it takes"


def _value(name: str, text: str) -> Any:
    # Text if the setting takes it as text, or else JSON.
    if name in _TEXTS:
        return text
    try:
        found = json.loads(text)
    except (RecursionError, ValueError):
        return text
    if isinstance(found, (dict, list)):
        return found
    try:
        check({name: text})
    except ValueError:
        return found
    return text
