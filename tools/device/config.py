"""A board's config: what may be in it, and what a deployment makes of it."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from device.catalogue import WIFI, Model
from device.remote import Board
from dhcpc import Link, options
from dhcpc.config import _SETTINGS, check, client, parsed
from dhcpc.config import PATH as CONFIG
from toolchain.cli import Refusal

SETTINGS = frozenset(_SETTINGS)
OPTIONS = frozenset(name for code in range(1, 255) if not (name := options.name(code)).isdigit())
OTHERS = {  # what others call a setting
    "address": "fallback",
    "essid": "ssid",
    "host": "hostname",
    "ip": "fallback",
    "name": "hostname",
    "network": "ssid",
    "pass": "key",
    "passphrase": "key",
    "password": "key",
    "psk": "key",
    "static": "fallback",
    "wifi": "ssid",
}
OF_OPTIONS = {  # and an option
    "dns": "domain_name_server",
    "gateway": "router",
    "mask": "subnet_mask",
    "netmask": "subnet_mask",
}

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
        raise Refusal(_clearer(text, str(error), whose)) from None
    try:
        client(_Trial(), clock=lambda: 0, **found)
    except ValueError as error:
        raise Refusal(f"{whose}: {error}") from None
    return found


def near(name: str, names: Iterable[str], others: Mapping[str, str] = OTHERS) -> str:
    """Which of the names may be meant by one that is not among them: "is it key?", or ""."""
    low = name.lower().strip()
    known = sorted(names)
    meant = [each for each in known if each == others.get(low, low)]
    meant = meant or [each for each in known if len(low) > 1 and each.startswith(low)]
    meant = meant or get_close_matches(low, known, 1)
    return f"is it {' or '.join(meant)}?" if meant else ""


def _clearer(text: str | bytes, why: str, whose: str) -> str:
    # What the board says, and where it names no more than a list what is wrong in it, and what may
    # be meant.
    try:
        found = json.loads(text)
    except (RecursionError, ValueError):
        return why
    head, _, rest = why.removeprefix(f"{whose}: ").partition(": ")
    if rest == "" and (wrong := re.match('(there is no (".*")); there are ', head)):
        hint = near(json.loads(wrong[2]), SETTINGS)
        return f"{whose}: {wrong[1]}: {hint}" if hint else why
    listed = found.get(head) if head in ("options", "params") else None
    for each in listed if isinstance(listed, (dict, list)) else ():
        try:
            options.code(each)
        except ValueError as error:
            hint = near(str(each), OPTIONS, OF_OPTIONS)
            return f"{whose}: {head}: {error}{hint and f': {hint}'}"
    return why


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
