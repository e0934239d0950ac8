"""RFC 2131 4.4, rule by rule: a lease from BOUND to its end."""

from kit import rfc
from world import (
    ACK,
    BOUND,
    DAY,
    DISCOVER,
    IP,
    NAK,
    NOBODY,
    OTHER_IP,
    OTHER_SERVER,
    REBINDING,
    RENEWING,
    REQUEST,
    SELECTING,
    SERVER,
    World,
    has,
    high,
    last,
    low,
    moved,
    reply,
    types,
)

# BOUND


@rfc("2131 figure5 requesting-ack", "2131 4.4.5 renewing-at-t1")
def test_a_bound_client_is_silent_until_t1():
    w = World().bound(lease=3600, t1=600)
    w.go(599.9)
    assert w.state == BOUND
    assert len(w.sent) == 2
    w.go(0.1)
    assert w.state == RENEWING
    assert len(w.sent) == 3


@rfc("2131 figure5 bound-replies", "2131 1.6 several-replies")
def test_a_second_ack_is_refused():
    w = World().bound()
    assert moved(w, reply(ACK, xid=last(w).xid)) == "type"


@rfc("2131 figure5 bound-replies")
def test_a_nak_that_nobody_asked_for_is_refused():
    w = World().bound()
    assert moved(w, reply(NAK, xid=last(w).xid)) == "type"


# RENEWING and REBINDING


@rfc(
    "2131 4.3.2 renewing-names-no-server",
    "2131 4.3.2 renewing-no-requested-address",
    "2131 4.3.2 renewing-ciaddr",
    "2131 4.3.2 renewing-unicast",
    "1542 3.2 secs-zero-at-first",
    "2131 2 ciaddr-only-with-lease",
    "2131 4.1 unicast-to-server-id",
    "2132 9.7 unicast-to-server-identifier",
)
def test_request_in_renewing_is_unicast_and_has_its_address_in_ciaddr():
    w = World().renewing()
    sent = last(w)
    assert sent.type == REQUEST
    assert sent.to == SERVER
    assert sent.ciaddr == IP
    assert not has(sent, 50)
    assert not has(sent, 54)
    assert sent.secs == 0


@rfc(
    "2131 4.3.2 rebinding-names-no-server",
    "2131 4.3.2 rebinding-no-requested-address",
    "2131 4.3.2 rebinding-ciaddr",
    "2131 4.3.2 rebinding-broadcast",
)
def test_request_in_rebinding_is_broadcast_and_names_no_server():
    w = World().rebinding()
    sent = last(w)
    assert sent.type == REQUEST
    assert sent.to is None
    assert sent.ciaddr == IP
    assert not has(sent, 50)
    assert not has(sent, 54)


def test_each_renewal_has_an_xid_of_its_own():
    w = World().renewing()
    w.go(1300)
    xids = [sent.xid for sent in w.sent[1:]]
    assert len(xids) > 3
    assert len(set(xids)) == len(xids)


@rfc("2131 2 secs-since-start", "1542 3.2 secs-since-the-first")
def test_secs_of_a_renewal_count_from_t1():
    w = World().renewing()
    begin = last(w).at
    w.go(1700)
    assert w.state == REBINDING
    for sent in w.sent[2:]:
        assert sent.secs == (sent.at - begin) // 1000


@rfc("2131 4.4.5 fuzz")
def test_clients_of_one_server_do_not_renew_at_one_moment():
    assert World(rand=high).bound().lease.t1 < World(rand=low).bound().lease.t1 == 1800


@rfc("2131 4.4.5 half-until-t2", "2131 4.4.5 minute-between-requests")
def test_in_renewing_a_60th_of_the_lease_is_waited_between_requests():
    w = World().bound(lease=6000, t1=1000, t2=3010)
    w.go(3009)
    assert [sent.at // 1000 for sent in w.sent[2:]] == list(range(1000, 3010, 100))
    assert w.state == RENEWING


@rfc("2131 4.4.5 half-until-the-end", "2131 4.4.5 minute-between-requests")
def test_in_rebinding_a_60th_of_the_lease_is_waited_between_requests():
    w = World().rebinding(lease=6000, t1=1000, t2=3010)
    w.go(2989.9)
    assert [sent.at // 1000 for sent in w.sent[2:]] == list(range(3010, 6000, 100))
    assert w.state == REBINDING


@rfc("2131 4.4.5 minute-between-requests")
def test_in_a_lease_of_an_hour_a_minute_is_waited_between_requests():
    w = World().bound(lease=3600)
    w.go(3599.9)
    at = [sent.at for sent in w.sent[2:]]
    at.remove(w.lease.t2 * 1000)  # for that one nothing is waited
    assert all(at[i + 1] - at[i] >= 60000 for i in range(len(at) - 1))


@rfc("2131 4.4.5 minute-between-requests")
def test_in_a_short_lease_4_s_are_waited_between_requests():
    w = World().bound(lease=60, t1=30, t2=50)
    w.go(49)
    assert [sent.at // 1000 for sent in w.sent[2:]] == [30, 34, 38, 42, 46]


@rfc("2131 4.4.5 rebinding-at-t2")
def test_that_wait_does_not_overshoot_t2():
    w = World().bound(lease=4000, t1=100, t2=130)
    w.go(130)
    assert [sent.at // 1000 for sent in w.sent[2:]] == [100, 130]
    assert w.state == REBINDING


@rfc("2131 4.4.5 expiry-to-init")
def test_that_wait_does_not_overshoot_the_end():
    w = World().bound(lease=400, t1=100, t2=398)
    w.go(399.9)
    assert w.state == REBINDING
    w.go(0.1)
    assert w.lease is None
    assert (400000, "expired") in w.events


@rfc(
    "2131 figure5 renewing-rebinding-ack",
    "2131 4.4.5 renewed-lease-from-the-request",
    "2131 2.2 lease-extended",
)
def test_a_renewal_begins_a_new_lease():
    w = World().renewing(lease=3600)
    old = w.lease
    begin = last(w).at
    w.go(0.5)
    assert w.answer(ACK, lease=7200) == "renewed"
    assert w.state == BOUND
    assert w.lease is not old
    assert w.lease.remaining() == 7200
    w.go((begin - w.now) / 1000 + 7199.9)
    assert w.lease
    w.go(0.1)
    assert w.lease is None


@rfc("2131 4.4.5 renewed-lease-from-the-request")
def test_a_renewal_runs_from_the_request_that_was_answered():
    w = World().bound(lease=4000, t1=1000, t2=3000)
    w.go(2000)
    assert last(w).at == 1990000
    w.answer(ACK, lease=4000)
    assert w.lease.remaining() == 3990


@rfc("2131 4.4.5 ack-with-another-xid")
def test_an_ack_to_an_earlier_renewal_is_refused():
    w = World().bound(lease=4000, t1=1000, t2=3000)
    w.go(2010)
    assert moved(w, reply(ACK, xid=w.sent[-2].xid)) == "xid"


@rfc("2131 figure5 renewing-rebinding-ack", "2131 4.1 unicast-to-server-id")
def test_another_server_may_take_over_in_rebinding():
    w = World().rebinding()
    assert w.answer(ACK, server=OTHER_SERVER) == "rebound"
    assert w.lease.server == OTHER_SERVER
    w.go(w.lease.t1)
    assert last(w).to == OTHER_SERVER


@rfc("1542 3.3 yiaddr-adopted")
def test_a_renewal_may_change_the_address():
    w = World().renewing()
    w.answer(ACK, yiaddr=OTHER_IP)
    assert w.lease.yiaddr == OTHER_IP
    w.go(w.lease.t1)
    assert last(w).ciaddr == OTHER_IP


@rfc("2131 figure5 renewing-rebinding-nak")
def test_a_nak_to_a_renewal_ends_the_lease_at_once():
    for state in ("renewing", "rebinding"):
        w = getattr(World(), state)()
        assert w.answer(NAK, server=OTHER_SERVER) == "nak"
        assert w.lease is None
        assert w.state == SELECTING
        assert last(w).type == DISCOVER
        assert last(w).ciaddr == NOBODY
        assert last(w).secs == 0


@rfc("2131 4.4.5 expiry-to-init", "2131 3.7 no-use-after-the-end", "2131 3.7 use-until-the-end")
def test_a_lease_ends_in_silence_at_its_end():
    w = World().bound()
    w.go(3599.999)
    assert w.lease
    w.go(0.001)
    assert w.lease is None
    assert w.events[-2:] == [(3600000, "expired"), (3600000, "send")]
    assert last(w).type == DISCOVER
    assert last(w).secs == 0


# Late polls


@rfc("2131 4.4.5 rebinding-at-t2")
def test_a_poll_after_t2_skips_renewing():
    w = World().bound()
    w.sleep(3200)
    assert w.state == REBINDING
    assert len(w.sent) == 3


@rfc("2131 4.4.5 expiry-to-init")
def test_a_poll_after_the_end_finds_it_expired_and_renews_nothing():
    w = World().bound()
    w.sleep(4000)
    assert w.events[-2:] == [(4000000, "expired"), (4000000, "send")]
    assert last(w).type == DISCOVER


def test_a_poll_one_second_before_the_end_rebinds():
    w = World().bound()
    w.sleep(3599)
    assert w.state == REBINDING
    w.answer(ACK)
    assert w.lease.remaining() == 3600


def test_a_day_without_a_poll_while_selecting_is_one_discover():
    w = World().selecting()
    w.sleep(DAY)
    assert types(w) == [DISCOVER, DISCOVER]
