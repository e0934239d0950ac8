"""A Linux interface as a link: whole frames by AF_PACKET, addresses by ip(8). For MicroPython's
UNIX port and CPython.

A UDP socket will not do on Linux: it sends from 0.0.0.0 only while no interface at all has an
address, and the kernel drops the unicast reply to an address that nobody has yet. AF_PACKET has
neither fault.
"""

import os
import socket
import struct
import sys
import time

from dhcpc.lease import dotted
from dhcpc.link import HEAD, Link, frame

_VM = sys.implementation.name == "micropython"
_AF_PACKET = 17
_ETH_P_IP = 0x0800
_SO_BINDTODEVICE = 25
_UDP = 17
_DOMAIN_NAME = 15
_RESOLV_CONF = "/etc/resolv.conf"
_MARK = "# dhcpc on %s:\n"
_END_MARK = "# dhcpc: the end\n"
_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"


def _read(path):
    with open(path) as f:
        return f.read().strip()


class Interface(Link):
    """The interface `name`; `error` says why it will not come up."""

    def __init__(self, name, apply=True):
        """ValueError: there is no such interface, or it is not Ethernet. OSError: this takes
        CAP_NET_RAW.
        """
        super().__init__()
        self.sys = "/sys/class/net/" + name + "/"
        if not name or "/" in name or name[0] == ".":
            raise ValueError("interface %r: not a name" % name)
        try:
            self.mac = bytes([int(part, 16) for part in _read(self.sys + "address").split(":")])
            self.number = int(_read(self.sys + "ifindex"))
        except (OSError, ValueError):
            raise ValueError("interface %s: there is none" % name)
        if len(self.mac) != 6 or _read(self.sys + "type") != "1":
            raise ValueError("interface %s: not Ethernet" % name)
        self.name = name
        self.applying = apply
        self.applied = None
        self.udp = None

    # the link

    def up(self):
        """Whether there is a carrier."""
        try:
            up = _read(self.sys + "carrier") == "1"
        except OSError:  # EINVAL: the interface is down
            up = False
        return up

    def key(self):
        """Nothing tells one cable from another."""
        return b""

    def silence(self):
        """Linux has no DHCP client of its own; another program's is the user's to stop."""

    def restore(self):
        """See silence."""

    # the messages

    def make(self):
        """A socket for whole frames. Beside it a UDP socket, which sends to one server and keeps
        port 68 from being closed.
        """
        # No protocol until bind: a socket that is heard at once has to be rehooked, and the kernel
        # takes 10 ms over it.
        packets = socket.socket(_AF_PACKET, socket.SOCK_RAW, 0)
        try:
            if _VM:
                packets.bind(
                    struct.pack(
                        "HHiHBB8s", _AF_PACKET, _swap(_ETH_P_IP), self.number, 0, 0, 0, b""
                    )
                )
            else:
                packets.bind((self.name, _ETH_P_IP))
            self.udp = super().make()
        except OSError:
            packets.close()
            raise
        return packets

    def tie(self, sock):
        """Keep the UDP socket to this interface."""
        sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, self.name.encode() + b"\0")

    def close(self):
        """Close both sockets."""
        if self.sock:
            self.udp.close()
        super().close()

    def send(self, buf, end, server):
        """A broadcast goes as a frame, a message to one server by the kernel's routes."""
        if server:
            to = socket.getaddrinfo(dotted(server), self.server_port)[0][-1]
            self.udp.sendto(memoryview(buf)[HEAD:end], to)
        else:
            frame(buf, end, self.mac)
            self.sock.send(memoryview(buf)[:end])

    def receive(self, wait):
        """The next frame with a message for a client, if one comes within `wait` ms."""
        late = time.time() * 1000 + wait
        while True:
            for _ in self.ready(wait):
                data = self.sock.recv(2048)
                if self._locate(data):
                    return data
                break
            else:
                return None
            wait = max(0, int(late - time.time() * 1000))

    def _locate(self, data):
        # RFC 791, 768: a whole IPv4 packet, UDP, to the client's port. Checksums are not looked
        # at: on a virtual interface they are often left to hardware that is not there.
        if len(data) < HEAD or data[12:14] != b"\x08\0" or data[14] >> 4 != 4 or data[23] != _UDP:
            return False
        udp = 14 + (data[14] & 15) * 4
        if data[20] & 0x3F or data[21] or len(data) < udp + 8:
            return False
        self.start = udp + 8
        self.end = udp + (data[udp + 4] << 8 | data[udp + 5])
        return (
            self.start <= self.end <= len(data)
            and data[udp + 2] << 8 | data[udp + 3] == self.client_port
        )

    # the lease

    def apply(self, lease):
        """Give the interface the address, a default route behind all that there are, and the
        resolver its servers.
        """
        if self.applying:
            address = "%s/%d" % (
                lease.ip,
                sum([bin(int(part)).count("1") for part in lease.mask.split(".")]),
            )
            if self.applied and self.applied != address:
                self.remove()
            self._ip("address replace %s dev %s" % (address, self.name))
            self.applied = address
            if lease.gateway:
                self._ip(
                    "route replace default via %s dev %s src %s onlink proto dhcp metric %d"
                    % (lease.gateway, self.name, lease.ip, 1000 + self.number)
                )
            self._resolve(lease.dns, lease.option(_DOMAIN_NAME))

    def remove(self):
        """Take away what `apply` gave."""
        if self.applied:
            self._resolve()
            os.system("ip -4 address del %s dev %s 2>/dev/null" % (self.applied, self.name))
            self.applied = None

    def _ip(self, command):
        if os.system("ip -4 " + command):
            raise OSError("ip -4 " + command)

    def _resolve(self, servers=(), domain=None):
        # Our lines go before the others', between marks, and away again.
        lines = ["nameserver %s\n" % server for server in servers]
        if domain and all(c in _NAME for c in domain):
            lines.append("search %s\n" % domain.decode())
        head = _MARK % self.name
        try:
            old = _read(_RESOLV_CONF) + "\n"
        except OSError:
            old = ""
        new = old
        if head in old:
            before, rest = old.split(head, 1)
            new = before + rest.split(_END_MARK, 1)[-1]
        if lines:
            new = head + "".join(lines) + _END_MARK + new
        if new != old:
            with open(_RESOLV_CONF, "w") as f:
                f.write(new)


def _swap(number):
    # As the kernel wants it, in network order.
    return struct.unpack("H", struct.pack("!H", number))[0]
