"""What a server granted: the addresses, the times, every option. Knows nothing of how a lease is
obtained.
"""

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


def dotted(buf, i):
    """The address buf[i : i + 4] as people write it."""
    return "%d.%d.%d.%d" % (buf[i], buf[i + 1], buf[i + 2], buf[i + 3])


def _ips(message, code):
    # None of them if the option is not there, or not whole.
    value = message.option(code) or b""
    found = []
    if not len(value) % 4:
        for i in range(0, len(value), 4):
            found.append(dotted(value, i))
    return found


def _seconds(message, code):
    # 0 if the option is not there, or not whole.
    i = message.find(code, 4)
    return i and min(int.from_bytes(message.buf[i : i + 4], "big"), _FOREVER)


class Lease:
    """A lease. `ip`, `mask` (255.255.255.0 if the server gave none), `gateway` (0.0.0.0 without
    one) are strings, `dns` is a list of them.

    `lease_time`, `t1`, `t2` are seconds from the first sending of the REQUEST that was answered
    (RFC 2131 4.4.1), 2**29 - 1 where infinite; `age` is how many have gone, as of the last poll.
    `yiaddr` and `server` (option 54) are bytes.
    """

    def __init__(self, message, rand):
        """message: the ACK, just read. rand: 0 to 63, how much earlier than 0.5 and 0.875 T1 and
        T2 may be.
        """
        self.message = message
        self.ack = ack = bytes(message.buf)
        self.age = 0
        self.yiaddr = ack[16:20]
        self.ip = dotted(ack, 16)
        self.server = message.option(_SERVER_ID)
        i = message.find(_MASK, 4)
        self.mask = dotted(message.buf, i) if i else "255.255.255.0"
        self.gateway = (_ips(message, _ROUTER) or (_NONE,))[0]
        self.dns = _ips(message, _DNS)
        self.lease_time = end = _seconds(message, _LEASE_TIME)
        t1 = _seconds(message, _T1)
        t2 = _seconds(message, _T2)
        # RFC 2131 4.4.5: T1 < T2 < lease time, or they are mended; fuzz is to the early side.
        if end == _FOREVER:
            t1 = t2 = end
        else:
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

    def remaining(self):
        """Seconds until the address must not be used any more, as of the last poll; None if the
        lease is infinite.
        """
        return None if self.lease_time == _FOREVER else self.lease_time - self.age

    def ifconfig(self):
        """(ip, mask, gateway, dns) as strings, as `nic.ifconfig` takes them."""
        return self.ip, self.mask, self.gateway, (self.dns or (_NONE,))[0]

    def option(self, code):
        """The bytes of any option of the ACK, pieces joined; None without it. A stored lease has
        the everyday ones.
        """
        self.message.read(self.ack)
        return self.message.option(code)
