"""How a message leaves a board and a reply reaches it. Knows sockets, frames and NICs, and nothing
of DHCP's states.
"""

from select import POLLIN, poll
from socket import AF_INET, SOCK_DGRAM, getaddrinfo, socket
from struct import pack_into

from micropython import const

from .lease import dotted

HEAD = const(42)  # the room before a message for its Ethernet, IPv4 and UDP headers
_SERVER_PORT = const(67)
_CLIENT_PORT = const(68)


def frame(buf, end, mac, to_mac, to):
    """Make of the message at buf[HEAD:end] the whole frame buf[:end] (RFC 894, 791, 768).

    mac, to_mac: 6 bytes. to: the 4 bytes of the address it goes to. It comes from ciaddr, which is
    0.0.0.0 as long as there is no address to send from. Both checksums are filled in. Behind a
    message of odd length stands a zero, as wire.build leaves it.
    """
    pack_into(
        b"!6s6sIHIHH4s4sIHH",
        buf,
        0,
        to_mac,
        mac,
        0x08004500,  # EtherType; version 4, 5 words
        end - 14,
        0,  # identification, flags, fragment offset
        0x4011,  # time to live 64, UDP
        0,
        b"",
        to,
        _CLIENT_PORT << 16 | _SERVER_PORT,
        end - 34,
        0,
    )
    for i in range(26, 30):
        buf[i] = buf[i + HEAD - 14]
    pack_into(b"!H", buf, 24, checksum(total(buf, 14, 34)))
    # The pseudo header, and all but the zeros from behind chaddr to the cookie
    words = total(buf, 26, HEAD + 34) + 17 + end - 34 + total(buf, HEAD + 236, end)
    pack_into(b"!H", buf, 40, checksum(words) or 0xFFFF)


def total(buf, i, end):
    """Add up the 16-bit words of buf[i:end]; an odd byte is taken with the one behind it."""
    words = 0
    while i < end:
        words += buf[i] << 8 | buf[i + 1]
        i += 2
    return words


def checksum(words):
    """The Internet checksum (RFC 1071) of words that add up to that; 0 if theirs is among them."""
    words = (words & 0xFFFF) + (words >> 16)
    return ~(words + (words >> 16)) & 0xFFFF


class Link:
    """What Client asks of any link, by way of one UDP socket, which is enough where the stack does
    not stand in the way.

    To be added: `mac`, 6 bytes; `up()`, whether the link is; `key()`, bytes that tell this network
    from others; `apply(lease)` and `remove()`, the address; `silence()` and `restore()`, the
    built-in client.
    """

    flags = start = 0  # flags: 0x8000 where nothing but a broadcast arrives
    # error: why the link will not come up, in words; hostname: the default for option 12
    sock = error = hostname = None
    port = _CLIENT_PORT  # the server's is the one before it

    def __init__(self):
        self.buf = bytearray(14 + 576)  # Ethernet; no packet of ours is longer: RFC 2131 2
        self.poller = poll()
        # ipoll does not allocate; CPython has none.
        self.ready = getattr(self.poller, "ipoll", self.poller.poll)

    def open(self):
        """Open the socket unless it is open. OSError EADDRINUSE: somebody else has the port."""
        if not self.sock:
            self.sock = self.make()
            self.poller.register(self.sock, POLLIN)

    def make(self):
        """Return a new socket."""
        sock = socket(AF_INET, SOCK_DGRAM)
        try:
            self.tie(sock)
            sock.bind(getaddrinfo("0.0.0.0", self.port)[0][-1])
        except OSError:
            sock.close()
            self.silence()  # EADDRINUSE: the built-in client is back
            raise
        return sock

    def tie(self, sock):
        """Tie a new socket to the NIC, where that is how it sends."""

    def close(self):
        """Close the socket if it is open."""
        if self.sock:
            self.poller.unregister(self.sock)
            self.sock.close()
            self.sock = None

    def send(self, end, server):
        """Send the message self.buf[HEAD:end] to the 4 bytes `server`, None for all. OSError: it
        could not leave.
        """
        to = getaddrinfo(dotted(server or b"\xff\xff\xff\xff"), self.port - 1)
        self.sock.sendto(memoryview(self.buf)[HEAD:end], to[0][-1])

    def receive(self, size, wait):
        """Return what comes within `wait` ms, of at most `size` bytes, or None. The message is at
        data[self.start:self.end].
        """
        try:
            for _ in self.ready(wait):
                data = self.sock.recv(size)
                self.end = len(data)
                if data:
                    return data
                # On ESP32 an empty datagram marks the socket as closed by its peer, for good.
                self.close()
                self.open()
        except OSError:
            pass
        return None
