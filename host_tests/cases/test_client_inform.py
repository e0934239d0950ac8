"""Options without a lease."""

from cable import Board, Server
from dhcpc.inform import inform
from kit import raises, rfc
from world import ACK, CLIENT_ID, INFORM, IP, NAK, NOBODY, OTHER_SERVER, SERVER, opt, reply

MAC2 = b"\x02\0\0\0\0\x02"


@rfc(
    "2131 3.4 inform",
    "2131 4.4.3 inform-ciaddr",
    "2131 4.4.3 inform-to-a-known-server",
    "2131 table5 inform-no-requested-address",
)
def test_inform_asks_for_the_options_of_an_address_that_is_there():
    board = Board()
    told = inform(board.client, ip="10.0.0.9")
    assert told.server == SERVER
    sent = board.cable.sent[-1]
    assert (sent.type, sent.to, sent.ciaddr) == (INFORM, None, b"\x0a\0\0\x09")
    assert not {50, 51} & set(sent.options)
    assert not board.cable.sock


def test_a_client_that_has_not_sent_anything_may_be_polled_meanwhile():
    board = Board()
    board.client.wanted = False
    board.cable.server.mute = (INFORM,)
    raises(OSError, inform, board.client, "10.0.0.9", 500, board.client.poll)
    assert "error" not in board.events


@rfc("2131 4.4.3 inform-ciaddr")
def test_inform_beside_a_lease_leaves_it_alone():
    board = Board().bound()
    lease = board.client.lease
    inform(board.client)
    assert board.cable.sent[-1].ciaddr == IP
    assert board.client.lease is lease
    assert board.client.state == "BOUND"
    assert not board.cable.sock


@rfc(
    "2131 4.4.3 inform-parameter-list",
    "2131 4.4.3 inform-no-times",
    "2131 table5 inform-no-lease-time",
    "2131 table5 vendor-class",
    "2131 2 client-id-in-all-messages",
)
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


@rfc(
    "2131 4.4.3 inform-to-a-known-server",
    "2131 4.4.4 inform-unicast",
    "2131 4.4.4 inform-back-to-broadcast",
)
def test_inform_goes_to_the_server_of_the_lease_and_to_all_if_it_is_silent():
    board = Board().bound()
    board.cable.server.mute = (INFORM,)
    raises(OSError, lambda: inform(board.client, timeout_ms=8000))
    to = [sent.to for sent in board.cable.sent if sent.type == INFORM]
    assert len(to) > 2
    assert to == [SERVER] + [None] * (len(to) - 1)


@rfc("2131 4.4.3 inform-to-a-known-server")
def test_inform_of_a_lease_whose_server_is_unknown_goes_to_all():
    board = Board(Server(server=None)).bound()
    inform(board.client)
    assert board.cable.sent[-1].to is None


@rfc("2131 4.4.3 inform-in-vain")
def test_inform_gives_up_in_time_and_closes_the_socket():
    board = Board()
    board.cable.server.mute = (INFORM,)
    raises(OSError, lambda: inform(board.client, ip="10.0.0.9", timeout_ms=3000))
    assert board.cable.now <= 8100
    assert not board.cable.sock
    assert 2 <= len(board.types) <= 3


class Talkative(Server):
    """Answers an INFORM with other messages first."""

    def __init__(self, *before, **grant):
        super().__init__(**grant)
        self.before = before
        self.board = None

    def answer(self, sent):
        if sent.type != INFORM:
            return super().answer(sent)
        assert self.board
        for data in self.before:
            at = sent.at + self.trip
            self.board.cable.inbox.append((at, data[:4] + sent.xid + data[8:]))
        return super().answer(sent)


def told_after(*before):
    """What INFORM brings where a server sends these first."""
    board = Board(Talkative(*before))
    board.cable.server.board = board
    return inform(board.client, ip="10.0.0.9")


@rfc("2131 4.3.5 ack-to-inform")
def test_an_ack_that_leaves_yiaddr_empty_is_for_the_address_that_was_named():
    told = told_after()
    assert (told.ip, told.mask) == ("10.0.0.9", "255.255.255.0")
    assert (told.lease_time, told.t1, told.t2) == (0, 0, 0)


@rfc("2131 4.4.3 inform-ack-of-any-server")
def test_what_is_no_ack_does_not_answer_an_inform():
    none = reply(ACK, lease=None, yiaddr=NOBODY, server=OTHER_SERVER)
    assert told_after(none).server == OTHER_SERVER
    for data in (reply(NAK, server=OTHER_SERVER), none[:100], b"\2", none[:28] + MAC2 + none[34:]):
        assert told_after(data).server == SERVER


@rfc("2131 4.4.3 inform-in-vain", "2131 4.1 client-retransmits")
def test_a_time_out_of_10_s_has_4_tries_each_later_than_the_one_before():
    board = Board()
    board.cable.server.mute = (INFORM,)
    raises(OSError, lambda: inform(board.client, ip="10.0.0.9"))
    sent = board.cable.sent
    assert len(sent) == 4
    assert len({each.xid for each in sent}) == 1
    assert [each.secs for each in sent] == [(each.at - sent[0].at) // 1000 for each in sent]


@rfc("2131 4.4.3 inform-random-xid")
def test_each_inform_has_an_xid_of_its_own():
    board = Board()
    for _ in range(3):
        inform(board.client, ip="10.0.0.9")
    assert len({each.xid for each in board.cable.sent}) == 3


def test_a_renewal_goes_on_while_inform_waits():
    board = Board().bound()
    board.cable.server.mute = (INFORM,)
    board.client.renew()
    raises(OSError, lambda: inform(board.client, timeout_ms=3000, idle=board.client.poll))
    assert board.events[-1] == "renewed"


def test_an_answer_that_a_poll_takes_in_is_not_lost():
    board = Board().bound()
    board.cable.server.trip = 150
    told = inform(board.client, idle=lambda: board.client.poll(100))
    assert (told.ip, told.lease_time) == ("10.0.0.5", 0)
    assert board.types[-1] == INFORM
    assert board.types.count(INFORM) == 1


def test_what_inform_hears_for_the_client_the_client_gets():
    board = Board().bound()
    board.client.renew()
    board.cable.server.trip = 5
    board.poll()  # the REQUEST has left
    inform(board.client)
    assert board.events[-1] == "renewed"


def test_after_inform_the_client_reads_as_before():
    board = Board()
    read = board.client.read
    inform(board.client, ip="10.0.0.9")
    assert board.client.read == read
    assert board.bound().client.lease


def test_inform_without_an_address_names_what_is_missing():
    assert "ip" in raises(ValueError, inform, Board().client)
    for ip in ("10.0.0", "10.0.0.0.1", "10.0.0.300", "ten", "10.0.0.-1", "10.0.0.01", b"10.0.0.1"):
        said = raises(ValueError, lambda ip=ip: inform(Board().client, ip=ip))
        assert repr(ip) in said
