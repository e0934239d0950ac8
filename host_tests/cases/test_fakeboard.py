"""The fake boards do what the boards do: the claims that the NICs' links rest on, one by one."""

from fakeboard import (
    ALL,
    BUILT_IN_IP,
    CABLES,
    CLIENT_PORT,
    ESP32,
    FRAMES,
    MAC,
    NO_IP,
    NONE,
    PORTS,
    plug,
)
from kit import called, home, raises
from world import DISCOVER, IP, RELEASE, REQUEST, reply

RP2 = ("PICO_W", "PICO_W_OLD", "W5500")
MESSAGE = reply(2)
FOUR = ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.2")


def silence(board):
    try:
        board.nic.ifconfig(NONE)
    except RuntimeError:
        assert board.esp


def ready(board):
    """Active, silenced, associated."""
    board.nic.active(True)
    silence(board)
    board.connect()
    return board


def bound(board, host=NO_IP):
    """A UDP socket on port 68, tied to the NIC where the port can do that."""
    module = board.modules["socket"]
    sock = module.socket(module.AF_INET, module.SOCK_DGRAM)
    if board.esp:
        sock.setsockopt(module.SOL_SOCKET, module.SO_BINDTODEVICE, board.nic.config("ifname"))
    sock.bind(module.getaddrinfo(host, CLIENT_PORT)[0][-1])
    return sock


def arrived(board, sock):
    poller = board.modules["select"].poll()
    poller.register(sock, 1)
    return len(list(poller.ipoll(10)))


def number(board, name, call, *args):
    """call(*args) raises an OSError with this port's number for that."""
    assert str(board.errno[name]) in raises(OSError, call, *args)


# A board with no address, and what it can send (lwIP's ip4_route)


def test_without_an_address_there_is_no_route():
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
    for port in ESP32:
        with plug(port) as board:
            bound(ready(board)).sendto(MESSAGE, ("255.255.255.255", 67))
            assert board.sent[0].source == bytes(4)
            assert board.sent[0].target == ALL


def test_the_name_to_tie_to_is_none_before_active_and_changes_with_each():
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
    with plug("ESP32") as board:
        ready(board)
        module = board.modules["socket"]
        sock = module.socket(module.AF_INET, module.SOCK_DGRAM)
        raises(AssertionError, sock.setsockopt, 1, module.SO_BINDTODEVICE, "en12345")
        raises(TypeError, sock.setsockopt, 1, module.SO_BINDTODEVICE, None)
        number(board, "ENODEV", sock.setsockopt, 1, module.SO_BINDTODEVICE, "ap1")


def test_only_esp32_can_tie_and_only_rp2_sends_frames():
    for port in PORTS:
        with plug(port) as board:
            assert hasattr(board.modules["socket"], "SO_BINDTODEVICE") == (port in ESP32)
            assert hasattr(board.nic, "send_ethernet") == (port in RP2)


def test_send_ethernet_says_nothing_whatever_happens():
    for port in FRAMES:
        with plug(port) as board:
            board.nic.active(True)
            for frame in (bytes(10), bytes(1515)) if port != "W5500" else ():
                assert board.nic.send_ethernet(frame) is None
            assert not board.sent


def test_a_provisional_address_is_a_route_and_but_for_esp32_looks_like_a_connection():
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
    for port in PORTS:
        with plug(port) as board:
            sock = bound(ready(board))
            for to in (ALL, IP):
                board.arrive(b"hello", to)
                assert arrived(board, sock)
                assert sock.recv(1024) == b"hello"


def test_a_socket_with_an_address_of_its_own_misses_the_unicast():
    with plug("LAN") as board:
        ready(board)
        board.nic.ifconfig(("169.254.7.8", "255.255.0.0", NO_IP, NO_IP))
        sock = bound(board, "169.254.7.8")
        board.arrive(b"unicast", IP)
        assert not arrived(board, sock)
        board.arrive(b"broadcast")
        assert arrived(board, sock)


def test_a_queue_drops_what_is_too_many_and_recv_cuts():
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
    for port, slots in (("PICO_W", 4), ("W5500", 4), ("ESP32", 10)):
        with plug(port) as board:
            ready(board)
            module = board.modules["socket"]
            socks = [module.socket(2, 2) for _ in range(slots)]
            number(board, "ENFILE" if board.esp else "ENOMEM", module.socket, 2, 2)
            socks[0].close()
            module.socket(2, 2)
            number(board, "EBADF", socks[0].recv, 100)


# The built-in client


def test_the_built_in_client_starts_by_itself():
    for port in PORTS:
        with plug(port) as board:
            board.nic.active(True)
            assert board.built_in == ([DISCOVER] if port in ("W5500", "LAN") else [])
            if not board.built_in:
                board.connect()
            assert board.built_in == [DISCOVER]


def test_zeros_silence_it_in_every_state():
    for port in PORTS:
        with plug(port) as board:
            ready(board)
            assert board.built_in == ([DISCOVER] if port in ("W5500", "LAN") else [])
            before = len(board.built_in)
            if board.wifi:
                board.nic.disconnect()
                board.connect()
            else:
                board.away()
                board.back()
            assert len(board.built_in) == before


def test_zeros_with_a_lease_up_send_a_release():
    for port in PORTS:
        with plug(port) as board:
            board.nic.active(True)
            board.connect()
            board.built_in_bound()
            assert board.nic.isconnected()
            assert board.nic.ifconfig()[0] == BUILT_IN_IP
            silence(board)
            assert board.built_in[-3:] == [DISCOVER, REQUEST, RELEASE]
            assert board.nic.ifconfig()[0] == NO_IP


def test_silencing_before_active_is_lost_on_lwip_s_ports():
    for port in RP2 + ("LAN",):
        with plug(port) as board:
            silence(board)
            assert board.nic.config("mac") == bytes(6)
            board.nic.active(True)
            assert board.nic.config("mac") == MAC
            if not board.built_in:
                board.connect()
            assert board.built_in == [DISCOVER]


def test_silencing_before_active_holds_on_esp32():
    for port in ESP32:
        with plug(port) as board:
            silence(board)
            board.nic.active(True)
            board.connect()
            assert not board.built_in


def test_off_and_on_again_undoes_the_silencing_but_for_the_wifi_of_esp32():
    for port in PORTS:
        with plug(port) as board:
            ready(board)
            board.nic.active(False)
            board.built_in.clear()
            board.nic.active(True)
            if not board.built_in:
                board.connect()
            assert board.built_in == ([] if board.esp and board.wifi else [DISCOVER])


def test_off_and_on_again_without_a_cable_leaves_esp32_silent():
    with plug("ESP32_LAN") as board:
        ready(board)
        board.away()
        board.nic.active(False)
        board.nic.active(True)
        board.back()
        assert not board.built_in


def test_ipconfig_does_not_silence_esp32_before_the_link():
    for port in ("PICO_W", "ESP32"):
        with plug(port) as board:
            board.nic.active(True)
            board.nic.ipconfig(dhcp4=False)
            board.connect()
            assert board.built_in == ([DISCOVER] if board.esp else [])
            board.nic.ipconfig(dhcp4=False)
            assert not board.nic.ipconfig("dhcp4")


def test_it_has_port_68_for_as_long_as_it_runs():
    for port in PORTS:
        with plug(port) as board:
            board.nic.active(True)
            board.connect()
            number(board, "EADDRINUSE", bound, board)
            silence(board)
            bound(board)
            number(board, "EADDRINUSE", bound, board)


def test_one_that_is_started_without_port_68_is_deaf():
    for port in PORTS:
        with plug(port) as board:
            bound(ready(board))
            board.built_in.clear()
            if hasattr(board.nic, "ipconfig"):
                board.nic.ipconfig(dhcp4=True)
            elif board.esp:
                board.nic.ifconfig("dhcp")
            else:
                raises(OSError, board.nic.ifconfig, "dhcp")
            assert board.built_in == [DISCOVER]
            raises(AssertionError, board.built_in_bound)


def test_handing_back_by_ifconfig_waits_on_rp2_and_does_not_on_esp32():
    for port in ("PICO_W_OLD", "ESP32_OLD"):
        with plug(port) as board:
            before = ready(board).now
            assert not hasattr(board.nic, "ipconfig")
            if board.esp:
                board.nic.ifconfig("dhcp")
                assert "0x5004" in raises(RuntimeError, board.nic.ifconfig, "dhcp")
            else:
                board.away()
                raises(OSError, board.nic.ifconfig, "dhcp")
                assert board.now == before + 10000
                board.back()
                board.nic.ifconfig("dhcp")
                assert board.nic.isconnected()
            assert DISCOVER in board.built_in


# Signs of a link


def test_what_status_says_on_a_pico_w():
    with plug("PICO_W") as board:
        nic = board.nic
        stat = board.modules["network"]
        assert nic.status() == stat.STAT_IDLE
        assert not nic.active()
        number(board, "EPERM", nic.connect, "home")
        nic.active(True)
        silence(board)
        nic.connect("home", "wrong")
        assert nic.status() == stat.STAT_CONNECTING
        for why in ("WRONG_PASSWORD", "NO_AP_FOUND", "CONNECT_FAIL"):
            nic.refused(why)
            assert nic.status() == getattr(stat, "STAT_" + why) < 0
        board.connect()
        assert nic.status() == 2
        assert nic.config("ssid") == "home"
        assert not nic.isconnected()
        nic.ifconfig(FOUR)
        assert nic.status() == stat.STAT_GOT_IP
        nic.disconnect()
        assert nic.status() == stat.STAT_IDLE
        assert nic.ifconfig() == FOUR
        board.connect("home2")
        assert nic.isconnected()
        assert nic.config("ssid") == "home2"


def test_an_old_pico_w_is_active_only_once_it_connects():
    for port in ("PICO_W", "PICO_W_OLD"):
        with plug(port) as board:
            assert not board.nic.active()
            board.nic.active(True)
            assert board.nic.active() == (port == "PICO_W")
            board.nic.connect("home")
            assert board.nic.active()


def test_after_a_disconnect_an_address_is_no_route():
    for port in ("PICO_W", "ESP32"):
        with plug(port) as board:
            sock = bound(ready(board))
            board.nic.ifconfig(FOUR)
            board.nic.disconnect()
            raises(OSError, sock.sendto, MESSAGE, ("10.0.0.1", 67))
            assert not board.sent


def test_the_driver_of_a_pico_w_has_an_opinion_of_its_own():
    with plug("PICO_W") as board:
        board.nic.active(True)
        assert board.nic.ifconfig() == (NO_IP, "255.255.255.0", "192.168.0.1", "8.8.8.8")


def test_what_status_says_on_esp32():
    with plug("ESP32") as board:
        nic = board.nic
        stat = board.modules["network"]
        nic.active(True)
        silence(board)
        assert nic.status() == stat.STAT_IDLE
        raises(OSError, nic.status, "rssi")
        nic.connect("home", "wrong")
        assert nic.status() == stat.STAT_CONNECTING
        nic.refused("WRONG_PASSWORD")
        assert nic.status() == stat.STAT_WRONG_PASSWORD
        nic.refused("HANDSHAKE_TIMEOUT")
        assert nic.status() == stat.STAT_CONNECTING
        nic.refused("NO_AP_FOUND")
        nic.disconnect()
        board.connect()
        assert nic.status("rssi") < 0
        assert nic.status() == stat.STAT_NO_AP_FOUND
        assert not nic.isconnected()
        nic.ifconfig(FOUR)
        assert nic.status() == stat.STAT_GOT_IP
        assert nic.isconnected()
        silence(board)
        assert nic.isconnected()
        board.away()
        assert not nic.isconnected()
        raises(OSError, nic.status, "rssi")


def test_esp32_puts_the_last_address_back_at_the_next_association():
    for port in ESP32:
        with plug(port) as board:
            ready(board)
            board.nic.ifconfig(FOUR)
            board.away()
            assert board.netif.ip == NO_IP
            assert not board.nic.isconnected()
            board.back()
            assert board.netif.ip == FOUR[0]
            assert board.nic.isconnected()
            board.away()
            silence(board)
            board.back()
            assert board.netif.ip == NO_IP
            assert not board.nic.isconnected()


def test_esp32_puts_it_back_after_off_and_on_again_too():
    for port in ("ESP32", "ESP32_OLD"):
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR)
            board.nic.active(False)
            assert not board.nic.isconnected()
            board.nic.active(True)
            assert not board.nic.isconnected()
            board.connect()
            assert board.nic.isconnected()
            assert board.nic.ifconfig()[:3] == FOUR[:3]


def test_an_address_without_a_gateway_is_no_got_ip_until_the_next_association():
    for port in ESP32:
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR[:2] + (NO_IP, FOUR[3]))
            assert not board.nic.isconnected()
            board.away()
            board.back()
            assert board.nic.isconnected()


def test_a_failure_of_esp32_stands_until_got_ip():
    for port, reasons in (
        ("ESP32", ("NO_AP_FOUND", "WRONG_PASSWORD", "NO_AP_FOUND_W_COMPATIBLE_SECURITY")),
        ("ESP32_OLD", ("NO_AP_FOUND", "WRONG_PASSWORD")),
    ):
        for why in reasons:
            with plug(port) as board:
                nic = board.nic
                stat = board.modules["network"]
                failed = getattr(stat, "STAT_" + why)
                nic.active(True)
                silence(board)
                nic.connect("elsewhere", "key")
                nic.refused(why)
                for step, arguments in (
                    (nic.disconnect, ()),
                    (nic.active, (False,)),
                    (nic.active, (True,)),
                    (nic.connect, ("home", "key")),
                    (board.back, ()),
                ):
                    step(*arguments)
                    assert nic.status() == failed
                assert nic.status("rssi") < 0
                nic.ifconfig(FOUR)
                assert nic.status() == stat.STAT_GOT_IP
                board.away()
                assert nic.status() == stat.STAT_CONNECTING


def test_other_security_was_not_told_at_first():
    with plug("ESP32_OLD") as board:
        board.nic.active(True)
        board.nic.connect("home", "key")
        board.nic.refused("NO_AP_FOUND_W_COMPATIBLE_SECURITY")
        assert board.nic.status() == board.modules["network"].STAT_CONNECTING


def test_connect_on_esp32_is_refused_while_connecting_and_lost_while_associated():
    for port in ("ESP32", "ESP32_OLD"):
        with plug(port) as board:
            nic = board.nic
            raises(OSError, nic.disconnect)
            raises(OSError, nic.connect, "home", "key")
            nic.active(True)
            silence(board)
            nic.connect("home", "key")
            assert "Internal" in raises(OSError, nic.connect, "other", "key")
            assert nic.config("ssid") == "home"
            board.back()
            nic.ifconfig(FOUR)
            nic.connect("other", "key")
            assert nic.isconnected()
            assert nic.ifconfig() == FOUR
            assert nic.config("ssid") == "other"
            nic.disconnect()
            assert nic.status() == board.modules["network"].STAT_IDLE
            nic.connect("other", "key")


def test_isconnected_says_nothing_of_an_address_that_was_taken_away():
    for port in PORTS:
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR)
            silence(board)
            assert board.nic.ifconfig()[0] == NO_IP
            assert board.nic.isconnected() == board.esp


def test_the_ssid_of_32_bytes_has_the_key_behind_it_on_esp32():
    with plug("ESP32") as board:
        board.nic.active(True)
        silence(board)
        board.connect("s" * 32, "the key")
        assert board.nic.config("ssid") == "s" * 32 + "the key"


def test_what_status_says_of_the_cable_of_esp32():
    with plug("ESP32_LAN") as board:
        nic = board.nic
        stat = board.modules["network"]
        assert nic.status() == stat.ETH_INITIALIZED
        nic.active(True)
        silence(board)
        assert nic.status() == stat.ETH_STARTED
        board.back()
        assert nic.status() == stat.ETH_CONNECTED
        nic.ifconfig(FOUR)
        assert nic.status() == stat.ETH_GOT_IP
        board.away()
        assert stat.ETH_CONNECTED < nic.status() == stat.ETH_DISCONNECTED < stat.ETH_GOT_IP
        nic.active(False)
        assert nic.status() == stat.ETH_STOPPED


def test_what_status_says_on_a_w5500():
    with plug("W5500") as board:
        nic = board.nic
        assert nic.status() == 1
        nic.active(True)
        silence(board)
        assert nic.status() == 2
        assert not nic.isconnected()
        nic.ifconfig(FOUR)
        assert nic.isconnected()
        board.away()
        assert nic.status() == 0


def test_a_failed_send_takes_a_w5500_down():
    with plug("W5500") as board:
        ready(board)
        board.faults["send_ethernet"] = [OSError(4)]
        assert board.nic.send_ethernet(bytes(60)) is None
        assert not board.nic.active()
        assert board.nic.status() == 1
        board.nic.active(False)
        board.nic.active(True)
        assert board.nic.status() == 2
        assert board.built_in == [DISCOVER, DISCOVER]


def test_what_a_nic_does_not_know_it_refuses():
    for port in CABLES:
        with plug(port) as board:
            raises(ValueError, board.nic.config, "ssid")
            raises(TypeError if board.esp else ValueError, board.nic.status, "rssi")
    for port in RP2:
        with plug(port) as board:
            raises(ValueError, board.nic.config, "ifname")


# Applying a lease


def test_ifconfig_sets_all_four_everywhere():
    for port in PORTS:
        with plug(port) as board:
            ready(board)
            board.nic.ifconfig(FOUR)
            assert board.nic.ifconfig() == FOUR


def test_an_address_by_ipconfig_clears_the_dns_of_esp32():
    for port in ("PICO_W", "ESP32"):
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR)
            board.nic.ipconfig(addr4=("10.0.0.6", "255.255.255.0"))
            dns = NO_IP if board.esp else FOUR[3]
            assert board.nic.ifconfig() == ("10.0.0.6",) + FOUR[1:3] + (dns,)


def test_addr4_beside_another_keyword_is_lost_on_rp2():
    with plug("PICO_W") as board:
        ready(board).nic.ipconfig(gw4="10.0.0.1", addr4=FOUR[:2])
        assert board.nic.ifconfig()[0] == NO_IP


def test_esp32_refuses_a_dns_server_of_zeros_after_setting_the_rest():
    for port in ESP32:
        with plug(port) as board:
            ready(board)
            four = FOUR[:3] + (NO_IP,)
            assert "0x5001" in raises(RuntimeError, board.nic.ifconfig, four)
            assert board.nic.ifconfig() == four


# The modules


def test_the_numbers_of_errors_are_the_ports_own():
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


def test_up_to_1_28_news_of_the_wifi_are_news_of_the_ethernet():
    for port, told in (("ESP32_LAN_OLD", (1, 2, 3)), ("ESP32_LAN", (3, 3, 3))):
        with plug(port, "ESP32") as board:
            cable, radio = board.nics
            for each in board.nics:
                each.nic.active(True)
                each.connect()
            radio.nic.ifconfig(("10.0.0.6", "255.255.255.0", "10.0.0.9", "10.0.0.8"))
            statuses = [cable.nic.status()]
            radio.nic.disconnect()
            board.sleep(120)
            statuses.append(cable.nic.status())
            cable.away()
            cable.back()
            statuses.append(cable.nic.status())
            assert tuple(statuses) == told
