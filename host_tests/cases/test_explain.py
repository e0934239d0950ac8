"""Why there is no lease, in words, and the history of what was said."""

import errno

from cable import Board, Cable, Port, Server
from dhcpc.explain import History, why
from kit import Skip, raises, rfc, without_heap
from world import ACK, DISCOVER, NAK, OFFER, REQUEST, opt, reply

BAD = b"\xff\xff\xff\xff"


class Deaf(Server):
    """Offers, and answers no REQUEST."""

    def answer(self, sent):
        return None if sent.type == REQUEST else super().answer(sent)


class No(Server):
    """Offers, and says no to each REQUEST, in these words."""

    text = b"address not available"

    def answer(self, sent):
        if sent.type != REQUEST:
            return super().answer(sent)
        return reply(NAK, xid=sent.xid, options=opt(56, self.text) if self.text else b"")


def reason(server, plugged=True):
    """Why a client before that server has no lease, as `acquire` raises it, and as it stays."""
    board = Board(server)
    board.cable.plugged = plugged
    said = raises(OSError, board.client.acquire, 3_000)
    assert str(errno.ETIMEDOUT) in said
    assert board.client.reason in said
    return board.client.reason


def told(server):
    """The first events of a board before that server, each with the reason that there is then."""
    board = Board(server)
    seen = []
    board.client.on_event = lambda event, lease: seen.append((event, str(board.client.reason)))
    board.go(0.1)
    return seen


# The reason


def test_without_a_link_the_reason_is_that():
    assert reason(Server(), plugged=False) == "no link"


def test_silence_is_no_answer():
    class Silent(Server):
        def answer(self, sent):
            return None

    assert reason(Silent()) == "no answer"


@rfc("2131 3.1 start-over-told")
def test_an_offer_without_an_ack_names_the_server_that_has_made_it():
    assert reason(Deaf()).startswith("10.0.0.1: OFFER")


@rfc("2132 9.9 message-shown")
def test_a_nak_is_told_with_the_servers_own_words():
    seen = told(No())
    assert ("nak", "10.0.0.1: NAK address not available") in seen


@rfc("2132 9.9 message-shown")
def test_a_servers_words_cannot_do_more_than_be_read():
    class Hostile(No):
        text = b"\x1b[2J\r\n\x00\xff'\""

    said = [reason for _, reason in told(Hostile()) if "NAK" in reason]
    assert said
    for each in said:
        for c in each:
            assert " " <= c <= "~"


def test_a_refused_reply_is_told_with_its_server_and_the_word_for_why():
    assert reason(Server(yiaddr=BAD, mask=None)).startswith("10.0.0.1: yiaddr")


@rfc("2563 2.6 message-shown")
def test_an_offer_of_no_address_is_told_with_the_servers_own_words():
    nobody = Server(yiaddr=bytes(4), options=opt(116, b"\0") + opt(56, b"the range is used up"))
    assert reason(nobody) == "10.0.0.1: yiaddr the range is used up"


def test_what_others_are_told_is_no_reason():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, reply(OFFER, xid=b"else")), (0, b"\2" + bytes(300))]
    board.poll()
    assert board.client.reason == "no answer"


def test_with_a_lease_there_is_no_reason():
    board = Board().bound()
    assert board.client.reason is None
    board.cable.plugged = False
    board.poll()
    assert board.client.reason == "no link"


# In words


def test_each_reason_has_a_sentence_and_something_to_do():
    for said in (
        "no link",
        "no answer",
        "10.0.0.1: OFFER ",
        "10.0.0.1: NAK ",
        "10.0.0.1: yiaddr ",
    ):
        what, then = why(said)
        assert min(len(what), len(then)) > 15, said
        assert what.startswith("10.0.0.1: it ") == (":" in said)
    assert "wrong network" in why("10.0.0.1: NAK wrong network")[0]


def test_what_acquire_raises_is_put_in_words():
    assert why(OSError(errno.ETIMEDOUT, "10.0.0.1: OFFER ")) == why("10.0.0.1: OFFER ")
    assert why(OSError("wrong password")) == why("wrong password")
    assert "68" in why(OSError(errno.EADDRINUSE))[0]
    assert "memory" in why(MemoryError())[0]
    assert why(None)[0] == "there is a lease"
    assert "pin" in why(ValueError("pin"))[0]


def test_what_acquire_raises_with_an_exception_as_its_reason_is_put_in_words():
    for reason in (OSError(errno.EADDRINUSE), MemoryError(), ValueError("pin")):
        assert why(OSError(errno.ETIMEDOUT, reason)) == why(reason)


def caught(error, f, *args):
    """The exception that f(*args) raises."""
    try:
        f(*args)
    except error as raised:
        return raised
    raise AssertionError("no %s" % error.__name__)


def test_a_port_that_is_taken_is_put_in_words_as_acquire_raises_it():
    port = Port()
    Cable(port=port).open()
    raised = caught(OSError, Board(port=port).client.acquire, 3_000)
    assert why(raised) == why(OSError(errno.EADDRINUSE))


# The history


def story(board, **how):
    """What is told of three seconds of that board."""
    history = History(board.client, **how)
    board.go(3)
    return list(history.story())


def test_the_story_of_a_first_lease():
    assert story(Board()) == [
        "     0.000 s  INIT        link is up",
        "     0.000 s  SELECTING   DISCOVER to all",
        "     0.050 s  SELECTING   OFFER of 10.0.0.5 from 10.0.0.1",
        "     0.050 s  REQUESTING  REQUEST to all, for 10.0.0.5",
        "     0.100 s  BOUND       ACK of 10.0.0.5 from 10.0.0.1",
        "     0.100 s  BOUND       bound: 10.0.0.5 from 10.0.0.1",
        "there is a lease",
    ]


def test_the_story_ends_with_why_there_is_no_lease_and_what_to_do():
    lines = story(Board(Server(yiaddr=BAD, mask=None)))
    refused = "OFFER of 255.255.255.255 from 10.0.0.1 is refused: yiaddr"
    assert [line for line in lines if refused in line]
    assert lines[-2:] == list(why("10.0.0.1: yiaddr "))


def test_the_last_events_are_kept():
    board = Board(Deaf())
    lines = story(board, most=4)
    assert len(lines) == 4 + 2
    assert lines[-2:] == list(why(board.client.reason))


def test_messages_to_others_push_nothing_out():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    history = History(board.client)
    board.poll()
    board.cable.inbox = [(0, reply(ACK, xid=b"else"))] * 50
    for _ in range(50):
        board.poll()
    assert history.count < 10


@rfc("3203 6 unauthenticated")
def test_a_refused_forcerenew_is_named():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    history = History(board.client)
    board.poll()
    board.cable.inbox = [(0, reply(9, xid=board.cable.sent[0].xid))]
    board.poll()
    assert [line for line in history.lines() if "FORCERENEW of" in line and "type" in line]


def test_a_type_of_message_that_is_not_known_is_told_as_its_number():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    history = History(board.client)
    board.poll()
    xid = board.cable.sent[0].xid
    for kind in (10, 13, 18, 255):
        board.cable.inbox = [(0, reply(kind, xid=xid))]
        board.poll()
        line = list(history.lines())[-1]
        assert line.endswith("  %d of 10.0.0.5 from 10.0.0.1 is refused: type" % kind)


def test_a_history_of_no_events_is_refused():
    for most in (0, -1, "8", None):
        assert raises(ValueError, History, Board().client, most).startswith("most: ")


def test_what_the_application_is_told_it_is_told_with_a_history_too():
    board = Board()
    History(board.client)
    board.bound()
    assert board.events[-1] == "bound"

    class Mine(Exception):
        pass

    def on_event(event, lease):
        raise Mine

    board.client.on_event = on_event
    raises(Mine, board.client.release)


def test_noting_takes_no_heap():
    board = Board()
    history = History(board.client)
    board.bound()
    client = board.client
    client.on_event = None
    for event in ("send", "renewed", "timeout"):
        count = history.count
        try:
            without_heap(lambda: client.tell(event))  # noqa: B023
        except NameError:
            raise Skip("cpython: what its heap takes is no board's concern")
        assert history.count == count + 1
