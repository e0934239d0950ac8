"""The client while it waits for a lease, and a link that goes and comes."""

from errno import ETIMEDOUT

from cable import LEASE, Board, Server
from kit import raises, rfc
from world import ACK, DISCOVER, REQUEST, opt, reply

# The link


def test_nothing_is_sent_while_the_link_is_down():
    board = Board()
    board.cable.plugged = False
    board.go(100)
    assert board.types == []
    board.cable.plugged = True
    assert board.bound().types == [DISCOVER, REQUEST]


@rfc("2131 3.7 verified-after-disconnection")
def test_with_the_link_goes_the_address_and_one_request_brings_it_back():
    board = Board().bound()
    board.cable.plugged = False
    board.go(5)
    assert board.client.lease is None
    assert board.cable.address is None
    assert board.events[-1] == "link"
    sent = len(board.types)
    board.cable.plugged = True
    board.bound()
    assert board.types[sent:] == [REQUEST]
    assert board.events[-1] == "rebooted"


def test_without_a_link_each_poll_takes_away_what_the_built_in_client_may_have_set():
    board = Board()
    board.cable.plugged = False
    for _ in range(3):
        board.cable.address = "10.0.0.9"
        board.poll()
        assert board.cable.address is None
    board.client.close()
    board.cable.address = "10.0.0.9"
    board.poll()
    assert board.cable.address == "10.0.0.9"


def test_a_link_that_stays_down_is_told_once():
    board = Board().bound()
    board.cable.plugged = False
    board.go(60)
    assert board.events.count("link") == 2  # it came, it went


# The reply


@rfc("2131 2 options-of-312-bytes", "2131 2 larger-messages")
def test_a_reply_is_read_to_its_end_if_it_is_no_longer_than_was_said():
    name = opt(15, b"example.org")
    for size in (548, 1024):  # of an IP datagram of 576 bytes; option 57
        options = bytes(size - len(reply(ACK, options=name))) + name
        assert len(reply(ACK, options=options)) == size
        assert Board(Server(options=options)).bound().client.lease.option(15) == b"example.org"


# acquire


def test_acquire_returns_a_lease_that_is_there_without_a_packet():
    board = Board().bound()
    sent = len(board.types)
    assert board.client.acquire() is board.client.lease
    assert len(board.types) == sent


@rfc("2131 4.4.5 expiry-to-init")
def test_acquire_does_not_return_a_lease_that_is_over():
    board = Board().bound()
    board.cable.now += (LEASE + 1) * 1000
    lease = board.client.acquire()
    assert lease.remaining() == LEASE
    assert board.types == [DISCOVER, REQUEST] * 2


def test_acquire_gives_up_in_time():
    for timeout in (1, 99, 100, 101, 3000, 70_000):
        board = Board()
        board.cable.server.mute = (DISCOVER,)
        try:
            board.client.acquire(timeout)
        except OSError as error:
            fault = error
        assert fault.args[0] == ETIMEDOUT
        assert timeout <= board.cable.now - 5000 <= timeout + 100
        assert board.client.lease is None


def test_acquire_calls_idle_every_100_ms():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    at = [board.cable.now]

    def idle():
        at.append(board.cable.now)
        board.cable.now += 40  # what a poll of a slow board takes

    raises(OSError, board.client.acquire, 20_000, idle)
    assert max(at[i + 1] - at[i] for i in range(len(at) - 1)) <= 100


def test_a_reason_that_is_older_than_acquire_is_no_news_until_it_gives_up():
    board = Board()
    board.cable.plugged = False
    board.cable.trouble = "wrong password"
    assert "wrong password" in raises(OSError, board.client.acquire, 20_000)
    assert board.cable.now >= 25_000


def test_acquire_ends_early_when_the_reason_comes_later():
    board = Board()
    board.cable.plugged = False

    def idle():
        if board.cable.now > 8000:
            board.cable.trouble = "no access point"

    assert "no access point" in raises(OSError, board.client.acquire, 20_000, idle)
    assert board.cable.now <= 8200


def test_acquire_can_be_called_again_after_it_gave_up():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    raises(OSError, board.client.acquire, 1000)
    board.cable.server.mute = ()
    assert board.client.acquire().ip == "10.0.0.5"
