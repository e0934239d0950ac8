"""RFC 2131 4.4, rule by rule: RELEASE, DECLINE, and a client that is stopped."""

from kit import raises, rfc
from world import (
    ACK,
    CLIENT_ID,
    DAY,
    DECLINE,
    DISCOVER,
    IP,
    NAK,
    NOBODY,
    RELEASE,
    SERVER,
    STOPPED,
    World,
    last,
    opt,
)

# RELEASE and DECLINE


@rfc(
    "2131 4.4.4 release-unicast",
    "2131 table5 decline-release-secs",
    "2131 table5 release-ciaddr",
    "2131 table5 release-no-requested-address",
    "2131 table5 release-names-the-server",
    "2131 3.1 release-identifies-lease",
    "2131 4.1 unicast-to-server-id",
)
def test_release_is_unicast_and_names_address_and_server():
    w = World().bound()
    w.go(100)
    sent = w.write(RELEASE)
    assert sent.type == RELEASE
    assert sent.to == SERVER
    assert sent.ciaddr == IP
    assert sent.secs == sent.flags == 0
    assert sorted(sent.options) == [53, 54, 61]
    assert sent.options[54] == SERVER


@rfc("2131 4.4.4 release-unicast", "2131 4.1 unicast-to-server-id")
def test_release_goes_to_the_server_of_a_restored_lease():
    lease = World().bound().lease
    lease.age = 10
    w = World()
    w.session.start(0, lease.yiaddr, lease)
    w.poll()
    assert w.write(RELEASE).to == SERVER


@rfc("2131 table3 server-identifier")
def test_release_of_a_lease_whose_server_nothing_names_goes_to_all_and_names_none():
    sent = World().bound(server=None).write(RELEASE)
    assert sent.to is None
    assert sent.ciaddr == IP
    assert sorted(sent.options) == [53, 61]


@rfc("2131 4.4.6 release")
def test_after_release_nothing_is_sent_any_more():
    w = World().bound()
    w.write(RELEASE)
    w.session.stop()
    assert w.lease is None
    w.go(2 * DAY)
    assert len(w.sent) == 2
    assert w.state == STOPPED


@rfc(
    "2131 4.4.4 decline-broadcast",
    "2131 table5 decline-release-secs",
    "2131 table5 decline-ciaddr-zero",
    "2131 table5 decline-requested-address",
    "2131 table5 decline-names-the-server",
    "2131 3.1 decline",
)
def test_decline_is_broadcast_and_names_address_and_server():
    w = World().bound()
    w.session.start()
    sent = w.write(DECLINE)
    assert sent.type == DECLINE
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.secs == sent.flags == 0
    assert sorted(sent.options) == [50, 53, 54, 61]
    assert sent.options[50] == IP
    assert sent.options[54] == SERVER


def test_after_decline_ten_seconds_may_be_waited():
    w = World().bound()
    w.session.start(10000)
    w.write(DECLINE)
    assert w.lease is None
    w.go(9.999)
    assert len(w.sent) == 2
    w.go(0.001)
    assert last(w).type == DISCOVER


# The application's mistakes, and stop


@rfc("3396 4 split-or-not-sent")
def test_options_that_do_not_fit_in_a_message_are_refused():
    fits = 548 - 255 - len(CLIENT_ID) - 1
    World(options=opt(12, bytes(255)) + opt(60, bytes(fits - 259))).requesting()
    too_many = World(options=opt(12, bytes(255)) + opt(60, bytes(fits - 258)))
    assert "options" in raises(ValueError, too_many.selecting)


@rfc("2131 figure5 other-replies")
def test_a_stopped_client_hears_nothing():
    w = World().renewing()
    w.session.stop()
    assert w.state == STOPPED
    assert w.lease is None
    assert w.answer(ACK) == "ignored"
    assert w.answer(NAK) == "ignored"
    assert w.lease is None


def test_a_stopped_client_may_start_again():
    w = World().bound()
    w.session.stop()
    w.go(1000)
    w.selecting()
    assert last(w).type == DISCOVER
    assert last(w).secs == 0
    w.go(30)
    assert last(w).secs > 0
