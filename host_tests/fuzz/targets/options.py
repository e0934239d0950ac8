"""Typed options: any bytes are read or stay; what was read is written as what reads the same; any
value is written, or refused by the option's name."""

from dhcpc import Lease, Message, options
from script import Script, refused
from world import message

LINES = 4000, 60
BYTES = 60_000, 600
WORDS = (
    b"\xff\0\0\0\1\0\3\0\1",
    b"\0\1\0\1",
    b"\0\2",
    b"\0\4",
    b"\xc0\0",
    b"\3lab\0",
    b"\5\0\0",
    b"\0\0\0\x09",
    b"\x18\x0a\0\0\x0a\0\0\1",
    b"\0\0\0\1",
    b"\1\3abc",
    b"10.0.0.1",
)

ONE_WAY = "prdSDx"  # types that are written as bytes alone
DEPTH = 3


def target(data):
    s = Script(data)
    mode = s.byte() & 3
    code = 1 + s.byte() % 254
    if mode == 0:
        written(code, value(s, DEPTH))
    elif mode == 1:
        m = Message()
        m.read(message(s.rest()))
        found = options.read(Lease(m, 0))
        for name in found:
            assert options.name(options.code(name)) == name
    else:
        read(code, s.rest())


def read(code, data):
    found = options.decode(code, data)
    assert type(found) in (bytes, str, int, bool, list, dict)
    assert options.decode(options.name(code), data) == found
    if isinstance(found, bytes):
        assert found == data
        return
    again = written(code, found)
    if again is None or options.kind(code) in ONE_WAY:
        return
    assert options.decode(code, again) == found


def written(code, value):
    """The bytes of a value; None if it is refused."""
    data, error = refused(options.encode, code, value)
    if error:
        assert str(error).startswith(options.name(code) + ": ")
        return None
    assert isinstance(data, bytes)
    assert (code == 61) < len(data) <= 255
    options.decode(code, data)
    return data


def value(s, depth):
    """A value such as JSON has."""
    kind = s.byte() % (11 if depth else 8)
    if kind < 4:
        return (None, True, False, 1.5)[kind]
    if kind == 4:
        return s.number(1)
    if kind == 5:
        return s.number(5) - (1 << 39)
    if kind == 6:
        return text(s)
    if kind == 7:
        return s.take(s.byte())
    if kind == 8:
        return [value(s, depth - 1) for _ in range(s.byte() & 7)]
    if kind == 9:
        return {text(s): value(s, depth - 1) for _ in range(s.byte() & 3)}
    return {s.byte(): value(s, depth - 1) for _ in range(s.byte() & 3)}


NAMES = (
    "iaid",
    "duid",
    "mac",
    "time",
    "enterprise",
    "id",
    "uuid",
    "hex",
    "flags",
    "name",
    "router",
)


def text(s):
    what = s.byte()
    if what < 16:
        return NAMES[what % len(NAMES)]
    return "".join([chr(byte if what & 1 else byte * 37) for byte in s.take(what >> 1)])
