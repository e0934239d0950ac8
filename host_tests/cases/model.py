"""A model of the session, written from RFC 2131 4.4: whatever happens to a client, it says what
the client must do, and each step is held to that.
"""

from dhcpc import Session
from reader import options_of, single
from world import (
    ACK,
    BOUND,
    CLIENT_ID,
    DAY,
    DISCOVER,
    INIT,
    INIT_REBOOT,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    PARAMETERS,
    REBINDING,
    REBOOTING,
    RELEASE,
    RENEWING,
    REQUEST,
    REQUESTING,
    SELECTING,
    STOPPED,
    Sent,
    ticks,
)

TYPE_CHECKING = False  # mypy takes it for True
if TYPE_CHECKING:
    from typing import Any

FOREVER = 0x1FFFFFFF

# The most that is sent, whatever comes, as long as the user does nothing
BURST = 25  # in 10 s
MINUTE = 40  # in 60 s

# What may follow on what, where a message is sent (RFC 2131 figure 5)
SENDS = {
    INIT: (SELECTING,),
    INIT_REBOOT: (REBOOTING,),
    SELECTING: (SELECTING, REQUESTING),
    REQUESTING: (REQUESTING,),
    REBOOTING: (REBOOTING,),
    BOUND: (RENEWING, REBINDING),
    RENEWING: (RENEWING, REBINDING),
    REBINDING: (REBINDING,),
}
TOLD = {
    SELECTING: {OFFER: "recv"},
    REQUESTING: {ACK: "bound", NAK: "nak"},
    REBOOTING: {ACK: "rebooted", NAK: "nak"},
    RENEWING: {ACK: "renewed", NAK: "nak"},
    REBINDING: {ACK: "rebound", NAK: "nak"},
}
UNMOVED = ("type", "reason", "message")  # of a session, by what it ignores


def is_unicast(ip):
    return not (ip[0] in (0, 127) or 224 <= ip[0] < 240 or ip == b"\xff\xff\xff\xff")


def is_mask(mask):
    """Whether it begins with ones, and has no holes."""
    free = int.from_bytes(mask, "big") ^ 0xFFFFFFFF
    return mask[0] > 0 and free & (free + 1) == 0


def is_host(ip, mask):
    """Whether it can be a host's."""
    if not is_unicast(ip):
        return False
    free = int.from_bytes(mask or b"", "big") ^ 0xFFFFFFFF
    if not mask or not is_mask(mask) or free < 2:
        return True  # of a pair, or of one, all are hosts (RFC 3021)
    return 0 != int.from_bytes(ip, "big") & free != free


def first_renewal(lease):
    """Seconds: T1, but no sooner than 4 s, and within the lease."""
    return min(max(lease.t1, 4), lease.lease_time)


def moving(session):
    """What of a session only a message that it takes may change."""
    return {key: value for key, value in session.__dict__.items() if key not in UNMOVED}


class Model:
    """A client, and what is known of it from outside. Times in ms that do not wrap."""

    lease: "Any"
    old: "Any"
    offered: "Any"

    def __init__(self, now, seed):
        self.now = now
        self.seed = seed + 1
        self.session = Session(MAC, CLIENT_ID + PARAMETERS, self.random)
        self.session.step(ticks(now))
        self.buf = bytearray(600)
        self.sent = []
        self.xids = set()
        self.asked_by_user = now  # since then the client has been by itself
        self.lease = None  # the Lease that is in use, and
        self.start = 0  # from when it counts
        self.old = None
        self.tries = 0
        self.began = 0  # of the acquisition, or of the renewal
        self.first_request = 0
        self.offered = None
        self.verifying = NOBODY
        self.known = None  # the address that DISCOVER suggests
        self.shunned = b"\0!"  # who has not kept what it offered

    def random(self, bits):
        # 16 bits at most, none twice in a row of 65,536
        self.seed = self.seed * 75 % 65537
        return self.seed & (1 << bits) - 1

    # The client

    def poll(self):
        """Call the client at this moment."""
        for _ in range(9):
            before = self.session.state
            event = self.session.step(ticks(self.now))
            if event is None:
                break
            if event == "send":
                self.check_sent(before)
            elif event == "expired":
                assert self.lease
                assert self.now - self.start > (self.lease.lease_time - 1) * 1000
                self.lease = None
                assert self.session.state == INIT
            else:
                assert event == "timeout"
                assert (before, self.tries) in ((REQUESTING, 4), (REBOOTING, 2))
                if self.offered:
                    self.shunned = self.offered[1]
                assert self.session.state == INIT
        else:
            raise AssertionError("it sends and sends")
        assert 0 < self.session.wait <= DAY * 1000
        if self.lease and self.lease.lease_time < FOREVER:
            end = self.lease.lease_time
            if self.session.state == BOUND:
                end = first_renewal(self.lease)
            elif self.session.state == RENEWING:
                end = self.lease.t2
            assert self.now + self.session.wait <= self.start + end * 1000
        self.check()

    def check(self):
        """A lease is never used after its end."""
        s = self.session
        assert s.lease is self.lease
        assert bool(s.lease) == (s.state >= BOUND)
        if self.lease and self.lease.lease_time < FOREVER:
            age = self.now - self.start
            assert age < self.lease.lease_time * 1000
            assert -1 <= self.lease.age - age // 1000 <= 1
            if s.state == BOUND:
                assert age < first_renewal(self.lease) * 1000
            elif s.state == RENEWING:
                assert age < self.lease.t2 * 1000

    def check_sent(self, before):
        """RFC 2131 4.3.6, table 5; `secs`; xids."""
        state = self.session.state
        requested = server = None
        assert state in SENDS[before]
        end = self.session.write(self.buf, 0)
        sent = Sent(self.now, bytes(self.buf[:end]), self.session.to)
        assert sent.type == (DISCOVER if state == SELECTING else REQUEST)
        again = before == state and state < BOUND
        if again or before == SELECTING:
            assert sent.xid == self.sent[-1].xid
        else:
            assert sent.xid not in self.xids
        self.tries = self.tries + 1 if again else 1
        if again:
            pause = self.now - self.sent[-1].at
            assert 2 * pause >= 1000 << min(self.tries - 2, 6)
        if state in (SELECTING, REBOOTING) and not again or before == BOUND:
            self.began = self.now
        if state == SELECTING:
            self.offered = None
            requested = self.known
        if state < BOUND and not again:
            self.first_request = self.now
        ciaddr = NOBODY
        if state == REQUESTING:
            assert self.offered
            requested, server = self.offered
            discover = [s for s in self.sent if s.type == DISCOVER][-1]
            assert sent.secs == discover.secs
        elif state != REBOOTING or sent.secs:  # where RFC 2131 table 5 allows 0
            assert abs(min(65535, (self.now - self.began) // 1000) - sent.secs) <= 1
        if state == REBOOTING:
            requested = self.verifying
        if state > BOUND:
            assert self.lease
            ciaddr = self.lease.yiaddr
            age = self.now - self.start
            assert first_renewal(self.lease) * 1000 - 1000 < age < self.lease.lease_time * 1000
            assert (state == REBINDING) == (age // 1000 >= self.lease.t2) or abs(
                age - self.lease.t2 * 1000
            ) <= 1000
            if before == state:
                end = self.lease.t2 if state == RENEWING else self.lease.lease_time
                left = self.start + end * 1000 - self.sent[-1].at
                wait = max(self.lease.lease_time // 60, 4) * 1000
                assert self.now - self.sent[-1].at >= min(left, wait) - 2000
        assert sent.options.get(50) == (None if requested == NOBODY else requested)
        assert sent.options.get(54) == (None if server == NOBODY else server)
        assert sent.ciaddr == ciaddr
        alone = state == RENEWING and is_unicast(self.lease.server)
        assert sent.to == (self.lease.server if alone else None)
        self.xids.add(sent.xid)
        self.sent = self.sent[-MINUTE:] + [sent]
        for most, span in ((BURST, 10_000), (MINUTE, 60_000)):
            since = max(self.now - span, self.asked_by_user)
            assert len([s for s in self.sent if s.at >= since]) <= most

    def accepts(self, data):
        """The event that the datagram must lead to; None if it must be ignored."""
        found, wrong = options_of(data)
        state = self.session.state
        if data[:1] != b"\x02" or data[28:34] != MAC:
            return None
        if not self.sent or data[4:8] != self.session.xid:
            return None
        kind = (single(found, 53, 1) or single(found, 53, 2) or b"\0")[0]
        server = single(found, 54, 4)
        enough = kind == NAK or single(found, 51, 4)
        if wrong and not (wrong == "option" and enough):
            return None
        if kind not in TOLD.get(state, {}):
            return None
        chosen = self.offered[1] if self.offered else NOBODY
        if kind == NAK:
            other = state == REQUESTING and server and server != chosen
            return None if other else "nak"
        yiaddr = data[16:20]
        if state > BOUND and yiaddr == NOBODY:
            yiaddr = self.session.yiaddr  # ciaddr's is meant
        if not is_host(yiaddr, single(found, 1, 4)):
            return None
        if state == SELECTING and self.offered:
            return None
        if state == SELECTING and self.tries < 2 and (server or b"").startswith(self.shunned):
            return None
        return TOLD[state][kind]

    def server(self, data):
        """Whose reply it is: option 54, else siaddr of an OFFER, or who was asked."""
        named = single(options_of(data)[0], 54, 4)
        if self.session.state == SELECTING:
            return data[20:24] if named is None else named
        if named and named != NOBODY:
            return named
        if self.session.state == REQUESTING and self.offered:
            return self.offered[1]
        return bytes(self.lease.server) if self.lease else NOBODY

    def deliver(self, data):
        """A datagram arrives, and the client is called."""
        s = self.session
        state = s.state
        expected = self.accepts(data)
        address = data[16:20]
        if state > BOUND and address == NOBODY:
            address = s.yiaddr
        server = self.server(data)
        before = moving(s)
        event = s.read(data)
        assert event == (expected or "ignored")
        if event == "ignored":
            assert s.reason
            assert moving(s) == before
            return
        found, _ = options_of(data)
        if event == "recv":
            self.offered = address, server
            self.known = address
        elif event == "nak":
            self.lease = self.known = None
            assert s.state == INIT
        else:
            self.lease = self.old = s.lease
            self.start = self.sent[-1].at if state > BOUND else self.first_request
            assert s.state == BOUND
            assert self.lease.yiaddr == address
            assert self.lease.server == server
            self.known = address
            self.shunned = b"\0!"
            self.check_times(found)
        self.poll()
        if s.state != SELECTING or event != "recv":
            self.offered = self.offered if s.state == REQUESTING else None

    def check_times(self, found):
        """Those of the lease are the server's, or mended."""
        lease = self.lease
        whole, t1, t2 = [int.from_bytes(single(found, c, 4) or b"", "big") for c in (51, 58, 59)]
        whole = whole or 3600  # of a server that does not say
        if whole >= FOREVER:
            assert lease.remaining() is None
            assert lease.t1 >= FOREVER <= lease.t2
            return
        assert lease.lease_time == whole
        if 0 < t1 < t2 < whole:
            assert (lease.t1, lease.t2) == (t1, t2)
        elif whole > 2:
            assert 0 < lease.t1 < lease.t2 < whole

    # What the user does

    def user(self):
        self.session.step(ticks(self.now))
        self.asked_by_user = self.now
        self.lease = self.offered = None
        self.sent = self.sent[-5:]

    def begin(self, wait=0):
        """Start, in that many ms."""
        self.user()
        self.session.start(wait)
        self.poll()

    def verify(self):
        """Start with the address of a lease that was had."""
        self.user()
        self.verifying = self.known = self.old.yiaddr
        self.session.start(yiaddr=self.old.yiaddr)
        self.poll()

    def reuse(self, age):
        """Start with a lease that was had, so many seconds old."""
        self.user()
        self.old.age = age
        self.session.start(yiaddr=self.old.yiaddr, lease=self.old)
        self.lease = self.old
        self.start = self.now - age * 1000
        self.known = self.old.yiaddr
        self.shunned = b"\0!"
        assert self.session.lease is self.old
        self.poll()

    def release(self):
        """Give the lease back, and stop."""
        end = self.session.write(self.buf, RELEASE)
        sent = Sent(self.now, bytes(self.buf[:end]), self.session.to)
        assert sent.type == RELEASE
        server = self.lease.server
        assert sent.options.get(54) == (None if server == NOBODY else server)
        assert sent.to == (server if is_unicast(server) else None)
        assert sent.ciaddr == self.lease.yiaddr
        self.stop()

    def stop(self):
        """Do nothing any more."""
        self.user()
        self.session.stop()
        self.poll()
        assert self.session.state == STOPPED
