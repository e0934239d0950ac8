"""A model of the session, written from RFC 2131 4.4: whatever happens to a client, it says what
the client must do, and each step is held to that, besides the promises.
"""

from promises import FOREVER, Watched, first_renewal
from reader import options_of, single
from world import (
    ACK,
    BOUND,
    DISCOVER,
    INIT,
    INIT_REBOOT,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    REBINDING,
    REBOOTING,
    RELEASE,
    RENEWING,
    REQUEST,
    REQUESTING,
    SELECTING,
)

TYPE_CHECKING = False  # mypy takes it for True
if TYPE_CHECKING:
    from typing import Any

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


def backs_off(tries):
    """How often the pause after so many tries has been doubled: it stays at 4 s for a minute."""
    return max(min(tries >> 1, 2), min(tries - 22, 6))


class Model(Watched):
    """A client, and what is known of it from outside."""

    offered: "Any" = None
    verifying = NOBODY
    known = None  # the address that DISCOVER suggests
    shunned = b"\0!"  # who has not kept what it offered
    tries = 0
    began = 0  # the acquisition, or the renewal

    def __init__(self, *how):
        super().__init__(*how)
        self.xids = set()

    def copy(self):
        other = super().copy()
        other.xids = self.xids.copy()
        return other

    # The client

    def ends_in(self, event, before):
        if event == "expired":
            assert self.now - self.start > (self.lease.lease_time - 1) * 1000
        else:
            assert event == "timeout"
            assert (before, self.tries) in ((REQUESTING, 6), (REBOOTING, 3))
            if self.offered:
                self.shunned = self.offered[1]
        assert self.session.state == INIT

    def check(self):
        super().check()
        if self.ends is not None:
            assert -1 <= self.lease.age - (self.now - self.start) // 1000 <= 1

    def is_sent(self, sent, before):
        """RFC 2131 4.3.6, table 5; `secs`; xids."""
        state = self.session.state
        requested = server = None
        assert state in SENDS[before]
        assert sent.type == (DISCOVER if state == SELECTING else REQUEST)
        again = before == state and state < BOUND
        if again or before == SELECTING:
            assert sent.xid == self.sent[-1].xid
        else:
            assert sent.xid not in self.xids
        self.tries = self.tries + 1 if again else 1
        pause = self.now - self.sent[-1].at if self.sent and not self.sent[-1].lost else None
        if again and pause is not None:
            assert 2 * pause >= 1000 << backs_off(self.tries - 2)
        if state in (SELECTING, REBOOTING) and not again or before == BOUND:
            self.began = self.now
        if state == SELECTING:
            self.offered = None
            requested = self.known
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
            if before == state and pause is not None:
                end = self.lease.t2 if state == RENEWING else self.lease.lease_time
                left = self.start + end * 1000 - self.sent[-1].at
                wait = max(self.lease.lease_time // 60, 4) * 1000
                assert pause >= min(left, wait) - 2000
        assert sent.options.get(50) == (None if requested == NOBODY else requested)
        assert sent.options.get(54) == (None if server == NOBODY else server)
        assert sent.ciaddr == ciaddr
        alone = state == RENEWING and is_unicast(self.lease.server)
        assert sent.to == (self.lease.server if alone else None)
        self.xids.add(sent.xid)
        if self.mute:
            self.tries -= 1  # it is none

    def accepts(self, data, wrong):
        """The event that the datagram must lead to; None if it must be ignored. wrong: what is
        malformed.
        """
        found = self.options
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
        named = server or data[20:24]  # siaddr
        if state == SELECTING and self.tries < 2 and named.startswith(self.shunned):
            return None
        return TOLD[state][kind]

    def server(self, data):
        """Whose reply it is: option 54, else siaddr of an OFFER, or who was asked."""
        named = single(self.options, 54, 4)
        if self.session.state == SELECTING:
            return data[20:24] if named is None else named
        if named:
            return named
        if self.session.state == REQUESTING and self.offered:
            return self.offered[1]
        return bytes(self.lease.server) if self.lease else NOBODY

    def deliver(self, data):
        self.options, wrong = options_of(data)
        self.expected = self.accepts(data, wrong)
        self.of = self.server(data)
        event = super().deliver(data)
        if event != "ignored" and (self.session.state != SELECTING or event != "recv"):
            self.offered = self.offered if self.session.state == REQUESTING else None
        return event

    def is_taken(self, event, data, address):
        assert event == (self.expected or "ignored")
        if event == "recv":
            self.offered = address, self.of
            self.known = address
        elif event == "nak":
            self.known = None
            if self.offered:
                self.shunned = self.offered[1]
            assert self.session.state == INIT
        elif event != "ignored":
            assert self.session.state == BOUND
            assert self.lease.yiaddr == address
            assert self.lease.server == self.of
            self.known = address
            self.shunned = b"\0!"
            self.check_times()

    def check_times(self):
        """Those of the lease are the server's, or mended."""
        lease = self.lease
        whole, t1, t2 = [
            int.from_bytes(single(self.options, c, 4) or b"", "big") for c in (51, 58, 59)
        ]
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
        super().user()
        self.offered = None

    def verify(self):
        self.verifying = self.known = self.old.yiaddr
        super().verify()

    def reuse(self, age):
        self.known = self.old.yiaddr
        self.shunned = b"\0!"
        super().reuse(age)

    def say(self, type):
        sent = super().say(type)
        server = self.lease.server
        assert sent.options.get(54) == (None if server == NOBODY else server)
        alone = type == RELEASE and is_unicast(server)
        assert sent.to == (server if alone else None)
        return sent
