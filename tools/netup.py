#!/usr/bin/env python3
"""Bring a Linux interface up with the firmware's client, and keep the lease until stopped.

The client runs in the MicroPython VM. On SIGTERM or SIGINT the address is given back (RELEASE).
Needs root, or CAP_NET_RAW and CAP_NET_ADMIN.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import os
import sys
import tempfile
from pathlib import Path

from capture.conversations import conversations
from capture.messages import messages
from capture.recorder import Recorder
from device import interface
from page.page import page
from toolchain import cli
from toolchain.files import PAGE, PCAP, check_writable

_TIMEOUT_S = 20.0
_LONGEST_OPTION = 255  # bytes, RFC 2132 2


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser(
        "Brings a Linux interface up with the firmware's client in the MicroPython VM: gets a "
        "lease, sets address and route, and renews the lease until Ctrl-C; then it gives the "
        "lease back. It needs root, or CAP_NET_RAW and CAP_NET_ADMIN.",
        "sudo {} eth0",
        "sudo {} eth0 --once --store eth0.lease --json",
        "sudo {} eth0 --no-apply --trace page.html",
    )
    parser.add_argument("iface", metavar="IFACE", help="the interface, e.g. eth0")
    parser.add_argument(
        "--once", action="store_true", help="end when bound (exit 0) or on a time-out (exit 1)"
    )
    parser.add_argument(
        "--store",
        metavar="FILE",
        help="keep the lease in FILE, a new file or one of lease records; without this, only in "
        "memory",
    )
    parser.add_argument(
        "--hostname", metavar="H", help="the name to send to the server (option 12)"
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        help=f"give up after S seconds; {_TIMEOUT_S:g} with --once",
    )
    parser.add_argument(
        "--reuse",
        action="store_true",
        help="use a stored lease that still runs, without asking the server",
    )
    parser.add_argument(
        "--no-apply",
        dest="apply",
        action="store_false",
        help="do not set address and route",
    )
    parser.add_argument(
        "--resolver",
        action="store_true",
        help="put the name servers into /etc/resolv.conf until it ends",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="before using an address, ask by ARP for 0.9 s whether another host has it; if so, "
        "send DECLINE and start again",
    )
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="at the end, write what went over the wire: a page for a browser, or a capture if "
        "the name ends in .pcap",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object for each event")
    parser.add_argument(
        "--vm",
        choices=("micropython", "python"),
        metavar="VM",
        default="micropython",
        help="run the client in micropython (the default) or python",
    )
    return parser


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.timeout is None:
        arguments.timeout = _TIMEOUT_S if arguments.once else 0
    elif not 0 < arguments.timeout <= 1_000_000:
        parser.error(f"--timeout: {arguments.timeout:g} is not from 0 to 1000000 seconds")
    if (size := len(os.fsencode(arguments.hostname or ""))) > _LONGEST_OPTION:
        parser.error(f"--hostname: {size} bytes, and option 12 takes {_LONGEST_OPTION}")
    if arguments.resolver and not arguments.apply:
        parser.error("--resolver: not together with --no-apply")
    if arguments.store is not None:
        arguments.store = os.path.realpath(arguments.store)
    return arguments


def main() -> int:
    arguments = parsed()
    if sys.platform != "linux":
        raise cli.Refusal("this is for Linux interfaces")
    if arguments.trace is None:
        return interface.run(arguments)
    path = Path(arguments.trace)
    inputs = [arguments.store] if arguments.store else []
    check_writable(path, "--trace", PCAP if path.suffix == ".pcap" else PAGE, inputs)
    try:
        recorder = Recorder(arguments.iface)
    except OSError as error:
        raise cli.Refusal(f"--trace {path}: {error.strerror}") from None
    with recorder:
        code = interface.run(arguments)
    _write(path, recorder.pcap(), arguments.iface)
    return code


def _write(path: Path, pcap: bytes, title: str) -> None:
    if path.suffix == ".pcap":
        path.write_bytes(pcap)
        return
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(pcap)
        file.flush()
        found = conversations(messages(file.name, lambda words: None))
    path.write_text(page(found, title), "utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(cli.run(main))
