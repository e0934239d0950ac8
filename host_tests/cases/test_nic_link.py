"""The client on the NICs of each port: the link goes and comes."""

from errno import ETIMEDOUT

from fakeboard import WIFI
from kit import raises, rfc
from onboard import FOUR, Dhcp, bare, bound, connected, on
from world import DISCOVER, IP, REQUEST, types


def later(board, why):
    """For acquire: as soon as it idles, there is no association, for that reason."""
    return lambda: board.nic.refused(why)


def up(board):
    """It associates, unless it has."""
    if not board.carrier or not board.netif.link:
        board.back()


@rfc("2131 3.7 verified-after-disconnection")
def test_a_link_that_goes_takes_the_address_with_it_and_init_reboot_brings_it_back():
    def case(board):
        dhcp = bound(board)
        board.away()
        dhcp.poll()
        assert not dhcp.client.lease
        assert bare(board)
        assert not board.sockets
        board.back()
        assert bare(board)
        board.sent.clear()
        dhcp.poll()
        assert types(board) == [REQUEST]
        assert board.sent[0].options[50] == IP
        assert 54 not in board.sent[0].options
        dhcp.bound()
        assert types(board) == [REQUEST]
        assert board.nic.ifconfig() == FOUR

    on(case)


def test_a_link_that_goes_in_mid_exchange_is_survived():
    def case(board):
        dhcp = connected(board)
        board.server.mute = (DISCOVER,)
        dhcp.go(3)
        board.away()
        dhcp.go(3)
        assert dhcp.client.state == "STOPPED"
        board.server.mute = ()
        board.back()
        dhcp.bound()

    on(case)


def test_another_ssid_is_another_network():
    def case(board):
        dhcp = bound(board)
        for ssid, expected in (
            ("home2", [DISCOVER, REQUEST]),
            ("home", [REQUEST]),
            ("hom", [DISCOVER, REQUEST]),
            ("home2", [REQUEST]),
        ):
            board.nic.disconnect()
            dhcp.poll()
            board.sent.clear()
            board.connect(ssid)
            dhcp.bound()
            assert types(board) == expected

    on(case, *WIFI)


def test_an_ssid_of_32_bytes_brings_no_password_into_the_record():
    def case(board):
        board.nic.active(True)
        dhcp = Dhcp(board)
        board.connect("s" * 32, "the key")
        dhcp.bound()
        assert b"the key" not in dhcp.store.kept
        assert b"s" * 32 in dhcp.store.kept

    on(case, *WIFI)


def test_an_ssid_is_known_by_its_bytes():
    def case(board):
        board.nic.active(True)
        dhcp = Dhcp(board)
        board.connect("caf\xe9")
        dhcp.bound()
        assert "caf\xe9".encode() in dhcp.store.kept

    on(case, *WIFI)


def test_the_reason_why_there_is_no_association_ends_acquire():
    def case(board):
        dhcp = connected(board)
        board.away()
        dhcp.poll()
        for why, words in (("WRONG_PASSWORD", "password"), ("NO_AP_FOUND", "access point")):
            begun = board.now
            assert words in raises(OSError, dhcp.client.acquire, 20000, later(board, why))
            assert board.now - begun < 1000

    on(case, *WIFI)


def test_other_security_ends_acquire_where_the_port_tells_of_it():
    def case(board):
        dhcp = connected(board)
        board.away()
        begun = board.now
        for why in ("NO_AP_FOUND_W_COMPATIBLE_SECURITY", "NO_AP_FOUND_IN_AUTHMODE_THRESHOLD"):
            board.nic.reason = 0
            assert "access point" in raises(OSError, dhcp.client.acquire, 20000, later(board, why))
        assert board.now - begun < 1000

    on(case, "ESP32")


def test_a_reason_that_is_older_than_acquire_does_not_end_it():
    # A board that looked for a network that is not there, and now joins one that is: ESP32 goes on
    # telling of the first.
    def case(board):
        for why in ("NO_AP_FOUND", "WRONG_PASSWORD"):
            board.nic.active(True)
            dhcp = Dhcp(board)
            board.nic.connect("elsewhere", "key")
            board.nic.refused(why)
            dhcp.poll()
            board.nic.disconnect()
            board.nic.connect("home", "key")
            joined = board.now + 3000

            def idle(at=joined):
                if board.now >= at:
                    up(board)

            dhcp.client.acquire(20000, idle)
            assert joined <= board.now < joined + 1000
            board.nic.active(False)
            board.carrier = False

    on(case, *WIFI)


def test_a_new_reason_ends_acquire_though_an_older_one_stood_there():
    def case(board):
        board.nic.active(True)
        dhcp = Dhcp(board)
        board.nic.connect("elsewhere", "key")
        board.nic.refused("NO_AP_FOUND")
        why = later(board, "WRONG_PASSWORD")
        assert "password" in raises(OSError, dhcp.client.acquire, 20000, why)

    on(case, *WIFI)


def test_a_reason_that_stands_all_the_time_is_told_at_the_end():
    def case(board):
        board.nic.active(True)
        dhcp = Dhcp(board)
        board.nic.connect("elsewhere", "key")
        board.nic.refused("NO_AP_FOUND")
        assert "access point" in raises(OSError, dhcp.client.acquire, 3000)

    on(case, *WIFI)


def test_without_an_answer_acquire_ends_in_time():
    def case(board):
        dhcp = connected(board)
        board.server.mute = (DISCOVER,)
        begun = board.now
        said = raises(OSError, dhcp.client.acquire, 5000)
        # A VM that compiles the source has put its own number in.
        assert str(board.errno["ETIMEDOUT"]) in said or str(ETIMEDOUT) in said
        assert 5000 <= board.now - begun < 5500

    on(case)


def test_a_reason_that_is_over_is_none():
    # A stopped client raises no GOT_IP, which alone would clear it on ESP32.
    def case(board):
        dhcp = connected(board)
        board.away()
        board.nic.refused("WRONG_PASSWORD")
        dhcp.poll()
        board.back()
        dhcp.bound()

    on(case, *WIFI)


def test_isconnected_is_not_asked():
    def case(board):
        def isconnected():
            raise AssertionError("isconnected")

        board.nic.isconnected = isconnected
        dhcp = bound(board)
        board.away()
        dhcp.poll()
        board.back()
        dhcp.bound()

    on(case)
