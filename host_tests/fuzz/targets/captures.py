"""What tools/decode.py makes of a file, and tools/lease.py of one of records: whatever is in it,
the work is linear, and what is shown is printable ASCII; in the page, text that is escaped."""

from __future__ import annotations

import gzip
import json
import struct
import tempfile
import zlib
from html.parser import HTMLParser
from pathlib import Path

from capture.conversations import conversations
from capture.files import Unreadable
from capture.messages import Message, messages
from capture.summary import summary
from capture.text import text
from device.record import describe
from page.page import page
from script import Script, damaged, folder

LINES = 60_000, 300
BYTES = 1_500_000, 600
WORDS = (
    *(
        b"\xd4\xc3\xb2\xa1\2\0\4\0",
        b"\n\r\r\n",
        b"\x4d\x3c\x2b\x1a",
        b"\x1f\x8b\x08\0",
        b"\x81\0\0\1\x08\0",
    ),
    *(
        b"\x88\x64",
        b"\x08\0\x45\0",
        b"\x63\x82\x53\x63",
        b"\x35\x01\1",
        b"\x35\x01\3",
        b"\x34\x01\3",
        b"</script>",
        b"\x0c\x03a\x7fb",
    ),
    *(b"\x3d\x0f\xff\0\0\0\1\0\1\0\1", b"\x38\x06<b>&\"'", b"\x0c\x04\xe2\x80\xae<"),
)

REPLIES = [data for _, data in sorted(folder("replies").items())]
WIDTH = 80
LONGEST = 1 << 20  # bytes, unzipped; what is longer tells nothing new
FOLDER = tempfile.TemporaryDirectory(prefix="dhcpc-fuzz-")
MAC = b"\2\0\0\0\0\1"


def target(data: bytes) -> None:
    if data[:1] and data[0] & 3 == 3:
        check([describe(data[1:])])
        return
    name, content = file(data)
    if unzipped(content) > LONGEST:
        return
    path = Path(FOLDER.name, name)
    path.write_bytes(content)
    said: list[str] = []
    found: list[Message] = []
    try:
        for message in messages(str(path), said.append):
            found.append(message)
    except Unreadable as error:
        said.append(str(error))
    shown = [*said]
    for message in found:
        line = json.dumps(message.record)
        assert json.loads(line) == message.record
        shown += [line, text(message, 0)]
    told = conversations(found)
    assert sum(len(each.steps) for each in told) == len(found)
    shown += [summary(each, WIDTH) for each in told]
    check(shown)
    if data[:1] < b"\x40":  # of many: it takes long
        Page(page(told, name)).check(found)


def check(shown: list[str]) -> None:
    for each in shown:
        assert each.isascii()
        assert each.replace("\n", "").isprintable()


def size(data: bytes) -> int:
    return unzipped(file(data)[1])


def file(data: bytes) -> tuple[str, bytes]:
    """The name and the bytes of a file."""
    s = Script(data)
    how = s.byte()
    if how & 3 == 0:
        return "x.pcap", s.rest()
    if how & 3 == 1:
        return ("x.bin.gz" if how & 4 else "x.bin"), s.rest()
    content = pcap(s)
    return "x.pcap", gzip.compress(content, 1, mtime=0) if how & 4 else content


def pcap(s: Script) -> bytes:
    """A capture of messages, the script's own or damaged real ones."""
    content = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for second in range(20):
        if not s.more():
            break
        how = s.byte()
        payload = REPLIES[s.byte() % len(REPLIES)]
        if how & 1:
            payload = payload[:28] + MAC + payload[34:]
        if how & 2:
            payload = damaged(s, payload)
        if how & 4:
            payload = s.take(s.number(2) % 1500)
        if how & 8:
            payload = b"\1" + payload[1:]
        if how & 16:
            payload = payload[:4] + b"\0\0\0" + bytes((s.byte(),)) + payload[8:]
        ports = b"\0\x43\0\x44" if payload[:1] == b"\2" else b"\0\x44\0\x43"
        udp = ports + struct.pack("!HH", len(payload) + 8, 0) + payload
        more = 0x2000 if how & 32 else 0
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, more, 64, 17, 0)
        frame = b"\xff" * 6 + MAC + b"\x08\0" + head + b"\x0a\0\0\1" + b"\xff" * 4 + udp
        content += struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame
    return content


def unzipped(content: bytes) -> int:
    """How long a file is when it is read, as far as `LONGEST` and a bit."""
    size = len(content)
    if content.startswith(b"\x1f\x8b"):
        stream = zlib.decompressobj(31)
        try:
            size += len(stream.decompress(content, LONGEST + 1))
        except zlib.error:
            pass
    return size


class Page(HTMLParser):
    """A page, taken apart."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: dict[str, int] = {}
        self.inside = ""
        self.data = ""
        assert html.replace("\n", "").isprintable()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        assert not [name for name, _ in attrs if name.startswith(("on", "src", "href", "style"))]
        self.inside = "data" if ("id", "data") in attrs else tag

    def handle_data(self, data: str) -> None:
        if self.inside == "data":
            self.data += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def check(self, found: list[Message]) -> None:
        assert set(self.tags) <= TAGS
        assert (self.tags["script"], self.tags["style"], self.tags["main"]) == (2, 1, 1)
        assert self.tags.get("li", 0) == len(found)
        told = json.loads(self.data)["messages"]
        assert sorted(each["hex"] for each in told) == sorted(m.payload.hex() for m in found)


TAGS = set(
    "html head meta title style body header h1 h2 p span noscript div label select option input "
    "button output main script section ol li code bdi".split()
)
