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
from dhcpc.config import check, client, parsed
from toolchain.cli import Refusal

_MOST = 64 * 1024 * 1024  # bytes: no board takes more, and a device may have no end
_RP2_WATCHDOG_MS = 8388  # of RP2350, too, before MicroPython 1.29


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


def check_key(key: str) -> None:
    """Refusal: a text is no key of a Wi-Fi, and not empty, as that of an open one is."""
    try:
        check({"key": key} if key else {})
    except ValueError as error:
        raise Refusal(str(error).replace("key: it", "the key", 1)) from None


def held(found: dict[str, Any], model: Model, whose: str) -> dict[str, Any]:
    """The same config, if boot.py and main.py on this board go along with it. Refusal: as of
    `checked`, with the remedy.
    """
    nics = [nic for nic in model.nics if nic != WIFI or "ssid" in found]
    if not nics:
        raise Refusal(f"{whose}: no ssid, and {model.name} has only Wi-Fi")
    if len(nics) > 1 and "fallback" in found:
        raise Refusal(
            f"{whose}: fallback: it does not go with several NICs: leave it out, or the ssid"
        )
    if model.port == "rp2" and int(found.get("watchdog_s", 0) * 1000) > _RP2_WATCHDOG_MS:
        raise Refusal(
            f"{whose}: watchdog_s: {found['watchdog_s']} is more than the "
            f"{_RP2_WATCHDOG_MS / 1000} that the watchdog of {model.name} takes"
        )
    return found


def config(
    board: Board, arguments: argparse.Namespace, model: Model, exists: bool
) -> dict[str, Any] | None:
    """What the board's config will say; None if it will have none. exists: it has one."""
    if arguments.config:
        return given(arguments, model)
    if not exists:
        return wifi(arguments) if arguments.ssid else None
    if not (arguments.ssid or arguments.app):
        return None  # whatever is in it, it is not ours to read
    whose = f"{CONFIG} on the board"
    try:
        return _with_wifi(checked(board.read(CONFIG), whose), arguments, model, whose)
    except Refusal as error:
        raise Refusal(f"{error}; SSID= sets its Wi-Fi, CONFIG=FILE replaces it") from None


def given(arguments: argparse.Namespace, model: Model) -> dict[str, Any]:
    """The config of CONFIG=, with the Wi-Fi of SSID= if there is one. Refusal: as of `checked`,
    and, if boot.py is to read it, as of `held`."""
    found = checked(read(arguments.config), arguments.config)
    return _with_wifi(found, arguments, model, arguments.config)


def _with_wifi(
    found: dict[str, Any], arguments: argparse.Namespace, model: Model, whose: str
) -> dict[str, Any]:
    if arguments.ssid:
        found.pop("key", None)
        found |= wifi(arguments)
    return held(found, model, whose) if arguments.app else found


def as_file(config: dict[str, Any]) -> bytes:
    """What the file says, as it is on a board."""
    # MicroPython reads what lies beyond the first plane wrongly if it is escaped.
    return json.dumps(config, ensure_ascii=False).encode()


def wifi(arguments: argparse.Namespace) -> dict[str, Any]:
    """The part of it that is about the Wi-Fi. An open network has no key."""
    key = os.environ["WIFI_KEY"]
    return {"ssid": arguments.ssid, **({"key": key} if key else {})}


def read(path: str) -> bytes:
    """A file of this computer. Refusal: it cannot be read, or is too large."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}") from None
    if len(data) > _MOST:
        raise Refusal(f"{path}: it is larger than {_MOST // 1024 // 1024} MB")
    return data
