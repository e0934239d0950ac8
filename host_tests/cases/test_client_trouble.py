"""What a driver, a store or a heap does to the client: nothing of it comes out of `poll`, and
lease, NIC and record agree with the session as soon as it is over. See test_faults, too.
"""

from errno import EIO

from cable import Board, Server
from dhcpc.conflicts import decline
from kit import raises
from world import DISCOVER, IP, OTHER_IP, REQUEST

LINK = ("open", "send", "apply", "remove", "up", "key", "recv")
STORE = ("read", "write")
MIN = 60  # seconds


def errors():
    """What a driver may raise: of the network, of the heap, of its own."""
    return OSError(EIO), MemoryError(), ValueError("pin")


def with_fault(what, fault):
    """A board on which something fails as that says: see Cable."""
    board = Board(Server(t1=1000, t2=2000))
    if what in STORE:
        do = getattr(board.store, what)

        def attempt(*data):
            board.cable.ask(what)
            return do(*data)

        setattr(board.store, what, attempt)
    board.cable.faults[what] = fault
    board.waits = board.cable.log = Nowhere()  # type: ignore[assignment]
    return board


class Nowhere:
    """Takes the place of a list of thousands, if a fault lasts."""

    def append(self, each):
        pass


def consistent(board):
    lease = board.client.session.lease
    assert board.client.lease is lease
    assert board.cable.address == (lease and lease.ip)
    return True


def test_an_address_that_cannot_be_taken_away_is_not_in_use_any_more_and_goes_later():
    for error in errors():
        board = Board(Server(lease=100)).bound()
        board.cable.server.mute = (REQUEST, DISCOVER)
        board.cable.faults["remove"] = error
        board.go(101)
        assert board.client.lease is None
        assert board.cable.address
        board.cable.server.mute = ()
        assert raises(OSError, board.client.acquire, 0)  # it does not return the old one
        del board.cable.faults["remove"]
        board.go(1)
        assert consistent(board)
        assert "expired" in board.events


def test_a_lease_that_could_not_be_applied_is_told_of_when_it_could():
    for error in errors():
        board = Board()
        board.cable.faults["apply"] = error
        board.go(1)
        assert not board.client.lease
        assert "bound" not in board.events
        assert "error" in board.events
        assert raises(OSError, board.client.acquire, 100)
        del board.cable.faults["apply"]
        board.poll()
        assert board.client.acquire(0).ip == board.cable.address == "10.0.0.5"
        assert board.events[-1] == "bound"
        assert board.store.kept


def test_a_fault_that_lasts_is_no_storm_of_packets():
    for what in LINK + STORE:
        for error in errors():
            board = with_fault(what, error)
            board.go(10 * MIN)
            assert len(board.types) <= 30 * 10, what


def test_a_fault_that_is_over_is_made_up_for_by_the_polls_that_follow():
    for what, seconds in (("apply", 1), ("send", 70), ("open", 70)):
        for error in errors():
            board = with_fault(what, error)
            board.go(MIN)
            del board.cable.faults[what]
            board.go(seconds)
            assert board.client.state == "BOUND", (what, error)
            assert consistent(board)


def test_a_lease_is_had_though_the_network_has_no_key_or_the_store_no_records():
    for what in ("key", "read"):
        for error in errors():
            board = with_fault(what, error).bound()
            assert "error" in board.events
            assert consistent(board)


def test_an_address_is_given_up_though_there_was_no_memory_for_the_records_key():
    for end in ("release", "nak"):
        board = with_fault("key", MemoryError()).bound()
        if end == "release":
            board.client.release()
        else:
            board.cable.server.naks = True
            board.cable.server.mute = (DISCOVER,)
            board.go(1100)
        assert board.cable.address is board.client.lease is None


def test_a_record_that_could_not_be_written_is_written_10_minutes_later():
    for error in errors():
        board = with_fault("write", [error]).bound()
        assert not board.store.kept
        board.go(9 * MIN)
        assert not board.store.kept
        board.go(2 * MIN)
        assert board.store.kept


def test_a_record_that_waits_is_written_when_the_client_is_closed():
    board = Board().bound()
    decline(board.client)
    board.cable.server.grant["yiaddr"] = OTHER_IP
    board.go(15)
    assert board.client.lease.yiaddr == OTHER_IP
    assert not board.store.kept  # it may be written once in 10 minutes, and the first is gone
    board.client.close()
    assert board.store.kept


def test_a_renewal_that_could_not_leave_is_made_again_in_seconds():
    for error in errors():
        board = Board(Server(t1=1000, t2=3000)).bound()
        board.cable.faults["send"] = [error] * 3
        board.go(1000)
        assert board.client.state == "RENEWING"
        board.go(20)
        assert board.client.state == "BOUND"
        assert board.types.count(REQUEST) == 2


def test_a_request_that_could_not_leave_is_no_try():
    for error in errors():
        board = Board()
        board.poll()
        board.cable.faults["send"] = [error] * 8  # twice as many as there are tries
        board.go(60)
        assert "timeout" not in board.events
        assert board.types == [DISCOVER, REQUEST]
        assert board.client.state == "BOUND"


# What a fault must not bring about


class Once:
    """Fails the first time; then it does what it stands for."""

    def __init__(self, do, error):
        self.do = do
        self.error = error

    def __call__(self, *arguments):
        error, self.error = self.error, None
        if error:
            raise error
        return self.do(*arguments)


def test_a_nak_is_obeyed_though_there_is_no_room_for_its_words():
    board = Board(Server(t1=1000, t2=2000)).bound()
    message = board.client.session.message
    option = message.option

    def no_room(code):
        if code == 56:
            raise MemoryError
        return option(code)

    message.option = no_room
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(1001)
    assert "nak" in board.events
    assert consistent(board)
    assert board.client.lease is None
    assert not board.store.kept


def test_a_record_is_neither_used_nor_written_under_another_networks_key():
    for what in ("key", "read"):
        for error in errors():
            board = Board(reuse=True, epoch=lambda: (3 << 32) + 100)
            board.cable.network = b"home"
            board.bound()
            board.cable.plugged = False
            board.go(2)  # the record is read meanwhile
            home = board.store.kept
            board.cable.network = b"work"
            board.cable.server.grant["yiaddr"] = OTHER_IP
            if what == "key":
                board.cable.faults["key"] = [error]
            else:
                board.store.read = Once(board.store.read, error)
            sent = len(board.types)
            board.cable.plugged = True
            board.go(2)
            assert board.cable.address == "10.0.0.6"
            assert len(board.types) - sent == 2  # nothing was reused
            for record in board.store.records():
                assert (b"home" in record) == (IP in record[-13:-9])
            assert home in board.store.kept


def test_without_a_lease_there_is_always_a_reason():
    board = Board(Server(lease=100)).bound()
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(101)
    assert board.events[-1] != "bound"
    assert board.client.reason == "no answer"
    board = Board().bound()
    board.client.verify()
    assert board.client.reason == "no answer"
    board = Board().bound()
    decline(board.client)
    assert board.client.reason == "declined"


def test_release_and_close_come_to_their_end_whatever_the_link_does():
    for how in ("release", "close"):
        for error in errors():
            board = Board().bound()
            board.cable.close = Once(board.cable.close, error)
            board.cable.faults["release"] = [error]
            getattr(board.client, how)()
            assert consistent(board)
            assert board.client.lease is None
            assert board.client.state == "STOPPED"


def test_a_lease_that_the_nic_has_not_taken_is_forgotten_when_it_is_given_back_or_refused():
    for error in errors():
        for how in ("release", "nak"):
            board = Board(Server(t1=1000, t2=2000)).bound()
            assert board.store.kept
            board.cable.faults["apply"] = error
            board.go(1000)
            assert board.client.session.lease
            assert not board.client.lease
            if how == "release":
                board.client.release()
            else:
                board.cable.server.naks = True
                board.go(1000)
                assert "nak" in board.events
            assert not board.store.kept, (error, how)


def test_what_on_event_raises_at_an_error_comes_out_of_poll():
    class Mine(Exception):
        pass

    def on_event(event, lease):
        if event == "error":
            raise Mine

    for what in ("send", "apply"):
        board = with_fault(what, [OSError(EIO)])
        board.client.on_event = on_event
        raises(Mine, board.go, 10)
        board.go(10)
        assert board.client.state == "BOUND"
        assert consistent(board)
