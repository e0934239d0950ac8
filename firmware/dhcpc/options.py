"""For those who want more than an address: options alone, by INFORM (RFC 2131 3.4)."""

from errno import ETIMEDOUT
from struct import pack

from micropython import const

from .lease import Lease
from .link import HEAD
from .wire import Message, build

_INFORM = const(0x18)  # option 53, and ciaddr: see wire.build
_ACK = const(5)
_MESSAGE_TYPE = const(53)
_SIZE = const(1024)  # as the client's, whose option 57 is sent


class _Fields:
    # What wire.build writes: the client's, but for the address and a transaction of its own.
    def __init__(self, session, ciaddr):
        self.xid = pack("!HH", session.rand(16), session.rand(16))
        self.secs = 0
        self.flags = session.flags
        self.ciaddr = ciaddr
        self.chaddr = session.chaddr
        self.options = session.options


def inform(client, ip=None, timeout_ms=10_000, idle=None):
    """Ask for the options of an address that is there already; return them as a Lease without
    time.

    ip: the address, a string, if somebody else has set it; else that of the client's lease.
    idle() is called every 100 ms at least. Blocks; the client's own lease goes on with its next
    poll. ValueError: no address. OSError: ETIMEDOUT, or it could not be sent.
    """
    lease = client.lease
    if not ip and not lease:
        raise ValueError("ip")
    ciaddr = _parse(ip) if ip else lease.yiaddr
    link = client.link
    fields = _Fields(client.session, ciaddr)
    message = Message()
    was_open = link.sock
    link.open()
    try:
        start = client.clock()
        pause = next_at = 0
        while True:
            gone = client.clock() - start & 0x3FFFFFFF
            if gone >= timeout_ms:
                raise OSError(ETIMEDOUT)
            if gone >= next_at:
                # RFC 2131 4.1
                pause = min(2 * pause or 1000, 64000)
                next_at = gone + pause - 500 + client.session.rand(10)
                fields.secs = gone // 1000
                # To the server alone where it is known: RFC 2131 4.4.3
                link.send(build(link.buf, HEAD, _INFORM, fields), None if ip else lease.server)
            data = link.receive(_SIZE, min(next_at - gone, timeout_ms - gone, 100))
            if data and _answers(message, data, link.start, link.end, fields):
                return Lease(message)
            if idle:
                idle()
    finally:
        if not was_open:
            link.close()


def _parse(ip):
    try:
        parts = [int(part) for part in ip.split(".")]
    except (AttributeError, ValueError):
        parts = ()
    if len(parts) != 4 or min(parts) < 0 or max(parts) > 255:
        raise ValueError("ip")
    return bytes(parts)


def _answers(message, data, start, end, fields):
    if (
        message.read(data, start, end)
        or not data.startswith(b"\2\1\6", start)
        or not data.startswith(fields.xid, start + 4)
        or not data.startswith(fields.chaddr, start + 28)
    ):
        return False
    i = message.find(_MESSAGE_TYPE, 1)
    return i and data[i] == _ACK
