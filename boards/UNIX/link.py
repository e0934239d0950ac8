"""A Linux interface as a link: whole frames by AF_PACKET, addresses by ip(8). For MicroPython's
UNIX port and CPython.

A UDP socket will not do on Linux: it sends from 0.0.0.0 only while no interface at all has an
address, and the kernel drops the unicast reply to an address that nobody has yet. AF_PACKET has
neither fault.
"""

import os
import select
import socket
import struct
import sys
import time

from dhcpc import Link, checksum, dotted, frame

_VM = sys.implementation.name == "micropython"
_AF_PACKET = 17
_ETH_P_IP = 0x0800
_ETH_P_ARP = 0x0806
_SO_BINDTODEVICE = 25
_UDP = 17
_HEAD = 42  # of Ethernet, IPv4 and UDP
_DOMAIN_NAME = 15
_MTU = 26
_LEAST_MTU = 576  # bytes that every host takes (RFC 791 3.1)
_ARP_S = 0.1
_PROBES = 3  # RFC 5227 1.1
_PROBE_GAP_MS = 300
_NONE = "0.0.0.0"
_SERVER_PORT = 67
_CLIENT_PORT = 68
_MOST = 32  # frames that are looked at in one go: a busy network must not hold up the client
_FRAME = 1514  # bytes of the longest frame (RFC 894); of a longer one, as much
_RESOLV_CONF = "/etc/resolv.conf"
_MARK = b"# dhcpc on %s"
_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"


def ticks_ms():
    """A monotonic clock; CPython has no time.ticks_ms."""
    return time.ticks_ms() if _VM else time.monotonic_ns() // 1_000_000


def _read(path):
    with open(path) as f:
        return f.read().strip()


def readdress(buf, mac, ip):
    """Have a frame go to one host instead of to all: to those 6 bytes, and those 4."""
    buf[:6] = mac
    buf[30:34] = ip
    for i in (24, 40):
        # RFC 1624: what is new is added; all ones, which are gone, count for nothing.
        sum = checksum(ip, 0, 4, 0xFFFF - (buf[i] << 8 | buf[i + 1]))
        struct.pack_into("!H", buf, i, 0xFFFF - sum)


class Interface(Link):
    """The interface `name`."""

    hostname = ""

    def __init__(self, name, apply=True, resolver=False, words="/dev/null"):
        """apply: give the interface the address and the route. resolver: and the machine its name
        servers, in /etc/resolv.conf. words: a file for ip(8) to write to why it fails.

        ValueError: there is no such interface, or it is not Ethernet. OSError: this takes
        CAP_NET_RAW, and CAP_NET_ADMIN to apply.
        """
        super().__init__(None)
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
        self.shell_name = "'%s'" % name.replace("'", "'\\''")
        self.applying = apply
        self.resolving = resolver
        self.words = words
        self.failed = None  # what a lease can do without and `apply` could not do, in words
        self.mtu = None  # what it was before, if it is another now
        self.applied = None  # the address; "" if there is none, None if nobody knows
        self.udp = None
        self.last = None  # the MAC that the last message came from,
        self.hop = None  # and the last that was accepted: the server's own, or a relay's
        try:
            socket.socket(_AF_PACKET, socket.SOCK_RAW, 0).close()
        except OSError as error:
            raise OSError("no packet can be sent on %s: [Errno %d]" % (name, error.args[0]))
        if apply:  # also where it is up: who may not do this may not set an address either
            self._must("link set dev %s up" % self.shell_name)

    # the link

    def up(self):
        """Whether there is a carrier."""
        try:
            return _read(self.sys + "carrier") == "1"
        except OSError:  # EINVAL: the interface is down
            return False

    def key(self):
        """Nothing tells one cable from another."""
        return b""

    def error(self):
        """Nothing tells why a cable is not there."""

    def release(self):
        """Linux has no DHCP client of its own; another program's is the user's to stop."""

    # the messages

    def open(self):
        """Open a socket for whole frames; beside it a UDP socket, so that port 68 is not a closed
        one.
        """
        if self.sock:
            return
        packets = self._packets(_ETH_P_IP)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            device = self.name.encode() + b"\0"
            self.udp.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device)
            self.udp.bind(socket.getaddrinfo(_NONE, _CLIENT_PORT)[0][-1])
        except OSError:  # somebody else keeps the port from being closed
            self.udp.close()
            self.udp = None
        self.sock = packets
        self.poll.register(packets, select.POLLIN)

    def _packets(self, protocol):
        # A socket for whole frames. No protocol until bind: a socket that hears at once has to be
        # rehooked, which takes 10 ms.
        packets = socket.socket(_AF_PACKET, socket.SOCK_RAW, 0)
        try:
            if _VM:  # by number, which is another one after the interface was made anew
                self.number = int(_read(self.sys + "ifindex"))
                address = struct.pack(
                    "HHiHBB8s", _AF_PACKET, _swap(protocol), self.number, 0, 0, 0, b""
                )
                packets.bind(address)
            else:
                packets.bind((self.name, protocol))
        except OSError:
            packets.close()
            raise
        return packets

    def close(self):
        """Close both sockets."""
        if self.sock and self.udp:
            self.udp.close()
        super().close()

    def send(self, size, server):
        """Send a frame; what is for one server to the neighbour that its last message came
        from.
        """
        self.open()
        if server and not self.hop and self.udp:
            # After a reuse nobody has been heard yet: leave it to the kernel, and to ARP, which
            # takes its time; a RELEASE must be out before the address goes.
            to = socket.getaddrinfo(dotted(server, 0), _SERVER_PORT)[0][-1]
            self.udp.sendto(self.buf[:size], to)
            time.sleep(_ARP_S)
            return
        frame(self.frame, size, self.mac)
        if server and self.hop:
            readdress(self.frame, self.hop, server)
        self.sock.send(memoryview(self.frame)[: size + _HEAD])

    def recv(self, size, wait):
        """The message for a client that comes in a frame within `wait` ms, if one does; after a
        frame that has none it does not wait any longer. Of a longer message, the first `size`
        bytes.
        """
        try:
            for _ in range(_MOST):
                if not self.poll.poll(wait):
                    break
                data = self.sock.recv(_FRAME)
                message = _message(data)
                if message:
                    self.last = data[6:12]
                    return message[:size]
                wait = 0
        except OSError:  # ENETDOWN: `up` will tell
            pass
        return None

    def used(self, ip):
        """Whether another host has the address, or probes for it, too: RFC 5227 2.1.1. It takes
        0.9 s to find none.

        The RFC has 3 probes as well, but 4 to 7 s: a random second before, 1 to 2 s between, 2 s
        after. That is for many hosts that start together, and for links that lose or hold frames.
        On a cable an answer takes less than 1 ms. OSError: no packet can be sent.
        """
        address = bytes([int(part) for part in ip.split(".")])
        probe = self._request(bytes(4), address)  # it does not say who asks
        packets = self._packets(_ETH_P_ARP)
        try:
            poll = select.poll()
            poll.register(packets, select.POLLIN)
            for _ in range(_PROBES):
                packets.send(probe)
                end = ticks_ms() + _PROBE_GAP_MS
                left = _PROBE_GAP_MS
                while left > 0:
                    for _ in poll.poll(left):
                        if self._conflicts(packets.recv(_FRAME), address):
                            return True
                    left = end - ticks_ms()
        finally:
            packets.close()
        return False

    def _announce(self, address):
        # RFC 2131 4.4.1, RFC 5227 2.3; the kernel does not do it.
        try:
            packets = self._packets(_ETH_P_ARP)
            try:
                packets.send(self._request(address, address))
            finally:
                packets.close()
        except OSError as error:
            self.failed = "announcement: [Errno %d]" % error.args[0]

    def _request(self, sender, target):
        # RFC 826: a whole frame
        head = b"\xff" * 6 + self.mac + b"\x08\6\0\1\x08\0\6\4\0\1"
        return head + self.mac + sender + bytes(6) + target

    def _conflicts(self, data, address):
        # An ARP packet (RFC 826), for Ethernet and IPv4, of another host that has the address, or
        # a probe for it.
        sender = data[28:32]
        return (
            data[14:20] == b"\0\1\x08\0\6\4"
            and data[22:28] != self.mac
            and (sender == address or (not any(sender) and data[38:42] == address))
        )

    # the lease

    def apply(self, lease):
        """Give the interface the address and a default route behind all that there are, and, if
        asked to, the resolver its servers; or, if None, take away what was given, or an earlier
        run left. What a lease can do without is no fault: `failed` tells of it.

        OSError: the address could not be set, or not be taken away; in the kernel's words.
        """
        if lease and lease is not self.lease:  # or else it is tried again
            self.hop = self.last
        self.lease = lease
        if not self.applying:
            return
        if not lease:
            if self.applied != "":
                self._remove()
            return
        size = sum([bin(int(part)).count("1") for part in lease.mask.split(".")])
        address = "%s/%d" % (lease.ip, size)
        if self.applied and self.applied != address:
            self._remove()
        left = lease.remaining()
        left = "forever" if left is None else max(left, 1)
        self._must(
            "address replace %s dev %s" % (address, self.shell_name),
            " brd + valid_lft %s preferred_lft %s" % (left, left),
        )
        new = self.applied != address
        self.applied = address
        route = "default dev %s metric %d" % (self.shell_name, 1000 + self.number)
        self.failed = None
        if lease.gateway != _NONE:
            way = "via %s src %s onlink proto dhcp" % (lease.gateway, lease.ip)
            self.failed = self._ip("route replace %s %s" % (route, way))
        else:
            self._ip("route del " + route)
        self._limit(lease.option(_MTU))
        self._resolve(lease.dns, lease.option(_DOMAIN_NAME))
        if new:
            self._announce(lease.yiaddr)

    def _limit(self, option=None):
        # The longest packet, as the server says it; as it was before, if it says nothing, or less
        # than every host must take.
        mtu = int.from_bytes(option or b"", "big")
        if not (option and len(option) == 2 and mtu >= _LEAST_MTU):
            mtu = self.mtu
        try:
            now = int(_read(self.sys + "mtu"))
        except OSError:  # the interface is gone
            now = mtu
        if mtu and mtu != now:
            self.mtu = self.mtu or now
            self.failed = (
                self._ip("link set dev %s mtu %d" % (self.shell_name, mtu)) or self.failed
            )

    def _remove(self):
        if self.applied:
            failed = self._ip("address del %s dev %s" % (self.applied, self.shell_name))
            ip = self.applied.split("/")[0]
            # It may be gone: the kernel, too, knows when the lease ends.
            show = "address show to %s dev %s | grep -q ." % (ip, self.shell_name)
            if failed and not self._ip(show):
                raise OSError(failed)
        else:
            self._must("address flush dev %s dynamic" % self.shell_name)
        self.applied = ""
        self._limit()
        self._resolve()

    def _must(self, command, more=""):
        failed = self._ip(command, more)
        if failed:
            raise OSError(failed)

    def _ip(self, command, more=""):
        # What failed, in words; None if it did not. more: what is another each time it is tried,
        # and is not said.
        if not os.system("ip -4 %s%s 2>%s" % (command, more, self.words)):
            return None
        words = "; ".join(_read(self.words).split("\n"))
        return "ip %s: %s" % (command, words or "failed")

    def _resolve(self, servers=(), domain=None):
        # Before each of our lines stands our mark. They go before the others', and away again.
        if not self.resolving:
            return
        mark = _MARK % self.name.encode()
        ours = [b"nameserver %s" % server.encode() for server in servers if server != _NONE]
        domain = (domain or b"").rstrip(b"\0")  # RFC 2132 2
        if domain and not domain.strip(_NAME):
            ours.append(b"search " + domain)
        try:
            with open(_RESOLV_CONF, "rb") as f:
                old = f.read()
        except OSError:
            old = b""
        lines = []
        for line in ours:
            lines += [mark, line]
        before = None
        for line in old.split(b"\n"):
            if mark not in (line, before):
                lines.append(line)
            before = line
        new = b"\n".join(lines)
        try:
            if new != old:
                with open(_RESOLV_CONF, "wb") as f:
                    f.write(new)
        except OSError as error:
            self.failed = "%s: [Errno %d]" % (_RESOLV_CONF, error.args[0])


def _message(data):
    # Of a frame: RFC 791, 768: an IPv4 packet, UDP, to the client's port. It may end early: where
    # the frame was longer than what was read of it, or the datagram comes in fragments, of which
    # the first one alone can be told.
    if (
        len(data) < _HEAD
        or data[12:14] != b"\x08\0"
        or data[14] >> 4 != 4
        or data[20] & 0x1F
        or data[21]
        or data[23] != _UDP
    ):
        return None
    udp = 14 + (data[14] & 15) * 4
    if len(data) < udp + 8:
        return None
    size = data[udp + 4] << 8 | data[udp + 5]
    end = udp + size
    if end < udp + 8 or data[udp + 2] << 8 | data[udp + 3] != _CLIENT_PORT:
        return None
    if checksum(data, 14, udp, 0):  # RFC 1122 3.2.1.2
        return None
    source = data[26:30]
    if source[0] == 127 or source[0] >> 4 == 14 or source == b"\xff" * 4:  # RFC 1122 3.2.1.3
        return None
    if end > len(data):
        part = data[20] & 0x20 or len(data) == _FRAME
        return data[udp + 8 :] if part else None
    pseudo = checksum(data, 26, 34, _UDP + size)
    # RFC 1122 4.1.3.4. None at all is right, and the pseudo header's alone is one that a virtual
    # interface has left to hardware which is not there.
    told = data[udp + 6] << 8 | data[udp + 7]
    if told and told != pseudo and checksum(data[udp:end] + b"\0", 0, size, pseudo):
        return None
    return data[udp + 8 : end]


def _swap(number):
    # As the kernel wants it, in network order.
    return struct.unpack("H", struct.pack("!H", number))[0]
