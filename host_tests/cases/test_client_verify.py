"""verify() and renew(): the application asks before the client would."""

from cable import LEASE, TRIP, Board, Server
from kit import rfc
from world import DISCOVER, INFINITE, IP, NOBODY, OTHER_IP, REQUEST, SERVER

# verify


@rfc(
    "2131 3.2 reboot-broadcast",
    "2131 3.2 reboot-names-address",
    "2131 3.2 reboot-without-ciaddr",
    "2131 4.3.2 reboot-names-no-server",
    "2131 4.3.2 reboot-requested-address",
    "2131 4.3.2 reboot-ciaddr-zero",
    "4436 2.2 init-reboot",
)
def test_verify_asks_with_init_reboot_whether_the_lease_holds():
    board = Board().bound()
    board.client.verify()
    assert board.client.acquire().ip == board.cable.address == "10.0.0.5"
    assert board.types == [DISCOVER, REQUEST, REQUEST]
    sent = board.cable.sent[-1]
    assert (sent.to, sent.ciaddr, sent.options[50]) == (None, NOBODY, IP)
    assert 54 not in sent.options
    assert board.events[-1] == "rebooted"
    assert board.client.state == "BOUND"


@rfc("4436 2.1.1 quiet-until-confirmed")
def test_until_it_is_verified_nothing_is_sent_from_the_address():
    board = Board().bound()
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.client.verify()
    board.poll()
    assert board.client.lease is None
    assert board.cable.address is None
    assert board.client.state == "REBOOTING"


@rfc("2131 3.2 nak-leads-to-init")
def test_verify_of_a_lease_that_another_network_does_not_know_leads_to_a_new_one():
    board = Board().bound()
    board.cable.server = Server(yiaddr=OTHER_IP)
    board.cable.server.naks = True
    board.client.verify()
    board.poll()
    board.cable.now += TRIP
    board.poll()
    board.cable.server.naks = False
    assert board.client.acquire().ip == board.cable.address == "10.0.0.6"
    assert 50 not in board.cable.sent[-2].options  # a DISCOVER that suggests nothing


@rfc("2131 3.1 start-over-told")
def test_verify_where_nobody_answers_leads_to_a_discover():
    board = Board().bound()
    board.cable.server.mute = (REQUEST,)
    board.client.verify()
    board.go(10)
    assert DISCOVER in board.types[2:]
    assert "timeout" in board.events


def test_verify_writes_nothing_if_nothing_has_changed():
    board = Board().bound()
    for _ in range(5):
        board.client.verify()
        board.bound()
    assert board.store.writes == 1


def test_verify_again_asks_for_the_same_address():
    board = Board().bound()
    board.cable.server.mute = (REQUEST,)
    board.client.verify()
    board.poll()
    board.client.verify()
    board.poll()
    assert set(board.types[2:]) == {REQUEST}
    assert board.cable.sent[-1].options[50] == IP
    assert board.client.state == "REBOOTING"


def test_verify_without_a_lease_is_no_reason_to_send():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.go(60)
    sent = len(board.types)
    xid = board.cable.sent[-1].xid
    for _ in range(100):
        board.client.verify()
        board.poll()
    assert len(board.types) == sent
    board.go(100)
    assert board.cable.sent[-1].xid == xid
    board = Board().bound()
    board.client.release()
    board.client.verify()
    board.go(60)
    assert board.client.state == "STOPPED"


def test_verify_after_a_long_sleep_of_a_lease_that_is_over_starts_anew():
    board = Board().bound()
    board.cable.now += 2 * LEASE * 1000
    board.client.verify()
    board.poll()
    assert not board.cable.address
    lease = board.client.acquire()
    assert lease.ip == board.cable.address == "10.0.0.5"
    assert lease.remaining() > LEASE - 2


# renew


@rfc("2131 4.4.5 before-t1")
def test_renew_asks_its_server_before_t1():
    board = Board().bound()
    board.go(100)
    board.client.renew()
    board.go(1)
    sent = board.cable.sent[-1]
    assert (sent.type, sent.to, sent.ciaddr) == (REQUEST, SERVER, IP)
    assert board.events[-1] == "renewed"
    assert board.client.lease.remaining() >= LEASE - 2
    assert board.cable.log.count("remove") == 2  # when it was made, when it began: not since


@rfc("2131 4.4.5 before-t1")
def test_renew_of_an_infinite_lease_asks_too():
    board = Board(Server(lease=INFINITE)).bound()
    board.client.renew()
    board.go(1)
    assert board.events[-1] == "renewed"


@rfc("2131 4.4.5 before-t1")
def test_a_renew_that_nobody_answers_leaves_the_lease_as_it_was():
    board = Board().bound()
    board.cable.server.mute = (REQUEST,)
    board.client.renew()
    board.go(1)
    assert board.client.state == "RENEWING"
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    board.cable.server.mute = ()
    board.go(LEASE)
    assert "renewed" in board.events
    assert "expired" not in board.events


def test_renew_without_a_lease_changes_nothing():
    board = Board()
    board.client.renew()
    board.bound()
    board.go(60)
    assert board.types == [DISCOVER, REQUEST]
    board.client.release()
    board.client.renew()
    board.go(60)
    assert board.client.state == "STOPPED"
