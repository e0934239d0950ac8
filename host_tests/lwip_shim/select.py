"""MicroPython's `select` for the sockets of a board's stack."""

import struct

import stack

POLLIN = 1
POLLOUT = 4

_DAY = 86_400_000


def wait(mask, ms):
    """Which of the sockets whose bits are set in `mask` have a datagram, at the latest after `ms`
    milliseconds; below zero, for ever.
    """
    while True:
        ready = stack.do(b"P", 0, mask, struct.pack("<i", ms if 0 <= ms < _DAY else _DAY))
        if ready or ms >= 0:
            return ready


class poll:
    """Of POLLIN and POLLOUT; a UDP socket is always ready for the latter."""

    def __init__(self):
        self.registered = {}

    def register(self, sock, events=POLLIN | POLLOUT):
        """Watch a socket."""
        self.registered[sock] = events

    def poll(self, ms=-1):
        """[(socket, events)] of those that are ready."""
        mask = 0
        for sock, events in self.registered.items():
            if events & POLLOUT:
                ms = 0
            if events & POLLIN:
                mask |= 1 << sock.fileno()
        ready = wait(mask, ms)
        found = []
        for sock, events in self.registered.items():
            seen = events & POLLOUT | (ready >> sock.fileno() & events & POLLIN)
            if seen:
                found.append((sock, seen))
        return found

    def ipoll(self, ms=-1, flags=0):
        """The same, one after the other."""
        return iter(self.poll(ms))
