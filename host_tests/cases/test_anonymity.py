"""The anonymity profile: RFC 7844 3."""

from cable import Board
from dhcpc import Client
from dhcpc.anonymity import profile
from dhcpc.conflicts import decline
from dhcpc.inform import inform
from dhcpc.ipv6only import obey
from dhcpc.rapid import commit
from kit import rfc
from world import DECLINE, DISCOVER, IP, MAC, RELEASE, REQUEST, SERVER, Sent

HOST = b"\x01" + MAC  # of the MAC alone


def device(store=None, **how):
    """A board whose settings tell a lot, and which is to be nobody."""
    how.setdefault("options", {60: "model 7", 81: b"\0\0\0greenhouse", 124: b"\0\0\0\1\1x"})
    how.setdefault("client_id", b"\xffserial 4711")
    how.setdefault("hostname", "greenhouse-3")
    board = Board(**({"store": store} if store else {}), **how)
    profile(board.client)
    return board


def seen(board):
    """[(type, codes of the options in order)] of what was sent."""
    found = []
    for sent in board.cable.sent:
        codes = []
        i = 240
        while sent.data[i] != 255:
            codes.append(sent.data[i])
            i += 2 + sent.data[i + 1]
        found.append((sent.type, codes))
    return found


def carries(board):
    return [(kind, sorted(codes)) for kind, codes in seen(board)]


@rfc("7844 3")
def test_each_message_carries_what_it_may_and_no_more():
    board = device().bound()
    board.client.renew()
    board.poll()
    board.client.release()
    assert carries(board) == [
        (DISCOVER, [53, 55, 61]),
        (REQUEST, [50, 53, 54, 55, 61]),
        (REQUEST, [53, 55, 61]),
        (RELEASE, [53, 54, 61]),
    ]


@rfc("7844 3")
def test_decline_carries_what_it_must():
    board = device().bound()
    decline(board.client)
    assert carries(board)[-1] == (DECLINE, [50, 53, 54, 61])
    assert board.cable.sent[-1].options[50] == IP
    assert board.cable.sent[-1].options[54] == SERVER


@rfc("7844 3")
def test_inform_carries_what_it_may():
    board = device()
    inform(board.client, ip="10.0.0.9")
    assert carries(board)[-1][1] == [53, 55, 61]


@rfc("7844 3.5")
def test_the_client_identifier_is_the_mac_and_nothing_else():
    board = device().bound()
    for sent in board.cable.sent:
        assert sent.options[61] == HOST


@rfc("7844 3.6")
def test_little_is_asked_for_unless_the_application_has_said_what():
    assert sorted(device().bound().cable.sent[0].options[55]) == [1, 3, 6]
    asked = device(params=b"\x2a\x0f").bound().cable.sent[0].options[55]
    assert sorted(asked) == [15, 42]
    assert 55 not in device(params=b"").bound().cable.sent[0].options


@rfc("7844 3.1", "7844 3.6")
def test_options_and_the_list_come_in_any_order():
    orders = set()
    lists = set()
    for _ in range(200):
        board = device()
        board.poll()
        orders.add(tuple(seen(board)[0][1]))
        lists.add(board.cable.sent[0].options[55])
    assert len(orders) == 6
    assert len(lists) == 6


@rfc("3442 Behavior", "7844 3.6")
def test_classless_routes_still_go_before_the_router():
    for _ in range(20):
        board = device(params=b"\x01\x03\x79\x06")
        board.poll()
        assert board.cable.sent[0].options[55][0] == 121


@rfc("7844 3.3")
def test_discover_asks_for_no_address_after_a_lease_either():
    board = device().bound()
    board.client.session.start()
    board.client.update("expired")
    board.go(1)
    assert board.types[2:] == [DISCOVER, REQUEST]
    assert 50 not in board.cable.sent[2].options


@rfc("7844 3.3")
def test_no_lease_is_remembered():
    other = Board(client_id=HOST).bound()
    board = device(store=other.store)
    board.bound()
    assert board.types == [DISCOVER, REQUEST]
    board.cable.plugged = False
    board.go(2)
    board.cable.plugged = True
    board.go(2)
    assert board.types == [DISCOVER, REQUEST] * 2
    assert other.store.records()  # they are not ours to remove


@rfc("7844 3.2")
def test_ciaddr_is_zero_until_there_is_a_lease():
    board = device().bound()
    for sent in board.cable.sent:
        assert not any(sent.ciaddr)


def test_what_other_extras_send_is_sent_whichever_comes_first():
    for one, two in ((commit, profile), (profile, commit)):
        board = Board()
        one(board.client)
        two(board.client)
        obey(board.client)
        board.poll()
        sent = board.cable.sent[0]
        assert sorted(sent.options) == [53, 55, 61, 80]
        assert sorted(sent.options[55]) == [1, 3, 6, 108]


def test_messages_stay_whole():
    board = device()
    for _ in range(30):
        board.client.session.state = 3
        size = board.client.session.write(board.cable.buf, 0)
        Sent(0, bytes(board.cable.buf[:size]), None)
        assert size == 300


def test_the_class_keeps_its_list():
    device()
    assert Client.params == b"\x01\x03\x06\x0f\x1a\x1c\x2a\x3a\x3b"
