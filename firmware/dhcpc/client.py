"""The class people use: ties session, lease, store and link together. Knows no board's name."""

import errno
import time
from random import getrandbits

from ._compat import TYPE_CHECKING, const
from .lease import Lease, dotted
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

        hostname: str
        client_id: bytes
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
_SERVER_ID = const(54)
_MESSAGE = const(56)
_CLIENT_ID = const(61)
_ROUTES = const(121)
# 50, 52, 53, 54, 12, 55, 57, 61: the application does not set these among the others
_OURS = const(b"2456\x0c79=")

_NO_LINK = const("no link")

_SIZE = const(1024)  # the longest datagram that we take
_LONGEST = const(b"\x39\x02\x04\0")  # says so: option 57 (RFC 2132 9.10)
_AWAKE = const(50)  # ms between polls while a reply is awaited
_LOOK = const(10)  # ms between polls of `acquire`, which waits for the link, too
# ms that the socket stays open for a reply: another Client may want it
_LISTEN = const(2000)  # as long as the next message comes soon
_LINGER = const(10000)  # in RENEWING, REBINDING
_MOST = const(8)  # datagrams handled in one poll: a flood must not hold up the application
_PAUSE = const(600000)  # ms between writes of the record, and after one that failed: flash wears
_SOON = const(1000)  # ms until the NIC is told again what it did not take


class Client:
    """A DHCP client on one link. `lease` is the Lease in use, or None; `reason`, why there is
    none, or the last fault; `wanted`, whether to go for a lease.

    What extras build on is public, too: `session`, `store`, `link`; `start`, `send`, `update`,
    `tell`, which a subclass may extend; `key`, that of the store's record for this network.
    """

    lease: Lease | None
    reason: "str | Exception | None"
    key: bytes
    record: bytes | None
    due: str | None  # the event that the NIC has yet to follow
    save: "tuple[Any, ...] | None"  # what to do with the record, and with what
    clear: "tuple[Any, ...] | None"  # that, when it is wrong: made in time, while there is memory
    saved: int | None  # when that was last done; None: it may be done now
    error: BaseException | None  # by on_event
    extras: tuple[str, ...]  # that have been called, and that may be once alone

    options: "Mapping[int, bytes | str]" = {}  # noqa: RUF012
    on_event: "Callable[[str, Lease | None], object] | None" = None
    clock: "Any" = None  # time.ticks_ms unless it is set
    reuse = False
    params = b"\x01\x03\x06\x0f\x1a\x1c\x2a\x3a\x3b"
    store: "Any" = "/dhcpc.lease"
    start_wait_ms = 0
    wanted = True
    last = 0  # when a message was sent, ms

    def __init__(self, nic: "Any", **settings: "Unpack[Settings]") -> None:
        """Silence the built-in client; nothing is sent before the first poll. ValueError has the
        name of a setting that there is not; or name, value and right type of one of another type;
        the code of an option that cannot be sent; or "options" if all of them are too long.

        nic: active; or a Link. The settings, by their names:

        hostname: option 12. client_id: option 61 with its type byte, else 1 and the MAC. params:
        option 55, its codes in order. One of these three that is empty is not sent. options:
        {code: bytes, or text} to send besides. store: a path, or a Store. on_event(event, lease):
        is told of each event. clock(): ms, modulo 2**30 or more, where sleep stops time.ticks_ms.
        reuse: use a stored lease whose age the store's clock tells, without a packet, until its
        T1. start_wait_ms: begin after a random time of at most that (RFC 2131 4.4.1).
        """
        link = nic if isinstance(nic, Link) else Link(nic)
        self.hostname = link.hostname
        self.client_id = b"\x01" + link.mac
        for name, value in settings.items():
            was = getattr(self, name, max)
            if callable(was):  # a method, or, as max is callable, nothing
                raise ValueError(name)
            if not (isinstance(value, (type(was), Store)) or was is None and callable(value)):
                kind = "callable" if was is None else type(was)
                raise ValueError("%s: %r: not %s" % (name, value, kind))
            setattr(self, name, value)
        self.link = link
        self.reason = _NO_LINK
        self.lease = self.record = self.key = self.due = None  # type: ignore[assignment]
        self.save = self.saved = self.error = None
        self.clock = self.clock or time.ticks_ms  # type: ignore[attr-defined]
        if isinstance(self.store, str):
            self.store = Store(self.store)
        if self.start_wait_ms < 0:
            raise ValueError("start_wait_ms")
        options = self.client_id = self.client_id and option(_CLIENT_ID, self.client_id)
        params = self.params
        if _ROUTES in params:  # RFC 3442: before the router
            params = b"\x79" + params.replace(b"\x79", b"")
        for code in params:
            option(code, _LONGEST)  # ValueError: there is no such option
        options += (params and option(_PARAMETERS, params)) + _LONGEST
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
        fails is an event. What `on_event` has raised comes out at the end, when all is done.

        Return in how many milliseconds to call again: at most 50 while a reply is awaited, at most
        a day.
        """
        try:
            wait = self.step(wait_ms)
        except Exception as error:
            wait = _SOON
            self.reason = error
            self.tell("error")
        raised = self.error
        if raised:
            self.error = None
            raise raised
        return wait

    def step(self, wait_ms: int) -> int:
        """Do what `poll` does, its faults not caught."""
        link = self.link
        session = self.session
        if self.due:
            self.update(self.due)  # it is tried again
        if not link.up():
            if session.state:
                self._stop("link")
            elif self.wanted:
                link.apply(None)  # off and on again, the interface has its built-in client back
                if self.record is None:
                    self.find()  # there is time now, and none when the link is up
        elif self.wanted and not session.state:
            self.start()
        most = _MOST
        pause = 0
        while True:
            # What has arrived comes first: it may be the answer to what is due otherwise.
            data = most and link.recv(_SIZE, pause)
            pause = 0
            if data:
                most -= 1
                wait_ms = 0
                self.read(data)
                continue
            due = session.step(self.clock())
            if due == "send":
                self.send(0)
            elif due:
                self.update(due)
            elif wait_ms > 0 and not self.error:
                pause = min(wait_ms, session.wait)
                wait_ms = 0
            else:
                break
        wait = session.wait
        if link.sock:
            if session.state != _BOUND and session.last - self.last & 0x3FFFFFFF < (
                _LINGER if session.lease else _LISTEN
            ):
                wait = min(_AWAKE, wait)
            else:
                link.close()
        saved = self.saved
        if self.save and (saved is None or session.last - saved & 0x3FFFFFFF >= _PAUSE):
            self.saved = session.last
            if self.attempt(*self.save) is None:
                self.save = None
        return min(_SOON, wait) if self.due else wait

    def acquire(
        self, timeout_ms: int = 20000, idle: "Callable[[], object] | None" = None
    ) -> Lease:
        """Poll until there is a lease, and return it; call `idle()` every 100 ms at least.
        timeout_ms: below 2**30.

        OSError: ETIMEDOUT and `reason`, or the link's own reason, in words.
        """
        self.wanted = True
        start = self.clock()
        old = self.link.error()
        self.poll()
        while not self.lease:
            error = self.link.error()
            old = error and old
            if error != old or self.clock() - start & 0x3FFFFFFF >= timeout_ms:
                if error:
                    raise OSError(error)
                raise OSError(errno.ETIMEDOUT, self.reason)
            self.poll(_LOOK)
            if idle:
                idle()
        return self.lease

    def verify(self) -> None:
        """Ask with the next poll whether the lease still holds (INIT-REBOOT, RFC 2131 3.2): after
        a time, say, in which the link may have been away. Until there is an answer, there is no
        address. Without a lease, nothing.
        """
        session = self.session
        if session.lease:
            session.start(0, session.yiaddr)
            self.update("link")

    def renew(self) -> None:
        """Renew the lease with the next poll, before T1. Without a lease, nothing."""
        self.session.due = 0

    def release(self) -> None:
        """Send RELEASE, take the address away and forget its record; without a lease, only stop.
        Only `acquire` starts anew.
        """
        if self.wanted:
            self.wanted = False
            lease = self.session.lease
            try:
                if lease:
                    self.send(_RELEASE)
            finally:
                self._stop("released", lease)
            self.poll()

    def close(self) -> None:
        """Let the lease be, and hand the interface back to the built-in client."""
        self.wanted = False
        self.saved = None  # this may be the end
        self._stop("link")
        try:
            self.poll()  # takes the address away if that has just failed
        finally:
            self.attempt(self.link.release)

    def _stop(self, event: str, clear: object = False) -> None:
        self.session.stop()
        self.reason = _NO_LINK
        self.update(event, clear)
        self.attempt(self.link.close)

    # What extras call, and extend in a subclass

    def start(self) -> None:
        """Start, as the link is up: with INIT-REBOOT if there is a record of this device on this
        network (RFC 2131 3.2), else with INIT.
        """
        session = self.session
        session.step(self.clock())  # `start` counts from the last one, which may be long ago
        self.reason = None
        record = self.attempt(self.find) is None and self.record or b""
        self.record = None
        lease = self.reuse and self.attempt(self.store.lease, record, self.key)
        session.start(
            session.rand(20) % (self.start_wait_ms or 1),
            record[-13:-9],  # its yiaddr, see Store
            lease,  # type: ignore[arg-type]  # False: there is none to be used
        )
        self.update("reused" if session.lease else "link")

    def find(self) -> None:
        """Read the record of this device on this network, `record`, unless it is there."""
        link = self.link
        old = self.key
        self.key = None  # type: ignore[assignment]  # or another network's might stay
        name = link.key()
        key = bytes((1, len(name))) + link.mac + name + self.client_id
        self.clear = self.store.clear, key
        self.key = key
        if key != old:
            self.record = self.saved = None
        if self.record is None:
            self.record = (self.store.records(key) + [b""])[0]

    def send(self, type: int) -> None:
        """Send the message of option 53 `type`, or, if 0, that of the session's state."""
        link = self.link
        session = self.session
        self.last = self.clock()
        if self.attempt(link.send, session.write(link.buf, type), session.to) is None:
            self.tell("send")
        else:
            session.unsent()

    def update(self, event: str, clear: object = False, recv: bool = False) -> None:
        """Have the NIC and `lease` follow the session, and tell of the event. The record follows
        at the end of a poll: that takes longest, and the address works already.

        clear: the record is wrong from now on. recv: a message that came has brought it about.
        """
        lease = self.session.lease
        if clear and (self.lease or self.due or self.reuse):
            self.save = self.clear
            self.saved = None
        self.due = event  # from here on, what finds no memory is done by the next poll
        self.lease = None
        if self.attempt(self.link.apply, lease) is False:
            return
        if lease:
            if not self.key:
                self.attempt(self.find)  # there was no memory for it
            self.save = self.store.save, lease, self.key
        self.due = None
        self.lease = lease
        self.reason = None if lease else self.reason or "no answer"
        if recv:
            self.tell("recv")
        self.tell(event)

    def read(self, buf: bytes) -> None:
        """Take in a datagram. As long as there is no lease, `reason` says which server has
        answered what, its own words (option 56) behind it.
        """
        session = self.session
        event = self.attempt(session.read, buf)
        try:
            if event and session.type and not session.lease:
                message = session.message
                self.reason = (
                    "%s: %s %s"
                    % (
                        dotted(message.buf, message.find(_SERVER_ID, 4) or 20),  # siaddr
                        "NAK" if event == "nak" else session.reason or "OFFER",
                        str(message.option(_MESSAGE) or b"")[2:-1],
                    )
                )
        finally:  # whether there was room for the words or not
            if event == "ignored" or event == "recv":
                self.tell(event)
            elif event:
                self.update(event, event == "nak", True)

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
        """Tell the application. What it raises comes out of `poll`, at its end."""
        if self.on_event:
            try:
                self.on_event(event, self.lease)
            except BaseException as error:
                self.error = error
