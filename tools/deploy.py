#!/usr/bin/env python3
"""Puts the firmware onto boards: what has changed, checked before and after, in the end at one
stroke.

All is copied beside what is there and compared with what was sent; only then it takes its place,
file by file. A run that is cut off leaves each file as it was or as it shall be, and the next one
goes on with what had arrived.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from device.catalogue import model
from device.config import CONFIG, checked, held, read, wifi
from device.deployment import EXTRAS, Deployment, check_extras
from device.remote import Board, ports
from toolchain import cli
from toolchain.cli import Refusal


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = cli.parser(
        "Puts the firmware onto boards. The key of the Wi-Fi comes from WIFI_KEY in "
        "the environment, or is asked for."
    )
    parser.add_argument("board", nargs="?", default="", help="as in boards/, e.g. RPI_PICO_W")
    parser.add_argument("port", nargs="*", help="serial ports, e.g. /dev/ttyACM0")
    parser.add_argument("--debug", action="store_true", help="copy source, not .mpy files")
    parser.add_argument(
        "--extras", type=str.split, default=[], help=f"in quotes, of: {' '.join(EXTRAS)}"
    )
    parser.add_argument("--config", metavar="FILE", help=f"what {CONFIG} on the board shall say")
    parser.add_argument("--ssid", help="the Wi-Fi of the board; the rest of its config stays")
    parser.add_argument(
        "--no-app", dest="app", action="store_false", help="leave /boot.py and /main.py alone"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace programs that are not from here"
    )
    return parser.parse_args()


def _check(arguments: argparse.Namespace) -> None:
    # What can be known without a board.
    board = model(arguments.board)
    if not arguments.port:
        raise Refusal(f"PORT= is missing; {ports()}")
    check_extras(arguments.extras)
    if arguments.config:
        found = checked(read(arguments.config), arguments.config)
        if arguments.ssid:
            found["ssid"] = arguments.ssid
        held(found, board, arguments.config)
    if arguments.ssid:
        if "WIFI_KEY" not in os.environ:
            if not sys.stdin.isatty():
                raise Refusal("SSID= needs a key: set WIFI_KEY, empty for an open network")
            os.environ["WIFI_KEY"] = getpass.getpass(f"key of {arguments.ssid}: ")
        checked(json.dumps(wifi(arguments)), "SSID or WIFI_KEY")


def _deploy(arguments: argparse.Namespace) -> None:
    with Board(arguments.port[0]) as board:
        done = Deployment(board, arguments).run()
    print(done)


def _deploy_all(arguments: argparse.Namespace) -> int:
    # A process for each port, as each has a terminal and a mpremote of its own. Ctrl-C is for us.
    given = [argument for argument in sys.argv[1:] if argument not in arguments.port]
    runs = [
        subprocess.Popen(
            [sys.executable, __file__, *given, port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for port in arguments.port
    ]
    readers = [
        threading.Thread(target=_relay, args=pair)
        for pair in zip(arguments.port, runs, strict=True)
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
    arguments.port = list(dict.fromkeys(arguments.port))
    try:
        _check(arguments)
        if len(arguments.port) > 1:
            return _deploy_all(arguments)
        _deploy(arguments)
    except KeyboardInterrupt:
        raise cli.Interrupted("interrupted; run again, it goes on with what has arrived") from None
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
