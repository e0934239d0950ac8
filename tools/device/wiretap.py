"""What goes through the link of a board's client: its messages, byte for byte, taken over to this
computer while the board polls.
"""

from __future__ import annotations

import time

from capture.messages import Message, decode
from capture.names import ip_text
from device.remote import Board

_MOST = 16  # messages that the board holds until they are taken over; its own come on top
_ROOM = 8192  # bytes of heap that are left to its client
_SERVER_PORT = 67

# A message that could not leave is not kept. What is kept must leave the client enough memory.
_SCRIPT = """
import gc, time

class _Wiretap:
    start = time.ticks_ms()
    kept = []
    missed = 0

    def __init__(self, client):
        self.link = client.link
        self.sends, self.reads = client.link.send, client.read
        client.link.send, client.read = self.send, self.read

    def send(self, size, server):
        when = time.ticks_ms()
        self.sends(size, server)
        self.keep(when, server or b"\\xff\\xff\\xff\\xff", self.link.buf, size)

    def read(self, buf):
        self.keep(time.ticks_ms(), None, buf, len(buf))
        self.reads(buf)

    def keep(self, when, to, buf, size):
        try:
            if to or len(self.kept) < %d:
                if gc.mem_free() < %d:
                    gc.collect()
                if gc.mem_free() >= %d:
                    when = time.ticks_diff(when, self.start)
                    self.kept.append((when, to, bytes(buf[:size])))
                    return
        except MemoryError:
            pass
        _Wiretap.missed += 1

for _each in getattr(dhcp, "clients", [dhcp]):
    _Wiretap(_each)
"""
_TAKE = """
print("[")
while _Wiretap.kept:
    print(_Wiretap.kept.pop(0), ",")
print(_Wiretap.missed, "]")
"""


class Wiretap:
    """The messages of the client `dhcp`, or of those it has, at a board's prompt, from now on.
    `messages`: those that were taken over; `missed`: how many the board had no room for.
    """

    def __init__(self, board: Board) -> None:
        self.messages: list[Message] = []
        self.missed = 0
        self._board = board
        board.run(_SCRIPT % (_MOST, _ROOM, _ROOM))
        self._start_ns = time.time_ns()

    def take(self) -> None:
        """Take over what the board has kept: the less at a time, the more it has room for."""
        *kept, self.missed = self._board.run(_TAKE)
        for ms, to, payload in kept:
            n = len(self.messages) + 1
            record = {"file": self._board.port, "n": n, **decode(payload)}
            if to:
                record["dst"] = f"{ip_text(to)}:{_SERVER_PORT}"
            ns = self._start_ns + ms * 1_000_000
            self.messages.append(Message(payload, None, record, ns))
