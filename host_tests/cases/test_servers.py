"""Which servers a client listens to, and which one's OFFER it takes."""

from cable import Board, Server
from dhcpc.explain import why
from dhcpc.servers import choose, identify, only, prefer
from kit import raises, rfc
from world import (
    ACK,
    BOUND,
    CLIENT_ID,
    DISCOVER,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    OTHER_IP,
    OTHER_SERVER,
    REBINDING,
    REQUEST,
    SELECTING,
    SERVER,
    WAITING,
    World,
    last,
    moved,
    opt,
    reply,
    types,
)

OURS = "10.0.0.1"  # SERVER
OTHER = "10.0.0.2"
STATES = ("selecting", "requesting", "rebooting", "renewing", "rebinding")


def listening(how, **lists):
    """A client in that state, whose servers are from then on listed."""
    world = getattr(World(), how)()
    only(world, **lists)
    return world


# Allowed and denied servers


@rfc("2131 4.4.1 ack-of-the-chosen-server")
def test_what_a_server_says_that_is_not_allowed_is_refused_in_every_state():
    for how in STATES:
        for kind in (OFFER, ACK, NAK):
            w = listening(how, allow=[OURS])
            state = w.state
            assert w.answer(kind, server=OTHER_SERVER) == "ignored"
            assert w.session.reason == "server"
            assert w.session.type == kind
            assert w.state == state


def test_what_a_denied_server_says_is_refused_in_every_state():
    for how in STATES:
        for kind in (OFFER, ACK, NAK):
            w = listening(how, deny=[OTHER])
            assert w.answer(kind, server=OTHER_SERVER) == "ignored"
            assert w.session.reason == "server"


def test_an_allowed_server_and_one_that_is_not_denied_are_heard():
    for lists in ({"allow": [OTHER, OURS]}, {"deny": [OTHER]}):
        w = listening("selecting", **lists)
        assert w.answer(OFFER) == "recv"
        assert w.answer(ACK) == "bound"


@rfc("2131 4.4.5 expiry-to-init")
def test_a_denied_server_does_not_extend_a_lease_in_rebinding():
    w = listening("rebinding", deny=[OTHER])
    assert w.answer(ACK, server=OTHER_SERVER) == "ignored"
    assert w.state == REBINDING
    w.go(w.lease.remaining())
    assert w.lease is None


def test_without_option_54_siaddr_names_the_server():
    w = listening("selecting", allow=[OTHER])
    data = reply(OFFER, xid=last(w).xid, server=None)
    assert w.hand(data) == "ignored"
    assert w.hand(data[:20] + OTHER_SERVER + data[24:]) == "recv"


def test_a_message_of_nobody_is_refused_by_an_allow_list_and_heard_under_a_deny_list():
    allowing = listening("renewing", allow=[OURS])
    assert allowing.answer(NAK, server=None) == "ignored"
    assert allowing.lease
    assert listening("renewing", deny=[OTHER]).answer(NAK, server=None) == "nak"
    assert listening("renewing", allow=[OURS, "0.0.0.0"]).answer(NAK, server=None) == "nak"


def test_a_torn_message_of_a_denied_server_is_refused_too():
    w = listening("requesting", deny=[OTHER])
    data = reply(ACK, xid=last(w).xid, server=OTHER_SERVER)
    assert w.hand(data[:-1] + b"\x0f\x09ex") == "ignored"
    assert w.session.reason == "server"


def test_a_denied_offer_is_never_shown_to_a_rule():
    seen = []

    def rule(m, server):
        seen.append(server)
        return True

    for only_first in (False, True):
        w = World().selecting()
        if only_first:
            only(w, deny=[OTHER])
        choose(w, 0, rule)
        if not only_first:
            only(w, deny=[OTHER])
        assert w.answer(OFFER, server=OTHER_SERVER) == "ignored"
        assert w.answer(OFFER) == "recv"
    assert seen == [None, None]


def test_a_board_says_which_server_it_does_not_listen_to():
    board = Board()
    only(board.client, deny=[OURS])
    said = raises(OSError, board.client.acquire, 3000)
    assert "10.0.0.1: server" in said
    assert "listens to" in why(board.client.reason)[0]
    assert "ignored" in board.events
    assert set(board.types) == {DISCOVER}


def test_lists_that_are_none_are_refused_with_the_word_that_is_wrong():
    dhcp = Board().client
    for word in ("10.0.0", "10.0.0.256", "10.0.0.-1", "10.0.0.01", "ten", "", b"\n\0\0\1", 7):
        assert repr(word) in raises(ValueError, lambda word=word: only(dhcp, allow=[word]))
        assert repr(word) in raises(ValueError, lambda word=word: only(dhcp, deny=[word]))
    assert "allow, deny" in raises(ValueError, only, dhcp)
    assert "allow, deny" in raises(ValueError, only, dhcp, [OURS], [OTHER])


# A preferred server


class Two:
    """Two servers on one wire: the second is as much later, in ms. Each has options of its own."""

    board: Board

    def __init__(self, later=100, first=b"", second=b""):
        self.later = later
        self.options = {SERVER: first, OTHER_SERVER: second}
        self.silent = ()  # servers that do not answer REQUESTs

    def answer(self, sent):
        self.trip = 2
        if sent.type == DISCOVER:
            first = reply(OFFER, xid=sent.xid, options=self.options[SERVER])
            self.board.cable.inbox.append((sent.at + self.trip, first))
            self.trip += self.later
            more = self.options[OTHER_SERVER]
            return reply(OFFER, xid=sent.xid, server=OTHER_SERVER, yiaddr=OTHER_IP, options=more)
        server = sent.options.get(54, SERVER)
        if sent.type != REQUEST or server in self.silent:
            return None
        ip = sent.options.get(50, sent.ciaddr)
        return reply(ACK, xid=sent.xid, server=server, yiaddr=ip, options=self.options[server])


def between(servers, *how, store=None):
    """A board on a wire with both, which prefers."""
    board = Board(servers, **({"store": store} if store else {}))
    servers.board = board
    prefer(board.client, *how)
    return board


@rfc("2131 4.4.1 selects-one-offer")
def test_who_knows_no_server_takes_the_first_offer_after_the_window():
    board = between(Two()).bound()
    assert board.client.lease.server == SERVER
    discover, request = board.cable.sent
    assert request.at - discover.at >= 1000


@rfc("2131 4.3.2 best-offer", "2131 3.1 several-offers-awaited")
def test_the_first_that_has_all_the_options_goes_before_the_first():
    board = between(Two(second=opt(42, SERVER) + opt(15, b"lab")), b"\x2a\x0f").bound()
    assert board.client.lease.server == OTHER_SERVER
    board = between(Two(first=opt(42, SERVER), second=opt(15, b"lab")), b"\x2a\x0f").bound()
    assert board.client.lease.server == SERVER
    both = opt(42, SERVER)
    board = between(Two(first=both, second=both), b"\x2a").bound()
    assert board.client.lease.server == SERVER


def test_the_server_of_the_lease_that_has_ended_goes_before_all_and_ends_the_window():
    board = between(Two(second=opt(42, SERVER)), b"\x2a").bound()
    assert board.client.lease.server == OTHER_SERVER
    servers = board.cable.server
    servers.options = {SERVER: opt(42, SERVER), OTHER_SERVER: b""}
    board.client.on_event = None
    session = board.client.session
    session.start()
    board.client.update("expired")
    board.go(3)
    assert board.client.lease.server == OTHER_SERVER
    discover, request = board.cable.sent[-2:]
    assert request.at - discover.at < 200


@rfc("2131 3.1 several-offers-awaited")
def test_the_server_of_the_record_goes_before_all_when_init_reboot_has_failed():
    first = between(Two(second=opt(42, SERVER)), b"\x2a").bound()
    board = between(Two(), store=first.store)
    board.cable.server.silent = (SERVER,)  # whom a REQUEST without option 54 is for, here
    board.client.acquire()
    assert board.types[0] == REQUEST
    assert board.client.lease.server == OTHER_SERVER


def test_a_known_server_that_does_not_answer_requests_is_not_preferred_for_ever():
    first = between(Two(second=opt(42, SERVER)), b"\x2a").bound()
    board = between(Two(), store=first.store)
    board.cable.server.silent = (OTHER_SERVER, NOBODY)
    board.client.verify()
    board.client.session.start()
    board.go(60)
    assert board.client.lease.server == SERVER


def test_one_that_is_denied_is_not_preferred():
    board = between(Two(second=opt(42, SERVER)), b"\x2a")
    only(board.client, deny=[OTHER])
    board.bound()
    assert board.client.lease.server == SERVER


def test_what_is_no_window_and_no_option_is_refused():
    dhcp = Board().client
    for window in (-1, None, "1"):
        assert "window_ms" in raises(ValueError, choose, dhcp, window)
        assert "window_ms" in raises(ValueError, prefer, dhcp, b"", window)
    assert "255" in raises(ValueError, prefer, dhcp, b"\x03\xff")


def test_a_list_of_servers_leaves_a_lease_in_use_alone():
    w = World().bound()
    only(w, deny=[OURS])
    assert (w.state, types(w)) == (BOUND, [DISCOVER, REQUEST])


def test_a_client_that_may_listen_to_nobody_goes_on_asking():
    w = listening("selecting", allow=["192.0.2.1"])
    w.answer(OFFER)
    w.go(10)
    assert w.state == SELECTING
    assert len(w.sent) > 2


# Another client's identifier

MINE = opt(61, b"\1" + MAC)
OTHERS = (b"\1" + MAC[:5] + b"\2", b"\1" + MAC[:5], b"\1" + MAC + b"\0", b"\0greenhouse", b"")


def looking(how):
    """A client in that state that looks whose identifier a reply has."""
    world = getattr(World(), how)()
    world.client_id = CLIENT_ID
    identify(world)
    return world


@rfc("6842 3 another-identifier-dropped")
def test_a_reply_with_another_client_identifier_is_refused_in_every_state():
    for how in STATES:
        for kind in (OFFER, ACK, NAK):
            for other in OTHERS:
                w = looking(how)
                data = reply(kind, xid=last(w).xid, options=opt(61, other))
                assert moved(w, data) == "client_id"


@rfc("6842 3 own-identifier-taken")
def test_a_reply_with_the_clients_own_identifier_is_taken_in_every_state():
    for how, kind in WAITING:
        assert looking(how).answer(kind, options=MINE) != "ignored"


def test_a_reply_without_a_client_identifier_is_taken_in_every_state():
    for how, kind in WAITING:
        assert looking(how).answer(kind) != "ignored"


@rfc("6842 3 own-identifier-taken")
def test_the_identifier_is_the_one_that_the_client_was_set_to_send():
    for client_id, state in (
        (b"\0pump-3", "BOUND"),
        (b"\0pump-4", "SELECTING"),
        (b"", "SELECTING"),
    ):
        board = Board(Server(options=opt(61, b"\0pump-3")), client_id=client_id)
        identify(board.client)
        board.go(1)
        assert board.client.state == state


@rfc("6842 3 another-identifier-dropped")
def test_a_refused_identifier_is_told_and_nothing_is_sent_for_it():
    board = Board(Server(options=opt(61, OTHERS[0])))
    identify(board.client)
    board.go(10)
    assert set(board.types) == {DISCOVER}
    assert str(board.client.reason).startswith("10.0.0.1: client_id")
    assert "another identifier" in why(board.client.reason)[0]


@rfc("6842 3 own-identifier-taken")
def test_an_identifier_that_comes_back_is_no_fault():
    for how, kind in WAITING:
        assert getattr(World(), how)().answer(kind, options=MINE) != "ignored"
