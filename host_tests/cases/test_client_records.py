"""When the client writes a record, and when it forgets one."""

from errno import EIO

from cable import Board, Server
from dhcpc.conflicts import decline
from world import DISCOVER, NAK, REQUEST, opt, reply


def test_a_renewal_that_changes_nothing_writes_nothing():
    board = Board().bound()
    board.go(20_000)
    assert board.events.count("renewed") >= 5
    assert board.store.writes == 1


def test_a_renewal_that_changes_something_is_applied_and_written():
    board = Board(Server(t1=1000)).bound()
    board.cable.server.grant["options"] = opt(6, b"\x08\x08\x08\x08")
    board.go(1100)
    assert board.client.lease.dns == ["8.8.8.8"]
    assert board.cable.log.count("apply") == 2
    assert board.store.writes == 2


def test_a_verified_lease_that_has_not_changed_is_not_written():
    board = Board().bound().again().bound()
    assert board.store.writes == 0


def test_a_record_that_cannot_be_written_is_an_error_and_no_more():
    board = Board()
    board.store.fault = OSError(EIO)
    board.bound()
    assert board.client.lease
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.events.count("error") == 1
    assert board.events[-2:] == ["bound", "error"]  # told first, written then
    board.store.fault = None
    board.go(2000)
    assert board.store.writes == 1


def test_an_address_that_cannot_be_applied_is_an_error_and_tried_again_by_the_next_poll():
    board = Board(Server(t1=1000))
    board.cable.faults["apply"] = OSError(EIO)
    board.go(1)
    assert board.client.state == "BOUND"
    assert not board.client.lease  # nothing may be sent from an address that the NIC lacks
    assert board.events[-1] == "error"
    assert "bound" not in board.events
    assert board.store.writes == 0
    del board.cable.faults["apply"]
    board.client.poll()
    assert board.events[-1] == "bound"
    assert board.client.lease
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.store.writes == 1


def test_a_nak_or_a_decline_of_a_lease_in_use_forgets_the_record():
    board = Board().bound()
    assert board.store.kept
    board.cable.server.mute = (DISCOVER,)
    decline(board.client)
    board.go(61)  # not more often than once a minute is anything written
    assert not board.store.kept
    board = Board(Server(t1=1000)).bound()
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(1001)
    assert "nak" in board.events
    assert not board.store.kept


def test_a_nak_to_a_lease_that_is_being_verified_keeps_the_record_unless_it_could_be_reused():
    # Away from home a server says no, and at home the address is still good.
    for reuse in (False, True):
        board = Board().bound().again(reuse=reuse)
        board.cable.server.naks = True
        board.cable.server.mute = (DISCOVER,)
        board.go(1)
        assert "nak" in board.events
        assert bool(board.store.kept) != reuse


def test_another_clients_nak_does_not_forget_the_record():
    board = Board(Server(t1=1000)).bound()
    board.cable.server.mute = (REQUEST,)
    board.go(1001)
    board.cable.inbox.append((0, reply(NAK, xid=b"zzzz")))
    board.go(1)
    assert "ignored" in board.events
    board.client.close()
    assert board.store.kept
