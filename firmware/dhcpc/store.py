"""Lease records: what they contain, and how they survive a power cut. Knows the layout of a
message, and nothing else of the protocol.
"""

import os
from binascii import crc32

from ._compat import TYPE_CHECKING, const
from .lease import Lease, subnet
from .wire import Message

if TYPE_CHECKING:
    from typing import Any

# What a record keeps, as it came and while there is room: options 51, 1, 3, 6, 121, 58, 59, 15,
# 26, 28, 42
_KEPT = const(b"\x33\x01\x03\x06\x79\x3a\x3b\x0f\x1a\x1c\x2a")
_FIRST = const(0x7FFF)  # where an option's code stands in a message, of Message.index


class Store:
    """The records of the last networks, the newest first, in a file. For another place, override
    `read` and `write`.

    A record has `room` bytes, big-endian: key, options, zeros, yiaddr (4 bytes), reading (5),
    CRC-32 of all that (4). key: version 1 (1 byte), length of the network's name (1), chaddr (6),
    the name (the SSID, or empty on a cable), option 61 as it is sent. reading: what the clock
    showed when the lease began: its kind (1 byte), seconds (4); kind 0 means no clock.
    """

    most = 4  # networks
    room = 128  # bytes, 255 at most; options that do not fit are left out
    # May be set to a function that reads a clock which no reset sets back: its kind (1 to 255)
    # << 32, plus seconds. int() is 0: without a clock nobody knows the age of a lease.
    epoch: "Any" = int

    def __init__(self, path: str) -> None:
        """path: on a file system whose rename is atomic, as littlefs is: a power cut then leaves
        the old records or the new ones.
        """
        self.path = path

    def records(self, key: bytes = b"") -> list[bytes]:
        """The whole records of that key, or all of them; those of the last network first."""
        data = self.read()
        found = []
        for i in range(0, len(data) + 1 - self.room, self.room):
            record = data[i : i + self.room]
            if record.startswith(key) and crc32(record[:-4]).to_bytes(4, "big") == record[-4:]:
                found.append(record)
        return found

    def lease(self, record: bytes, key: bytes) -> Lease:
        """Return the Lease of a record of that key. The clock tells its `age`, which is below 0 or
        after the end if nobody knows it, or if the address cannot be a host's.
        """
        message = Message()
        ack = bytes(16) + record[-13:-9] + bytes(220)  # as far as it was kept
        message.read(ack + record[len(key) : -13])
        lease = Lease(message, 0)
        begun = int.from_bytes(record[-9:-4], "big")
        lease.age = lease.lease_time if subnet(message) < 0 else self.epoch() - begun
        return lease

    def save(self, lease: Lease, key: bytes) -> None:
        """Store a lease in place of the one with the same key and server. Do not write if it is
        there already, with a reading that is younger than T1 if there is a clock. OSError: it
        cannot be stored. ValueError: the key is too long for a record.
        """
        index = lease.message().index
        ack = lease.ack
        room = self.room - 13  # see above: for all but yiaddr, reading and CRC-32
        # Option 54, if only zeros: it tells records of one network apart.
        mine = data = key + b"\x36\x04" + lease.server
        for code in _KEPT:
            # The first one if there are several: the session has used that one.
            i = index[code] & _FIRST
            value = ack[i : i + 2 + ack[i + 1]]
            if i and len(data + value) <= room:
                data += value
        records = self.records() + [b""]
        others = b""
        for old in records:
            if not old.startswith(mine):
                others += old
        data += bytes(room - len(data)) + lease.yiaddr
        old = records[0]
        begun = max(1, self.epoch() - lease.age)
        known = begun - int.from_bytes(old[-9:-4], "big")
        if data != old[:-9] or not 0 <= known < lease.t1:
            data += begun.to_bytes(5, "big")
            data += crc32(data).to_bytes(4, "big") + others
            self.write(data[: self.most * self.room])

    def clear(self, key: bytes) -> None:
        """Forget the newest record of that key. OSError: it is still there."""
        records = self.records()
        for record in records:
            if record.startswith(key):
                records.remove(record)
                self.write(b"".join(records))
                return

    def read(self) -> bytes:
        """What was written last; b"" if there is nothing, or it cannot be read."""
        try:
            with open(self.path, "rb") as f:
                return f.read()
        except OSError:  # there is no file; or a fault, which the next lease mends
            return b""

    def write(self, records: bytes) -> None:
        """Replace it. OSError: the old one is still there."""
        new = self.path + "~"
        with open(new, "wb") as f:
            f.write(records)
        os.rename(new, self.path)
