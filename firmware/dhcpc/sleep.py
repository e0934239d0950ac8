"""For those who sleep, or move about: more ways back to a stored lease, and a store that needs no
flash.
"""

import time
from binascii import crc32

from dhcpc import Client as _Client
from dhcpc import Lease, Store

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Unpack

    from .client import Settings as _Settings

    class Settings(_Settings, total=False):
        """The settings of this Client."""

        early: bool
        keep: bool


_CLOCK = const(1 << 32)  # of clock readings: those of one kind are nearer to each other
_WALL = const(1)  # kinds of clocks
_RTC = const(2)
# No clock that nobody has set shows this year: ESP32 begins in 2000, RP2 in 2021
_SET = const(2024)
_MEMORY = const(2048)  # bytes that an ESP32's RTC has for the application
_TAG = const(b"dhc")

_STOPPED = const(0)  # states of the session
_INIT_REBOOT = const(2)
_SELECTING = const(3)
_BOUND = const(6)
_AT_REST = const((_STOPPED, _BOUND))


def wall_clock() -> int:
    """The time of day as the `epoch` of a Store, for a board whose clock is set at each start,
    before the Client is, by a chip with a battery say. No clock as long as it is not set.
    """
    return (_WALL << 32) + int(time.time()) if time.localtime()[0] >= _SET else 0


def _stamped(record: bytes, epoch: int) -> bytes:
    # With another reading, and the CRC that it then has, see Store
    record = record[:-9] + epoch.to_bytes(5, "big")
    return record + crc32(record).to_bytes(4, "big")


class Memory(Store):
    """Records in the RTC's memory, which deep sleep leaves alone, as it does the RTC itself: so
    the age of a lease is known there. A power cut ends both. ESP32 has it, RP2 has not.

    `length` bytes from `offset` on are ours: a tag of 3, their length (2 bytes, big-endian), the
    records. The application puts the others back when it writes to the memory, as is done here.
    """

    def __init__(self, offset: int = 0, length: int = 133) -> None:
        """length: 5, and `room` for each network. ValueError: there is no such memory, or it has
        something else in it.
        """
        import machine  # type: ignore[import-not-found]

        self.rtc = rtc = machine.RTC()
        if not hasattr(rtc, "memory"):
            raise ValueError("rtc: it has no memory")
        self.most = (length - 5) // self.room
        if self.most < 1:
            raise ValueError("length: no room for a record")
        if not 0 <= offset <= _MEMORY - length:
            raise ValueError("offset: beyond the end of the memory")
        self.offset = offset
        self.length = length
        self.tag = _TAG + length.to_bytes(2, "big")
        self._memory()
        if machine.reset_cause() not in (machine.DEEPSLEEP_RESET, machine.SOFT_RESET):
            # The memory may have survived what the clock has not.
            self.write(b"".join([_stamped(record, 0) for record in self.records()]))

    def _memory(self) -> bytes:
        memory = self.rtc.memory()
        ours = memory[self.offset : self.offset + self.length]
        if any(ours) and not ours.startswith(self.tag):
            raise ValueError("offset: that memory is in use")
        return memory

    def save(self, lease: Lease, key: bytes) -> None:
        """Store a lease, and always when it began: this memory does not wear."""
        super().save(lease, key)
        records = self.records()
        records[0] = _stamped(records[0], self.epoch() - lease.age)
        self.write(b"".join(records))

    def read(self) -> bytes:
        """What was written last; zeros or b"" without that."""
        start = self.offset + 5
        return self.rtc.memory()[start : start + self.most * self.room]

    def write(self, data: bytes) -> None:
        """Replace it. ValueError: something else is there meanwhile."""
        memory = self._memory()
        start = self.offset
        end = start + self.length
        memory += bytes(max(0, end - len(memory)))
        data = self.tag + data
        data += bytes(self.length - len(data))
        self.rtc.memory(memory[:start] + data + memory[end:])

    def epoch(self) -> int:
        """What the RTC shows: power-on alone sets it back."""
        return (_RTC << 32) + int(time.time())


class Client(_Client):
    """A Client with two more settings, and an end before a sleep. On a cable, where nothing tells
    beforehand which network it is, a NAK makes it verify the other records, each in its turn,
    before it starts over.

    early: use a stored lease while it is being verified, unless the store's clock says that it is
    over; `state` is BOUND only afterwards. It is taken back if the server says no, or nothing.
    keep: if no server answers, use the stored lease for as long as it runs by the store's clock
    (RFC 2131 3.2, step 4).
    """

    early = keep = False

    def __init__(self, nic: "Any", **settings: "Unpack[Settings]") -> None:
        super().__init__(nic, **settings)  # type: ignore[misc]  # it finds ours as attributes
        self.trying = b""  # the record of the lease that is being verified
        self.others: list[bytes] = []  # those that come after it

    def before_sleep(self, timeout_ms: int = 2000) -> None:
        """See through what is under way, a renewal say, for at most so long, and not at all if it
        is to begin later than that; then store how old the lease is, if the store's clock has been
        set since the last packet.
        """
        start = self.clock()
        self.saved = None  # what waits to be written is written now
        self.poll()
        session = self.session
        while session.state not in _AT_REST:
            gone = self.clock() - start & 0x3FFFFFFF
            if gone + (session.wait if session.state < _SELECTING else 0) >= timeout_ms:
                break
            self.poll(100)
        lease = session.lease
        if lease:
            store = self.store
            records = store.records(self.key)
            stored = store.lease(records[0], self.key) if records else None
            # Seconds are cut off at both ends: to store the age each time would make it too young.
            if not stored or not -1 <= stored.age - lease.age <= 1:
                self.attempt(store.save, lease, self.key)

    def start(self) -> None:
        super().start()
        if self.session.state == _INIT_REBOOT:
            self.others = self.store.records(self.key)
            self._verify()

    def update(self, event: str, clear: object = False, recv: bool = False) -> None:
        if event == self.due:  # the NIC is told again, and nothing else has happened
            super().update(event, clear, recv)
            return
        # Whatever it is, it ends the verification.
        record = self.trying
        self.trying = b""
        if event != "nak":
            self.others = []
        elif record:
            clear = self.reuse  # or else it is of use elsewhere, in use or not
        if record and event == "timeout" and self.keep:
            lease = self.store.lease(record, self.key)
            if 0 <= lease.age < lease.lease_time:
                self.session.start(0, lease.yiaddr, lease)
                event = "kept"
        # The address of `early` is in use, though the session has no lease yet.
        super().update(event, clear or event == "released" and self.lease, recv)

    def tell(self, event: str) -> None:
        super().tell(event)
        if event == "nak" and self.others:
            self.session.start(0, self.others[0][-13:-9])  # its yiaddr
            self._verify()

    def _verify(self) -> None:
        self.trying = self.others.pop(0)
        lease = self.store.lease(self.trying, self.key)
        if self.early and not lease.lease_time <= lease.age < _CLOCK:
            if not 0 <= lease.age < lease.lease_time:
                lease.age = lease.lease_time  # nobody knows: nothing is promised
            if self.attempt(self.link.apply, lease) is not False:
                self.lease = lease
                self.tell("early")
