"""Several NICs and one way out."""

from errno import EIO

from dhcpc import Client, failover, sleep
from dhcpc.explain import History
from kit import raises
from records import Memory
from two import AIR, KINDS, WIRE, Board, Line, Stack
from world import DISCOVER, REQUEST, types

HOLD, RETRY, TRY, JOIN = 5, 60, 15, 20  # seconds, as in dhcpc.failover


class Nowhere:
    """Takes the place of lists that would be long."""

    def append(self, each):
        pass


def both(case, *of):
    """Run case(board) on a stack of each kind, or case(board, variant)."""
    for esp in KINDS:
        for variant in of or (None,):
            board = Board(esp)
            try:
                case(board) if variant is None else case(board, variant)
            except BaseException:
                print("esp", esp, variant)
                raise


# Which one


def test_the_cable_is_used_if_it_is_there_and_the_radio_leaves():
    def case(board):
        board.go(10)
        assert board.used is board.wire is board.stack.way()
        assert not board.air.up()
        board.go(3600)
        assert board.air.calls.count("connect") == 1

    both(case)


def test_without_the_cable_the_radio_is_used():
    def case(board):
        board.wire.air = False
        board.go(10)
        assert board.used is board.air is board.stack.way()

    both(case)


def test_when_the_link_of_the_cable_is_gone_the_radio_is_used_at_once():
    def case(board):
        board.go(30)
        board.wire.air = False
        board.go(4 if board.stack.esp else 8)
        assert board.used is board.air is board.stack.way()

    both(case)


def test_when_the_lease_of_the_cable_is_gone_the_radio_is_used():
    def case(board):
        board.wire.server.grant["lease"] = 100
        board.go(30)
        board.wire.server.mute = (DISCOVER, REQUEST)
        board.go(100)
        assert board.wire.up()
        assert board.used is board.air is board.stack.way()

    both(case)


def test_the_cable_takes_over_again_when_it_has_had_its_lease_for_a_moment():
    def case(board):
        board.go(30)
        board.wire.air = False
        board.go(30)
        assert board.used is board.air
        board.wire.air = True
        board.go(HOLD - 1)
        assert board.used is board.air is board.stack.way()
        board.go(5)
        assert board.used is board.wire is board.stack.way()
        assert not board.air.up()

    both(case)


def test_a_cable_that_flaps_leaves_the_radio_in_use():
    def case(board):
        board.go(30)
        board.wire.air = False
        board.go(30)
        for _ in range(20):
            board.wire.air = not board.wire.air
            board.go(HOLD - 1)
            assert board.used is board.air is board.stack.way()

    both(case)


def test_the_way_back_to_each_takes_one_request():
    def case(board):
        board.go(30)
        board.wire.air = False
        board.go(30)
        for line in board.lines:
            assert types(line)[:2] == [DISCOVER, REQUEST], line.radio
            assert set(types(line)[2:]) <= {REQUEST}  # it was activated anew
            line.sent.clear()
        board.wire.air = True
        board.go(30)
        assert board.used is board.wire
        assert set(types(board.wire)) == {REQUEST}
        board.wire.air = False
        board.go(30)
        assert board.used is board.air
        assert set(types(board.air)) == {REQUEST}

    both(case)


def test_one_nic_that_never_has_a_server_does_not_keep_the_other_from_the_port():
    def case(board, silent):
        board.lines[silent].server.mute = (DISCOVER, REQUEST)
        board.go(60)
        assert board.used is board.lines[1 - silent] is board.stack.way()

    both(case, WIRE, AIR)


def test_after_a_restart_the_records_of_both_are_there():
    board = Board().go(30)
    board.wire.air = False
    board.go(30)
    again = Board(store=Memory(board.store.kept))
    again.wire.air = False
    again.go(10)
    assert types(again.air) == [REQUEST]
    again.wire.air = True
    again.go(10)
    assert types(again.wire) == [REQUEST]


# Wi-Fi preferred


def test_a_preferred_radio_is_used_though_the_cable_is_faster():
    for esp in KINDS:
        board = Board(esp, radio_first=True).go(20)
        assert board.used is board.air is board.stack.way()


def test_when_a_preferred_radio_is_gone_the_cable_is_used_at_once():
    board = Board(radio_first=True).go(30)
    board.air.air = False
    board.go(1)
    assert board.used is board.wire is board.stack.way()


def test_a_preferred_radio_is_tried_once_a_minute_and_leaves_the_way_out_in_between():
    board = Board(radio_first=True).go(30)
    board.air.server.mute = (DISCOVER, REQUEST)
    board.air.air = False
    board.go(RETRY)
    assert board.used is board.wire
    board.air.air = True  # with a link, but without a server
    board.air.calls.clear()
    without = 0
    for _ in range(10 * RETRY):
        board.go(1)
        without += board.stack.way() is None
    assert board.air.calls.count("connect") in range(8, 11)
    assert without <= 10 * TRY
    board.air.server.mute = ()
    board.go(RETRY + TRY)
    assert board.used is board.air is board.stack.way()


def test_a_preferred_radio_that_flaps_takes_over_once_a_minute_at_most():
    board = Board(radio_first=True).go(30)
    board.told.clear()
    for _ in range(60):
        board.air.air = not board.air.air
        board.go(5)
    changes = [event for event in board.events() if event in ("rebooted", "used", "bound")]
    assert len(changes) <= 2 * 5 + 2


# What the application sees


def test_events_are_of_the_nic_in_use_and_tell_of_each_change():
    board = Board().go(30)
    assert board.events()[-1] == "bound"
    board.told.clear()
    board.wire.air = False
    board.go(30)
    assert board.told[0] == ("link", None)
    assert board.told[-1] == ("bound", "10.0.0.6")
    board.told.clear()
    board.wire.air = True
    board.go(30)
    assert board.told == [("used", "10.0.0.5")]
    assert board.several.about is board.several.clients[WIRE]


def test_state_session_and_link_are_there_for_main():
    board = Board()
    several = board.several
    assert (several.state, several.reason) == ("STOPPED", "no link")
    board.go(30)
    assert (several.state, several.reason) == ("BOUND", None)
    assert several.session.lease is several.lease
    assert several.link.up()
    assert several.link.error() is None


def test_the_reason_is_of_a_nic_that_has_a_link():
    board = Board()
    board.wire.air = False
    board.air.server.mute = (DISCOVER,)
    board.go(60)
    assert board.several.reason == "no answer"


def test_acquire_returns_the_lease_of_the_first_that_has_one():
    board = Board()
    board.wire.air = False
    ticks = []
    lease = board.several.acquire(20_000, lambda: ticks.append(board.stack.now))
    assert lease.ip == "10.0.0.6"
    assert max([ticks[i] - ticks[i - 1] for i in range(1, len(ticks))]) <= 100


def test_acquire_gives_up_with_the_reason():
    board = Board()
    board.wire.air = board.air.air = False
    assert "no link" in raises(OSError, board.several.acquire, 5000)


def test_release_gives_back_the_lease_in_use_and_acquire_starts_anew():
    def case(board):
        board.go(30)
        board.several.release()
        assert board.used is None
        assert board.told[-1] == ("released", None)
        assert not board.air.up()
        board.go(600)
        assert board.used is None
        assert board.several.acquire(20_000)
        assert board.used

    both(case)


def test_close_hands_all_interfaces_back():
    board = Board().go(30)
    board.several.close()
    assert board.used is None
    for line in board.lines:
        assert line.log[-1] == "release"


def test_a_poll_that_waits_takes_the_reply_in():
    board = Board()
    board.wire.air = True
    for _ in range(3):
        board.several.poll(1000)
    assert board.used is board.wire
    assert board.stack.now < 5000 + 3000


def test_what_on_event_raises_comes_out_of_poll_when_all_is_done():
    board = Board()

    def on_event(event, lease):
        if event == "bound":
            raise KeyError(event)

    board.several.on_event = on_event
    raises(KeyError, board.go, 10)
    assert board.used is board.wire
    board.go(10)


def test_the_clients_own_on_event_is_called_too():
    board = Board()
    own = []
    board.several.clients[AIR].on_event = lambda event, lease: own.append(event)
    board.wire.air = False
    board.go(10)
    assert "bound" in own


def test_a_history_is_of_one_client():
    board = Board()
    history = History(board.several.clients[WIRE])
    board.go(10)
    assert any("bound" in line for line in history.lines())


def test_a_sleepers_early_lease_is_used_at_once_and_goes_when_the_server_says_no():
    for naks in (False, True):
        board = Board().go(30)
        stack = Stack(True)
        lines = [Line(stack, False, board.wire.server), Line(stack, True, board.air.server)]
        lines[WIRE].server.naks = naks
        lines[WIRE].server.mute = (DISCOVER,)
        several = failover.Failover(
            [
                sleep.Client(line, store=Memory(board.store.kept), clock=line.clock, early=True)
                for line in lines
            ],
            board.join,
        )
        several.poll()
        assert several.used is several.clients[WIRE]
        assert lines[WIRE].address == "10.0.0.5"
        for _ in range(100):
            several.poll(100)
        assert several.used is several.clients[AIR if naks else WIRE]
        assert lines[AIR if naks else WIRE].address
        assert not lines[WIRE if naks else AIR].address


# Faults


def test_a_fault_of_one_nic_does_not_stop_the_other():
    for esp in KINDS:
        for what in ("open", "send", "up", "recv"):
            board = Board(esp)
            board.wire.faults[what] = OSError(EIO)
            board.go(20)
            assert board.used is board.air is board.stack.way(), what
            board.wire.faults.clear()
            board.go(90)
            assert board.used is board.wire is board.stack.way(), what


def test_a_lease_that_the_nic_does_not_take_is_not_in_use():
    board = Board().go(30)
    board.wire.faults["apply"] = OSError(EIO)
    board.several.clients[WIRE].renew()
    board.go(20)
    assert board.used is board.air
    board.air.calls.clear()
    board.go(60)
    assert board.used is board.air is board.stack.way()
    assert not board.air.calls  # it goes on as if nothing were tried
    del board.wire.faults["apply"]
    board.go(30)
    assert board.used is board.wire is board.stack.way()


def test_what_join_or_the_driver_raises_is_survived():
    def case(board):
        def fails(*how):
            raise OSError("Wifi Internal Error")

        join = board.several.join
        board.several.join = fails
        board.air.nic.disconnect = fails
        board.wire.air = False
        board.go(30)
        assert board.used is None
        board.several.join = join
        board.go(JOIN + 10)
        assert board.used is board.air

    both(case)


def test_nothing_is_tried_without_end_on_two_nics_that_come_and_go():
    for esp in KINDS:
        for first in (False, True):
            board = Board(esp, radio_first=first)
            board.several.on_event = None
            for line in board.lines:  # a VM has no room for all of it
                line.log = line.sent = line.calls = Nowhere()  # type: ignore[assignment]
            for i in range(200):
                board.wire.air = i % 3 != 0
                board.air.air = i % 7 != 0
                board.go(3 + i % 5)
                assert board.used or board.used is None  # all are of one mind
            board.wire.air = board.air.air = True
            board.go(2 * RETRY + TRY)
            assert board.used is board.lines[0] is board.stack.way()


def test_arguments_that_are_wrong_are_named():
    stack = Stack(True)
    wire, air = Line(stack, False, None), Line(stack, True, None)

    def client(line):
        return Client(line, store=Memory(), clock=line.clock)

    assert "clients" in raises(ValueError, failover.Failover, [])
    assert "clients" in raises(ValueError, failover.Failover, [client(wire)])
    assert "join" in raises(ValueError, failover.Failover, [client(wire), client(air)])
    assert "join" in raises(ValueError, failover.Failover, [client(wire), client(air)], "home")
    assert "hostnam" in raises(
        ValueError, lambda: failover.make([wire, air], print, hostnam="greenhouse")
    )
