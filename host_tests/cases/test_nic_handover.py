"""The client on the NICs of each port: it takes over from the built-in client, and hands back."""

from cable import LEASE
from dhcpc import Client
from fakeboard import BUILT_IN_IP, ESP32, PORTS
from kit import raises
from onboard import AT_ONCE, FOUR, Dhcp, bare, bound, on
from world import DISCOVER, IP, RELEASE

STATIC = ("192.168.7.7", "255.255.255.0", "192.168.7.1", "8.8.8.8")

# Taking over


def lost_and_back(board):
    """It runs for the time of a lease; then the link goes, and comes back."""
    dhcp = bound(board)
    dhcp.go(LEASE)
    board.away()
    dhcp.poll()
    board.back()
    dhcp.bound()


def test_the_built_in_client_never_gets_to_send():
    def case(board):
        lost_and_back(board)
        assert not board.built_in

    on(case, *[port for port in PORTS if port not in AT_ONCE])


def test_where_it_sends_within_active_nothing_follows():
    def case(board):
        lost_and_back(board)
        assert board.built_in == [DISCOVER]

    on(case, *AT_ONCE)


def test_one_that_is_discovering_is_silenced():
    def case(board):
        board.nic.active(True)
        board.connect()
        before = len(board.built_in)
        Dhcp(board).bound()
        assert len(board.built_in) == before
        assert board.nic.ifconfig() == FOUR

    on(case)


def test_one_that_has_a_lease_gives_it_back():
    def case(board):
        board.nic.active(True)
        board.connect()
        board.built_in_bound()
        Dhcp(board).bound()
        assert board.built_in[-1] == RELEASE
        assert board.sent[0].source != BUILT_IN_IP
        assert board.nic.ifconfig() == FOUR

    on(case)


def test_a_static_address_is_taken_away():
    def case(board):
        board.nic.active(True)
        board.connect()
        try:
            board.nic.ifconfig(STATIC)
        except RuntimeError:
            pass
        dhcp = Dhcp(board)
        assert bare(board)
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR

    on(case)


def test_a_nic_that_was_off_and_on_again_is_silenced_before_its_first_packet():
    def case(board):
        dhcp = bound(board)
        board.nic.active(False)
        dhcp.poll()
        assert not dhcp.client.lease
        board.nic.active(True)
        dhcp.poll()
        board.connect()
        dhcp.bound()
        assert not board.built_in

    on(case, *[port for port in PORTS if port not in AT_ONCE])


def test_a_nic_that_was_off_and_on_again_is_silenced_when_its_link_is_there():
    def case(board):
        dhcp = bound(board)
        board.nic.active(False)
        dhcp.poll()
        board.nic.active(True)
        board.connect()
        dhcp.bound()
        assert "error" not in dhcp.events
        assert board.nic.ifconfig() == FOUR
        before = len(board.built_in)
        dhcp.go(LEASE)
        assert len(board.built_in) == before

    on(case)


def test_a_nic_that_is_off_is_refused_where_it_could_not_be_silenced():
    def case(board):
        assert "active" in raises(ValueError, Client, board.nic)

    on(case, *[port for port in PORTS if port not in ESP32])


def test_on_esp32_a_nic_may_be_off_at_first():
    def case(board):
        dhcp = Dhcp(board)
        dhcp.poll()
        board.nic.active(True)
        board.connect()
        dhcp.bound()
        assert not board.built_in

    on(case, *ESP32)


# Handing back


def test_close_hands_the_interface_back():
    def case(board):
        dhcp = bound(board)
        board.built_in.clear()
        dhcp.client.close()
        assert board.built_in[:1] == [DISCOVER]
        if board.netif.ip != BUILT_IN_IP:
            board.built_in_bound()
        assert board.nic.ifconfig()[0] == BUILT_IN_IP
        assert not board.sockets
        board.sleep(LEASE)
        sent = len(board.sent)
        dhcp.poll()
        assert len(board.sent) == sent
        assert board.nic.ifconfig()[0] == BUILT_IN_IP

    on(case)


def test_closing_twice_raises_nothing():
    def case(board):
        dhcp = bound(board)
        dhcp.client.close()
        dhcp.client.close()
        assert not board.sockets

    on(case)


def test_close_before_there_was_a_link_hands_back_too():
    def case(board):
        board.nic.active(True)
        board.built_in.clear()
        dhcp = Dhcp(board)
        dhcp.client.close()
        if not board.built_in:
            board.connect()
        board.built_in_bound()
        assert board.nic.ifconfig()[0] == BUILT_IN_IP

    on(case, *[port for port in PORTS if port != "PICO_W_OLD"])  # it waits 10 s, in vain


def test_closed_and_taken_over_again():
    def case(board):
        dhcp = bound(board)
        dhcp.client.close()
        dhcp = Dhcp(board, store=dhcp.store).bound()
        assert board.sent[-1].options[50] == IP
        assert board.nic.ifconfig() == FOUR

    on(case)
