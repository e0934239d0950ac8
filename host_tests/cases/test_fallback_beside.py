"""What goes on beside an address without a server: the session, faults, other extras."""

from errno import EIO

from cable import Board, Server
from dhcpc import fallback, servers
from dhcpc.conflicts import decline
from dhcpc.explain import History
from kit import rfc
from sleeper import Sleeper
from unserved import (
    A_WHILE,
    AFTER,
    STATIC,
    Silent,
    comes,
    consistent,
    fallen_back,
    in_use,
    with_link_local,
    with_static,
)
from world import DISCOVER, REQUEST

# What goes on beneath it


@rfc("3927 2.11 dhcp-unaltered")
def test_discovers_go_on_and_nothing_takes_the_address_away():
    board = fallen_back()
    board.cable.log.clear()
    sent = len(board.types)
    board.go(A_WHILE)
    assert len(board.types) > sent
    assert set(board.types) == {DISCOVER}
    assert not {"apply", "remove"} & set(board.cable.log)
    assert board.events.count("fallback") == 1
    assert consistent(board)


@rfc("3927 1.9 other-protocols-unaltered", "3927 2.11 dhcp-unaltered")
def test_discovers_leave_at_the_times_at_which_they_would_have_left():
    times = []
    for with_it in (False, True):
        board = Board(Silent())
        board.client.session.rand = lambda bits: (1 << bits) // 3
        if with_it:
            fallback.link_local(board.client, 700)
        board.go(A_WHILE)
        assert ("fallback" in board.events) is with_it
        for sent in board.cable.sent:
            sent.options.pop(116, None)  # which it has from the first on
        times.append([(sent.at, sent.data[:240], sent.options) for sent in board.cable.sent])
    assert len(times[0]) > 5
    assert times[0] == times[1]


@rfc("3927 6.1 changes-are-told", "3927 1.9 after-a-routable-address")
def test_the_application_is_told_of_each_change_of_the_address():
    told = []
    board = with_link_local(
        Silent(lease=100), on_event=lambda event, lease: told.append((event, lease and lease.ip))
    )
    board.go(AFTER + 1)
    own = board.cable.address
    comes(board)
    board.go(70)
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(100 + AFTER + 5)
    expected = [("fallback", own), ("bound", "10.0.0.5"), ("expired", None), ("fallback", own)]
    assert [each for each in told if each in expected] == expected
    assert board.cable.address == own


@rfc(
    "3927 1.9 routable-address-for-what-is-new",
    "3927 1.9 not-beside-a-routable-address",
    "3927 2.6.2 routable-source",
)
def test_a_lease_takes_over():
    board = fallen_back()
    comes(board)
    board.go(70)
    assert board.events[-1] == "bound"
    assert board.client.reason is None
    assert board.cable.address == in_use(board.client).ip == "10.0.0.5"
    assert "remove" not in board.cable.log[board.cable.log.index("apply") :]


def test_a_server_that_offers_and_never_grants_does_not_take_it_away():
    board = fallen_back()
    board.cable.server.mute = (REQUEST,)
    board.cable.log.clear()
    board.events.clear()
    board.go(A_WHILE)
    assert "timeout" in board.events
    assert "remove" not in board.cable.log
    assert consistent(board)


def test_a_nak_does_not_take_it_away():
    board = fallen_back()
    comes(board)
    board.cable.server.naks = True
    board.cable.log.clear()
    board.go(A_WHILE)
    assert "nak" in board.events
    assert not {"apply", "remove"} & set(board.cable.log)
    assert consistent(board)


def test_the_application_is_told_of_no_event_without_the_address():
    told = []
    board = with_static(on_event=lambda event, lease: told.append((event, lease and lease.ip)))
    board.go(AFTER + 2)
    begun = told.index(("fallback", STATIC[0]))
    board.cable.server.mute = (REQUEST,)
    board.go(A_WHILE)
    assert ("timeout", STATIC[0]) in told
    assert {ip for event, ip in told[begun:]} == {STATIC[0]}


def test_it_goes_with_the_link():
    board = fallen_back()
    board.cable.plugged = False
    board.poll()
    assert board.client.lease is board.cable.address is None
    assert board.client.reason == "no link"
    board.cable.plugged = True
    board.go(AFTER - 2)
    assert board.cable.address is None
    board.go(4)
    assert board.cable.address == STATIC[0]


def test_it_is_not_recorded_and_no_record_is_lost_for_it():
    board = Board().bound()
    kept = board.store.kept
    board = board.again(Silent(), reuse=True)
    fallback.static(board.client, *STATIC)
    board.go(AFTER + 2)
    assert board.cable.address == STATIC[0]
    assert board.store.kept == kept
    board.client.release()
    assert board.store.kept == kept


# Faults


def test_an_address_that_the_nic_does_not_take_is_no_lease_and_is_tried_again():
    for error in (OSError(EIO), MemoryError(), ValueError("pin")):
        board = with_static()
        board.cable.faults["apply"] = error
        board.go(AFTER + 5)
        assert board.client.lease is None
        assert "fallback" not in board.events
        del board.cable.faults["apply"]
        board.go(2)
        assert "fallback" in board.events
        assert consistent(board)


def test_a_fault_at_any_moment_is_made_up_for():
    for what in ("open", "send", "apply", "remove", "up", "key", "recv"):
        for number in (0, 1, 2, 5):
            board = with_static(Silent(lease=400))
            board.cable.faults[what] = [None] * number + [MemoryError()] * 2
            board.go(AFTER + 5)
            assert consistent(board)
            board.cable.plugged = False
            board.go(5)
            assert consistent(board)
            board.cable.plugged = True
            board.go(AFTER + 5)
            assert board.cable.address == STATIC[0], (what, number)
            comes(board)
            board.go(200)
            assert board.cable.address == "10.0.0.5"
            board.cable.server.mute = (DISCOVER, REQUEST)
            board.go(410 + AFTER)
            assert consistent(board)
            assert board.cable.address == STATIC[0]


def test_a_lease_that_the_nic_does_not_take_is_not_given_up_for_it():
    board = fallen_back()
    comes(board)
    board.cable.faults["apply"] = OSError(EIO)
    board.go(100)
    assert board.client.session.lease
    assert board.client.lease is None
    del board.cable.faults["apply"]
    board.go(2)
    assert board.cable.address == in_use(board.client).ip == "10.0.0.5"


# With the other extras


def test_a_sleepers_early_and_kept_leases_go_before_it():
    board = Sleeper(epoch=lambda: (1 << 32) + 1000).bound()
    for settings in ({"early": True}, {"keep": True}):
        again = board.again(Silent(), epoch=lambda: (1 << 32) + 1000, **settings)
        fallback.static(again.client, *STATIC, after_ms=1000)
        again.poll()
        assert again.cable.address == ("10.0.0.5" if "early" in settings else None)
        again.go(20)
        assert again.cable.address == (STATIC[0] if "early" in settings else "10.0.0.5")
        assert again.events[-1] != "error"


def test_a_history_has_a_line_for_it():
    board = Board(Silent())
    fallback.static(board.client, *STATIC)
    history = History(board.client)
    board.go(AFTER + 2)
    words = "SELECTING   no lease, so the fallback address is used: no answer"
    assert [line for line in history.lines() if line.endswith(words)]


def test_the_order_in_which_extras_are_added_does_not_matter():
    for order in ((0, 1, 2), (2, 1, 0)):
        board = Board(Silent())
        steps = (
            lambda dhcp: History(dhcp),
            lambda dhcp: fallback.static(dhcp, *STATIC),
            lambda dhcp: servers.choose(dhcp, 100),
        )
        for i in order:
            steps[i](board.client)
        board.go(AFTER + 2)
        assert board.cable.address == STATIC[0]
        comes(board)
        board.go(70)
        assert board.cable.address == in_use(board.client).ip == "10.0.0.5"


def test_after_a_decline_the_wait_begins_anew():
    board = with_static(Server()).bound()
    board.cable.server.mute = (DISCOVER, REQUEST)
    decline(board.client)
    board.poll()
    assert board.cable.address is None
    board.go(AFTER + 2)
    assert board.cable.address == STATIC[0]
