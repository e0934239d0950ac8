"""The session: a script of what time, the user and the network do to it, held to the model."""

from model import Model
from script import Script, damaged, folder
from world import DAY, MAC, WRAP, message, opt, u32

LINES = 3000, 1200
BYTES = 200_000, 3000
# What a reply says: its type, what is in it, server, mask, T, address
_GRANT = b"\x07\x0a\0\0\1\xff\xff\xff\0\0\x0a\0\0\5"
# Start; DISCOVER, OFFER, REQUEST, ACK; be called when it asks for it; 18 hours; release
WORDS = (
    b"\x00\x04\x1c\2" + _GRANT + b"\x1c\5" + _GRANT,
    b"\x1c\2" + _GRANT,
    b"\x1c\5" + _GRANT,
    b"\x00\x18\x00\x18\x01",
    b"\x14",
    b"\x07\x10\x00",
    b"\x03",
    b"\x01\x04",
    b"\x02\0\0\0\x09",
)

STEPS = 60  # of a script
STARTS = (0, WRAP - 1, WRAP - 1500, 5 * WRAP // 2)  # what the clock shows
TIMES = (3600, 60, 1, 2, 3, 4, 5, 10, 30, 61, 1800, DAY, 40 * DAY, 0, 0x1FFFFFFF, 0xFFFFFFFF)

REPLIES = [data for _, data in sorted(folder("replies").items())]


def target(data):
    s = Script(data)
    start = s.byte()
    client = Model(STARTS[start & 3], start >> 2)
    for _ in range(STEPS):
        if not s.more():
            break
        step(client, s)


def step(client, s):
    what = s.byte()
    hint = what >> 4
    what &= 15
    if what == 0:
        client.begin(hint * 1000)
    elif what == 1:
        if client.old:
            client.verify()
    elif what == 2:
        if client.old and client.old.lease_time > 2:
            client.reuse(s.number(4) % min(client.old.lease_time, 50 * DAY))
    elif what == 3:
        if client.lease:
            client.release()
        else:
            client.stop()
    elif what < 8:
        passes(client, s, what, hint)
    else:
        data = reply(s, hint) if what < 12 else granted(s, hint)
        xid = client.session.xid if hint & 7 else s.whole(4)
        client.deliver(data[:4] + xid + data[8:])


def passes(client, s, what, hint):
    """Time does."""
    if what == 4:
        for _ in range(1 + hint):
            client.now += client.session.wait
            client.poll()
        return
    if what == 5:
        client.now += client.session.wait * hint // 16
    elif what == 6:
        client.now += s.number(2)
    else:
        client.now += s.number(2) * 16_000  # 12 days at most: then the clock shows the same again
    client.poll()


def reply(s, hint):
    """What a real server has said, to this client, or damaged."""
    data = REPLIES[s.byte() % len(REPLIES)]
    if hint & 8:
        return damaged(s, data[:28] + MAC + data[34:])
    return data[:28] + MAC + data[34:]


def granted(s, hint):
    """What a server may say: any times, addresses, options."""
    options = opt(53, bytes((s.byte(),)))
    which = s.byte()
    for bit, code in ((1, 54), (2, 1)):
        if which & bit:
            options += opt(code, s.whole(4))
    for bit, code in ((4, 51), (8, 58), (16, 59)):
        if which & bit:
            seconds = s.number(4) if which & 32 else TIMES[s.byte() % len(TIMES)]
            options += opt(code, u32(seconds))
    yiaddr = s.whole(4)
    if which & 64:
        options += s.take(s.byte())
    if hint & 8:
        return damaged(s, message(options + b"\xff", yiaddr=yiaddr))
    return message(options + b"\xff", yiaddr=yiaddr)
