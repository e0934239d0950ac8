"""The fake boards do what the boards do: the claims that the NICs' links rest on, one by one. Here
what is sent and received.

Each claim names what it was read in: MicroPython's extmod/, ports/ and py/, lwIP's src/core/,
cyw43-driver's src/cyw43_*, ESP-IDF's components/ and, in components/esp_netif, esp_netif_lwip.c,
esp_netif_handlers.c and wlanif.c.
"""

from bare import MESSAGE, RP2, arrived, bound, number, ready
from fakeboard import ALL, CLIENT_PORT, ESP32, FRAMES, MAC, NO_IP, PORTS, plug
from kit import called, home, raises
from onboard import FOUR
from world import IP

# A board with no address, and what it can send (lwIP's ip4_route)


def test_without_an_address_there_is_no_route():
    # src/core/ipv4/ip4.c: ip4_route
    # extmod/modlwip.c: error_lookup_table
    for port in PORTS:
        with plug(port) as board:
            ready(board)
            module = board.modules["socket"]
            sock = module.socket(module.AF_INET, module.SOCK_DGRAM)
            sock.bind((NO_IP, CLIENT_PORT))
            number(board, "EHOSTUNREACH", sock.sendto, MESSAGE, ("255.255.255.255", 67))
            number(board, "EHOSTUNREACH", sock.sendto, MESSAGE, ("10.0.0.1", 67))
            board.nic.ifconfig(FOUR)
            sock.sendto(MESSAGE, ("10.0.0.1", 67))
            assert board.sent[0].source == IP


def test_a_tied_socket_sends_from_nobody():
    # src/core/udp.c: udp_sendto_chksum, udp_sendto_if_chksum
    for port in ESP32:
        with plug(port) as board:
            bound(ready(board)).sendto(MESSAGE, ("255.255.255.255", 67))
            assert board.sent[0].source == bytes(4)
            assert board.sent[0].target == ALL


def test_the_name_to_tie_to_is_none_before_active_and_changes_with_each():
    # ports/esp32/network_common.c: esp_ifname
    # esp_netif_lwip.c: esp_netif_lwip_add
    for port in ESP32:
        with plug(port) as board:
            nic = board.nic
            assert nic.config("ifname") is None
            nic.active(True)
            first = nic.config("ifname")
            assert len(first) <= 6
            nic.active(False)
            nic.active(True)
            assert nic.config("ifname") != first


def test_a_name_that_is_too_long_overruns():
    # ports/esp32/modsocket.c: socket_setsockopt
    with plug("ESP32") as board:
        ready(board)
        module = board.modules["socket"]
        sock = module.socket(module.AF_INET, module.SOCK_DGRAM)
        raises(AssertionError, sock.setsockopt, 1, module.SO_BINDTODEVICE, "en12345")
        raises(TypeError, sock.setsockopt, 1, module.SO_BINDTODEVICE, None)
        number(board, "ENODEV", sock.setsockopt, 1, module.SO_BINDTODEVICE, "ap1")


def test_only_esp32_can_tie_and_only_rp2_sends_frames():
    # ports/esp32/modsocket.c: mp_module_socket_globals_table
    # extmod/network_cyw43.c: network_cyw43_locals_dict_table
    # extmod/network_wiznet5k.c: wiznet5k_locals_dict_table
    for port in PORTS:
        with plug(port) as board:
            assert hasattr(board.modules["socket"], "SO_BINDTODEVICE") == (port in ESP32)
            assert hasattr(board.nic, "send_ethernet") == (port in RP2)


def test_send_ethernet_says_nothing_whatever_happens():
    # extmod/network_cyw43.c: network_cyw43_send_ethernet
    # src/cyw43_ll.c: cyw43_ll_send_ethernet
    # extmod/network_wiznet5k.c: send_ethernet_wrapper
    for port in FRAMES:
        with plug(port) as board:
            board.nic.active(True)
            for frame in (bytes(10), bytes(1515)) if port != "W5500" else ():
                assert board.nic.send_ethernet(frame) is None
            assert not board.sent


def test_a_provisional_address_is_a_route_and_but_for_esp32_looks_like_a_connection():
    # src/core/ipv4/ip4.c: ip4_route
    # src/cyw43_lwip.c: cyw43_tcpip_link_status
    # extmod/network_wiznet5k.c: wiznet5k_isconnected
    # ports/esp32/network_wlan.c: network_wlan_isconnected
    for port in PORTS:
        with plug(port) as board:
            ready(board)
            assert not board.nic.isconnected()
            board.nic.ifconfig(("169.254.7.8", "255.255.0.0", NO_IP, "8.8.8.8"))
            assert board.nic.isconnected() != board.esp
            bound(board).sendto(MESSAGE, ("255.255.255.255", 67))
            assert board.sent[0].source == b"\xa9\xfe\x07\x08"


# Receiving


def test_broadcast_and_unicast_arrive_without_an_address():
    # src/core/ipv4/ip4.c: ip4_input, IP_ACCEPT_LINK_LAYER_ADDRESSING
    for port in PORTS:
        with plug(port) as board:
            sock = bound(ready(board))
            for to in (ALL, IP):
                board.arrive(b"hello", to)
                assert arrived(board, sock)
                assert sock.recv(1024) == b"hello"


def test_a_socket_with_an_address_of_its_own_misses_the_unicast():
    # src/core/udp.c: udp_input_local_match
    with plug("LAN") as board:
        ready(board)
        board.nic.ifconfig(("169.254.7.8", "255.255.0.0", NO_IP, NO_IP))
        sock = bound(board, "169.254.7.8")
        board.arrive(b"unicast", IP)
        assert not arrived(board, sock)
        board.arrive(b"broadcast")
        assert arrived(board, sock)


def test_a_queue_drops_what_is_too_many_and_recv_cuts():
    # extmod/modlwip.c: udp_raw_incoming, lwip_raw_udp_receive
    # components/lwip/Kconfig: LWIP_UDP_RECVMBOX_SIZE
    for port in PORTS:
        with plug(port) as board:
            sock = bound(ready(board))
            for i in range(10):
                board.arrive(bytes((i,)) * 100)
            assert arrived(board, sock)
            most = 6 if board.esp else 1 if port == "PICO_W_OLD" else 4
            assert [sock.recv(9) for _ in range(most)] == [bytes((i,)) * 9 for i in range(most)]
            assert not sock.queue


def test_an_empty_datagram_ends_a_socket_of_esp32_for_good():
    # ports/esp32/modsocket.c: _socket_read_data
    for port in PORTS:
        with plug(port) as board:
            sock = bound(ready(board))
            board.arrive(b"")
            board.arrive(b"hello", after=20)
            assert arrived(board, sock)
            assert sock.recv(1024) == b""
            board.sleep(1)
            for _ in range(3):
                if board.esp:
                    assert arrived(board, sock)
                    assert sock.recv(1024) == b""
            if not board.esp:
                assert sock.recv(1024) == b"hello"
            sock.close()
            sock = bound(board)
            board.arrive(b"hello")
            assert arrived(board, sock)
            assert sock.recv(1024) == b"hello"


def test_there_are_four_slots_for_udp_on_rp2():
    # extmod/lwip-include/lwipopts_common.h: MEMP_NUM_UDP_PCB
    # components/lwip/Kconfig: LWIP_MAX_SOCKETS
    for port, slots in (("PICO_W", 4), ("W5500", 4), ("ESP32", 10)):
        with plug(port) as board:
            ready(board)
            module = board.modules["socket"]
            socks = [module.socket(2, 2) for _ in range(slots)]
            number(board, "ENFILE" if board.esp else "ENOMEM", module.socket, 2, 2)
            socks[0].close()
            module.socket(2, 2)
            number(board, "EBADF", socks[0].recv, 100)


# The modules


def test_the_numbers_of_errors_are_the_ports_own():
    # py/mperrno.h: MP_EADDRINUSE; on ESP32 the C library's
    for port, expected in (("PICO_W", 98), ("ESP32", 112)):
        with plug(port) as board:
            board.nic.active(True)
            board.connect()
            assert str(expected) in raises(OSError, bound, board)


def test_dhcpc_is_as_it_was_afterwards():
    link = home("link")
    names = [name for name in dir(link) if name[0] != "_"]
    before = [getattr(link, name) for name in names]
    try:
        with plug("ESP32") as board:
            assert getattr(link, called(link, "socket")) is board.modules["socket"]
            raise KeyError
    except KeyError:
        pass
    assert [getattr(link, name) for name in names] == before


def test_a_frame_with_a_wrong_checksum_is_noticed():
    with plug("PICO_W") as board:
        ready(board)
        frame = bytearray(342)
        frame[6:14] = MAC + b"\x08\0"
        raises(AssertionError, board.nic.send_ethernet, frame)
        frame[12:14] = b"\x08\x06"
        board.nic.send_ethernet(frame)
        assert board.arps == [frame]
