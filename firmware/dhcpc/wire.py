"""DHCP messages as bytes: RFC 951/2131 fields, RFC 2132 options, overload, RFC 3396.

Writes into a caller's buffer, reads one in place. Knows no state, no time, no socket, no file.
"""

from array import array
from struct import pack_into

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Protocol

    class Fields(Protocol):
        """What `build` writes."""

        @property
        def xid(self) -> bytes: ...
        @property
        def secs(self) -> int: ...
        @property
        def flags(self) -> int: ...
        @property
        def yiaddr(self) -> bytes: ...
        @property
        def server(self) -> bytes | None: ...
        @property
        def chaddr(self) -> bytes: ...
        @property
        def options(self) -> bytes: ...


_MIN_SIZE = const(300)  # RFC 1542 2.1; there are relays and servers that drop less
_ROOM = const(293)  # bytes of options that `build` has room for
_HEADER = const(240)  # the fixed fields of RFC 2131 figure 1, magic cookie included

# RFC 2131 table 5, as `build` is told it: option 53, and what else the message carries
_CIADDR = const(0x10)
_REQUESTED = const(0x20)
_SERVER = const(0x40)

# RFC 2132
_SINGLE = const(b"\0\xff")  # pad and END have no length byte
_BRIEF = const(b"\x04\x07")  # DECLINE, RELEASE
_PAD = const(0)
_OVERLOAD = const(52)
_CLIENT_ID = const(61)
_END = const(255)

_NOBODY = const(b"\0\0\0\0")

_TWICE = const(0x8000)  # marks an option that comes more than once


def option(code: int, value: bytes | str) -> bytes:
    """Encode one option, text as UTF-8. ValueError: no such code, or a value that is empty or
    longer than its length byte can say.
    """
    if isinstance(value, str):
        value = value.encode()
    # RFC 2132 9.14: option 61 has two bytes at least, the first of which says what the others are.
    if not (
        isinstance(code, int)
        and 0 < code < _END
        and isinstance(value, bytes)
        and (code == _CLIENT_ID) < len(value) <= 255
    ):
        raise ValueError("option", code)
    return bytes((code, len(value))) + value


def stray(buf: bytes, message: "Fields") -> str | None:
    """Return why a message is not a reply to `message`: "op", "xid" or "chaddr"; None if it is.
    htype and hlen are not checked: servers write what they like.
    """
    if not buf.startswith(b"\2"):
        return "op"
    if not buf.startswith(message.xid, 4):
        return "xid"
    return None if buf.startswith(message.chaddr, 28) else "chaddr"


def build(buf: bytearray | memoryview, type: int, message: "Fields") -> int:
    """Write a client's message (RFC 2131 table 5) into `buf`; return how long it is.

    buf: has 570 bytes. The message has at most 548, which every server takes: the 576 of RFC 2131
    2 without IP and UDP headers. Zeros follow it.
    type: option 53, plus 0x10 if the message has ciaddr, 0x20 for option 50, 0x40 for option 54.
    The value of the first two is `yiaddr`, of the third `server`; 0.0.0.0 is left out.
    message: anything with these attributes. xid, yiaddr, server: 4 bytes. secs, flags: 16 bits.
    chaddr: 6 bytes, an Ethernet address. options: all others, encoded, with END. Option 61 comes
    first if it is there, since DECLINE and RELEASE have no other.

    ValueError "options": they do not fit.
    """
    kind = type & 15
    options = message.options
    size = len(options)
    if size > _ROOM:
        raise ValueError("options")
    secs = min(message.secs, 0xFFFF)
    flags = message.flags
    if kind in _BRIEF:
        size = options[1] + 3 if options[0] == _CLIENT_ID else 1
        secs = flags = 0
    pack_into(  # 's' fills with zeros: yiaddr to giaddr; chaddr's padding, sname and file
        b"!I4sHH16s208s6sB",
        buf,
        0,
        0x01010600,  # op BOOTREQUEST, htype Ethernet, hlen 6, hops 0
        message.xid,
        secs,
        flags,
        message.yiaddr if type & _CIADDR else b"",
        message.chaddr,
        b"\x63\x82\x53\x63\x35\x01",  # the magic cookie, option 53
        kind,
    )
    i = 243
    if type & _REQUESTED and message.yiaddr != _NOBODY:
        pack_into("!H4s", buf, i, 0x3204, message.yiaddr)
        i += 6
    if type & _SERVER and message.server != _NOBODY:
        pack_into("!H4s", buf, i, 0x3604, message.server)
        i += 6
    pack_into("293s", buf, i, options)  # and zeros to where the longest message would end
    i += size
    if kind in _BRIEF:
        pack_into("58s", buf, i - 1, b"\xff")
    return max(i, _MIN_SIZE)


class Message:
    """A message, read in place. What `read` finds is valid until the next `read`."""

    buf: bytes

    def __init__(self) -> None:
        # Where an option's code stands in `buf`; 0 if it is not there.
        self.index = array("H", bytes(512))
        self.values: dict[int, bytes] = {}  # of the options that come in pieces

    def read(self, buf: bytes | bytearray | memoryview) -> str | None:
        """Index the options of a message. Return None, or the word for what is malformed.

        Pad, any order, a missing END, bytes after END, unknown options are no fault (RFC 2131
        4.1). The options field comes first, then `file`, then `sname`, if option 52 says so (RFC
        3396 5). "option" means that one runs over its field; the options before it are there.
        """
        self.buf = buf  # type: ignore[assignment]  # the others serve as well
        self.values.clear()
        pack_into("512s", self.index, 0, b"")
        end = len(buf)
        if not _HEADER <= end < _TWICE:
            return "length"
        wrong = self.scan(_HEADER, end)
        i = self.find(_OVERLOAD, 1)
        if i and buf[i] < 4:
            i = buf[i]  # in its bits: 1 file, 2 sname
            if i & 1:
                wrong = wrong or self.scan(108, 236)
            if i & 2:
                wrong = wrong or self.scan(44, 108)
        return wrong

    def scan(self, i: int, end: int) -> str | None:
        # One field. Few locals and no `try`: a frame of over 11 words would come from the heap.
        buf = self.buf
        index = self.index
        end -= 1  # a code there lacks its length byte
        while i < end:
            code = buf[i]
            if code == _PAD:
                i += 1
                continue
            if code == _END:
                return None
            after = i + buf[i + 1] + 2
            if after > end + 1:
                return "option"
            if index[code]:
                self.values[code] = self.option(code) + buf[i + 2 : after]  # type: ignore
                index[code] |= _TWICE
            else:
                index[code] = i
            i = after
        return "option" if i == end and buf[i] not in _SINGLE else None

    def find(self, code: int, length: int) -> int:
        """Where the option's value begins in `buf`; 0 if the option is not there, or has another
        length. The first one counts if there are several: nobody splits one that small.
        """
        i = self.index[code] & ~_TWICE
        return i + 2 if i and self.buf[i + 1] == length else 0

    def option(self, code: int) -> bytes | None:
        """The option's bytes, its pieces joined (RFC 3396); None if it is not there."""
        i = self.index[code]
        if i >= _TWICE:
            return self.values[code]
        return bytes(self.buf[i + 2 : i + 2 + self.buf[i + 1]]) if i else None
