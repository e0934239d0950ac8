"""IPv6-only preferred: RFC 8925."""

from cable import Board, Server
from dhcpc import fallback
from dhcpc.explain import History, why
from dhcpc.ipv6only import obey
from dhcpc.servers import choose, prefer
from kit import raises, rfc
from world import ACK, DISCOVER, NOBODY, OFFER, OTHER_IP, OTHER_SERVER, REQUEST, opt, reply, u32

HALF_AN_HOUR = opt(108, u32(1800))


def device(value=None, options=HALF_AN_HOUR, **how):
    """A board that obeys, and a server that says so for as many seconds."""
    if value is not None:
        options = opt(108, u32(value))
    board = Board(Server(options=options), **how)
    obey(board.client)
    return board


def waited(board):
    """Seconds from the first DISCOVER to the next, with polls as they are asked for."""
    board.go(0.1)
    sent = board.cable.sent
    assert [each.type for each in sent] == [DISCOVER]
    while len(sent) == 1:
        board.cable.now += max(board.poll(), 1)
    return (sent[1].at - sent[0].at) // 1000


@rfc("8925 3.2 no-request-to-such-an-offer", "8925 3.2 dhcp-stops")
def test_an_offer_with_the_option_gets_no_request_for_as_long_as_it_says():
    board = device()
    assert waited(board) == 1800
    assert REQUEST not in board.types
    assert board.client.lease is None


@rfc("8925 3.2 wait-at-least-5-minutes", "8925 3.4 never-below-the-minimum")
def test_the_wait_is_at_least_5_minutes():
    for value in (0, 1, 299, 300):
        assert waited(device(value)) == 300


def test_the_wait_is_at_most_a_day():
    assert waited(device(0xFFFFFFFF)) == 86400


@rfc("8925 3.2 asked-for-in-discover-and-request")
def test_the_code_is_in_every_parameter_request_list():
    board = device(options=b"").bound()
    board.client.renew()
    board.poll()
    assert board.types == [DISCOVER, REQUEST, REQUEST]
    for sent in board.cable.sent:
        assert sent.options[55] == b"\x01\x03\x06\x0f\x1a\x1c\x2a\x3a\x3b\x6c"


@rfc("8925 3.2 asked-for-in-discover-and-request")
def test_a_list_that_has_the_code_stays_and_one_that_is_missing_is_made():
    for params, asked in ((b"\x6c\x01", b"\x6c\x01"), (b"", b"\x6c")):
        for client_id in (b"", b"\1me"):
            board = device(params=params, client_id=client_id)
            board.poll()
            assert board.cable.sent[0].options[55] == asked


@rfc("8925 3.1 another-length-is-ignored", "8925 3.2 offer-without-it")
def test_without_the_option_or_with_one_of_another_length_all_goes_on():
    for options in (b"", opt(108, b"\0\0\x07"), opt(108, b"")):
        assert device(options=options).bound().types == [DISCOVER, REQUEST]


@rfc("8925 3.2 ack-in-rebooting", "8925 3.2 asked-for-in-discover-and-request")
def test_an_ack_in_rebooting_with_the_option_gives_no_address_and_ends_the_record():
    board = device(options=b"").bound().again(Server(options=HALF_AN_HOUR))
    obey(board.client)
    board.go(0.1)
    assert board.types == [REQUEST]
    assert board.client.lease is None
    assert board.cable.address is None
    assert board.events[-2:] == ["recv", "ipv6only"]
    assert not board.client.store.records(board.client.key)
    board.go(1799)
    assert board.types == [REQUEST]
    board.go(2)
    assert board.types[1] == DISCOVER


@rfc("8925 3.2 ack-in-other-states")
def test_in_every_other_state_an_ack_with_the_option_is_an_ack():
    class Late(Server):
        def answer(self, sent):
            self.grant["options"] = HALF_AN_HOUR if sent.type == REQUEST else b""
            return super().answer(sent)

    board = Board(Late())
    obey(board.client)
    board.go(1)
    assert board.events[-1] == "bound"
    board.client.renew()
    board.go(1)
    assert board.events[-1] == "renewed"
    board.sleep(3200)  # T2 has passed
    board.go(1)
    assert board.events[-1] == "rebound"
    assert board.cable.address == "10.0.0.5"


@rfc("8925 3.2 of-one-interface", "8925 3.2 configurable")
def test_who_asks_on_one_link_does_not_on_another():
    one = device()
    other = Board(Server(options=HALF_AN_HOUR))
    one.poll()
    other.bound()
    assert 108 in one.cable.sent[0].options[55]
    assert 108 not in other.cable.sent[0].options[55]


@rfc("8925 3.1 never-sent")
def test_no_message_has_the_option_itself():
    board = device(options=b"").bound()
    board.client.renew()
    board.poll()
    board.client.release()
    for sent in board.cable.sent:
        assert 108 not in sent.options


@rfc("8925 3.2 dhcp-stops")
def test_nothing_is_sent_while_it_waits():
    board = device()
    board.go(1799)
    assert board.types == [DISCOVER]
    assert board.cable.address is None


@rfc("8925 3.2 criterion")
def test_a_server_that_has_the_option_may_be_preferred():
    for wanted, types in ((b"\x6c", [DISCOVER]), (b"", [DISCOVER, REQUEST])):
        board = Board()
        obey(board.client)
        prefer(board.client, wanted)
        board.cable.server.mute = (DISCOVER,)
        board.poll()
        xid = board.cable.sent[0].xid
        more = {"server": OTHER_SERVER, "yiaddr": OTHER_IP, "options": HALF_AN_HOUR}
        for each in ({}, more):
            board.cable.inbox.append((board.cable.now, reply(OFFER, xid=xid, **each)))
        board.go(1.1)
        assert board.types[:2] == types


@rfc("8925 3.2 link-local-address")
def test_a_link_local_address_may_be_used_meanwhile():
    board = device()
    fallback.link_local(board.client)
    board.go(1000)
    assert board.types == [DISCOVER]
    assert board.cable.address.startswith("169.254.")


@rfc("8925 3.2 a-new-link-ends-the-wait")
def test_a_link_that_has_been_away_ends_the_wait():
    board = device()
    board.go(10)
    board.cable.plugged = False
    board.go(2)
    board.cable.plugged = True
    board.go(0.4)
    assert board.types == [DISCOVER, DISCOVER]


@rfc("8925 3.3 offer-of-no-address")
def test_an_offer_of_no_address_with_the_option_is_obeyed():
    board = device()
    board.cable.server.grant["yiaddr"] = NOBODY
    assert waited(board) == 1800


def test_an_offer_of_no_address_without_the_option_is_refused():
    board = device(options=b"")
    board.cable.server.grant["yiaddr"] = NOBODY
    board.go(3)
    assert board.client.session.reason == "yiaddr"
    assert len(board.types) > 1


@rfc("8925 3.2 the-chosen-offer-counts")
def test_of_several_offers_the_one_that_is_taken_counts():
    for last_has, types in ((False, [DISCOVER, REQUEST]), (True, [DISCOVER])):
        board = Board()
        obey(board.client)
        choose(board.client, 1000, lambda m, server: True)
        board.cable.server.mute = (DISCOVER,)
        board.poll()
        xid = board.cable.sent[0].xid
        first, last = (b"", HALF_AN_HOUR) if last_has else (HALF_AN_HOUR, b"")
        board.cable.inbox = [
            (board.cable.now, reply(OFFER, xid=xid, options=first)),
            (
                board.cable.now,
                reply(OFFER, xid=xid, server=OTHER_SERVER, yiaddr=OTHER_IP, options=last),
            ),
        ]
        board.go(1.1)
        assert board.types[:2] == types


@rfc("8925 3.2 ignored-unless-asked-for", "8925 3.2 not-asked-for-by-others")
def test_who_does_not_obey_takes_the_address_and_does_not_ask():
    board = Board(Server(options=HALF_AN_HOUR)).bound()
    board = board.again()
    board.go(1)
    board.client.renew()
    board.go(1)
    assert board.types == [REQUEST, REQUEST]
    assert board.events[-1] == "renewed"
    for sent in board.cable.sent:
        assert 108 not in sent.options[55]


def test_it_says_why_there_is_no_address_and_that_nothing_is_wrong():
    board = device()
    history = History(board.client)
    said = raises(OSError, board.client.acquire, 2000)
    assert "10.0.0.1: ipv6only" in said
    assert "ipv6only" in board.events
    what, then = why(board.client.reason)
    assert "IPv4" in what
    assert "IPv6" in then
    assert [line for line in history.lines() if "ipv6only: 10.0.0.1: ipv6only" in line]


def test_a_late_poll_makes_the_wait_no_shorter():
    board = device()
    board.poll()
    board.cable.now += 200_000
    at = board.cable.now
    board.go(1700)
    board.go(200)
    assert board.types[:2] == [DISCOVER, DISCOVER]
    assert board.cable.sent[1].at - at >= 1_800_000


def test_an_ack_of_another_kind_is_no_ipv6only():
    board = device(options=b"").bound().again(Server(options=b""))
    obey(board.client)
    board.go(0.1)
    assert board.types == [REQUEST]
    assert board.events[-1] == "rebooted"
    assert board.client.session.type == ACK


def test_a_list_that_has_no_room_for_one_more_is_refused():
    board = Board(params=bytes([1]) * 255)
    assert "option" in raises(ValueError, obey, board.client)
