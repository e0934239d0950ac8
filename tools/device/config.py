"""A board's config: what may be in it, and what a deployment makes of it."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.remote import Board
from toolchain.cli import Refusal

CONFIG = "/dhcpc.json"


def _text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value, re.DOTALL))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not True and 1 <= value <= 86400


# As firmware/boot.py reads them; only more closely, as here somebody is there to mend it.
_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ssid": (lambda value: _text(".+")(value) and len(value.encode()) <= 32, "1 to 32 bytes"),
    "key": (_text("[ -~]{8,63}|[0-9A-Fa-f]{64}"), "8 to 63 ASCII characters, or 64 hex digits"),
    "hostname": (
        _text("[0-9A-Za-z]([0-9A-Za-z-]{0,30}[0-9A-Za-z])?"),
        "1 to 32 letters, digits and inner hyphens",
    ),
    "timeout_s": (_number, "a number from 1 to 86400"),
    "watchdog_s": (_number, "a number from 1 to 86400"),
}


def checked(text: str | bytes, whose: str) -> dict[str, Any]:
    """The config that some JSON says. Refusal: names what is wrong with it, and whose it is."""
    try:
        config = json.loads(text)
    except ValueError as error:
        raise Refusal(f"{whose} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise Refusal(f"{whose} is not a JSON object")
    for name, value in config.items():
        if name not in _KEYS:
            raise Refusal(f"{whose}: there is no {name!r}; there are {', '.join(_KEYS)}")
        right, what = _KEYS[name]
        if not right(value):
            shown = "it" if name == "key" else json.dumps(value)  # nearly a secret
            raise Refusal(f"{whose}: {name}: {shown} is not {what}")
    return config


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
    return {CONFIG: json.dumps(found).encode()}


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
