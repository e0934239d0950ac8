"""A TAP on the switch, in the place of the client's host: for a board that is a program here."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

from testbed.network import Network
from testbed.process import LabError, python
from toolchain.cli import Unavailable

REMEDY = (
    "it takes /dev/net/tun, which this user may open (sudo modprobe tun; sudo chmod 666 "
    "/dev/net/tun; for a container --device=/dev/net/tun)"
)


def _send_tap(name: str, to: str) -> None:
    """Make a TAP in this network namespace, and hand it to who listens on a socket."""
    import fcntl
    import os
    import socket
    import struct

    TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(to)
        socket.send_fds(sock, [b"\0"], [tap])


@contextlib.contextmanager
def plugged(net: Network) -> Iterator[int]:
    """A TAP on the lab's switch, where the client's host was. Unavailable: not to be had."""
    net.remove_host("client")
    path = net.dir / "tap"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(net.outside(path)))
        listener.listen()
        try:
            net.run(python(_send_tap, "client", str(path)), host="switch")
        except LabError as error:
            raise Unavailable(f"no TAP here: {REMEDY}: {error}") from None
        with listener.accept()[0] as sock:
            tap = socket.recv_fds(sock, 1, 1)[1][0]
    try:
        net.run(["ip", "link", "set", "client", "master", "switch", "up"], host="switch")
        yield tap
    finally:
        os.close(tap)
