"""MicroPython's `socket` on a board's stack: UDP as modlwip.c (rp2 and other ports with lwIP) and
esp32/modsocket.c offer it.
"""

import errno
import select

import stack

AF_INET = 2
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOL_SOCKET = 1
SO_REUSEADDR = 4
SO_BROADCAST = 32
if stack.ESP32:
    SO_BINDTODEVICE = 0x100B

_OPTIONS = (SO_REUSEADDR, SO_BROADCAST)
_NAMESIZE = 6
_FOR_EVER = -1


class socket:
    """A UDP socket."""

    def __init__(self, family=AF_INET, kind=SOCK_STREAM, proto=0):
        if (family, kind) != (AF_INET, SOCK_DGRAM):
            raise OSError(errno.EINVAL)
        self.timeout = _FOR_EVER
        self.closed_by_peer = False
        self.number = stack.do(b"S")

    def fileno(self):
        """Its number in the stack. OSError: it is closed."""
        if self.number is None:
            raise OSError(errno.EBADF)
        return self.number

    def bind(self, address):
        """On rp2 an empty host is the IPv6 address ::."""
        host, port = address
        v6 = not host and not stack.ESP32
        ip = stack.packed(host or "0.0.0.0")
        stack.do(b"B", self.fileno(), v6, ip, port)

    def setsockopt(self, level, option, value):
        """What the port does not know gets a warning."""
        if option in _OPTIONS:
            stack.do(b"O", self.fileno(), option)
        elif stack.ESP32 and option == SO_BINDTODEVICE:
            name = value if isinstance(value, bytes) else value.encode()
            if len(name) > _NAMESIZE:
                raise MemoryError("a C buffer is overrun")
            stack.do(b"N", self.fileno(), data=name)
        else:
            print("Warning: lwip.setsockopt() not implemented")

    def settimeout(self, seconds):
        """None for ever."""
        self.timeout = _FOR_EVER if seconds is None else int(seconds * 1000)

    def sendto(self, data, address):
        """OSError EHOSTUNREACH: no NIC has an address to send that from."""
        host, port = address
        stack.do(b"T", self.fileno(), 0, stack.packed(host), port, data)
        return len(data)

    def recvfrom(self, size):
        """A datagram, cut to `size`, and where it came from."""
        if self.closed_by_peer:
            return b"", ("0.0.0.0", 0)
        if self.timeout and not select.wait(1 << self.fileno(), self.timeout):
            raise OSError(errno.ETIMEDOUT)
        _, ip, port, data = stack.ask(b"R", self.fileno(), size)
        self.closed_by_peer = stack.ESP32 and not data
        return data, (stack.dotted(ip), port)

    def recv(self, size):
        """The datagram alone."""
        return self.recvfrom(size)[0]

    def close(self):
        """May be called again."""
        if self.number is not None:
            stack.do(b"C", self.number)
            self.number = None
