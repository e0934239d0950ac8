"""What a server granted: the addresses, the times, every option. Knows nothing of how a lease is
obtained.
"""

from ._compat import TYPE_CHECKING, const
from .wire import Message

if TYPE_CHECKING:
    from typing import Any

# 17 years count as for ever: sums of two such times are still small integers on a board.
_FOREVER = const(0x1FFFFFFF)

# RFC 2132
_MASK = const(1)
_ROUTER = const(3)
_DNS = const(6)
_LEASE_TIME = const(51)
_SERVER_ID = const(54)
_T1 = const(58)
_T2 = const(59)

_NONE = const("0.0.0.0")


def dotted(buf: bytes, i: int) -> str:
    """The address buf[i : i + 4] as people write it."""
    return "%d.%d.%d.%d" % (buf[i], buf[i + 1], buf[i + 2], buf[i + 3])


def _seconds(message: Message, code: int) -> int:
    # 0 if the option is not there, or not whole.
    i = message.find(code, 4)
    return i and min(int.from_bytes(message.buf[i : i + 4], "big"), _FOREVER)


class Lease:
    """A lease. `ip`, `mask` (255.255.255.0 if the server gave none), `gateway` (0.0.0.0 without
    one) are strings, `dns` is a list of them; they are made when they are asked for.

    `lease_time`, `t1`, `t2` are seconds from the first sending of the REQUEST that was answered
    (RFC 2131 4.4.1), 2**29 - 1 where infinite; `age` is how many have gone, as of the last poll.
    `yiaddr` and `server` (option 54) are bytes; `ack` is the whole message.
    """

    ip: str
    mask: str
    gateway: str
    dns: list[str]

    def __init__(self, message: Message, rand: int) -> None:
        """message: the ACK, just read. rand: 0 to 63, how much earlier than 0.5 and 0.875 T1 and
        T2 may be.
        """
        self._message = message
        self.ack = message.buf = bytes(message.buf)
        self.age = 0
        self.yiaddr = self.ack[16:20]
        self.server = message.option(_SERVER_ID)
        self.lease_time = end = _seconds(message, _LEASE_TIME)
        t1 = _seconds(message, _T1)
        t2 = _seconds(message, _T2)
        # RFC 2131 4.4.5: T1 < T2 < lease time, or they are mended; fuzz is to the early side.
        if end == _FOREVER:
            t1 = t2 = end
        elif not 0 < t1 < t2 < end:
            fuzz = (end >> 5) * rand >> 6
            half = (end >> 1) - fuzz
            most = end - max(end >> 3, 1) - fuzz
            t1 = t1 or half
            t2 = t2 or most
            if not t1 < t2 < end:
                t1 = half
                t2 = most
        self.t1 = t1 or 1
        self.t2 = t2

    def __getattr__(self, name: str) -> "Any":
        # The strings: each costs a board as much as the rest of a Lease.
        if name == "ip":
            return dotted(self.yiaddr, 0)
        if name == "mask":
            return (self.ips(_MASK) or ("255.255.255.0",))[0]
        if name == "gateway":
            return (self.ips(_ROUTER) or (_NONE,))[0]
        if name == "dns":
            return self.ips(_DNS)
        raise AttributeError(name)

    def ips(self, code: int) -> list[str]:
        """The addresses of an option, as strings; none if it is not there."""
        value = self.option(code) or b""
        found = []
        for i in range(0, len(value) & ~3, 4):
            found.append(dotted(value, i))
        return found

    def __repr__(self) -> str:
        left = self.remaining()
        return "%s mask %s gateway %s dns %s from %s, %s left" % (
            self.ifconfig()
            + (
                self.server and dotted(self.server, 0),
                "all time" if left is None else "%d s" % left,
            )
        )

    def remaining(self) -> int | None:
        """Seconds until the address must not be used any more, as of the last poll; None if the
        lease is infinite.
        """
        return None if self.lease_time == _FOREVER else self.lease_time - self.age

    def ifconfig(self) -> tuple[str, str, str, str]:
        """(ip, mask, gateway, dns) as strings, as `nic.ifconfig` takes them."""
        return self.ip, self.mask, self.gateway, (self.dns or (_NONE,))[0]

    def message(self) -> Message:
        """The ACK, read. As long as nothing else has been read, that need not be done again."""
        message = self._message
        if message.buf is not self.ack:
            message = Message()
            message.read(self.ack)
        return message

    def option(self, code: int) -> bytes | None:
        """The bytes of any option of the ACK, pieces joined; None without it. A stored lease has
        the everyday ones.
        """
        return self.message().option(code)
