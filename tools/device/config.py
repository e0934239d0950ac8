"""A board's config: what may be in it, and what a deployment makes of it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from device.catalogue import WIFI, Model
from device.remote import Board
from dhcpc import Link
from dhcpc.config import PATH as CONFIG
from dhcpc.config import client, extras, parsed
from toolchain.cli import Refusal


class _Trial(Link):
    # That of a client which is made to see whether a board could make it.
    mac = b"\2\0\0\0\0\1"
    hostname = "mpy-esp32"  # the longest that boards have by themselves

    def __init__(self) -> None:
        super().__init__(None)
        self.nic = self  # it has one

    def apply(self, lease: object) -> None:
        pass


def checked(text: str | bytes, whose: str) -> dict[str, Any]:
    """The config that some JSON says, held to what the board holds it to. Refusal: names what is
    wrong with it, and whose it is.
    """
    try:
        found = parsed(text, whose)
    except ValueError as error:
        raise Refusal(str(error)) from None
    try:
        client(_Trial(), clock=lambda: 0, **found)
    except ValueError as error:
        raise Refusal(f"{whose}: {error}") from None
    return found


def held(found: dict[str, Any], board: Model, whose: str) -> dict[str, Any]:
    """The same config, if boot.py on this board goes along with it. Refusal: as of `checked`."""
    if "ssid" not in found:
        if board.nics == (WIFI,):
            raise Refusal(f"{whose}: there is no ssid, and {board.name} has nothing but Wi-Fi")
    elif "fallback" in found and len(board.nics) > 1:
        raise Refusal(f"{whose}: fallback: it does not go with several NICs")
    return found


def config(board: Board, arguments: argparse.Namespace, exists: bool) -> dict[str, bytes]:
    """The file that the arguments ask for, by its path; none if they do not ask for one. exists:
    there is one on the board."""
    if arguments.config:
        found = checked(read(arguments.config), arguments.config)
    elif not arguments.ssid:
        return {}
    else:
        found = checked(board.read(CONFIG), f"{CONFIG} on the board") if exists else {}
        found.pop("key", None)
    if arguments.ssid:
        found = {**found, **wifi(arguments)}
    return {CONFIG: as_file(found)}


def as_file(config: dict[str, Any]) -> bytes:
    """What the file says, as it is on a board."""
    # MicroPython reads what lies beyond the first plane wrongly if it is escaped.
    return json.dumps(config, ensure_ascii=False).encode()


def extras_for(board: Board, files: dict[str, bytes], exists: bool) -> set[str]:
    """The extras that a board takes to do what the config among these files says, or, without
    one, its own, if it `exists`: none, if that is wrong, which the board says when it starts.
    """
    if CONFIG not in files and not exists:
        return set()
    try:
        return extras(parsed(files.get(CONFIG) or board.read(CONFIG)))
    except ValueError:
        return set()


def wifi(arguments: argparse.Namespace) -> dict[str, Any]:
    """The part of it that is about the Wi-Fi. An open network has no key."""
    key = os.environ["WIFI_KEY"]
    return {"ssid": arguments.ssid, **({"key": key} if key else {})}


def read(path: str) -> bytes:
    """A file of this computer. Refusal: it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None
