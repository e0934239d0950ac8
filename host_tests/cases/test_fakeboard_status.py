"""The fake boards do what the boards do: what a NIC tells of its link. test_fakeboard.py has where
that was read.
"""

from bare import MESSAGE, RP2, bound, number, ready, silence
from fakeboard import CABLES, ESP32, NO_IP, PORTS, plug
from kit import raises
from onboard import FOUR
from world import DISCOVER

# Signs of a link


def test_what_status_says_on_a_pico_w():
    # src/cyw43_lwip.c: cyw43_tcpip_link_status
    # src/cyw43_ctrl.c: cyw43_wifi_link_status, cyw43_wifi_join
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
    # extmod/network_cyw43.c: network_cyw43_active, up to 1.24 and since
    for port in ("PICO_W", "PICO_W_OLD"):
        with plug(port) as board:
            assert not board.nic.active()
            board.nic.active(True)
            assert board.nic.active() == (port == "PICO_W")
            board.nic.connect("home")
            assert board.nic.active()


def test_after_a_disconnect_an_address_is_no_route():
    # src/cyw43_ctrl.c: cyw43_cb_process_async_event
    # src/core/ipv4/ip4.c: ip4_route
    # wlanif.c: low_level_output
    for port in ("PICO_W", "ESP32"):
        with plug(port) as board:
            sock = bound(ready(board))
            board.nic.ifconfig(FOUR)
            board.nic.disconnect()
            raises(OSError, sock.sendto, MESSAGE, ("10.0.0.1", 67))
            assert not board.sent


def test_the_driver_of_a_pico_w_has_an_opinion_of_its_own():
    # src/cyw43_lwip.c: cyw43_cb_tcpip_init
    # src/cyw43_config.h: CYW43_DEFAULT_IP_MASK
    with plug("PICO_W") as board:
        board.nic.active(True)
        assert board.nic.ifconfig() == (NO_IP, "255.255.255.0", "192.168.0.1", "8.8.8.8")


def test_what_status_says_on_esp32():
    # ports/esp32/network_wlan.c: network_wlan_status, network_wlan_wifi_event_handler
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
    # esp_netif_lwip.c: esp_netif_up_api, esp_netif_down_api
    # esp_netif_handlers.c: esp_netif_action_connected
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
    # esp_netif_lwip.c: esp_netif_stop_api, esp_netif_up_api
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
    # esp_netif_lwip.c: esp_netif_set_ip_info_api, until ESP-IDF 5.3 (1.26) had it be one at once
    # esp_netif_lwip.c: esp_netif_is_valid_static_ip
    for port in ESP32:
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR[:2] + (NO_IP, FOUR[3]))
            assert not board.nic.isconnected()
            board.away()
            board.back()
            assert board.nic.isconnected()


def test_a_failure_of_esp32_stands_until_got_ip():
    # ports/esp32/network_wlan.c: network_wlan_ip_event_handler, network_wlan_status
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
    # ports/esp32/network_wlan.c: network_wlan_status, of 1.22
    with plug("ESP32_OLD") as board:
        board.nic.active(True)
        board.nic.connect("home", "key")
        board.nic.refused("NO_AP_FOUND_W_COMPATIBLE_SECURITY")
        assert board.nic.status() == board.modules["network"].STAT_CONNECTING


def test_connect_on_esp32_is_refused_while_connecting_and_lost_while_associated():
    # ports/esp32/network_wlan.c: network_wlan_connect, network_wlan_disconnect
    # components/esp_wifi/include/esp_wifi.h: esp_wifi_connect; its source is not public
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
    # ports/esp32/network_wlan.c: network_wlan_isconnected
    # ports/esp32/network_lan.c: lan_isconnected
    for port in PORTS:
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR)
            silence(board)
            assert board.nic.ifconfig()[0] == NO_IP
            assert board.nic.isconnected() == board.esp


def test_the_ssid_of_32_bytes_has_the_key_behind_it_on_esp32():
    # ports/esp32/network_wlan.c: network_wlan_config, mp_obj_new_str_from_cstr
    with plug("ESP32") as board:
        board.nic.active(True)
        silence(board)
        board.connect("s" * 32, "the key")
        assert board.nic.config("ssid") == "s" * 32 + "the key"


def test_what_status_says_of_the_cable_of_esp32():
    # ports/esp32/network_lan.c: eth_event_handler, lan_status, lan_active
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
    # extmod/network_wiznet5k.c: wiznet5k_status, wiznet5k_isconnected
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
    # extmod/network_wiznet5k.c: wiznet5k_send_ethernet, wiznet5k_active
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
    # extmod/network_wiznet5k.c: wiznet5k_config, wiznet5k_status
    # extmod/network_cyw43.c: network_cyw43_config
    # ports/mimxrt/network_lan.c: network_lan_config, network_lan_status
    # ports/esp32/network_lan.c: lan_config, lan_status
    for port in CABLES:
        with plug(port) as board:
            raises(ValueError, board.nic.config, "ssid")
            raises(TypeError if board.esp else ValueError, board.nic.status, "rssi")
    for port in RP2:
        with plug(port) as board:
            raises(ValueError, board.nic.config, "ifname")


# Of two NICs


def test_up_to_1_28_news_of_the_wifi_are_news_of_the_ethernet():
    # ports/esp32/network_lan.c: eth_event_handler, of 1.28 and since
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
