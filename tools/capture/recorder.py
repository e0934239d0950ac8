"""Records the DHCP packets on a Linux interface as a pcap file has them: as a program of its own,
in the lab, and beside another one. Needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time

_ETH_P_ALL = 0x0003
_ETHERNET = 1
_LONGEST = 65535
_LOOK_S = 0.1  # how soon a Recorder ends when it is told to
_SETTLE_S = 0.05  # for the last packet, a RELEASE, to be seen
_DHCP = {67, 68}  # ports

_HEADER = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _LONGEST, _ETHERNET)


def sniff(iface: str) -> None:
    """Write to stdout for ever. tcpdump does not capture in a user namespace: it insists on
    becoming another user."""
    tap = _tap(iface)
    out = sys.stdout.buffer
    out.write(_HEADER)
    while True:
        out.flush()
        frame = tap.recv(_LONGEST)
        if _is_dhcp(frame):
            out.write(_packet(frame))


class Recorder:
    """A context manager: inside, the packets of the interface's own client are noted. OSError: the
    interface is not there, or it takes CAP_NET_RAW.
    """

    def __init__(self, iface: str) -> None:
        self._tap = _tap(iface)
        self._tap.settimeout(_LOOK_S)
        self._mac: bytes = self._tap.getsockname()[4]
        self._file = bytearray(_HEADER)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(_SETTLE_S)
        self._over.set()
        self._thread.join()
        self._tap.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            # An interface that goes down and up again is heard again.
            with contextlib.suppress(OSError):
                frame = self._tap.recv(_LONGEST)
                if self._mac in frame and _is_dhcp(frame):
                    self._file += _packet(frame)

    def pcap(self) -> bytes:
        """What was heard, as a file."""
        return bytes(self._file)


def _tap(iface: str) -> socket.socket:
    # No protocol until it is bound, or it would hear every interface until then.
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    tap.bind((iface, _ETH_P_ALL))
    return tap


def _packet(frame: bytes) -> bytes:
    seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
    return struct.pack("=4I", seconds, micros, len(frame), len(frame)) + frame


def _is_dhcp(frame: bytes) -> bool:
    if frame[12:14] != b"\x08\0" or frame[23:24] != b"\x11":
        return False
    at = 14 + (frame[14] & 15) * 4
    return len(frame) >= at + 4 and bool({*struct.unpack_from("!HH", frame, at)} & _DHCP)
