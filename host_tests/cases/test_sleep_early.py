"""A stored lease that is used early, while it is verified, or kept, if nobody answers."""

from errno import EIO

from cable import LEASE, Server
from dhcpc import sleep
from fakeboard import FRAMES, PORTS, plug
from kit import raises, rfc
from onboard import link
from records import Clock, Memory
from sleeper import Sleeper
from world import DAY, DISCOVER, INFINITE, IP, NOBODY, OTHER_IP, RELEASE, REQUEST, SERVER

# early


def test_early_uses_the_stored_address_while_it_is_verified():
    board = Sleeper().bound().again(early=True)
    board.poll()
    assert board.types == [REQUEST]
    assert board.cable.address == "10.0.0.5"
    assert board.client.state == "REBOOTING"
    assert board.client.lease.ip == "10.0.0.5"
    assert board.client.acquire() is board.client.lease
    board.go(1)
    assert board.told[-1] == ("rebooted", "BOUND", "10.0.0.5")
    assert board.events == ["link", "early", "send", "recv", "rebooted"]
    assert board.cable.log.count("remove") == board.cable.log.index("apply") == 2
    assert "remove" not in board.cable.log[board.cable.log.index("apply") :]
    assert board.types == [REQUEST]
    assert board.client.lease.remaining() in (LEASE - 1, LEASE)


@rfc("2131 3.2 nak-leads-to-init")
def test_early_takes_the_address_back_on_nak_before_the_application_hears_of_it():
    board = Sleeper().bound().again(early=True)
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(1)
    at = board.events.index("recv")
    assert board.told[at - 1 : at + 3] == [
        ("send", "REBOOTING", "10.0.0.5"),
        ("recv", "INIT", None),
        ("nak", "INIT", None),
        ("send", "SELECTING", None),
    ]
    assert board.client.lease is None
    assert board.store.kept  # as without `early`: at home it is good


def test_early_takes_the_address_back_if_nobody_answers():
    board = Sleeper(epoch=Clock()).bound().again(early=True, epoch=Clock())
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(0.9)
    assert board.cable.address == "10.0.0.5"
    board.go(4)
    assert ("timeout", "INIT", None) in board.told
    assert board.cable.address is board.client.lease is None
    assert board.types[-1] == DISCOVER


def test_another_address_in_the_ack_takes_the_early_ones_place():
    board = Sleeper().bound().again(Server(yiaddr=OTHER_IP), early=True).bound()
    assert board.cable.address == board.client.lease.ip == "10.0.0.6"
    assert board.told[-1] == ("rebooted", "BOUND", "10.0.0.6")


def test_early_does_not_use_a_lease_that_is_over_and_promises_no_time_that_nobody_knows():
    for after, address, left in (
        (Clock(1_000_600), "10.0.0.5", LEASE - 600),
        (Clock(1_000_000 + LEASE), None, None),
        (Clock(999_999), "10.0.0.5", 0),
        (Clock(kind=2), "10.0.0.5", 0),
        (None, "10.0.0.5", 0),
    ):
        board = Sleeper(epoch=Clock()).bound().again(early=True, epoch=after)
        board.cable.server.mute = (REQUEST,)
        board.poll()
        assert board.cable.address == address
        if address:
            assert board.client.lease.remaining() == left


def test_early_without_a_record_uses_nothing():
    board = Sleeper(early=True)
    board.cable.server.mute = (DISCOVER,)
    board.go(1)
    assert "early" not in board.events
    assert board.client.lease is None


def test_release_of_an_early_address_sends_nothing_and_forgets_the_record():
    board = Sleeper().bound().again(early=True)
    board.cable.server.mute = (REQUEST,)
    board.go(1)
    board.client.release()
    assert RELEASE not in board.types
    assert board.told[-1] == ("released", "STOPPED", None)
    assert board.client.lease is None
    assert not board.store.kept
    board.go(5)
    assert board.events[-1] == "released"


def test_close_and_the_loss_of_the_link_take_an_early_address_away():
    board = Sleeper().bound().again(early=True, keep=True, epoch=Clock())
    board.cable.server.mute = (REQUEST,)
    board.go(1)
    board.cable.plugged = False
    board.poll()
    assert board.told[-1] == ("link", "STOPPED", None)
    board.cable.plugged = True
    board.poll()
    assert board.told[-2:] == [
        ("early", "INIT-REBOOT", "10.0.0.5"),
        ("send", "REBOOTING", "10.0.0.5"),
    ]
    board.client.close()
    assert board.cable.address is board.client.lease is None
    assert board.cable.log[-1] == "release"
    assert board.store.kept


def test_an_address_that_cannot_be_used_early_is_an_error_and_no_more():
    board = Sleeper().bound().again(early=True, on_event=None)
    board.cable.faults["apply"] = OSError(EIO)
    board.poll()
    assert board.client.reason.args == (EIO,)
    del board.cable.faults["apply"]
    board.bound()
    assert board.cable.address == "10.0.0.5"


def test_where_frames_are_sent_an_early_address_is_not_their_source():
    # RFC 2131 4.1 wants 0.0.0.0. A socket takes the address that there is.
    for port in PORTS:
        with plug(port) as board:
            board.server = Server()
            kept = Memory()
            clock = {"store": kept, "clock": board.clock}
            board.nic.active(True)
            first = sleep.Client(link(board), **clock)
            board.connect()
            first.acquire()
            first.session.stop()
            first.link.close()
            board.server.mute = (REQUEST,)
            client = sleep.Client(link(board), early=True, **clock)
            client.poll()
            client.poll()
            assert client.state == "REBOOTING"
            assert board.nic.ifconfig()[0] == "10.0.0.5"
            assert board.sent[-1].type == REQUEST
            assert board.sent[-1].source == (NOBODY if port in FRAMES else IP)
            assert board.sent[-1].ciaddr == NOBODY


# keep


@rfc(
    "2131 3.2 silence-leaves-lease",
    "2131 4.4.5 renewing-at-t1",
    "4436 2.3 lease-used-on",
)
def test_keep_uses_the_lease_on_if_nobody_answers_and_renews_it_at_its_t1():
    board = Sleeper(Server(t1=1000), epoch=Clock()).bound()
    board = board.again(keep=True, epoch=Clock(1_000_400))
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(5)
    assert board.types == 3 * [REQUEST]
    assert ("kept", "BOUND", "10.0.0.5") in board.told
    assert board.client.lease.age in range(400, 406)
    board.go(500)
    assert board.types == 3 * [REQUEST]
    board.cable.server.mute = ()
    board.go(100)
    assert board.types == 4 * [REQUEST]
    assert board.cable.sent[-1].to == SERVER
    assert board.events[-1] == "renewed"


@rfc("2131 3.2 silence-leaves-lease")
def test_keep_ends_with_the_lease():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, epoch=Clock(1_003_000))
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(LEASE - 3000 - 10)
    assert board.cable.address == "10.0.0.5"
    board.go(20)
    assert board.cable.address is None
    assert "expired" in board.events


def test_keep_after_early_never_takes_the_address_away():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, early=True, epoch=Clock(1_000_400))
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.go(5)
    assert board.events[-1] == "kept"
    log = board.cable.log
    assert "remove" not in log[log.index("apply") :]
    assert board.client.lease.remaining() in range(LEASE - 406, LEASE - 399)


def test_keep_starts_over_with_a_lease_that_is_over_or_of_unknown_age():
    for after in (Clock(1_000_000 + LEASE), Clock(999_999), Clock(kind=2), None):
        board = Sleeper(epoch=Clock()).bound().again(keep=True, epoch=after)
        board.cable.server.mute = (REQUEST, DISCOVER)
        board.go(10)
        assert "kept" not in board.events
        assert DISCOVER in board.types
        assert board.cable.address is None


def test_keep_does_not_use_a_lease_that_ends_while_it_is_verified():
    clock = Clock()
    board = Sleeper(epoch=clock).bound().again(keep=True, early=True, epoch=clock)
    clock.seconds += LEASE - 1
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.poll()
    clock.seconds += 2
    board.go(10)
    assert "kept" not in board.events
    assert board.cable.address is None


@rfc("2131 3.2 nak-leads-to-init")
def test_keep_does_not_use_a_lease_that_was_refused():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, early=True, epoch=Clock())
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(10)
    assert "kept" not in board.events
    assert board.cable.address is None


def test_a_timeout_in_requesting_is_none_of_keeps():
    board = Sleeper(epoch=Clock()).bound().again(keep=True, epoch=Clock())
    board.cable.server.naks = True
    board.go(0.1)
    assert "nak" in board.events
    board.cable.server.naks = False
    board.cable.server.mute = (REQUEST,)
    board.go(60)
    assert "timeout" in board.events
    assert "kept" not in board.events


def test_an_infinite_lease_that_a_clock_vouches_for_is_kept():
    server = Server(lease=INFINITE)
    board = Sleeper(server, epoch=Clock()).bound().again(keep=True, epoch=Clock(1_000_000 + DAY))
    server.mute = (REQUEST, DISCOVER)
    board.go(10)
    assert board.events[-1] == "kept"
    assert board.client.lease.remaining() is None


# Settings


def made_with(name):
    Sleeper(**{name: 1})


def test_a_setting_that_there_is_not_is_named():
    for name in ("record", "others", "_verify", "before_sleep", "eearly"):
        assert name in raises(ValueError, made_with, name)
