#!/usr/bin/env python3
"""Shows the DHCP messages in captures: what was sent, what came back, what is wrong with it.

The folder `capture/` knows the files, the headers around a message, and the words; the message
itself is read by the firmware's codec.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "firmware"))

from capture.files import Unreadable
from capture.messages import messages
from capture.text import text
from toolchain import cli

_FILES = "pcap or pcapng (- is standard input), or a BOOTP payload named .bin; each may be gzipped"


def main() -> int:
    parser = cli.parser("Shows the DHCP messages in captures.")
    parser.add_argument("file", nargs="+", help=_FILES)
    parser.add_argument("--json", action="store_true", help="one object a message, one a line")
    args = parser.parse_args()
    status = 0
    for path in args.file:

        def say(what: str, path: str = path) -> None:
            print(f"{path}: {what}", file=sys.stderr)

        start_ns = None
        try:
            for message in messages(path, say):
                record = message.record
                if args.json:
                    print(json.dumps(record), flush=True)
                else:
                    if start_ns is None and message.datagram:
                        start_ns = message.datagram.packet.ns
                    print(text(message, start_ns), flush=True)
                if record["error"]:
                    status = max(status, 1)
        except BrokenPipeError:
            raise  # who reads our output has gone
        except (OSError, Unreadable) as error:
            say(str(getattr(error, "strerror", None) or error))
            status = 2
    return status


if __name__ == "__main__":
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be any bytes
    sys.exit(cli.run(main))
