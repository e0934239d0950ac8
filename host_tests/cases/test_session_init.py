"""RFC 2131 4.4, rule by rule: from INIT to a lease."""

from dhcpc.servers import choose
from kit import rfc
from world import (
    ACK,
    BOUND,
    CLIENT_ID,
    DISCOVER,
    INIT,
    IP,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    OTHER_IP,
    OTHER_SERVER,
    PARAMETERS,
    REQUEST,
    REQUESTING,
    SELECTING,
    SERVER,
    STOPPED,
    World,
    gaps,
    has,
    high,
    last,
    low,
    opt,
    reply,
    types,
)

# Seconds after a message until the next one, each times a random part of 1 (RFC 2131 4.1)
WAITS = [1, 1, 2, 2] + 21 * [4] + [8, 16, 32, 64, 64]


def choosing(world, *how):
    """A client that has a say in which OFFER is taken."""
    choose(world, *how)
    return world.selecting()


# INIT and SELECTING


@rfc(
    "2131 4.4.1 begins-with-discover",
    "2131 4.4.1 discover-ciaddr-zero",
    "2131 4.4.1 discover-broadcast",
    "2131 4.4.4 broadcast",
    "2131 table5 discover-names-no-server",
    "1542 3.2 secs-zero-at-first",
    "1542 3.3 ciaddr-zero",
    "2131 3.1 discover-broadcast",
)
def test_discover_is_broadcast_and_asks_for_nothing():
    w = World().selecting()
    assert types(w) == [DISCOVER]
    sent = last(w)
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.secs == 0
    assert not has(sent, 50)
    assert not has(sent, 54)


@rfc(
    "2131 4.4.1 parameter-list",
    "2131 4.4.1 chaddr",
    "2131 3.5 parameter-list",
    "4361 6.4 identifier-in-every-message",
)
def test_every_message_before_a_lease_has_the_client_identifier_and_the_list():
    w = World().requesting()
    for sent in w.sent:
        assert opt(61, sent.options[61]) == CLIENT_ID
        assert opt(55, sent.options[55]) == PARAMETERS
        assert sent.data[28:44] == MAC + bytes(10)


@rfc("2131 3.5 parameter-list-in-requests", "2131 4.3.2 parameter-list-in-all-messages")
def test_every_request_has_the_list_of_the_discover():
    for state in ("requesting", "rebooting", "renewing", "rebinding"):
        w = getattr(World(), state)()
        assert w.sent[0].type == DISCOVER
        assert last(w).type == REQUEST
        assert last(w).options[55] == w.sent[0].options[55]


def test_nothing_is_sent_before_start():
    w = World()
    w.go(1000)
    assert w.state == STOPPED
    assert w.events == []


@rfc("2131 4.4.1 start-wait")
def test_start_waits_as_long_as_it_is_told():
    w = World()
    w.session.start(wait=7000)
    w.go(6.999)
    assert w.state == INIT
    assert w.sent == []
    w.go(0.001)
    assert types(w) == [DISCOVER]


@rfc(
    "2131 2 reserved-flags-zero",
    "2131 4.1 broadcast-flag-set",
    "1542 3.1.1 flag-if-needed",
    "1542 3.1.1 flag-clear-otherwise",
)
def test_the_broadcast_flag_is_clear_unless_it_is_asked_for():
    assert [sent.flags for sent in World().requesting().sent] == [0, 0]
    assert [sent.flags for sent in World(flags=0x8000).requesting().sent] == [0x8000, 0x8000]


@rfc(
    "2131 3.1 discover-again",
    "2131 4.1 client-retransmits",
    "2131 4.1 backoff",
    "2131 4.1 first-pauses",
    "2131 4.1 pause-up-to-64-s",
    "951 7.2 backoff",
)
def test_discover_is_sent_again_each_4_seconds_for_a_minute_then_after_8_to_64():
    w = World(rand=lambda bits: 1 << bits - 1 if bits > 9 else 511).selecting()
    w.go(275)
    assert [round(gap) for gap in gaps(w)] == WAITS
    assert set(types(w)) == {DISCOVER}


@rfc("2131 4.1 backoff", "2131 4.1 first-pauses", "951 7.2 backoff")
def test_retransmission_is_randomized_in_proportion():
    for rand, first, then in ((low, 0.5, 0.5), (high, 1.5, 1)):
        w = World(rand=rand).selecting()
        w.go(150)
        assert len(w.sent) > 22
        for i, gap in enumerate(gaps(w)):
            assert abs(gap / WAITS[i] - (then if i else first)) < 0.002


@rfc(
    "2131 2 secs-since-start",
    "2131 4.1 xid-of-retransmission",
    "1542 3.2 secs-since-the-first",
    "1542 3.2 secs-not-constant",
    "951 7.2 secs-updated",
)
def test_discover_is_repeated_with_its_xid_and_with_the_seconds_gone():
    w = World().selecting()
    w.go(60)
    assert len(w.sent) > 5
    for sent in w.sent:
        assert sent.xid == w.sent[0].xid
        assert sent.secs == (sent.at - w.sent[0].at) // 1000


@rfc("2131 2 secs-since-start")
def test_secs_stops_at_what_its_field_holds():
    w = World().selecting()
    w.go(65535)
    w.sleep(100)
    assert last(w).secs == 65535


@rfc("2131 2 xid-random")
def test_another_start_has_another_xid():
    xids = {World(now=1).selecting().sent[0].xid}
    w = World()
    for _ in range(20):
        xids.add(w.selecting().sent[-1].xid)
    assert len(xids) == 20


@rfc("2131 2 xid-random", "2131 4.1 xid-unlike-others", "2131 4.4.2 reboot-random-xid")
def test_the_whole_of_an_xid_is_random():
    zeros = World(rand=low).selecting().sent[0].xid
    ones = World(rand=high).selecting().sent[0].xid
    assert (zeros, ones) == (bytes(4), b"\xff\xff\xff\xff")


@rfc("2131 4.4.1 selects-one-offer", "2131 4.2 any-strategy")
def test_an_offer_is_taken_up_at_once():
    w = World().selecting()
    assert w.answer(OFFER) == "recv"
    assert w.state == REQUESTING
    assert types(w) == [DISCOVER, REQUEST]
    assert w.lease is None


@rfc(
    "2131 4.3.2 selecting-names-the-server",
    "2131 4.3.2 selecting-ciaddr-zero",
    "2131 4.3.2 selecting-requested-address",
    "2131 4.3.6 selecting-broadcast",
    "2131 4.4.4 broadcast",
    "2131 3.1 request-broadcast",
    "2131 3.1 request-names-server",
    "2131 3.1 request-names-address",
    "2132 9.7 choice-by-server-identifier",
    "2132 9.1 requested-address",
)
def test_request_in_selecting_is_broadcast_and_names_address_and_server():
    sent = last(World().requesting())
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.options[50] == IP
    assert sent.options[54] == SERVER


@rfc("2131 4.4.1 xid-of-the-offer", "2131 3.1 request-has-discovers-secs")
def test_request_in_selecting_has_xid_and_secs_of_its_discover():
    w = choosing(World(), 5000)
    w.go(3)
    w.answer(OFFER)
    discover = last(w)
    w.go(9)
    requests = [sent for sent in w.sent if sent.type == REQUEST]
    assert len(requests) > 1
    assert discover.secs > 0
    for sent in requests:
        assert sent.xid == discover.xid
        assert sent.secs == discover.secs


@rfc("2131 4.3.2 best-offer", "2131 3.1 several-offers-awaited")
def test_offers_are_collected_for_as_long_as_it_is_told():
    w = choosing(World(), 2000)
    w.answer(OFFER)
    w.go(1.999)
    assert types(w) == [DISCOVER]
    w.go(0.001)
    assert types(w) == [DISCOVER, REQUEST]


@rfc("2131 4.4.1 selects-one-offer")
def test_the_window_opens_with_the_first_offer_and_is_not_prolonged():
    w = choosing(World(rand=high), 1000, lambda m, server: True)
    w.go(1.2)
    w.answer(OFFER)
    w.go(0.6)
    w.answer(OFFER, server=OTHER_SERVER)
    w.go(0.4)
    assert w.state == REQUESTING


@rfc(
    "2131 4.3.2 selecting-names-the-server",
    "2131 4.3.2 selecting-requested-address",
    "2131 4.4.1 selects-one-offer",
    "2131 1.6 several-replies",
    "2132 9.7 offers-told-apart",
    "2132 9.7 choice-by-server-identifier",
)
def test_of_several_offers_the_first_is_taken_and_named():
    w = choosing(World(), 1000)
    assert w.answer(OFFER) == "recv"
    assert w.answer(OFFER, server=OTHER_SERVER, yiaddr=OTHER_IP) == "ignored"
    assert w.session.reason == "choose"
    w.go(1)
    assert last(w).options[50] == IP
    assert last(w).options[54] == SERVER


@rfc(
    "2131 4.3.2 selecting-names-the-server",
    "2131 4.3.2 selecting-requested-address",
    "2131 4.3.2 best-offer",
)
def test_the_application_may_choose_another_offer():
    w = choosing(World(), 1000, lambda m, server: True)
    w.answer(OFFER)
    w.answer(OFFER, server=OTHER_SERVER, yiaddr=OTHER_IP)
    w.go(1)
    assert last(w).options[50] == OTHER_IP
    assert last(w).options[54] == OTHER_SERVER


def test_the_application_sees_the_offer_and_the_server_of_the_one_that_it_has():
    seen = []

    def rule(m, server):
        seen.append((m.option(15), server))
        return len(seen) != 2

    w = choosing(World(), 1000, rule)
    assert w.answer(OFFER, options=opt(15, b"one")) == "recv"
    assert w.answer(OFFER, server=OTHER_SERVER, options=opt(15, b"two")) == "ignored"
    assert w.session.reason == "choose"
    assert w.answer(OFFER, server=OTHER_SERVER, options=opt(15, b"three")) == "recv"
    assert seen == [(b"one", None), (b"two", SERVER), (b"three", SERVER)]
    w.go(1)
    assert last(w).options[54] == OTHER_SERVER


def test_the_application_may_read_another_lease_while_it_chooses():
    other = World().bound(server=OTHER_SERVER, yiaddr=OTHER_IP, options=opt(15, b"old")).lease

    def rule(m, server):
        assert other.option(15) == b"old"
        assert (other.ip, other.server, other.gateway) == ("10.0.0.6", OTHER_SERVER, "0.0.0.0")
        return m.option(15) == b"new"

    w = choosing(World(), 0, rule)
    assert w.answer(OFFER, options=opt(15, b"new")) == "recv"
    assert last(w).options[50] == IP
    assert last(w).options[54] == SERVER
    assert w.answer(ACK, options=opt(15, b"new")) == "bound"
    assert w.lease.option(15) == b"new"


@rfc("2131 4.3.2 no-acceptable-offer")
def test_the_application_may_refuse_every_offer():
    w = choosing(World(), 0, lambda m, server: False)
    assert w.answer(OFFER) == "ignored"
    w.go(4)
    assert w.state == SELECTING
    assert set(types(w)) == {DISCOVER}


@rfc("2131 figure5 requesting-offer", "2131 1.6 several-replies", "2131 4.2 any-strategy")
def test_an_offer_that_is_late_is_refused():
    w = World().requesting()
    assert w.answer(OFFER, server=OTHER_SERVER) == "ignored"
    assert w.session.reason == "type"
    w.answer(ACK)
    assert w.lease.server == SERVER


# REQUESTING


@rfc(
    "2131 3.1 request-again",
    "2131 3.1 request-often-enough",
    "2131 3.1 silence-leads-to-init",
    "2131 3.1 start-over-told",
    "1542 3.2 secs-after-a-start-over",
    "4039 3.1 failure-told",
)
def test_request_is_sent_six_times_then_it_starts_over():
    w = World(rand=lambda bits: 1 << bits - 1 if bits > 9 else 511).requesting()
    first = last(w).xid
    w.go(13.9)
    assert types(w) == [DISCOVER] + 6 * [REQUEST]
    assert [round(gap) for gap in gaps(w)][1:] == WAITS[:5]
    w.session.rand = w.random
    w.go(0.2)
    assert "timeout" in [event for _, event in w.events]
    assert types(w) == [DISCOVER] + 6 * [REQUEST] + [DISCOVER]
    assert last(w).xid != first
    assert last(w).secs == 0


@rfc("2131 3.1 request-again", "2131 4.1 xid-of-retransmission")
def test_request_is_repeated_as_it_was():
    w = World().requesting()
    w.go(8)
    requests = w.sent[1:]
    assert len(requests) > 2
    for sent in requests:
        assert sent.data == requests[0].data


@rfc("2131 4.1 time-for-a-reply")
def test_a_reply_that_comes_after_further_sendings_counts():
    w = World().selecting()
    w.go(60)
    assert types(w) == len(w.sent) * [DISCOVER]
    assert len(w.sent) > 4
    assert w.hand(reply(OFFER, xid=w.sent[0].xid)) == "recv"
    w.go(7)
    assert len([sent for sent in w.sent if sent.type == REQUEST]) > 2
    assert w.hand(reply(ACK, xid=w.sent[0].xid)) == "bound"


@rfc("2131 figure5 requesting-ack")
def test_an_ack_gives_the_lease():
    w = World().requesting()
    assert w.answer(ACK, options=opt(15, b"example")) == "bound"
    assert w.state == BOUND
    assert w.lease.ip == "10.0.0.5"
    assert w.lease.server == SERVER
    assert w.lease.option(15) == b"example"


@rfc("2131 4.3.2 parameters-of-the-ack")
def test_what_the_ack_says_counts_where_the_offer_said_something_else():
    w = World().requesting(lease=60, options=opt(15, b"offered"))
    w.answer(ACK, lease=3600, yiaddr=OTHER_IP, options=opt(15, b"granted"))
    assert w.lease.yiaddr == OTHER_IP
    assert w.lease.lease_time == 3600
    assert w.lease.option(15) == b"granted"


@rfc("2131 4.4.1 lease-from-the-request", "2131 3.1 lease-time-noted")
def test_a_lease_runs_from_the_first_sending_of_its_request():
    w = World().requesting()
    first = last(w).at
    w.go(6)
    assert len(w.sent) > 3
    w.answer(ACK, lease=3600)
    assert w.lease.remaining() == 3594
    w.go((first - w.now) / 1000 + 3599.9)
    assert w.lease
    w.go(0.1)
    assert w.lease is None


@rfc("2131 4.4.1 lease-from-the-request")
def test_what_remains_is_right_at_the_moment_of_the_ack():
    w = World().requesting()
    w.go(6)
    data = reply(ACK, xid=last(w).xid)
    w.session.read(data)
    assert w.lease.remaining() == 3594


@rfc("2131 4.4.1 lease-from-the-request")
def test_the_time_until_there_was_an_offer_is_none_of_the_lease():
    w = World().selecting()
    w.go(100)
    w.answer(OFFER)
    w.answer(ACK, lease=3600)
    assert w.lease.remaining() == 3600


@rfc("2131 3.1 nak-starts-over", "2131 figure5 requesting-nak")
def test_a_nak_in_requesting_starts_over():
    w = World().requesting()
    first = last(w).xid
    assert w.answer(NAK) == "nak"
    assert types(w) == [DISCOVER, REQUEST, DISCOVER]
    assert last(w).xid != first
    assert last(w).secs == 0


@rfc("2131 4.2 any-strategy")
def test_the_first_offer_is_taken_whatever_the_servers_address():
    for first in range(1, 224):
        for second in (0, first, first + 1):
            server = bytes((first, second, 0, 1))
            world = World().selecting()
            world.answer(OFFER, server=server)
            assert world.session.server == server
