"""The client on the NICs of each port: what goes wrong."""

from cable import LEASE
from fakeboard import CLIENT_PORT, ESP32, FRAMES, NO_IP
from onboard import FOUR, Server, bare, bound, connected, on
from world import DISCOVER, IP, OFFER, RELEASE, REQUEST, reply, types


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


def test_a_port_that_somebody_holds_is_tried_again_every_few_seconds():
    def case(board):
        dhcp = connected(board)
        holder = board.modules["socket"].socket(2, 2)
        holder.bind((NO_IP, CLIENT_PORT))
        dhcp.go(60)
        assert dhcp.client.reason.args[0] == board.errno["EADDRINUSE"]
        assert not board.sent
        assert 15 <= dhcp.events.count("error") <= 60
        assert len(board.sockets) == 1
        holder.close()
        dhcp.go(5)
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
