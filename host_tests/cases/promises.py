"""What a client keeps to whatever happens, each promise a function; and a client as it is seen
from outside, which is what they look at. The fuzzer, the random walks and the search through all
states hold a session to them.
"""

from dhcpc import Session
from reader import options_of, single
from world import (
    ACK,
    BOUND,
    CLIENT_ID,
    DAY,
    DECLINE,
    DISCOVER,
    MAC,
    NOBODY,
    OFFER,
    PARAMETERS,
    RELEASE,
    RENEWING,
    SERVER,
    STOPPED,
    Sent,
    reply,
    ticks,
)

TYPE_CHECKING = False  # mypy takes it for True
if TYPE_CHECKING:
    from typing import Any

FOREVER = 0x1FFFFFFF  # seconds

# The most that is sent, whatever comes, as long as the user does nothing
BURST = 25  # in 10 s
MINUTE = 50  # in 60 s

AT_ONCE = 9  # events of a call
SILENCE = 64_000  # ms without a lease and without a message, at most (RFC 2131 4.1)
BACK = 90_000  # ms without a lease until there is one, once an honest server answers
EARLIEST = 4  # seconds of a lease before it is renewed

UNMOVED = ("type", "reason", "message")  # of a session, by what it ignores


def first_renewal(lease):
    """Seconds: T1, but no sooner than 4 s, and within the lease."""
    return min(max(lease.t1, EARLIEST), lease.lease_time)


def moving(session):
    """What of a session only a message that it takes may change."""
    return {key: value for key, value in session.__dict__.items() if key not in UNMOVED}


# What holds after each call, with client.next when the next one is due


def no_address_after_its_end(client):
    if client.session.lease and client.ends is not None:
        assert client.now < client.ends
        assert client.next <= client.ends


def no_two_addresses(client):
    """The one that was granted last, and none before BOUND."""
    lease = client.session.lease
    assert lease is client.lease
    assert bool(lease) == (client.session.state >= BOUND)
    if lease:
        assert lease.yiaddr == client.session.yiaddr == client.address


def no_more_than_the_named_rates(client):
    if not client.sent or client.sent[-1].at < client.now:
        return  # nothing has been sent by this call
    for most, span in ((BURST, 10_000), (MINUTE, 60_000)):
        since = max(client.now - span, client.asked_by_user)
        assert len([s for s in client.sent if s.at >= since and not s.lost]) <= most


def never_silent_for_ever(client):
    """Without a lease there is a message each 64 s, with one at T1, at T2, and then its end."""
    state = client.session.state
    assert client.now < client.next <= client.now + DAY * 1000
    if state < BOUND:
        assert state == STOPPED or client.next <= client.heard + SILENCE
    elif client.ends is not None:
        lease = client.lease
        end = {BOUND: first_renewal(lease), RENEWING: lease.t2}.get(state, lease.lease_time)
        assert client.next <= client.start + end * 1000


PROMISES = (
    no_address_after_its_end,
    no_two_addresses,
    no_more_than_the_named_rates,
    never_silent_for_ever,
)


def every_call_ends(events):
    """It has led to so many until now."""
    assert events < AT_ONCE


# What holds of a message that arrives, and of what may come after any call


def only_what_was_asked_for_is_taken(client, data, event, before):
    """It answers the message that was sent last, or it moves nothing."""
    if event == "ignored":
        assert client.session.reason
        assert moving(client.session) == before
    else:
        assert data[:1] == b"\x02"
        assert data[28:34] == MAC
        assert client.sent
        assert data[4:8] == client.sent[-1].xid


def an_honest_server_brings_it_back(client):
    """Into BOUND: a client that is on its own again, before one that keeps what it offers."""
    client = client.copy()
    session = client.session
    if session.state == STOPPED:
        client.begin()
    client.answered = client.sent and client.sent[-1]
    end = BACK + (client.now if client.ends is None else client.ends)
    while session.state != BOUND:
        assert client.now <= end
        client.go_on(honest)


def honest(sent):
    """What a server says to a message that it can hear. It knows of no lease of others."""
    server = sent.options.get(54, SERVER)
    if server != SERVER or sent.to not in (None, SERVER):
        return None
    ip = sent.options.get(50, sent.ciaddr)
    kind = OFFER if sent.type == DISCOVER else ACK
    return reply(kind, xid=sent.xid, **({} if ip == NOBODY else {"yiaddr": ip}))


class Watched:
    """A client, and what is seen of it from outside. Times in ms that do not wrap.

    mute: what is sent cannot leave. next: when it wants to be called. heard: when there was a
    message or an event last. lease: the one in use; address, start, ends: which, since when, until
    when (None: for ever). old: the last lease. answered: the last message that a server has
    had the time to answer.
    """

    lease: "Any" = None
    old: "Any" = None
    address = None
    ends: "Any" = None
    mute = False
    answered: "Any" = None

    def __init__(self, now, seed, make=Session):
        self.now = self.heard = self.start = self.first_request = now
        self.seed = seed + 1
        self.session = make(MAC, CLIENT_ID + PARAMETERS, self.random)
        self.session.step(ticks(now))
        self.next = now + self.session.wait
        self.buf = bytearray(600)
        self.sent = []
        self.asked_by_user = now  # since then the client has been by itself

    def random(self, bits):
        # 16 bits at most, none twice in a row of 65,536
        self.seed = self.seed * 75 % 65537
        return self.seed & (1 << bits) - 1

    def copy(self):
        """Another one, which has come so far and goes its own way."""
        other = _twin(self)
        session = other.session = _twin(self.session)
        session.rand = other.random
        if self.lease:
            other.lease = session.lease = _twin(self.lease)
        if self.old:
            other.old = other.lease if self.old is self.lease else _twin(self.old)
        other.sent = self.sent[:]
        return other

    # The client

    def poll(self):
        """Call the client at this moment."""
        session = self.session
        events = 0
        while True:
            before = session.state
            event = session.step(ticks(self.now))
            if event is None:
                break
            events += 1
            every_call_ends(events)
            self.heard = self.now
            if event == "send":
                self.sends(before)
            else:
                self.ends_in(event, before)
                if event == "expired":
                    self.gone()
        self.next = self.now + session.wait
        self.check()

    def go_on(self, server, end=None):
        """The next that happens: server(sent) answers, or the call is due that it has asked for.
        Return whether that is by `end`, ms; else it does not happen.
        """
        last = self.sent and self.sent[-1]
        answer = last and last is not self.answered and server(last)
        self.answered = last
        if answer:
            self.deliver(answer)
        elif end is None or self.next <= end:
            self.now = max(self.now, self.next)
            self.poll()
        else:
            return False
        return True

    def sends(self, before):
        session = self.session
        size = session.write(self.buf, 0)
        sent = Sent(self.now, bytes(self.buf[:size]), session.to)
        assert sent.ciaddr in (NOBODY, self.address)
        if session.state < BOUND and before != session.state:
            self.first_request = self.now
        self.is_sent(sent, before)
        self.sent = self.sent[-MINUTE:] + [sent]
        if self.mute:
            sent.lost = True
            session.unsent()

    def check(self):
        for promise in PROMISES:
            promise(self)

    def deliver(self, data):
        """A datagram arrives, and the client is called."""
        session = self.session
        state = session.state
        before = moving(session)
        address = data[16:20]
        if state > BOUND and address == NOBODY:
            address = session.yiaddr  # ciaddr's is meant
        event = session.read(data)
        only_what_was_asked_for_is_taken(self, data, event, before)
        if event == "nak":
            self.gone()
        elif event not in ("ignored", "recv"):
            self.lease = self.old = session.lease
            self.granted(state, address, single(options_of(data)[0], 51, 4))
        self.is_taken(event, data, address)
        if event != "ignored":
            self.heard = self.now
            self.poll()
        return event

    def granted(self, state, address, seconds):
        """seconds: option 51."""
        self.address = address
        self.start = self.sent[-1].at if state > BOUND else self.first_request
        self.until(int.from_bytes(seconds or b"", "big") or 3600)

    def until(self, seconds):
        self.ends = None if seconds >= FOREVER else self.start + seconds * 1000

    def gone(self):
        self.lease = self.address = self.ends = None

    # What a subclass adds

    def is_sent(self, sent, before):
        """A message, and the state before it."""

    def ends_in(self, event, before):
        """An end, and the state before it."""

    def is_taken(self, event, data, address):
        """A message, or not; whose address it is."""

    # What the user does

    def user(self):
        self.session.step(ticks(self.now))
        self.asked_by_user = self.heard = self.now
        self.gone()
        self.sent = self.sent[-5:]

    def begin(self, wait=0):
        """Start, in that many ms."""
        self.user()
        self.session.start(wait)
        self.poll()

    def verify(self):
        """Start with the address of a lease that was had."""
        self.user()
        self.session.start(yiaddr=self.old.yiaddr)
        self.poll()

    def reuse(self, age):
        """Start with a lease that was had, so many seconds old."""
        old = self.old
        self.user()
        old.age = age
        self.session.start(yiaddr=old.yiaddr, lease=old)
        self.lease = old
        self.address = old.yiaddr
        self.start = self.now - age * 1000
        self.until(old.lease_time)
        self.poll()

    def decline(self, wait):
        """Somebody else has the address: say so, and start in that many ms."""
        assert self.say(DECLINE).options[50] == self.address
        self.begin(wait)

    def release(self):
        """Give the lease back, and stop."""
        assert self.say(RELEASE).ciaddr == self.address
        self.stop()

    def say(self, type):
        size = self.session.write(self.buf, type)
        sent = Sent(self.now, bytes(self.buf[:size]), self.session.to)
        assert sent.type == type
        return sent

    def stop(self):
        """Do nothing any more."""
        self.user()
        self.session.stop()
        self.poll()
        assert self.session.state == STOPPED


def _twin(of):
    twin = object.__new__(type(of))
    twin.__dict__.update(of.__dict__)
    return twin
