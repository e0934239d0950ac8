"""The anonymity profile: RFC 7844 3."""

from cable import Board, Cable
from dhcpc import Client
from dhcpc.anonymity import profile
from dhcpc.conflicts import decline
from dhcpc.inform import inform
from dhcpc.ipv6only import obey
from dhcpc.rapid import commit
from kit import rfc
from world import DECLINE, DISCOVER, IP, MAC, RELEASE, REQUEST, SERVER

HOST = b"\x01" + MAC  # of the MAC alone


# Options by which a device is known
TELLING = {
    43: b"\x01\x01x",
    60: "model 7",
    77: "greenhouse",
    81: b"\0\0\0greenhouse",
    93: b"\0\7",
    94: b"\1\3\1",
    97: b"\0serial 4711 of 99",
    124: b"\0\0\0\1\1x",
    125: b"\0\0\0\1\1x",
}


def device(store=None, **how):
    """A board whose settings tell a lot, and which is to be nobody."""
    how.setdefault("options", TELLING)
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


@rfc(
    "7844 2.5 not-disclosed",
    "7844 3 discover",
    "7844 3 discover-has-no-more",
    "7844 3 request",
    "7844 3 request-has-no-more",
    "7844 3 release",
    "7844 3.1 few-options",
    "7844 3.3 requested-address-where-mandated",
)
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


@rfc("7844 3 decline")
def test_decline_carries_what_it_must():
    board = device().bound()
    decline(board.client)
    assert carries(board)[-1] == (DECLINE, [50, 53, 54, 61])
    assert board.cable.sent[-1].options[50] == IP
    assert board.cable.sent[-1].options[54] == SERVER


@rfc("7844 3 inform", "7844 3 inform-has-no-more")
def test_inform_carries_what_it_may():
    board = device()
    inform(board.client, ip="10.0.0.9")
    assert carries(board)[-1][1] == [53, 55, 61]


@rfc("7844 3.7 no-host-name", "7844 3.8 no-fqdn")
@rfc("7844 3.9 no-pxe-options", "7844 3.10 no-vendor-options")
def test_nothing_that_tells_of_the_device_is_sent():
    told = Board(options=TELLING, hostname="greenhouse-3").bound()
    board = device().bound()
    for code in [12] + list(TELLING):
        assert code in told.cable.sent[0].options
        for sent in board.cable.sent:
            assert code not in sent.options


@rfc("7844 5 controlled")
def test_who_does_not_want_it_tells_what_it_is_told_to():
    for wanted in (False, True):
        board = Board(hostname="greenhouse-3")
        if wanted:
            profile(board.client)
        board.poll()
        assert (12 in board.cable.sent[0].options) is not wanted


@rfc("7844 3.5 identifier-of-the-link-layer-address")
def test_the_client_identifier_is_the_mac_and_nothing_else():
    board = device().bound()
    for sent in board.cable.sent:
        assert sent.options[61] == HOST


@rfc("7844 3.6 few-parameters")
def test_little_is_asked_for_unless_the_application_has_said_what():
    assert sorted(device().bound().cable.sent[0].options[55]) == [1, 3, 6]
    asked = device(params=b"\x2a\x0f").bound().cable.sent[0].options[55]
    assert sorted(asked) == [15, 42]
    assert 55 not in device(params=b"").bound().cable.sent[0].options


@rfc("7844 3.1 random-order", "7844 3.6 random-list")
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


@rfc("7844 3.1 random-order")
def test_options_of_each_kind_of_message_come_in_any_order():
    orders: dict[object, list[object]] = {}
    for i in range(60):
        board = device().bound()
        inform(board.client)
        board.client.renew()
        board.poll()
        if i & 1:
            board.client.release()
        else:
            decline(board.client)
        for kind, codes in seen(board):
            orders.setdefault((kind, tuple(sorted(codes))), []).append(codes)
    assert len(orders) == 6
    for codes in orders.values():
        assert [each for each in codes if each != codes[0]]


@rfc("3442 client-behavior routes-before-router")
def test_classless_routes_still_go_before_the_router():
    for _ in range(20):
        board = device(params=b"\x01\x03\x79\x06")
        board.poll()
        assert board.cable.sent[0].options[55][0] == 121


@rfc("7844 3.3 no-requested-address-in-discover")
def test_discover_asks_for_no_address_after_a_lease_either():
    board = device().bound()
    board.client.session.start()
    board.client.update("expired")
    board.go(1)
    assert board.types[2:] == [DISCOVER, REQUEST]
    assert 50 not in board.cable.sent[2].options


@rfc("7844 3.3 no-init-reboot")
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


# Another MAC


class Masked(Cable):
    """The link of a board whose MAC was changed before its Client was made."""

    mac = b"\x02\x00\x00\x00\x00\x99"


@rfc("7844 3.4 new-hardware-address")
def test_a_new_mac_is_what_messages_have():
    board = Board(kind=Masked)
    board.poll()
    assert board.types == [DISCOVER]
    for sent in board.cable.sent:
        assert sent.data[28:34] == Masked.mac
        assert sent.options[61] == b"\x01" + Masked.mac


@rfc("7844 3.2 ciaddr-of-another-link-layer-address")
def test_an_address_that_was_had_with_another_mac_is_not_told():
    board = Board(kind=Masked, store=Board().bound().store)
    board.poll()
    assert board.types[0] == DISCOVER
    assert not any(board.cable.sent[0].ciaddr)
    assert 50 not in board.cable.sent[0].options


@rfc("7844 3.2 cleared-on-a-new-network")
def test_ciaddr_is_cleared_when_the_link_was_away():
    board = Board().bound()
    board.client.renew()
    board.poll()
    assert board.cable.sent[-1].ciaddr == IP
    board.cable.plugged = False
    board.go(1)
    board.cable.plugged = True
    board.go(1)
    assert not any(board.cable.sent[-1].ciaddr)


@rfc("7844 3.3 init-reboot-on-the-same-network")
def test_an_application_that_knows_the_network_may_verify():
    board = device().bound()
    board.client.verify()
    board.go(1)
    assert board.events[-1] == "rebooted"
    assert board.cable.sent[-1].options[50] == IP


def test_messages_stay_whole():
    board = device()
    for _ in range(30):
        board.client.session.state = 3
        board.client.send(0)
        assert len(board.cable.sent[-1].data) == 300


def test_the_class_keeps_its_list():
    device()
    assert Client.params == b"\x01\x03\x06\x0f\x1a\x1c\x2a\x3a\x3b"
