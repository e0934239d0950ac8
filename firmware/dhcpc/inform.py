"""INFORM (RFC 2131 3.4): the options of a network for an address that is there already."""

import errno

from dhcpc import Client, Lease, Message, Session, build, option, stray

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable

_INFORM = const(0x18)  # option 53, and ciaddr: see build
_ACK = const(5)
_MESSAGE_TYPE = const(53)
_PARAMETERS = const(55)
_UNWANTED = const((51, 58, 59))  # times of a lease: RFC 2131 table 5, 4.4.3
_END = const(255)
_SIZE = const(1024)  # as the client's, whose option 57 is sent


class _Fields:
    # What `build` writes: the client's, but for the address and a transaction of its own.
    server: bytes | None = None

    def __init__(self, session: Session, ciaddr: bytes) -> None:
        self.xid = session.rand(32).to_bytes(4, "big")
        self.secs = 0
        self.flags = session.flags
        self.yiaddr = ciaddr
        self.chaddr = session.chaddr
        self.options = _without_times(session.options)


def _without_times(options: bytes) -> bytes:
    # What is sent besides, less the times of a lease, and what asks for them.
    kept = b""
    i = 0
    while options[i] != _END:
        code = options[i]
        value = options[i + 2 : i + 2 + options[i + 1]]
        i += 2 + options[i + 1]
        if code == _PARAMETERS:
            value = bytes([each for each in value if each not in _UNWANTED])
        if value and code not in _UNWANTED:
            kept += option(code, value)
    return kept + bytes((_END,))


def inform(
    dhcp: Client,
    ip: str | None = None,
    timeout_ms: int = 10_000,
    idle: "Callable[[], object] | None" = None,
) -> Lease:
    """Ask for the options of an address that is there already; return them as a Lease without
    time.

    ip: the address, if somebody else has set it; else that of the client's lease, whose server is
    asked first, and all of them if it is silent (RFC 2131 4.4.3, 4.4.4). idle() is called every
    100 ms at least. Blocks; the client's own lease goes on with its next poll. ValueError:
    no address. OSError: ETIMEDOUT, or it could not be sent.
    """
    session = dhcp.session
    lease = session.lease
    if ip:
        ciaddr, server = _parse(ip), None
    elif lease:
        ciaddr, server = lease.yiaddr, lease.server if any(lease.server) else None
    else:
        raise ValueError("ip")
    link = dhcp.link
    fields = _Fields(session, ciaddr)
    message = Message()
    was_open = link.sock
    try:
        link.open()
        dhcp.last = start = dhcp.clock()  # a poll in `idle` is not to close the socket
        pause = next_at = 0
        while True:
            gone = dhcp.clock() - start & 0x3FFFFFFF
            if gone >= timeout_ms:
                raise OSError(errno.ETIMEDOUT)
            if gone >= next_at:
                # RFC 2131 4.1
                pause = min(2 * pause or 1000, 64000)
                next_at = gone + pause - 500 + session.rand(10)
                fields.secs = gone // 1000
                link.send(build(link.buf, _INFORM, fields), server)
                server = None
            data = link.recv(_SIZE, min(next_at - gone, timeout_ms - gone, 100))
            if data and _answers(message, data, fields):
                told = Lease(message, 0)
                told.lease_time = told.t1 = told.t2 = 0
                return told
            if idle:
                idle()
    finally:
        if not was_open:
            link.close()


def _parse(ip: str) -> bytes:
    try:
        parts = [int(part) for part in ip.split(".")]
    except (AttributeError, ValueError):
        parts = []
    if len(parts) != 4 or min(parts) < 0 or max(parts) > 255:
        raise ValueError("ip")
    return bytes(parts)


def _answers(message: Message, data: bytes, fields: _Fields) -> bool:
    if message.read(data) or stray(data, fields):
        return False
    i = message.find(_MESSAGE_TYPE, 1)
    return bool(i) and data[i] == _ACK
