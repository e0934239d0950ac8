"""An address for when no server answers: one that was set by hand, or a link-local one (RFC 3927).

DHCP goes on beneath it, and a lease takes over as soon as there is one.
"""

from binascii import crc32

from dhcpc import Client, Lease, Store, dotted, option

from ._common import packed
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_INIT = const(1)  # states of the session
_SELECTING = const(3)

_OFFER = const(2)  # RFC 2132
_MASK = const(1)
_ROUTER = const(3)
_DNS = const(6)
_FOREVER = const(b"\x33\x04\xff\xff\xff\xff")  # option 51, 4 bytes: the lease has no end

_AUTO_CONFIGURE = const(116)  # RFC 2563 2
_ASK = const(b"\x74\x01\x01\xff")  # option 116, 1 byte: 1; then END

_NONE = const("0.0.0.0")
_NOBODY = const(b"\0\0\0\0")
_LINK_LOCAL_MASK = const("255.255.0.0")
_FIRST = const(256)  # RFC 3927 2.1: from 169.254.1.0 on
_COUNT = const(0xFE00)  # to 169.254.254.255
_CONFLICTS = const(10)  # RFC 3927 9: after so many addresses in a row that others have
_RATE_LIMIT = const(60000)  # ms from one to the next

_BACK = const(0x3FFF0000)  # ms: a clock that is behind stands still, as in the session
_SOON = const(1000)  # ms until the NIC is told again what it did not take


class Address(Lease):
    """An address that no server has granted, as a Lease: `server` is zeros, `remaining()` None.
    kind: "static", or "link-local".
    """

    def __init__(
        self, kind: str, ip: str, mask: str, gateway: str, dns: str, nic: "Any" = None
    ) -> None:
        """nic: whose name server stays if `dns` is 0.0.0.0. ValueError has the name of what is
        not as people write it, or cannot be a host's; of `mask`, what has holes.
        """
        options = _FOREVER + option(_MASK, packed("mask", mask))
        options += option(_ROUTER, packed("gateway", gateway)) + option(_DNS, packed("dns", dns))
        # As if it came from flash: what a Lease of it says must be what was given.
        stored = Store("").lease(options + packed("address", ip) + bytes(9), b"")
        super().__init__(stored.message(), 0)
        self.kind = kind
        self.nic = nic
        for name, given, found in (
            ("mask: not a subnet mask", mask, self.mask),
            ("address: not a usable host address", ip, stored.age or self.ip),
            ("gateway: not a usable address of another host", gateway, self.gateway),
            ("dns: not a usable address of another host", dns, (self.dns or (_NONE,))[0]),
        ):
            if given != found:
                raise ValueError(name)

    def ifconfig(self) -> "tuple[str, str, str, str]":
        """As of a Lease; without a name server, the one that is set: it is there for all NICs."""
        four = super().ifconfig()
        return four if self.dns or not self.nic else four[:3] + self.nic.ifconfig()[3:]


def static(
    dhcp: Client,
    address: str,
    mask: str = "255.255.255.0",
    gateway: str = _NONE,
    dns: str = _NONE,
    after_ms: int = 30000,
) -> None:
    """Use this address when there has been a link and no lease for `after_ms`, below 2**29. Call
    it once, before the first poll.

    `dhcp.lease` is then an Address, the event "fallback", and `dhcp.reason` still says why there
    is no lease; `acquire` returns the Address, and `release` takes it away. It goes when the link
    does, and when there is a lease. No record is kept of it. ValueError has the name of what is
    wrong.
    """
    nic = getattr(dhcp.link, "nic", None)  # a link of one's own need not have one
    _Fallback(dhcp, after_ms, Address("static", address, mask, gateway, dns, nic))


def link_local(dhcp: Client, after_ms: int = 30000) -> None:
    """The same with an address of 169.254/16, which follows from the MAC (RFC 3927 2.1). Only if
    the link has a method `used(ip)`, which says whether somebody else has an address, is that
    asked first (2.2.1); a board cannot hear ARP. Each DISCOVER asks whether there may be such an
    address; a server that offers none may say no (RFC 2563 2.2). The event is then "expired" if
    it is in use.
    """
    _Fallback(dhcp, after_ms, None)


class _Fallback:
    # What is wrapped of a Client. `left`: ms until the address is used; `last`: when that was
    # so, if there was no lease then; `over`: whether the time is over; `on`: whether the NIC has
    # the address; `conflicts`: addresses in a row that others have; `without`: whether the network
    # has asked to do without IPv4 (RFC 8925 3.2); `forbidden`: whether it wants no link-local
    # address (RFC 2563 2.2).

    def __init__(self, dhcp: Client, after_ms: int, lease: "Address | None") -> None:
        if not (isinstance(after_ms, int) and 0 <= after_ms < 1 << 29):
            raise ValueError("after_ms: not 0 to 2**29 - 1")
        self.dhcp = dhcp
        self.after = self.left = after_ms
        self.last: int | None = None
        self.over = self.on = self.without = self.forbidden = False
        self.tries = self.conflicts = 0
        self.used = None
        if not lease:
            session = dhcp.session
            self.do_write, self.do_check = session.write, session.check
            session.write, session.check = self._write, self._check  # type: ignore[method-assign]
            self.used = getattr(dhcp.link, "used", None)
            lease = self._another()
        self.lease = lease
        self.do_apply = dhcp.link.apply
        self.do_step = dhcp.step
        self.do_update = dhcp.update
        self.do_tell = dhcp.tell
        dhcp.link.apply = self._apply  # type: ignore[method-assign]
        dhcp.step = self._step  # type: ignore[method-assign]
        dhcp.update = self._update  # type: ignore[method-assign]
        dhcp.tell = self._tell  # type: ignore[method-assign]

    def _another(self) -> Address:
        # The next of this MAC's addresses
        link = self.dhcp.link
        i = _FIRST + crc32(link.mac + bytes((self.tries & 255,))) % _COUNT
        self.tries += 1
        ip = dotted(bytes((169, 254, i >> 8, i & 255)), 0)
        nic = getattr(link, "nic", None)
        return Address("link-local", ip, _LINK_LOCAL_MASK, _NONE, _NONE, nic)

    def _write(self, buf: "bytearray | memoryview", type: int) -> int:
        session = self.dhcp.session
        options = session.options
        if session.state == _SELECTING and not type:
            session.options = options[:-1] + _ASK
        try:
            return self.do_write(buf, type)
        except ValueError:  # there is no room for it
            session.options = options
            return self.do_write(buf, type)
        finally:
            session.options = options

    def _check(self, reason: "str | None") -> "str | None":
        reason = self.do_check(reason)
        session = self.dhcp.session
        m = session.message
        if session.type == _OFFER and session.server is None:
            i = m.find(_AUTO_CONFIGURE, 1)
            if reason is None:
                self.forbidden = False
            elif reason == "yiaddr" and i and m.buf.startswith(_NOBODY, 16):
                self.forbidden = not m.buf[i]
        return reason

    def _apply(self, lease: "Lease | None") -> None:
        if lease is None and self.over and self.dhcp.session.state:
            if self.on:
                return  # whatever becomes of the session
            lease = self.lease
        elif lease is not self.lease:
            self.over = False
        self.on = False
        self.do_apply(lease)
        self.on = lease is self.lease

    def _update(self, event: str, clear: object = False, recv: bool = False) -> None:
        # That it is in use is no reason to forget a record.
        if self.dhcp.lease is self.lease:
            self.dhcp.lease = None
        # RFC 8925 3.2: a link-local address may stay.
        self.without = event == "ipv6only" and self.lease.kind == "static"
        if self.without:
            self.over = False
        self.do_update(event, clear is not self.lease and clear, recv)

    def _tell(self, event: str) -> None:
        if self.on and not self.dhcp.lease:
            self.dhcp.lease = self.lease
        self.do_tell(event)

    def _step(self, wait_ms: int) -> int:
        dhcp = self.dhcp
        session = dhcp.session
        if dhcp.lease is self.lease and not self.on:
            dhcp.due = "fallback"  # it was lost when a packet could not leave
        wait = self.do_step(min(wait_ms, self.left) if self.left > 0 else wait_ms)
        if not session.state:
            self.forbidden = False  # the next network may think otherwise
        elif self.forbidden and self.on:
            self.over = False
            dhcp.update("expired")
        last = self.last
        without = self.forbidden or self.without and session.state == _INIT
        if dhcp.lease or session.lease or not session.state or without:
            self.last = None
            # RFC 3927 2.2.1: whatever happens, no address comes sooner after so many conflicts.
            self.left = self.after if self.conflicts < _CONFLICTS else max(self.after, _RATE_LIMIT)
            return min(wait, _SOON) if dhcp.due else wait
        self.last = session.last
        gone = 0 if last is None else session.last - last & 0x3FFFFFFF
        if gone <= _BACK:
            self.left -= gone
        if self.left <= 0 and not dhcp.due:
            self._use()
        if dhcp.due:
            return min(wait, _SOON)
        return min(wait, max(self.left, 0))

    def _use(self) -> None:
        dhcp = self.dhcp
        if self.used and dhcp.attempt(self.used, self.lease.ip):
            self.conflicts += 1
            self.left = 0 if self.conflicts < _CONFLICTS else _RATE_LIMIT
            self.lease = self._another()
        else:
            self.conflicts = 0
            self.over = True
            dhcp.due = "fallback"  # it is the NIC that follows: for sleep.Client nothing happens
            dhcp.update("fallback")
