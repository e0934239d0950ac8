"""Options without a lease."""

from cable import Board
from dhcpc.inform import inform
from kit import raises, rfc
from world import INFORM, IP, SERVER


@rfc("2131 3.4", "2131 4.4.3")
def test_inform_asks_for_the_options_of_an_address_that_is_there():
    board = Board()
    told = inform(board.client, ip="10.0.0.9")
    assert told.server == SERVER
    sent = board.cable.sent[-1]
    assert (sent.type, sent.to, sent.ciaddr) == (INFORM, None, b"\x0a\0\0\x09")
    assert not {50, 51} & set(sent.options)
    assert not board.cable.sock


@rfc("2131 3.4", "2131 4.4.3")
def test_inform_beside_a_lease_leaves_it_alone():
    board = Board().bound()
    lease = board.client.lease
    inform(board.client)
    assert board.cable.sent[-1].ciaddr == IP
    assert board.client.lease is lease
    assert board.client.state == "BOUND"
    assert not board.cable.sock


@rfc("2131 3.4")
def test_inform_gives_up_in_time_and_closes_the_socket():
    board = Board()
    board.cable.server.mute = (INFORM,)
    raises(OSError, lambda: inform(board.client, ip="10.0.0.9", timeout_ms=3000))
    assert board.cable.now <= 8100
    assert not board.cable.sock
    assert 2 <= len(board.types) <= 3


def test_inform_without_an_address_names_what_is_missing():
    raises(ValueError, inform, Board().client)
    for ip in ("10.0.0", "10.0.0.0.1", "10.0.0.300", "ten", "10.0.0.-1"):
        raises(ValueError, lambda ip=ip: inform(Board().client, ip=ip))
