#!/usr/bin/env python3
"""Shows the DHCP messages in captures: who said what to whom, what came of it, what is wrong.

The folder `capture/` knows the files, the headers around a message, the conversations and the
words; a message itself is read by the firmware's codec, and judged by its session.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import argparse
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from capture.conversations import Clients, conversations
from capture.files import Unreadable
from capture.messages import Message, messages
from capture.names import mac_text
from capture.summary import summary
from capture.text import text
from page.page import page
from toolchain import cli
from toolchain.files import check_writable

_FILES = "pcap or pcapng (- is standard input), or a BOOTP payload in a .bin; each may be gzipped"
_LIVE = "decode: reads standard input; Ctrl-C ends it and shows the summary"
_UNREAD = 2  # exit code
_WIDTH = 80  # columns, where there is no terminal


def _mac(value: str) -> str:
    # As mac_text writes it. Of pairs, a leading zero may be left out.
    groups = re.split("[-:.]", value.lower())
    digits = "".join(group.zfill(2) for group in groups)
    if not re.fullmatch("[0-9a-f]{12}", digits) or len({*map(len, groups)} - {1, 2}) > 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a MAC address like 02:00:00:00:00:01")
    return mac_text(bytes.fromhex(digits))


def _xid(value: str) -> str:
    # As a record has it.
    found = re.fullmatch(r"(?:0x)?([0-9a-f]{1,8})", value.lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{value!r} is not an xid, up to 8 hex digits")
    return found[1].zfill(8)


def main() -> int:
    parser = cli.parser(
        "Shows the DHCP messages in captures: who said what to whom, the result, what is wrong, "
        "and what to do.",
        "trace.pcap",
        "-v --client 02:00:00:00:00:01 trace.pcapng.gz",
        "--html page.html trace.pcap",
        "ssh router tcpdump -U -w - port 67 | {} -",
    )
    parser.add_argument("file", nargs="+", help=_FILES)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show every field of every message"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object for each message, each on a line, with or without -v",
    )
    parser.add_argument("--client", type=_mac, metavar="MAC", help="show only that client")
    parser.add_argument("--xid", type=_xid, metavar="HEX", help="show only that transaction")
    parser.add_argument("--html", metavar="FILE", help="also write a page for a browser")
    args = parser.parse_args()
    if args.html:
        check_writable(Path(args.html), "--html", inputs=args.file)
    seen: list[Message] = []
    code = _UNREAD
    quiet = "-" in args.file and not (args.json or args.verbose)
    try:
        with cli.patience(_LIVE) if quiet else nullcontext():
            code = max([_shown(path, args, seen) for path in args.file])
    finally:
        # With Ctrl-C, too: that is how a recording from a pipe ends.
        if args.html and (seen or code != _UNREAD):
            made = page(conversations(seen), ", ".join(args.file))
            Path(args.html).write_text(made, "utf-8", newline="\n")
    return code


def _shown(path: str, args: argparse.Namespace, every: list[Message]) -> int:
    # Shows a file; what exit code it is worth. every: gets the messages, if there is to be a page.
    def say(what: str) -> None:
        print(f"decode: {path}: {what}", file=sys.stderr)

    code = 0
    start_ns = None
    seen = False
    kept: list[Message] = []
    there: set[str] = set()  # clients
    try:
        for message in _chosen(messages(path, say), args, there):
            seen = True
            if args.html:
                every.append(message)
            if message.record["error"]:
                code = 1
            if args.json:
                print(json.dumps(message.record), flush=True)
            elif args.verbose:
                if start_ns is None:
                    start_ns = message.ns
                width = shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0
                print(text(message, start_ns, width), flush=True)
            else:
                kept.append(message)
    except BrokenPipeError:
        raise  # who reads our output has gone
    except (OSError, Unreadable) as error:
        say(str(getattr(error, "strerror", None) or error))
        code = _UNREAD
    finally:  # as above
        _tell(path if len(args.file) > 1 else "", kept)
    if not seen and not code:
        say(_nothing(args, there))
        code = 1
    return code


def _nothing(args: argparse.Namespace, there: set[str]) -> str:
    # What to say of a file with no message to be shown. there: the clients in it.
    said = "has no DHCP message"
    if not there:
        return said
    if args.xid:
        said += f" of transaction {args.xid}"
    if args.client:
        said += f" of client {args.client}"
    return f"{said}; its clients are {', '.join(sorted(there))}"


def _chosen(
    found: Iterator[Message], args: argparse.Namespace, there: set[str]
) -> Iterator[Message]:
    # there: gets the clients of all messages.
    clients = Clients()
    for message in found:
        client = clients.of(message)
        there.add(client)
        if args.client in (None, client) and args.xid in (None, message.record["xid"]):
            yield message


def _tell(title: str, found: list[Message]) -> None:
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    for conversation in conversations(found):
        print(*[title] * bool(title), summary(conversation, width), "", sep="\n", flush=True)


if __name__ == "__main__":
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be any bytes
    sys.exit(cli.run(main))
