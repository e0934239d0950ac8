"""RFC 2131 4.4, rule by rule: a stored lease, verified or used."""

from kit import rfc
from world import (
    ACK,
    BOUND,
    DISCOVER,
    INIT_REBOOT,
    IP,
    NAK,
    NOBODY,
    OTHER_SERVER,
    REBINDING,
    REBOOTING,
    RENEWING,
    REQUEST,
    SELECTING,
    SERVER,
    World,
    has,
    high,
    last,
    moved,
    reply,
    types,
)


@rfc(
    "2131 4.3.2 reboot-names-no-server",
    "2131 4.3.2 reboot-requested-address",
    "2131 4.3.2 reboot-ciaddr-zero",
    "2131 4.3.6 reboot-broadcast",
    "2131 4.4.2 reboot-random-xid",
    "1542 3.2 secs-zero-at-first",
    "2131 3.2 reboot-broadcast",
    "2131 3.2 reboot-names-address",
    "2131 3.2 reboot-without-ciaddr",
)
def test_request_in_init_reboot_is_broadcast_and_names_the_address_alone():
    w = World()
    w.session.start(0, w.bound().lease.yiaddr)
    assert w.state == INIT_REBOOT
    w.poll()
    sent = last(w)
    assert sent.type == REQUEST
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.options[50] == IP
    assert not has(sent, 54)
    assert sent.secs == 0
    assert sent.xid != w.sent[-2].xid


def test_a_lease_that_is_being_verified_is_none_yet():
    w = World().rebooting()
    assert w.lease is None


@rfc("2131 3.2 lease-time-noted", "2131 figure5 rebooting-ack")
def test_an_ack_in_rebooting_verifies_the_lease():
    w = World().rebooting()
    assert w.answer(ACK, lease=7200) == "rebooted"
    assert w.state == BOUND
    assert w.lease.remaining() == 7200


@rfc("2131 4.4.2 reboot-lease-from-the-request")
def test_a_verified_lease_runs_from_the_first_request():
    w = World(rand=high).rebooting()
    w.go(2)
    assert types(w)[-1] == REQUEST
    w.answer(ACK, lease=3600)
    assert w.lease.remaining() == 3598


@rfc("2131 figure5 rebooting-ack", "2131 4.4.2 ack-of-any-server", "2131 4.1 unicast-to-server-id")
def test_another_server_may_verify_the_lease():
    w = World().rebooting()
    assert w.answer(ACK, server=OTHER_SERVER) == "rebooted"
    w.go(w.lease.t1)
    assert last(w).to == OTHER_SERVER


@rfc("2131 3.2 nak-leads-to-init", "2131 figure5 rebooting-nak")
def test_a_nak_in_rebooting_goes_to_init_at_once():
    w = World().rebooting()
    assert w.answer(NAK, server=OTHER_SERVER) == "nak"
    assert types(w)[-1] == DISCOVER
    assert not has(last(w), 50)
    assert w.lease is None


def test_silence_in_rebooting_goes_to_init():
    w = World().rebooting()
    first = last(w)
    w.go(10)
    assert "timeout" in [event for _, event in w.events]
    after = [sent for sent in w.sent if sent.at > first.at]
    assert after[-1].type == DISCOVER
    for sent in after:
        assert (sent.type == DISCOVER) == (sent.xid != first.xid)
    assert w.state == SELECTING


@rfc("2131 3.2 request-again", "2131 3.2 request-often-enough")
def test_request_in_rebooting_is_sent_three_times_then_it_starts_over():
    w = World().rebooting()
    sent = len(w.sent)
    while w.state == REBOOTING:
        w.go(0.1)
    assert types(w)[sent - 1 :] == 3 * [REQUEST] + [DISCOVER]
    assert w.sent[sent].data == w.sent[sent - 1].data


@rfc("2131 3.2 later-acks-ignored")
def test_of_two_acks_in_rebooting_the_first_counts():
    w = World().rebooting()
    xid = last(w).xid
    assert w.answer(ACK) == "rebooted"
    assert moved(w, reply(ACK, xid=xid, server=OTHER_SERVER, lease=7200)) == "type"


def test_silence_in_rebooting_is_not_awaited_for_long():
    w = World(rand=high).rebooting()
    start = w.now
    w.go(10)
    discover = next(sent for sent in w.sent if sent.type == DISCOVER and sent.at > start)
    assert 0.5 <= (discover.at - start) / 1000 <= 5


def test_a_lease_of_a_known_age_is_used_without_a_packet():
    w = World()
    lease = w.bound().lease
    count = len(w.sent)
    lease.age = 1000
    w.session.start(0, lease.yiaddr, lease)
    assert w.lease is lease
    assert w.lease.remaining() == 2600
    w.poll()
    assert w.state == BOUND
    w.go(lease.t1 - 1001)
    assert len(w.sent) == count
    w.go(1)
    assert w.state == RENEWING
    assert last(w).ciaddr == IP
    assert last(w).to == SERVER


@rfc("2131 4.4.5 rebinding-at-t2")
def test_a_lease_of_an_age_past_t2_is_rebound_at_once():
    w = World()
    lease = w.bound().lease
    lease.age = 3500
    w.session.start(0, lease.yiaddr, lease)
    w.poll()
    assert w.state == REBINDING
    assert w.lease is lease


def test_a_lease_of_an_age_past_its_end_or_before_its_beginning_is_verified():
    for age in (-5, 3600, 1 << 29):
        w = World()
        lease = w.bound().lease
        lease.age = age
        w.session.start(0, lease.yiaddr, lease)
        w.poll()
        assert w.state == REBOOTING
        assert w.lease is None
