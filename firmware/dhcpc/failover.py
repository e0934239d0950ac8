"""Several NICs and one way out: the first NIC that has a lease. When its link or its lease is
gone, another NIC takes over until it is back.

The reason is how lwIP treats a packet for another network. It has one default NIC. If that has no
address, there is no way out, whatever the others have. Python cannot choose the default NIC: on
ESP32 it is the Wi-Fi as soon as that has a link; elsewhere it is the NIC that was activated last.
So only one NIC has an address, and a radio that is not in use has no link.
"""

import errno

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from dhcpc import Lease, Link, Session

_HOLD = const(5000)  # ms that a preferred cable keeps its lease before it takes over
_RETRY = const(60000)  # ms between tries of a preferred radio while another NIC is in use
_TRY = const(15000)  # ms that such a try lasts: on ESP32 the radio is the way out meanwhile
_JOIN = const(20000)  # ms without a link after which a radio is told again to join
_ALONE = const(10000)  # ms that a NIC which was restarted has before others are tried
_TURN = const(1000)  # ms after its last packet that a Client has port 68 to itself
_LOOK = const(10)  # ms between looks while `acquire` waits for a link
_IDLE = const(1000)  # ms between polls at most: a link may have gone


def _passed(now: int, since: int) -> int:
    # ms between two readings of a clock that begins anew at 2**30
    return now - since & 0x3FFFFFFF


class Failover:
    """Several Clients that are used as one.

    `used` is the Client whose lease is in use, or None; `lease` is that lease. `about` is the
    Client of the last event; `session` and `link` are its own. `on_event(event, lease)` is told of
    the events of the Client in use, and of "used" when another takes over. As long as none is in
    use, it is told of the events of all.

    `poll`, `acquire`, `release`, `close`, `wanted`, `reason`, `state`, `clock` are those of a
    Client.
    """

    on_event: "Callable[[str, Lease | None], object] | None" = None
    used: "Client | None" = None
    wanted = True

    def __init__(
        self, clients: "Sequence[Client]", join: "Callable[[Any], object] | None" = None
    ) -> None:
        """clients: the preferred one first. Its NIC is the one that was activated last.
        join(nic): has a radio join its network, and returns at once. Do not join yourself: a radio
        is told when its turn comes, and is disconnected when its turn is over.

        ValueError names the argument that is wrong. Call it before the first poll.
        """
        self.clients = list(clients)
        if len(self.clients) < 2:
            raise ValueError("clients: not two or more")
        self.about = self.newest = self.clients[0]  # newest: whose NIC was activated last
        self.clock = self.about.clock
        self.join = join
        self.error: BaseException | None = None  # by on_event
        self.next: _Uplink | None = None  # the one that is taking over
        # When the NIC of `newest` was restarted, ms; None once others are tried again
        self.restarted: int | None = None
        self.uplinks = [_Uplink(self, dhcp) for dhcp in self.clients]
        if not callable(join) and any(uplink.radio for uplink in self.uplinks):
            raise ValueError("join: not callable")

    @property
    def lease(self) -> "Lease | None":
        """The lease in use."""
        return self.used.lease if self.used else None

    @property
    def state(self) -> str:
        """The state of the Client in use, or of the one of the last event."""
        return (self.used or self.about).state

    @property
    def session(self) -> "Session":
        """The session of `about`."""
        return self.about.session

    @property
    def link(self) -> "Link":
        """The link of `about`."""
        return self.about.link

    @property
    def reason(self) -> "str | Exception | None":
        """Why there is no lease, or None: the reason of `about`, or, if that has no link, of the
        first Client that has one.
        """
        if self.used:
            return None
        about = self.about
        for dhcp in [about] + self.clients:
            if dhcp.session.state:
                return dhcp.reason
        return about.reason

    def poll(self, wait_ms: int = 0) -> int:
        """Poll all Clients and choose the one in use; wait at most `wait_ms` for a datagram.
        Return in how many milliseconds to call again, at most 1,000.
        """
        wait = self._poll_all()
        if wait_ms > 0 and not self.error:
            waiting = self.used or self.about
            for dhcp in self.clients:
                if dhcp.link.sock:
                    waiting = dhcp
            self._attempt(waiting.poll, min(wait_ms, wait))
            wait = self._poll_all()
        raised = self.error
        if raised:
            self.error = None
            raise raised
        return wait

    def _poll_all(self) -> int:
        wait = _IDLE
        for _ in range(2):  # what was decided begins at once
            for dhcp in self.clients:
                wait = min(wait, self._attempt(dhcp.poll))
            if not self._decide():
                break
            wait = _IDLE
        return wait

    def _attempt(self, do: "Callable[..., Any]", *arguments: object) -> "Any":
        # Only on_event's own exceptions come out of these calls. `poll` raises them at its end.
        try:
            return do(*arguments)
        except BaseException as error:
            self.error = error
        return 0

    def acquire(
        self, timeout_ms: int = 20000, idle: "Callable[[], object] | None" = None
    ) -> "Lease":
        """As Client.acquire, but a fault of one of the links does not end it."""
        self.wanted = True
        start = self.clock()
        self.poll()
        while True:
            lease = self.lease
            if lease:
                return lease
            if _passed(self.clock(), start) >= timeout_ms:
                raise OSError(errno.ETIMEDOUT, self.reason)
            self.poll(100 if any(dhcp.session.state for dhcp in self.clients) else _LOOK)
            if idle:
                idle()

    def release(self) -> None:
        """Give back the lease in use. The records of the other Clients stay, and radios leave
        their networks. Only `acquire` starts anew.
        """
        used = self.used
        self.wanted = False
        if used:
            self._attempt(used.release)
        for uplink in self.uplinks:
            uplink.rest()
        self.poll()

    def close(self) -> None:
        """Leave the leases as they are, and hand the interfaces back to the built-in client."""
        self.wanted = False
        for dhcp in self.clients:
            self._attempt(dhcp.close)
        self.poll()

    # Which one is in use

    def _decide(self) -> bool:
        # Tell each Client to try or to rest. Return whether they are to be polled again.
        now = self.clock()
        used = self.used
        if not self.wanted:
            return False
        if self.restarted is not None and _passed(now, self.restarted) >= _ALONE:
            self.restarted = None
        preferred = True
        changed = False
        for uplink in self.uplinks:
            dhcp = uplink.dhcp
            if dhcp is used:
                preferred = False
                uplink.since = None
            elif not used:
                if self.restarted is not None and dhcp is not self.newest:
                    continue
                if dhcp.session.lease and not dhcp.due and uplink.up():
                    dhcp.update("used")
                    return True
                changed = uplink.seek(now) or changed
            elif not preferred:
                changed = uplink.rest() or changed
            elif uplink.compete(now):
                uplink.since = None
                self.next = uplink
                dhcp.update("used")
                self.next = None
                if self.used is not used or self.restarted is not None:
                    for old in self.uplinks:
                        if old.dhcp is used:
                            old.rest()
                return True  # if the NIC has not taken the address, the other one goes on
        return changed

    def allows(self, uplink: "_Uplink") -> bool:
        """Whether this NIC may have an address now."""
        if self.used and uplink is not self.next:
            return False
        return self.restarted is None or uplink.dhcp is self.newest

    def make_default(self, uplink: "_Uplink") -> bool:
        """Make this NIC the default one, and return whether it is already. If not, it is
        restarted, and is without a link for a time.
        """
        dhcp = uplink.dhcp
        if dhcp is self.newest or not uplink.nic or dhcp.link.option:
            return True
        # Elsewhere than on ESP32 the default NIC is the one that was activated last.
        self.newest = dhcp
        self.restarted = self.clock()
        uplink.restart()
        return False

    def pass_on(self, uplink: "_Uplink", event: str) -> None:
        """Tell of an event, but not of a lease that is not in use."""
        dhcp = uplink.dhcp
        if dhcp is self.used or not (self.used or dhcp.lease):
            self.about = dhcp
            if self.on_event:
                self._attempt(self.on_event, event, self.lease)


class _Uplink:
    # One of the Clients and its NIC.

    def __init__(self, failover: Failover, dhcp: Client) -> None:
        link = dhcp.link
        self.failover = failover
        self.dhcp = dhcp
        self.nic: Any = getattr(link, "nic", None)
        self.radio = hasattr(self.nic, "connect")
        self.joined: int | None = None  # when a radio was last told to join, ms; None: to leave
        self.left: int | None = None  # when it was last told to leave
        self.since: int | None = None  # since when it has a lease that is not in use
        self.dropped = False  # whether the lease was in use and has gone
        self.port_taken = False  # whether another Client has port 68
        self.linked = False  # whether a cable was in at the last look
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
        # Up to MicroPython 1.28 an ESP32 takes an event of the Wi-Fi's address for one of the
        # cable. The cable then looks started (1) or stopped (2). If it was in, and the NIC is not
        # off, it is in.
        nic = self.nic
        try:
            self.linked = self.do_up() or (self.linked and nic.status() in (1, 2) and nic.active())
        except Exception:
            self.linked = False
        return self.linked

    def _apply(self, lease: "Lease | None") -> None:
        failover = self.failover
        if failover.used is self.dhcp:
            failover.used = None
            self.dropped = True
        if lease and failover.allows(self) and failover.make_default(self):
            self.do_apply(lease)
            failover.used = self.dhcp
            failover.restarted = None
            self.dropped = False
        else:
            self.do_apply(None)

    def _open(self) -> None:
        # One socket at a time has the port. A Client that has sent nothing of late makes room.
        if not self.dhcp.link.sock:
            for other in self.failover.clients:
                if other.link.sock:
                    self.port_taken = True
                    if _passed(other.clock(), other.last) >= _TURN:
                        other.link.close()
        self.do_open()
        self.port_taken = False

    def _tell(self, event: str) -> None:
        self.do_tell(event)
        if not (event == "error" and self.port_taken):  # to wait for the port is no fault
            self.failover.pass_on(self, event)

    def _ask(self, do: "Callable[..., object]", *arguments: object) -> None:
        try:
            do(*arguments)
        except Exception:
            pass  # an ESP32 is doing so already, or it is off

    def up(self) -> bool:
        """Whether there is a link at this moment: a restart takes it away."""
        try:
            return self.dhcp.link.up()
        except Exception:
            return False

    def seek(self, now: int) -> bool:
        """Go for a lease. Return whether that is new."""
        dhcp = self.dhcp
        new = not dhcp.wanted
        dhcp.wanted = True
        if self.radio:
            gone = _JOIN if self.joined is None else _passed(now, self.joined)
            if gone >= _JOIN and not dhcp.session.state:
                self.join(now)
        return new

    def join(self, now: int) -> None:
        self.joined = now
        self._ask(self.failover.join, self.nic)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Have the radio leave its network."""
        if self.radio and (self.joined is not None or self.left is None):
            self.joined = None
            self.left = self.failover.clock()
            self._ask(self.nic.disconnect)

    def rest(self) -> bool:
        """Go for no lease, but keep the record, for INIT-REBOOT. Return whether that is new."""
        dhcp = self.dhcp
        session = dhcp.session
        new = dhcp.wanted
        dhcp.wanted = self.dropped = False
        self.since = None
        if session.state:
            session.stop()
            dhcp.attempt(dhcp.link.close)
            dhcp.reason = "not in use"
            dhcp.update("standby")
        self.leave()
        return new

    def compete(self, now: int) -> bool:
        """Go for a lease while a NIC that is less preferred is in use. Return whether it is time
        to take over.
        """
        dhcp = self.dhcp
        if self.radio:
            if self.joined is None:
                if self.left is None or _passed(now, self.left) >= _RETRY:
                    dhcp.wanted = True
                    self.join(now)
            elif self.dropped or _passed(now, self.joined) >= _TRY:
                self.rest()  # a link that was lost once is not tried again and again
            return dhcp.session.lease is not None
        dhcp.wanted = True
        if not dhcp.session.lease:
            self.since = None
        elif self.since is None:
            self.since = now
        return self.since is not None and _passed(now, self.since) >= _HOLD

    def restart(self) -> None:
        """Switch the NIC off and on, and silence its built-in client."""
        self._ask(self.nic.active, False)
        self._ask(self.nic.active, True)
        self._ask(self.do_apply, None)
        if self.radio:
            self.join(self.failover.clock())


def make(
    nics: "Sequence[Any]", join: "Callable[[Any], object] | None" = None, **settings: "Any"
) -> Failover:
    """Return the Failover of NICs or Links, the preferred one first, or of functions that make
    them, as board.NICS. Each has a Client with these settings; their records may be in one file.
    ValueError: as Client and Failover raise it.
    """
    clients = [
        Client(nic() if callable(nic) else nic, **settings)
        for nic in reversed(nics)  # the preferred one is switched on last
    ]
    return Failover(list(reversed(clients)), join)
