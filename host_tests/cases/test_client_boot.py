"""What a boot of the client costs: no packet, a request, or a lease from the beginning."""

from cable import LEASE, TRIP, Board, Server
from dhcpc import Lease, Message
from kit import rfc
from records import Clock, Memory, key, record
from world import (
    ACK,
    DISCOVER,
    INFINITE,
    IP,
    OTHER_IP,
    OTHER_SERVER,
    REQUEST,
    SERVER,
    opt,
    reply,
)

AGES = 1 << 20  # seconds: longer than any lease here that ends

# From flash, or from the beginning


@rfc("2131 1.6 no-manual-configuration")
def test_a_first_boot_takes_a_discover_and_a_request():
    board = Board().bound()
    assert board.types == [DISCOVER, REQUEST]
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.events[-1] == "bound"


@rfc(
    "2131 1.6 configuration-after-reboot",
    "2131 3.2 reuse-of-address",
    "2131 3.7 verified-after-boot",
    "2131 4.3.2 reboot-requested-address",
    "4436 2.2 init-reboot",
)
def test_a_boot_from_flash_takes_one_request():
    board = Board().bound().again().bound()
    assert board.types == [REQUEST]
    assert board.cable.sent[0].options[50] == IP
    assert board.events[-1] == "rebooted"


@rfc("4436 2.1 dhcp-at-once")
def test_a_boot_from_flash_asks_with_its_first_poll():
    board = Board().bound().again()
    board.poll()
    assert [(sent.type, sent.at) for sent in board.cable.sent] == [(REQUEST, board.cable.now)]


@rfc("4436 2.1 other-client-identifier")
def test_a_record_is_not_tried_with_another_client_identifier():
    for own, other in ((b"\0one", b"\0two"), (b"\0one", b"\0on"), (b"", b"\0one")):
        board = Board(client_id=own).bound()
        assert board.again(client_id=own).bound().types == [REQUEST]
        again = board.again(client_id=other).bound()
        assert again.types == [DISCOVER, REQUEST]
        assert 50 not in again.cable.sent[0].options


@rfc("2131 3.1 start-over-told")
def test_a_boot_from_flash_on_a_silent_network_starts_over_at_init():
    board = Board().bound().again()
    board.cable.server.mute = (REQUEST,)
    board.go(10)
    assert DISCOVER in board.types
    assert "timeout" in board.events


@rfc("2131 3.2 nak-leads-to-init", "2131 figure5 rebooting-nak")
def test_a_nak_to_a_stored_lease_leads_to_a_new_one():
    board = Board().bound().again()
    board.cable.server.naks = True
    board.poll()
    board.cable.now += TRIP
    board.poll()
    board.cable.server.naks = False
    board.cable.server.grant["yiaddr"] = OTHER_IP
    assert board.client.acquire().ip == "10.0.0.6"
    assert board.types == [REQUEST, DISCOVER, REQUEST]
    assert board.store.kept != Board().bound().store.kept


def test_what_is_no_record_leads_to_init():
    for data in (b"x", b"\0" * 128, b"\xff" * 200, b"not a record"):
        board = Board(store=Memory(data)).bound()
        assert "error" not in board.events
        assert board.types == [DISCOVER, REQUEST]
        assert board.again().bound().types == [REQUEST]


def test_a_record_is_held_to_what_an_ack_is_held_to():
    odd = []
    for ack in (
        {"yiaddr": b"\xff\xff\xff\xff", "mask": None},
        {"yiaddr": b"\x7f\0\0\x01"},
        {"yiaddr": b"\xe0\0\0\x05", "mask": None},
        {"yiaddr": b"\0\0\0\0"},
        {"yiaddr": b"\x0a\0\0\xff"},
    ):
        odd.append((absurd(**ack), False))
    for ack in (  # type: ignore[assignment]
        {"server": None, "options": opt(54, b"\x0a")},
        {"server": None},
        {"lease": None},
        {"mask": b"\xff\0\xff\0"},
        {"t1": 5000, "t2": 9000},
    ):
        odd.append((absurd(**ack), True))
    for kept, usable in odd:
        for reuse in (False, True):
            board = Board(store=Memory(kept), reuse=reuse, epoch=Clock())
            board.go(10)
            assert board.client.state == "BOUND"
            if not usable:
                assert board.types  # the server was asked, whether it is reused or not
            assert board.client.lease
            assert board.cable.address == board.client.lease.ip == "10.0.0.5"
            board.go(2 * LEASE)
            assert board.client.lease
            assert "error" not in board.events
            board.client.release()


def absurd(**ack):
    """A record with a right CRC of an ACK that no session would take."""
    m = Message()
    m.read(reply(ACK, **ack))
    return record(Lease(m, 0), key(), now=Clock()() - 100)


def test_a_lease_of_another_wifi_network_is_not_tried():
    home = Board()
    home.cable.network = b"home"
    home.bound()
    for network, types in ((b"home", [REQUEST]), (b"home2", [DISCOVER, REQUEST])):
        board = home.again()
        board.cable.network = network
        assert board.bound().types == types


@rfc("2131 3.7 verified-after-disconnection")
def test_a_device_that_is_carried_between_networks_asks_each_for_its_own_address():
    board = Board()
    servers = {}
    for i in range(4):
        servers[b"net%d" % i] = Server(yiaddr=bytes((10, 0, i, 5)), server=bytes((10, 0, i, 1)))
    for types in ([DISCOVER, REQUEST], [REQUEST], [REQUEST]):
        for network in sorted(servers):
            board.cable.plugged = False
            board.poll()
            sent = len(board.types)
            board.cable.network = network
            board.cable.server = servers[network]
            board.cable.plugged = True
            board.bound()
            assert board.types[sent:] == types
            assert board.client.lease
            assert board.client.lease.yiaddr == servers[network].grant["yiaddr"]


def test_on_a_cable_another_server_is_found_and_both_have_a_record():
    home = Server(yiaddr=IP, server=SERVER)
    away = Server(yiaddr=OTHER_IP, server=OTHER_SERVER)
    board = Board(home).bound().again(away)
    away.naks = True
    board.go(0.01)
    away.naks = False
    assert board.bound().client.lease.server == OTHER_SERVER
    board = board.again(away).bound()
    assert board.types == [REQUEST]
    board.client.release()
    board = board.again(home).bound()
    assert board.types == [REQUEST]
    assert board.client.lease.server == SERVER


def test_a_client_identifier_that_leaves_a_record_no_room_costs_the_record_alone():
    home = Board()
    home.cable.network = b"home"
    home.bound()
    board = home.again(client_id=b"\0" + b"i" * 79)
    board.cable.network = b"n" * 32
    board.bound()
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.events[-3:] == ["recv", "bound", "error"]
    assert board.store.kept == home.store.kept
    board.go(LEASE)
    assert "renewed" in board.events
    back = board.again()
    back.cable.network = b"home"
    assert back.bound().types == [REQUEST]


# reuse, without a packet


def test_a_lease_that_surely_runs_is_reused_without_a_packet():
    board = Board(reuse=True, epoch=Clock()).bound().again(reuse=True, epoch=Clock(1_000_100))
    lease = board.client.acquire()
    assert board.types == []
    assert board.events == ["reused"]
    assert lease.remaining() == LEASE - 100
    assert board.cable.address == "10.0.0.5"
    assert board.store.writes == 0


@rfc("2131 4.4.5 renewing-at-t1")
def test_a_lease_that_is_reused_is_renewed_and_ends_when_it_must():
    board = (
        Board(Server(t1=1000), reuse=True, epoch=Clock())
        .bound()
        .again(reuse=True, epoch=Clock(1_000_900))
    )
    board.client.acquire()
    board.go(95)
    assert board.types == []
    board.go(10)
    assert board.types == [REQUEST]
    assert board.cable.sent[0].to == SERVER
    board = board.again(reuse=True, epoch=Clock(1_000_900))
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.client.acquire()
    board.go(LEASE - 901)
    assert board.client.lease
    board.go(2)
    assert board.client.lease is None


@rfc("2131 3.7 verified-after-boot")
def test_a_lease_is_verified_when_its_clock_does_not_vouch_for_it():
    for reuse in (
        Clock(1_000_000 + LEASE),  # over
        Clock(999_999),  # set back
        Clock(kind=2),  # another clock
        Clock(0, kind=2),
        Clock(kind=0),
        None,  # not asked for
    ):
        board = Board(reuse=True, epoch=Clock()).bound().again(reuse=True, epoch=reuse).bound()
        assert board.types == [REQUEST]


@rfc("2131 3.7 verified-after-boot")
def test_an_infinite_lease_is_verified_when_its_clock_does_not_vouch_for_it():
    server = Server(lease=INFINITE)
    for before, after in (
        (None, Clock()),
        (None, Clock(5)),
        (Clock(), Clock(5)),
        (Clock(), Clock(kind=2)),
    ):
        assert Board(server, reuse=True, epoch=before).bound().again(
            reuse=True, epoch=after
        ).bound().types == [REQUEST]
    assert (
        Board(server, reuse=True, epoch=Clock())
        .bound()
        .again(reuse=True, epoch=Clock(AGES))
        .bound()
        .types
        == []
    )


def test_an_ack_that_came_late_does_not_hinder_a_clock_that_has_just_begun():
    server = Server()
    server.trip = 400
    for kind in (0, 1):
        board = Board(server, reuse=True, epoch=Clock(0, kind))
        server.mute = (REQUEST,)
        board.go(2)
        server.mute = ()
        board.go(5)
        assert board.client.state == "BOUND"
