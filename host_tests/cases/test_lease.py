"""What a lease shows of an ACK."""

from dhcpc import Lease, Message
from kit import rfc
from world import ACK, DAY, INFINITE, IP, SERVER, message, opt, reply, u32

FOREVER = 0x1FFFFFFF


def granted(fuzz=0, **ack):
    """The Lease of an ACK with these fields."""
    return of(reply(ACK, **ack), fuzz)


def of(data, fuzz=0):
    m = Message()
    assert m.read(data) is None
    return Lease(m, fuzz)


def times(fuzz=0, **ack):
    lease = granted(fuzz, **ack)
    return lease.t1, lease.t2


# The ACK


@rfc("2132 3.3 subnet-mask", "2132 3.5 first-router-preferred", "2132 3.8 name-servers-in-order")
def test_a_lease_shows_its_addresses():
    routers = opt(3, b"\x0a\0\0\x01\x0a\0\0\x02")
    lease = granted(options=routers + opt(6, b"\x0a\0\0\x03\x01\x01\x01\x01"))
    assert lease.ip == "10.0.0.5"
    assert lease.mask == "255.255.255.0"
    assert lease.gateway == "10.0.0.1"
    assert lease.dns == ["10.0.0.3", "1.1.1.1"]
    assert lease.ifconfig() == ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.3")
    assert lease.yiaddr == IP
    assert lease.server == SERVER


def test_a_lease_may_have_neither_router_nor_name_server():
    lease = granted()
    assert lease.gateway == "0.0.0.0"
    assert lease.dns == []
    assert lease.ifconfig() == ("10.0.0.5", "255.255.255.0", "0.0.0.0", "0.0.0.0")


@rfc("2131 3.5 defaults-of-host-requirements")
def test_without_option_1_the_mask_is_that_of_24_bits():
    assert granted(mask=None).mask == "255.255.255.0"


@rfc(
    "2132 3.3 subnet-mask",
    "2132 3.5 routers-of-4-bytes-each",
    "2132 3.8 name-servers-of-4-bytes-each",
)
def test_addresses_that_are_not_whole_are_as_good_as_absent():
    for value in (b"", b"\x0a\0\0"):
        lease = granted(mask=None, options=opt(1, value) + opt(3, value) + opt(6, value))
        assert lease.mask == "255.255.255.0"
        assert lease.gateway == "0.0.0.0"
        assert lease.dns == []


@rfc("2132 3.5 routers-of-4-bytes-each", "2132 3.8 name-servers-of-4-bytes-each")
def test_of_addresses_the_whole_ones_count():
    for value in (b"\x0a\0\0\x01", b"\x0a\0\0\x01\x0a", b"\x0a\0\0\x01\x0a\0\0"):
        lease = granted(options=opt(3, value) + opt(6, value))
        assert lease.gateway == "10.0.0.1"
        assert lease.dns == ["10.0.0.1"]


def test_of_a_mask_that_comes_twice_the_first_counts():
    assert granted(mask=b"\xff\xff\0\0", options=opt(1, b"\xff\0\0\0")).mask == "255.255.0.0"


def test_of_addresses_those_that_can_be_a_hosts_count():
    # Some access points fill a list up with 0.0.0.0.
    for nobody in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\0\0\x01", b"\xe0\0\0\xfb"):
        lease = granted(options=opt(3, nobody + SERVER) + opt(6, nobody + SERVER + nobody))
        assert lease.gateway == "10.0.0.1"
        assert lease.dns == ["10.0.0.1"]
        assert lease.ifconfig()[3] == "10.0.0.1"
        lease = granted(options=opt(3, nobody) + opt(6, nobody))
        assert lease.ifconfig()[2:] == ("0.0.0.0", "0.0.0.0")


@rfc("2132 3.3 subnet-mask")
def test_a_mask_of_another_length_is_as_good_as_absent():
    for mask in (b"\xff\xff", b"\xff\xff\0\0\0", b"\xff\xff\0\0\xff\xff\0\0"):
        assert granted(mask=None, options=opt(1, mask)).mask == "255.255.255.0"


@rfc("1122 3.2.2.9 mask-checked")
def test_a_mask_that_begins_with_0_is_as_good_as_absent():
    for mask in (
        b"\0\0\0\0",
        b"\0\0\0\xff",
        b"\0\xff\xff\xff",
    ):
        assert granted(mask=mask).mask == "255.255.255.0"


@rfc("1122 3.2.2.9 mask-checked")
def test_a_mask_with_holes_is_as_good_as_absent():
    for hole in range(1, 32):
        for bits in range(hole + 1, 33):
            # Ones, but for one bit before the last of them
            number = 0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF & ~(1 << (32 - hole))
            if hole > 8:
                assert granted(mask=u32(number)).mask == "255.255.255.0"


def test_the_clients_own_address_is_no_routers_and_no_name_servers():
    lease = granted(options=opt(3, IP) + opt(6, IP))
    assert lease.gateway == "0.0.0.0"
    assert lease.dns == []
    lease = granted(options=opt(3, IP + SERVER) + opt(6, SERVER + IP))
    assert lease.gateway == "10.0.0.1"
    assert lease.dns == ["10.0.0.1"]


# Classless routes: the width of the network, as many of its bytes as that takes, the router
DEFAULT = b"\0\x0a\0\0\x09"
LAN = b"\x18\xc0\0\x02\x0a\0\0\x08"
HOST = b"\x20\xc0\0\x02\x07\x0a\0\0\x08"
WIDE = b"\x01\x80\x0a\0\0\x07"


@rfc("3442 format destination-descriptor")
def test_the_gateway_is_that_of_the_default_route_wherever_it_stands():
    for routes in (DEFAULT, LAN + DEFAULT, DEFAULT + LAN, HOST + WIDE + LAN + DEFAULT):
        for router in (b"", opt(3, SERVER)):
            assert granted(options=router + opt(121, routes)).gateway == "10.0.0.9"


@rfc("3442 local-subnet-routes router-0-ignored")
def test_a_default_route_to_nobody_is_no_gateway():
    assert granted(options=opt(3, SERVER) + opt(121, b"\0\0\0\0\0")).gateway == "0.0.0.0"


def test_routes_without_a_default_one_leave_the_gateway_to_option_3():
    # The RFC has option 3 ignored then. A board cannot use the other routes.
    for routes in (LAN, HOST + WIDE):
        assert granted(options=opt(3, SERVER) + opt(121, routes)).gateway == "10.0.0.1"


def test_classless_routes_that_are_torn_count_as_far_as_they_are_whole():
    for i in range(len(LAN)):
        lease = granted(options=opt(3, SERVER) + opt(121, DEFAULT + LAN[:i]))
        assert lease.gateway == "10.0.0.9"
    for routes in (b"", b"\0", DEFAULT[:4], LAN[:-1], LAN + DEFAULT[:4], b"\xff" * 9):
        lease = granted(options=opt(3, SERVER) + opt(121, routes))
        assert lease.gateway == "10.0.0.1"


@rfc("2132 3.3 subnet-mask")
def test_every_mask_that_is_a_row_of_ones_is_used():
    for bits in range(1, 33):
        mask = u32(0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF)
        yiaddr = b"\xac\x10\x05\x05"
        assert granted(mask=mask, yiaddr=yiaddr).mask == "%d.%d.%d.%d" % tuple(mask)


@rfc("3396 4 instances-joined", "3396 7 pieces-are-no-values")
def test_name_servers_in_pieces_are_one_list():
    assert granted(options=opt(6, b"\x0a\0\0\x03\x0a\0") + opt(6, b"\0\x04")).dns == [
        "10.0.0.3",
        "10.0.0.4",
    ]


@rfc("2131 4.1 instances-joined")
def test_any_option_of_the_ack_can_be_had():
    lease = granted(
        options=opt(43, b"\x01\x02")
        + opt(15, b"exam")
        + opt(15, b"ple")
        + opt(80, b"")
        + opt(52, b"\x01"),
        file=opt(12, b"host"),
    )
    assert lease.option(43) == b"\1\2"
    assert lease.option(15) == b"example"
    assert lease.option(12) == b"host"
    assert lease.option(80) == b""
    assert lease.option(51) == u32(3600)
    assert lease.option(44) is None


def test_a_lease_outlives_the_buffer_and_the_next_message():
    data = bytearray(reply(ACK, options=opt(15, b"example")))
    m = Message()
    m.read(data)
    lease = Lease(m, 0)
    other = reply(ACK, options=opt(15, b"other"), yiaddr=b"\x0a\0\0\x09")
    m.read(other)
    for i in range(len(data)):
        data[i] = 0
    assert lease.ip == "10.0.0.5"
    assert lease.yiaddr == IP
    assert lease.option(15) == b"example"


# The times


@rfc("2131 4.4.5 times-of-the-server", "2132 9.11 t1", "2132 9.12 t2", "2132 2 network-byte-order")
def test_t1_and_t2_are_the_servers():
    assert times(lease=3600, t1=600, t2=1200) == (600, 1200)


@rfc("2131 4.4.5 default-t1", "2131 4.4.5 default-t2")
def test_without_t1_and_t2_they_are_half_and_seven_eighths():
    assert times(lease=3600) == (1800, 3150)
    assert times(lease=14 * DAY) == (7 * DAY, 14 * DAY * 7 // 8)


@rfc("2131 4.4.5 default-t2")
def test_t1_alone_keeps_t2_at_seven_eighths():
    assert times(lease=3600, t1=600) == (600, 3150)


@rfc("2131 4.4.5 default-t1")
def test_t2_alone_keeps_t1_at_half():
    assert times(lease=3600, t2=3000) == (1800, 3000)


@rfc("2131 4.4.5 fuzz")
def test_fuzz_moves_t1_and_t2_to_the_early_side_and_not_far():
    for fuzz in range(64):
        t1, t2 = times(fuzz, lease=36000)
        assert 18000 * 15 // 16 <= t1 <= 18000
        assert 31500 * 15 // 16 <= t2 <= 31500
    assert times(63, lease=36000)[0] < times(0, lease=36000)[0]
    assert times(63, lease=36000)[1] < times(0, lease=36000)[1]


@rfc("2131 4.4.5 times-of-the-server")
def test_fuzz_leaves_the_servers_t1_and_t2_alone():
    assert times(63, lease=3600, t1=600, t2=1200) == (600, 1200)


@rfc("2131 4.4.5 t1-before-t2")
def test_t1_before_t2_before_the_end_whatever_the_server_says():
    values = (None, 0, 1, 2, 1799, 1800, 3149, 3150, 3599, 3600, 3601, 1 << 30, 1 << 31, INFINITE)
    for t1 in values:
        for t2 in values:
            for fuzz in (0, 63):
                a, b = times(fuzz, lease=3600, t1=t1, t2=t2)
                assert 0 < a < b < 3600


@rfc("2131 4.4.5 t1-before-t2")
def test_t1_before_t2_before_the_end_for_every_short_lease():
    for seconds in range(3, 130):
        for fuzz in (0, 63):
            a, b = times(fuzz, lease=seconds)
            assert 0 < a < b < seconds


@rfc("2131 4.4.5 t1-before-t2")
def test_t1_and_t2_that_cannot_both_be_right_are_both_mended():
    for t1, t2 in (
        (1200, 1200),
        (1201, 1200),
        (INFINITE, 1200),
        (600, 3600),
        (3000, 4000),
        (None, 600),
    ):
        assert times(lease=3600, t1=t1, t2=t2) == (1800, 3150)
    assert times(lease=3600, t1=3200) == (1800, 3150)


@rfc("2132 9.11 t1", "2132 9.12 t2")
def test_t1_and_t2_of_the_wrong_length_are_as_good_as_absent():
    # With the bytes behind them, or without the last ones, they would be in order.
    t2 = opt(59, b"\0\0\x04\xb0\0")
    for t1 in (b"", b"\0\0\x02", b"\0\0\x02\x58\0", b"\0\0\x02\x58\0\0\x02\x58"):
        assert times(lease=3600, options=opt(58, t1) + t2) == (1800, 3150)
        assert times(lease=3600, options=opt(58, t1), t2=3000) == (1800, 3000)
        assert times(lease=3600, options=t2, t1=600) == (600, 3150)


@rfc("2131 3.3 infinity")
def test_an_infinite_lease_ignores_t1_and_t2():
    lease = granted(lease=INFINITE, t1=600, t2=1200)
    assert lease.t1 >= FOREVER
    assert lease.t2 >= FOREVER
    assert lease.remaining() is None


@rfc("2131 3.3 up-to-100-years")
def test_17_years_are_as_good_as_infinite():
    for seconds in (FOREVER, FOREVER + 1, 1 << 30, 1 << 31, INFINITE - 1):
        assert granted(lease=seconds).remaining() is None
    assert granted(lease=FOREVER - 1).remaining() == FOREVER - 1


def test_t1_and_t2_of_the_longest_finite_lease_are_in_order():
    a, b = times(63, lease=FOREVER - 1)
    assert 0.45 * FOREVER < a < 0.51 * FOREVER
    assert 0.82 * FOREVER < b < 0.88 * FOREVER


@rfc("2131 table3 lease-time")
def test_an_ack_without_a_time_counts_for_an_hour():
    lease = of(
        message(
            opt(53, b"\x05") + opt(54, SERVER) + opt(15, b"example") + b"\xff", yiaddr=bytes(4)
        )
    )
    assert lease.ip == "0.0.0.0"
    assert (lease.lease_time, lease.remaining()) == (3600, 3600)
    assert lease.option(15) == b"example"


def test_what_remains_is_the_time_less_the_age():
    lease = granted(lease=3600)
    assert lease.remaining() == 3600
    lease.age = 3599
    assert lease.remaining() == 1
