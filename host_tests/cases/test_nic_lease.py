"""The client on the NICs of each port: what leaves, and the lease in use."""

import sys

from cable import LEASE
from fakeboard import ALL, ALL_MACS, FRAMES, MAC, NO_IP, PORTS
from kit import Skip, allocated, rfc
from onboard import FOUR, bare, bound, connected, on
from world import DISCOVER, IP, RELEASE, REQUEST, SERVER, types

OTHER_DNS = "10.1.0.53"

# What leaves


@rfc(
    "2131 3.1 discover-broadcast",
    "2131 3.1 request-broadcast",
    "2131 3.1 request-to-same-broadcast",
    "2131 4.1 source-zero",
    "2131 4.4.1 discover-broadcast",
)
def test_a_first_lease_is_had_from_nobody_by_broadcast_with_the_flag_clear():
    def case(board):
        bound(board)
        assert types(board) == [DISCOVER, REQUEST]
        for sent in board.sent:
            assert sent.target == ALL
            assert sent.flags == 0
            assert sent.source == bytes(4)
            assert sent.ciaddr == bytes(4)
            assert sent.data[28:34] == MAC

    on(case, *[port for port in PORTS if port != "LAN"])


@rfc("2131 4.1 source-zero-on-any-nic", "3927 2.1 range")
def test_the_last_resort_is_a_link_local_address():
    def case(board):
        bound(board)
        assert types(board) == [DISCOVER, REQUEST]
        for sent in board.sent:
            assert sent.target == ALL
            assert sent.flags == 0
            assert sent.source[:2] == b"\xa9\xfe"
            assert 0 < sent.source[2] < 255
        assert board.nic.ifconfig() == FOUR

    on(case, "LAN")


@rfc("894 Address broadcast")
def test_a_whole_frame_goes_to_all():
    def case(board):
        bound(board)
        for sent in board.sent:
            assert sent.frame[:12] == ALL_MACS + MAC

    on(case, *FRAMES)


@rfc("2131 2 unicast-before-address", "2131 4.1 ports")
def test_broadcast_and_unicast_replies_are_received():
    def case(board):
        for cast in ("unicast", "broadcast"):
            board.cast = cast
            bound(board)
            board.nic.active(False)

    on(case)


@rfc("2131 4.3.2 renewing-ciaddr", "2131 4.3.2 renewing-unicast", "1542 3.3 ciaddr-reachable")
def test_a_renewal_goes_to_the_server_from_the_address():
    def case(board):
        dhcp = bound(board)
        dhcp.go(LEASE // 2 + 1)
        assert types(board) == [DISCOVER, REQUEST, REQUEST]
        renewal = board.sent[-1]
        assert renewal.target == SERVER
        assert renewal.source == renewal.ciaddr == IP
        assert not renewal.frame
        assert dhcp.events[-1] == "renewed"
        assert dhcp.client.state == "BOUND"
        assert board.nic.ifconfig() == FOUR

    on(case)


@rfc(
    "2131 4.3.2 rebinding-ciaddr",
    "2131 4.3.2 rebinding-broadcast",
    "2131 4.4.4 request-back-to-broadcast",
    "1542 3.3 ciaddr-reachable",
)
def test_a_rebinding_goes_to_all_from_the_address():
    def case(board):
        dhcp = bound(board)
        board.server.mute = (REQUEST,)
        dhcp.go(LEASE * 15 // 16)
        assert dhcp.client.state == "REBINDING"
        assert board.sent[-1].target == ALL
        assert board.sent[-1].source == board.sent[-1].ciaddr == IP
        assert board.netif.ip == FOUR[0]

    on(case)


def test_the_host_name_is_that_of_the_board():
    def case(board):
        bound(board)
        name = board.modules["network"].hostname()
        assert board.sent[0].options[12] == name.encode()

    on(case)


# The lease in use


@rfc(
    "2131 4.4.1 announcement",
    "1542 2.3 bits-of-chaddr",
    "5227 2.3 announcement",
    "5227 3 request-not-reply",
    "826 Format request",
    "826 Generation sender",
    "826 Generation broadcast",
)
def test_a_new_address_is_announced_where_the_stack_does_not():
    def case(board):
        bound(board)
        assert board.arps[0] == (
            ALL_MACS
            + MAC
            + b"\x08\x06\0\x01\x08\0\x06\x04\0\x01"
            + MAC
            + IP
            + b"\0\0\0\0\0\0"
            + IP
        )

    on(case, *FRAMES)


def test_all_four_are_set_dns_too():
    def case(board):
        dhcp = bound(board)
        assert board.nic.ifconfig() == FOUR
        dhcp.go(LEASE)
        assert board.nic.ifconfig() == FOUR

    on(case)


def test_a_client_without_a_lease_leaves_the_name_server_alone():
    # A board has one for all its NICs, and another of them has set it.
    def case(board):
        dhcp = bound(board)
        board.server.mute = (REQUEST, DISCOVER)
        board.dns = OTHER_DNS
        dhcp.go(LEASE)
        assert dhcp.client.lease is None
        assert board.dns == OTHER_DNS
        board.away()
        board.dns = OTHER_DNS
        for _ in range(5):
            dhcp.poll()
        assert board.dns == OTHER_DNS
        board.back()
        dhcp.go(30)
        assert board.dns == OTHER_DNS

    on(case)


def test_a_lease_without_gateway_and_dns_is_used():
    def case(board):
        dhcp = connected(board)
        board.server.grant["options"] = b""
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR[:2] + (NO_IP, NO_IP)
        dhcp.go(LEASE)
        assert board.nic.ifconfig()[0] == FOUR[0]

    on(case)


@rfc("2131 4.4.5 expiry-stops-the-network", "2131 3.7 no-use-after-the-end", "2131 3.7 end-told")
def test_expiry_takes_the_address_away():
    def case(board):
        dhcp = bound(board)
        board.server.mute = (REQUEST, DISCOVER)
        board.sleep(LEASE + 1)
        dhcp.poll()
        assert "expired" in dhcp.events
        assert bare(board)
        assert board.sent[-1].source != IP

    on(case)


@rfc("2131 figure5 renewing-rebinding-nak")
def test_a_nak_takes_the_address_away():
    def case(board):
        dhcp = bound(board)
        board.server.naks = True
        board.server.mute = (DISCOVER,)
        dhcp.go(LEASE // 2 + 2)
        assert "nak" in dhcp.events
        assert bare(board)

    on(case)


@rfc("2131 4.4.4 release-unicast", "2131 4.4.6 release")
def test_a_release_leaves_before_the_address_goes():
    def case(board):
        dhcp = bound(board)
        dhcp.client.release()
        sent = board.sent[-1]
        assert sent.type == RELEASE
        assert sent.source == IP
        assert sent.target == SERVER
        assert sent.address == FOUR[0]
        assert bare(board)
        assert not dhcp.store.kept

    on(case)


def test_release_and_close_without_a_link_raise_nothing():
    def case(board):
        for call in ("release", "close"):
            for off in (False, True):
                dhcp = bound(board)
                board.nic.active(False) if off else board.away()
                getattr(dhcp.client, call)()
                assert bare(board)
                board.nic.active(False)
                dhcp.poll()

    on(case)


# Heap


def test_an_idle_poll_takes_nothing_from_the_heap():
    if sys.implementation.name != "micropython":
        raise Skip("cpython: what its heap takes is no board's concern")

    def case(board):
        dhcp = connected(board)
        board.server.mute = (DISCOVER,)
        dhcp.poll()
        assert board.sockets
        assert allocated(dhcp.client.poll) == 0
        board.server.mute = ()
        dhcp.bound()
        assert not board.sockets
        assert allocated(dhcp.client.poll) == 0

    on(case)
