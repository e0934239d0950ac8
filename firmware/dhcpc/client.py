"""The class that people use: ties session, lease, store and link together. Knows no board."""

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
# 50, 52, 53, 54, 12, 55, 57, 61: `options` must not have these
_OURS = const(b"\x32\x34\x35\x36\x0c\x37\x39\x3d")

_NO_LINK = const("no link")

_SIZE = const(1024)  # the longest datagram that the client takes
_LONGEST = const(b"\x39\x02\x04\x00")  # the same as option 57 (RFC 2132 9.10)
_AWAKE = const(50)  # ms between polls while a reply is awaited
_LOOK = const(10)  # ms between polls of `acquire`, which waits for the link, too
# ms that the socket stays open for a reply: another Client may want it
_LISTEN = const(2000)  # if the next message, and so the next reply, comes soon
_SHORTLY = const(4000)  # ms until that
_LINGER = const(10000)
_MOST = const(8)  # datagrams handled in one poll: a flood must not hold up the application
_PAUSE = const(600000)  # ms between writes of the record, failed ones included: flash wears
_SOON = const(1000)  # ms until the next try after a fault


class Client:
    """A DHCP client on one link. `lease` is the Lease in use, or None; `reason`, why there is
    none, or the last fault; `wanted`, whether to go for a lease.

    Extras use these, which are public, too: `session`, `store`, `link`; `start`, `send`, `update`,
    `tell`, which a subclass may extend; `key`, the key of this network's record in the store.
    """

    lease: Lease | None
    reason: "str | Exception | None"
    key: bytes
    record: bytes | None
    due: str | None  # the event that the NIC has not followed yet
    save: "tuple[Any, ...] | None"  # what the record needs: a function, and its arguments
    clear: (
        "tuple[Any, ...] | None"  # the same for a wrong record: made early, while there is memory
    )
    saved: int | None  # when `save` was last done; None: it may be done now
    error: BaseException | None  # by on_event
    extras: tuple[str, ...]  # those that were called, and may be called only once
    conflicts: int  # in a row, of addresses that were new or in use: see the extra

    options: "Mapping[int, bytes | str]" = {}  # noqa: RUF012
    on_event: "Callable[[str, Lease | None], object] | None" = None
    clock: "Any" = None  # time.ticks_ms unless it is set
    reuse = False
    params = b"\x01\x03\x06\x0f\x1a\x1c\x2a\x3a\x3b"
    store: "Any" = "/dhcpc.lease"
    start_wait_ms = 0
    wanted = True
    last = 0  # when the last message was sent, ms

    def __init__(self, nic: "Any", **settings: "Unpack[Settings]") -> None:
        """Silence the built-in client. Nothing is sent before the first poll. ValueError names
        what is wrong: an unknown setting; the name, value and right type of a setting of another
        type; the code of an option that cannot be sent; or "options" if all are too long together.

        nic: active; or a Link. The settings, by name:

        hostname: option 12. client_id: option 61 with its type byte; by default 1 and the MAC.
        params: option 55, the codes in order. If one of these three is empty, it is not sent.
        options: {code: bytes or text}, other options to send. store: a path, or a Store.
        on_event(event, lease): is called with each event. clock(): ms, modulo 2**30 or more, in
        place of time.ticks_ms, which sleep may stop. reuse: use a stored lease without a packet
        until its T1, if the store's clock tells its age. start_wait_ms: wait for a random time of
        at most that before the start (RFC 2131 4.4.1).
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
        """Handle what has arrived and what is due; wait at most `wait_ms` for a datagram. A fault
        is an event. Only what `on_event` raises comes out, at the end, when all is done.

        Return in how many milliseconds to call again: at most 50 while the client listens for a
        reply, at most a day.
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
        """Do what `poll` does, but let faults out."""
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
            # What has arrived comes first: it may answer what would be sent again.
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
                _LINGER if session.lease or session.wait > _SHORTLY else _LISTEN
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
        """Poll until there is a lease, and return it. Call `idle()` at least every 100 ms.
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
        """With the next poll, ask whether the lease is still valid (INIT-REBOOT, RFC 2131 3.2);
        for example after a time in which the link may have been away. There is no address until
        the answer. Without a lease this does nothing.
        """
        session = self.session
        if session.lease:
            session.start(0, session.yiaddr)
            self.update("link")

    def renew(self) -> None:
        """Renew the lease with the next poll, before T1. Without a lease this does nothing."""
        self.session.due = 0

    def release(self) -> None:
        """Send RELEASE, take the address away and forget its record; without a lease, only stop.
        Only `acquire` starts the client again.
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
        """Keep the record, and hand the interface back to the built-in client."""
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
        """Start, since the link is up: in INIT-REBOOT if there is a record of this device on this
        network (RFC 2131 3.2), else in INIT.
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
        """Read `record`, that of this device on this network, unless it is there already."""
        link = self.link
        old = self.key
        self.key = self.clear = None  # type: ignore[assignment]  # or another network's might stay
        name = link.key()
        key = bytes((1, len(name))) + link.mac + name + self.client_id
        self.clear = self.store.clear, key
        self.key = key
        if key != old:
            self.record = self.saved = None
        if self.record is None:
            self.record = (self.store.records(key) + [b""])[0]

    def send(self, type: int) -> None:
        """Send the message of the session's state. type: 0; or the option 53 of another one."""
        link = self.link
        session = self.session
        self.last = self.clock()
        if self.attempt(link.send, session.write(link.buf, type), session.to) is None:
            self.tell("send")
        else:
            session.unsent()

    def update(self, event: str, clear: object = False, recv: bool = False) -> None:
        """Let the NIC and `lease` follow the session, and tell the event. The record follows at
        the end of the poll: it takes longest, and the address works already.

        clear: the record is wrong from now on. recv: the event comes from a message.
        """
        lease = self.session.lease
        if clear and (self.lease or self.due or self.reuse):
            self.save = self.clear
            self.saved = None
        self.due = event  # from here on, the next poll does what there is no memory for now
        self.lease = None
        if self.attempt(self.link.apply, lease) is False:
            return
        if lease:
            self.save = self.store.save, lease, self.key
        self.due = None
        self.lease = lease
        self.reason = None if lease else self.reason or "no answer"
        if recv:
            self.tell("recv")
        self.tell(event)

    def read(self, buf: bytes) -> None:
        """Take in a datagram. As long as there is no lease, `reason` says which server has
        answered what, with its own words (option 56).
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
        """Return what do(*arguments) returns, or False if it fails: then there is an event, and
        `reason` is the exception.
        """
        try:
            return do(*arguments)
        except Exception as error:
            self.reason = error
        self.tell("error")
        return False

    def tell(self, event: str) -> None:
        """Tell the application an event. What it raises comes out at the end of `poll`."""
        if self.on_event:
            try:
                self.on_event(event, self.lease)
            except BaseException as error:
                self.error = error
