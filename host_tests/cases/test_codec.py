"""dhcpc.codec: names for numbers, and what `build` writes, checked; what a user of the codec alone
may rely on.
"""

from dhcpc import Message, build, codec, dotted
from kit import raises, rfc
from world import CLIENT_ID, COOKIE, IP, MAC, MASK, NOBODY, SERVER, XID, message, opt, u32

# All options that `build` has room for, less END and what CLIENT_ID takes
ROOM = 293 - 1 - len(CLIENT_ID)


def fields(**more):
    """Fields with these arguments, and MAC and XID where there are none."""
    more.setdefault("chaddr", MAC)
    more.setdefault("xid", XID)
    return codec.Fields(**more)


def refusal(**more):
    return raises(ValueError, lambda: fields(**more))


def built(form, what):
    buf = bytearray(codec.BUFFER_SIZE)
    return bytes(buf[: build(buf, form, what)])


def read(data):
    m = Message()
    assert m.read(data) is None
    return m


# What is built


@rfc("2131 4.4.1 discover-ciaddr-zero")
def test_without_more_it_is_a_client_with_no_address():
    data = built(codec.DISCOVER, fields())
    assert data[: codec.CIADDR] == b"\1\1\6\0" + XID + bytes(4)
    assert data[codec.CIADDR : codec.GIADDR + 4] == NOBODY * 4
    assert data[codec.CHADDR :] == (
        MAC
        + bytes(10 + 64 + 128)
        + COOKIE
        + opt(codec.DHCP_MESSAGE_TYPE, bytes((codec.DISCOVER,)))
        + CLIENT_ID
        + b"\xff"
        + bytes(300 - 253)
    )


def test_form_says_where_the_addresses_go():
    what = fields(yiaddr=IP, server=SERVER)
    m = read(built(codec.REQUEST | codec.WITH_CIADDR, what))
    assert m.buf[codec.CIADDR : codec.CIADDR + 4] == IP
    assert m.option(codec.REQUESTED_IP_ADDRESS) is None
    assert m.option(codec.SERVER_IDENTIFIER) is None
    m = read(built(codec.REQUEST | codec.WITH_REQUESTED_IP | codec.WITH_SERVER_ID, what))
    assert m.buf[codec.CIADDR : codec.CIADDR + 4] == NOBODY
    assert m.option(codec.REQUESTED_IP_ADDRESS) == IP
    assert m.option(codec.SERVER_IDENTIFIER) == SERVER


def test_an_address_is_a_string_or_bytes():
    what = fields(yiaddr="10.0.0.5", server="10.0.0.1")
    assert (what.yiaddr, what.server) == (IP, SERVER)
    what = fields(yiaddr="255.255.255.255", server=SERVER)
    assert (what.yiaddr, what.server) == (b"\xff\xff\xff\xff", SERVER)


def test_secs_and_flags_are_numbers():
    data = built(codec.DISCOVER, fields(secs=0x0102, flags=codec.BROADCAST))
    assert data[codec.SECS : codec.FLAGS + 2] == b"\1\2\x80\0"


def test_without_a_xid_each_has_its_own():
    xids = {codec.Fields(MAC).xid for _ in range(8)}
    assert len(xids) > 1
    assert {len(xid) for xid in xids} == {4}


def test_the_client_identifier_comes_first_and_the_others_by_their_codes():
    what = fields(
        options={
            codec.VENDOR_CLASS_IDENTIFIER: b"moon",
            codec.CLIENT_IDENTIFIER: b"\0crater",
            codec.HOST_NAME: "gr\u00fcn",
        }
    )
    assert what.options == (
        opt(61, b"\0crater") + opt(12, b"gr\xc3\xbcn") + opt(60, b"moon") + b"\xff"
    )


def test_the_options_that_are_given_stay_as_they_are():
    given = {codec.CLIENT_IDENTIFIER: b"\0crater", codec.HOST_NAME: "moon"}
    fields(options=given)
    assert given == {codec.CLIENT_IDENTIFIER: b"\0crater", codec.HOST_NAME: "moon"}


@rfc("2131 table5 client-identifier")
def test_release_carries_the_client_identifier_alone():
    what = fields(yiaddr=IP, server=SERVER, secs=7, options={codec.HOST_NAME: "moon"})
    m = read(built(codec.RELEASE | codec.WITH_CIADDR | codec.WITH_SERVER_ID, what))
    assert m.option(codec.CLIENT_IDENTIFIER) == b"\1" + MAC
    assert m.option(codec.HOST_NAME) is None
    assert m.buf[codec.SECS : codec.SECS + 2] == b"\0\0"


# What is refused


def test_what_is_wrong_is_named():
    assert refusal(chaddr=MAC[:5]) == "chaddr: not 6 bytes"
    assert refusal(chaddr="02:00:00:00:00:01") == "chaddr: not 6 bytes"
    assert refusal(xid=b"") == "xid: not 4 bytes"
    assert refusal(xid=bytes(5)) == "xid: not 4 bytes"
    assert refusal(yiaddr=None) == "yiaddr: not 4 bytes"
    assert refusal(server=bytes(3)) == "server: not 4 bytes"
    for number in (-1, 0x10000):
        assert refusal(secs=number) == "secs: not 16 bits"
        assert refusal(flags=number) == "flags: not 16 bits"


def test_a_number_of_another_type_is_named():
    for number in ("5", 1.5, None, b"5"):
        assert refusal(secs=number) == "secs: not 16 bits"
        assert refusal(flags=number) == "flags: not 16 bits"


def test_options_that_are_not_codes_with_values_are_named():
    for options in (5, "moon", [1, 2]):
        assert refusal(options=options) == "options: not {code: value}"
    for name in ("moon", None, 1.5, b"c"):
        for named in ({name: b"a"}, {codec.HOST_NAME: b"a", name: b"a"}):
            assert refusal(options=named) in (
                "('option', %r)" % (name,),
                "('option', %r,)" % (name,),
            )


def test_an_address_that_is_none_is_refused():
    for address in ("", "10.0.0", "10.0.0.5.1", "10.0.0.256", "10.0.0.-1", "10.0.0.x", "10.0..5"):
        assert refusal(yiaddr=address) == "yiaddr: %r is not an address" % address
        assert refusal(server=address) == "server: %r is not an address" % address


def test_an_option_that_build_writes_itself_is_refused():
    for code in (
        codec.REQUESTED_IP_ADDRESS,
        codec.OPTION_OVERLOAD,
        codec.DHCP_MESSAGE_TYPE,
        codec.SERVER_IDENTIFIER,
    ):
        assert refusal(options={code: b"\1\2\3\4"}) == "('option', %d)" % code


def test_an_option_that_cannot_be_encoded_is_refused():
    for code, value in ((0, b"a"), (255, b"a"), (12, b""), (61, b""), (12, bytes(256)), (51, 7)):
        assert refusal(options={code: value}) == "('option', %d)" % code


def test_options_that_just_fit_are_built_to_the_last_byte():
    rest = ROOM - 2 - 255 - 2
    options = {codec.DOMAIN_NAME: b"d" * 255, codec.USER_CLASS: b"u" * rest}
    what = fields(yiaddr=IP, server=SERVER, options=options)
    data = built(codec.REQUEST | codec.WITH_REQUESTED_IP | codec.WITH_SERVER_ID, what)
    assert len(data) == 548
    assert data[-1] == 0xFF
    assert read(data).option(codec.USER_CLASS) == b"u" * rest


def test_options_that_do_not_fit_are_refused_and_nothing_is_written():
    rest = ROOM - 2 - 255 - 2 + 1
    what = fields(options={codec.DOMAIN_NAME: bytes(255), codec.USER_CLASS: bytes(rest)})
    buf = bytearray(b"\xee" * codec.BUFFER_SIZE)
    for kind in (codec.DISCOVER, codec.REQUEST, codec.INFORM):
        assert raises(ValueError, build, buf, kind, what) == "options"
    assert buf == b"\xee" * codec.BUFFER_SIZE


# What is read


def test_an_ack_is_read_by_names():
    options = opt(53, b"\5") + opt(54, SERVER) + opt(51, u32(3600)) + opt(1, MASK) + b"\xff"
    m = read(message(options))
    assert m.buf[m.find(codec.DHCP_MESSAGE_TYPE, 1)] == codec.ACK
    assert m.buf[codec.XID : codec.SECS] == XID
    assert dotted(m.buf, codec.YIADDR) == "10.0.0.5"
    assert dotted(m.buf, m.find(codec.SUBNET_MASK, 4)) == "255.255.255.0"
    assert m.option(codec.IP_ADDRESS_LEASE_TIME) == u32(3600)
    assert m.option(codec.ROUTER) is None


def test_a_memoryview_is_read_as_bytes_are():
    options = opt(53, b"\2") + opt(52, b"\1") + opt(12, b"mo") + opt(12, b"on") + b"\xff"
    data = message(options, file=opt(15, b"crater") + b"\xff")
    # In the middle of another buffer, as a frame has it
    frame = bytearray(42) + data + bytes(4)
    views = (data, bytearray(data), memoryview(data), memoryview(frame)[42 : 42 + len(data)])
    for view in views:
        m = read(view)
        assert bytes(m.buf) == data
        assert m.option(codec.DHCP_MESSAGE_TYPE) == bytes((codec.OFFER,))
        assert m.option(codec.HOST_NAME) == b"moon"
        assert m.option(codec.DOMAIN_NAME) == b"crater"
        assert m.find(codec.DHCP_MESSAGE_TYPE, 1) == 242


def test_what_is_wrong_with_a_memoryview_is_told_as_of_bytes():
    m = Message()
    assert m.read(memoryview(bytes(239))) == "length"
    assert m.read(memoryview(message(opt(12, b"moon")[:-1]))) == "option"


def test_a_memoryview_is_read_in_place():
    view = memoryview(message(opt(12, b"moon") + b"\xff"))
    assert read(view).buf is view
