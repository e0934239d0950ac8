"""Whose name server the NIC has: the lease's, one's own, or the one that was there."""

from cable import Board
from dhcpc import dns
from kit import raises, rfc
from onboard import FOUR, connected, on

OWN = "192.0.2.53"
THERE = "192.0.2.54"


def server_of(board):
    return board.nic.ifconfig()[3]


def test_without_it_the_name_server_is_the_leases():
    def case(board):
        connected(board).bound()
        assert server_of(board) == FOUR[3]

    on(case)


@rfc("3397 4 own-dns-stays")
def test_the_name_servers_are_ones_own_whatever_the_lease_names():
    def case(board):
        dhcp = connected(board)
        dns.use(dhcp.client, [OWN, THERE])
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR[:3] + (OWN,)
        assert dhcp.client.lease.dns == [OWN, THERE]
        assert dhcp.client.lease.ips(6) == [FOUR[3]]

    on(case)


def test_they_are_so_after_a_renewal_and_after_the_link_was_away():
    def case(board):
        dhcp = connected(board)
        dns.use(dhcp.client, [OWN])
        dhcp.bound()
        dhcp.client.renew()
        dhcp.go(1)
        assert server_of(board) == OWN
        board.away()
        dhcp.go(1)
        board.back()
        dhcp.bound()
        assert server_of(board) == OWN

    on(case)


def test_the_name_server_that_was_there_is_left_alone():
    def case(board):
        dhcp = connected(board)
        board.nic.ifconfig(("0.0.0.0",) * 3 + (THERE,))
        dns.use(dhcp.client, [])
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR[:3] + (THERE,)

    on(case)


def test_it_is_left_alone_if_there_is_none():
    def case(board):
        dhcp = connected(board)
        was = server_of(board)
        dns.use(dhcp.client, [])
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR[:3] + (was,)
        assert "error" not in dhcp.events

    on(case)


def refusal(servers):
    return raises(ValueError, dns.use, Board().client, servers)


def test_what_is_no_address_is_refused():
    for wrong in ("192.0.2", "", "dns.example", None):
        assert refusal([OWN, wrong]) == "servers: %r is not an address" % wrong


def test_a_link_without_a_nic_has_no_name_server_to_keep():
    assert refusal([]) == "servers: none, and the link has no NIC"
