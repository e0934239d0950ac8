"""The settings of /dhcpc.json: what is refused, in which words, and the client that they make."""

import errno

from cable import Board, Cable
from dhcpc import config, dotted, options
from kit import raises, rfc
from records import Memory
from world import DISCOVER, REQUEST, SERVER


class Configured(Board):
    """A board whose client has been made by such settings."""

    def __init__(self, **settings):
        super().__init__()
        self.cable = Cable()
        self.client = config.client(
            self.cable, store=Memory(), clock=self.cable.clock, on_event=self.tell, **settings
        )

    def says(self):
        """The options of its first DISCOVER."""
        self.client.poll()
        return self.cable.sent[0].options


# What the client says


def test_without_settings_it_is_an_everyday_client():
    assert Configured().says() == Board().bound().cable.sent[0].options


@rfc("2132 9.8 list-in-order")
def test_params_are_asked_for_by_name_or_number():
    says = Configured(params=["router", 6, "domain_search", "42"]).says()
    assert list(says[55]) == [3, 6, 119, 42]


@rfc("2132 9.13 vendor-class", "3004 4 user-sets-classes", "3004 4 several-classes")
def test_classes_are_said():
    says = Configured(vendor_class="acme-pump", user_class=["floor-2", "wet"]).says()
    assert says[60] == b"acme-pump"
    assert says[77] == b"\x07floor-2\x03wet"


@rfc("4702 2.3 whole-name", "4702 3.1 no-host-name-beside")
def test_with_a_full_name_the_host_name_is_not_said():
    Cable.hostname = "board"
    try:
        says = Configured(fqdn="pump-3.plant.example").says()
        other = Configured(vendor_class="acme").says()
    finally:
        Cable.hostname = ""
    assert 12 not in says
    assert says[81][3:] == b"\x06pump-3\x05plant\x07example\0"
    assert other[12] == b"board"


@rfc(
    "4702 2 name-in-discover",
    "4702 2 name-in-request",
    "4702 2 one-name",
    "4702 2.3 same-name-until-it-changes",
    "4702 3.1 no-host-name-beside",
    "4702 3.3 sent-in-request",
)
def test_the_full_name_is_said_in_each_message():
    board = Configured(fqdn="pump-3.plant.example").bound()
    assert board.types == [DISCOVER, REQUEST]
    board.client.renew()
    board.poll()
    names = [sent.options[81] for sent in board.cable.sent]
    assert names == [b"\5\0\0\x06pump-3\5plant\7example\0"] * 3
    assert [sent for sent in board.cable.sent if 12 in sent.options] == []


@rfc("4702 2.3 partial-name")
def test_a_name_without_a_dot_is_for_the_server_to_complete():
    assert Configured(fqdn="pump-3").says()[81][3:] == b"\x06pump-3"
    assert Configured(fqdn="pump-3.").says()[81][3:] == b"\x06pump-3\0"


@rfc("2132 9.14 type-0-for-others", "4361 6.4 identifier-in-every-message")
def test_a_client_identifier_is_said_in_each_message():
    board = Configured(client_id="pump-3").bound()
    assert [sent.options[61] for sent in board.cable.sent] == [b"\0pump-3"] * 2


@rfc("2132 9.2 lease-time-asked-for")
def test_more_options_are_said_by_name_or_number():
    says = Configured(options={"ip_address_lease_time": 600, "224": "site 4"}).says()
    assert says[51] == b"\0\0\x02\x58"
    assert says[224] == b"site 4"


@rfc("2131 3.1 discover-suggests-address")
def test_an_address_is_suggested():
    board = Configured(options={"requested_ip_address": "10.0.0.9"})
    assert board.says()[50] == b"\x0a\0\0\x09"
    board.go(60)
    assert board.types == [DISCOVER, REQUEST]


@rfc("2131 4.1 broadcast-flag-set")
def test_broadcast_replies_are_asked_for():
    for asked, flags in ((False, 0), (True, 0x8000)):
        board = Configured(broadcast=asked).bound()
        assert [sent.flags for sent in board.cable.sent] == [flags, flags]


def test_the_wifi_and_the_applications_settings_are_not_the_clients():
    told = {"ssid": "home", "key": "correct horse", "timeout_s": 5, "watchdog_s": 8}
    assert Configured(**told).says() == Configured().says()


@rfc("4361 6.1 operator-sets-the-duid")
def test_an_enterprise_network_takes_eight_lines():
    board = Configured(
        client_id={"iaid": 1, "duid": {"mac": "02:00:00:00:00:01"}},
        vendor_class="acme-pump",
        user_class=["floor-2"],
        fqdn="pump-3.plant.example",
        params=["router", "domain_search", "vendor_specific_information"],
        options={"vendor_identifying_vendor_class": {"32473": ["pump"]}},
    )
    says = board.says()
    assert [code for code in (60, 61, 77, 81, 124) if code not in says] == []
    assert options.decode(61, says[61])["iaid"] == 1


# What the client does. How it does it is shown with each extra.


@rfc("4039 3 only-when-configured")
def test_a_lease_by_two_messages_is_asked_for():
    for asked in (False, True):
        assert (80 in Configured(rapid_commit=asked).says()) is asked


@rfc("8925 3.2 configurable", "8925 3.2 not-asked-for-by-others")
def test_a_network_that_prefers_ipv6_is_asked_for():
    for asked in (False, True):
        assert (108 in Configured(ipv6_only=asked).says()[55]) is asked


@rfc("7844 5 controlled", "7844 3.7 no-host-name")
def test_the_anonymous_tell_the_mac_alone():
    Cable.hostname = "board"
    try:
        says = Configured(anonymous=True).says()
    finally:
        Cable.hostname = ""
    assert sorted(says) == [53, 55, 61]


def test_servers_are_obeyed_or_not():
    ours = dotted(SERVER, 0)
    for servers, state in (
        ({"allow": [ours]}, "BOUND"),
        ({"allow": ["192.0.2.9"]}, "SELECTING"),
        ({"deny": [ours]}, "SELECTING"),
        ({"deny": ["192.0.2.9"], "window_ms": 500}, "BOUND"),
        ({"window_ms": 500}, "BOUND"),
    ):
        board = Configured(servers=servers)
        board.go(3)
        assert board.client.state == state, servers


@rfc("2131 4.4.1 selects-one-offer")
def test_offers_are_collected():
    board = Configured(servers={"window_ms": 500})
    board.go(0.4)
    assert board.types == [DISCOVER]
    board.go(0.4)
    assert board.types == [DISCOVER, REQUEST]


def test_the_name_servers_are_ones_own():
    assert Configured(dns=["192.0.2.53"]).bound().client.lease.dns == ["192.0.2.53"]


def test_without_a_server_there_is_an_address_after_a_time():
    for way, ip in (("link-local", "169.254."), ({"address": "192.0.2.7"}, "192.0.2.7")):
        board = Configured(fallback=way, fallback_s=5)
        board.cable.server.mute = (DISCOVER,)
        board.go(4)
        assert board.client.lease is None
        board.go(2)
        assert "fallback" in board.events
        assert str(board.cable.address).startswith(ip)


def test_an_address_that_cannot_be_a_hosts_is_no_fallback():
    words = raises(ValueError, lambda: Configured(fallback={"address": "192.0.2.255"}))
    assert words == "fallback: address: not a usable host address"


# What is refused


def refusal(**settings):
    return raises(ValueError, config.check, settings)


def test_a_setting_that_there_is_not_is_named_with_those_that_there_are():
    assert refusal(host="a").startswith('there is no "host"; there are anonymous, broadcast, ')


def test_a_value_is_shown_with_what_the_setting_takes():
    for settings, words in (
        ({"ssid": ""}, 'ssid: "" is not a text of 1 to 32 bytes'),
        ({"hostname": "a_b"}, 'hostname: "a_b" is not 1 to 32 letters, digits and inner hyphens'),
        ({"timeout_s": 0}, "timeout_s: 0 is not a number from 1 to 86400"),
        ({"broadcast": 1}, "broadcast: 1 is not true or false"),
        ({"options": []}, "options: [] is not an object: {option: value}"),
        ({"dns": []}, "dns: [] is not a list of addresses, or false to leave the name server"),
        ({"servers": {}}, "servers: {} is not an object: allow or deny, a list of addresses"),
        ({"fallback": "none"}, 'fallback: "none" is not "link-local", or an object: address, '),
        ({"fallback": {"mask": "255.0.0.0"}}, 'fallback: {"mask": "255.0.0.0"} is not '),
        ({"vendor_class": 5}, "vendor_class: 5 is not text"),
        ({"params": ["routers"]}, 'params: ["routers"] is not a list of names or codes'),
        ({"options": {"message": 5}}, "options: message: 5 is not text"),
    ):
        assert refusal(**settings).startswith(words), (refusal(**settings), words)


@rfc("2132 3.14 characters-of-a-host-name", "1035 2.3.1 host-name-syntax")
def test_a_host_name_has_letters_digits_and_inner_hyphens():
    for name in ("a_b", "a b", "a.b", "-a", "a-", "k\xfcche", "", 33 * "a"):
        assert refusal(hostname=name).startswith("hostname: "), name
    for name in ("a", "7", "pump-3", "A-b-9", 32 * "a"):
        config.check({"hostname": name})


def test_a_key_is_not_shown():
    for key in ("1234567", "12345678" * 8 + "9", 12345678, ["12345678"]):
        words = refusal(key=key)
        assert words == "key: it is not 8 to 63 ASCII characters, or 64 hex digits"


def test_an_option_that_there_is_not_is_named():
    assert refusal(options={"moon": "full"}) == "options: no option moon"


def test_what_the_client_sends_already_is_no_option():
    for told in (
        {"options": {"host_name": "a"}},
        {"options": {"61": "a"}},
        {"options": {"57": 576}},
        {"options": {"60": "a", "vendor_class_identifier": "a"}},
        {"options": {"60": "a"}, "vendor_class": "a"},
    ):
        assert refusal(**told).endswith(": the client sends it already"), told
    config.check({"options": {"50": "192.0.2.7"}})


def test_a_programs_own_value_is_refused_as_one_of_the_file():
    for told in ({"hostname": b"a b"}, {"client_id": b""}, {"options": {60: b""}}):
        assert " is not " in refusal(**told)


def test_long_values_are_shown_in_part():
    assert len(refusal(hostname="a" * 1000)) < 120


@rfc("7844 3.10 no-vendor-options")
def test_who_is_anonymous_tells_nothing_of_itself():
    for told in ({"vendor_class": "a"}, {"client_id": "a"}, {"options": {"224": "a"}}):
        words = refusal(anonymous=True, **told)
        assert words == "anonymous: it does not go with " + next(iter(told))
        config.check(dict(anonymous=False, **told))
    config.check({"anonymous": True, "rapid_commit": False, "reuse": False})


@rfc("7844 3.3 no-init-reboot")
def test_who_is_anonymous_has_no_record_to_reuse():
    assert refusal(anonymous=True, reuse=True) == "anonymous: it does not go with reuse"


def test_an_extra_that_is_not_there_is_named():
    was = config._SETTINGS["dns"]
    config._SETTINGS["dns"] = (was[0], was[1], "moon")
    try:
        words = raises(ValueError, lambda: Configured(dns=False))
    finally:
        config._SETTINGS["dns"] = was
    assert words == "dns: it takes the extra moon, which is not here"


# The file


def test_what_is_no_json_is_refused_with_the_name_of_the_file():
    for text in ("", "{'ssid': 'home'}"):
        assert raises(ValueError, config.parsed, text).startswith("/dhcpc.json: not JSON: ")
    for text in ("[]", "5", '"home"', "null"):
        assert raises(ValueError, config.parsed, text, "c") == "c: not a JSON object"
    words = raises(ValueError, config.parsed, '{"timeout_s": 0}', "c.json")
    assert words == "c.json: timeout_s: 0 is not a number from 1 to 86400"


def read(code):
    """What is read where that error is all that the file gives."""

    def broken(path, mode):
        raise OSError(code, path)

    config.open = broken  # type: ignore[attr-defined]
    try:
        return config.read()
    finally:
        del config.open  # type: ignore[attr-defined]


def test_without_a_file_there_are_no_settings():
    assert read(errno.ENOENT) == {}


def test_a_file_that_cannot_be_read_is_no_file_without_settings():
    raises(OSError, read, errno.EIO)


def test_text_that_is_not_utf_8_is_refused_with_the_name_of_the_file():
    words = raises(ValueError, config.parsed, b'{"ssid": "\xff"}')
    assert words.startswith("/dhcpc.json: not JSON: ")


def test_the_extras_that_settings_take_are_known():
    assert config.extras({}) == config.extras({"ssid": "home"}) == set()
    assert config.extras({"dns": False, "fqdn": "a.b", "params": []}) == {"dns", "options"}
