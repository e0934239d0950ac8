"""This project's side of tools/bench.py: its client on one UDP socket."""

# mypy: ignore-errors
import socket
import struct
import time

from dhcpc.client import Client
from dhcpc.link import Link

_SO_BINDTODEVICE = 25  # Linux


class Wire(Link):
    """An interface whose stack does not stand in the way, as an ESP32's. It only tells when it is
    given an address, ns since 1970."""

    def __init__(self, interface, mac):
        super().__init__()
        self.interface = interface
        self.mac = mac

    def up(self):
        return True

    def key(self):
        return b""

    def tie(self, sock):
        sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, self.interface.encode() + b"\0")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, struct.pack("i", 1))

    def apply(self, lease):
        print(time.time_ns())

    def remove(self):
        pass

    def silence(self):
        pass

    def restore(self):
        pass


def clock():
    """Seconds of a clock that no reset sets back."""
    return int(time.time())


def start(interface, mac, hostname, store, reuse):
    """Get a lease."""
    settings = {"hostname": hostname, "store": store, "epoch": clock, "reuse": reuse}
    Client(Wire(interface, mac), **settings).acquire()
