"""How a message leaves a board, how a reply reaches it, and how a lease is put to use. Knows
sockets, frames and NICs. Does not know DHCP's states.
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
# RFC 826: EtherType ARP, Ethernet, IPv4, 6 and 4 bytes, a request
_ARP = const(b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01")
_NONE = const("0.0.0.0")

_SHORTEST = const(400)  # bytes: with a quarter less, a message would have no room

# network.STAT_NO_AP_FOUND and STAT_WRONG_PASSWORD, modulo 256: of rp2 -2 and -3, of ESP32 201 and
# 202. 210 to 212 of ESP32: there is an access point, but not with the wanted security.
_NO_AP_FOUND = const(b"\xfe\xc9\xd2\xd3\xd4")
_WRONG_PASSWORD = const(b"\xfd\xca")

# The same on every port
_AF_INET = const(2)
_SOCK_DGRAM = const(2)
_POLLIN = const(1)
_SOL_SOCKET = const(0xFFF)  # ESP32's, which alone needs it


def frame(buf: bytearray, length: int, mac: bytes) -> None:
    """Put the headers of a frame to all (RFC 894, 791, 768) before the message at buf[42:], which
    has `length` bytes. A zero follows a message of odd length, see wire.build.

    mac: 6 bytes. The source address is ciaddr, 0.0.0.0 as long as there is no address. Both
    checksums are filled in.
    """
    pack_into(
        b"!6s6sIHIHH4s4sIHH",
        buf,
        0,
        _ALL,
        mac,
        0x08004500,  # EtherType; version 4, 5 words
        length + 28,
        0x4000,  # DF: what is never in fragments needs no identification (RFC 6864 4.1)
        0x4011,  # time to live 64, UDP
        0,
        buf[_HEAD + 12 : _HEAD + 16],
        _ALL,
        _CLIENT_PORT << 16 | _SERVER_PORT,
        length + 8,
        0,
    )
    pack_into("!H", buf, 24, 0xFFFF - checksum(buf, 14, 34, 0))
    # The pseudo header (25: UDP is protocol 17, its header has 8 bytes), and the rest without the
    # zeros between chaddr and the cookie
    sum = checksum(buf, 26, _HEAD + 34, length + 25)
    pack_into("!H", buf, 40, 0xFFFF - checksum(buf, _HEAD + 236, _HEAD + length, sum))


def checksum(buf: bytes | bytearray, i: int, end: int, sum: int) -> int:
    """The ones' complement sum (RFC 1071) of `sum` and the 16-bit words of buf[i:end]; an odd last
    byte counts with the byte after it. The sum is below 0xffff, so that the checksum is never 0,
    which UDP forbids; 0 and 0xffff mean the same.
    """
    while i < end:
        sum += buf[i] << 8 | buf[i + 1]
        i += 2
    return sum % 0xFFFF


class Link:
    """What a Client needs from any link; here on one of MicroPython's NICs.

    A NIC without an address cannot simply broadcast: lwIP finds no route. There are three ways: a
    socket that is bound to the device (ESP32), whole frames (rp2), and a provisional address (the
    extra `provisional`). Replies reach a plain UDP socket in any case.
    """

    def __init__(self, nic: "Any") -> None:
        """nic: active; None if a subclass takes its place. ValueError: it is not active."""
        self.frame = bytearray(_HEAD + 570)  # see wire.build
        self.buf = memoryview(self.frame)[_HEAD:]  # the message
        self.poll: "Any" = select.poll()
        self.sock: "Any" = None
        self.nic = nic
        if nic:
            import network  # type: ignore[import-not-found]

            self.hostname = network.hostname()
            self.mac = nic.config("mac")
            if not any(self.mac):
                raise ValueError("nic: not active")
            self.option = getattr(socket, "SO_BINDTODEVICE", None)  # of the socket
            self.raw = getattr(nic, "send_ethernet", None)
            # What the NIC has as long as there is no lease: the first three values of ifconfig
            self.ifconfig = (_NONE,) * 3

    def up(self) -> bool:
        """Whether there is a cable or an association; False if the NIC cannot tell."""
        nic = self.nic
        try:
            if self.option and hasattr(nic, "scan"):
                nic.status("rssi")
                return True
            # 3 and 5 are ESP32's network.ETH_CONNECTED and ETH_GOT_IP; 2 and 3 are rp2's, without
            # and with an address
            status = nic.status()
            return status == 3 or status == (5 if self.option else 2)
        except Exception:
            return False

    def key(self) -> bytes:
        """What distinguishes this network from others: the SSID; b"" on a cable."""
        try:
            # On ESP32 the password follows an SSID of 32 bytes.
            return self.nic.config("ssid").encode()[:32]
        except Exception:  # ValueError where there is no such thing
            return b""

    def error(self) -> str | None:
        """None, or why there will be no association."""
        if self.up():
            return None  # ESP32's status may still be that of an earlier failure
        status = self.nic.status() & 0xFF
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
        """Put a lease to use, and announce its address (RFC 2131 4.4.1), which only ESP32's stack
        does by itself. None: take the address away.

        Both stop the built-in client: setting an address is the surest way to do so.
        """
        self.lease = lease
        nic = self.nic
        # Without a lease the name server stays: rp2 has only one, for all NICs.
        four = lease.ifconfig() if lease else self.ifconfig + nic.ifconfig()[3:]
        try:
            nic.ifconfig(four)
            if lease and self.raw:
                mac = self.mac
                ip = lease.yiaddr
                # RFC 5227 3: a request for its own address
                self.raw(_ALL + mac + _ARP + mac + ip + bytes(6) + ip)
        except Exception:
            # ESP32 raises for a DNS server of 0.0.0.0, after it has set the rest.
            if nic.ifconfig()[:3] != four[:3]:
                raise

    def open(self) -> None:
        """Open the socket unless it is open. OSError EADDRINUSE: another program has the port."""
        if not self.sock:
            self.sock = sock = socket.socket(_AF_INET, _SOCK_DGRAM)
            self.poll.register(sock, _POLLIN)
            if self.option:
                sock.setsockopt(_SOL_SOCKET, self.option, self.nic.config("ifname") or "")  # type: ignore
            sock.bind((_NONE, _CLIENT_PORT))  # "" is IPv6's on rp2

    def close(self) -> None:
        """Close the socket if it is open."""
        if self.sock:
            # If one of these fails, the socket is still there, and is closed again next time.
            self.sock.close()
            self.poll = select.poll()
            self.sock = None

    def send(self, length: int, server: bytes | None) -> None:
        """Open the socket, and send the message of `length` bytes in self.buf to the 4 bytes
        `server`, None for all. OSError: it could not leave.
        """
        try:
            self.open()
            if self.raw and not server:
                frame(self.frame, length, self.mac)
                self.raw(memoryview(self.frame)[: length + _HEAD])
            else:
                self.sock.sendto(self.buf[:length], (dotted(server or _ALL, 0), _SERVER_PORT))
        except Exception:
            # The built-in client is back, or the interface has been off and on again.
            self.close()
            self.apply(self.lease)
            raise

    def recv(self, length: int, wait: int) -> bytes | None:
        """Return the message that comes within `wait` ms, or None: at most `length` bytes of it,
        or as many as the heap has room for.
        """
        try:
            for _ in self.poll.ipoll(wait):
                data = self.sock.recv(length)
                if data:
                    return data
                # On ESP32 an empty datagram marks the socket as closed, for ever.
                self.close()
                self.open()
        except MemoryError:
            if length > _SHORTEST:
                return self.recv(length - (length >> 2), 0)
        except Exception:
            self.close()
        return None
