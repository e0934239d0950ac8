"""A lease that is given up: release, close, decline."""

from errno import EHOSTUNREACH, EIO

from cable import Board, Cable, Port, Server
from dhcpc.conflicts import decline
from kit import raises, rfc
from world import DECLINE, DISCOVER, IP, NOBODY, OTHER_IP, OTHER_SERVER, RELEASE, REQUEST, SERVER

MAC2 = b"\x02\0\0\0\0\x02"

# release


@rfc("2131 3.1 release", "2131 4.4.6 release")
def test_release_is_sent_before_the_address_goes():
    board = Board().bound()
    del board.cable.log[:]
    board.client.release()
    log = board.cable.log
    assert log.index("send") < log.index("remove")
    released = board.cable.sent[-1]
    assert (released.type, released.to, released.ciaddr) == (RELEASE, SERVER, IP)
    assert released.options[54] == SERVER
    assert board.client.lease is None
    assert board.cable.address is None
    assert not board.cable.sock
    assert board.events[-1] == "released"


@rfc("4436 2.2 init")
def test_release_forgets_the_record():
    board = Board().bound()
    board.client.release()
    assert board.again().bound().types == [DISCOVER, REQUEST]


def test_a_release_that_finds_no_memory_for_its_message_is_one_all_the_same():
    board = Board().bound()
    write = board.client.session.write

    def fails(buf, type):
        board.client.session.write = write
        raise MemoryError

    board.client.session.write = fails
    raises(MemoryError, board.client.release)
    board.poll()
    assert board.events[-1] == "released"
    assert board.cable.address is board.client.lease is None
    assert board.again().bound().types == [DISCOVER, REQUEST]


@rfc("2131 4.4.6 release")
def test_after_release_nothing_is_sent_until_acquire():
    board = Board().bound()
    board.client.release()
    sent = len(board.types)
    board.go(10_000)
    assert len(board.types) == sent
    assert board.client.state == "STOPPED"
    assert board.client.acquire().ip == "10.0.0.5"


def test_release_forgets_no_record_of_another_network():
    board = Board()
    for network in (b"home", b"work"):
        board = board.again()
        board.cable.network = network
        board.bound()
    board.client.release()
    for network, types in ((b"home", [REQUEST]), (b"work", [DISCOVER, REQUEST])):
        board = board.again()
        board.cable.network = network
        assert board.bound().types == types


def test_release_of_a_lease_that_is_being_verified_leaves_its_record():
    # No RELEASE has left: the server still has the lease.
    board = Board().bound().again()
    board.poll()
    board.client.release()
    assert board.types == [REQUEST]
    assert board.again().bound().types == [REQUEST]


def test_a_second_release_forgets_no_other_record():
    board = Board().bound()
    board.client.close()
    other = board.again(server=Server(server=OTHER_SERVER))
    other.cable.server.naks = True
    other.poll()
    other.cable.server.naks = False
    other.bound()
    assert len(other.client.store.records()) == 2
    other.client.release()
    other.client.release()
    assert len(other.client.store.records()) == 1


@rfc("2131 3.6 each-interface-by-itself")
def test_two_clients_of_one_board_take_turns():
    port = Port()
    deaf = Server()
    deaf.mute = (DISCOVER,)
    first = Board(deaf, port)
    second = Board(Server(), port)
    for _ in range(2000):
        first.poll()
        second.cable.now = max(first.cable.now, second.cable.now)
        second.poll()
        first.cable.now = max(first.cable.now, second.cable.now) + 500
    assert first.client.state == "SELECTING"
    assert second.client.state == "BOUND"


@rfc("2131 3.6 each-interface-by-itself", "2131 3.1 lease-identified")
def test_each_interface_has_its_own_lease_and_its_own_record():
    class Other(Cable):
        mac = MAC2

    name = b"\0pump-3"
    other = Server(yiaddr=OTHER_IP, server=OTHER_SERVER, chaddr=MAC2)
    first = Board(client_id=name).bound()
    second = Board(other, kind=Other, store=first.store, client_id=name).bound()
    assert first.client.lease.yiaddr == IP
    for board, kind, ip in ((first, Cable, IP), (second, Other, OTHER_IP)):
        again = board.again(kind=kind, client_id=name).bound()
        assert again.types == [REQUEST]
        assert again.cable.sent[0].options[50] == again.client.lease.yiaddr == ip


def test_release_before_the_first_poll_sends_nothing_and_leaves_the_record():
    board = Board().bound().again()
    board.client.release()
    assert board.types == []
    assert board.client.state == "STOPPED"
    assert board.again().bound().types == [REQUEST]


def test_a_release_that_cannot_be_sent_or_forgotten_takes_the_address_away():
    for what in ("send", "open"):
        board = Board().bound()
        board.cable.faults[what] = OSError(EHOSTUNREACH)
        board.store.fault = OSError(EIO)
        board.client.release()
        assert board.cable.address is None
        assert board.client.lease is None
        assert board.client.state == "STOPPED"
        assert "error" in board.events


def test_release_in_on_event_of_a_release_does_nothing_a_second_time():
    board = Board().bound()

    def on_event(event, lease):
        board.events.append(event)
        if event == "released":
            board.client.release()

    board.client.on_event = on_event
    board.client.release()
    assert board.types == [DISCOVER, REQUEST, RELEASE]
    assert board.events.count("released") == 1
    assert board.client.state == "STOPPED"


# close


@rfc("2131 3.2 no-release-at-shutdown")
def test_close_keeps_the_record_and_hands_the_interface_back_last():
    board = Board().bound()
    del board.cable.log[:]
    board.client.close()
    log = board.cable.log
    assert "send" not in log
    assert log[-1] == "release"
    assert board.cable.address is None
    assert not board.cable.sock
    assert board.again().bound().types == [REQUEST]


def test_close_leaves_the_built_in_client_its_address_though_the_nic_has_failed_before():
    board = Board().bound()
    del board.cable.log[:]
    board.cable.faults["remove"] = [OSError(EIO)]
    board.client.close()
    board.go(10)
    assert board.cable.log[-2:] == ["remove", "release"]
    assert board.events[-1] == "link"


def test_acquire_after_close_stops_the_built_in_client_again():
    board = Board().bound()
    board.client.close()
    del board.cable.log[:]
    board.client.acquire()
    assert board.cable.log[0] == "remove"


# decline


@rfc(
    "2131 3.1 decline",
    "2131 3.1 decline-then-start-over",
    "2131 3.1 ten-seconds-after-decline",
    "2131 4.4.4 decline-broadcast",
    "2131 table5 decline-ciaddr-zero",
    "2131 table5 decline-requested-address",
    "2131 table5 decline-names-the-server",
)
def test_decline_takes_the_address_away_and_waits_10_s():
    board = Board().bound()
    decline(board.client)
    declined = board.cable.sent[-1]
    assert (declined.type, declined.to, declined.ciaddr) == (DECLINE, None, NOBODY)
    assert (declined.options[50], declined.options[54]) == (IP, SERVER)
    assert board.client.lease is None
    assert board.cable.address is None
    assert "declined" in board.events
    at = board.cable.now
    board.cable.server.grant["yiaddr"] = OTHER_IP
    board.go(20)
    assert board.types[-2:] == [DISCOVER, REQUEST]
    assert board.cable.sent[-2].at >= at + 10_000
    assert board.cable.address == "10.0.0.6"


def test_decline_without_a_lease_sends_nothing():
    for board in (Board(), Board().bound().again()):
        try:
            decline(board.client)
        except ValueError:
            pass  # to name it is as good
        assert board.types == []


def test_decline_of_a_lease_that_is_over_raises_nothing():
    board = Board().bound()
    board.cable.now += 100_000_000
    decline(board.client)
    assert not board.client.lease


@rfc("2131 3.1 ten-seconds-after-decline")
def test_decline_after_a_long_sleep_still_waits_10_s():
    board = Board().bound()
    board.cable.now += 600_000
    decline(board.client)
    sent = len(board.types)
    board.go(9)
    assert len(board.types) == sent
    board.go(2)
    assert len(board.types) > sent


@rfc("2131 4.1 source-zero-of-decline")
def test_decline_leaves_when_the_address_has_gone():
    # Or else lwIP sends it from the address that somebody else has.
    board = Board().bound()
    del board.cable.log[:]
    decline(board.client)
    log = board.cable.log
    assert log.index("remove") < log.index("send")


@rfc("2131 3.1 ten-seconds-after-decline")
def test_a_decline_that_cannot_be_sent_still_waits_10_s():
    for what in ("send", "open", "remove"):
        for error in (OSError(EHOSTUNREACH), MemoryError()):
            board = Board().bound()
            at = board.cable.now
            sent = len(board.types)
            board.cable.faults[what] = error
            decline(board.client)
            del board.cable.faults[what]
            assert board.client.lease is None
            board.go(30)
            assert DISCOVER in board.types[sent:]
            for each in board.cable.sent[sent:]:
                assert each.type == DECLINE or each.at >= at + 10_000


@rfc("2131 3.1 discover-suggests-address")
def test_a_declined_address_is_not_suggested():
    board = Board().bound()
    decline(board.client)
    board.go(20)
    discover = [sent for sent in board.cable.sent if sent.type == DISCOVER][-1]
    assert discover.options.get(50) is None
