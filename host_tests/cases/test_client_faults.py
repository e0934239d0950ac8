"""The client, and what a server or the application does to it."""

from errno import EIO

from cable import Board, Server
from dhcpc.conflicts import decline
from kit import raises, rfc
from records import Memory
from world import DECLINE, DISCOVER, RELEASE, World, opt

# What a server sends


def test_garbage_is_ignored_and_told():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, data) for data in (b"x", b"\0" * 240, b"\xff" * 1024, b"y" * 300)]
    board.poll()
    assert board.events.count("ignored") == 4
    assert board.client.reason
    board.cable.server.mute = ()
    board.bound()


@rfc("1542 1.2 discarded-logged")
def test_what_is_ignored_can_be_logged_with_its_bytes():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    client = board.client
    read, log = client.read, []

    def logged(buf):
        read(buf)
        if board.events[-1] == "ignored":
            log.append((client.session.reason, buf))

    client.read = logged  # type: ignore[method-assign]
    board.cable.inbox = [(0, b"x"), (0, b"\2" + bytes(299))]
    board.poll()
    assert log == [("op", b"x"), ("xid", b"\2" + bytes(299))]


def consistent(board):
    lease = board.client.lease
    assert lease is board.client.session.lease
    assert board.cable.address == (lease and lease.ip)
    return True


class Mutator(Server):
    """Changes some bytes of each message, and cuts some off, by the random numbers of `world`."""

    world = World()

    def answer(self, sent):
        rand = self.world.random
        data = bytearray(super().answer(sent))
        for _ in range(1 + rand(2)):
            i = (rand(16) if rand(1) else 236 + rand(6)) % len(data)
            data[i] = rand(8)
        return bytes(data[: len(data) - (0 if rand(2) else rand(6))])


def test_no_mutation_of_a_reply_raises_out_of_poll():
    options = (
        opt(3, b"\x0a\0\0\x01") + opt(6, b"\x0a\0\0\x01") + opt(52, b"\x03") + opt(15, b"lan")
    )
    server = Mutator(options=options, t1=1000, t2=2000)
    events = []
    for seed in range(1, 301):
        if seed % 3 == 1:
            store = Memory()
        server.world = World()
        server.world.seed = seed * 1234567
        board = Board(server, store=store)
        for _ in range(20):
            board.client.poll(100)
            assert consistent(board)
        events += board.events
    for event in ("ignored", "bound", "rebooted"):
        assert events.count(event) > 20


# What on_event does


class Oops(Exception):
    pass


def raising_at(board, number, error):
    told = []

    def on_event(event, lease):
        told.append(event)
        if len(told) == number + 1:
            raise error
        board.events.append(event)

    return on_event


def test_an_exception_of_on_event_comes_out_of_poll_and_leaves_the_client_consistent():
    for error in (Oops(), OSError(EIO), ValueError("mine")):
        for number in range(12):
            board = Board(Server(t1=1000, t2=2000))
            board.client.on_event = raising_at(board, number, error)
            caught = []
            for seconds, naks in ((10, False), (1000, False), (1000, True), (1000, False)):
                board.cable.server.naks = naks
                try:
                    board.go(seconds)
                except (Oops, OSError, ValueError) as e:
                    caught.append(e)
                    assert consistent(board)
            assert caught == [error]
            assert consistent(board)
            assert board.client.lease
            assert board.store.writes == 3  # the lease, its end by the NAK, the next


def test_an_exception_of_on_event_does_not_keep_release_from_its_end():
    for number in range(2):
        board = Board().bound()
        board.client.on_event = raising_at(board, number, Oops())
        raises(Oops, board.client.release)
        assert consistent(board)
        assert board.client.lease is None
        assert not board.store.kept
        assert board.types[-1] == RELEASE


def test_an_exception_of_on_event_does_not_keep_decline_from_its_end():
    for number in range(2):
        board = Board().bound()
        board.client.on_event = raising_at(board, number, Oops())
        decline(board.client)
        raises(Oops, board.client.poll)
        assert consistent(board)
        assert board.client.lease is None
        assert board.types[-1] == DECLINE
        at = board.cable.now
        board.go(15)
        assert board.cable.sent[-2].at >= at + 10_000


def test_an_exception_of_on_event_does_not_keep_close_from_its_end():
    board = Board().bound()
    board.client.on_event = raising_at(board, 0, Oops())
    raises(Oops, board.client.close)
    assert consistent(board)
    assert board.client.lease is None
    assert board.cable.log[-1] == "release"


def test_on_event_may_release_or_close_at_any_event():
    for number in range(7):
        for how in ("release", "close"):
            board = Board(Server(t1=1000, t2=2000))
            told: list[str] = []

            def on_event(event, lease, board=board, told=told, number=number, how=how):
                told.append(event)
                if len(told) == number + 1:
                    getattr(board.client, how)()

            board.client.on_event = on_event
            board.go(10)
            board.go(1100)
            assert consistent(board)
            assert board.client.lease is None or len(told) <= number
            assert not board.cable.sock or len(told) <= number
