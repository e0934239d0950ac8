"""Options without a lease."""

from cable import Board, Server
from dhcpc.inform import inform
from kit import raises, rfc
from world import CLIENT_ID, INFORM, IP, SERVER, opt


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


@rfc("2131 4.4.3", "2131 4.3.5")
def test_inform_neither_asks_for_the_times_of_a_lease_nor_carries_one():
    board = Board(params=b"\x79\x33\x01\x3a\x3b\x2a", options={51: b"\0\0\x0e\x10", 60: b"v"})
    inform(board.client, ip="10.0.0.9")
    sent = board.cable.sent[-1]
    assert sent.options[55] == b"\x79\x01\x2a"
    assert not {50, 51, 58, 59} & set(sent.options)
    assert sent.options[60] == b"v"
    assert opt(61, sent.options[61]) == CLIENT_ID
    board = Board(params=b"\x33")
    inform(board.client, ip="10.0.0.9")
    assert 55 not in board.cable.sent[-1].options


@rfc("2131 4.4.3", "2131 4.4.4")
def test_inform_goes_to_the_server_of_the_lease_and_to_all_if_it_is_silent():
    board = Board().bound()
    board.cable.server.mute = (INFORM,)
    raises(OSError, lambda: inform(board.client, timeout_ms=8000))
    to = [sent.to for sent in board.cable.sent if sent.type == INFORM]
    assert len(to) > 2
    assert to == [SERVER] + [None] * (len(to) - 1)


@rfc("2131 4.4.3")
def test_inform_of_a_lease_whose_server_is_unknown_goes_to_all():
    board = Board(Server(server=None)).bound()
    inform(board.client)
    assert board.cable.sent[-1].to is None


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
