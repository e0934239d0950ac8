"""The client's settings: what a message says of them, and those that are refused."""

from cable import Board, Cable
from kit import raises, rfc
from world import CLIENT_ID, opt

# What is sent


@rfc("2131 2", "2132 9.8", "2132 9.10", "2132 9.14", "2132 3.14")
def test_a_message_carries_the_settings():
    board = Board(hostname="greenhouse-3", params=b"\x79\x01\x03", options={60: b"sensor"}).bound()
    for sent in board.cable.sent:
        assert sent.options[12] == b"greenhouse-3"
        assert sent.options[55] == b"\x79\x01\x03"  # RFC 3442: 121 before 3
        assert sent.options[57] == b"\x04\x00"
        assert sent.options[60] == b"sensor"
        assert opt(61, sent.options[61]) == CLIENT_ID


@rfc("2132 9.8", "2132 9.14")
def test_without_settings_a_message_carries_the_everyday_ones():
    for sent in Board().bound().cable.sent:
        assert list(sent.options[55]) == [1, 3, 6, 15, 26, 28, 42, 58, 59]
        assert opt(61, sent.options[61]) == CLIENT_ID


@rfc("2132 9.14")
def test_a_client_identifier_of_ones_own_is_sent_in_every_message():
    board = Board(client_id=b"\0sensor-7").bound()
    board.client.release()
    assert [sent.options[61] for sent in board.cable.sent] == [b"\0sensor-7"] * 3


@rfc("2132 3.14")
def test_the_hosts_name_is_the_links_unless_there_is_another_or_none():
    for setting, sent in (({}, b"board"), ({"hostname": "h"}, b"h"), ({"hostname": ""}, None)):
        Cable.hostname = "board"
        try:
            board = Board(**setting).bound()
        finally:
            Cable.hostname = ""
        assert board.cable.sent[0].options.get(12) == sent


@rfc("2131 4.1")
def test_the_broadcast_flag_is_the_sessions():
    for flags in (0, 0x8000):
        board = Board()
        board.client.session.flags = flags
        board.bound()
        assert [sent.flags for sent in board.cable.sent] == [flags, flags]


@rfc("2131 4.4.1")
def test_nothing_is_sent_before_the_first_poll():
    assert Board().cable.log == ["remove"]


@rfc("2131 4.4.1")
def test_with_a_start_wait_the_first_packet_comes_within_it():
    at = []
    for _ in range(20):
        board = Board(start_wait_ms=4000)
        board.go(5)
        at.append(board.cable.sent[0].at - 5000)
    assert 0 <= min(at) < 2000 < max(at) <= 4000


@rfc("2132 9.14", "2132 9.8", "2132 3.14")
def test_what_is_empty_is_not_sent():
    board = Board(client_id=b"", params=b"", hostname="").bound()
    board.client.release()
    for sent in board.cable.sent:
        assert not [code for code in (61, 55, 12) if code in sent.options]
    board.client.acquire()
    assert board.client.key[-6:] == board.cable.mac  # the record's, without option 61


@rfc("3442 Behavior")
def test_classless_routes_are_asked_for_before_the_router():
    for params in (b"\x01\x03\x79", b"\x79\x01\x03", b"\x01\x79\x03"):
        assert Board(params=params).bound().cable.sent[0].options[55] == b"\x79\x01\x03"


@rfc("2132 2")
def test_an_options_text_is_sent_as_utf_8():
    sent = Board(options={60: "sens\xf6r"}).bound().cable.sent[0]
    assert sent.options[60] == b"sens\xc3\xb6r"


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
            assert said.startswith(name + ": not "), (said, value)
            assert kind in said, (said, value)


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
