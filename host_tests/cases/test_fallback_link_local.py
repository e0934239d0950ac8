"""An address of 169.254/16 for when no server answers: which, and whether a server forbids it."""

from errno import EIO

from cable import Board, Server
from dhcpc import fallback, ipv6only, servers
from fakeboard import NO_IP
from kit import raises, rfc
from unserved import (
    A_WHILE,
    AFTER,
    Silent,
    comes,
    consistent,
    in_use,
    with_link_local,
    with_static,
)
from world import DISCOVER, NOBODY, RELEASE, REQUEST, opt, u32

# Which it is


@rfc(
    "3927 2.1 range",
    "3927 2.1 seeded-by-the-mac",
    "3927 2.6.2 no-router",
    "3927 2.8 not-subnetted",
)
def test_a_link_local_address_is_in_range_and_follows_from_the_mac():
    found = set()
    for last in range(256):
        board = Board()
        board.cable.mac = bytes((2, 0, 0, 0, 0, last))
        own = fallback._address(board.cable, 0)
        again = fallback._address(board.cable, 0)
        assert own.ip == again.ip
        assert own.yiaddr[:2] == b"\xa9\xfe"
        assert 1 <= own.yiaddr[2] <= 254
        assert own.ifconfig()[1:] == ("255.255.0.0", NO_IP, NO_IP)
        found.add(own.ip)
    assert len(found) > 250


def test_a_link_local_address_says_so():
    board = with_link_local()
    board.go(AFTER + 2)
    assert in_use(board.client).kind == "link-local"
    assert board.cable.address.startswith("169.254.")


@rfc("3927 2.1 uniform")
def test_link_local_addresses_are_spread_over_the_whole_range():
    board = Board()
    parts = [0] * 16
    for i in range(1024):
        board.cable.mac = bytes((2, 0, 0, 7, i >> 8, i & 255))
        parts[fallback._address(board.cable, 0).yiaddr[2] >> 4] += 1
    assert 32 < min(parts)
    assert max(parts) < 96


@rfc("3927 2.1 another-sequence-for-each-host", "3927 3.4 each-interface-for-itself")
def test_each_mac_has_its_own_sequence_of_addresses():
    board = Board()
    sequences = set()
    for i in range(100):
        board.cable.mac = bytes((2, 0, 0, 0, 0, i))
        sequence = tuple([fallback._address(board.cable, n).ip for n in range(10)])
        assert len(set(sequence)) == 10
        sequences.add(sequence)
    assert len(sequences) == 100


class Neighbours:
    """Those who have an address: what the link's `used` asks."""

    def __init__(self, board, count):
        self.asked = []
        self.count = count
        board.cable.used = self

    def __call__(self, ip):
        self.asked.append(ip)
        return len(self.asked) <= self.count


@rfc("3927 2.2.1 another-after-a-conflict", "3927 1.5 conflicts-expected")
def test_an_address_that_somebody_has_is_not_taken_where_the_link_can_tell():
    board = Board(Silent())
    neighbours = Neighbours(board, 3)
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    assert len(set(neighbours.asked)) == 4
    assert board.cable.address == in_use(board.client).ip == neighbours.asked[-1]
    assert board.events.count("fallback") == 1


@rfc("3927 2.2.1 rate-limit")
def test_after_10_conflicts_one_address_a_minute_is_tried():
    board = Board(Silent())
    neighbours = Neighbours(board, 1000)
    fallback.link_local(board.client)
    board.go(AFTER + 1)
    assert len(neighbours.asked) == 10
    board.go(600)
    assert len(neighbours.asked) == 20
    assert board.cable.address is None


@rfc("3927 2.2.1 rate-limit")
def test_a_link_that_comes_and_goes_does_not_hurry_the_next_address():
    board = Board(Silent())
    neighbours = Neighbours(board, 1000)
    fallback.link_local(board.client, 0)
    board.go(1)
    assert len(neighbours.asked) == 10
    for _ in range(5):
        board.cable.plugged = False
        board.go(1)
        board.cable.plugged = True
        board.go(5)
    assert len(neighbours.asked) == 10
    board.go(60)
    assert len(neighbours.asked) == 11


@rfc("3927 2.2 probed-after-a-change-of-link")
def test_after_the_link_was_away_the_address_is_probed_anew():
    board = Board(Silent())
    neighbours = Neighbours(board, 0)
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    board.cable.plugged = False
    board.go(1)
    board.cable.plugged = True
    board.go(AFTER + 2)
    assert neighbours.asked == [board.cable.address] * 2


def test_an_address_that_nobody_has_ends_the_row():
    board = Board(Silent())
    neighbours = Neighbours(board, 9)
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    assert board.cable.address == neighbours.asked[-1]
    board.cable.plugged = False
    board.go(1)
    neighbours.count = 19
    board.cable.plugged = True
    board.go(AFTER + 2)
    assert len(neighbours.asked) == 20
    assert board.cable.address == neighbours.asked[-1]


@rfc("3927 2.2 not-periodically")
def test_an_address_in_use_is_not_probed_again():
    board = Board(Silent())
    neighbours = Neighbours(board, 0)
    fallback.link_local(board.client)
    board.go(AFTER + A_WHILE)
    assert neighbours.asked == [board.cable.address]


def test_a_link_that_cannot_ask_is_no_reason_to_go_without():
    board = Board(Silent())

    def used(ip):
        raise OSError(EIO)

    board.cable.used = used
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    assert board.cable.address == in_use(board.client).ip
    assert "error" in board.events


# A server that has none to give may forbid it: RFC 2563 2.2


def told(auto_configure, **how):
    """A board whose server offers nobody an address, and says that."""
    return with_link_local(Server(yiaddr=NOBODY, options=opt(116, auto_configure)), **how)


@rfc("2563 2.2 auto-configure-asked", "2563 2.5 in-no-other-message")
def test_discover_alone_asks_whether_there_may_be_a_link_local_address():
    board = with_link_local(Server()).bound()
    board.client.renew()
    board.poll()
    board.client.release()
    assert [(sent.type, sent.options.get(116)) for sent in board.cable.sent] == [
        (DISCOVER, b"\1"),
        (REQUEST, None),
        (REQUEST, None),
        (RELEASE, None),
    ]


def test_who_has_an_address_set_by_hand_does_not_ask():
    board = with_static(Server()).bound()
    assert 116 not in board.cable.sent[0].options


def test_a_discover_without_room_for_the_question_leaves_without_it():
    # 293 bytes are all, END included, and 3 of them are option 116's
    for size, asks in ((25, True), (26, True), (27, False), (29, False)):
        many = {60: bytes(255), 224: bytes(size)}
        board = Board(Server(), options=many, params=b"", client_id=b"")
        fallback.link_local(board.client)
        board.bound()
        assert (116 in board.cable.sent[0].options) is asks


@rfc("2563 2.2 auto-configure-forbidden", "8925 3.3.1 auto-configure")
def test_a_server_may_forbid_it():
    for obeys in (False, True):
        board = told(b"\0")
        if obeys:
            ipv6only.obey(board.client)
            board.cable.server.grant["options"] += opt(108, u32(600))
        board.go(AFTER + A_WHILE)
        assert board.cable.address is None
        assert "fallback" not in board.events
        assert set(board.types) == {DISCOVER}


@rfc("2563 2.1 auto-configure-allowed", "2563 2.2 address-0-ignored")
def test_a_server_may_allow_it():
    board = told(b"\1")
    board.go(AFTER + 2)
    assert in_use(board.client).kind == "link-local"
    board.go(A_WHILE)
    assert consistent(board)
    assert set(board.types) == {DISCOVER}


@rfc("2563 2.2 auto-configure-forbidden")
def test_a_server_that_comes_later_and_forbids_it_ends_it():
    board = with_link_local(Silent(yiaddr=NOBODY, options=opt(116, b"\0")))
    board.go(AFTER + 2)
    assert board.cable.address
    comes(board)
    board.cable.faults["remove"] = [OSError(EIO)]
    board.go(70)
    assert board.client.lease is board.cable.address is None
    board.go(A_WHILE)
    assert board.events.count("expired") == 1
    assert board.client.reason.startswith("10.0.0.1: yiaddr")
    assert board.cable.address is None


def test_what_was_forbidden_holds_until_there_is_an_offer_or_another_network():
    for ends in ("offer", "link"):
        board = told(b"\0")
        board.go(2)
        server = board.cable.server
        server.mute = (DISCOVER, REQUEST)
        board.go(A_WHILE)
        assert board.cable.address is None
        if ends == "offer":
            server.mute = (REQUEST,)
            server.grant["yiaddr"] = b"\x0a\0\0\5"
            board.go(70)
        else:
            board.cable.plugged = False
            board.go(1)
            board.cable.plugged = True
        board.go(AFTER + 2)
        assert in_use(board.client).kind == "link-local"


def test_a_server_that_is_not_listened_to_forbids_nothing():
    for first in (True, False):
        board = Board(Server(yiaddr=NOBODY, options=opt(116, b"\0")))
        if first:
            servers.only(board.client, deny=["10.0.0.1"])
        fallback.link_local(board.client)
        if not first:
            servers.only(board.client, deny=["10.0.0.1"])
        board.go(AFTER + 2)
        assert in_use(board.client).kind == "link-local"


# How it is set


@rfc("3927 4 no-periodic-announcements")
def test_a_link_local_address_is_set_and_announced_once():
    board = with_link_local()
    board.go(AFTER + A_WHILE)
    comes(board)
    board.cable.server.naks = True  # the session starts over, again and again
    board.go(A_WHILE)
    assert board.events.count("nak") > 3
    assert board.cable.log.count("apply") == 1


# What is wrong is named


def test_link_local_names_a_wrong_time_too():
    assert "after_ms" in raises(ValueError, fallback.link_local, Board().client, -1)
