"""The codec: what it reads, against `reader`; what it writes, read by that."""

from dhcpc import Lease, Message, build, option, stray
from model import is_host, is_mask, is_unicast
from reader import options_of, read, single
from script import Script, refused
from world import COOKIE, MAC, XID, message, opt

LINES = 8000, 8
BYTES = 30_000, 60
# Options: those of three fields, a lease's, some with a wrong size
WORDS = (
    b"\x34\x01\x01",
    b"\x34\x01\x02",
    b"\x34\x01\x03",
    b"\x35\x01\x05",
    b"\x36\x04\x0a\0\0\1",
    b"\x33\x04\0\0\x0e\x10",
    b"\x01\x04\xff\xff\xff\0",
    b"\x79\x05\0\x0a\0\0\1",
    b"\xff",
    COOKIE,
    b"\x03\x04\x0a\0\0\1",
    b"\x06\x08\x0a\0\0\1\x0a\0\0\2",
    b"\x3a\x04",
    b"\x3b\x04",
    XID + bytes(20) + MAC,
)

READABLE = (None, "option")  # a torn option leaves the whole ones
BRIEF = (4, 7)  # DECLINE, RELEASE
ROOM = 570  # of the buffer that `build` takes


def target(data):
    s = Script(data)
    mode = s.byte() & 3
    if mode == 0:
        reads(s.rest())
    elif mode == 3:
        writes(s)
    else:
        file = s.take(s.byte() % 129)
        sname = s.take(s.byte() % 65)
        overload = opt(52, bytes((s.byte() & 7,))) if mode == 2 else b""
        reads(message(overload + s.rest(), file=file, sname=sname))


def reads(data):
    values, wrong = read(data)
    found, _ = options_of(data)
    codes = set(values) | {52, 53, data[0] if data else 1}
    m = Message()
    assert m.read(data) == wrong
    if wrong not in READABLE:
        return
    assert {code for code in range(256) if m.index[code]} == set(values)
    for code in codes:
        assert m.option(code) == values.get(code)
        for size in (1, 4):
            at = m.find(code, size)
            assert (data[at : at + size] if at else None) == single(found, code, size)
    for copy in (bytearray(data), memoryview(data)):
        other = Message()
        assert other.read(copy) == wrong
        assert other.index == m.index
        assert other.values == m.values
        assert other.option(53) == m.option(53)
    told = ("op", data[:1] == b"\2"), ("xid", data[4:8] == XID), ("chaddr", data[28:34] == MAC)
    assert stray(data, Sender()) == ([word for word, right in told if not right] + [None])[0]
    m.read(data)
    shows(Lease(m, 0), data, values, found)


def shows(lease, data, values, found):
    """A lease has of an ACK what the RFCs say, and nothing of it raises."""
    yiaddr = data[16:20]

    def hosts(code):
        value = values.get(code, b"")
        each = [value[i : i + 4] for i in range(0, len(value) - 3, 4)]
        return [dotted(ip) for ip in each if is_unicast(ip) and ip != yiaddr]

    assert lease.ip == dotted(yiaddr)
    assert lease.dns == hosts(6)
    mask = single(found, 1, 4)
    right = mask and is_mask(mask) and is_host(yiaddr, mask)
    assert lease.mask == (dotted(mask) if right else "255.255.255.0")
    gateway = default_route(values.get(121, b"")) or (hosts(3) + ["0.0.0.0"])[0]
    assert lease.gateway == gateway
    assert lease.ifconfig() == (
        lease.ip,
        lease.mask,
        lease.gateway,
        (lease.dns + ["0.0.0.0"])[0],
    )
    assert 0 < lease.t1 <= lease.t2 <= lease.lease_time or lease.lease_time == 1
    left = lease.remaining()
    assert left is None or 0 < left == lease.lease_time


def dotted(ip):
    return ".".join([str(byte) for byte in ip])


def default_route(value):
    """RFC 3442, as far as it is whole."""
    i = 0
    while i < len(value):
        size = (value[i] + 7) // 8
        if i + 1 + size + 4 > len(value):
            return None
        if value[i] == 0:
            return dotted(value[i + 1 : i + 5])
        i += 1 + size + 4
    return None


class Sender:
    """Whose message it is, and what is in it."""

    xid = XID
    chaddr = MAC
    secs = flags = 0
    yiaddr = server = bytes(4)
    options = b""


def writes(s):
    """A message of ours, of any fields: it is as written, or it is refused for its length."""
    form = s.byte()
    f = Sender()
    f.flags = s.number(2)
    f.secs = s.number(3)
    f.yiaddr = s.whole(4)
    f.server = s.whole(4)
    wanted = []
    while s.more():
        code = s.byte()
        value = s.take(s.byte())
        encoded, error = refused(option, code, value)
        if not ((code == 61) < len(value) <= 255 and 0 < code < 255):
            assert error.args == ("option", code)
            continue
        assert encoded == opt(code, value)
        if code not in (50, 52, 53, 54) and (code == 61) == (not f.options):
            f.options += encoded
            wanted.append((code, value))
    f.options += b"\xff"
    kind = form & 15
    buf = bytearray(b"\xee" * (ROOM + 9))
    size, error = refused(build, buf, form, f)
    if len(f.options) > 293:
        assert error.args == ("options",)
        return
    assert 300 <= size <= 548
    assert size & 1 == 0 or buf[size] == 0  # for a checksum
    assert set(buf[ROOM:]) == {0xEE}
    written = bytes(buf[:size])
    brief = kind in BRIEF
    assert written[:12] == b"\1\1\6\0" + XID + (
        bytes(4) if brief else min(f.secs, 0xFFFF).to_bytes(2, "big") + f.flags.to_bytes(2, "big")
    )
    assert written[12:16] == (f.yiaddr if form & 0x10 else bytes(4))
    assert written[28:34] == MAC
    assert written[236:240] == COOKIE
    assert not any(written[16:28] + written[34:236])
    head = [(53, bytes((kind,)))]
    if form & 0x20 and any(f.yiaddr):
        head.append((50, f.yiaddr))
    if form & 0x40 and any(f.server):
        head.append((54, f.server))
    if brief:
        wanted = wanted[:1] if wanted and wanted[0][0] == 61 else []
    assert options_of(written) == (head + wanted, None)
