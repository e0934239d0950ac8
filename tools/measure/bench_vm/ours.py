"""This project's side of tools/bench.py: its client on one UDP socket."""

# mypy: ignore-errors
import select
import socket
import struct
import time

from dhcpc import Client, Link, Store, dotted

_SO_BINDTODEVICE = 25  # Linux


class Wire(Link):
    """An interface whose stack does not stand in the way, as an ESP32's. It only tells when it is
    given an address, ns since 1970."""

    hostname = ""

    def __init__(self, interface, mac):
        super().__init__(None)
        self.interface = interface
        self.mac = mac

    def up(self):
        return True

    def error(self):
        pass

    def key(self):
        return b""

    def open(self):
        if not self.sock:
            self.sock = sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            device = self.interface.encode() + b"\0"
            sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, struct.pack("i", 1))
            sock.bind(socket.getaddrinfo("0.0.0.0", 68)[0][-1])
            self.poll.register(sock, select.POLLIN)

    def send(self, size, server):
        self.open()
        to = dotted(server or b"\xff\xff\xff\xff", 0)
        self.sock.sendto(self.buf[:size], socket.getaddrinfo(to, 67)[0][-1])

    def apply(self, lease):
        if lease:
            print(time.time_ns())


def clock():
    """Seconds of a clock that no reset sets back, and its kind."""
    return (1 << 32) + int(time.time())


def start(interface, mac, hostname, path, reuse):
    """Get a lease."""
    store = Store(path)
    store.epoch = clock
    Client(Wire(interface, mac), hostname=hostname, store=store, reuse=reuse).acquire()
