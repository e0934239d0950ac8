"""The part of tools/demo.py that runs in the MicroPython VM: a board whose network is UDP on
127.0.0.1 and whose flash is a file. Prints one JSON object for each event, and for each look at
what the application sees.

sys.argv[1]: JSON with the keys flash (a path), block (its size), mac and server (lists of bytes),
hostname, host, everyone_port, server_port, client_port, timeout_ms.
"""

import errno
import json
import select
import socket
import sys

import dhcpc
from device.virtual_vm import Flash, mount
from dhcpc import Link


class Loopback(Link):
    """Two ports of 127.0.0.1 stand for 255.255.255.255 and for the server's address, so that the
    other end can tell a broadcast. The address of a lease is only noted, in `address`.
    """

    address = None
    hostname = ""

    def __init__(self):
        super().__init__(None)
        self.mac = bytes(want["mac"])

    def open(self):
        """A socket that is heard on this machine alone."""
        if not self.sock:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.bind(_address("client_port"))
            self.poll.register(self.sock, select.POLLIN)

    def send(self, size, server):
        """To all, or to the one server that there is; OSError: to any other."""
        if server and server != bytes(want["server"]):
            raise OSError(errno.EHOSTUNREACH)
        self.open()
        to = _address("server_port" if server else "everyone_port")
        self.sock.sendto(self.buf[:size], to)

    def up(self):
        """Always."""
        return True

    def error(self):
        """None."""

    def key(self):
        """A cable: nothing tells it from others."""
        return b""

    def apply(self, lease):
        """Note the address."""
        self.address = lease and lease.ip


def _address(port):
    return socket.getaddrinfo(want["host"], want[port])[0][-1]


def _on_event(event, lease):
    global last
    last = event
    print(json.dumps({"event": event, "state": dhcp.state}))


def _show(*expressions):
    # With their values as the prompt would show them; then wait until they have been looked at.
    print(json.dumps({"seen": [(each, repr(eval(each))) for each in expressions]}))
    sys.stdin.readline()


def _show_lease():
    _show(
        *("lease.ip", "lease.mask", "lease.gateway", "lease.dns"),
        *("lease.option(15)", "lease.remaining()", "nic.address"),
    )


want = json.loads(sys.argv[1])
mount(Flash(want["flash"], want["block"]))
last = None
nic = Loopback()
dhcp = dhcpc.Client(nic, hostname=want["hostname"], on_event=_on_event)
try:
    lease = dhcp.acquire(want["timeout_ms"])
except OSError as error:
    print(json.dumps({"error": str(error)}))
    sys.exit(1)
_show_lease()
while last != "renewed" and dhcp.lease:
    dhcp.poll(1000)
lease = dhcp.lease or lease
_show_lease()
dhcp.release()
_show("dhcp.lease", "nic.address")
