"""What a server granted: the addresses, the times, every option. Does not know how a lease is
obtained.
"""

from ._compat import TYPE_CHECKING, const
from .wire import Message

if TYPE_CHECKING:
    from typing import Any

# 17 years mean for ever: the sum of two such times is still a small integer on a board.
_FOREVER = const(0x1FFFFFFF)
_HOUR = const(3600)  # seconds; for a lease whose server does not say how long it runs

# RFC 2132
_MASK = const(1)
_ROUTER = const(3)
_DNS = const(6)
_LEASE_TIME = const(51)
_SERVER_ID = const(54)
_T1 = const(58)
_T2 = const(59)
_ROUTES = const(121)

_NONE = const("0.0.0.0")
_NOBODY = const(b"\0\0\0\0")


def dotted(buf: bytes, i: int) -> str:
    """The address buf[i : i + 4] as people write it."""
    return "%d.%d.%d.%d" % (buf[i], buf[i + 1], buf[i + 2], buf[i + 3])


def unicast(buf: bytes, i: int) -> bool:
    """Whether the address buf[i : i + 4] can be one host's: 240.0.0.0/4 is in use, too."""
    first = buf[i]
    return 0 < first != 127 and (
        first < 224 or first > 239 and not buf.startswith(b"\xff\xff\xff\xff", i)
    )


def subnet(message: Message) -> int:
    """Where the subnet mask begins in a message's `buf`; 0 if there is none, or if it begins with
    0 or has holes; -1 if yiaddr cannot be a host's address at all, or with that mask.
    """
    buf = message.buf
    if not unicast(buf, 16):
        return -1
    i = message.find(_MASK, 4)
    if not i or not buf[i]:
        return 0
    # Byte by byte: on a board a number of 32 bits would be on the heap.
    ones = zeros = 0  # of the address, where the mask leaves it to hosts
    for k in range(4):
        free = buf[i + k] ^ 255
        if free & free + 1 or ones | zeros and free < 255:
            return 0
        ones |= buf[16 + k] & free
        zeros |= ~buf[16 + k] & free
    # RFC 3021: with a mask of 31 or 32 bits every address is a host's
    return i if free < 2 or ones and zeros else -1


def secs(message: Message, code: int) -> int:
    # 0 if the option is not there, or has another length. As `find`, without a call of it: speed.
    i = message.index[code] & 0x7FFF
    buf = message.buf
    return i and buf[i + 1] == 4 and int.from_bytes(buf[i + 2 : i + 6], "big")


class Lease:
    """A lease: the ACK, and what follows from it. `ip`, `mask` (255.255.255.0 if the server gave
    none), `gateway` (0.0.0.0 without one) are strings, `dns` is a list of strings. They are made
    when somebody asks for them.

    `lease_time` (an hour if the server did not say), `t1`, `t2` are seconds from the first sending
    of the REQUEST that was answered (RFC 2131 4.4.1), 2**29 - 1 if infinite; `age` is the seconds
    that had passed at the last poll. `yiaddr` and `server` are 4 bytes each; `server` is option 54
    of the ACK or of the OFFER, zeros if neither has one. `ack` is the whole message.
    """

    ip: str
    mask: str
    gateway: str
    dns: list[str]

    age = 0

    def __init__(self, message: Message, rand: int, server: bytes = _NOBODY) -> None:
        """message: the ACK, just read. rand: 0 to 63: how much T1 and T2 come before 0.5 and 0.875
        of the lease. server: whose ACK it is if that has no option 54.
        """
        self._message = message
        self.ack = message.buf = ack = bytes(message.buf)
        self.yiaddr = ack[16:20]
        i = message.find(_SERVER_ID, 4)
        self.server = ack[i : i + 4] if i else server
        self.lease_time = end = min(secs(message, _LEASE_TIME) or _HOUR, _FOREVER)
        t1 = secs(message, _T1)
        t2 = secs(message, _T2)
        # RFC 2131 4.4.5: T1 < T2 < lease time, or they are mended. The fuzz makes them earlier.
        if not 0 < t1 < t2 < end:
            fuzz = (end >> 5) * rand >> 6
            half = (end >> 1) - fuzz
            most = end - (end >> 3 or 1) - fuzz
            t1 = t1 or half
            t2 = t2 or most
            if not t1 < t2 < end:
                t1 = half
                t2 = most
        if end == _FOREVER:
            t1 = t2 = end
        self.t1 = t1 or 1
        self.t2 = t2

    def __getattr__(self, key: str) -> "Any":
        # Each of the strings costs a board as much as the rest of a Lease.
        if key == "ip":
            return dotted(self.yiaddr, 0)
        if key == "mask":
            i = subnet(self.message())
            return dotted(self.ack, i) if i > 0 else "255.255.255.0"
        if key == "dns":
            return self.ips(_DNS)
        if key == "gateway":
            # RFC 3442: a classless default route goes before option 3. A board cannot use the
            # other routes, and without a router it would reach nobody.
            routes = self.option(_ROUTES) or b""
            i = 0
            while i + 5 <= len(routes):
                if not routes[i]:
                    return dotted(routes, i + 1)
                i += (routes[i] + 47) >> 3
            return (self.ips(_ROUTER) or (_NONE,))[0]
        raise AttributeError(key)

    def ips(self, code: int) -> list[str]:
        """The addresses of an option, as strings: those that are whole, can be a host's, and are
        not the client's own.
        """
        value = self.option(code) or b""
        found = []
        for i in range(0, len(value) & ~3, 4):
            if unicast(value, i) and not value.startswith(self.yiaddr, i):
                found.append(dotted(value, i))
        return found

    def remaining(self) -> int | None:
        """Seconds from the last poll until the address must not be used any more; None if the
        lease is infinite.
        """
        return None if self.lease_time == _FOREVER else self.lease_time - self.age

    def ifconfig(self) -> tuple[str, str, str, str]:
        """(ip, mask, gateway, dns) as strings, as `nic.ifconfig` takes them."""
        return self.ip, self.mask, self.gateway, (self.dns or (_NONE,))[0]

    def message(self) -> Message:
        """The ACK, read. It is only read again if another message has been read since."""
        message = self._message
        if message.buf is not self.ack:
            message = Message()
            message.read(self.ack)
        return message

    def option(self, code: int) -> bytes | None:
        """The bytes of any option of the ACK, its pieces joined; None if it is not there. A stored
        lease has only the everyday options.
        """
        return self.message().option(code)
