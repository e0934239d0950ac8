#!/usr/bin/env python3
"""Puts the firmware onto boards: what has changed, checked before and after, in the end at one
stroke.

All is copied beside what is there and compared with what was sent; only then it takes its place,
file by file. A run that is cut off leaves each file as it was or as it shall be, and the next one
goes on with what had arrived.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import getpass
import json
import os
import signal
import subprocess
import sys
import threading

from device.catalogue import model
from device.config import CONFIG, check_key, checked, given, read
from device.deployment import EXTRAS, Deployment, check_extras
from device.remote import Board, check_port, resolved
from toolchain import cli
from toolchain.cli import Refusal


def options(description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser for what is deployed, and where to."""
    parser = cli.parser(
        f"{description} The key of the Wi-Fi comes from WIFI_KEY in the environment, or the "
        "command asks for it.",
        *examples,
    )
    parser.add_argument(
        "board", nargs="?", default="", help="a folder of boards/, e.g. RPI_PICO_W"
    )
    parser.add_argument(
        "port",
        nargs="*",
        help="serial ports: /dev/ttyACM0, or a0 for short; auto is the only board on USB",
    )
    parser.add_argument("--debug", action="store_true", help="copy source, not .mpy files")
    parser.add_argument(
        "--extras", type=str.split, default=[], help=f"a list in quotes, of: {' '.join(EXTRAS)}"
    )
    parser.add_argument(
        "--config", metavar="FILE", help=f"the file that becomes {CONFIG} on the board"
    )
    parser.add_argument("--ssid", help="the Wi-Fi for the board; the rest of its config stays")
    parser.add_argument(
        "--no-app", dest="app", action="store_false", help="do not touch /boot.py and /main.py"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace programs that are not from here, and accept a board that says that it is "
        "another one",
    )
    return parser


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    return options(
        "Puts the firmware onto boards.",
        "RPI_PICO_W /dev/ttyACM0 --ssid greenhouse",
        "ESP32_GENERIC /dev/ttyUSB0 --config greenhouse.json",
    ).parse_args()


def check(arguments: argparse.Namespace, ports: list[str]) -> None:
    """Refuse what can be known to fail without a board; ask for a key that is needed."""
    board = model(arguments.board)
    check_extras(arguments.extras)
    if arguments.config:
        checked(read(arguments.config), arguments.config)
    if arguments.ssid:
        checked(json.dumps({"ssid": arguments.ssid}), "SSID")
        if "WIFI_KEY" in os.environ:
            check_key(os.environ["WIFI_KEY"])
        else:
            os.environ["WIFI_KEY"] = _asked_key(arguments.ssid, ports)
    if arguments.config:
        given(arguments, board)


def _asked_key(ssid: str, ports: list[str]) -> str:
    # Once, and again if it is none: but not for a port that is not there.
    if not sys.stdin.isatty():
        raise Refusal("SSID= needs a key: set WIFI_KEY, empty for an open network")
    for port in ports:
        check_port(port)
    while True:
        key = getpass.getpass(f"key of {ssid}: ")
        try:
            check_key(key)
            return key
        except Refusal as error:
            print(f"{error}. Once more:", flush=True)


def deploy(arguments: argparse.Namespace, port: str) -> None:
    """Deploy onto the board on one port."""
    with Board(port) as board:
        done = Deployment(board, arguments).run()
    print(done)


def _deploy_all(ports: list[str], words: list[str]) -> int:
    # A process for each port, as each has a terminal and a mpremote of its own. Ctrl-C is for us.
    runs = [
        subprocess.Popen(
            [sys.executable, __file__, *words, port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for port in ports
    ]
    readers = [
        threading.Thread(target=_relay, args=pair) for pair in zip(ports, runs, strict=True)
    ]
    for reader in readers:
        reader.start()
    try:
        for reader in readers:
            reader.join()
    except KeyboardInterrupt:
        for run in runs:
            run.send_signal(signal.SIGINT)
        for reader in readers:
            reader.join()
    return max(run.wait() for run in runs)


def _relay(port: str, run: subprocess.Popen[str]) -> None:
    for line in run.stdout or ():
        print(f"{port}: {line}", end="", flush=True)


def main() -> int:
    arguments = parsed()
    try:
        model(arguments.board)
        ports = list(dict.fromkeys(resolved(port) for port in arguments.port or [""]))
        check(arguments, ports)
        if len(ports) > 1:
            return _deploy_all(
                ports, [word for word in sys.argv[1:] if word not in arguments.port]
            )
        deploy(arguments, ports[0])
    except KeyboardInterrupt:
        raise cli.Interrupted("interrupted; run again, it goes on with what has arrived") from None
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
