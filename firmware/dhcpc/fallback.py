"""An address for when no server answers: one that you give, or a link-local one (RFC 3927).

DHCP goes on meanwhile, and a lease takes the place of the address as soon as there is one.
"""

from binascii import crc32

from dhcpc import Client, Lease, Store, dotted, option

from ._common import once, packed, write_with
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

    from dhcpc import Link

_INIT = const(1)  # states of the session
_SELECTING = const(3)

_OFFER = const(2)  # RFC 2132
_MASK = const(1)
_ROUTER = const(3)
_DNS = const(6)
_INFINITE = const(b"\x33\x04\xff\xff\xff\xff")  # option 51, 4 bytes

_AUTO_CONFIGURE = const(116)  # RFC 2563 2
_ASK = const(b"\x74\x01\x01")  # option 116, 1 byte: 1

_NONE = const("0.0.0.0")
_NOBODY = const(b"\0\0\0\0")
_LINK_LOCAL_MASK = const("255.255.0.0")
_FIRST_ADDRESS = const(256)  # RFC 3927 2.1: from 169.254.1.0 on
_ADDRESSES = const(0xFE00)  # to 169.254.254.255
_CONFLICTS = const(10)  # RFC 3927 9: once other hosts have had so many addresses in a row,
_RATE_LIMIT = const(60000)  # ms from one try to the next

_BACK = const(0x3FFF0000)  # ms: to a clock that was set back no time has passed, see session
_SOON = const(1000)  # ms until the NIC is told again what it did not take


class Address(Lease):
    """An address that no server has granted, as a Lease. `kind` is "static" or "link-local",
    `server` is zeros, `remaining()` is None.
    """

    def __init__(
        self, kind: str, ip: str, mask: str, gateway: str, dns: str, nic: "Any" = None
    ) -> None:
        """nic: keeps the name server that it has if `dns` is 0.0.0.0. ValueError names the
        argument that is no address, that cannot be a host's, or, for `mask`, that has holes.
        """
        options = _INFINITE + option(_MASK, packed("mask", mask))
        options += option(_ROUTER, packed("gateway", gateway)) + option(_DNS, packed("dns", dns))
        # It is read as if it came from flash: what a Lease of it gives must be what was given.
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
        """As a Lease gives it. Without a name server it has the one that is set, which serves all
        NICs.
        """
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
    it before the first poll.

    `dhcp.lease` is then an Address, the event is "fallback", and `dhcp.reason` still says why
    there is no lease. `acquire` returns the Address, and `release` takes it away. It goes when the
    link goes, and when there is a lease. It has no record. ValueError names the argument that is
    wrong; "fallback: called twice": there is one already.
    """
    nic = getattr(dhcp.link, "nic", None)  # a link of your own may have none
    _Fallback(dhcp, after_ms, Address("static", address, mask, gateway, dns, nic))


def link_local(dhcp: Client, after_ms: int = 30000) -> None:
    """The same with an address of 169.254/16 that follows from the MAC (RFC 3927 2.1).

    If the link has a method `used(ip)`, that is asked first whether another host has the address
    (2.2.1). Otherwise nobody looks: a board cannot hear ARP. Each DISCOVER asks whether such an
    address is allowed. A server that has no address to offer may say no (RFC 2563 2.2). If the
    address is in use, it then goes, and the event is "expired".
    """
    _LinkLocal(dhcp, after_ms)


def _address(link: "Link", tries: int) -> Address:
    # The next of this MAC's addresses, after so many that other hosts have
    i = _FIRST_ADDRESS + crc32(link.mac + bytes((tries & 255,))) % _ADDRESSES
    ip = dotted(bytes((169, 254, i >> 8, i & 255)), 0)
    nic = getattr(link, "nic", None)
    return Address("link-local", ip, _LINK_LOCAL_MASK, _NONE, _NONE, nic)


class _Fallback:
    # The address, and when it is used. It wraps four methods of a client.

    stays = False  # whether on a network that asks to do without IPv4, too
    forbidden = False  # whether the network has no use for the address
    least = 0  # ms until it is used, whatever happens

    def __init__(self, dhcp: Client, after_ms: int, lease: Address) -> None:
        if not (isinstance(after_ms, int) and 0 <= after_ms < 1 << 29):
            raise ValueError("after_ms: not 0 to 2**29 - 1")
        once(dhcp, "fallback")
        self.dhcp = dhcp
        self.lease = lease
        self.after = after_ms
        self.left = after_ms  # ms until the address is used
        self.last: int | None = None  # when `left` was true; None if there was no need to count
        self.over = False  # whether the time is over
        self.on = False  # whether the NIC has the address
        self.without = False  # whether the network asks to do without IPv4 (RFC 8925 3.2)
        self.do_apply = dhcp.link.apply
        self.do_step = dhcp.step
        self.do_update = dhcp.update
        self.do_tell = dhcp.tell
        dhcp.link.apply = self._apply  # type: ignore[method-assign]
        dhcp.step = self._step  # type: ignore[method-assign]
        dhcp.update = self._update  # type: ignore[method-assign]
        dhcp.tell = self._tell  # type: ignore[method-assign]

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
        # That the address is in use is no reason to forget a record.
        if self.dhcp.lease is self.lease:
            self.dhcp.lease = None
        self.without = event == "ipv6only" and not self.stays
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
            self.forbidden = False  # the next network may allow it
        elif self.forbidden and self.on:
            self.over = False
            dhcp.update("expired")
        last = self.last
        without = self.forbidden or self.without and session.state == _INIT
        if dhcp.lease or session.lease or not session.state or without:
            self.last = None
            self.left = max(self.after, self.least)
            return min(wait, _SOON) if dhcp.due else wait
        self.last = session.last
        gone = 0 if last is None else session.last - last & 0x3FFFFFFF
        if gone <= _BACK:
            self.left -= gone
        if self.left <= 0 and not dhcp.due and self._free():
            self.over = True
            dhcp.due = "fallback"  # only the NIC follows: to sleep.Client nothing happens
            dhcp.update("fallback")
        if dhcp.due:
            return min(wait, _SOON)
        return min(wait, max(self.left, 0))

    def _free(self) -> bool:
        # Whether the address may be used
        return True


class _LinkLocal(_Fallback):
    # The addresses of a MAC, in turn, and a network that may forbid them.

    stays = True  # RFC 8925 3.2

    def __init__(self, dhcp: Client, after_ms: int) -> None:
        super().__init__(dhcp, after_ms, _address(dhcp.link, 0))
        self.tries = 0  # addresses that other hosts have
        self.conflicts = 0  # those of them in a row
        self.used = getattr(dhcp.link, "used", None)
        session = dhcp.session
        self.do_write = session.write
        self.do_check = session.check
        session.write = self._write  # type: ignore[method-assign]
        session.check = self._check  # type: ignore[method-assign]

    def _write(self, buf: "bytearray | memoryview", type: int) -> int:
        session = self.dhcp.session
        if session.state == _SELECTING and not type:
            try:
                return write_with(_ASK, session, self.do_write, buf)
            except ValueError:
                pass  # there is no room for it
        return self.do_write(buf, type)

    def _check(self, reason: "str | None") -> "str | None":
        reason = self.do_check(reason)
        session = self.dhcp.session
        m = session.message
        if session.type == _OFFER and session.server is None:
            i = m.find(_AUTO_CONFIGURE, 1)
            if reason is None:
                self.forbidden = False
            elif reason == "yiaddr" and i and m.buf.startswith(_NOBODY, 16):
                self.forbidden = not m.buf[i]  # RFC 2563 2.2
        return reason

    def _free(self) -> bool:
        if self.used and self.dhcp.attempt(self.used, self.lease.ip):
            self.conflicts += 1
            if self.conflicts >= _CONFLICTS:
                self.least = _RATE_LIMIT  # RFC 3927 2.2.1
            self.left = self.least
            self.tries += 1
            self.lease = _address(self.dhcp.link, self.tries)
            return False
        self.conflicts = self.least = 0
        return True
