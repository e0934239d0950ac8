"""How often the client is to be polled, how long a poll takes, and what it leaves open."""

import sys
from errno import EHOSTUNREACH

from cable import LEASE, TRIP, Board, Cable, Port, Server
from dhcpc import Client
from kit import Skip, allocated, rfc, without_heap
from records import Memory
from world import DAY, DISCOVER, INFINITE, OTHER_IP, REQUEST, SERVER

# The socket


def test_the_socket_is_open_from_the_first_packet_until_bound():
    board = Board()
    assert not board.cable.sock
    board.poll()
    assert board.cable.sock
    board.bound()
    assert not board.cable.sock
    board.go(1000)
    assert board.cable.log.count("open") == 1


def test_the_socket_stays_open_for_10_s_after_a_request_in_renewing_and_rebinding():
    board = Board(Server(t1=1000, t2=2000)).bound()
    board.cable.server.mute = (REQUEST,)
    for t in (1000, 2000):
        board.go(5 + t - board.cable.now // 1000)
        sent = len(board.types)
        board.go(9)
        assert board.cable.sock
        board.go(3)
        assert not board.cable.sock
        assert len(board.types) == sent
    assert board.client.state == "REBINDING"


def test_a_port_that_is_taken_is_tried_again_every_few_seconds():
    board = Board()
    board.cable.port68.owner = "the built-in client"
    board.go(60)
    assert board.types == []
    assert "error" in board.events
    assert 15 <= board.cable.log.count("open") <= 60
    board.cable.port68.owner = None
    assert board.client.acquire(5_000).ip == "10.0.0.5"


def test_two_clients_on_one_board_take_turns():
    port = Port()
    boards = [Board(port=port), Board(port=port)]
    for _ in range(20_000):
        for board in boards:
            board.poll()
            board.cable.now += 1
    assert [board.client.state for board in boards] == ["BOUND", "BOUND"]


def test_a_send_that_fails_is_made_again_soon():
    board = Board()
    board.cable.faults["send"] = OSError(EHOSTUNREACH)
    board.go(5)
    assert "error" in board.events
    assert isinstance(board.client.reason, OSError)
    del board.cable.faults["send"]
    assert board.client.acquire(5_000).ip == "10.0.0.5"


# What poll returns, and for how long it waits


def test_poll_asks_for_50_ms_at_most_while_a_reply_is_awaited():
    board = Board(Server(t1=1000, t2=2000))
    board.cable.server.mute = (DISCOVER,)
    board.go(3)  # the socket closes 2 s after a packet, and then the next is never so far away
    assert max(board.waits) <= 50
    board.cable.server.mute = ()
    board.bound()
    board.cable.server.mute = (REQUEST,)
    board.sleep(1000)
    assert board.client.state == "RENEWING"
    assert board.waits[-1] <= 50


@rfc("2131 4.1 retransmission-told")
def test_each_message_that_leaves_is_told():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.go(60)
    assert len(board.types) > 5
    assert board.events.count("send") == len(board.types)


def test_poll_in_bound_asks_for_the_time_to_t1():
    board = Board(Server(t1=1000)).bound()
    assert 999_000 <= board.poll() <= 1_000_000


def test_poll_asks_for_a_day_at_most():
    for lease in (INFINITE, 60 * DAY):
        board = Board(Server(lease=lease)).bound()
        assert (DAY - 1) * 1000 < board.poll() <= DAY * 1000


def test_poll_soon_asks_for_the_link_while_it_is_down():
    board = Board()
    board.cable.plugged = False
    assert 1 <= board.poll() <= 1000
    board.cable.plugged = True
    board.bound()
    board.cable.plugged = False
    assert 1 <= board.poll() <= 1000


def test_poll_waits_for_a_datagram_and_no_longer():
    board = Board()
    board.cable.server.mute = (REQUEST,)
    board.client.poll(1000)
    assert board.cable.now == 5000 + TRIP
    board.client.poll(70)
    assert board.cable.now == 5000 + TRIP + 70


@rfc("2131 4.4.5 renewing-at-t1")
def test_poll_does_not_wait_past_t1():
    board = Board(Server(t1=1000)).bound()
    board.cable.server.mute = (REQUEST,)
    before = board.cable.now
    board.client.poll(2_000_000)
    assert board.types[-1] == REQUEST
    assert board.cable.sent[-1].at <= before + 1_000_000


def test_poll_without_a_wait_takes_no_time():
    board = Board()
    for _ in range(10):
        board.poll()
    assert board.cable.now == 5000


def test_poll_with_a_negative_wait_waits_for_nothing():
    board = Board()
    for wait_ms in (-1, -1000, -(1 << 29)):
        board.client.poll(wait_ms)
        assert board.cable.now == 5000


def test_a_flood_of_datagrams_does_not_hold_up_a_poll():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, b"flood")] * 1000
    board.client.poll(1000)
    assert 1 <= 1000 - len(board.cable.inbox) <= 16
    assert board.events.count("ignored") <= 16


def test_a_flood_of_datagrams_does_not_hold_back_a_retransmission():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, b"flood")] * 1000
    for _ in range(20):
        board.cable.now += 100
        board.poll()
    assert len(board.types) >= 2


# Late polls


@rfc(
    "2131 4.4.5 rebinding-at-t2",
    "2131 4.4.5 expiry-to-init",
    "2131 4.4.5 expiry-stops-the-network",
)
def test_a_poll_after_t1_renews_after_t2_rebinds_after_the_end_starts_over():
    for late, to, state in (
        (1800, SERVER, "RENEWING"),
        (3200, None, "REBINDING"),
        (3600, None, "SELECTING"),
        (10 * DAY, None, "SELECTING"),
    ):
        board = Board().bound()
        board.cable.server.mute = (REQUEST, DISCOVER)
        board.sleep(late)
        assert board.client.state == state
        assert board.cable.sent[-1].to == to
        assert (
            (board.client.lease is None) == (state == "SELECTING") == ("expired" in board.events)
        )
        assert (board.cable.address is None) == (state == "SELECTING")


def test_an_answer_that_has_waited_is_read_before_what_is_due_is_sent():
    for apart in (60, 300, 900, 1500):
        board = Board(Server(t1=1800, t2=3150)).bound()
        for _ in range(20_000 // apart):
            board.sleep(apart)
            assert board.client.lease
        assert "expired" not in board.events
        assert board.events.count("renewed") >= 20_000 // 1800 // 2
        assert "ignored" not in board.events


@rfc("2131 4.4.5 renewed-lease-from-the-request")
def test_an_answer_that_has_waited_past_the_end_of_the_lease_is_of_use_still():
    board = Board(Server(t1=1800, t2=3150)).bound()
    board.sleep(1800)
    board.sleep(2000)
    assert "renewed" in board.events
    assert "expired" not in board.events
    assert board.client.lease.remaining() == LEASE - 2000
    assert board.cable.address == "10.0.0.5"


def test_polls_that_are_seconds_apart_lead_to_a_lease():
    for apart in (1, 3, 10, 60):
        board = Board()
        for _ in range(4):
            board.sleep(apart)
        assert board.client.state == "BOUND"
        assert board.types == [DISCOVER, REQUEST]


@rfc("2131 4.4.5 rebinding-at-t2")
def test_a_lease_of_40_days_is_right_when_poll_is_called_every_few_days():
    board = Board(Server(lease=40 * DAY, t1=20 * DAY, t2=35 * DAY)).bound()
    board.cable.server.mute = (REQUEST,)
    states = []
    for _ in range(14):
        board.sleep(3 * DAY)
        states.append(board.client.state)
    assert states == ["BOUND"] * 6 + ["RENEWING"] * 5 + ["REBINDING"] * 2 + ["SELECTING"]


def ended(board):
    """That board, its lease at an end: no server has answered in time, and they do so again."""
    server = board.cable.server
    server.mute = (REQUEST, DISCOVER)
    board.sleep(LEASE)
    assert board.cable.address is None
    server.mute = ()
    return board


@rfc("2131 4.4.5 same-address-again")
def test_the_old_address_is_used_again_if_it_is_granted_after_the_end():
    board = ended(Board().bound())
    board.client.acquire()
    assert board.cable.address == "10.0.0.5"
    assert board.events[-1] == "bound"


@rfc("2131 4.4.5 another-address", "2131 4.4.5 another-address-told")
def test_another_address_after_the_end_takes_the_place_of_the_old_one_and_is_told():
    board = Board().bound()
    told = []
    board.client.on_event = lambda event, lease: told.append((event, lease and lease.ip))
    board.cable.server.grant["yiaddr"] = OTHER_IP
    ended(board).client.acquire()
    assert board.cable.address == "10.0.0.6"
    assert [each for each in told if each[0] not in ("send", "recv")] == [
        ("expired", None),
        ("bound", "10.0.0.6"),
    ]


@rfc("2131 4.4.5 expiry-stops-the-network", "2131 3.7 no-use-after-the-end", "2131 3.7 end-told")
def test_the_address_goes_before_the_application_hears_that_it_has_expired():
    board = Board()
    seen = []

    def on_event(event, lease):
        seen.append((event, lease and lease.ip, board.cable.address))

    board.client.on_event = on_event
    board.bound()
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.sleep(LEASE)
    assert ("bound", "10.0.0.5", "10.0.0.5") in seen
    assert ("expired", None, None) in seen


# Heap


class Quiet(Cable):
    """A cable that takes nothing from the heap."""

    def recv(self, size, wait):
        return None


def quiet(**settings):
    link = Quiet()
    client = Client(link, clock=link.clock, store=Memory(), **settings)
    return link, client


def in_a_vm():
    if sys.implementation.name != "micropython":
        raise Skip("cpython: what its heap takes is no board's concern")


def test_an_idle_poll_with_the_socket_open_takes_nothing_from_the_heap():
    in_a_vm()
    link, client = quiet()
    client.poll()
    assert link.sock
    assert allocated(client.poll) == 0
    without_heap(client.poll)


def test_an_idle_poll_with_the_socket_closed_takes_nothing_from_the_heap():
    in_a_vm()
    board = Board().bound()
    assert not board.cable.sock
    assert allocated(board.client.poll) == 0
    without_heap(board.client.poll)


def test_an_idle_poll_without_a_link_takes_nothing_from_the_heap():
    in_a_vm()
    link, client = quiet()
    link.plugged = False
    client.poll()
    assert allocated(client.poll) == 0


def test_a_server_that_takes_its_time_is_heard_though_the_waits_are_long():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.go(400)
    board.cable.server.mute = ()
    board.cable.server.trip = 4000
    board.go(300)
    assert board.client.lease
