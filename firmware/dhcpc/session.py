"""RFC 2131 4.4: states, timers, retransmission, and what a client accepts. Sans-I/O.

Time, randomness and datagrams come in as arguments; events and messages go out. Knows no socket,
network, file, clock.

The rules of the house: only `step` lets time pass and starts a sending, only `read` takes in a
reply, and both return an event. Call `step` until it returns None. After "send", `write` the
message and send it before anything else. `wait` then says in how many milliseconds to call again.
"""

from ._compat import TYPE_CHECKING, const
from .lease import Lease, subnet, unicast
from .wire import Message, build, stray

if TYPE_CHECKING:
    from collections.abc import Callable

# RFC 2131 figure 5, and a state before it that has no box. From _BOUND on there is a lease.
_STOPPED = const(0)
_INIT = const(1)
_INIT_REBOOT = const(2)
_SELECTING = const(3)
_REBOOTING = const(4)
_REQUESTING = const(5)
_BOUND = const(6)
_RENEWING = const(7)
_REBINDING = const(8)

# RFC 2131 4.3.6 and table 5: the message that each state sends. The second digit is option 53.
# The first: 1 it carries ciaddr, 2 option 50, 4 option 54, 8 it goes to the server alone.
_FORMS = const(
    b"\x00"  # STOPPED
    b"\x00"  # INIT
    b"\x00"  # INIT-REBOOT
    b"\x21"  # SELECTING: DISCOVER, option 50 for the address that it had
    b"\x23"  # REBOOTING: REQUEST, option 50
    b"\x63"  # REQUESTING: REQUEST, options 50 and 54
    b"\x00"  # BOUND
    b"\x93"  # RENEWING: REQUEST, ciaddr, to the server alone
    b"\x13"  # REBINDING: REQUEST, ciaddr
    # Two messages have no state of their own: they follow, each at the place of its option 53.
    b"\x00\x00\x00"
    b"\x64"  # DECLINE: options 50 and 54
    b"\x00\x00"
    b"\xd7"  # RELEASE: ciaddr, option 54, to the server alone
)
_UNICAST = const(0x80)

# RFC 2131 figure 5: the replies that each state takes, as 1 << option 53: 0x04 OFFER, 0x20 ACK,
# 0x40 NAK
_REPLIES = const(
    b"\x00"  # STOPPED
    b"\x00"  # INIT
    b"\x00"  # INIT-REBOOT
    b"\x04"  # SELECTING: OFFER
    b"\x60"  # REBOOTING: ACK, NAK
    b"\x60"  # REQUESTING: ACK, NAK
    b"\x00"  # BOUND
    b"\x60"  # RENEWING: ACK, NAK
    b"\x60"  # REBINDING: ACK, NAK
)

# What an ACK is, to the application, in each state from _REBOOTING on.
_EVENTS = const(
    (
        "rebooted",  # REBOOTING
        "bound",  # REQUESTING
        "",  # BOUND
        "renewed",  # RENEWING
        "rebound",  # REBINDING
    )
)

# RFC 2132
_OFFER = const(2)
_NAK = const(6)
_LEASE_TIME = const(51)
_MESSAGE_TYPE = const(53)
_SERVER_ID = const(54)

_TRIES = const(6)  # REQUESTs before the client starts over (RFC 2131 3.1, step 5)
_REBOOT_TRIES = const(3)  # fewer: on a network that is not its own a server may well be silent
_BACKOFF = const(2)  # 2**2 seconds between messages, as long as packets may just have been lost
_PATIENCE = const(22)  # messages, in about a minute; who has no answer by then backs off further
_MAX_BACKOFF = const(6)  # 2**6 seconds (RFC 2131 4.1)
_BROADCAST = const(0x8000)  # the flag
_MIN_T1 = const(4)  # seconds of a lease before it is renewed
_PART = const(60)  # of the lease, that passes between REQUESTs in RENEWING, REBINDING
_LASTED = const(30)  # seconds of a lease after which its end is no reason to back off
_BACK = const(0x3FFF0000)  # ms: a clock that goes back by up to a minute stands still
_DAY = const(86400)
_NOBODY = const(b"\0\0\0\0")
_IDLE = const(1000)  # ms between calls while there is nothing to wait for


class Session:
    """One client's part in DHCP. `state`; `lease`, or None; `wait`, milliseconds until the next
    `step`; `reason`, why a reply was refused.
    """

    flags = 0  # may be set: 0x8000 asks for broadcast replies first

    # The last message that was read or written
    type: int  # option 53
    to: bytes | None  # the server that it is for; None for all
    reason: str | None

    # The clock
    last = 0  # `now` of the last step, ms
    ms = 0  # the part of a second that had passed then

    # The transaction
    state = _STOPPED
    xid: bytes
    age: int  # seconds since its first message
    secs: int  # the field of that name in the last message
    count: int  # messages sent

    # What the client has, or asks for
    lease: Lease | None
    yiaddr = _NOBODY
    server: bytes | None = None  # whose OFFER or lease it is; zeros if nothing names it
    # The server that has not kept its OFFER: the next DISCOVER is for others. No server's address
    # begins with 0.33.
    shun = b"\0!"
    due: int  # the age of the lease, in seconds, at which to send the next REQUEST
    fails = 0  # starts in a row without a lease that lasts; each doubles the wait before the next

    def __init__(self, chaddr: bytes, options: bytes, rand: "Callable[[int], int]") -> None:
        """chaddr: 6 bytes. options: encoded, option 61 first. rand: as random.getrandbits."""
        self.chaddr = chaddr
        self.options = options + b"\xff"
        self.rand = rand
        self.message = Message()
        self._begin(_STOPPED)
        self.stop()

    def start(self, wait: int = 0, yiaddr: bytes = b"", lease: Lease | None = None) -> None:
        """Drop the lease, and go for one.

        wait: ms from the last step to the first message. Below 0: none the first time, then 2, 4
        ... 64 s, until a lease lasts for 30 s. yiaddr: of a stored lease, to be verified. lease: a
        stored one, to be used if its age is known.
        """
        old = self.lease
        if wait < 0 and not (old and old.age >= _LASTED):
            if self.state == _REQUESTING:
                self.shun = self.server  # type: ignore[assignment]
            wait = self.fails and 1000 << self.fails
            self.fails += self.fails < _MAX_BACKOFF
        else:
            self.fails = 0
        self._begin(_INIT)  # if there is no memory for it, the lease is still there
        self.lease = None
        self.wait = wait
        if yiaddr:
            self.state = _INIT_REBOOT
            self.yiaddr = yiaddr
        if lease and 0 <= lease.age < lease.lease_time:
            self.bind(lease)

    def stop(self) -> None:
        """Forget the lease and do nothing any more."""
        self.lease = None
        self.state = _STOPPED
        self.wait = _IDLE

    def _begin(self, state: int) -> None:
        # A transaction: a new xid; its lease runs from its first message.
        self.xid = self.rand(32).to_bytes(4, "big")
        self.secs = self.secs + self.age if self.state > _BOUND else 0
        self.age = 0
        self.state = state
        self.count = 0

    def bind(self, lease: Lease) -> None:
        """Use a lease, whose `age` is known, from now on."""
        self.lease = lease
        self.state = _BOUND
        self.yiaddr = lease.yiaddr
        self.server = lease.server
        self.shun = b"\0!"
        self.due = min(max(lease.t1, _MIN_T1), lease.lease_time)

    def step(self, now: int) -> str | None:
        """Let time pass until `now`, ms modulo 2**30. Return the event "send", "expired" or
        "timeout"; None if there is nothing to do.
        """
        gone = (now - self.last) & 0x3FFFFFFF
        if gone > _BACK:
            gone = 0
        self.last = now
        state = self.state
        if not state:
            return None
        self.wait -= gone
        gone += self.ms
        self.ms = gone % 1000
        gone //= 1000
        self.age += gone
        lease = self.lease
        if lease:
            lease.age = age = lease.age + gone
            if age >= lease.lease_time:
                self.start(-1)
                return "expired"
            if age >= self.due:
                # T1, T2, or the next REQUEST (RFC 2131 4.4.5). Each is a transaction of its own.
                left = lease.t2 - age
                self._begin(_RENEWING if left > 0 else _REBINDING)
                if left <= 0:
                    left = lease.lease_time - age
                self.due = age + min(left, max(lease.lease_time // _PART, _MIN_T1))
                return "send"
            self.wait = min(self.due - age, _DAY) * 1000 - self.ms
        if self.wait > 0:
            return None
        if state < _SELECTING:
            self._begin(state + 2)
            self.server = None
        elif state == _SELECTING:
            if self.server:
                self.state = _REQUESTING
                self.age = self.count = 0
            else:
                if self.count > 1:
                    self.flags ^= _BROADCAST  # some servers answer only with it, or without it
                self.secs = self.age  # which the REQUEST in REQUESTING repeats: RFC 2131 4.4.1
        elif self.count == (_REBOOT_TRIES if state == _REBOOTING else _TRIES):
            self.start(-1)
            return "timeout"
        # RFC 2131 4.1, but 1 s times 0.5 to 1.5, then 1, 2, 2, 4, 4 ... 4, and 8, 16, 32, 64 s,
        # times 0.5 to 1. Boards that start together soon drift apart, and none waits long.
        count = self.count
        self.count = count + 1
        back = max(min(count >> 1, _BACKOFF), min(count - _PATIENCE, _MAX_BACKOFF))
        self.wait = (512 + self.rand(9 if count else 10)) * 1000 >> 10 - back
        return "send"

    def write(self, buf: bytearray | memoryview, type: int) -> int:
        """Write the message that `state` sends, and return how long it is. buf, ValueError: see
        `build`. type: 0; or the option 53 of DECLINE or RELEASE, to write that.

        The attribute `type` is then its option 53, and `to` the 4 bytes of the only server that
        gets it, None for a broadcast.
        """
        form = _FORMS[type + _REBINDING if type else self.state]
        self.type = form & 15
        server = self.server
        self.to = server if form & _UNICAST and unicast(server, 0) else None  # type: ignore
        return build(buf, form, self)

    def unsent(self) -> None:
        """Take back the sending, since the message could not leave. The next try comes soon, and
        at random: another Client may have the port.
        """
        self.count -= 1
        self.wait = self.rand(12)
        if self.lease:
            self.due = min(self.due, self.lease.age + _MIN_T1)

    def read(self, buf: bytes | bytearray) -> str:
        """Take in a datagram, and return an event: "recv" for an OFFER, "bound", "rebooted",
        "renewed", "rebound", "nak"; or "ignored", and `reason` has the word for why.
        """
        m = self.message
        self.type = 0
        self.reason = stray(buf, self) or self.check(m.read(buf))  # type: ignore[arg-type]
        if self.reason:
            return "ignored"
        if self.type == _NAK:
            self.start(-1)
            self.yiaddr = _NOBODY
            return "nak"
        if self.type == _OFFER:
            self.wait = 0
            i = m.find(_SERVER_ID, 4) or 20  # siaddr
            self.server = m.buf[i : i + 4]
            self.yiaddr = m.buf[16:20]
            return "recv"
        lease = Lease(m, self.rand(6), self.server or _NOBODY)
        lease.age = self.age
        event = _EVENTS[self.state - _REBOOTING]
        self.bind(lease)
        return event

    def check(self, reason: str | None) -> str | None:
        """Return the word for why the client does not take the message that has just been read;
        None if it does. It takes the first OFFER. reason: the word for what is malformed.
        """
        m = self.message
        buf = m.buf
        kind = m.find(_MESSAGE_TYPE, 1) or m.find(_MESSAGE_TYPE, 2)  # where the type stands
        self.type = kind = kind and buf[kind]
        server = m.find(_SERVER_ID, 4)
        # Of what is torn, enough may be whole.
        if reason and not (reason == "option" and (kind == _NAK or m.find(_LEASE_TIME, 4))):
            return reason
        state = self.state
        if not _REPLIES[state] >> kind & 1:
            return "type"
        if kind == _NAK:
            if state == _REQUESTING and server and not buf.startswith(self.server, server):  # type: ignore
                return "server"
            return None
        if state > _BOUND and buf.startswith(_NOBODY, 16):
            m.buf = buf[:16] + self.yiaddr + buf[20:]  # ciaddr's is meant
        if subnet(m) < 0:
            return "yiaddr"
        if kind == _OFFER:
            # Option 54, else siaddr, as in `read`
            if self.server is not None or (
                self.count < 2 and buf.startswith(self.shun, server or 20)
            ):
                return "choose"
        return None
