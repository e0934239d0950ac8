"""The client's settings: what a message says of them, and those that are refused."""

from cable import Board, Cable, Server
from dhcpc import options
from dhcpc.conflicts import decline
from dhcpc.inform import inform
from kit import raises, rfc
from world import CLIENT_ID, DECLINE, DISCOVER, INFORM, RELEASE, REQUEST, opt


class Second(Cable):
    """The link of the device's other interface."""

    mac = b"\x02\0\0\0\0\x02"


# What is sent


@rfc(
    "2131 2 larger-messages",
    "2131 3.5 longest-message",
    "2131 3.5 hints",
    "2131 4.1 options-once",
    "2131 4.2 vendor-class",
    "2131 4.4.1 parameter-list",
    "2131 table5 vendor-class",
    "2131 table5 longest-message",
    "2132 9.8 list-of-codes",
    "2132 9.8 list-in-order",
    "2132 9.10 longest-message",
    "2132 9.10 longest-message-576-at-least",
    "2132 2 no-trailing-nul",
    "3442 sizing longest-message",
    "3442 client-behavior both-asked-for",
)
def test_a_message_carries_the_settings():
    board = Board(hostname="greenhouse-3", params=b"\x79\x01\x03", options={60: b"sensor"}).bound()
    for sent in board.cable.sent:
        assert sent.options[12] == b"greenhouse-3"
        assert sent.options[55] == b"\x79\x01\x03"  # RFC 3442: 121 before 3
        assert sent.options[57] == b"\x04\x00"
        assert sent.options[60] == b"sensor"
        assert opt(61, sent.options[61]) == CLIENT_ID


@rfc(
    "2131 2 client-id-unique",
    "2131 3.5 parameter-list",
    "2131 4.2 client-identifier",
    "2132 9.8 list-in-order",
    "2132 9.14 unique-identifier",
    "2132 9.14 hardware-type",
    "4361 6.4 identifier-sent",
    "4361 6.4 not-known-by-chaddr",
)
def test_without_settings_a_message_carries_the_everyday_ones():
    for sent in Board().bound().cable.sent:
        assert list(sent.options[55]) == [1, 3, 6, 15, 26, 28, 42, 58, 59]
        assert opt(61, sent.options[61]) == CLIENT_ID


@rfc(
    "2131 2 client-id-in-all-messages",
    "2131 3.1 release-has-same-client-id",
    "2131 4.2 client-identifier",
    "2131 table5 client-identifier",
    "4361 6.4 identifier-in-every-message",
)
def test_a_client_identifier_of_ones_own_is_sent_in_every_message():
    board = Board(client_id=b"\0sensor-7").bound()
    board.client.release()
    assert [sent.options[61] for sent in board.cable.sent] == [b"\0sensor-7"] * 3


def test_the_hosts_name_is_the_links_unless_there_is_another_or_none():
    for setting, sent in (({}, b"board"), ({"hostname": "h"}, b"h"), ({"hostname": ""}, None)):
        Cable.hostname = "board"
        try:
            board = Board(**setting).bound()
        finally:
            Cable.hostname = ""
        assert board.cable.sent[0].options.get(12) == sent


@rfc("2131 3.1 discover-suggests-lease-time", "2131 2.2 infinite-lease", "2131 3.5 hints")
def test_a_lease_time_may_be_asked_for():
    for wanted in (b"\0\0\x0e\x10", b"\xff\xff\xff\xff"):
        board = Board(options={51: wanted}).bound()
        assert [sent.options[51] for sent in board.cable.sent] == [wanted] * 2


@rfc("2131 4.1 broadcast-flag-set", "1542 3.1.1 flag-if-needed")
def test_the_broadcast_flag_is_the_sessions():
    for flags in (0, 0x8000):
        board = Board()
        board.client.session.flags = flags
        board.bound()
        assert [sent.flags for sent in board.cable.sent] == [flags, flags]


def test_nothing_is_sent_before_the_first_poll():
    assert Board().cable.log == ["remove"]


@rfc("2131 4.4.1 start-wait")
def test_with_a_start_wait_the_first_packet_comes_within_it():
    at = []
    for _ in range(20):
        board = Board(start_wait_ms=4000)
        board.go(5)
        at.append(board.cable.sent[0].at - 5000)
    assert 0 <= min(at) < 2000 < max(at) <= 4000


@rfc("2132 9.8 list-not-empty", "2132 3.14 host-name-not-empty")
def test_what_is_empty_is_not_sent():
    board = Board(client_id=b"", params=b"", hostname="").bound()
    board.client.release()
    for sent in board.cable.sent:
        assert not [code for code in (61, 55, 12) if code in sent.options]
    board.client.acquire()
    assert board.client.key[-6:] == board.cable.mac  # the record's, without option 61


@rfc(
    "3442 client-behavior routes-before-router",
    "3442 client-behavior static-routes-asked-for",
)
def test_classless_routes_are_asked_for_before_the_router():
    for params in (b"\x01\x03\x79", b"\x79\x01\x03", b"\x01\x79\x03"):
        assert Board(params=params).bound().cable.sent[0].options[55] == b"\x79\x01\x03"
    sent = Board(params=b"\x21\x03\x79").bound().cable.sent[0]
    assert sent.options[55] == b"\x79\x21\x03"


def test_an_options_text_is_sent_as_utf_8():
    sent = Board(options={60: "sens\xf6r"}).bound().cable.sent[0]
    assert sent.options[60] == b"sens\xc3\xb6r"


@rfc(
    "2131 table5 discover-names-no-server",
    "2131 table5 longest-message",
    "2131 table5 no-message-text",
    "6704 3.1.1 no-authentication-sent",
)
def test_a_message_without_settings_has_no_option_but_the_everyday_ones():
    discover, request = Board().bound().cable.sent
    assert sorted(discover.options) == [53, 55, 57, 61]
    assert sorted(request.options) == [50, 53, 54, 55, 57, 61]


@rfc(
    "2131 4.4.2 reboot-parameter-list",
    "2131 table5 no-message-text",
    "6704 3.1.1 no-authentication-sent",
)
def test_a_request_that_verifies_a_lease_has_the_settings_too():
    board = Board(params=b"\x01\x03").bound().again(params=b"\x01\x03").bound()
    (request,) = board.cable.sent
    assert sorted(request.options) == [50, 53, 55, 57, 61]
    assert request.options[55] == b"\x01\x03"


@rfc(
    "2131 4.3.1 longer-lease",
    "2131 table5 request-lease-time",
    "2131 table5 decline-release-nothing-else",
)
def test_a_lease_time_is_asked_for_with_each_discover_and_request():
    board = Board(options={51: b"\0\0\x0e\x10"}).bound()
    board.client.renew()
    board.go(1)
    board.client.release()
    asked = [sent.options.get(51) for sent in board.cable.sent]
    assert asked == [b"\0\0\x0e\x10"] * 3 + [None]


@rfc(
    "2131 table5 vendor-class",
    "2131 table5 other-options",
    "2131 table5 decline-release-nothing-else",
)
def test_options_of_ones_own_are_in_all_messages_but_decline_and_release():
    for end in (decline, lambda client: client.release()):
        board = Board(options={60: b"sensor", 224: b"site"}).bound()
        end(board.client)
        for sent in board.cable.sent[:2]:
            assert (sent.options[60], sent.options[224]) == (b"sensor", b"site")
        assert not {51, 55, 57, 60, 224} & set(board.cable.sent[2].options)


@rfc("4361 6.1 stable-identifier")
def test_the_client_identifier_is_the_same_after_a_reset():
    for settings in ({}, {"client_id": b"\0sensor-7"}):
        first = Board(**settings).bound()
        second = first.again(**settings).bound()
        assert second.cable.sent[0].options[61] == first.cable.sent[0].options[61]


@rfc(
    "4833 4 posix-string-read",
    "4833 8 beside-the-offset",
    "4833 8 both-asked-for",
)
def test_a_time_offset_and_time_zones_may_be_asked_for_and_read_together():
    zones = opt(2, b"\0\0\x0e\x10") + opt(100, b"CET-1CEST") + opt(101, b"Europe/Berlin")
    board = Board(Server(options=zones), params=b"\x02\x64\x65").bound()
    assert board.cable.sent[0].options[55] == b"\x02\x64\x65"
    lease = board.client.lease
    assert options.get(lease, 2) == 3600
    assert options.get(lease, 100) == "CET-1CEST"
    assert options.get(lease, 101) == "Europe/Berlin"


@rfc("4361 5 several-identities")
def test_clients_of_one_device_may_have_one_identifier_or_several():
    duid = b"\0\4" + bytes(range(16))
    for other in (b"\xff\0\0\0\1" + duid, b"\xff\0\0\0\2" + duid):
        first = Board(client_id=b"\xff\0\0\0\1" + duid).bound()
        second = Board(Server(chaddr=Second.mac), kind=Second, client_id=other).bound()
        assert second.cable.sent[0].data[28:34] != first.cable.sent[0].data[28:34]
        assert first.cable.sent[0].options[61] == b"\xff\0\0\0\1" + duid
        assert second.cable.sent[0].options[61] == other


@rfc("3925 4 where-options-are-allowed")
def test_vendor_options_go_into_discover_request_and_inform_alone():
    vendor = b"\0\0\0\x09\3\1\1a"
    board = Board(options={125: vendor}).bound()
    inform(board.client)
    decline(board.client)
    board.go(20)
    board.client.release()
    has = [sent.type for sent in board.cable.sent if sent.options.get(125) == vendor]
    assert has == [DISCOVER, REQUEST, INFORM, DISCOVER, REQUEST]
    assert [kind for kind in board.types if kind not in has] == [DECLINE, RELEASE]
    assert [sent.type for sent in board.cable.sent if 125 in sent.options] == has


@rfc("2132 8.4 without-vendor-information", "3925 4 works-without")
def test_without_the_vendor_options_that_it_asks_for_it_has_a_lease():
    board = Board(params=b"\x01\x03\x2b\x7d", options={60: b"acme"}).bound()
    assert board.client.lease.option(43) is board.client.lease.option(125) is None
    assert board.cable.address == "10.0.0.5"


# What is refused


def test_a_setting_that_there_is_not_is_named():
    assert "hostnam" in raises(ValueError, lambda: Board(hostnam="a"))
    assert "nonsense" in raises(ValueError, lambda: Board(nonsense=1))


def test_what_is_no_setting_is_refused():
    for name in ("poll", "acquire", "session", "lease", "reason", "update", "link"):
        assert name in raises(ValueError, lambda name=name: Board(**{name: 1}))


def test_a_setting_of_another_type_is_refused_with_its_name_and_the_type_that_it_takes():
    for name, kind, values in (
        ("hostname", "str", (5, None, b"h", ["h"])),
        ("client_id", "bytes", ("id", 5, None, [1, 2])),
        ("params", "bytes", ("\1", 5, None, [1, 3])),
        ("options", "dict", (5, None, b"", "", [60])),
        ("store", "str", (5, None, b"/x", open)),
        ("on_event", "callable", ("f", 5, [])),
        ("clock", "callable", (5, "ticks", b"")),
        ("reuse", "bool", (None, "no", b"")),
        ("start_wait_ms", "int", ("5", None, 1.5)),
    ):
        for value in values:
            said = raises(ValueError, lambda n=name, v=value: Board(**{n: v}))
            assert said.startswith("%s: %r: not " % (name, value)), (said, value)
            assert kind in said, (said, value)


@rfc(
    "2132 9.8 list-of-codes",
    "2132 9.14 identifier-of-2-bytes",
    "2132 9.13 vendor-class-not-empty",
)
def test_a_bad_setting_is_refused_and_named():
    for words, settings in (
        (("hostname", "12"), {"hostname": "h" * 256}),
        (("params", "0"), {"params": b"\1\0"}),
        (("params", "255"), {"params": b"\1\xff"}),
        (("params", "55"), {"params": b"\1" * 256}),
        (("client_id", "61"), {"client_id": b"i" * 256}),
        (("client_id", "61"), {"client_id": b"i"}),  # RFC 2132 9.14
        (("start_wait_ms",), {"start_wait_ms": -1}),
        (("300",), {"options": {300: b"a"}}),
        (("0",), {"options": {0: b"a"}}),
        (("255",), {"options": {255: b"a"}}),
        (("60",), {"options": {60: b""}}),
        (("60",), {"options": {"60": b"a"}}),  # as JSON has it
        (("60",), {"options": {60.0: b"a"}}),
        (("60",), {"options": {60: b"v" * 256}}),
        (("60",), {"options": {60: 5}}),
        (("options",), {"options": {60: b"v" * 200, 77: b"u" * 200}}),
    ):
        said = raises(ValueError, lambda settings=settings: Board(**settings))
        assert [word for word in words if word in said], (said, words)


@rfc(
    "2131 4.1 options-once",
    "2131 table5 discover-names-no-server",
    "2131 4.3.2 renewing-no-requested-address",
)
def test_an_option_that_the_client_sends_by_itself_is_refused_by_its_code():
    for code in (12, 50, 52, 53, 54, 55, 57, 61):
        said = raises(ValueError, lambda code=code: Board(options={code: bytes(4)}))
        assert said == "('option', %d)" % code


@rfc("2132 9.8 list-of-codes")
def test_each_option_that_there_is_can_be_asked_for():
    codes = bytes(range(1, 255))
    assert sorted(Board(params=codes).bound().cable.sent[0].options[55]) == list(codes)
