"""An address for when no server answers."""

from errno import EIO

from cable import Board, Server
from dhcpc import fallback, ipv6only, servers
from dhcpc.conflicts import decline
from dhcpc.explain import History
from fakeboard import NO_IP
from fakeboard.lwip import numbers
from kit import raises, rfc
from onboard import FOUR, Dhcp, on
from sleeper import Sleeper
from world import DISCOVER, NOBODY, RELEASE, REQUEST, opt, u32

STATIC = ("192.168.7.7", "255.255.255.0", "192.168.7.1", "192.168.7.2")
AFTER = 30  # seconds
A_WHILE = 300  # seconds: DISCOVERs go unanswered, and the session starts over


class Silent(Server):
    """A server that is away. It may come."""

    def __init__(self, **grant):
        super().__init__(**grant)
        self.mute: tuple = (DISCOVER, REQUEST)


def comes(board):
    board.cable.server.mute = ()


def with_static(server=None, after_ms=AFTER * 1000, **how):
    board = Board(server or Silent(), **how)
    fallback.static(board.client, *STATIC, after_ms=after_ms)
    return board


def with_link_local(server=None, **how):
    board = Board(server or Silent(), **how)
    fallback.link_local(board.client)
    return board


def fallen_back(**how):
    board = with_static(**how)
    board.go(AFTER + 2)
    assert in_use(board.client).kind == "static"
    return board


def in_use(client):
    """The Lease, or Address, that there is."""
    assert client.lease
    return client.lease


def consistent(board):
    """Lease and NIC agree, whosever address it is."""
    lease = board.client.lease
    assert board.cable.address == (lease and lease.ip)
    assert board.client.session.lease in (None, lease)
    return True


# When


def test_the_address_is_used_when_there_was_no_lease_for_so_long():
    board = with_static()
    board.go(AFTER - 1)
    assert "fallback" not in board.events
    board.go(2)
    assert board.cable.address == STATIC[0]
    assert in_use(board.client).ip == STATIC[0]
    assert board.events.count("fallback") == 1


def test_a_lease_that_comes_in_time_leaves_it_out():
    board = with_static(Server()).bound()
    board.go(A_WHILE)
    assert "fallback" not in board.events
    assert board.cable.address == "10.0.0.5"


def test_after_0_ms_it_is_used_as_soon_as_there_is_a_link():
    board = with_static(after_ms=0)
    board.cable.plugged = False
    board.go(A_WHILE)
    assert board.cable.address is None
    board.cable.plugged = True
    board.poll()
    assert board.cable.address == STATIC[0]


def test_time_without_a_link_does_not_count():
    board = with_static()
    board.go(AFTER - 5)
    board.cable.plugged = False
    board.go(A_WHILE)
    board.cable.plugged = True
    board.go(AFTER - 5)
    assert board.cable.address is None
    board.go(10)
    assert board.cable.address == STATIC[0]


def test_when_a_lease_has_ended_the_wait_begins_anew():
    board = with_static(Server(lease=100)).bound()
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.sleep(1000)
    assert board.cable.address is None
    board.go(AFTER - 2)
    assert board.cable.address is None
    board.go(4)
    assert board.cable.address == STATIC[0]


def test_a_clock_that_goes_back_does_not_end_the_wait():
    board = with_static()
    board.poll()
    board.cable.now -= 10
    board.poll()
    assert board.cable.address is None


def test_a_poll_that_waits_ends_when_the_time_is_over():
    board = with_static(after_ms=1100)
    board.cable.server.trip = 0
    for _ in range(9):
        board.client.poll(60_000)
    assert board.events.count("fallback") == 1
    assert consistent(board)


# What it is


def test_the_lease_tells_what_it_is():
    lease = in_use(fallen_back().client)
    assert isinstance(lease, fallback.Address)
    assert lease.kind == "static"
    assert lease.server == NOBODY
    assert lease.remaining() is None
    assert lease.ifconfig() == STATIC
    assert lease.yiaddr == numbers(STATIC[0])
    assert lease.dns == [STATIC[3]]


def test_the_reason_still_says_why_there_is_no_lease():
    assert fallen_back().client.reason == "no answer"


def test_gateway_and_name_server_may_be_left_out():
    board = Board(Silent())
    fallback.static(board.client, STATIC[0])
    board.go(AFTER + 2)
    assert in_use(board.client).ifconfig() == (STATIC[0], "255.255.255.0", NO_IP, NO_IP)


@rfc(
    "3927 2.1 range",
    "3927 2.1 seeded-by-the-mac",
    "3927 2.6.2 no-router",
    "3927 2.8 not-subnetted",
)
def test_a_link_local_address_is_in_range_and_follows_from_the_mac():
    found = set()
    for last in range(256):
        board = Board()
        board.cable.mac = bytes((2, 0, 0, 0, 0, last))
        own = fallback._Fallback(board.client, 0, None).lease
        again = fallback._Fallback(board.client, 0, None).lease
        assert own.ip == again.ip
        assert own.yiaddr[:2] == b"\xa9\xfe"
        assert 1 <= own.yiaddr[2] <= 254
        assert own.ifconfig()[1:] == ("255.255.0.0", NO_IP, NO_IP)
        found.add(own.ip)
    assert len(found) > 250


def test_a_link_local_address_says_so():
    board = with_link_local()
    board.go(AFTER + 2)
    assert in_use(board.client).kind == "link-local"
    assert board.cable.address.startswith("169.254.")


@rfc("3927 2.1 uniform")
def test_link_local_addresses_are_spread_over_the_whole_range():
    board = Board()
    made = fallback._Fallback(board.client, 0, None)
    parts = [0] * 16
    for i in range(1024):
        board.cable.mac = bytes((2, 0, 0, 7, i >> 8, i & 255))
        made.tries = 0
        parts[made._another().yiaddr[2] >> 4] += 1
    assert 32 < min(parts)
    assert max(parts) < 96


@rfc("3927 2.1 another-sequence-for-each-host", "3927 3.4 each-interface-for-itself")
def test_each_mac_has_its_own_sequence_of_addresses():
    board = Board()
    made = fallback._Fallback(board.client, 0, None)
    sequences = set()
    for i in range(100):
        board.cable.mac = bytes((2, 0, 0, 0, 0, i))
        made.tries = 0
        sequence = tuple([made._another().ip for _ in range(10)])
        assert len(set(sequence)) == 10
        sequences.add(sequence)
    assert len(sequences) == 100


class Neighbours:
    """Those who have an address: what the link's `used` asks."""

    def __init__(self, board, count):
        self.asked = []
        self.count = count
        board.cable.used = self

    def __call__(self, ip):
        self.asked.append(ip)
        return len(self.asked) <= self.count


@rfc("3927 2.2.1 another-after-a-conflict", "3927 1.5 conflicts-expected")
def test_an_address_that_somebody_has_is_not_taken_where_the_link_can_tell():
    board = Board(Silent())
    neighbours = Neighbours(board, 3)
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    assert len(set(neighbours.asked)) == 4
    assert board.cable.address == in_use(board.client).ip == neighbours.asked[-1]
    assert board.events.count("fallback") == 1


@rfc("3927 2.2.1 rate-limit")
def test_after_10_conflicts_one_address_a_minute_is_tried():
    board = Board(Silent())
    neighbours = Neighbours(board, 1000)
    fallback.link_local(board.client)
    board.go(AFTER + 1)
    assert len(neighbours.asked) == 10
    board.go(600)
    assert len(neighbours.asked) == 20
    assert board.cable.address is None


@rfc("3927 2.2.1 rate-limit")
def test_a_link_that_comes_and_goes_does_not_hurry_the_next_address():
    board = Board(Silent())
    neighbours = Neighbours(board, 1000)
    fallback.link_local(board.client, 0)
    board.go(1)
    assert len(neighbours.asked) == 10
    for _ in range(5):
        board.cable.plugged = False
        board.go(1)
        board.cable.plugged = True
        board.go(5)
    assert len(neighbours.asked) == 10
    board.go(60)
    assert len(neighbours.asked) == 11


@rfc("3927 2.2 probed-after-a-change-of-link")
def test_after_the_link_was_away_the_address_is_probed_anew():
    board = Board(Silent())
    neighbours = Neighbours(board, 0)
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    board.cable.plugged = False
    board.go(1)
    board.cable.plugged = True
    board.go(AFTER + 2)
    assert neighbours.asked == [board.cable.address] * 2


def test_an_address_that_nobody_has_ends_the_row():
    board = Board(Silent())
    neighbours = Neighbours(board, 9)
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    assert board.cable.address == neighbours.asked[-1]
    board.cable.plugged = False
    board.go(1)
    neighbours.count = 19
    board.cable.plugged = True
    board.go(AFTER + 2)
    assert len(neighbours.asked) == 20
    assert board.cable.address == neighbours.asked[-1]


@rfc("3927 2.2 not-periodically")
def test_an_address_in_use_is_not_probed_again():
    board = Board(Silent())
    neighbours = Neighbours(board, 0)
    fallback.link_local(board.client)
    board.go(AFTER + A_WHILE)
    assert neighbours.asked == [board.cable.address]


def test_a_link_that_cannot_ask_is_no_reason_to_go_without():
    board = Board(Silent())

    def used(ip):
        raise OSError(EIO)

    board.cable.used = used
    fallback.link_local(board.client)
    board.go(AFTER + 2)
    assert board.cable.address == in_use(board.client).ip
    assert "error" in board.events


# A server that has none to give may forbid it: RFC 2563 2.2


def told(auto_configure, **how):
    """A board whose server offers nobody an address, and says that."""
    return with_link_local(Server(yiaddr=NOBODY, options=opt(116, auto_configure)), **how)


@rfc("2563 2.2 auto-configure-asked", "2563 2.5 in-no-other-message")
def test_discover_alone_asks_whether_there_may_be_a_link_local_address():
    board = with_link_local(Server()).bound()
    board.client.renew()
    board.poll()
    board.client.release()
    assert [(sent.type, sent.options.get(116)) for sent in board.cable.sent] == [
        (DISCOVER, b"\1"),
        (REQUEST, None),
        (REQUEST, None),
        (RELEASE, None),
    ]


def test_who_has_an_address_set_by_hand_does_not_ask():
    board = with_static(Server()).bound()
    assert 116 not in board.cable.sent[0].options


def test_a_discover_without_room_for_the_question_leaves_without_it():
    # 293 bytes are all, END included, and 3 of them are option 116's
    for size, asks in ((25, True), (26, True), (27, False), (29, False)):
        many = {60: bytes(255), 224: bytes(size)}
        board = Board(Server(), options=many, params=b"", client_id=b"")
        fallback.link_local(board.client)
        board.bound()
        assert (116 in board.cable.sent[0].options) is asks


@rfc("2563 2.2 auto-configure-forbidden", "8925 3.3.1 auto-configure")
def test_a_server_may_forbid_it():
    for obeys in (False, True):
        board = told(b"\0")
        if obeys:
            ipv6only.obey(board.client)
            board.cable.server.grant["options"] += opt(108, u32(600))
        board.go(AFTER + A_WHILE)
        assert board.cable.address is None
        assert "fallback" not in board.events
        assert set(board.types) == {DISCOVER}


@rfc("2563 2.1 auto-configure-allowed", "2563 2.2 address-0-ignored")
def test_a_server_may_allow_it():
    board = told(b"\1")
    board.go(AFTER + 2)
    assert in_use(board.client).kind == "link-local"
    board.go(A_WHILE)
    assert consistent(board)
    assert set(board.types) == {DISCOVER}


@rfc("2563 2.2 auto-configure-forbidden")
def test_a_server_that_comes_later_and_forbids_it_ends_it():
    board = with_link_local(Silent(yiaddr=NOBODY, options=opt(116, b"\0")))
    board.go(AFTER + 2)
    assert board.cable.address
    comes(board)
    board.cable.faults["remove"] = [OSError(EIO)]
    board.go(70)
    assert board.client.lease is board.cable.address is None
    board.go(A_WHILE)
    assert board.events.count("expired") == 1
    assert board.client.reason.startswith("10.0.0.1: yiaddr")
    assert board.cable.address is None


def test_what_was_forbidden_holds_until_there_is_an_offer_or_another_network():
    for ends in ("offer", "link"):
        board = told(b"\0")
        board.go(2)
        server = board.cable.server
        server.mute = (DISCOVER, REQUEST)
        board.go(A_WHILE)
        assert board.cable.address is None
        if ends == "offer":
            server.mute = (REQUEST,)
            server.grant["yiaddr"] = b"\x0a\0\0\5"
            board.go(70)
        else:
            board.cable.plugged = False
            board.go(1)
            board.cable.plugged = True
        board.go(AFTER + 2)
        assert in_use(board.client).kind == "link-local"


def test_a_server_that_is_not_listened_to_forbids_nothing():
    for first in (True, False):
        board = Board(Server(yiaddr=NOBODY, options=opt(116, b"\0")))
        if first:
            servers.only(board.client, deny=["10.0.0.1"])
        fallback.link_local(board.client)
        if not first:
            servers.only(board.client, deny=["10.0.0.1"])
        board.go(AFTER + 2)
        assert in_use(board.client).kind == "link-local"


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


@rfc("3927 4 no-periodic-announcements")
def test_a_link_local_address_is_set_and_announced_once():
    board = with_link_local()
    board.go(AFTER + A_WHILE)
    comes(board)
    board.cable.server.naks = True  # the session starts over, again and again
    board.go(A_WHILE)
    assert board.events.count("nak") > 3
    assert board.cable.log.count("apply") == 1


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


# What is done with it


def test_acquire_returns_it_once_it_is_there():
    board = with_static()
    assert raises(OSError, board.client.acquire, 20_000)
    assert board.client.acquire(20_000).ip == STATIC[0]
    assert board.client.acquire(0).ip == STATIC[0]


def test_release_takes_it_away_and_acquire_begins_anew():
    board = fallen_back()
    board.client.release()
    assert board.client.lease is board.cable.address is None
    assert board.events[-1] == "released"
    board.go(A_WHILE)
    assert board.client.lease is None
    assert raises(OSError, board.client.acquire, 20_000)
    assert board.client.acquire(20_000).ip == STATIC[0]


def test_close_takes_it_away():
    board = fallen_back()
    board.client.close()
    assert board.client.lease is board.cable.address is None
    assert board.cable.log[-1] == "release"


def test_verify_and_renew_leave_it():
    for how in ("verify", "renew"):
        board = fallen_back()
        getattr(board.client, how)()
        board.poll()
        assert board.cable.address == in_use(board.client).ip == STATIC[0]


def test_a_verified_lease_that_nobody_confirms_is_followed_by_it():
    board = with_static(Server()).bound()
    board.cable.server.mute = (DISCOVER, REQUEST)
    board.client.verify()
    board.go(AFTER + 2)
    assert board.cable.address == STATIC[0]


def test_what_on_event_raises_comes_out_of_poll_when_all_is_done():
    def on_event(event, lease):
        if event == "fallback":
            raise KeyError(event)

    board = with_static(on_event=on_event)
    raises(KeyError, board.go, AFTER + 2)
    assert board.cable.address == in_use(board.client).ip == STATIC[0]


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


# What is wrong is named


def test_arguments_that_are_wrong_are_named():
    address, mask, gateway, dns = STATIC
    good = {"address": address, "mask": mask, "gateway": gateway, "dns": dns, "after_ms": 1}
    for name, wrong in (
        ("address", ("", "192.168.7", "192.168.7.256", "192.168.7.7.7", "192.168.7.-1", "home")),
        ("address", ("192.168.7.0", "192.168.7.255", "0.0.0.0", "224.0.0.1", "127.0.0.1", None)),
        ("mask", ("255.0.255.0", "0.0.0.0", "24", "255.255.255.256", 24, None)),
        ("gateway", ("192.168.7.7", "224.0.0.1", "router", None)),
        ("dns", ("192.168.7.7", "8.8.8", None, ["8.8.8.8"])),
        ("after_ms", (-1, 1 << 29, "30", None, 1.5)),
    ):
        for value in wrong:
            board = Board()
            how = dict(good)
            how[name] = value

            def call(board=board, how=how):
                fallback.static(board.client, **how)

            said = raises(ValueError, call)
            assert said.startswith(name + ": "), (name, value, said)
            board.bound()  # nothing of it is there


def test_link_local_names_a_wrong_time_too():
    assert "after_ms" in raises(ValueError, fallback.link_local, Board().client, -1)


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


# On the NICs of each port


def test_on_every_nic_it_is_set_and_a_lease_takes_over():
    def case(board):
        board.nic.active(True)
        board.server = Silent(options=Server().grant.get("options", b""))
        dhcp = Dhcp(board)
        fallback.static(dhcp.client, *STATIC)
        board.connect()
        dhcp.go(AFTER + 2)
        assert board.nic.ifconfig() == STATIC
        assert dhcp.events.count("fallback") == 1
        board.server.mute = ()
        dhcp.go(70)
        assert board.nic.ifconfig()[0] == FOUR[0]
        board.away()
        dhcp.poll()
        board.server.mute = (DISCOVER, REQUEST)
        board.back()
        dhcp.go(AFTER + 2)
        assert board.nic.ifconfig()[:3] == STATIC[:3]
        board.away()
        dhcp.poll()
        assert board.nic.ifconfig()[0] == NO_IP or board.last_resort

    on(case)


@rfc("2131 4.1 source-zero-with-a-fallback")
def test_on_every_nic_discovers_leave_while_it_is_set():
    def case(board):
        board.nic.active(True)
        board.server = Silent()
        dhcp = Dhcp(board)
        fallback.static(dhcp.client, *STATIC)
        board.connect()
        dhcp.go(AFTER + 2)
        board.sent.clear()
        dhcp.go(A_WHILE)
        assert board.sent
        frames = hasattr(board.nic, "send_ethernet")
        for sent in board.sent:
            assert sent.source == (NOBODY if frames else numbers(STATIC[0]))
            assert sent.ciaddr == NOBODY

    on(case)


def test_without_a_name_server_of_its_own_the_nics_stays():
    def case(board):
        board.nic.active(True)
        board.server = Silent()
        dhcp = Dhcp(board)
        fallback.link_local(dhcp.client)
        board.connect()
        board.dns = "192.0.2.53"  # another NIC's
        dhcp.go(AFTER + 2)
        assert board.nic.ifconfig()[0] == in_use(dhcp.client).ip
        assert board.dns == "192.0.2.53"

    on(case)


@rfc("8925 3.2 stack-disabled")
def test_a_network_that_asks_to_do_without_ipv4_has_answered():
    def fall_back(dhcp):
        fallback.static(dhcp, *STATIC, after_ms=AFTER * 1000)

    for extras in ((ipv6only.obey, fall_back), (fall_back, ipv6only.obey)):
        board = Board(Silent(options=opt(108, u32(600))))
        for extra in extras:
            extra(board.client)
        board.go(AFTER + 10)
        assert in_use(board.client).kind == "static"
        comes(board)
        board.go(64)
        assert board.events[-1] == "ipv6only"
        assert board.client.lease is None
        assert consistent(board)
        board.go(500)
        assert board.client.lease is None
        board.cable.server.mute = (DISCOVER,)
        board.go(100 + AFTER)
        assert in_use(board.client).kind == "static"
