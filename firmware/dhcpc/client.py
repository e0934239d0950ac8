"""The class people use: ties session, lease, store and link together. Knows no board's name."""

import time
from errno import ETIMEDOUT
from random import getrandbits

from micropython import const

from .link import HEAD, SIZE
from .session import DECLINE, RELEASE, Session
from .store import File, record, restore
from .wire import MAX_SIZE, option

_BOUND = const(7)
# The names that RFC 2131 figure 5 gives the session's states; it has no STOPPED and no INFORMING.
_STATES = (
    "STOPPED INIT INIT-REBOOT SELECTING REBOOTING REQUESTING INFORMING BOUND RENEWING REBINDING"
)

# RFC 2132
_HOST_NAME = const(12)
_PARAMETERS = const(55)
_MAX_MESSAGE = const(57)
_CLIENT_ID = const(61)

_AWAKE = const(50)  # ms between polls while a reply is awaited
_LINGER = const(
    10
)  # seconds for which the socket stays open after a REQUEST in RENEWING, REBINDING
_MOST = const(8)  # datagrams handled in one poll: a flood must not hold up the application
_AFTER_DECLINE = const(10000)  # ms: RFC 2131 3.1.5


class Client:
    """A DHCP client on one link. `reason`: of the last refusal or fault. `wanted`: whether to go
    for a lease.
    """

    clock = reuse = probe = reason = held = None
    start_wait_ms = reading = 0
    wanted = True

    def __init__(
        self,
        link,
        hostname=None,
        params=b"\x01\x03\x06\x0f\x1a\x1c\x2a\x33\x3a\x3b",
        options=None,
        client_id=None,
        store="/dhcpc.lease",
        on_event=None,
        **settings,
    ):
        """Silence the built-in client; nothing is sent before the first poll. ValueError: names
        what is wrong.

        link: a Link. hostname: option 12, "" for none. params: option 55, its codes. options:
        {code: bytes}, to be sent besides. client_id: option 61, its type byte first; by default 1
        and the MAC. store: a path, or an object like store.File. on_event(event, lease): is told
        of each event.

        Settings: clock(), ms modulo 2**30 or more, where sleep stops time.ticks_ms. reuse(), a
        clock in seconds that no reset sets back: a lease that it shows to run still is used
        without a packet. probe(ip): whether somebody has the address just granted, which then is
        declined. start_wait_ms: begin after a random time of up to that (RFC 2131 4.4.1).
        broadcast, window_ms, choose: see Session.
        """
        self.link = link
        self.on_event = on_event
        self.store = File(store) if isinstance(store, str) else store
        if hostname is None:
            hostname = link.hostname
        sent = {_PARAMETERS: params, _MAX_MESSAGE: SIZE.to_bytes(2, "big")}
        if hostname:
            sent[_HOST_NAME] = hostname.encode()
        sent.update(options or {})
        encoded = b""
        for code in sent:
            encoded += option(code, sent[code])
        self.client_id = option(_CLIENT_ID, b"\x01" + link.mac if client_id is None else client_id)
        self.session = Session(link.mac, self.client_id, encoded, getrandbits)
        self.session.broadcast = link.broadcast
        for name in settings:
            owner = self if hasattr(self, name) else self.session
            if not hasattr(owner, name):
                raise ValueError(name)
            setattr(owner, name, settings[name])
        self.clock = self.clock or time.ticks_ms
        self.tx = bytearray(HEAD + MAX_SIZE + 1)
        link.silence()

    @property
    def state(self):
        """The state, as RFC 2131 figure 5 writes it; or STOPPED or INFORMING."""
        return _STATES.split()[self.session.state]

    @property
    def lease(self):
        """The Lease in use, or None."""
        return self.session.lease

    def poll(self, wait_ms=0):
        """Handle what has arrived and what is due; wait at most `wait_ms` for a datagram. Never
        raises for a fault.

        Return in how many milliseconds to call again: at most 50 while a reply is awaited, at most
        a day.
        """
        link = self.link
        session = self.session
        if not link.up():
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
                data = self._receive(min(wait_ms, session.wait))
                if data:
                    most -= 1
                    event = session.handle(data, link.start, link.end)
                    self.reason = session.refused
                    if event != "ignored":
                        self._tell("recv")
                    if event != "offer":
                        self._event(event)
                elif not wait_ms:
                    break
                wait_ms = 0
        if (
            session.state == _BOUND
            or session.state > _BOUND
            and session.seconds - self.sent > _LINGER
        ):
            link.close()
        return min(_AWAKE, session.wait) if link.sock else session.wait

    def acquire(self, timeout_ms=20000, idle=None):
        """Poll until there is a lease, and return it; call `idle()` every 100 ms at least.

        OSError: ETIMEDOUT, or the link's own reason, in words.
        """
        self.wanted = True
        start = self.clock()
        while not self.session.lease:
            left = timeout_ms - (self.clock() - start & 0x3FFFFFFF)
            if left <= 0 or self.link.error:
                self._tell("timeout")
                raise OSError(self.link.error or ETIMEDOUT)
            self.poll(min(left, 100))
            if idle:
                idle()
        return self.session.lease

    def inform(self, address=None):
        """Ask for options alone (RFC 2131 3.4); the answer comes with the event "informed".

        address: the 4 bytes of an address that somebody else has set, and is to be `wanted` no
        more; else the lease's.
        """
        self.session.inform(address or self.session.lease.yiaddr)

    def release(self):
        """Send RELEASE, take the address away and forget the record. Only `acquire` starts
        anew.
        """
        if self.session.lease:
            self._send(RELEASE)
        self.store.clear()
        self.wanted = False
        self._stop("released")

    def close(self):
        """Let the lease be, and hand the interface back to the built-in client."""
        self.wanted = False
        self._stop("closed")
        self.link.restore()

    def _start(self):
        # INIT-REBOOT if there is a record of this device on this network (RFC 2131 3.2), else
        # INIT.
        session = self.session
        session.tick(self.clock())
        key = self.link.key()
        self.identity = bytes((1, len(key))) + self.link.mac + key + self.client_id
        lease = None
        age = -1
        kept = self.store.load()
        if kept:
            try:
                lease = restore(session.message, kept, self.identity)
                self.reading = lease.reading
                if self.reuse:
                    age = self._now() - lease.reading
                    if age >= lease.lease_time:
                        age = -1
            except ValueError as refusal:
                self._fault(refusal)
        session.start(lease, age, self.start_wait_ms and getrandbits(20) % self.start_wait_ms)
        self._event("reused" if session.lease else "link")

    def _stop(self, event):
        if self.session.state:
            self.session.stop()
            self.link.close()
            self._event(event)

    def _now(self):
        # What the clock shows that vouches for a lease's age, and its kind, 1; 0 without one.
        return self.reuse and int(self.reuse()) + (1 << 32) or 0

    def _send(self, form=0):
        session = self.session
        self.sent = session.seconds
        try:
            self.link.open()
            self.link.send(self.tx, session.write(self.tx, HEAD, form), session.to)
            self._tell("send")
        except OSError as fault:  # no more than a lost packet
            self._fault(fault)

    def _receive(self, wait):
        try:
            return self.link.receive(wait)
        except OSError as fault:
            self._fault(fault)

    def _event(self, event):
        # The address and the record follow the lease before the application hears of it.
        lease = self.session.lease
        if lease is not self.held:
            self.held = lease
            try:
                if not lease:
                    self.link.remove()
                elif self.probe and event == "bound" and self.probe(lease.ip):
                    self.held = None
                    event = "declined"
                    self.session.restart()
                    self._send(DECLINE)
                    self.session.wait = _AFTER_DECLINE
                else:
                    self.link.apply(lease)
                    kept = record(lease, self.identity, self.reading)
                    if self.store.load() != kept:
                        self.reading = self._now()
                        self.store.save(record(lease, self.identity, self.reading))
            except OSError as fault:
                self._fault(fault)
        self._tell(event)

    def _fault(self, fault):
        self.reason = fault
        self._tell("error")

    def _tell(self, event):
        if self.on_event:
            self.on_event(event, self.session.lease)
