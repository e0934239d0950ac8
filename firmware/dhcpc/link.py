"""How a message leaves a board and a reply reaches it. Knows sockets, frames and NICs, and nothing
of DHCP's states.
"""

from select import POLLIN, poll
from socket import AF_INET, SOCK_DGRAM, getaddrinfo, socket
from struct import pack_into

from micropython import const

from .lease import dotted

HEAD = const(42)  # the room before a message for its Ethernet, IPv4 and UDP headers
SIZE = const(
    1024
)  # the largest datagram that we receive, and the value of option 57 (RFC 2132 9.10)
SERVER_PORT = const(67)
CLIENT_PORT = const(68)


def frame(buf, end, mac):
    """Make of the message at buf[HEAD:end] the whole frame buf[:end] that broadcasts it (RFC 894,
    791, 768).

    mac: the sender's 6 bytes. It comes from ciaddr, which is 0.0.0.0 as long as there is no
    address to send from.
    """
    pack_into(
        "!6s6sHHHIHH4s4sHHHH",
        buf,
        0,
        b"\xff\xff\xff\xff\xff\xff",
        mac,
        0x0800,
        0x4500,
        end - 14,
        0,  # identification, flags, fragment offset
        0x4011,  # time to live 64, UDP
        0,
        b"",
        b"\xff\xff\xff\xff",
        CLIENT_PORT,
        SERVER_PORT,
        end - 34,
        0,
    )
    for i in range(26, 30):
        buf[i] = buf[i + HEAD - 14]
    pack_into("!H", buf, 24, _checksum(_sum(buf, 14, 34)))
    # Of the pseudo header the broadcast address adds nothing; nor do the zeros from behind chaddr
    # to the cookie.
    total = (
        _sum(buf, 26, 30) + 17 + end - 34 + _sum(buf, 34, HEAD + 34) + _sum(buf, HEAD + 236, end)
    )
    pack_into("!H", buf, 40, _checksum(total) or 0xFFFF)


def _sum(buf, i, end):
    total = 0
    while i < end:
        total += buf[i] << 8 | buf[i + 1]
        i += 2
    return total


def _checksum(total):
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Link:
    """What Client asks of any link, by way of one UDP socket, which is enough where the stack does
    not stand in the way.

    To be added: `mac`, 6 bytes; `up()`, whether the link is; `key()`, bytes that tell this network
    from others; `apply(lease)` and `remove()`, the address; `silence()` and `restore()`, the
    built-in client.
    """

    broadcast = False  # whether nothing but a broadcast arrives
    error = None  # why the link will not come up, in words
    hostname = None  # the default for option 12
    server_port = SERVER_PORT
    client_port = CLIENT_PORT

    def __init__(self):
        self.sock = None
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
            sock.bind(getaddrinfo("0.0.0.0", self.client_port)[0][-1])
        except OSError:
            sock.close()
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

    def send(self, buf, end, server):
        """Send the message buf[HEAD:end] to the 4 bytes `server`, None for all. OSError: it could
        not leave.
        """
        to = getaddrinfo(dotted(server) if server else "255.255.255.255", self.server_port)
        self.sock.sendto(memoryview(buf)[HEAD:end], to[0][-1])

    def receive(self, wait):
        """Return what comes within `wait` ms, or None. The message is at
        data[self.start:self.end].
        """
        for _ in self.ready(wait):
            data = self.sock.recv(SIZE)
            self.start = 0
            self.end = len(data)
            if data:
                return data
            # On ESP32 an empty datagram marks the socket as closed by its peer, for good.
            self.close()
            self.open()
        return None
