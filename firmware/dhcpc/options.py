"""For those who want more than an address; importing it gives Client the methods `inform` (RFC
2131 3.4) and `decline` (3.1, step 5).
"""

import errno

from .client import Client
from .lease import Lease
from .wire import Message, build

_INFORM = const(0x18)  # option 53, and ciaddr: see wire.build
_DECLINE = const(4)
_ACK = const(5)
_MESSAGE_TYPE = const(53)
_SIZE = const(1024)  # as the client's, whose option 57 is sent
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1, step 5


def decline(self):
    """Send DECLINE: somebody else has the address. It is taken away and its record forgotten, and
    in 10 s there will be a DISCOVER.
    """
    if self.session.lease:
        self.session.step(self.clock())  # the 10 s begin now
        self.session.start(_AFTER_DECLINE)
        try:
            self._send(_DECLINE)
        finally:
            self._event("declined", True)


class _Fields:
    # What wire.build writes: the client's, but for the address and a transaction of its own.
    def __init__(self, session, ciaddr):
        self.xid = session.rand(32).to_bytes(4, "big")
        self.secs = 0
        self.flags = session.flags
        self.yiaddr = ciaddr
        self.chaddr = session.chaddr
        self.options = session.options


def inform(self, ip=None, timeout_ms=10_000, idle=None):
    """Ask for the options of an address that is there already; return them as a Lease without
    time.

    ip: the address, a string, if somebody else has set it; else that of the client's lease.
    idle() is called every 100 ms at least. Blocks; the client's own lease goes on with its next
    poll. ValueError: no address. OSError: ETIMEDOUT, or it could not be sent.
    """
    lease = self.session.lease
    if not ip and not lease:
        raise ValueError("ip")
    link = self.link
    fields = _Fields(self.session, _parse(ip) if ip else lease.yiaddr)
    message = Message()
    was_open = link.sock
    try:
        link.open()
        self.last = start = self.clock()  # a poll in `idle` is not to close the socket
        pause = next_at = 0
        while True:
            gone = self.clock() - start & 0x3FFFFFFF
            if gone >= timeout_ms:
                raise OSError(errno.ETIMEDOUT)
            if gone >= next_at:
                # RFC 2131 4.1
                pause = min(2 * pause or 1000, 64000)
                next_at = gone + pause - 500 + self.session.rand(10)
                fields.secs = gone // 1000
                # To the server alone where it is known: RFC 2131 4.4.3
                link.send(build(link.buf, _INFORM, fields), None if ip else lease.server)
            data = link.recv(_SIZE, min(next_at - gone, timeout_ms - gone, 100))
            if data and _answers(message, data, fields):
                return Lease(message, 0)
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


def _answers(message, data, fields):
    if (
        message.read(data)
        or not data.startswith(b"\2\1\6")
        or not data.startswith(fields.xid, 4)
        or not data.startswith(fields.chaddr, 28)
    ):
        return False
    i = message.find(_MESSAGE_TYPE, 1)
    return i and data[i] == _ACK


Client.decline = decline
Client.inform = inform
