"""The world of the cases: messages of servers, those of a client taken apart, a virtual clock.

It has a codec of its own, so that it cannot agree with the firmware's mistakes.
"""

from dhcpc import Session

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

(
    STOPPED,
    INIT,
    INIT_REBOOT,
    SELECTING,
    REBOOTING,
    REQUESTING,
    BOUND,
    RENEWING,
    REBINDING,
) = range(9)

# The states that wait for a reply, and for which
WAITING = (
    ("selecting", OFFER),
    ("requesting", ACK),
    ("rebooting", ACK),
    ("renewing", ACK),
    ("rebinding", ACK),
)

MAC = b"\x02\x00\x00\x00\x00\x01"
IP = b"\x0a\x00\x00\x05"
SERVER = b"\x0a\x00\x00\x01"
OTHER_SERVER = b"\x0a\x00\x00\x02"
OTHER_IP = b"\x0a\x00\x00\x06"
NOBODY = b"\x00\x00\x00\x00"
MASK = b"\xff\xff\xff\x00"
XID = b"\x12\x34\x56\x78"
COOKIE = b"\x63\x82\x53\x63"
CLIENT_ID = b"\x3d\x07\x01" + MAC
PARAMETERS = b"\x37\x03\x01\x03\x06"
INFINITE = 0xFFFFFFFF
DAY = 86400
WRAP = 1 << 30  # ms, of ticks_ms on a board


def u32(n):
    return n.to_bytes(4, "big")


def ticks(ms):
    """What ticks_ms shows then: a small integer, which a remainder is not in every version."""
    return int.from_bytes(u32(ms % WRAP), "big")


def opt(code, value):
    """An option, as RFC 2132 has it."""
    return bytes((code, len(value))) + value


def message(
    options,
    yiaddr=IP,
    xid=XID,
    op=2,
    htype=1,
    hlen=6,
    chaddr=MAC,
    sname=b"",
    file=b"",
    cookie=COOKIE,
):
    """A message, field by field (RFC 2131 figure 1). options: what stands behind the cookie."""
    assert len(sname) <= 64
    assert len(file) <= 128
    return (
        bytes((op, htype, hlen, 0))
        + xid
        + bytes(8)
        + yiaddr
        + bytes(8)
        + chaddr
        + bytes(16 - len(chaddr))
        + sname
        + bytes(64 - len(sname))
        + file
        + bytes(128 - len(file))
        + cookie
        + options
    )


def reply(
    kind, xid=XID, server=SERVER, lease=3600, mask=MASK, t1=None, t2=None, options=b"", **fields
):
    """A server's message. server, lease, mask, t1, t2: options 54, 51, 1, 58, 59, unless None."""
    found = opt(53, bytes((kind,)))
    if server is not None:
        found += opt(54, server)
    if kind != NAK:
        for code, seconds in ((51, lease), (58, t1), (59, t2)):
            if seconds is not None:
                found += opt(code, u32(seconds))
        if mask is not None:
            found += opt(1, mask)
    else:
        fields.setdefault("yiaddr", NOBODY)
    return message(found + options + b"\xff", xid=xid, **fields)


def big_ack(xid):
    """331 bytes, 13 options: what a server with much to say answers."""
    options = (
        opt(28, b"\x0a\0\0\xff")
        + opt(3, b"\x0a\0\0\x01")
        + opt(6, b"\x0a\0\0\x01\x0a\0\0\x02")
        + opt(15, b"example.org")
        + opt(12, b"greenhouse")
        + opt(42, b"\x0a\0\0\x01")
        + opt(26, b"\x05\xdc")
    )
    return reply(ACK, xid=xid, t1=1800, t2=3150, options=options)


class Sent:
    """A message of the client. at: ms. to: None for a broadcast. options: {code: value}. lost:
    whether it could not leave.
    """

    lost = False

    def __init__(self, at, data, to):
        self.at = at
        self.data = data
        self.to = to
        self.xid = data[4:8]
        self.secs = data[8] << 8 | data[9]
        self.flags = data[10] << 8 | data[11]
        self.ciaddr = data[12:16]
        assert data[236:240] == COOKIE
        self.options: dict[int, bytes] = {}
        i = 240
        while data[i] != 255:
            assert data[i] not in self.options
            self.options[data[i]] = data[i + 2 : i + 2 + data[i + 1]]
            i += 2 + data[i + 1]
        self.type = self.options[53][0]


class World:
    """A client and its clock, with settings of its session.

    sent: what it has sent. events: (ms, event). now: ms, which never wrap.
    """

    def __init__(self, now=0, rand=None, options=PARAMETERS, **how):
        self.now = now
        self.seed = 1
        self.buf = bytearray(570)
        self.session = Session(MAC, CLIENT_ID + options, rand or self.random)
        for name in how:
            assert hasattr(self.session, name)
            setattr(self.session, name, how[name])
        self.session.step(ticks(now))
        self.sent = []
        self.events = []

    def clock(self):
        """What a client's clock shows."""
        return ticks(self.now)

    def random(self, bits):
        # No more than 16 bits, and small integers all the way, as random.getrandbits gives them.
        self.seed = self.seed * 75 % 65537
        return self.seed & (1 << bits) - 1

    @property
    def lease(self):
        return self.session.lease

    @property
    def state(self):
        return self.session.state

    def write(self, type=0):
        """What the client would send now, or RELEASE or DECLINE."""
        size = self.session.write(self.buf, type)
        return Sent(self.now, bytes(self.buf[:size]), self.session.to)

    def poll(self):
        """Do as the rules of the house in dhcpc.session say, once."""
        for _ in range(9):
            event = self.session.step(ticks(self.now))
            if event is None:
                assert 0 < self.session.wait <= DAY * 1000
                return
            self.events.append((self.now, event))
            if event == "send":
                self.sent.append(self.write())
        raise AssertionError("it sends and sends")

    def go(self, seconds):
        """Let time pass, and poll whenever the client asks for it."""
        end = self.now + round(seconds * 1000)
        self.poll()
        while self.now < end:
            self.now = min(end, self.now + self.session.wait)
            self.poll()

    def sleep(self, seconds):
        """Let time pass without a poll, then poll."""
        self.now += round(seconds * 1000)
        self.poll()

    def hand(self, data):
        """Hand a datagram to the client; return the event, and poll."""
        event = self.session.read(data)
        if event != "ignored":
            self.events.append((self.now, event))
        self.poll()
        return event

    def answer(self, kind, **fields):
        """Answer what was sent last; return the event."""
        return self.hand(reply(kind, xid=self.sent[-1].xid, **fields))

    def selecting(self):
        """DISCOVER has been sent."""
        self.session.stop()
        self.session.start()
        self.poll()
        assert self.state == SELECTING
        return self

    def requesting(self, **offer):
        """The REQUEST that answers an OFFER has been sent."""
        assert self.selecting().answer(OFFER, **offer) == "recv"
        assert self.state == REQUESTING
        return self

    def bound(self, **ack):
        """A lease has been had at this moment."""
        assert self.requesting(**ack).answer(ACK, **ack) == "bound"
        assert self.state == BOUND
        return self

    def rebooting(self, **ack):
        """A stored lease is being verified."""
        lease = self.bound(**ack).lease
        self.session.start(0, lease.yiaddr)
        self.poll()
        assert self.state == REBOOTING
        return self

    def renewing(self, **ack):
        """T1 has just passed."""
        self.bound(**ack).go(self.lease.t1)
        assert self.state == RENEWING
        return self

    def rebinding(self, **ack):
        """T2 has just passed, and nobody has polled since BOUND."""
        self.bound(**ack).sleep(self.lease.t2)
        assert self.state == REBINDING
        return self


def low(bits):
    """A World's `rand`: the least there is."""
    return 0


def high(bits):
    """A World's `rand`: the most there is."""
    return (1 << bits) - 1


def last(world):
    """What was sent last."""
    return world.sent[-1]


def gaps(world):
    """Seconds between what was sent."""
    at = [sent.at for sent in world.sent]
    return [(at[i] - at[i - 1]) / 1000 for i in range(1, len(at))]


def types(world):
    """Of what was sent; world: or a board."""
    return [sent.type for sent in world.sent]


def has(sent, code):
    return code in sent.options


def moved(w, data):
    """Why the client of a World refuses a datagram. It must not be moved by it."""
    before = (w.state, w.lease, w.session.wait, w.session.xid, len(w.sent))
    event = w.hand(data)
    assert (w.state, w.lease, w.session.wait, w.session.xid, len(w.sent)) == before
    assert event == "ignored"
    return w.session.reason
