"""Records what a client on a Linux interface sends and hears, as a pcap file has it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType

_ETH_P_ALL = 0x0003
_LONGEST = 65535
_LOOK_S = 0.1  # how soon it ends when it is told to
_SETTLE_S = 0.05  # for the last packet, a RELEASE, to be seen
_DHCP = {67, 68}  # ports
_MAGIC = 0xA1B23C4D  # of a file with times in ns
_ETHERNET = 1


class Recorder:
    """A context manager: inside, the DHCP frames of one client on an interface are noted. OSError:
    the interface is not there, or it takes CAP_NET_RAW.
    """

    def __init__(self, iface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((iface, _ETH_P_ALL))
        self._socket.settimeout(_LOOK_S)
        self._mac: bytes = self._socket.getsockname()[4]
        self._frames: list[tuple[int, bytes]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        time.sleep(_SETTLE_S)
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            # An interface that goes down and up again is heard again.
            with contextlib.suppress(OSError):
                frame = self._socket.recv(_LONGEST)
                if self._mac in frame and _is_dhcp(frame):
                    self._frames.append((time.time_ns(), frame))

    def pcap(self) -> bytes:
        """What was heard, as a file."""
        made = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _LONGEST, _ETHERNET)]
        for ns, frame in self._frames:
            seconds, rest = divmod(ns, 1_000_000_000)
            made += [struct.pack("<IIII", seconds, rest, len(frame), len(frame)), frame]
        return b"".join(made)


def _is_dhcp(frame: bytes) -> bool:
    if frame[12:14] != b"\x08\0" or frame[23:24] != b"\x11":
        return False
    at = 14 + (frame[14] & 15) * 4
    return len(frame) >= at + 4 and bool({*struct.unpack_from("!HH", frame, at)} & _DHCP)
