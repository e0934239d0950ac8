"""An address for when no server answers: when it is used, what it is, what is done with it."""

from cable import Board, Server
from dhcpc import fallback, ipv6only
from fakeboard import NO_IP
from fakeboard.lwip import numbers
from kit import raises, rfc
from onboard import FOUR, Dhcp, on
from unserved import (
    A_WHILE,
    AFTER,
    STATIC,
    Silent,
    comes,
    consistent,
    fallen_back,
    in_use,
    with_static,
)
from world import DISCOVER, NOBODY, REQUEST, opt, u32

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
