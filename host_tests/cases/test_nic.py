"""The client on the NICs of each port, from taking over to handing back. See fakeboard."""

import sys
from errno import ETIMEDOUT

from dhcpc import Client, Store
from fakeboard import (
    ALL,
    ALL_MACS,
    BUILT_IN_IP,
    CLIENT_PORT,
    ESP32,
    FRAMES,
    MAC,
    NO_IP,
    PORTS,
    WIFI,
    plug,
)
from kit import Skip, allocated, raises, rfc
from test_client import Server as AnyServer
from world import (
    DISCOVER,
    IP,
    OFFER,
    RELEASE,
    REQUEST,
    SERVER,
    opt,
    reply,
)

LEASE = 3600
GRANT = opt(3, b"\x0a\0\0\x01") + opt(6, b"\x0a\0\0\x02")
FOUR = ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.2")
STATIC = ("192.168.7.7", "255.255.255.0", "192.168.7.1", "8.8.8.8")
AT_ONCE = ("W5500", "LAN")  # where the built-in client sends within active(True)


class Memory(Store):
    """Records in memory."""

    def __init__(self):
        self.kept = b""

    def read(self):
        return self.kept

    def write(self, data):
        self.kept = data


class Server(AnyServer):
    """Grants what FOUR has."""

    def __init__(self):
        super().__init__(options=GRANT)


class Dhcp:
    """A client on a board. events: the names of all that it told."""

    def __init__(self, board, store=None, **how):
        self.board = board
        self.events = []
        self.store = store or Memory()
        board.server = board.server or Server()
        self.client = Client(
            board.nic, store=self.store, clock=board.clock, on_event=self.tell, **how
        )

    def tell(self, event, lease):
        self.events.append(event)

    def poll(self):
        wait = self.client.poll()
        assert wait >= 0
        return wait

    def go(self, seconds):
        """Let time pass, and poll as poll asks for it."""
        board = self.board
        end = board.now + seconds * 1000
        while board.now < end:
            board.now += min(max(self.poll(), 1), end - board.now)
            board.hand_over()
        self.poll()

    def bound(self):
        self.client.acquire()
        self.poll()
        assert self.client.state == "BOUND"
        return self


def connected(board, **how):
    """Made before there is a link, as the README does it; then there is one."""
    board.nic.active(True)
    dhcp = Dhcp(board, **how)
    board.connect()
    return dhcp


def bound(board, **how):
    return connected(board, **how).bound()


def on(case, *ports):
    """Run case(board) on each of the ports, on all if none is named."""
    for port in ports or PORTS:
        with plug(port) as board:
            try:
                case(board)
            except BaseException:
                print("on", port)
                raise


def bare(board):
    """Is the NIC without an address, but for the provisional one where that is the last resort?"""
    ip = board.nic.ifconfig()[0]
    return ip == NO_IP or ip.startswith("169.254.") and board.last_resort


def types(board):
    return [sent.type for sent in board.sent]


# What leaves


@rfc("2131 4.1")
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


@rfc("3927 2.1")
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


@rfc("894 Frame")
def test_a_whole_frame_goes_to_all():
    def case(board):
        bound(board)
        for sent in board.sent:
            assert sent.frame[:12] == ALL_MACS + MAC

    on(case, *FRAMES)


@rfc("2131 4.1")
def test_broadcast_and_unicast_replies_are_received():
    def case(board):
        for cast in ("unicast", "broadcast"):
            board.cast = cast
            bound(board)
            board.nic.active(False)

    on(case)


@rfc("2131 4.4.5")
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


@rfc("2131 4.4.5")
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


@rfc("2132 3.14")
def test_the_host_name_is_that_of_the_board():
    def case(board):
        bound(board)
        name = board.modules["network"].hostname()
        assert board.sent[0].options[12] == name.encode()

    on(case)


# Taking over


def test_the_built_in_client_never_gets_to_send():
    def case(board):
        dhcp = bound(board)
        dhcp.go(LEASE)
        board.away()
        dhcp.poll()
        board.back()
        dhcp.bound()
        assert not board.built_in

    on(case, *[port for port in PORTS if port not in AT_ONCE])


def test_where_it_sends_within_active_nothing_follows():
    def case(board):
        dhcp = bound(board)
        dhcp.go(LEASE)
        board.away()
        dhcp.poll()
        board.back()
        dhcp.bound()
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


# The link goes and comes


@rfc("2131 3.7")
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
            board.nic.refused(why)
            begun = board.now
            assert words in raises(OSError, dhcp.client.acquire)
            assert board.now - begun < 1000

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


# The lease in use


@rfc("2131 4.4.1", "5227 3")
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


def test_a_lease_without_gateway_and_dns_is_used():
    def case(board):
        dhcp = connected(board)
        board.server.grant["options"] = b""
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR[:2] + (NO_IP, NO_IP)
        dhcp.go(LEASE)
        assert board.nic.ifconfig()[0] == FOUR[0]

    on(case)


@rfc("2131 4.4.5")
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


@rfc("2131 4.4.5")
def test_a_nak_takes_the_address_away():
    def case(board):
        dhcp = bound(board)
        board.server.naks = True
        board.server.mute = (DISCOVER,)
        dhcp.go(LEASE // 2 + 2)
        assert "nak" in dhcp.events
        assert bare(board)

    on(case)


@rfc("2131 4.4.6")
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


# What goes wrong


def test_an_empty_datagram_is_survived():
    def case(board):
        dhcp = connected(board)
        board.server.mute = (DISCOVER,)
        dhcp.poll()
        for _ in range(3):
            board.arrive(b"")
            dhcp.go(1)
            assert len(board.sockets) == 1
        board.server.mute = ()
        dhcp.bound()

    on(case)


def test_a_queue_that_is_full_costs_one_retransmission():
    def case(board):
        dhcp = connected(board)
        for _ in range(10):
            board.arrive(reply(OFFER, xid=b"else"), after=1)
        dhcp.poll()
        assert types(board) == [DISCOVER]
        board.now += 10
        board.hand_over()
        dhcp.bound()
        assert types(board) == [DISCOVER, DISCOVER, REQUEST]

    on(case)


def test_a_port_that_somebody_holds_is_tried_again_with_back_off():
    def case(board):
        dhcp = connected(board)
        holder = board.modules["socket"].socket(2, 2)
        holder.bind((NO_IP, CLIENT_PORT))
        dhcp.go(60)
        assert dhcp.client.reason.args[0] == board.errno["EADDRINUSE"]
        assert not board.sent
        assert 4 <= dhcp.events.count("error") <= 20  # a part of each back-off, at random
        assert len(board.sockets) == 1
        holder.close()
        dhcp.go(70)
        assert dhcp.client.state == "BOUND"

    on(case)


def test_a_built_in_client_that_is_back_is_silenced_again():
    def case(board):
        dhcp = bound(board)
        board.nic.ipconfig(dhcp4=True)
        board.built_in_bound()
        dhcp.go(LEASE * 3 // 4 + 2)
        assert dhcp.events.count("error") == 1  # EADDRINUSE
        assert dhcp.events[-1] == "renewed"
        assert board.built_in[-1] == RELEASE
        assert board.nic.ifconfig() == FOUR

    on(case, "PICO_W", "W5500", "ESP32", "ESP32_LAN", "LAN")


def test_a_socket_that_cannot_be_had_is_tried_again():
    def case(board):
        dhcp = connected(board)
        socks = [board.modules["socket"].socket(2, 2) for _ in range(board.slots)]
        dhcp.go(2)
        assert not board.sent
        assert "error" in dhcp.events
        for sock in socks:
            sock.close()
        dhcp.bound()

    on(case)


def test_a_route_that_is_lost_in_mid_exchange_is_a_packet_lost():
    def case(board):
        dhcp = bound(board)
        board.faults["sendto"] = [board.fault("EHOSTUNREACH")]
        dhcp.go(LEASE * 3 // 4 + 1)
        assert "error" in dhcp.events
        assert dhcp.events[-1] == "renewed"
        assert dhcp.client.state == "BOUND"

    on(case)


def test_a_nic_that_was_off_and_on_again_in_mid_exchange_is_sent_by_again():
    def case(board):
        board.server = Server()
        board.server.mute = (DISCOVER,)
        dhcp = connected(board)
        dhcp.go(5)
        board.nic.active(False)
        board.nic.active(True)
        board.connect()
        board.server.mute = ()
        dhcp.go(200)
        assert dhcp.client.state == "BOUND"

    on(case)


def test_a_first_packet_that_cannot_leave_is_repeated():
    def case(board):
        dhcp = connected(board)
        board.faults["sendto"] = [board.fault("EHOSTUNREACH")]
        dhcp.bound()
        assert "error" in dhcp.events

    on(case, *ESP32)
    on(case, "LAN")


def test_send_ethernet_may_raise():
    def case(board):
        dhcp = connected(board)
        timeout = board.fault("ETIMEDOUT")
        board.faults["send_ethernet"] = [timeout, None, timeout, None, timeout]
        dhcp.bound()
        assert types(board) == [DISCOVER, REQUEST]
        assert dhcp.events.count("error") == 2  # and the announcement, of which nothing is told
        assert not board.arps
        assert board.nic.ifconfig() == FOUR
        assert dhcp.store.kept

    on(case, "PICO_W", "PICO_W_OLD")


def test_send_ethernet_may_lose_a_frame_in_silence():
    def case(board):
        dhcp = connected(board)
        board.carrier = False
        dhcp.go(1) if board.wifi else dhcp.poll()
        board.carrier = True
        dhcp.bound()
        assert types(board) == [DISCOVER, REQUEST]

    on(case, *FRAMES)


def test_a_w5500_that_a_failed_send_took_down_is_a_link_that_is_down():
    def case(board):
        dhcp = connected(board)
        board.faults["send_ethernet"] = [OSError(4)]
        dhcp.poll()
        dhcp.poll()
        assert dhcp.client.state == "STOPPED"
        board.nic.active(False)
        board.nic.active(True)
        dhcp.bound()
        assert board.nic.ifconfig() == FOUR

    on(case, "W5500")


def test_a_fault_while_receiving_is_survived():
    def case(board):
        dhcp = connected(board)
        board.faults["recv"] = [OSError(5)]
        dhcp.bound()

    on(case)


def test_lease_and_address_agree_whatever_happens():
    def case(board):
        seed = 7
        dhcp = connected(board)
        for _ in range(300):
            seed = seed * 75 % 65537
            what = seed % 12
            if what == 0:
                board.away()
            elif what == 1:
                board.nic.active(False)
            elif what == 2:
                board.arrive(b"", after=1)
            elif what == 3:
                board.arrive(bytes(seed % 700), IP, after=1)
            elif what == 4:
                board.server.naks = not board.server.naks
            elif what == 5:
                name = "sendto" if seed & 256 else "recv"
                board.faults[name] = [board.fault("EHOSTUNREACH")]
            elif what == 6 and board.wifi:
                board.faults["send_ethernet"] = [board.fault("ETIMEDOUT")]
            elif what == 7:
                dhcp.poll()
                board.sleep(seed % LEASE)
            elif what > 9 and not dhcp.client.link.up():
                board.nic.active(True)
                if board.wifi:
                    board.nic.disconnect()
                board.connect()
            dhcp.poll()
            dhcp.go(seed % 4)
            lease = dhcp.client.lease
            if lease:
                assert board.nic.ifconfig() == lease.ifconfig()
            else:
                assert bare(board)
            assert len(board.sockets) <= 1
        assert "bound" in dhcp.events
        assert "rebooted" in dhcp.events

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
