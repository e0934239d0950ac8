"""The class people use: ties session, lease, store and link together. Knows no board's name."""

import time
from errno import ETIMEDOUT
from random import getrandbits

from micropython import const

from .link import HEAD
from .session import DECLINE, RELEASE, Session
from .store import File
from .wire import option

_BOUND = const(6)
# The names that RFC 2131 figure 5 gives the session's states; STOPPED has none there.
_STATES = const("STOPPED INIT INIT-REBOOT SELECTING REBOOTING REQUESTING BOUND RENEWING REBINDING")

# RFC 2132
_HOST_NAME = const(12)
_PARAMETERS = const(55)
_MAX_MESSAGE = const(57)
_CLIENT_ID = const(61)
_OURS = const(b"2456=")  # 50, 52, 53, 54, 61: the application does not set these among the others

_SIZE = const(1024)  # the longest datagram that we take: option 57 (RFC 2132 9.10)
_AWAKE = const(50)  # ms between polls while a reply is awaited
_LINGER = const(10)  # seconds that the socket stays open after a REQUEST in RENEWING, REBINDING
_MOST = const(8)  # datagrams handled in one poll: a flood must not hold up the application
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1, step 5


class Client:
    """A DHCP client on one link. `lease` is the Lease in use, or None; `reason`, that of the last
    refusal or fault; `wanted`, whether to go for a lease.
    """

    client_id = options = on_event = clock = epoch = reuse = None
    params = b"\x01\x03\x06\x0f\x1a\x1c\x2a\x33\x3a\x3b"
    store = "/dhcpc.lease"
    start_wait_ms = 0
    wanted = True

    def __init__(self, link, **settings):
        """Silence the built-in client; nothing is sent before the first poll. ValueError names the
        setting that is wrong.

        link: a Link. The settings, by their names:

        hostname: option 12, "" for none. client_id: option 61 with its type byte, else 1 and the
        MAC. params: option 55, its codes in order. options: {code: bytes} to send besides. store:
        a path, or a Store. on_event(event, lease): is told of each event. clock(): ms, modulo
        2**30 or more, where sleep stops time.ticks_ms. epoch(): seconds, plus the kind of clock <<
        32 (1 to 255), of a clock that no reset sets back. reuse: use a stored lease that still
        runs by that clock, without a packet. start_wait_ms: begin after a random time of at most
        that (RFC 2131 4.4.1). More of them are in `session`.
        """
        self.hostname = link.hostname
        for name in settings:
            if callable(getattr(self, name, max)):  # a method, or nothing
                raise ValueError(name)
            setattr(self, name, settings[name])
        self.link = link
        self.lease = self.reason = None
        self.clock = self.clock or time.ticks_ms
        if isinstance(self.store, str):
            self.store = File(self.store)
        sent = dict(self.options or {})
        sent[_PARAMETERS] = self.params
        sent[_MAX_MESSAGE] = bytes((_SIZE >> 8, _SIZE & 255))
        name = self.hostname
        if name:
            sent[_HOST_NAME] = name.encode() if isinstance(name, str) else name
        encoded = b""
        for code in sent:
            encoded += option(code, sent[code])
            if code in _OURS:
                raise ValueError(code)
        self.client_id = option(_CLIENT_ID, self.client_id or b"\x01" + link.mac)
        self.session = Session(link.mac, self.client_id, encoded, getrandbits)
        self.session.flags = link.flags
        link.silence()

    @property
    def state(self):
        """The state, as RFC 2131 figure 5 writes it, or STOPPED."""
        return _STATES.split()[self.session.state]

    def poll(self, wait_ms=0):
        """Handle what has arrived and what is due; wait at most `wait_ms` for a datagram. A fault
        is an event, and never raised.

        Return in how many milliseconds to call again: at most 50 while a reply is awaited, at most
        a day.
        """
        link = self.link
        session = self.session
        if not link.up():
            if session.state:
                self._stop("link")
        elif self.wanted and not session.state:
            self._start()
        most = _MOST
        while most:
            event = session.tick(self.clock())
            if event == "send":
                self._send()
            elif event:
                self._event(event)
            else:
                data = link.receive(_SIZE, min(wait_ms, session.wait))
                if data:
                    most -= 1
                    event = session.handle(data, link.start, link.end)
                    self.reason = session.refused
                    if event != "ignored":
                        self._event("recv", event == "nak")
                    if event != "offer":
                        self._tell(event)
                elif not wait_ms:
                    break
                wait_ms = 0
        if session.state == _BOUND or session.state > _BOUND and session.spent > _LINGER:
            link.close()
        return min(_AWAKE, session.wait) if link.sock else session.wait

    def acquire(self, timeout_ms=20000, idle=None):
        """Poll until there is a lease, and return it; call `idle()` every 100 ms at least.
        timeout_ms: below 2**30.

        OSError: ETIMEDOUT, or the link's own reason, in words.
        """
        self.wanted = True
        start = self.clock()
        self.poll()
        while not self.lease:
            if self.link.error or self.clock() - start & 0x3FFFFFFF >= timeout_ms:
                raise OSError(self.link.error or ETIMEDOUT)
            self.poll(100)
            if idle:
                idle()
        return self.lease

    def inform(self, **settings):
        """Ask for options alone: see options.inform, whose module not every board has."""
        from .options import inform

        return inform(self, **settings)

    def decline(self):
        """Send DECLINE: somebody else has the address. It is taken away, and in 10 s there will be
        a DISCOVER (RFC 2131 3.1, step 5).
        """
        if self.lease:
            self.session.tick(self.clock())  # the 10 s begin now
            self.session.restart()
            self.session.wait = _AFTER_DECLINE
            try:
                self._send(DECLINE)
            finally:
                self._event("declined")

    def release(self):
        """Send RELEASE, take the address away and forget the record. Only `acquire` starts
        anew.
        """
        self.wanted = False
        try:
            if self.lease:
                self._send(RELEASE)
        finally:
            self._stop("released")

    def close(self):
        """Let the lease be, and hand the interface back to the built-in client."""
        self.wanted = False
        try:
            self._stop("link")
        finally:
            self.link.restore()

    def _start(self):
        # INIT-REBOOT if there is a record of this device on this network (RFC 2131 3.2), else
        # INIT.
        session = self.session
        session.tick(self.clock())  # `start` counts from the last one, which may be long ago
        link = self.link
        link.silence()  # it may have been off and on again
        key = link.key()
        self.identity = bytes((1, len(key))) + link.mac + key + self.client_id
        lease = None
        age = -1
        try:
            lease = self.store.load(session.message, self.identity)
            if lease and self.reuse and self.epoch:
                age = self.epoch() - lease.reading
        except ValueError as refusal:
            self._tell("error", refusal)
        session.start(lease, age, getrandbits(20) % (self.start_wait_ms or 1))
        self._event("reused" if session.lease else "link")

    def _stop(self, event):
        self.session.stop()
        self.link.close()
        self._event(event)

    def _send(self, form=0):
        link = self.link
        try:
            link.open()
            link.send(self.session.write(link.buf, HEAD, form), self.session.to)
        except OSError as fault:  # no more than a lost packet
            self._tell("error", fault)
        else:
            self._tell("send")

    def _event(self, event, nak=False):
        # The address and the record follow the lease before the application hears of it.
        lease = self.session.lease
        given_up = nak or event == "released" or event == "declined"
        if lease is not self.lease or given_up:
            self.lease = lease
            try:
                if not lease:
                    self.link.remove()
                    if given_up:
                        self.store.clear()
                else:
                    try:
                        self.link.apply(lease)
                    finally:
                        reading = max(0, self.epoch() - lease.age) if self.epoch else 0
                        self.store.save(lease, self.identity, reading, self.reuse)
            except OSError as fault:
                self._tell("error", fault)
        self._tell(event)

    def _tell(self, event, fault=None):
        if fault:
            self.reason = fault
        if self.on_event:
            self.on_event(event, self.lease)
