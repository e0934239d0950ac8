"""Rapid Commit: RFC 4039."""

from cable import Board, Server
from dhcpc.conflicts import decline
from dhcpc.rapid import commit
from dhcpc.servers import choose
from kit import raises, rfc
from world import (
    ACK,
    BOUND,
    DECLINE,
    DISCOVER,
    IP,
    OFFER,
    OTHER_IP,
    OTHER_SERVER,
    RELEASE,
    REQUEST,
    REQUESTING,
    SELECTING,
    SERVER,
    World,
    last,
    opt,
    reply,
    types,
)

RAPID = opt(80, b"")


class Quick(Server):
    """Answers a DISCOVER that has option 80 with an ACK at once."""

    def answer(self, sent):
        if sent.type == DISCOVER and 80 in sent.options:
            return reply(ACK, xid=sent.xid, options=RAPID, **self.grant)
        return super().answer(sent)


def device(server):
    """A board that asks for it."""
    board = Board(server)
    commit(board.client)
    return board


def asking(world):
    """A client alone that asks for it, with DISCOVER sent."""
    world.link = world  # whose `buf` it is
    world.params = b""
    commit(world)
    return world.selecting()


@rfc("4039 3 ack-taken-at-once")
def test_an_ack_at_once_is_a_lease_with_two_messages():
    board = device(Quick()).bound()
    assert board.types == [DISCOVER]
    assert board.events[-1] == "bound"
    assert board.client.lease.server == SERVER


@rfc("4039 4 option-in-discover", "4039 3 in-no-other-message", "4039 4 length-0")
def test_the_discover_alone_has_the_option_and_it_is_empty():
    board = device(Server()).bound()
    discover, request = board.cable.sent
    assert discover.options[80] == b""
    assert 80 not in request.options
    board.client.renew()
    board.poll()
    assert 80 not in board.cable.sent[-1].options
    decline(board.client)
    assert board.types[-1] == DECLINE
    assert 80 not in board.cable.sent[-1].options


@rfc("4039 3 in-no-other-message", "4039 3 only-when-configured")
def test_who_does_not_ask_never_sends_the_option_and_gets_an_offer():
    board = Board(Quick()).bound()
    board.client.renew()
    board.poll()
    board.client.release()
    assert board.types == [DISCOVER, REQUEST, REQUEST, RELEASE]
    for sent in board.cable.sent:
        assert 80 not in sent.options
        assert 80 not in sent.options.get(55, b"")


@rfc("4039 3.1 discover-repeated", "4039 4 option-in-discover")
def test_each_discover_that_is_sent_again_has_the_option():
    w = asking(World())
    w.go(30)
    assert len(w.sent) > 3
    for sent in w.sent:
        assert (sent.type, sent.options[80]) == (DISCOVER, b"")


@rfc("4039 3.1 other-messages-as-in-rfc-2131")
def test_a_server_that_makes_an_offer_is_answered_as_ever():
    w = asking(World())
    w.go(5)
    discover = last(w)
    w.answer(OFFER)
    request = last(w)
    assert request.type == REQUEST
    assert (request.options[54], request.options[50]) == (SERVER, IP)
    assert request.secs == discover.secs > 0
    assert request.to is None
    assert w.answer(ACK) == "bound"


@rfc("4039 3.1 duration-noted")
def test_the_lease_runs_from_the_first_discover():
    w = asking(World())
    w.go(5)
    assert len(w.sent) > 1
    assert w.answer(ACK, options=RAPID, lease=600) == "bound"
    assert w.lease.age == 5
    assert w.lease.remaining() == 595


@rfc("2131 4.4.1 ack-in-selecting", "4039 3.1 ack-without-the-option")
def test_an_ack_without_the_option_is_refused_in_selecting():
    for w in (asking(World()), World().selecting()):
        assert w.answer(ACK) == "ignored"
        assert w.session.reason == "type"
        assert w.state == SELECTING


@rfc("4039 3 ack-taken-at-once")
def test_an_ack_that_cannot_be_used_changes_nothing():
    w = asking(World())
    assert w.answer(ACK, options=RAPID, yiaddr=b"\xff" * 4) == "ignored"
    assert w.session.reason == "yiaddr"
    assert w.state == SELECTING
    assert w.answer(ACK, options=RAPID) == "bound"


def test_an_ack_that_finds_no_memory_changes_nothing():
    w = asking(World())
    bind = w.session.bind

    def full(lease):
        raise MemoryError

    w.session.bind = full
    raises(MemoryError, lambda: w.answer(ACK, options=RAPID))
    assert w.state == SELECTING
    w.session.bind = bind
    assert w.answer(ACK, options=RAPID) == "bound"


@rfc("4039 3 ack-taken-at-once")
def test_an_ack_is_taken_while_offers_are_collected():
    w = asking(World())
    choose(w, 1000)
    w.answer(OFFER)
    assert w.state == SELECTING
    event = w.answer(ACK, options=RAPID, server=OTHER_SERVER, yiaddr=OTHER_IP)
    assert event == "bound"
    assert (w.lease.server, w.lease.yiaddr) == (OTHER_SERVER, OTHER_IP)
    w.go(2)
    assert types(w) == [DISCOVER]


@rfc("4039 3.1 others-are-declined-by-the-request")
def test_once_a_request_has_named_another_server_its_ack_is_refused():
    w = asking(World())
    w.answer(OFFER)
    assert w.state == REQUESTING
    event = w.answer(ACK, options=RAPID, server=OTHER_SERVER, yiaddr=OTHER_IP)
    assert (event, w.session.reason) == ("ignored", "server")
    assert w.state == REQUESTING


def test_the_server_that_was_named_may_repeat_the_option():
    w = asking(World())
    w.answer(OFFER)
    assert w.answer(ACK, options=RAPID) == "bound"
    assert w.state == BOUND


def test_such_a_lease_is_renewed_as_every_other():
    w = asking(World())
    w.answer(ACK, options=RAPID)
    w.go(w.lease.t1)
    assert (last(w).type, last(w).to) == (REQUEST, SERVER)
    assert w.answer(ACK) == "renewed"


@rfc("4039 3.1 address-suggested")
def test_the_address_that_it_had_is_suggested_beside_the_option():
    w = asking(World())
    w.answer(ACK, options=RAPID)
    w.sleep(3700)
    assert last(w).type == DISCOVER
    assert (last(w).options[50], last(w).options[80]) == (IP, b"")


@rfc("4039 3.1 release")
def test_such_a_lease_is_given_back_by_the_client_that_has_had_it():
    board = Board(Quick(), client_id=b"\xffserial 4711")
    commit(board.client)
    board.bound()
    board.client.release()
    discover, release = board.cable.sent
    assert release.type == RELEASE
    assert release.options[54] == SERVER
    assert release.options[61] == discover.options[61] == b"\xffserial 4711"


@rfc("4039 3 not-in-the-parameter-request-list")
def test_the_option_is_not_asked_for():
    board = device(Server())
    board.poll()
    assert 80 not in board.cable.sent[0].options[55]
    assert "params" in raises(ValueError, commit, Board(params=b"\x01\x50").client)


def test_options_that_leave_no_room_for_it_are_refused():
    def filled(size):
        commit(Board(options={60: "v" * 200, 43: "v" * size}).client)

    filled(62)
    assert raises(ValueError, filled, 63) == "options"
