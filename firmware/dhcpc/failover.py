"""Several NICs and one way out: that of the first one that has a lease. When its link or its lease
is gone, another takes its place, until it is back.

What lwIP does with a packet for another network decides how. There is one default NIC, and if that
has no address, there is no way out, whatever the others have. Nothing in Python chooses it: ESP32
takes the Wi-Fi as soon as that has a link; elsewhere it is the NIC that was activated last. So
of all NICs one alone has an address, and a radio that is not in use has no link.
"""

import errno

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from dhcpc import Lease, Link, Session

_HOLD = const(5000)  # ms that a preferred cable has had its lease before it takes over
_RETRY = const(60000)  # ms between tries of a preferred radio while another NIC is used,
_TRY = const(15000)  # and how long one lasts: on ESP32 it takes the way out meanwhile
_JOIN = const(20000)  # ms without a link after which a radio is told again to join
_ALONE = const(10000)  # ms that a NIC which was activated anew gets before others are sought
_TURN = const(1000)  # ms after its last packet that a Client has port 68 to itself
_LOOK = const(10)  # ms between looks while `acquire` waits for a link
_IDLE = const(1000)  # ms between polls at most: a link may have gone


class Failover:
    """Clients in the place of one. `used` is the one whose lease is in use, or None; `lease`, that
    lease; `on_event(event, lease)` is told of the events of the one in use, and of "used", when
    another takes over; as long as none is in use, of the events of all; `about` is the Client that
    an event is about.

    `poll`, `acquire`, `release`, `close`, `wanted`, `reason`, `state`, `clock` are as of a Client;
    `session` and `link` are those of `about`.
    """

    on_event: "Callable[[str, Lease | None], object] | None" = None
    used: "Client | None" = None
    wanted = True

    def __init__(
        self, clients: "Sequence[Client]", join: "Callable[[Any], object] | None" = None
    ) -> None:
        """clients: the preferred one first; of those NICs, it is the one that was activated last.
        join(nic): has a radio join its network, and returns at once. Do not join by yourself: a
        radio is told when its turn comes, and disconnected when it is over.

        ValueError has the name of what is wrong. Call it before the first poll.
        """
        self.clients = list(clients)
        if len(self.clients) < 2:
            raise ValueError("clients: not two or more")
        self.about = self.last = self.clients[0]
        self.clock = self.about.clock
        self.join = join
        self.error: BaseException | None = None
        self.turn: _Way | None = None  # the one that is taking over
        self.alone: int | None = None  # since when `last` has been the only one that is sought
        self.ways = [_Way(self, dhcp) for dhcp in self.clients]
        if not callable(join) and any(way.radio for way in self.ways):
            raise ValueError("join: not callable")

    @property
    def lease(self) -> "Lease | None":
        """The one in use."""
        return self.used.lease if self.used else None

    @property
    def state(self) -> str:
        """That of the Client in use, or the last that told of an event."""
        return (self.used or self.about).state

    @property
    def session(self) -> "Session":
        """That of `about`."""
        return self.about.session

    @property
    def link(self) -> "Link":
        """That of `about`."""
        return self.about.link

    @property
    def reason(self) -> "str | Exception | None":
        """None, or why there is no lease: that of `about`, or, if that has no link, of the first
        one that has.
        """
        if self.used:
            return None
        about = self.about
        for dhcp in [about] + self.clients:
            if dhcp.session.state:
                return dhcp.reason
        return about.reason

    def poll(self, wait_ms: int = 0) -> int:
        """Poll them all, and see which one is in use; wait at most `wait_ms` for a datagram.
        Return in how many milliseconds to call again, at most 1,000.
        """
        wait = self._turn()
        if wait_ms > 0 and not self.error:
            waiting = self.used or self.about
            for dhcp in self.clients:
                if dhcp.link.sock:
                    waiting = dhcp
            self._attempt(waiting.poll, min(wait_ms, wait))
            wait = self._turn()
        raised = self.error
        if raised:
            self.error = None
            raise raised
        return wait

    def _turn(self) -> int:
        wait = _IDLE
        for _ in range(2):  # what has been decided begins at once
            for dhcp in self.clients:
                wait = min(wait, self._attempt(dhcp.poll))
            if not self._decide():
                break
            wait = _IDLE
        return wait

    def _attempt(self, do: "Callable[..., Any]", *arguments: object) -> "Any":
        # What comes out is an on_event's own, and comes out of `poll` in the end.
        try:
            return do(*arguments)
        except BaseException as error:
            self.error = error
        return 0

    def acquire(
        self, timeout_ms: int = 20000, idle: "Callable[[], object] | None" = None
    ) -> "Lease":
        """As Client.acquire; but what is wrong with one of the links does not end it."""
        self.wanted = True
        start = self.clock()
        self.poll()
        while True:
            lease = self.lease
            if lease:
                return lease
            if self.clock() - start & 0x3FFFFFFF >= timeout_ms:
                raise OSError(errno.ETIMEDOUT, self.reason)
            self.poll(100 if any(dhcp.session.state for dhcp in self.clients) else _LOOK)
            if idle:
                idle()

    def release(self) -> None:
        """Give back the lease in use; the records of the others stay, and radios leave their
        networks. Only `acquire` starts anew.
        """
        used = self.used
        self.wanted = False
        if used:
            self._attempt(used.release)
        for way in self.ways:
            way.rest()
        self.poll()

    def close(self) -> None:
        """Let the leases be, and hand the interfaces back to the built-in client."""
        self.wanted = False
        for dhcp in self.clients:
            self._attempt(dhcp.close)
        self.poll()

    # Which one

    def _decide(self) -> bool:
        # Have each one sought, or at rest. Whether there is another one in use then.
        now = self.clock()
        used = self.used
        if not self.wanted:
            return False
        if self.alone is not None and now - self.alone & 0x3FFFFFFF >= _ALONE:
            self.alone = None
        preferred = True
        changed = False
        for way in self.ways:
            dhcp = way.dhcp
            if dhcp is used:
                preferred = False
                way.since = None
            elif not used:
                if self.alone is not None and dhcp is not self.last:
                    continue
                if dhcp.session.lease and not dhcp.due and way.up():
                    dhcp.update("used")
                    return True
                changed = way.seek(now) or changed
            elif not preferred:
                changed = way.rest() or changed
            elif way.ready(now):
                way.since = None
                self.turn = way
                dhcp.update("used")
                self.turn = None
                if self.used is not used or self.alone is not None:
                    for old in self.ways:
                        if old.dhcp is used:
                            old.rest()
                return True  # if the NIC has not taken it, the other one goes on
        return changed

    def may(self, way: "_Way") -> bool:
        """Whether the way out can be that of a NIC which is to have an address; make it so."""
        dhcp = way.dhcp
        if self.used and way is not self.turn or self.alone is not None and dhcp is not self.last:
            return False
        if dhcp is self.last or not way.nic or dhcp.link.option:
            return True
        # Elsewhere than on ESP32: to be the default NIC, it must be the one activated last.
        self.last = dhcp
        self.alone = self.clock()
        way.anew()
        return False

    def heard(self, way: "_Way", event: str) -> None:
        """Tell of an event; but not of a lease that is not in use."""
        dhcp = way.dhcp
        if dhcp is self.used or not (self.used or dhcp.lease):
            self.about = dhcp
            if self.on_event:
                self._attempt(self.on_event, event, self.lease)


class _Way:
    # One of the Clients. `joined`: when its radio was last told to join, ms, None if to leave;
    # `left`: when that was; `lost`: whether it was in use since; `waits`: whether another one has
    # the port; `since`: since when it has a lease without being in use; `linked`: whether a cable
    # was in when that was last looked at.

    def __init__(self, several: Failover, dhcp: Client) -> None:
        link = dhcp.link
        self.several = several
        self.dhcp = dhcp
        self.nic: Any = getattr(link, "nic", None)
        self.radio = hasattr(self.nic, "connect")
        self.joined: int | None = None
        self.left: int | None = None
        self.since: int | None = None
        self.lost = self.waits = False
        self.linked = False
        self.do_up = link.up
        if self.nic and not self.radio and link.option:
            link.up = self._up  # type: ignore[method-assign]
        self.do_apply = link.apply
        self.do_open = link.open
        self.do_tell = dhcp.tell
        link.apply = self._apply  # type: ignore[method-assign]
        link.open = self._open  # type: ignore[method-assign]
        dhcp.tell = self._tell  # type: ignore[method-assign]

    def _up(self) -> bool:
        # Up to MicroPython 1.28 an ESP32 takes news of the Wi-Fi's address for news of the cable,
        # which then looks started (1) or stopped (2). One that was in, and is not off, is in.
        nic = self.nic
        try:
            self.linked = self.do_up() or (self.linked and nic.status() in (1, 2) and nic.active())
        except Exception:
            self.linked = False
        return self.linked

    def _apply(self, lease: "Lease | None") -> None:
        several = self.several
        if several.used is self.dhcp:
            several.used = None
            self.lost = True
        if lease and several.may(self):
            self.do_apply(lease)
            several.used = self.dhcp
            several.alone = None
            self.lost = False
        else:
            self.do_apply(None)

    def _open(self) -> None:
        # One socket at a time has the port: who waits in vain makes room.
        if not self.dhcp.link.sock:
            for other in self.several.clients:
                if other.link.sock:
                    self.waits = True
                    if other.clock() - other.last & 0x3FFFFFFF >= _TURN:
                        other.link.close()
        self.do_open()
        self.waits = False

    def _tell(self, event: str) -> None:
        self.do_tell(event)
        if not (event == "error" and self.waits):  # its turn at the port comes: that is no fault
            self.several.heard(self, event)

    def _ask(self, do: "Callable[..., object]", *arguments: object) -> None:
        try:
            do(*arguments)
        except Exception:
            pass  # an ESP32 is at it already, or it is off

    def up(self) -> bool:
        """Whether there is a link at this moment: to be activated anew takes it away."""
        try:
            return self.dhcp.link.up()
        except Exception:
            return False

    def seek(self, now: int) -> bool:
        """Go for a lease; whether that is new."""
        dhcp = self.dhcp
        new = not dhcp.wanted
        dhcp.wanted = True
        if self.radio:
            gone = _JOIN if self.joined is None else now - self.joined & 0x3FFFFFFF
            if gone >= _JOIN and not dhcp.session.state:
                self.join(now)
        return new

    def join(self, now: int) -> None:
        self.joined = now
        self._ask(self.several.join, self.nic)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Have the radio leave its network."""
        if self.radio and (self.joined is not None or self.left is None):
            self.joined = None
            self.left = self.several.clock()
            self._ask(self.nic.disconnect)

    def rest(self) -> bool:
        """Do without, but keep the record, for INIT-REBOOT; whether that is new."""
        dhcp = self.dhcp
        session = dhcp.session
        new = dhcp.wanted
        dhcp.wanted = self.lost = False
        self.since = None
        if session.state:
            session.stop()
            dhcp.attempt(dhcp.link.close)
            dhcp.reason = "not in use"
            dhcp.update("standby")
        self.leave()
        return new

    def ready(self, now: int) -> bool:
        """Go for a lease while a NIC that is less preferred is in use; whether it is time to take
        over.
        """
        dhcp = self.dhcp
        if self.radio:
            if self.joined is None:
                if self.left is None or now - self.left & 0x3FFFFFFF >= _RETRY:
                    dhcp.wanted = True
                    self.join(now)
            elif self.lost or now - self.joined & 0x3FFFFFFF >= _TRY:
                self.rest()  # it has gone once: not again and again
            return dhcp.session.lease is not None
        dhcp.wanted = True
        if not dhcp.session.lease:
            self.since = None
        elif self.since is None:
            self.since = now
        return self.since is not None and now - self.since & 0x3FFFFFFF >= _HOLD

    def anew(self) -> None:
        """Switch the NIC off and on, and silence its built-in client."""
        self._ask(self.nic.active, False)
        self._ask(self.nic.active, True)
        self._ask(self.do_apply, None)
        if self.radio:
            self.join(self.several.clock())


def make(
    nics: "Sequence[Any]", join: "Callable[[Any], object] | None" = None, **settings: "Any"
) -> Failover:
    """Return the Failover of NICs or Links, the preferred one first, or of functions that make
    them, as board.NICS: each has a Client with these settings, whose records may be in one file.
    ValueError: as of Client and of Failover.
    """
    clients = [
        Client(nic() if callable(nic) else nic, **settings)
        for nic in reversed(nics)  # the preferred one is switched on last
    ]
    return Failover(list(reversed(clients)), join)
