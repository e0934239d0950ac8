"""RFC 2131 4.4: states, timers, retransmission, and what a client accepts. Sans-I/O.

Time, randomness and datagrams come in as arguments; events and messages go out. Knows no socket,
network, file, clock.

The rules of the house: `step` alone lets time pass and starts a sending, `read` alone takes in a
reply, and both return an event. Call `step` until it returns None; after "send" `write` the
message and send it, before anything else. `wait` then tells in how many milliseconds to call
again.
"""

from ._compat import TYPE_CHECKING, const
from .lease import Lease
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
    b"\x01"  # SELECTING: DISCOVER
    b"\x23"  # REBOOTING: REQUEST, option 50
    b"\x63"  # REQUESTING: REQUEST, options 50 and 54
    b"\x00"  # BOUND
    b"\x93"  # RENEWING: REQUEST, ciaddr, to the server alone
    b"\x13"  # REBINDING: REQUEST, ciaddr
    # Two messages have no state to themselves. They stand as far behind as their option 53 says.
    b"\x00\x00\x00"
    b"\x64"  # DECLINE: options 50 and 54
    b"\x00\x00"
    b"\xd7"  # RELEASE: ciaddr, option 54, to the server alone
)
_UNICAST = const(0x80)

# RFC 2131 figure 5: the replies that each state takes: 0x04 OFFER, 0x20 ACK, 0x40 NAK, which is
# 1 << option 53.
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
_MASK = const(1)
_LEASE_TIME = const(51)
_MESSAGE_TYPE = const(53)
_SERVER_ID = const(54)

_TRIES = const(4)  # REQUESTs before the client starts over (RFC 2131 3.1, step 5)
_REBOOT_TRIES = const(2)  # fewer: on a network that is not its own a server may well be silent
_MAX_BACKOFF = const(6)  # 2**6 seconds (RFC 2131 4.1)
_MIN_RENEWAL = const(60)  # seconds between REQUESTs in RENEWING, REBINDING (RFC 2131 4.4.5)
_DAY = const(86400)
_IDLE = const(1000)  # ms between calls while there is nothing to wait for


class Session:
    """One client's part in DHCP. `state`; `lease`, None unless there is one; `wait`, milliseconds
    until the next `step`; `reason`, why a reply was refused.
    """

    # What may be set, see __init__
    flags = window_ms = 0
    choose: "Callable[[Message, bytes | None], bool] | None" = None

    # The message that was read or written last
    type = 0  # option 53
    to: bytes | None = None  # whom it was for; None for all
    reason: str | None = None

    # The clock
    last = 0  # `now` of the step before, ms
    ms = 0  # of the time until then, what is short of a second

    # The transaction
    state = _STOPPED
    xid: bytes
    spent = 0  # seconds since its first message
    secs = 0  # the field of that name, as of the message that was sent last
    count = 0  # messages sent

    # What is asked for, or had
    lease: Lease | None
    yiaddr = b"\0\0\0\0"
    server: bytes | None = None  # whose OFFER or lease it is
    due = 0  # the age of the lease, in seconds, at which to send the next REQUEST
    fails = 0  # starts in a row without a renewal: each doubles the wait before the next

    def __init__(self, chaddr: bytes, options: bytes, rand: "Callable[[int], int]") -> None:
        """chaddr: 6 bytes. options: encoded, option 61 first. rand: as random.getrandbits.

        May be set: `flags`, 0x8000 to ask for broadcast replies; `window_ms`, how long to collect
        OFFERs; `choose(message, server)`, whether to take the OFFER that `message` has just read,
        in place of that of `server` if it is not None.
        """
        self.chaddr = chaddr
        self.options = options + b"\xff"
        self.rand = rand
        self.message = Message()
        self._begin(_STOPPED)
        self.stop()

    def stop(self) -> None:
        """Forget the lease and do nothing any more."""
        self.state = _STOPPED
        self.lease = None
        self.wait = _IDLE

    def start(self, wait: int = 0, yiaddr: bytes = b"", lease: Lease | None = None) -> None:
        """Drop the lease and go for one in `wait` ms from the last step; if below 0, at once the
        first time, and 2, 4 ... 64 s later if that goes on. yiaddr: of a stored lease, to be
        verified. lease: a stored one, to be used as it is if its age is known.
        """
        self.lease = None
        self._begin(_INIT)
        if wait < 0:
            wait = self.fails and 1000 << self.fails
            self.fails = min(self.fails + 1, _MAX_BACKOFF)
        else:
            self.fails = 0
        self.wait = wait
        if yiaddr:
            self.state = _INIT_REBOOT
            self.yiaddr = yiaddr
        if lease and 0 <= lease.age < lease.lease_time:
            self.spent = lease.age
            self.state = _REBOOTING
            self._bind(lease)

    def _begin(self, state: int) -> None:
        # A transaction: a new xid, and what it leads to runs from its first message.
        self.xid = self.rand(32).to_bytes(4, "big")
        self.secs = self.secs + self.spent if self.state > _BOUND else 0
        self.spent = 0
        self.state = state
        self.count = self.wait = 0

    def _bind(self, lease: Lease) -> str:
        if self.state > _BOUND:
            self.fails = 0  # a renewal: this is not one of a row of failures
        event = _EVENTS[self.state - _REBOOTING]
        self.lease = lease
        self.state = _BOUND
        self.yiaddr = lease.yiaddr
        self.server = lease.server
        self.due = lease.t1
        lease.age = self.spent
        return event

    def step(self, now: int) -> str | None:
        """Act on the time `now`, ms modulo 2**30. Return the event "send", "expired" or "timeout";
        None if idle.
        """
        gone = (now - self.last) & 0x3FFFFFFF
        self.last = now
        state = self.state
        if not state:
            return None
        self.wait -= gone
        gone += self.ms
        self.ms = gone % 1000
        gone //= 1000
        self.spent += gone
        lease = self.lease
        if lease:
            lease.age = age = lease.age + gone
            if age >= lease.lease_time:
                self.start(-1)
                return "expired"
            if age >= self.due:
                # T1, T2, or half of what was left then (RFC 2131 4.4.5). Each REQUEST is a
                # transaction of its own.
                left = lease.t2 - age
                self._begin(_RENEWING if left > 0 else _REBINDING)
                if left <= 0:
                    left = lease.lease_time - age
                self.due = age + min(left, max(left >> 1, _MIN_RENEWAL))
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
                self.spent = self.count = 0
            else:
                self.secs = self.spent  # which the REQUEST in REQUESTING repeats: RFC 2131 4.4.1
        elif self.count == (_REBOOT_TRIES if state == _REBOOTING else _TRIES):
            self.start(-1)
            return "timeout"
        # RFC 2131 4.1, but around 1, 2, 4 ... 64 s and half a second to either side
        self.wait = (1000 << self.count) - 500 + self.rand(10)
        self.count = min(self.count + 1, _MAX_BACKOFF)
        return "send"

    def write(self, buf: bytearray | memoryview, type: int) -> int:
        """Write the message of option 53 `type`, DECLINE or RELEASE, or, if 0, that which `state`
        sends. Return how long it is. buf, ValueError: as of `build`.

        `type` is then its option 53, `to` the 4 bytes of the server that alone gets it, None for a
        broadcast.
        """
        form = _FORMS[type + _REBINDING if type else self.state]
        self.type = form & 15
        self.to = self.server if form & _UNICAST else None
        return build(buf, form, self)

    def read(self, buf: bytes | bytearray | memoryview) -> str:
        """Take in a datagram. Return an event; after "ignored", `reason` has the word for why.

        The others: "recv" of an OFFER, "bound", "rebooted", "renewed", "rebound", "nak".
        """
        m = self.message
        self.type = 0
        self.reason = m.read(buf) or self._check()
        if self.reason:
            return "ignored"
        if self.type == _NAK:
            self.start(-1)
            return "nak"
        if self.type == _OFFER:
            if not self.server:
                self.wait = self.window_ms
            self.yiaddr = m.buf[16:20]
            self.server = m.option(_SERVER_ID)
            return "recv"
        return self._bind(Lease(m, self.rand(6)))

    def _check(self) -> str | None:
        # Return the word for what keeps the client from taking the message, if anything.
        m = self.message
        buf = m.buf
        i = m.find(_MESSAGE_TYPE, 1)
        self.type = i and buf[i]
        wrong = stray(buf, self)
        if wrong:
            return wrong
        if not _REPLIES[self.state] >> self.type & 1:
            return "type"
        i = m.find(_SERVER_ID, 4)
        if not i or self.state == _REQUESTING and not buf.startswith(self.server, i):  # type: ignore
            return "server"
        if self.type == _NAK:
            return None
        i = m.find(_LEASE_TIME, 4)
        if not i or buf.startswith(b"\0\0\0\0", i):
            return "lease_time"
        if not 0 < buf[16] < 224 or buf[16] == 127:
            return "yiaddr"
        i = m.find(_MASK, 4)
        # RFC 3021: of a pair, or of one, all are hosts
        if i and buf[i + 3] < 254 and not _is_host(buf, i):
            return "yiaddr"
        if self.type == _OFFER:
            # The first OFFER is taken, unless the application has a rule of its own.
            if not (self.choose(m, self.server) if self.choose else not self.server):
                return "choose"
        return None


def _is_host(buf: bytes, mask: int) -> int:
    # Whether yiaddr is neither its network's own address nor that of all in it. By bytes: on a
    # board a number of 32 bits is on the heap; and from the last, which mostly settles it.
    ones = zeros = 0
    i = 4
    while i and not (ones and zeros):
        i -= 1
        free = buf[mask + i] ^ 255
        ones |= buf[16 + i] & free
        zeros |= ~buf[16 + i] & free
    return ones and zeros
