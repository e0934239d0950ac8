"""Adafruit's side of tools/bench.py: the DHCP code of its WIZNET5K driver, on one UDP socket."""

# mypy: ignore-errors
import select
import socket
import struct
import sys
import time

_SO_BINDTODEVICE = 25  # Linux


class _Future:  # `from __future__ import annotations`: MicroPython never evaluates them
    annotations = None


sys.modules["__future__"] = _Future

from adafruit_wiznet5k import adafruit_wiznet5k_dhcp as dhcp  # noqa: E402


class Eth:
    """What the DHCP code calls of the driver. One socket serves it from the first packet on: it
    is not charged for opening one for each message."""

    ifconfig = None
    src_port = 0

    def __init__(self, interface):
        self.interface = interface
        self.sock = None

    def get_socket(self):
        return 0

    def socket_connect(self, number, server, port, conn_mode):
        host = ".".join(str(byte) for byte in server)
        self.server = socket.getaddrinfo(host, port)[0][-1]
        if not self.sock:
            self.sock = sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            interface = self.interface.encode() + b"\0"
            sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, interface)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, struct.pack("i", 1))
            sock.bind(socket.getaddrinfo("0.0.0.0", self.src_port)[0][-1])
            self.poller = select.poll()
            self.poller.register(sock, select.POLLIN)

    def socket_write(self, number, data):
        self.sock.sendto(data, self.server)

    def socket_available(self, number, kind):
        for _ in self.poller.ipoll(1):
            self.data = self.sock.recv(512)
            return len(self.data)
        return 0

    def read_udp(self, number, size):
        return len(self.data), self.data

    def socket_close(self, number):
        pass


class TellingEth(Eth):
    """Tells when it is given an address, ns since 1970."""

    @property
    def ifconfig(self):
        return None

    @ifconfig.setter
    def ifconfig(self, addresses):
        if addresses[0][0]:  # the DHCP code begins with 0.0.0.0
            print(time.time_ns())


def start(interface, mac, hostname):
    """Get a lease."""
    dhcp.DHCP(TellingEth(interface), mac, hostname).request_dhcp_lease()
