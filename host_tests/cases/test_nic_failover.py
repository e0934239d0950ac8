"""Several NICs and one way out, on fake boards with two NICs each."""

from cable import Server
from dhcpc import Client, failover
from fakeboard import NO_IP, plug
from onboard import GRANT
from records import Memory
from stage import WIFI_CONFIG, Stage
from world import DISCOVER, OTHER_IP, REQUEST, opt, types

# Only these find the scripts: firmware/ is where the oldest takes the package from.
VMS = ("cpython", "vm64", "vm32-1.22")

OLD = (("ESP32_LAN_OLD", "ESP32"), ("ESP32_LAN_OLD", "ESP32_OLD"))
PAIRS = (("ESP32_LAN", "ESP32"), OLD[0], OLD[1], ("W5500", "PICO_W"))
ON_CABLE = ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.2")
ON_RADIO = ("10.0.0.6", "255.255.255.0", "10.0.0.9", "10.0.0.8")


class Two:
    """A Failover on a board with a cable and a radio, whose networks give what ON_... has."""

    def __init__(self, board):
        self.board = board
        self.cable, self.radio = board.nics
        self.cable.server = Server(options=GRANT)
        self.radio.server = Server(
            yiaddr=OTHER_IP, options=opt(3, b"\x0a\0\0\x09") + opt(6, b"\x0a\0\0\x08")
        )
        self.radio.carrier = True
        for each in (self.radio, self.cable):  # the preferred one last
            each.nic.active(True)
        nics = [each.nic for each in (self.cable, self.radio)]
        self.several = failover.make(nics, self.join, store=Memory(), clock=board.clock)
        self.cable.back()

    def join(self, nic):
        assert nic is self.radio.nic
        nic.connect("home", "secret")
        if self.radio.carrier:
            self.radio.back()

    def go(self, seconds):
        board = self.board
        end = board.now + seconds * 1000
        while board.now < end:
            board.now += min(max(self.several.poll(), 1), end - board.now)
        self.several.poll()
        return self

    def unplug(self):
        self.cable.away()

    @property
    def addresses(self):
        return [each.nic.ifconfig()[0] for each in (self.cable, self.radio)]


def each_pair(case, pairs=PAIRS):
    """Run case(two) on each of those pairs of NICs."""
    for pair in pairs:
        with plug(*pair) as board:
            try:
                case(Two(board))
            except BaseException:
                print("on", pair)
                raise


def test_the_lease_of_the_one_in_use_is_on_its_nic_and_the_other_is_bare():
    def case(two):
        two.go(10)
        assert two.cable.nic.ifconfig() == ON_CABLE
        assert two.addresses == [ON_CABLE[0], NO_IP]
        assert not two.radio.netif.link

    each_pair(case)


def test_when_the_cable_is_out_the_radio_is_used_with_its_name_server():
    def case(two):
        two.go(10)
        two.unplug()
        two.go(10)
        assert two.radio.nic.ifconfig() == ON_RADIO
        assert two.addresses == [NO_IP, ON_RADIO[0]]

    each_pair(case)


def test_when_the_cable_is_back_it_takes_over_and_the_radio_leaves():
    def case(two):
        two.go(10)
        two.unplug()
        two.go(10)
        two.cable.back()
        two.go(3)
        assert two.addresses == [NO_IP, ON_RADIO[0]]
        assert two.board.dns == ON_RADIO[3]
        two.go(10)
        assert two.cable.nic.ifconfig() == ON_CABLE
        assert two.addresses == [ON_CABLE[0], NO_IP]
        assert not two.radio.netif.link

    each_pair(case)


def test_a_cable_stays_in_use_when_news_of_the_wifi_are_taken_for_its_own():
    def case(two):
        two.go(10)
        two.unplug()
        two.go(10)
        two.cable.back()
        two.go(10)
        events: list[object] = []
        two.several.on_event = lambda event, lease: events.append(event)
        two.go(200)
        assert two.cable.nic.status() == 2  # by the Wi-Fi's, 120 s after it has left
        assert two.addresses == [ON_CABLE[0], NO_IP]
        assert events == []

    each_pair(case, OLD)


def test_a_cable_that_was_in_before_the_wifi_had_its_address_takes_over():
    def case(two):
        two.cable.server.mute = (DISCOVER, REQUEST)
        two.go(30)
        assert two.addresses == [NO_IP, ON_RADIO[0]]
        assert two.cable.nic.status() in (1, 5)
        two.cable.server.mute = ()
        two.go(120)
        assert two.addresses == [ON_CABLE[0], NO_IP]

    each_pair(case, OLD)


def test_a_cable_that_is_out_or_was_never_in_is_not_taken_for_one_that_is_in():
    def case(two):
        link = two.several.clients[0].link
        two.unplug()
        two.go(400)
        assert not link.up()
        assert two.addresses == [NO_IP, ON_RADIO[0]]
        two.cable.back()
        two.go(10)
        assert link.up()
        two.cable.nic.active(False)
        two.go(1)
        assert not link.up()
        two.cable.nic.active(True)
        two.go(400)
        assert not link.up()
        assert two.addresses == [NO_IP, ON_RADIO[0]]

    each_pair(case, OLD)


def test_a_nic_that_fails_at_all_from_some_moment_on_leaves_the_other_in_use():
    def case(two):
        def fails(*how, **more):
            raise OSError("no answer from the chip")

        two.go(10)
        nic = two.cable.nic
        for name in ("active", "config", "ifconfig", "ipconfig", "isconnected", "status"):
            setattr(nic, name, fails)
        two.board.faults = {"send_ethernet": [OSError(5)] * 1000}
        two.go(20)
        assert two.radio.nic.ifconfig() == ON_RADIO
        assert two.several.used is two.several.clients[1]
        two.go(600)
        assert two.several.lease.ip == ON_RADIO[0]

    each_pair(case)


def test_a_nic_without_a_lease_leaves_the_name_server_as_it_is():
    def case(two):
        two.go(10)
        two.unplug()
        two.go(10)
        two.cable.server.mute = (DISCOVER, REQUEST)
        two.cable.back()
        two.go(120)
        assert two.board.dns == ON_RADIO[3]
        assert two.addresses == [NO_IP, ON_RADIO[0]]

    each_pair(case)


def test_requests_that_ask_for_an_address_come_from_none():
    def case(two):
        two.go(10)
        two.unplug()
        two.go(10)
        two.cable.back()
        two.go(30)
        for each in (two.cable, two.radio):
            sent = types(each)  # a message may have to be sent again
            first = sent.index(REQUEST)
            assert set(sent[:first]) == {DISCOVER}
            assert set(sent[first:]) == {REQUEST}
            assert {sent.source for sent in each.sent} == {bytes(4)}

    each_pair(case)


def test_the_built_in_clients_stay_silent_where_they_can_be_silenced():
    def case(two):
        two.go(10)
        two.unplug()
        two.go(10)
        two.cable.back()
        two.go(30)
        assert two.radio.built_in == []
        frames = hasattr(two.cable.nic, "send_ethernet")  # it begins within active(True)
        assert set(two.cable.built_in) <= ({DISCOVER} if frames else set())

    each_pair(case)


def test_close_hands_back_to_the_built_in_client():
    def case(two):
        two.go(10)
        two.several.close()
        assert two.cable.built_in[-1:] == [DISCOVER]
        sent = len(two.cable.sent)
        two.go(100)
        assert len(two.cable.sent) == sent

    each_pair(case)


# boot.py and main.py


def test_boot_makes_it_of_a_board_that_gives_several_nics():
    for pair in PAIRS:
        with plug(*pair) as board:
            cable, radio = board.nics
            stage = Stage(board, WIFI_CONFIG, seconds=20)
            stage.events.append((8000, cable.away))
            assert stage.run().interrupted()
            assert stage.joined
            assert not stage.said("error")  # whose turn at port 68 comes has none
            assert cable.nic.ifconfig()[0] == NO_IP
            assert radio.nic.ifconfig()[0] == ON_CABLE[0]


def test_without_a_wifi_in_the_settings_the_cable_is_all_there_is():
    for pair in PAIRS:
        with plug(*pair) as board:
            stage = Stage(board, {}, seconds=5)
            assert stage.run().interrupted()
            assert not stage.joined
            assert board.nics[0].nic.ifconfig()[0] == ON_CABLE[0]
            assert type(stage.names["dhcp"]) is Client


def dead(stage, i, error):
    """One of its NICs cannot be made."""

    def nic():
        raise error

    board = stage.modules["board"]
    nics = list(board["NICS"])
    nics[i] = nic
    board.update(nic=nics[0], NICS=nics)
    if not stage.board.nics[i].wifi:
        stage.events = [event for event in stage.events if event[1] == stage.ctrl_c]


def test_the_board_goes_on_without_a_nic_that_cannot_be_made_and_says_so_once():
    for pair in PAIRS:
        for i, error in (
            (0, OSError("ethernet enable failed")),
            (0, RuntimeError("Wifi Unknown Error 0x0102")),
            (1, OSError("Wifi Internal Error")),
        ):
            with plug(*pair) as board:
                stage = Stage(board, WIFI_CONFIG, seconds=10)
                dead(stage, i, error)
                assert stage.run().interrupted()
                assert board.nics[1 - i].nic.ifconfig()[0] == ON_CABLE[0]
                words = "dhcpc: board.nic(): %s: %s; " % (type(error).__name__, error)
                assert stage.said(words) == 1


def test_the_board_goes_on_without_a_nic_that_no_client_can_use_and_switches_it_off():
    for pair in PAIRS:
        with plug(*pair) as board:
            cable = board.nics[0].nic
            known = cable.known
            cable.known = lambda known=known: dict(known(), mac=bytes(6))
            stage = Stage(board, WIFI_CONFIG, seconds=10)
            stage.events.pop()
            assert stage.run().interrupted()
            assert board.nics[1].nic.ifconfig()[0] == ON_CABLE[0]
            assert stage.said("dhcpc: board.nic(): OSError: nic: not active; ") == 1
            assert not cable.active()


def test_where_no_nic_works_the_error_of_the_preferred_one_leads_to_the_prompt():
    for pair in PAIRS:
        with plug(*pair) as board:
            stage = Stage(board, WIFI_CONFIG)
            dead(stage, 1, OSError("Wifi Internal Error"))
            dead(stage, 0, OSError("no chip"))
            assert str(stage.run().error) == "no chip"


def test_a_wrong_setting_leads_to_the_prompt_though_there_is_another_nic():
    with plug(*PAIRS[0]) as board:
        long = dict(WIFI_CONFIG, vendor_class="a" * 200, user_class=["b" * 200])
        error = Stage(board, long).run().error
        assert type(error) is ValueError
        assert str(error) == "/dhcpc.json: options"
