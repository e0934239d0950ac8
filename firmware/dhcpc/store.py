"""Lease records that survive a power cut: what a record says, and the file that it is in. Knows
nothing of the protocol.
"""

from binascii import crc32
from os import remove, rename

from .lease import Lease
from .wire import option

# What a record keeps, as it came and while there is room: options 54, 51, 1, 3, 6, 58, 59, 15, 26,
# 28, 42.
_KEPT = b"63\x01\x03\x06:;\x0f\x1a\x1c*"


def record(lease, identity, reading=0, room=128):
    """The lease in `room` bytes (255 at most); options that do not fit are left out.

    identity: whose it is, and where: version 1, length of key, chaddr (6 bytes), key (what tells
    networks apart: the SSID, empty on a cable), option 61 as it is sent. reading: what the clock
    showed, in seconds, when the lease began, plus the kind of clock << 32; 0 without one.

    Big-endian: identity, reading (5 bytes), yiaddr (4), magic cookie (4), options, CRC-32 of all
    that (4).
    """
    kept = identity + reading.to_bytes(5, "big") + lease.yiaddr + b"c\x82Sc"
    for code in _KEPT:
        value = lease.option(code)
        if value and len(kept) + len(value) + 6 <= room:
            kept += option(code, value)
    return kept + crc32(kept).to_bytes(4, "big")


def restore(message, kept, identity):
    """The Lease of a record, with the `reading` that it was made with. message: the Message to
    read it with.

    ValueError: "crc", not a record or not a whole one; "identity", another version's, device's or
    network's.
    """
    if crc32(kept[:-4]).to_bytes(4, "big") != kept[-4:]:
        raise ValueError("crc")
    if not kept.startswith(identity):
        raise ValueError("identity")
    i = len(identity) + 5
    ack = bytes(16) + kept[i : i + 4] + bytes(216) + kept[i + 4 : -4]  # as far as it was kept
    message.read(ack, 0, len(ack))
    lease = Lease(message)
    lease.reading = int.from_bytes(kept[i - 5 : i], "big")
    return lease


class File:
    """A record in a file, replaced by a rename: after a power cut there is the old one or the new
    one.
    """

    def __init__(self, path):
        """path: on a file system whose rename replaces at one stroke, as littlefs does."""
        self.path = path

    def load(self):
        """The record's bytes; b"" without one."""
        try:
            with open(self.path, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def save(self, data):
        """Replace the record; nothing is written that is already there. OSError: the old one is
        still there.
        """
        if self.load() != data:
            with open(self.path + "~", "wb") as f:
                f.write(data)
            rename(self.path + "~", self.path)

    def clear(self):
        """Forget the record."""
        try:
            remove(self.path)
        except OSError:
            pass
