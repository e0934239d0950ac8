"""boot.py and main.py on the fake boards, from power-on to the prompt. Time is the board's own."""

from dhcpc.explain import why
from fakeboard import CABLES, NO_IP, PORTS, WIFI
from onboard import AT_ONCE, FOUR, GRANT, Server
from stage import JOINING, KEY, WIFI_CONFIG, App, Reset, Stage, ip, main_on, on, settings
from two import Board as Two
from world import DISCOVER, RELEASE, REQUEST, types

# Only these find the scripts: firmware/ is where the oldest takes the package from.
VMS = ("cpython", "vm64", "vm32-1.22")

WINDOW = 5000  # ms, main.py's
SHORTLY = 500  # ms: for a lease

# The network comes up


def test_the_application_runs_from_the_first_lease_on():
    def case(board):
        app = App()
        stage = app.on(board, settings(board)).run()
        assert stage.interrupted()
        assert board.nic.ifconfig() == FOUR
        assert len(app.begun) == 1
        assert app.begun[0] < JOINING + SHORTLY
        assert app.leases[0].ip == FOUR[0]
        assert app.turns[-1] > stage.end - 100
        assert app.longest_wait() <= 10
        assert stage.said(FOUR[0]) == 1

    on(case)


def test_the_built_in_client_is_silent_before_the_network_is_joined():
    def case(board):
        Stage(board, settings(board)).run()
        assert board.built_in == []

    on(case, *[port for port in PORTS if port not in AT_ONCE])


def test_a_cable_needs_no_configuration():
    def case(board):
        assert Stage(board).run().interrupted()
        assert board.nic.ifconfig() == FOUR

    on(case, *CABLES)


def test_without_an_application_the_lease_is_kept():
    def case(board):
        stage = Stage(board, settings(board)).run()
        assert stage.interrupted()
        assert ip(board) == FOUR[0]

    on(case)


def test_an_application_may_lack_setup_or_loop():
    def case(board, name):
        called: list[object] = []
        assert Stage(board, WIFI_CONFIG, {name: called.append}).run().interrupted()
        assert called

    on(case, "PICO_W", of=("setup", "loop"))


def test_the_host_name_is_the_boards_and_the_clients():
    def case(board):
        stage = Stage(board, settings(board, hostname="greenhouse-3")).run()
        assert stage.name == "greenhouse-3"
        assert board.sent[0].options[12] == b"greenhouse-3"

    on(case)


def test_the_network_is_joined_by_name_and_key():
    def case(board):
        assert Stage(board, WIFI_CONFIG).run().joined == [("home", KEY)]

    on(case, *WIFI)


def test_an_open_network_needs_no_key():
    def case(board):
        assert Stage(board, {"ssid": "cafe"}).run().joined == [("cafe", None)]

    on(case, *WIFI)


def test_an_association_from_before_a_soft_reset_ends():
    def case(board):
        board.nic.active(True)
        board.connect("other")
        stage = Stage(board, WIFI_CONFIG).run()
        assert stage.interrupted()
        assert board.nic.ssid == "home"
        assert ip(board) == FOUR[0]

    on(case, *WIFI)


def soft_reset(board, config=WIFI_CONFIG):
    """A stage with what flash holds, after one on which a lease was had."""
    first = Stage(board, WIFI_CONFIG, seconds=4).run()
    assert first.interrupted()
    assert ip(board) == FOUR[0]
    board.sent.clear()
    board.arps.clear()
    if "connect" in board.nic.__dict__:
        del board.nic.connect  # the first stage's
    second = Stage(board, config)
    second.store = first.store
    return second


def test_after_a_soft_reset_the_lease_is_asked_for_anew_and_no_sooner():
    def case(board):
        stage = soft_reset(board).run()
        assert stage.interrupted()
        assert ip(board) == FOUR[0]
        assert types(board) == [REQUEST]
        assert board.sent[0].source == bytes(4)
        assert not board.built_in

    on(case, *WIFI)


def test_after_a_soft_reset_another_network_has_a_lease_of_its_own():
    def case(board):
        stage = soft_reset(board, {"ssid": "home2", "key": "another one"}).run()
        assert stage.interrupted()
        assert ip(board) == FOUR[0]
        assert types(board) == [DISCOVER, REQUEST]
        assert board.nic.ssid == "home2"
        assert b"home2" in stage.store.kept
        assert not board.built_in

    on(case, *WIFI)


def test_a_soft_reset_while_joining_joins_anew():
    def case(board):
        board.nic.active(True)
        board.nic.connect("other", "key")
        stage = Stage(board, WIFI_CONFIG).run()
        assert stage.interrupted()
        assert board.nic.ssid == "home"
        assert ip(board) == FOUR[0]
        assert not board.built_in

    on(case, *WIFI)


def test_a_failure_from_before_a_soft_reset_is_over():
    def case(board):
        board.nic.active(True)
        board.nic.connect("other", "key")
        board.nic.refused("NO_AP_FOUND")
        stage = Stage(board, WIFI_CONFIG).run()
        assert stage.interrupted()
        assert ip(board) == FOUR[0]
        assert not stage.said("no access point")

    on(case, *WIFI)


# What is wrong with the configuration is named, and the prompt follows


def test_a_configuration_that_is_wrong_is_refused_and_named():
    def case(board, variant):
        config, words = variant
        stage = Stage(board, config).run()
        assert isinstance(stage.error, ValueError)
        assert words in str(stage.error)
        assert "/dhcpc.json" in str(stage.error)
        assert "12345678" not in str(stage.error)
        assert stage.looks == 0  # main.py has not been run

    wrong: tuple[tuple[object, str], ...] = (
        ("", "not JSON"),
        ("{'ssid': 'home'}", "not JSON"),
        ("[]", "not a JSON object"),
        ('"home"', "not a JSON object"),
        ({"sid": "home"}, 'there is no "sid"; there are anonymous, broadcast, client_id'),
        ({"ssid": "home", "key": 12345678}, "key"),
        ({"ssid": None}, "ssid"),
        ({"ssid": "home", "hostname": ["a"]}, 'hostname: ["a"] is not 1 to 32 letters'),
        ({"ssid": "home", "reuse": 1}, "reuse"),
        ({"ssid": "home", "timeout_s": "20"}, "timeout_s"),
        ({"ssid": "home", "timeout_s": 0}, "timeout_s"),
        ({"ssid": "home", "watchdog_s": -1}, "watchdog_s"),
        ({"ssid": "home", "watchdog_s": 1e9}, "watchdog_s"),
        ({"key": KEY}, "no ssid"),
        ({}, "no ssid"),
    )
    on(case, "PICO_W", of=wrong)


# The watchdog


def test_the_watchdog_is_fed_every_second_whatever_the_network_does():
    def case(board, trouble):
        stage = Stage(board, settings(board, timeout_s=5, watchdog_s=8), seconds=18)
        if trouble == "no link":
            stage.no_link()
        elif trouble == "no server":
            board.server.mute = (DISCOVER,)
        elif trouble == "link lost":
            stage.events.append((9000, stage.out_of_reach))
        assert stage.run().interrupted()
        assert stage.wdt.timeout == 8000
        assert stage.wdt.longest_wait < 1000
        assert board.now - stage.wdt.fed[0] > stage.end - WINDOW - 100

    on(case, of=("no link", "no server", "link lost", "none"))


def test_at_the_start_there_is_time_for_ctrl_c_without_a_watchdog():
    def case(board):
        app = App()
        stage = app.on(board, settings(board, watchdog_s=5))
        stage.events.append((WINDOW - 100, stage.ctrl_c))
        assert stage.run().interrupted()
        assert stage.wdt.fed == []
        assert stage.said("Ctrl-C")

    on(case)


def test_the_application_begins_under_the_watchdog():
    def case(board):
        app = App()
        stage = app.on(board, settings(board, watchdog_s=5)).run()
        assert stage.interrupted()
        assert stage.start + app.begun[0] >= stage.wdt.fed[0]
        assert WINDOW <= app.begun[0] < WINDOW + 100

    on(case)


def test_without_a_setting_there_is_no_watchdog():
    def case(board):
        assert Stage(board, settings(board)).run().wdt.fed == []

    on(case)


def test_a_watchdog_longer_than_the_ports_is_refused_before_the_application_begins():
    def case(board):
        app = App()
        stage = app.on(board, settings(board, watchdog_s=9)).run()
        assert "8388" in str(stage.error)
        assert app.begun == []
        assert stage.wdt.fed == []

    on(case, "PICO_W", "W5500")


def test_a_fraction_of_a_second_counts():
    def case(board):
        assert Stage(board, settings(board, watchdog_s=8.3)).run().wdt.timeout == 8300

    on(case, "PICO_W")


def test_an_application_that_hangs_is_reset():
    def case(board):
        app = App(lambda dhcp: board.sleep(20))
        stage = app.on(board, settings(board, watchdog_s=8)).run()
        assert isinstance(stage.error, Reset)

    on(case, "PICO_W")


# The prompt


def test_ctrl_c_leads_to_the_prompt_at_any_time():
    def case(board, look):
        stage = Stage(board, settings(board), {"loop": lambda dhcp: dhcp.lease.ip})
        stage.interrupt = look
        assert stage.run().interrupted()
        assert stage.looks == look
        # And there the client still works.
        if not board.netif.link:
            board.back()
        dhcp = stage.names["dhcp"]
        assert dhcp.acquire().ip == FOUR[0]  # type: ignore[attr-defined]

    on(case, "PICO_W", "ESP32_LAN", of=range(1, 400, 2))


def test_an_exception_of_the_application_leads_to_the_prompt():
    def case(board, name):
        def fail(dhcp):
            raise error

        error = ValueError("no sensor")
        stage = Stage(board, WIFI_CONFIG, {name: fail}).run()
        assert stage.error is error
        assert ip(board) == FOUR[0]

    on(case, "PICO_W", of=("setup", "loop"))


def test_who_leaves_a_running_watchdog_is_told():
    def case(board):
        stage = Stage(board, settings(board, watchdog_s=8)).run()
        assert stage.said("the watchdog resets the board") == 1

    on(case)


# The network goes and comes


def test_without_a_link_it_says_so_and_joins_anew():
    def case(board):
        stage = Stage(board, settings(board, timeout_s=2))
        stage.reachable = False
        assert stage.run().interrupted()
        assert stage.said("no lease: there is no link; ") == 1  # not again and again
        assert len(stage.joined) == stage.end // 2000
        assert set(stage.joined) == {("home", KEY)}

    on(case, *WIFI)


def test_without_a_setting_it_does_so_every_20_s():
    def case(board):
        stage = Stage(board, WIFI_CONFIG, seconds=50)
        stage.reachable = False
        assert stage.run().interrupted()
        assert len(stage.joined) == 1 + 2

    on(case, "PICO_W")


def test_the_links_own_reason_is_said():
    def case(board, variant):
        why, words = variant
        stage = Stage(board, settings(board, timeout_s=2))
        stage.reachable = False
        stage.events.append((JOINING, lambda: board.nic.refused(why)))
        assert stage.run().interrupted()
        assert len([line for line in stage.printed if "no lease: " in line and words in line]) == 1

    reasons = (("WRONG_PASSWORD", "refuses the password"), ("NO_AP_FOUND", "has that name"))
    on(case, *WIFI, of=reasons)


def test_without_a_server_it_says_so_and_lets_the_link_be():
    def case(board):
        stage = Stage(board, settings(board, timeout_s=2))
        board.server.mute = (DISCOVER,)
        stage.run()
        assert stage.interrupted()
        assert stage.said("no lease: no DHCP server has answered; ") == 1
        assert len(stage.joined) == board.wifi

    on(case)


def test_a_lease_is_had_when_a_network_shows_up_at_last():
    def case(board):
        app = App()
        stage = app.on(board, settings(board, timeout_s=2))
        stage.no_link()
        stage.events.append((3000, stage.within_reach))
        assert stage.run().interrupted()
        assert 3000 <= app.begun[0] < 3000 + 2000 + JOINING + SHORTLY

    on(case)


def test_the_application_runs_on_through_a_loss_of_the_link():
    def case(board):
        app = App()
        stage = app.on(board, settings(board, timeout_s=1))
        sent = []
        stage.events.append((3000, stage.out_of_reach))
        stage.events.append((4000, lambda: sent.append((len(board.sent), ip(board)))))
        stage.events.append((5000, stage.within_reach))
        assert stage.run().interrupted()
        assert app.longest_wait() <= 10
        assert len(app.begun) == 1
        assert None in app.leases
        assert sent[0][1] != FOUR[0]
        # RFC 2131 3.7: one REQUEST for the address of before
        assert [each.type for each in board.sent[sent[0][0] :]] == [REQUEST]
        assert ip(board) == FOUR[0]
        assert app.leases[-1]

    on(case)


def test_the_application_runs_on_through_a_renewal():
    def case(board):
        board.server = Server()
        board.server.grant = {"lease": 60, "options": GRANT}
        app = App()
        stage = app.on(board, settings(board), seconds=40).run()
        assert stage.interrupted()
        assert board.sent[-1].type == REQUEST
        assert board.sent[-1].to is not None  # RENEWING
        assert app.leases[-1].age < 40
        assert None not in app.leases
        assert app.longest_wait() <= 10
        assert stage.said("renewed") == 1

    on(case)


def test_a_chip_that_a_failed_send_put_to_sleep_is_woken():
    def case(board):
        stage = Stage(board, {"timeout_s": 2})
        active, called = board.nic.active, []

        def noted(on):
            called.append(on)
            return active(on)

        board.nic.active = noted
        board.faults["send_ethernet"] = [board.fault("EIO")]
        assert stage.run().interrupted()
        assert called == [True, False, True]
        assert stage.said("no lease") == 1
        assert board.nic.ifconfig() == FOUR

    on(case, "W5500")


def test_an_application_may_release_the_lease_for_good():
    def case(board):
        app = App(lambda dhcp: dhcp.lease and dhcp.release())
        stage = app.on(board, settings(board, timeout_s=2)).run()
        assert stage.interrupted()
        assert [each.type for each in board.sent].count(RELEASE) == 1
        assert board.sent[-1].type == RELEASE
        assert not stage.said("no lease")
        assert ip(board) == NO_IP or board.last_resort

    on(case)


def test_good_news_is_said_as_such():
    def case(board):
        stage = Stage(board, settings(board)).run()
        assert stage.said("dhcpc: link is up") == 1
        assert stage.said("dhcpc: bound: 10.0.0.5 from 10.0.0.1 for 60 min") == 1
        assert len(stage.printed) == 2

    on(case, *[port for port in PORTS if port not in AT_ONCE])


def test_how_long_a_lease_lasts_is_said_in_the_unit_that_fits():
    for lease, said in (
        (90, "90 s"),
        (1800, "30 min"),
        (12 * 3600, "12 h"),
        (10 * 86400, "10 days"),
        (0xFFFFFFFF, "ever"),
    ):

        def case(board, said=said, lease=lease):
            board.server = Server()
            board.server.grant["lease"] = lease
            assert Stage(board, settings(board)).run().said(" for " + said) == 1

        on(case, "PICO_W")


def test_why_a_server_gives_no_lease_is_said_with_its_address_and_what_to_do():
    def case(board):
        board.server = Server()
        board.server.grant["yiaddr"] = b"\xff\xff\xff\xff"
        stage = Stage(board, settings(board, timeout_s=2)).run()
        what, then = why("10.0.0.1: yiaddr ")
        assert stage.said("dhcpc: no lease: " + what + "; " + then) == 1

    on(case, "PICO_W", "ESP32")


def test_a_fault_that_goes_on_is_said_once():
    def case(board):
        stage = Stage(board, settings(board, timeout_s=2))
        board.faults["sendto"] = [board.fault("EHOSTUNREACH")] * 99
        stage.run()
        assert stage.interrupted()
        assert stage.said("dhcpc: error: ") == 1

    on(case, "ESP32")


def test_packets_are_not_printed():
    def case(board):
        stage = Stage(board, settings(board)).run()
        assert not stage.said("send")
        assert not stage.said("recv")

    on(case)


# Several NICs


def test_main_runs_on_a_failover_as_on_a_client():
    board = Two()

    def turn(seconds):
        if seconds == 30:
            board.wire.air = False
        if seconds == 60:
            board.wire.air = True

    printed = main_on(board.several, board.stack, turn, 90)
    assert board.used is board.wire
    for line in (
        "dhcpc: bound: 10.0.0.5 from 10.0.0.1 for 60 min",
        "dhcpc: link is down",
        "dhcpc: bound: 10.0.0.6 from 10.0.0.2 for 60 min",
        "dhcpc: used: 10.0.0.5 from 10.0.0.1 for 59 min",
    ):
        assert line in printed, (line, printed)
