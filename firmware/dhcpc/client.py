"""The class people use: ties session, lease, store and link together. Knows no board's name."""

import errno
import time
from random import getrandbits

from ._compat import TYPE_CHECKING, const
from .lease import Lease, subnet
from .link import Link
from .session import Session
from .store import Store
from .wire import option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypedDict

    from typing_extensions import Unpack

    class Settings(TypedDict, total=False):
        """The settings of a Client."""

        hostname: str | bytes | None
        client_id: bytes | None
        params: bytes
        options: Mapping[int, bytes | str]
        store: str | Store
        on_event: Callable[[str, Lease | None], object] | None
        clock: Callable[[], int] | None
        reuse: bool
        start_wait_ms: int


_BOUND = const(6)
# The names that RFC 2131 figure 5 gives the session's states; STOPPED has none there.
_STATES = const("STOPPED INIT INIT-REBOOT SELECTING REBOOTING REQUESTING BOUND RENEWING REBINDING")

# RFC 2132
_RELEASE = const(7)
_HOST_NAME = const(12)
_PARAMETERS = const(55)
_CLIENT_ID = const(61)
# 50, 52, 53, 54, 12, 55, 57, 61: the application does not set these among the others
_OURS = const(b"2456\x0c79=")

_SIZE = const(1024)  # the longest datagram that we take
_LONGEST = const(b"\x39\x02\x04\0")  # says so: option 57 (RFC 2132 9.10)
_AWAKE = const(50)  # ms between polls while a reply is awaited
_LOOK = const(10)  # ms between looks at the link while `acquire` waits for it
_LINGER = const(10000)  # ms that the socket stays open for a reply; another Client may want one
_MOST = const(8)  # datagrams handled in one poll: a flood must not hold up the application


class Client:
    """A DHCP client on one link. `lease` is the Lease in use, or None; `reason`, that of the last
    refusal or fault; `wanted`, whether to go for a lease.

    What extras build on is public, too: `session`, `store`, `link`; `begin`, `send`, `settle`,
    `tell`, which a subclass may extend; `key`, that of the store's record for this network.
    """

    lease: Lease | None
    reason: "str | Exception | None"
    key: bytes
    record: bytes | None
    due: str | None  # the event that the NIC has yet to follow

    options: "Mapping[int, bytes | str]" = {}  # noqa: RUF012
    client_id: "bytes | None" = None
    on_event: "Callable[[str, Lease | None], object] | None" = None
    clock: "Any" = None  # time.ticks_ms unless it is set
    reuse = False
    params = b"\x01\x03\x06\x0f\x1a\x1c\x2a\x3a\x3b"
    store: "Any" = "/dhcpc.lease"
    start_wait_ms = 0
    wanted = True

    def __init__(self, nic: "Any", **settings: "Unpack[Settings]") -> None:
        """Silence the built-in client; nothing is sent before the first poll. ValueError has the
        name of a setting that there is not, the code of an option that cannot be sent, or
        "options" if all of them are too long.

        nic: active; or a Link. The settings, by their names:

        hostname: option 12, "" for none. client_id: option 61 with its type byte, else 1 and the
        MAC. params: option 55, its codes in order. options: {code: bytes} to send besides. store:
        a path, or a Store. on_event(event, lease): is told of each event. clock(): ms, modulo
        2**30 or more, where sleep stops time.ticks_ms. reuse: use a stored lease whose age the
        store's clock tells, without a packet, until its T1. start_wait_ms: begin after a random
        time of at most that (RFC 2131 4.4.1). More of them are in `session`.
        """
        link = nic if isinstance(nic, Link) else Link(nic)
        self.hostname = link.hostname
        for name, value in settings.items():
            if callable(getattr(self, name, max)):  # a method, or, as max is callable, nothing
                raise ValueError(name)
            setattr(self, name, value)
        self.link = link
        self.lease = self.reason = self.record = self.key = self.due = None  # type: ignore
        self.clock = self.clock or time.ticks_ms  # type: ignore[attr-defined]
        if isinstance(self.store, str):
            self.store = Store(self.store)
        options = self.client_id = option(_CLIENT_ID, self.client_id or b"\x01" + link.mac)
        options += option(_PARAMETERS, self.params) + _LONGEST
        if self.hostname:
            options += option(_HOST_NAME, self.hostname)
        for code in self.options:
            options += option(code, self.options[code])
            if code in _OURS:
                raise ValueError("option", code)
        self.session = Session(link.mac, options, getrandbits)
        self.session.write(link.buf, 0)  # ValueError: the options are too long
        link.apply(None)

    @property
    def state(self) -> str:
        """The state, as RFC 2131 figure 5 writes it, or STOPPED."""
        return _STATES.split()[self.session.state]

    def poll(self, wait_ms: int = 0) -> int:
        """Handle what has arrived and what is due; wait at most `wait_ms` for a datagram. What
        fails is an event; only a NIC that cannot tell of its link, or not give up an address
        without a lease, raises its own exception.

        Return in how many milliseconds to call again: at most 50 while a reply is awaited, at most
        a day.
        """
        link = self.link
        session = self.session
        if not link.up():
            if session.state:
                self._stop("link")
            elif self.wanted:
                link.apply(None)  # off and on again, the interface has its built-in client back
                if self.record is None:
                    self.recall()  # there is time now, and none when the link is up
        elif self.wanted and not session.state:
            self.begin()
        elif self.due:
            self.settle(self.due)  # it is tried again
        most = _MOST
        pause = 0
        while True:
            # What has arrived comes first: it may be the answer to what is due otherwise.
            data = link.recv(_SIZE, pause) if most else None
            pause = 0
            if data:
                most -= 1
                wait_ms = 0
                event = self.attempt(session.read, data)
                if event == "ignored" or event == "recv":
                    self.reason = session.reason
                    self.tell(event)
                elif event:
                    self.settle(event, event == "nak", True)
                continue
            due = session.step(self.clock())
            if due == "send":
                self.send(0)
            elif due:
                self.settle(due)
            elif wait_ms > 0:
                pause = min(wait_ms, session.wait)
                wait_ms = 0
            else:
                break
        if link.sock:
            if session.state != _BOUND and self.clock() - self.last & 0x3FFFFFFF < _LINGER:
                return min(_AWAKE, session.wait)
            link.close()
        return session.wait

    def acquire(
        self, timeout_ms: int = 20000, idle: "Callable[[], object] | None" = None
    ) -> Lease:
        """Poll until there is a lease, and return it; call `idle()` every 100 ms at least.
        timeout_ms: below 2**30.

        OSError: ETIMEDOUT, or the link's own reason, in words.
        """
        self.wanted = True
        start = self.clock()
        old = self.link.error()
        self.poll()
        while not self.lease:
            error = self.link.error()
            old = error and old
            if error != old or self.clock() - start & 0x3FFFFFFF >= timeout_ms:
                raise OSError(error or errno.ETIMEDOUT)
            self.poll(100 if self.session.state else _LOOK)
            if idle:
                idle()
        return self.lease

    def release(self) -> None:
        """Send RELEASE, take the address away and forget its record; without a lease, only stop.
        Only `acquire` starts anew.
        """
        if self.wanted or self.session.state:
            self.wanted = False
            try:
                if self.session.lease:
                    self.send(_RELEASE)
            finally:
                self._stop("released", self.lease)

    def close(self) -> None:
        """Let the lease be, and hand the interface back to the built-in client."""
        self.wanted = False
        try:
            self._stop("link")
        finally:
            self.link.release()

    def _stop(self, event: str, clear: object = False) -> None:
        self.session.stop()
        self.link.close()
        self.settle(event, clear)

    # What extras call, and extend in a subclass

    def begin(self) -> None:
        """Start, as the link is up: with INIT-REBOOT if there is a record of this device on this
        network (RFC 2131 3.2), else with INIT.
        """
        session = self.session
        session.step(self.clock())  # `start` counts from the last one, which may be long ago
        self.link.apply(None)  # it may have been off and on again
        self.recall()
        record = self.record or b""
        self.record = None
        lease = None
        if record and self.reuse:
            lease = self.store.lease(record, self.key)
            if subnet(lease.message()) < 0:
                lease = None
        wait = getrandbits(20) % (self.start_wait_ms or 1)
        session.start(wait, record[-13:-9], lease)  # its yiaddr, see Store
        self.settle("reused" if session.lease else "link")

    def recall(self) -> None:
        """Read the record of this device on this network, `record`, unless it is there."""
        link = self.link
        name = link.key()
        key = bytes((1, len(name))) + link.mac + name + self.client_id
        if key != self.key or self.record is None:
            self.key = key
            self.record = (self.store.records(key) + [b""])[0]

    def send(self, type: int) -> None:
        """Send the message of option 53 `type`, or, if 0, that of the session's state."""
        link = self.link
        session = self.session
        self.last = self.clock()
        if self.attempt(link.send, session.write(link.buf, type), session.to) is None:
            self.tell("send")
        else:  # no more than a lost packet
            # Where another Client has the port, not always when it has.
            session.wait = getrandbits(16) % (session.wait or 1)

    def settle(self, event: str, clear: object = False, recv: bool = False) -> None:
        """Have `lease`, the NIC and the record follow the session, and tell of the event. A new
        record is written last: that takes longest, and the address works already.

        clear: the record is wrong from now on. recv: a message that came has brought it about.
        """
        lease = self.session.lease
        if clear and (self.lease or self.reuse):
            self.attempt(self.store.clear, self.key)
        new = self.due or lease is not self.lease
        if new:
            self.lease = None
            self.due = event
            if self.attempt(self.link.apply, lease) is False:
                return
            self.due = None
            self.lease = lease
        try:
            if recv:
                self.tell("recv")
            self.tell(event)
        finally:
            # The application may have released it meanwhile.
            if new and lease and lease is self.session.lease:
                self.attempt(self.store.save, lease, self.key)

    def attempt(self, do: "Callable[..., Any]", *arguments: object) -> "Any":
        """Return what do(*arguments) returns, or False if it fails: that is an event, and the
        exception the `reason`.
        """
        try:
            return do(*arguments)
        except Exception as error:
            self.reason = error
        self.tell("error")
        return False

    def tell(self, event: str) -> None:
        """Tell the application."""
        if self.on_event:
            self.on_event(event, self.lease)
