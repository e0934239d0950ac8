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

PAIRS = (("ESP32_LAN", "ESP32"), ("ESP32_LAN", "ESP32_OLD"), ("W5500", "PICO_W"))
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


def each_pair(case):
    """Run case(two) on each pair of NICs."""
    for pair in PAIRS:
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


def test_a_board_may_give_its_nics_as_a_tuple():
    for pair in PAIRS:
        with plug(*pair) as board:
            stage = Stage(board, {}, seconds=5)
            stage.modules["board"] = {"nics": lambda stage=stage: tuple(stage.nics())}
            assert stage.run().interrupted()
            assert board.nics[0].nic.ifconfig()[0] == ON_CABLE[0]


def test_a_board_that_gives_no_nic_is_said_to():
    with plug("ESP32") as board:
        stage = Stage(board, WIFI_CONFIG)
        stage.modules["board"] = {"nics": list}
        assert str(stage.run().error) == "board.nics(): there is none"
