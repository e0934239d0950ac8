"""boot.py and main.py on the fake boards, from power-on to the prompt. Time is the board's own."""

import io
import json
import sys

import dhcpc
from dhcpc import Client
from fakeboard import CABLES, NO_IP, PORTS, WIFI, Module, plug
from kit import home, rfc
from test_nic import AT_ONCE, FOUR, GRANT, Memory, Server
from world import DISCOVER, RELEASE, REQUEST

# Only these find the scripts: firmware/ is where the oldest takes the package from.
VMS = ("cpython", "vm64", "vm32-1.22")

FIRMWARE = __file__.rsplit("/", 3)[0] + "/firmware/"
WIFI_CONFIG = {"ssid": "home", "key": "secret"}
WINDOW = 5000  # ms, main.py's
JOINING = 1000  # ms
SHORTLY = 500  # ms: for a lease


def source(name):
    with open(FIRMWARE + name) as f:
        return f.read()


SCRIPTS = [compile(source(name), name, "exec") for name in ("boot.py", "main.py")]


def longest_wait(times):
    return max([times[i] - times[i - 1] for i in range(1, len(times))])


class Reset(BaseException):
    """The watchdog has reset the board."""


class Watchdog:
    """ports/rp2/machine_wdt.c: machine.WDT, and the one that there is. Nothing stops it."""

    longest = 8388  # ms

    def __init__(self, board):
        self.board = board
        self.fed = []  # ms; the first is when it was started

    def __call__(self, timeout):
        if timeout > self.longest:
            raise ValueError("timeout exceeds %d" % self.longest)
        self.timeout = timeout
        self.feed()
        return self

    def feed(self):
        self.fed.append(self.board.now)

    def look(self):
        if self.fed and self.board.now - self.fed[-1] > self.timeout:
            raise Reset

    @property
    def longest_wait(self):
        """The most ms between two feedings, and between the last and now."""
        return longest_wait(self.fed + [self.board.now])


class Stage:
    """What boot.py and main.py find on a board, and what becomes of them.

    config: what /dhcpc.json holds, or its text; None without one. app: the functions of app.py by
    their names; None without one. seconds: until Ctrl-C is pressed. To be set: `reachable`,
    whether connect() leads to an association; `interrupt`, which look at the clock is cut short by
    Ctrl-C; `events`: (ms from the start, f), and what f raises comes out of whatever runs then.

    printed: the lines. error: what led to the prompt. joined: what connect() was called with.
    """

    def __init__(self, board, config=None, app=None, seconds=8):
        self.board = board
        self.text = json.dumps(config) if isinstance(config, dict) else config
        self.end = seconds * 1000
        self.events = [(self.end, self.ctrl_c)]
        self.start = board.now
        self.wdt = Watchdog(board)
        self.printed = []
        self.joined = []
        self.name = "PicoW"
        self.error = self.interrupt = None
        self.reachable = True
        self.looks = 0
        self.store = Memory()
        board.server = board.server or Server()
        if board.wifi:
            self.connect = board.nic.connect
            board.nic.connect = self.join
        else:
            self.events.append((JOINING, board.back))
        board.modules["network"].hostname = self.hostname
        self.modules = {
            "app": app,
            "board": {"nic": self.nic},
            "machine": {"WDT": self.wdt},
            "time": {"ticks_ms": self.ticks_ms, "ticks_diff": lambda a, b: a - b},
        }
        self.names = {"__name__": "__main__", "print": self.print, "open": self.open}

    # What they find

    def print(self, *what):
        self.printed.append(" ".join([str(each) for each in what]))

    def open(self, path):
        assert path == "/dhcpc.json"
        if self.text is None:
            raise OSError(2)
        return io.StringIO(self.text)

    def nic(self):
        self.board.nic.active(True)
        return self.board.nic

    def hostname(self, name=None):
        self.name = name or self.name
        return self.name

    def client(self, nic, **settings):
        return Client(nic, store=self.store, **settings)

    def ticks_ms(self):
        """Whatever is to happen by now happens when somebody looks at the clock."""
        board = self.board
        self.looks += 1
        if self.looks == self.interrupt:
            raise KeyboardInterrupt
        self.wdt.look()
        board.hand_over()
        for event in self.events:
            if event[0] <= self.now:
                self.events.remove(event)
                event[1]()
                break
        return board.now

    # What happens

    @property
    def now(self):
        """ms from the start"""
        return self.board.now - self.start

    def join(self, ssid, key=None):
        self.joined.append((ssid, key))
        if self.board.esp and self.board.nic.wanted and not self.reachable:
            raise OSError("Wifi Internal State Error")  # it is at it already
        self.connect(ssid, key)
        if self.reachable:
            self.events.append((self.now + JOINING, self.associate))

    def associate(self):
        if self.reachable and not self.board.netif.link:
            self.board.back()

    def no_link(self):
        """From the start on."""
        self.reachable = self.board.carrier = False
        self.events.clear()
        self.events.append((self.end, self.ctrl_c))

    def out_of_reach(self):
        self.reachable = False
        self.board.away()

    def within_reach(self):
        self.reachable = True
        if self.board.esp or not self.board.wifi:
            self.board.back()  # by itself

    def ctrl_c(self):
        raise KeyboardInterrupt

    def run(self):
        """Run them; the second only if the first has not failed, as the ports do. Return self."""
        modules = {"__main__": Module()}
        for name in self.modules:
            what = self.modules[name]
            if what is not None:
                modules[name] = Module()
                for each in what:
                    setattr(modules[name], each, what[each])
        were = [(name, sys.modules.get(name)) for name in modules]
        client = home("client")
        time = client.time
        client.time = modules["time"]
        dhcpc.Client = self.client
        sys.modules.update(modules)
        try:
            for script in SCRIPTS:
                exec(script, self.names)
                for name in self.names:
                    setattr(modules["__main__"], name, self.names[name])
        except BaseException as error:
            self.error = error
        finally:
            dhcpc.Client = Client
            client.time = time
            for name, was in were:
                if was is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = was
        return self

    def interrupted(self):
        """Was it Ctrl-C that ended it?"""
        if not isinstance(self.error, KeyboardInterrupt):
            raise self.error
        return True

    def said(self, words):
        """How many lines have those words?"""
        return len([line for line in self.printed if words in line])


class App:
    """An app.py that notes when it is called: `begun`, `turns`, ms from the start."""

    def __init__(self, do=None):
        self.do = do
        self.begun = []
        self.turns = []
        self.leases = []

    def on(self, board, config, **how):
        """The stage that it is on."""
        self.stage = Stage(board, config, {"setup": self.setup, "loop": self.loop}, **how)
        return self.stage

    def setup(self, dhcp):
        self.begun.append(self.stage.now)

    def loop(self, dhcp):
        self.turns.append(self.stage.now)
        self.leases.append(dhcp.lease)
        if self.do:
            self.do(dhcp)

    def longest_wait(self):
        """The most ms between two turns."""
        return longest_wait(self.turns)


def settings(board, **more):
    """What /dhcpc.json needs on that board."""
    return dict(WIFI_CONFIG if board.wifi else {}, **more)


def on(case, *ports, of=(None,)):
    """Run case(board), or case(board, variant) for each variant in `of`, on those ports."""
    for port in ports or PORTS:
        for variant in of:
            with plug(port) as board:
                try:
                    case(board) if variant is None else case(board, variant)
                except BaseException:
                    print("on", port, variant)
                    raise


def ip(board):
    return board.nic.ifconfig()[0]


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
        called = []
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
        assert Stage(board, {"ssid": "home", "key": "secret"}).run().joined == [("home", "secret")]

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
        assert board.nic.config("ssid") == "home"
        assert ip(board) == FOUR[0]

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

    wrong = (
        ("", "not JSON"),
        ("{'ssid': 'home'}", "not JSON"),
        ("[]", "not an object"),
        ('"home"', "not an object"),
        ({"sid": "home"}, "sid"),
        ({"ssid": "home", "key": 12345678}, "key"),
        ({"ssid": None}, "ssid"),
        ({"ssid": "home", "hostname": ["a"]}, "hostname"),
        ({"ssid": "home", "reuse": 1}, "reuse"),
        ({"ssid": "home", "timeout_s": "20"}, "timeout_s"),
        ({"ssid": "home", "timeout_s": 0}, "timeout_s"),
        ({"ssid": "home", "watchdog_s": -1}, "watchdog_s"),
        ({"ssid": "home", "watchdog_s": 1e9}, "watchdog_s"),
        ({"key": "secret"}, "no ssid"),
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
        assert stage.names["dhcp"].acquire().ip == FOUR[0]

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
        assert stage.said("no lease: no link") == stage.end // 2000 - 1
        assert len(stage.joined) == 1 + stage.said("no lease")
        assert set(stage.joined) == {("home", "secret")}

    on(case, *WIFI)


def test_without_a_setting_it_does_so_every_20_s():
    def case(board):
        stage = Stage(board, WIFI_CONFIG, seconds=50)
        stage.reachable = False
        assert stage.run().interrupted()
        assert stage.said("no lease: no link") == 2

    on(case, "PICO_W")


def test_the_links_own_reason_is_said():
    def case(board, variant):
        why, words = variant
        stage = Stage(board, settings(board, timeout_s=2))
        stage.reachable = False
        stage.events.append((JOINING, lambda: board.nic.refused(why)))
        assert stage.run().interrupted()
        assert stage.said("no lease: " + words)

    reasons = (("WRONG_PASSWORD", "wrong password"), ("NO_AP_FOUND", "no access point"))
    on(case, *WIFI, of=reasons)


def test_without_a_server_it_says_so_and_lets_the_link_be():
    def case(board):
        stage = Stage(board, settings(board, timeout_s=2))
        board.server.mute = (DISCOVER,)
        stage.run()
        assert stage.interrupted()
        assert stage.said("no lease: no answer") == stage.end // 2000 - 1
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


@rfc("2131 4.4.5")
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
        board.nic.active = lambda on: called.append(on) or active(on)
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


def test_packets_are_not_printed():
    def case(board):
        stage = Stage(board, settings(board)).run()
        assert not stage.said("send")
        assert not stage.said("recv")

    on(case)
