"""The session in a lossy, duplicating, reordering, hostile network, held to RFC 2131 4.4."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from model import Model
from promises import an_honest_server_brings_it_back
from world import ACK, DAY, DISCOVER, INFINITE, NAK, NOBODY, OFFER, WRAP, reply

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


class Network(RuleBasedStateMachine):
    """A client, servers, and what is under way between them. Times in ms that do not wrap."""

    @initialize(
        now=st.sampled_from([0, WRAP - 1, WRAP - 1500, 5 * WRAP // 2]), seed=st.integers(0, 99)
    )
    def begin(self, now: int, seed: int) -> None:
        self.client = Model(now, seed)
        self.under_way: list[bytes] = []

    # What the user does

    @rule(wait=st.sampled_from([0, 0, 5000]))
    def starts(self, wait: int) -> None:
        self.client.begin(wait)

    @precondition(lambda self: self.client.old)
    @rule()
    def starts_with_a_stored_lease(self) -> None:
        self.client.verify()

    @precondition(lambda self: self.client.old and self.client.old.lease_time > 2)
    @rule(part=st.floats(0, 0.999))
    def reuses_a_stored_lease(self, part: float) -> None:
        self.client.reuse(int(min(self.client.old.lease_time, 50 * DAY) * part))

    @precondition(lambda self: self.client.lease)
    @rule()
    def releases(self) -> None:
        self.client.release()

    @precondition(lambda self: self.client.lease)
    @rule(wait=st.sampled_from([10_000, 60_000]))
    def declines(self, wait: int) -> None:
        self.client.decline(wait)

    # What the network does

    @precondition(lambda self: self.client.sent)
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
        sent = self.client.sent[max(which, -len(self.client.sent))]
        if right:
            kind = OFFER if sent.type == DISCOVER else ACK
        data = reply(kind, xid=sent.xid, **({"yiaddr": yiaddr} if kind != NAK else {}), **fields)
        if hurry:
            self.client.deliver(data)
        else:
            self.under_way.append(data)

    @precondition(lambda self: self.under_way)
    @rule(i=st.integers(0, 50), twice=st.booleans())
    def a_datagram_arrives(self, i: int, twice: bool) -> None:
        data = self.under_way.pop(i % len(self.under_way))
        self.client.deliver(data)
        if twice:
            self.under_way.append(data)

    @precondition(lambda self: self.under_way)
    @rule(i=st.integers(0, 50))
    def a_datagram_is_lost(self, i: int) -> None:
        self.under_way.pop(i % len(self.under_way))

    @precondition(lambda self: self.client.sent)
    @rule(
        at=st.one_of(st.integers(0, 43), st.integers(236, 290)),
        byte=st.sampled_from([0, 1, 2, 4, 5, 6, 51, 53, 54, 127, 254, 255]),
        cut=st.sampled_from([0, 0, 0, 1, 2, 7, 60]),
        nak=st.sampled_from([False, False, True]),
    )
    def a_datagram_is_damaged(self, at: int, byte: int, cut: int, nak: bool) -> None:
        sent = self.client.sent[-1]
        kind = OFFER if sent.type == DISCOVER else NAK if nak else ACK
        data = bytearray(reply(kind, xid=sent.xid))
        if at < len(data):
            data[at] = byte
        self.client.deliver(bytes(data[: len(data) - cut]))

    @precondition(lambda self: self.client.sent)
    @rule(xid=st.booleans(), chaddr=st.booleans(), kind=st.sampled_from([OFFER, ACK, NAK]))
    def somebody_else_is_answered(self, xid: bool, chaddr: bool, kind: int) -> None:
        fields = {"chaddr": b"\x02\0\0\0\0\x02"} if chaddr else {}
        of = self.client.sent[-1].xid
        if xid or not chaddr:
            of = bytes(b ^ 0x55 for b in of)
        self.client.deliver(reply(kind, xid=of, **fields))

    # Time

    def pass_by(self, ms: int) -> None:
        self.client.now += ms
        self.client.poll()

    @rule(steps=st.integers(1, 6))
    def the_client_is_called_when_it_asked_for_it(self, steps: int) -> None:
        for _ in range(steps):
            self.pass_by(self.client.session.wait)

    @rule(ms=st.integers(1, 3000))
    def a_moment_passes(self, ms: int) -> None:
        self.pass_by(ms)

    @rule()
    def nothing_can_leave_when_it_is_called(self) -> None:
        self.client.mute = True
        self.pass_by(self.client.session.wait)
        self.client.mute = False

    @rule(part=st.floats(0, 1))
    def the_client_is_called_early(self, part: float) -> None:
        self.pass_by(int(self.client.session.wait * part))

    @rule(seconds=st.sampled_from([61, 3599, 3600, DAY // 2, DAY, 6 * DAY, 12 * DAY]))
    def the_client_is_called_late(self, seconds: int) -> None:
        self.pass_by(seconds * 1000)

    @invariant()
    def it_keeps_its_promises(self) -> None:
        self.client.check()

    def teardown(self) -> None:
        an_honest_server_brings_it_back(self.client)


Network.TestCase.settings = settings(
    max_examples=250, stateful_step_count=50, report_multiple_bugs=False
)
test_a_client_in_a_hostile_network = Network.TestCase
