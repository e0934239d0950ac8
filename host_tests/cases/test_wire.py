"""The codec: what a client writes, and how it reads what servers write."""

from dhcpc import Message, build, option
from kit import raises, rfc
from world import (
    ACK,
    CLIENT_ID,
    COOKIE,
    DECLINE,
    DISCOVER,
    INFORM,
    IP,
    MAC,
    NOBODY,
    RELEASE,
    REQUEST,
    SERVER,
    XID,
    message,
    opt,
    reply,
)

MAX_SIZE = 548  # what every server takes: RFC 2131 2
ROOM = 570  # of the buffer
CIADDR = 0x10
REQUESTED = 0x20
SERVER_ID = 0x40

HOST_NAME = opt(12, b"greenhouse-3")


class Fields:
    xid = XID
    yiaddr = IP
    server = SERVER
    secs = 0x0102
    flags = 0x8000
    chaddr = MAC
    options = CLIENT_ID + HOST_NAME + b"\xff"


def built(form, fields=Fields):
    buf = bytearray(b"\xee" * ROOM)
    end = build(buf, form, fields)
    return bytes(buf[:end])


def written(kind, ciaddr, options, secs=0x0102, flags=0x8000):
    # What the RFC wants of a client's message, byte by byte.
    head = b"\x01\x01\x06\x00" + XID + bytes((secs >> 8, secs & 255, flags >> 8, flags & 255))
    body = (
        head + ciaddr + bytes(12) + MAC + bytes(10 + 64 + 128) + COOKIE + opt(53, bytes((kind,)))
    )
    body += options + b"\xff"
    return body + bytes(max(0, 300 - len(body)))


def parsed(options, **fields):
    """A Message that has read one with these options."""
    data = message(options, **fields)
    m = Message()
    assert m.read(data) is None
    return m


def refusal(data):
    m = Message()
    return m.read(data), m


# Writing


@rfc(
    "2131 4.4.1 discover-ciaddr-zero",
    "2131 4.4.1 chaddr",
    "1542 3.5 cookie",
    "1542 3.5 zeros",
    "2131 2 file-null",
    "2131 2 other-addresses-zero",
    "2131 3 magic-cookie",
    "2131 4.1 end-last",
    "2131 table5 sname-and-file-unused",
    "2132 9.6 message-type",
    "2132 2 magic-cookie",
    "2132 3.2 zeros-behind-end",
    "3396 5 no-option-across-fields",
    "5494 2 htype-of-8-bits",
    "5494 3 reserved-numbers",
)
def test_discover_is_table_5_byte_by_byte():
    assert built(DISCOVER) == written(DISCOVER, NOBODY, CLIENT_ID + HOST_NAME)


@rfc("2132 9.1 requested-address", "2132 9.6 message-type")
def test_request_in_selecting_names_the_address_before_the_server():
    form = REQUEST | REQUESTED | SERVER_ID
    options = opt(50, IP) + opt(54, SERVER) + CLIENT_ID + HOST_NAME
    assert built(form) == written(REQUEST, NOBODY, options)


def test_request_in_init_reboot_names_the_address_alone():
    options = opt(50, IP) + CLIENT_ID + HOST_NAME
    assert built(REQUEST | REQUESTED) == written(REQUEST, NOBODY, options)


def test_request_in_renewing_or_rebinding_has_its_address_in_ciaddr():
    options = CLIENT_ID + HOST_NAME
    assert built(REQUEST | CIADDR) == written(REQUEST, IP, options)


@rfc(
    "2131 table5 decline-release-secs",
    "2131 table5 decline-release-flags",
    "2131 table5 decline-release-nothing-else",
    "2132 9.10 longest-message-not-in-decline",
)
def test_decline_has_no_secs_no_flags_and_no_other_options():
    options = opt(50, IP) + opt(54, SERVER) + CLIENT_ID
    assert built(DECLINE | REQUESTED | SERVER_ID) == written(DECLINE, NOBODY, options, 0, 0)


@rfc(
    "2131 table5 decline-release-secs",
    "2131 table5 decline-release-flags",
    "2131 table5 release-no-requested-address",
    "2131 table5 decline-release-nothing-else",
)
def test_release_has_no_secs_no_flags_and_no_other_options():
    options = opt(54, SERVER) + CLIENT_ID
    assert built(RELEASE | CIADDR | SERVER_ID) == written(RELEASE, IP, options, 0, 0)


@rfc("2131 4.4.3 inform-ciaddr")
def test_inform_has_its_address_in_ciaddr():
    assert built(INFORM | CIADDR) == written(INFORM, IP, CLIENT_ID + HOST_NAME)


@rfc("1542 2.1 size-of-a-request")
def test_a_message_has_300_bytes_at_least():
    assert len(built(DISCOVER)) == 300


@rfc("2131 4.1 end-last")
def test_a_long_message_ends_with_its_options():
    class Long(Fields):
        options = opt(12, bytes(100)) + b"\xff"

    assert len(built(DISCOVER, Long)) == 243 + 103


@rfc("2131 4.1 end-last", "791 3.1 at-most-576-bytes")
def test_the_longest_message_fits_in_what_every_server_takes():
    class Longest(Fields):
        options = opt(12, b"a" * 255) + opt(60, b"b" * 33) + b"\xff"

    assert len(Longest.options) == MAX_SIZE - 255
    data = built(REQUEST | REQUESTED | SERVER_ID, Longest)
    assert len(data) == MAX_SIZE == 548
    assert data[255:] == Longest.options


def test_building_touches_nothing_around_the_room():
    buf = bytearray(b"\xee" * (42 + ROOM + 8))
    end = 42 + build(memoryview(buf)[42:], REQUEST | REQUESTED | SERVER_ID, Fields)
    assert bytes(buf[42:end]) == built(REQUEST | REQUESTED | SERVER_ID)
    assert bytes(buf[:42]) == b"\xee" * 42
    assert bytes(buf[42 + ROOM :]) == b"\xee" * 8


@rfc(
    "2131 table5 client-identifier",
    "2131 table5 decline-release-nothing-else",
    "2131 2 client-id-in-all-messages",
    "2131 3.1 release-has-same-client-id",
)
def test_release_and_decline_carry_a_client_identifier_of_any_length():
    for size in range(1, 256):
        brief = opt(61, bytes(range(size)))

        class Long(Fields):
            options = brief + bytes(opt(12, b"a" * 33) * 9)[: 292 - len(brief)] + b"\xff"

        assert len(Long.options) == 293
        expected = written(RELEASE, IP, opt(54, SERVER) + brief, 0, 0)
        assert built(RELEASE | CIADDR | SERVER_ID, Long) == expected
        expected = written(DECLINE, NOBODY, opt(50, IP) + opt(54, SERVER) + brief, 0, 0)
        assert built(DECLINE | REQUESTED | SERVER_ID, Long) == expected


@rfc("2132 2 code-length-value", "3396 4 split-only-if-needed")
def test_an_option_is_its_code_its_length_its_value():
    assert option(12, b"host") == b"\x0c\x04host"
    assert option(254, b"a") == b"\xfe\x01a"
    assert option(43, bytes(255)) == b"\x2b\xff" + bytes(255)


@rfc("3396 4 long-values-split")
def test_an_option_of_over_255_bytes_is_refused_by_name():
    assert raises(ValueError, option, 43, bytes(256)) == "('option', 43)"


@rfc("2132 2 no-trailing-nul")
def test_an_option_to_send_is_bytes_or_text():
    assert option(12, "h\xe9") == option(12, b"h\xc3\xa9") == b"\x0c\3h\xc3\xa9"
    for value in (5, None, [1]):
        assert raises(ValueError, option, 12, value) == "('option', 12)"


@rfc("2132 2 pad-and-end-alone", "2132 3.14 host-name-not-empty")
def test_an_option_to_send_is_not_empty_and_is_neither_pad_nor_end():
    assert raises(ValueError, option, 43, b"") == "('option', 43)"
    for code in (-1, 0, 255, 256):
        assert raises(ValueError, option, code, b"a") == "('option', %d)" % code


# Reading: the header


def test_a_message_without_room_for_the_fixed_fields_is_refused():
    data = message(b"\xff")
    for size in (0, 1, 236, 239):
        assert refusal(data[:size])[0] == "length"


def test_a_message_of_the_fixed_fields_alone_is_none_the_worse():
    assert refusal(message(b""))[0] is None


def test_a_message_is_read_where_it_stands():
    data = reply(ACK)
    for buf in (data, bytearray(data)):
        m = Message()
        assert m.read(buf) is None
        assert m.buf is buf
        assert m.find(54, 4) == 240 + 3 + 2
        assert m.option(54) == SERVER


# Reading: the options


@rfc("2132 3.1 pad-anywhere", "2132 2 pad-and-end-alone")
def test_pad_may_stand_anywhere():
    m = parsed(b"\0\0\0" + opt(53, b"\x05") + b"\0" + opt(12, b"a") + b"\0\0\xff")
    assert m.option(53) == b"\x05"
    assert m.option(12) == b"a"


def test_a_missing_end_is_forgiven():
    m = parsed(opt(53, b"\x05") + opt(12, b"host"))
    assert m.option(12) == b"host"


@rfc("2132 3.2 end-marks-the-end")
def test_what_stands_behind_end_is_not_read():
    m = parsed(opt(53, b"\x05") + b"\xff" + opt(12, b"host") + b"\x06\xc8")
    assert m.option(12) is None
    assert m.option(6) is None


def test_options_come_in_any_order():
    m = parsed(opt(255 - 1, b"z") + opt(1, b"a") + opt(53, b"\x05") + b"\xff")
    assert [m.option(code) for code in (1, 53, 254)] == [b"a", b"\x05", b"z"]


@rfc("2132 2 pad-and-end-alone")
def test_every_code_from_1_to_254_is_kept():
    for code in range(1, 255):
        m = parsed(opt(code, b"\x00") + b"\xff")
        assert [c for c in range(256) if m.option(c) is not None] == [code]


@rfc("2132 2 length-in-later-options")
def test_an_option_may_be_empty_which_is_not_absent():
    m = parsed(opt(80, b"") + opt(53, b"\x05") + b"\xff")
    assert m.option(80) == b""
    assert m.option(81) is None
    assert m.option(53) == b"\x05"


@rfc("2132 2 code-length-value")
def test_the_longest_option_is_read():
    value = bytes(range(255))
    assert parsed(opt(43, value) + b"\xff").option(43) == value


def test_an_option_that_ends_with_the_message_is_read():
    assert parsed(opt(53, b"\x05") + opt(12, b"host")).option(12) == b"host"


@rfc("2132 2 code-length-value")
def test_an_option_that_runs_over_the_end_by_one_byte_is_refused():
    wrong, m = refusal(message(opt(53, b"\x05") + b"\x0c\x04hos"))
    assert wrong == "option"
    assert m.option(12) is None
    assert m.option(53) == b"\x05"


@rfc("2132 2 code-length-value")
def test_a_code_without_its_length_is_refused():
    wrong, m = refusal(message(opt(53, b"\x05") + b"\x0c"))
    assert wrong == "option"
    assert m.option(12) is None


def test_of_a_torn_option_the_whole_pieces_are_kept():
    wrong, m = refusal(message(opt(12, b"green") + opt(12, b"house") + b"\x0c\x09-3"))
    assert wrong == "option"
    assert m.option(12) == b"greenhouse"


@rfc("2132 9.2 lease-time-of-4-bytes")
def test_a_value_of_the_wrong_length_is_as_good_as_absent():
    m = parsed(
        opt(51, b"\0\0\x0e") + opt(54, SERVER + b"\0") + opt(53, b"") + opt(1, MAC[:4]) + b"\xff"
    )
    assert m.find(51, 4) == m.find(54, 4) == m.find(53, 1) == 0
    assert m.find(1, 4) == 240 + 5 + 7 + 2 + 2


def test_what_does_not_occur_is_not_found():
    m = parsed(opt(53, b"\x05") + b"\xff")
    assert m.find(54, 4) == 0
    assert m.option(54) is None
    assert m.option(0) is None
    assert m.option(255) is None


def test_a_second_message_has_nothing_of_the_first():
    m = parsed(opt(12, b"host") + opt(15, b"a") + opt(15, b"b") + b"\xff")
    assert m.option(15) == b"ab"
    data = message(opt(53, b"\x05") + b"\xff")
    assert m.read(data) is None
    assert m.option(12) is m.option(15) is None
    assert m.find(12, 4) == 0


def test_a_malformed_header_leaves_nothing_of_the_message_before():
    m = parsed(opt(53, b"\x05") + b"\xff")
    m.read(b"")
    assert m.find(53, 1) == 0
    m = parsed(opt(53, b"\x05") + b"\xff")
    m.read(bytes(300))
    assert m.find(53, 1) == 0


# Overload


@rfc("2131 4.1 options-field-first", "2132 9.3 overloaded-fields", "3396 5 names-are-no-options")
def test_without_option_52_file_and_sname_are_names():
    m = parsed(opt(53, b"\x05") + b"\xff", file=opt(12, b"file"), sname=opt(15, b"sname"))
    assert m.option(12) is m.option(15) is None


@rfc("2132 9.3 overloaded-fields", "3396 5 names-are-no-options")
def test_overload_1_reads_file_alone():
    m = parsed(opt(52, b"\x01") + b"\xff", file=opt(12, b"file"), sname=opt(15, b"sname"))
    assert m.option(12) == b"file"
    assert m.option(15) is None


@rfc("2132 9.3 overloaded-fields", "3396 5 names-are-no-options")
def test_overload_2_reads_sname_alone():
    m = parsed(opt(52, b"\x02") + b"\xff", file=opt(12, b"file"), sname=opt(15, b"sname"))
    assert m.option(12) is None
    assert m.option(15) == b"sname"


@rfc("2132 9.3 overloaded-fields")
def test_overload_3_reads_both():
    m = parsed(opt(52, b"\x03") + b"\xff", file=opt(12, b"file"), sname=opt(15, b"sname"))
    assert m.option(12) == b"file"
    assert m.option(15) == b"sname"


@rfc("2132 9.3 overloaded-fields")
def test_overload_of_another_value_or_length_is_as_good_as_absent():
    for value in (b"\x00", b"\x04", b"\x05", b"\x07", b"\xff", b"", b"\x01\x01"):
        m = parsed(opt(52, value) + b"\xff", file=opt(12, b"file"), sname=opt(15, b"sname"))
        assert m.option(12) is m.option(15) is None


@rfc("2131 4.1 options-field-first")
def test_overload_behind_end_is_not_read():
    m = parsed(opt(53, b"\x05") + b"\xff" + opt(52, b"\x01"), file=opt(12, b"file"))
    assert m.option(12) is None


def test_overload_holds_where_the_options_have_no_end():
    assert parsed(opt(52, b"\x01"), file=opt(12, b"file")).option(12) == b"file"


@rfc("2131 4.1 options-field-first")
def test_overload_inside_file_does_not_open_sname():
    m = parsed(opt(52, b"\x01") + b"\xff", file=opt(52, b"\x03"), sname=opt(15, b"sname"))
    assert m.option(15) is None


def test_a_second_option_52_inside_file_costs_no_other_option():
    m = parsed(opt(52, b"\x01") + b"\xff", file=opt(52, b"\x01") + opt(12, b"file") + b"\xff")
    assert m.option(52) == b"\x01\x01"
    assert m.option(12) == b"file"


@rfc("2131 4.1 option-in-one-field")
def test_end_in_file_ends_file_and_not_sname():
    m = parsed(
        opt(52, b"\x03") + b"\xff",
        file=opt(12, b"file") + b"\xff" + opt(6, NOBODY),
        sname=opt(15, b"sname") + b"\xff" + opt(6, NOBODY),
    )
    assert m.option(12) == b"file"
    assert m.option(15) == b"sname"
    assert m.option(6) is None


@rfc("2131 4.1 option-in-one-field")
def test_file_and_sname_may_be_full_to_the_last_byte():
    m = parsed(opt(52, b"\x03"), file=opt(12, b"f" * 126), sname=opt(15, b"s" * 62))
    assert m.option(12) == b"f" * 126
    assert m.option(15) == b"s" * 62


@rfc("2131 4.1 option-in-one-field")
def test_an_option_that_runs_out_of_file_is_refused():
    data = bytearray(message(opt(52, b"\x01") + b"\xff", file=opt(12, b"f" * 126)))
    data[109] += 1
    wrong, m = refusal(data)
    assert wrong == "option"
    assert m.option(12) is None


@rfc("2131 4.1 option-in-one-field")
def test_an_option_that_runs_out_of_sname_into_file_is_refused():
    data = bytearray(message(opt(52, b"\x02") + b"\xff", sname=opt(15, b"s" * 62)))
    data[45] += 1
    assert refusal(data)[0] == "option"


def test_a_code_in_the_last_byte_of_file_is_refused():
    data = message(opt(52, b"\x01") + b"\xff", file=bytes(127) + b"\x0c")
    assert refusal(data)[0] == "option"


# RFC 3396


@rfc("2131 4.1 instances-joined", "3396 4 instances-joined", "4702 2 concatenation")
def test_pieces_of_an_option_are_joined_in_their_order():
    m = parsed(opt(12, b"green") + opt(53, b"\x05") + opt(12, b"house") + opt(12, b"-3") + b"\xff")
    assert m.option(12) == b"greenhouse-3"
    assert m.option(53) == b"\x05"


@rfc("2131 4.1 file-before-sname", "3396 5 fields-in-order", "2132 9.3 overloaded-fields-last")
def test_pieces_are_joined_over_options_then_file_then_sname():
    m = parsed(
        opt(12, b"options,") + opt(52, b"\x03") + b"\xff",
        file=opt(12, b"file,") + b"\xff",
        sname=opt(12, b"sname") + b"\xff",
    )
    assert m.option(12) == b"options,file,sname"


@rfc("3396 4 instances-joined", "3442 sizing concatenation")
def test_an_option_may_be_longer_than_255_bytes():
    m = parsed(opt(121, b"a" * 255) + opt(121, b"b" * 255) + opt(121, b"c") + b"\xff")
    assert m.option(121) == b"a" * 255 + b"b" * 255 + b"c"


@rfc("3396 7 pieces-are-no-values")
def test_an_empty_piece_is_a_piece():
    assert parsed(opt(12, b"") + opt(12, b"host") + b"\xff").option(12) == b"host"
    assert parsed(opt(12, b"host") + opt(12, b"") + b"\xff").option(12) == b"host"
    assert parsed(opt(12, b"") + opt(12, b"") + b"\xff").option(12) == b""


def test_an_option_in_pieces_has_not_the_size_of_the_whole():
    m = parsed(opt(54, SERVER[:1]) + opt(53, b"\x05") + opt(54, SERVER[1:]) + b"\xff")
    assert m.find(54, 4) == 0
    assert m.option(54) == SERVER
    assert m.find(53, 1) == 240 + 3 + 2


def test_of_a_fixed_size_option_that_comes_twice_the_first_counts():
    m = parsed(opt(54, SERVER) + opt(54, b"\1") + opt(54, bytes(4)) + b"\xff")
    assert m.buf[m.find(54, 4) :][:4] == SERVER
    assert m.find(54, 1) == 0
    assert m.option(54) == SERVER + b"\1" + bytes(4)


@rfc("3396 4 all-options-joined")
def test_pieces_of_one_option_leave_the_others_where_they_are():
    options = (
        opt(12, b"a") + opt(15, b"x") + opt(12, b"b") + opt(54, SERVER) + opt(15, b"y") + b"\xff"
    )
    m = parsed(options)
    for _ in range(2):
        assert m.option(12) == b"ab"
        assert m.option(15) == b"xy"
        assert m.option(54) == SERVER
        assert m.find(54, 4) == 240 + 3 + 3 + 3 + 2


def test_what_was_read_outlives_the_buffer():
    data = bytearray(reply(ACK, options=opt(12, b"host") + opt(15, b"a") + opt(15, b"b")))
    m = Message()
    m.read(data)
    whole, joined = m.option(12), m.option(15)
    for i in range(len(data)):
        data[i] = 0
    assert whole == b"host"
    assert joined == b"ab"


def test_a_message_cut_anywhere_is_read_or_refused_and_no_more():
    data = reply(
        ACK,
        options=opt(52, b"\x03") + opt(12, b"a") + opt(12, b"b") + b"\xff",
        file=opt(15, b"file"),
        sname=opt(15, b"sname"),
    )
    m = Message()
    for end in range(len(data)):
        wrong = m.read(data[:end])
        if end < 240:
            assert wrong == "length"
        else:
            assert wrong in (None, "option")
