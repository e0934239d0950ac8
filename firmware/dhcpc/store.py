"""Lease records: what they say, and where they survive a power cut. Of the protocol it knows no
more than how a message is laid out.
"""

from binascii import crc32
from os import rename

from micropython import const

from .lease import Lease

# What a record keeps, as it came and while there is room: options 54, 51, 1, 3, 6, 58, 59, 15, 26,
# 28, 42.
_KEPT = const(b"63\x01\x03\x06:;\x0f\x1a\x1c*")


class Store:
    """The record of one lease; `read` and `write` say where it is.

    Big-endian: identity, yiaddr (4 bytes), magic cookie (4), options, reading (5), CRC-32 of all
    that (4). identity: version 1 (1 byte), length of key (1), chaddr (6), key, option 61 as it is
    sent. key: what tells networks apart: the SSID; empty on a cable. reading: what the clock
    showed when the lease began: its kind (1 byte), seconds (4); 0 without one.
    """

    room = 128  # bytes that a record may have, 255 at most; what does not fit is left out
    data = b""  # the record that is stored, as far as we know,
    reading = 0  # and its clock reading

    def load(self, message, identity):
        """Return the Lease that is stored, with its `reading`; None if there is none. message: the
        Message to read it with.

        ValueError: "crc", not a record or not a whole one; "identity", that of another version,
        device or network.
        """
        data = self.read()
        if not data:
            return None
        if crc32(data[:-4]).to_bytes(4, "big") != data[-4:]:
            raise ValueError("crc")
        if not data.startswith(identity):
            raise ValueError("identity")
        self.data = data
        i = len(identity) + 4
        ack = bytes(16) + data[i - 4 : i] + bytes(216) + data[i:-9]  # as far as it was kept
        message.read(ack, 0, len(ack))
        lease = Lease(message)
        self.reading = lease.reading = int.from_bytes(data[-9:-4], "big")
        return lease

    def save(self, lease, identity, reading, update=False):
        """Store a lease, unless all but the reading is there already; with `update`, also if the
        reading that is there is older than T1. OSError: it cannot be stored.
        """
        data = bytearray(identity)
        data += lease.yiaddr
        data += b"c\x82Sc"
        for code in _KEPT:
            value = lease.option(code)
            if value and len(data) + len(value) + 11 <= self.room:
                data.append(code)
                data.append(len(value))
                data += value
        if data != self.data[:-9] or update and reading - self.reading >= lease.t1:
            data += reading.to_bytes(5, "big")
            data += crc32(data).to_bytes(4, "big")
            self.write(data)
            self.data = data
            self.reading = reading

    def clear(self):
        """Forget the record. OSError: it is still there."""
        self.data = b""
        if self.read():
            self.write(b"")


class File(Store):
    """A record in a file, replaced by a rename: a power cut leaves the old one or the new one."""

    def __init__(self, path):
        """path: on a file system whose rename replaces at one stroke, as littlefs does."""
        self.path = path

    def read(self):
        """The record's bytes; b"" without one."""
        try:
            with open(self.path, "rb") as f:
                return f.read()
        except OSError:
            return b""

    def write(self, data):
        """Replace the record. OSError: the old one is still there."""
        new = self.path + "~"
        with open(new, "wb") as f:
            f.write(data)
        rename(new, self.path)
