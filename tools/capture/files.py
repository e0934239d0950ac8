"""Files: the packets of pcap and pcapng, a payload by itself, gzipped or not.

A capture is read packet by packet, so its size does not matter. Nothing is guessed: a file that is
cut off, or that claims what cannot be, is refused in words, behind the packets that were whole.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from struct import unpack_from
from typing import BinaryIO, NamedTuple, cast

_MAX_PAYLOAD = 65507  # bytes, of UDP over IPv4
_LONGEST = 1 << 24  # a packet or block that claims to be longer shows that the file is broken
_FOREIGN = (
    "is neither pcap nor pcapng, and not named .bin. Of another capture `editcap -F pcap` makes "
    "one, and of a payload in hex `xxd -r -p` a .bin"
)
_AT_ONCE = 1 << 16  # bytes: what is claimed and is not there takes no memory


class Unreadable(Exception):
    """A file that is not what it should be, or only in part; the text says what is wrong."""


class Packet(NamedTuple):
    """A packet of a capture."""

    number: int  # in the file, from 1
    ns: int | None  # since 1970
    interface: int
    link: int  # what it begins with, a LINKTYPE_ of pcap's registry
    data: bytes
    size: int  # on the wire

    def cut(self) -> str | None:
        """What to say if the capture has less of it than the wire had."""
        kept = len(self.data)
        return f"the capture kept {kept} of its {self.size} bytes" if kept < self.size else None


def packets(file: BinaryIO) -> Iterator[Packet]:
    """The packets of a capture, pcap or pcapng, gzipped or not.

    file: is read from where it stands, and need not be able to seek.
    Raises Unreadable, in the end, where there may be more; OSError where reading fails.
    """
    with _gzip_in_words():
        magic = file.read(4)
        if magic.startswith(_GZIP):
            file = _unzipped(_Again(magic, file))
            magic = file.read(4)
        if magic in _PCAP:
            yield from _pcap(file, *_PCAP[magic])
        elif magic == _SECTION:
            yield from _pcapng(file)
        else:
            raise Unreadable(_FOREIGN if magic else "is empty")


def payload(file: BinaryIO, zipped: bool) -> bytes:
    """What a UDP datagram carried, of a file that holds that alone.

    zipped: whether the file is a gzip stream of it.
    Raises Unreadable, OSError.
    """
    with _gzip_in_words():
        data = (_unzipped(file) if zipped else file).read(_MAX_PAYLOAD + 1)
    if len(data) > _MAX_PAYLOAD:
        raise Unreadable(f"is longer than a UDP payload can be, {_MAX_PAYLOAD} bytes")
    return data


def _take(file: BinaryIO, size: int, what: str) -> bytes:
    if size > _LONGEST:
        raise Unreadable(f"{what} claims {size} bytes")
    parts = []
    while size and (part := file.read(min(size, _AT_ONCE))):
        parts.append(part)
        size -= len(part)
    if size:
        raise Unreadable(f"is cut off in {what}")
    return b"".join(parts)


# --- gzip ---------------------------------------------------------------------------------------

_GZIP = b"\x1f\x8b"


def _unzipped(file: BinaryIO | _Again) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, file)))


@contextmanager
def _gzip_in_words() -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise Unreadable("is cut off within its gzip stream") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(f"is damaged within its gzip stream: {error}") from None


class _Again:
    # A stream, and before it what was read of it already: a pipe cannot seek back.

    def __init__(self, start: bytes, file: BinaryIO) -> None:
        self._start = start
        self._file = file

    def read(self, size: int) -> bytes:
        start = self._start[:size]
        self._start = self._start[size:]
        return start or self._file.read(size)


# --- pcap ---------------------------------------------------------------------------------------

_PCAP = {  # its magic number: byte order, nanoseconds in a unit of its clock
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}


def _pcap(file: BinaryIO, order: str, unit: int) -> Iterator[Packet]:
    major, minor, link = unpack_from(order + "HH12xI", _take(file, 20, "the pcap header"))
    if major != 2:
        raise Unreadable(f"is pcap version {major}.{minor}, not 2")
    number = 1
    while first := file.read(1):
        header = first + _take(file, 15, f"packet {number}")
        seconds, fraction, kept, size = unpack_from(order + "IIII", header)
        data = _take(file, kept, f"packet {number}")
        ns = seconds * 10**9 + fraction * unit
        yield Packet(number, ns, 0, link & 0xFFFF, data, size)  # above: the length of an FCS
        number += 1


# --- pcapng -------------------------------------------------------------------------------------

_SECTION = b"\n\r\r\n"  # in both byte orders
_BYTE_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6  # blocks
_TSRESOL, _TSOFFSET = 9, 14  # options of an interface


class _Interface(NamedTuple):
    link: int
    snaplen: int
    rate: int  # units of its clock in a second
    offset: int  # what its clock is to be corrected by, seconds


def _pcapng(file: BinaryIO) -> Iterator[Packet]:
    order = ""
    interfaces: list[_Interface] = []
    block = number = 1
    kind = _SECTION
    while kind:
        what = f"block {block}"
        kind += _take(file, 4 - len(kind), what)
        length = _take(file, 4, what)
        start = b""
        if kind == _SECTION:
            start = _take(file, 4, what)
            if start not in _BYTE_ORDER:
                raise Unreadable(f"{what} begins a section in no known byte order")
            order = _BYTE_ORDER[start]
            interfaces = []
        (size,) = unpack_from(order + "I", length)
        if size % 4 or size < 12 + len(start):
            raise Unreadable(f"{what} claims {size} bytes")
        body = _take(file, size - 12 - len(start), what)
        if _take(file, 4, what) != length:
            raise Unreadable(f"{what} ends with another length than it begins with")
        try:
            (form,) = unpack_from(order + "I", kind)
            if form == _INTERFACE:
                interfaces.append(_interface(order, body))
            elif form in (_ENHANCED_PACKET, _SIMPLE_PACKET, _OBSOLETE_PACKET):
                yield _pcapng_packet(order, form, body, interfaces, number)
                number += 1
        except struct.error:
            raise Unreadable(f"{what} is too short for what it should hold") from None
        block += 1
        kind = file.read(1)


def _interface(order: str, body: bytes) -> _Interface:
    link, snaplen = unpack_from(order + "HxxI", body)
    rate, offset = 10**6, 0
    at = 8
    code = -1
    while code and at < len(body):
        code, size = unpack_from(order + "HH", body, at)
        if code == _TSRESOL:
            (exponent,) = unpack_from("B", body, at + 4)
            rate = 2 ** (exponent & 127) if exponent & 128 else 10**exponent
        elif code == _TSOFFSET:
            (offset,) = unpack_from(order + "q", body, at + 4)
        at += 4 + size + -size % 4
    return _Interface(link, snaplen, rate, offset)


def _pcapng_packet(
    order: str, form: int, body: bytes, interfaces: list[_Interface], number: int
) -> Packet:
    if form == _SIMPLE_PACKET:
        index, at = 0, 4
        (size,) = unpack_from(order + "I", body)
    else:
        head = "IIIII" if form == _ENHANCED_PACKET else "HxxIIII"
        index, high, low, kept, size = unpack_from(order + head, body)
        at = 20
    if index >= len(interfaces):
        raise Unreadable(f"packet {number} is of interface {index}, which is not there")
    link, snaplen, rate, offset = interfaces[index]
    if form == _SIMPLE_PACKET:
        ns = None
        kept = min(size, snaplen or size)
    else:
        ns = offset * 10**9 + (high << 32 | low) * 10**9 // rate
    (data,) = unpack_from(f"{kept}s", body, at)
    return Packet(number, ns, index, link, data, size)
