"""How a message leaves a board, how a reply reaches it, and how a lease is put to use. Knows
sockets, frames and NICs, and nothing of DHCP's states.
"""

import select
import socket
from struct import pack_into

from ._compat import TYPE_CHECKING, const
from .lease import Lease, dotted

if TYPE_CHECKING:
    from typing import Any

_HEAD = const(42)  # the room before a message for its Ethernet, IPv4 and UDP headers
_SERVER_PORT = const(67)
_CLIENT_PORT = const(68)
_ALL = const(b"\xff\xff\xff\xff\xff\xff")
_NONE = const("0.0.0.0")

_SHORTEST = const(400)  # bytes: with a quarter less, a message would have no room

# network.STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD of rp2 and of ESP32
_NO_AP_FOUND = const((-2, 201, 210, 211, 212))  # the last three: none of the security asked for
_WRONG_PASSWORD = const((-3, 202))

# The same on every port
_AF_INET = const(2)
_SOCK_DGRAM = const(2)
_POLLIN = const(1)
_SOL_SOCKET = const(0xFFF)  # ESP32's, which alone needs it


def frame(buf: bytearray, size: int, mac: bytes, to_mac: bytes, to: bytes) -> None:
    """Make of the message at buf[42:], `size` bytes long, a whole frame (RFC 894, 791, 768).

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
        size + 28,
        0,  # identification, flags, fragment offset
        0x4011,  # time to live 64, UDP
        0,
        b"",
        to,
        _CLIENT_PORT << 16 | _SERVER_PORT,
        size + 8,
        0,
    )
    for i in range(26, 30):
        buf[i] = buf[i + _HEAD - 14]
    pack_into("!H", buf, 24, 0xFFFF - checksum(buf, 14, 34, 0))
    # The pseudo header, and all but the zeros from behind chaddr to the cookie
    sum = checksum(buf, 26, _HEAD + 34, 17 + size + 8)
    pack_into("!H", buf, 40, 0xFFFF - checksum(buf, _HEAD + 236, _HEAD + size, sum))


def checksum(buf: bytes | bytearray, i: int, end: int, sum: int) -> int:
    """The ones' complement sum (RFC 1071) of `sum` and the 16-bit words of buf[i:end], an odd byte
    taken with the one behind it. 0 and 0xffff are the same there: it is below 0xffff, and what is
    sent is never 0, which UDP needs.
    """
    while i < end:
        sum += buf[i] << 8 | buf[i + 1]
        i += 2
    return sum % 0xFFFF


class Link:
    """What Client asks of any link, on a NIC of MicroPython's.

    A NIC without an address cannot just broadcast: lwIP finds no route. The ways out, best first:
    a socket that is bound to the device (ESP32), whole frames (rp2), and, for any other NIC, a
    link-local address (RFC 3927) for the time being. Replies reach a plain UDP socket in any case.
    """

    def __init__(self, nic: "Any") -> None:
        """nic: active; None if a subclass does what a NIC would. ValueError: it is not active."""
        self.frame = bytearray(_HEAD + 570)  # see wire.build
        self.buf = memoryview(self.frame)[_HEAD:]  # the message
        self.poll: "Any" = select.poll()
        self.sock: "Any" = None
        self.nic = nic
        if nic:
            import network  # type: ignore[import-not-found]

            self.hostname = network.hostname()
            self.mac = mac = nic.config("mac")
            if not any(mac):
                raise ValueError("nic: not active")
            self.option = getattr(socket, "SO_BINDTODEVICE", None)  # of the socket
            self.raw = getattr(nic, "send_ethernet", None)
            # What the NIC has as long as there is no lease: the first three that ifconfig takes
            self.ifconfig = (_NONE,) * 3
            if not (self.option or self.raw):
                self.ifconfig = dotted(b"\xa9\xfe\x44" + mac[5:], 0), "255.255.0.0", _NONE

    def up(self) -> bool:
        """Whether there is a cable or an association."""
        nic = self.nic
        if self.option and hasattr(nic, "scan"):
            try:
                nic.status("rssi")
                return True
            except OSError:
                return False
        # Without and with an address: network.ETH_CONNECTED, ETH_GOT_IP of ESP32; of other ports
        return nic.status() in ((3, 5) if self.option else (2, 3))

    def key(self) -> bytes:
        """What tells this network from others: the SSID; b"" on a cable."""
        try:
            # ESP32: behind one of 32 bytes stands the password.
            return self.nic.config("ssid").encode()[:32]
        except ValueError:
            return b""

    def error(self) -> str | None:
        """None, or why there will be no association."""
        # Once the link is up, ESP32's status still tells of an earlier failure.
        status = not self.up() and self.nic.status()
        if status in _WRONG_PASSWORD:
            return "wrong password"
        return "no access point" if status in _NO_AP_FOUND else None

    def release(self) -> None:
        """Hand the interface back to the built-in client."""
        try:
            self.nic.ipconfig(dhcp4=True)
        except AttributeError:  # before MicroPython 1.23 or 1.24
            try:
                self.nic.ifconfig("dhcp")
            except Exception:
                pass  # no answer within 10 s (OSError), and it goes on; or it runs (RuntimeError)

    def apply(self, lease: Lease | None) -> None:
        """Put a lease to use and announce its address (RFC 2131 4.4.1), which only ESP32's stack
        does by itself; or take the address away, if None.

        It stops the built-in client, which nothing does as surely as an address that is set.
        """
        self.lease = lease
        nic = self.nic
        # Without a lease the name server stays: rp2 has one for all NICs.
        four = lease.ifconfig() if lease else self.ifconfig + nic.ifconfig()[3:]
        try:
            nic.ifconfig(four)
            if lease and self.raw:
                mac = self.mac
                ip = lease.yiaddr
                # RFC 826, RFC 5227 3: a request for its own address
                self.raw(_ALL + mac + b"\x08\6\0\1\x08\0\6\4\0\1" + mac + ip + bytes(6) + ip)
        except Exception:
            # ESP32 sets all but a DNS server of 0.0.0.0, and raises for that.
            if nic.ifconfig()[0] != four[0]:
                raise

    def open(self) -> None:
        """Open the socket unless it is open. OSError EADDRINUSE: somebody else has the port."""
        if not self.sock:
            self.sock = sock = socket.socket(_AF_INET, _SOCK_DGRAM)
            self.poll.register(sock, _POLLIN)
            if self.option:
                sock.setsockopt(_SOL_SOCKET, self.option, self.nic.config("ifname") or "")  # type: ignore
            sock.bind((_NONE, _CLIENT_PORT))

    def close(self) -> None:
        """Close the socket if it is open."""
        if self.sock:
            self.sock.close()
            self.sock = None
            self.poll = select.poll()

    def send(self, size: int, server: bytes | None) -> None:
        """Open the socket, and send the message of `size` bytes in self.buf to the 4 bytes
        `server`, None for all. OSError: it could not leave.
        """
        try:
            self.open()
            if self.raw and not server:
                frame(self.frame, size, self.mac, _ALL, _ALL)
                self.raw(memoryview(self.frame)[: size + _HEAD])
            else:
                self.sock.sendto(self.buf[:size], (dotted(server or _ALL, 0), _SERVER_PORT))
        except OSError:
            # The built-in client is back, or the interface has been off and on again.
            self.close()
            self.apply(self.lease)
            raise

    def recv(self, size: int, wait: int) -> bytes | None:
        """Return the message that comes within `wait` ms, or None: at most `size` bytes of it, or
        what there is room for on the heap.
        """
        try:
            for _ in self.poll.ipoll(wait):
                data = self.sock.recv(size)
                if data:
                    return data
                # On ESP32 an empty datagram marks the socket as closed by its peer, for good.
                self.close()
                self.open()
        except OSError:
            self.close()
        except MemoryError:
            if size > _SHORTEST:
                return self.recv(size - (size >> 2), 0)
        return None
