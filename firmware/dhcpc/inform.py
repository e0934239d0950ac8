"""INFORM (RFC 2131 3.4): the options of a network, for an address that the host has already."""

import errno

from dhcpc import Client, Lease, Session, build, option

from ._common import each_option, packed
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable

_INFORM = const(0x18)  # option 53, and ciaddr: see build
_ACK = const(5)
_PARAMETERS = const(55)
_UNWANTED = const((51, 58, 59))  # times of a lease: RFC 2131 table 5, 4.4.3
_SIZE = const(1024)  # bytes of a reply at most: the client's option 57 says so
_REBINDING = const(8)  # the state that takes an ACK of any server for the address in use


class _Asking(Session):
    # A transaction of its own, besides the client's.

    def __init__(self, session: Session, ciaddr: bytes) -> None:
        super().__init__(session.chaddr, _without_times(session.options), session.rand)
        self.flags = session.flags
        self.yiaddr = ciaddr
        self.state = _REBINDING

    def check(self, reason: str | None) -> str | None:
        reason = super().check(reason)
        return reason or (None if self.type == _ACK else "type")


def _without_times(options: bytes) -> bytes:
    # These options without the times of a lease, and without what asks for them.
    kept = b""
    for each in each_option(options, 0):
        code = each[0]
        value = each[2:]
        if code == _PARAMETERS:
            value = bytes([wanted for wanted in value if wanted not in _UNWANTED])
        if value and code not in _UNWANTED:
            kept += option(code, value)
    return kept


def inform(
    dhcp: Client,
    ip: str | None = None,
    timeout_ms: int = 10_000,
    idle: "Callable[[], object] | None" = None,
) -> Lease:
    """Ask for the options of an address that the host has already. Return them as a Lease whose
    times are 0. This blocks; what comes for the client's own lease meanwhile is taken in.

    ip: the address, if something else has set it. None: that of the client's lease; then its
    server is asked first, and all servers if that one is silent (RFC 2131 4.4.3, 4.4.4). idle():
    is called at least every 100 ms, and may poll the client. ValueError: no address. OSError:
    ETIMEDOUT, or the message could not be sent.
    """
    lease = dhcp.session.lease
    server = None
    if ip:
        ciaddr = packed("ip", ip)
    elif lease:
        ciaddr = lease.yiaddr
        if any(lease.server):
            server = lease.server
    else:
        raise ValueError("ip: there is no lease")
    link = dhcp.link
    asking = _Asking(dhcp.session, ciaddr)
    read = dhcp.read

    def hear(buf: bytes) -> None:
        if asking.lease or asking.read(buf) == "ignored":
            read(buf)

    was_open = link.sock
    dhcp.read = hear  # type: ignore[method-assign]  # also for a poll in `idle`
    try:
        start = dhcp.clock()
        pause = next_at = 0
        while True:
            gone = dhcp.clock() - start & 0x3FFFFFFF
            if gone >= timeout_ms:
                raise OSError(errno.ETIMEDOUT)
            link.open()  # the poll of a client in BOUND closes it
            if gone >= next_at:
                # RFC 2131 4.1
                pause = min(2 * pause or 1000, 64000)
                next_at = gone + pause - 500 + asking.rand(10)
                asking.secs = gone // 1000
                link.send(build(link.buf, _INFORM, asking), server)
                server = None
            data = link.recv(_SIZE, min(next_at - gone, timeout_ms - gone, 100))
            if data:
                dhcp.read(data)
            told = asking.lease
            if told:
                told.lease_time = told.t1 = told.t2 = 0
                return told
            if idle:
                idle()
    finally:
        dhcp.read = read  # type: ignore[method-assign]
        if not was_open:
            link.close()
