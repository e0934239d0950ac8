"""The fake boards do what the boards do: the built-in client, and how an address is set.
test_fakeboard.py has where that was read.
"""

from bare import RP2, bound, number, ready, silence
from fakeboard import BUILT_IN_IP, ESP32, MAC, NO_IP, PORTS, plug
from kit import raises
from onboard import FOUR
from world import DISCOVER, RELEASE, REQUEST

# The built-in client


def test_the_built_in_client_starts_by_itself():
    # src/cyw43_lwip.c: cyw43_cb_tcpip_init
    # extmod/network_wiznet5k.c: wiznet5k_lwip_init
    # ports/mimxrt/eth.c: eth_lwip_init
    # esp_netif_handlers.c: esp_netif_action_connected
    for port in PORTS:
        with plug(port) as board:
            board.nic.active(True)
            assert board.built_in == ([DISCOVER] if port in ("W5500", "LAN") else [])
            if not board.built_in:
                board.connect()
            assert board.built_in == [DISCOVER]


def test_zeros_silence_it_in_every_state():
    # extmod/network_lwip.c: mod_network_nic_ifconfig
    # ports/esp32/network_common.c: esp_ifconfig
    # esp_netif_handlers.c: esp_netif_action_connected
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
    # src/core/ipv4/dhcp.c: dhcp_release_and_stop
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
    # src/cyw43_lwip.c: cyw43_cb_tcpip_init
    # extmod/network_wiznet5k.c: wiznet5k_lwip_init
    # ports/mimxrt/eth.c: eth_lwip_init
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
    # esp_netif_lwip.c: esp_netif_dhcpc_stop_api
    for port in ESP32:
        with plug(port) as board:
            silence(board)
            board.nic.active(True)
            board.connect()
            assert not board.built_in


def test_off_and_on_again_undoes_the_silencing_but_for_the_wifi_of_esp32():
    # src/cyw43_ctrl.c: cyw43_wifi_set_up
    # extmod/network_wiznet5k.c: wiznet5k_active
    # esp_netif_lwip.c: esp_netif_stop_api, which leaves a netif that is down as it is
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
    # esp_netif_lwip.c: esp_netif_stop_api
    with plug("ESP32_LAN") as board:
        ready(board)
        board.away()
        board.nic.active(False)
        board.nic.active(True)
        board.back()
        assert not board.built_in


def test_ipconfig_does_not_silence_esp32_before_the_link():
    # ports/esp32/network_common.c: esp_ipconfig, which stops what is STARTED
    for port in ("PICO_W", "ESP32"):
        with plug(port) as board:
            board.nic.active(True)
            board.nic.ipconfig(dhcp4=False)
            board.connect()
            assert board.built_in == ([DISCOVER] if board.esp else [])
            board.nic.ipconfig(dhcp4=False)
            assert not board.nic.ipconfig("dhcp4")


def test_it_has_port_68_for_as_long_as_it_runs():
    # src/core/ipv4/dhcp.c: dhcp_inc_pcb_refcount, dhcp_dec_pcb_refcount
    # src/core/udp.c: udp_bind
    for port in PORTS:
        with plug(port) as board:
            board.nic.active(True)
            board.connect()
            number(board, "EADDRINUSE", bound, board)
            silence(board)
            bound(board)
            number(board, "EADDRINUSE", bound, board)


def test_one_that_is_started_without_port_68_is_deaf():
    # src/core/ipv4/dhcp.c: dhcp_inc_pcb_refcount, which does not look whether it could bind
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
    # extmod/network_lwip.c: mod_network_nic_ifconfig
    # esp_netif_lwip.c: esp_netif_dhcpc_start_api
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


# Applying a lease


def test_ifconfig_sets_all_four_everywhere():
    # extmod/network_lwip.c: mod_network_nic_ifconfig
    # ports/esp32/network_common.c: esp_ifconfig
    for port in PORTS:
        with plug(port) as board:
            ready(board)
            board.nic.ifconfig(FOUR)
            assert board.nic.ifconfig() == FOUR


def test_an_address_by_ipconfig_clears_the_dns_of_esp32():
    # extmod/network_lwip.c: mod_network_nic_ipconfig
    # esp_netif_lwip.c: esp_netif_set_ip_info_api, dns_clear_servers
    for port in ("PICO_W", "ESP32"):
        with plug(port) as board:
            ready(board).nic.ifconfig(FOUR)
            board.nic.ipconfig(addr4=("10.0.0.6", "255.255.255.0"))
            dns = NO_IP if board.esp else FOUR[3]
            assert board.nic.ifconfig() == ("10.0.0.6",) + FOUR[1:3] + (dns,)


def test_addr4_beside_another_keyword_is_lost_on_rp2():
    # extmod/network_lwip.c: mod_network_nic_ipconfig, whose args[0] is the first keyword's
    with plug("PICO_W") as board:
        ready(board).nic.ipconfig(gw4="10.0.0.1", addr4=FOUR[:2])
        assert board.nic.ifconfig()[0] == NO_IP


def test_esp32_refuses_a_dns_server_of_zeros_after_setting_the_rest():
    # ports/esp32/network_common.c: esp_ifconfig
    # esp_netif_lwip.c: esp_netif_set_dns_info
    for port in ESP32:
        with plug(port) as board:
            ready(board)
            four = FOUR[:3] + (NO_IP,)
            assert "0x5001" in raises(RuntimeError, board.nic.ifconfig, four)
            assert board.nic.ifconfig() == four
