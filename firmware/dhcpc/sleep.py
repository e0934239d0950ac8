"""For boards that sleep or change networks: more ways back to a stored lease, and a store that
needs no flash.
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


_CLOCK = const(1 << 32)  # two readings of one kind of clock differ by less
_WALL = const(1)  # kinds of clocks
_RTC = const(2)
# A clock that was not set shows an earlier year: ESP32 begins in 2000, RP2 in 2021
_SET = const(2024)
_MEMORY = const(2048)  # bytes that an ESP32's RTC has for the application
_TAG = const(b"dhc")

_STOPPED = const(0)  # states of the session
_INIT_REBOOT = const(2)
_SELECTING = const(3)
_BOUND = const(6)
_AT_REST = const((_STOPPED, _BOUND))


def wall_clock() -> int:
    """The time of day, as the `epoch` of a Store. It is for a board whose clock is set at each
    start before the Client is made, for example by a chip with a battery. 0, which is no clock, as
    long as it is not set.
    """
    return (_WALL << 32) + int(time.time()) if time.localtime()[0] >= _SET else 0


def _stamped(record: bytes, epoch: int) -> bytes:
    # The record with another reading, and with the CRC for that; see Store.
    record = record[:-9] + epoch.to_bytes(5, "big")
    return record + crc32(record).to_bytes(4, "big")


class Memory(Store):
    """Records in the memory of the RTC. Deep sleep leaves that memory and the RTC alone, so the
    age of a lease is known afterwards. A power cut ends both. ESP32 has such a memory, RP2 has
    none.

    `length` bytes from `offset` on are for the records: a tag of 3 bytes, the length (2 bytes,
    big-endian), the records. This class keeps all other bytes, and the application must keep
    these.
    """

    def __init__(self, offset: int = 0, length: int = 133) -> None:
        """length: 5, and `room` for each network. ValueError: there is no such memory, an argument
        is wrong, or something else is in that memory.
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
            # The memory may have survived this reset, and the clock not.
            self.write(b"".join([_stamped(record, 0) for record in self.records()]))

    def _memory(self) -> bytes:
        memory = self.rtc.memory()
        ours = memory[self.offset : self.offset + self.length]
        if any(ours) and not ours.startswith(self.tag):
            raise ValueError("offset: that memory is in use")
        return memory

    def save(self, lease: Lease, key: bytes) -> None:
        """Store a lease, and each time when it began: this memory does not wear."""
        super().save(lease, key)
        records = self.records()
        records[0] = _stamped(records[0], self.epoch() - lease.age)
        self.write(b"".join(records))

    def read(self) -> bytes:
        """What was written last; zeros or b"" if nothing was."""
        start = self.offset + 5
        return self.rtc.memory()[start : start + self.most * self.room]

    def write(self, data: bytes) -> None:
        """Replace it. ValueError: something else has been written there."""
        memory = self._memory()
        start = self.offset
        end = start + self.length
        memory += bytes(max(0, end - len(memory)))
        data = self.tag + data
        data += bytes(self.length - len(data))
        self.rtc.memory(memory[:start] + data + memory[end:])

    def epoch(self) -> int:
        """What the RTC shows: only power-on sets it back."""
        return (_RTC << 32) + int(time.time())


class Client(_Client):
    """A Client with two more settings and a method to call before a sleep. On a cable nothing
    tells beforehand which network it is. So after a NAK this client verifies the other records,
    one after the other, before it starts over.

    early: use a stored lease while it is being verified, unless it has ended by the store's clock.
    `state` is BOUND only after that. The lease is taken away if the server refuses it or does not
    answer. keep: if no server answers, use the stored lease until it ends by the store's clock
    (RFC 2131 3.2, step 4).
    """

    early = keep = False

    def __init__(self, nic: "Any", **settings: "Unpack[Settings]") -> None:
        super().__init__(nic, **settings)  # type: ignore[misc]  # it finds ours as attributes
        self.trying = b""  # the record of the lease that is being verified
        self.others: list[bytes] = []  # those that come after it

    def before_sleep(self, timeout_ms: int = 2000) -> None:
        """Finish what is under way, for example a renewal, within `timeout_ms`. Do not wait for
        what begins later than that. Then store the age of the lease, if the store's clock has been
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
            # Both ages are cut to whole seconds: stored each time, the lease would seem too young.
            if not stored or not -1 <= stored.age - lease.age <= 1:
                self.attempt(store.save, lease, self.key)

    def start(self) -> None:
        super().start()
        if self.session.state == _INIT_REBOOT:
            self.others = self.store.records(self.key)
            self._verify()

    def update(self, event: str, clear: object = False, recv: bool = False) -> None:
        if event == self.due:  # only the NIC is told again
            super().update(event, clear, recv)
            return
        # Every other event ends the verification.
        record = self.trying
        self.trying = b""
        if event != "nak":
            self.others = []
        elif record:
            clear = self.reuse  # otherwise the record may be right on another network
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
                lease.age = lease.lease_time  # the age is not known: promise no time
            if self.attempt(self.link.apply, lease) is not False:
                self.lease = lease
                self.tell("early")
