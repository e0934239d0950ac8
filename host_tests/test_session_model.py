"""The session in a lossy, duplicating, reordering, hostile network, held to RFC 2131 4.4."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import world
from dhcpc import Session
from reader import options_of, single
from world import (
    ACK,
    BOUND,
    CLIENT_ID,
    DAY,
    DISCOVER,
    INFINITE,
    INIT,
    INIT_REBOOT,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    PARAMETERS,
    REBINDING,
    REBOOTING,
    RENEWING,
    REQUEST,
    REQUESTING,
    SELECTING,
    STOPPED,
    WRAP,
    Sent,
    reply,
)

SERVERS = [b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"]
HOSTS = [b"\x0a\x00\x00\x05", b"\x0a\x00\x00\x06"]
NOT_HOSTS = [
    NOBODY,
    b"\x0a\0\0\0",
    b"\x0a\0\0\xff",
    b"\x7f\0\0\1",
    b"\xe0\0\0\1",
    b"\xff\xff\xff\xff",
]
TIMES = [1, 2, 3, 10, 60, 61, 3600, 6 * DAY, 25 * DAY, 49 * DAY, 400 * DAY, INFINITE]
FOREVER = 0x1FFFFFFF

# What may follow on what, where a message is sent (RFC 2131 figure 5)
SENDS = {
    INIT: {SELECTING},
    INIT_REBOOT: {REBOOTING},
    SELECTING: {SELECTING, REQUESTING},
    REQUESTING: {REQUESTING},
    REBOOTING: {REBOOTING},
    BOUND: {RENEWING, REBINDING},
    RENEWING: {RENEWING, REBINDING},
    REBINDING: {REBINDING},
}
TOLD = {
    SELECTING: {OFFER: "recv"},
    REQUESTING: {ACK: "bound", NAK: "nak"},
    REBOOTING: {ACK: "rebooted", NAK: "nak"},
    RENEWING: {ACK: "renewed", NAK: "nak"},
    REBINDING: {ACK: "rebound", NAK: "nak"},
}


def is_unicast(ip: bytes) -> bool:
    return ip[0] not in (0, 127, *range(224, 240)) and ip != b"\xff\xff\xff\xff"


def is_host(ip: bytes, mask: bytes | None) -> bool:
    if not is_unicast(ip):
        return False
    free = int.from_bytes(mask or b"", "big") ^ 0xFFFFFFFF
    if not mask or not mask[0] or free & (free + 1) or free < 2:
        return True  # no mask, or none with holes; or a pair, or one (RFC 3021)
    return 0 != int.from_bytes(ip, "big") & free != free


def first_renewal(lease: Any) -> int:
    """Seconds: T1, but no sooner than 4 s, and within the lease."""
    return min(max(lease.t1, 4), lease.lease_time)


class Network(RuleBasedStateMachine):
    """A client, servers, and what is under way between them. Times in ms that do not wrap."""

    @initialize(
        now=st.sampled_from([0, WRAP - 1, WRAP - 1500, 5 * WRAP // 2]), seed=st.integers(0, 99)
    )
    def begin(self, now: int, seed: int) -> None:
        self.now = now
        self.random = random.Random(seed)
        self.session = Session(MAC, CLIENT_ID + PARAMETERS, self.random.getrandbits)
        self.session.step(now % WRAP)
        self.buf = bytearray(600)
        self.sent: list[Sent] = []
        self.under_way: list[bytes] = []
        self.xids: set[bytes] = set()
        self.asked_by_user = now  # since then the client has been by itself
        self.lease: Any = None  # the model's: the Lease that is in use, and
        self.start = 0  # from when it counts
        self.old: Any = None
        self.tries = 0
        self.began = 0  # of the acquisition, or of the renewal
        self.first_request = 0
        self.offered: tuple[bytes, bytes] | None = None
        self.verifying = NOBODY
        self.known: bytes | None = None  # the address that DISCOVER suggests
        self.shunned = b""  # who has not kept what it offered

    # The client

    def poll(self) -> None:
        for _ in range(9):
            before = self.session.state
            event = self.session.step(self.now % WRAP)
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

    def check_sent(self, before: int) -> None:
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
            pause = (self.now - self.sent[-1].at) / 1000
            assert pause >= (1 << min(self.tries - 2, 6)) / 2
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
            discover = next(s for s in reversed(self.sent) if s.type == DISCOVER)
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
                least = max(min(60, self.lease.lease_time // 16), 4) * 1000
                assert self.now - self.sent[-1].at >= max(left // 2, least) - 2000
        assert sent.options.get(50) == requested
        assert sent.options.get(54) == (None if server == NOBODY else server)
        assert sent.ciaddr == ciaddr
        alone = state == RENEWING and is_unicast(self.lease.server)
        assert sent.to == (self.lease.server if alone else None)
        self.xids.add(sent.xid)
        self.sent.append(sent)
        recent = [s for s in self.sent if s.at >= max(self.now - 10_000, self.asked_by_user)]
        assert len(recent) <= 25

    def accepts(self, data: bytes) -> str | None:
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
        if state == SELECTING and (self.offered or self.tries < 2 and server == self.shunned):
            return None
        return TOLD[state][kind]

    def server(self, data: bytes) -> bytes:
        """Whose reply it is: option 54, else siaddr of an OFFER, or who was asked."""
        named = single(options_of(data)[0], 54, 4) or NOBODY
        if named != NOBODY:
            return named
        if self.session.state == SELECTING:
            return data[20:24]
        if self.session.state == REQUESTING and self.offered:
            return self.offered[1]
        return bytes(self.lease.server) if self.lease else NOBODY

    def deliver(self, data: bytes) -> None:
        s = self.session
        state = s.state
        expected = self.accepts(data)
        address = data[16:20]
        server = self.server(data)
        unmoved = ("type", "reason", "message")
        before = {k: v for k, v in vars(s).items() if k not in unmoved}
        event = s.read(data)
        assert event == (expected or "ignored")
        if event == "ignored":
            assert s.reason
            assert {k: v for k, v in vars(s).items() if k not in unmoved} == before
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
            self.shunned = b""
            self.check_times(found)
        self.poll()
        if s.state != SELECTING or event != "recv":
            self.offered = self.offered if s.state == REQUESTING else None

    def check_times(self, found: Any) -> None:
        lease = self.lease
        whole, t1, t2 = (int.from_bytes(single(found, c, 4) or b"", "big") for c in (51, 58, 59))
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

    @rule(wait=st.sampled_from([0, 0, 5000]))
    def starts(self, wait: int) -> None:
        self.user()
        self.session.start(wait)
        self.poll()

    @precondition(lambda self: self.old)
    @rule()
    def starts_with_a_stored_lease(self) -> None:
        self.user()
        self.verifying = self.known = self.old.yiaddr
        self.session.start(yiaddr=self.old.yiaddr)
        self.poll()

    @precondition(lambda self: self.old and self.old.lease_time > 2)
    @rule(part=st.floats(0, 0.999))
    def reuses_a_stored_lease(self, part: float) -> None:
        self.user()
        age = int(min(self.old.lease_time, 50 * DAY) * part)
        self.old.age = age
        self.session.start(yiaddr=self.old.yiaddr, lease=self.old)
        self.lease = self.old
        self.start = self.now - age * 1000
        self.known = self.old.yiaddr
        self.shunned = b""
        assert self.session.lease is self.old
        self.poll()

    @precondition(lambda self: self.lease)
    @rule()
    def releases(self) -> None:
        end = self.session.write(self.buf, world.RELEASE)
        sent = Sent(self.now, bytes(self.buf[:end]), self.session.to)
        assert sent.type == world.RELEASE
        server = self.lease.server
        assert sent.options.get(54) == (None if server == NOBODY else server)
        assert sent.to == (server if is_unicast(server) else None)
        assert sent.ciaddr == self.lease.yiaddr
        self.user()
        self.session.stop()
        self.poll()
        assert self.session.state == STOPPED

    def user(self) -> None:
        self.session.step(self.now % WRAP)
        self.asked_by_user = self.now
        self.lease = self.offered = None
        self.sent = self.sent[-5:]

    # What the network does

    @precondition(lambda self: self.sent)
    @rule(
        which=st.sampled_from([-1, -1, -1, -1, -2, -5]),
        right=st.booleans(),
        kind=st.sampled_from([OFFER, ACK, ACK, NAK, DISCOVER, 0, 255]),
        server=st.sampled_from([*SERVERS, SERVERS[0], SERVERS[0], None, b"\x0a\0\0"]),
        yiaddr=st.sampled_from([*4 * HOSTS, *NOT_HOSTS]),
        lease=st.sampled_from([*TIMES, 3600, 3600, None, 0]),
        t1=st.sampled_from([None, None, None, *TIMES, 0, 1800]),
        t2=st.sampled_from([None, None, None, *TIMES, 0, 3000]),
        hurry=st.booleans(),
    )
    def a_server_answers(
        self, which: int, right: bool, kind: int, yiaddr: bytes, hurry: bool, **fields: Any
    ) -> None:
        sent = self.sent[max(which, -len(self.sent))]
        if right:
            kind = OFFER if sent.type == DISCOVER else ACK
        data = reply(kind, xid=sent.xid, **({"yiaddr": yiaddr} if kind != NAK else {}), **fields)
        if hurry:
            self.deliver(data)
        else:
            self.under_way.append(data)

    @precondition(lambda self: self.under_way)
    @rule(i=st.integers(0, 50), twice=st.booleans())
    def a_datagram_arrives(self, i: int, twice: bool) -> None:
        data = self.under_way.pop(i % len(self.under_way))
        self.deliver(data)
        if twice:
            self.under_way.append(data)

    @precondition(lambda self: self.under_way)
    @rule(i=st.integers(0, 50))
    def a_datagram_is_lost(self, i: int) -> None:
        self.under_way.pop(i % len(self.under_way))

    @precondition(lambda self: self.sent)
    @rule(
        at=st.one_of(st.integers(0, 43), st.integers(236, 290)),
        byte=st.sampled_from([0, 1, 2, 4, 5, 6, 51, 53, 54, 127, 254, 255]),
        cut=st.sampled_from([0, 0, 0, 1, 2, 7, 60]),
        nak=st.sampled_from([False, False, True]),
    )
    def a_datagram_is_damaged(self, at: int, byte: int, cut: int, nak: bool) -> None:
        sent = self.sent[-1]
        kind = OFFER if sent.type == DISCOVER else NAK if nak else ACK
        data = bytearray(reply(kind, xid=sent.xid))
        if at < len(data):
            data[at] = byte
        self.deliver(bytes(data[: len(data) - cut]))

    @precondition(lambda self: self.sent)
    @rule(xid=st.booleans(), chaddr=st.booleans(), kind=st.sampled_from([OFFER, ACK, NAK]))
    def somebody_else_is_answered(self, xid: bool, chaddr: bool, kind: int) -> None:
        fields = {"chaddr": b"\x02\0\0\0\0\x02"} if chaddr else {}
        other = bytes(b ^ 0x55 for b in self.sent[-1].xid)
        self.deliver(reply(kind, xid=other if xid or not chaddr else self.sent[-1].xid, **fields))

    # Time

    @rule(steps=st.integers(1, 6))
    def the_client_is_called_when_it_asked_for_it(self, steps: int) -> None:
        for _ in range(steps):
            self.now += self.session.wait
            self.poll()

    @rule(ms=st.integers(1, 3000))
    def a_moment_passes(self, ms: int) -> None:
        self.now += ms
        self.poll()

    @rule(part=st.floats(0, 1))
    def the_client_is_called_early(self, part: float) -> None:
        self.now += int(self.session.wait * part)
        self.poll()

    @rule(seconds=st.sampled_from([61, 3599, 3600, DAY // 2, DAY, 6 * DAY, 12 * DAY]))
    def the_client_is_called_late(self, seconds: int) -> None:
        self.now += seconds * 1000
        self.poll()

    @invariant()
    def a_lease_is_never_used_after_its_end(self) -> None:
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


Network.TestCase.settings = settings(
    max_examples=250, stateful_step_count=50, report_multiple_bugs=False
)
test_a_client_in_a_hostile_network = Network.TestCase
