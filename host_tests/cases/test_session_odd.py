"""What odd servers send, and what is made of it: a reply that is ours is used as far as it is
whole, and only what would harm is refused.
"""

from kit import rfc
from world import (
    ACK,
    BOUND,
    DISCOVER,
    IP,
    NAK,
    NOBODY,
    OFFER,
    OTHER_IP,
    OTHER_SERVER,
    REQUEST,
    REQUESTING,
    SELECTING,
    SERVER,
    WAITING,
    World,
    has,
    last,
    message,
    opt,
    reply,
    types,
    u32,
)

TAKEN = {OFFER: ("recv",), ACK: ("bound", "rebooted", "renewed", "rebound")}
HOUR = 3600


def taken(state, kind, **fields):
    """The world of a client that was in that state, after it has taken that reply."""
    w = getattr(World(), state)()
    assert w.answer(kind, **fields) in TAKEN[kind], (state, w.session.reason)
    return w


def everywhere(**fields):
    """The worlds after that reply was taken, in each state that waits for one."""
    return [taken(state, kind, **fields) for state, kind in WAITING]


def leased(**fields):
    """The lease of a client whose server sends that OFFER, and that ACK."""
    return World().bound(**fields).lease


# Options that come twice, or with another size


@rfc("2131 4.1 instances-joined-of-fixed-size")
def test_of_an_option_of_fixed_size_the_first_copy_counts():
    # dnsmasq sends 51 twice if its configuration sets it and the client asks for it.
    for w in everywhere(options=opt(51, u32(7200))):
        assert not w.lease or w.lease.lease_time == HOUR
    for w in everywhere(options=opt(54, OTHER_SERVER)):
        if w.lease:
            assert w.lease.server == SERVER
        else:
            assert last(w).options[54] == SERVER
    for code, value in ((53, b"\x06"), (1, b"\xff\0\0\0"), (58, u32(9)), (59, u32(99))):
        everywhere(options=opt(code, value))
    lease = leased(t1=1000, t2=2000, options=opt(58, u32(9)) + opt(59, u32(99)))
    assert (lease.t1, lease.t2) == (1000, 2000)
    assert leased(mask=b"\xff\xff\0\0", options=opt(1, b"\xff\0\0\0")).mask == "255.255.0.0"


def test_a_time_in_pieces_is_none():
    assert leased(lease=None, options=opt(51, b"\0\0") + opt(51, b"\x1c\x20")).lease_time == HOUR


# NAKs


@rfc("2131 table3 server-identifier")
def test_a_nak_without_a_server_identifier_is_obeyed():
    # The access point of ESP-IDF sends 53 and END alone.
    for state in ("requesting", "rebooting", "renewing", "rebinding"):
        w = getattr(World(), state)()
        assert w.answer(NAK, server=None) == "nak"
        assert w.lease is None
        assert w.state == SELECTING


def test_a_nak_of_any_server_is_obeyed_if_none_was_chosen():
    for state in ("rebooting", "renewing", "rebinding"):
        w = getattr(World(), state)()
        assert w.answer(NAK, server=OTHER_SERVER) == "nak"


def test_the_type_of_a_message_is_the_first_byte_of_two_as_well():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        data = reply(kind, xid=last(w).xid)
        assert (
            w.hand(data.replace(opt(53, bytes((kind,))), opt(53, bytes((kind, 0))))) in TAKEN[kind]
        )


def test_a_renewal_without_an_address_is_of_the_one_in_use():
    for state in ("renewing", "rebinding"):
        lease = taken(state, ACK, yiaddr=NOBODY).lease
        assert lease.yiaddr == IP
        assert lease.ip == "10.0.0.5"
        assert lease.mask == "255.255.255.0"


@rfc("2131 table3 server-identifier")
def test_an_ack_without_a_server_identifier_is_taken_and_is_of_the_server_that_was_asked():
    for state in ("requesting", "renewing"):
        w = taken(state, ACK, server=None)
        assert w.state == BOUND
        assert w.lease.server == SERVER
        w.go(w.lease.t1)
        assert last(w).to == SERVER


@rfc("2131 4.4.1 ack-of-the-chosen-server")
def test_an_ack_of_another_server_than_that_of_the_offer_is_taken():
    w = taken("requesting", ACK, server=OTHER_SERVER)
    assert w.lease.server == OTHER_SERVER


@rfc("2131 table3 server-identifier")
def test_a_verified_lease_without_a_server_identifier_is_renewed_by_broadcast():
    w = taken("rebooting", ACK, server=None)
    w.go(w.lease.t1)
    assert last(w).type == REQUEST
    assert last(w).to is None


@rfc("2131 table3 server-identifier")
def test_an_offer_without_a_server_identifier_is_of_its_siaddr():
    w = World().selecting()
    data = bytearray(reply(OFFER, xid=last(w).xid, server=None))
    data[20:24] = OTHER_SERVER
    assert w.hand(bytes(data)) == "recv"
    assert last(w).options[54] == OTHER_SERVER


@rfc("2131 table3 server-identifier")
def test_an_offer_of_a_server_that_nothing_names_is_taken_without_one():
    w = taken("selecting", OFFER, server=None)
    assert w.state == REQUESTING
    assert last(w).options[50] == IP
    assert not has(last(w), 54)
    assert w.answer(ACK, server=None) == "bound"
    w.go(w.lease.t1)
    assert last(w).to is None


def test_a_lease_of_a_server_that_cannot_be_one_is_renewed_by_broadcast():
    for server in (NOBODY, b"\x7f\0\0\x01", b"\xe0\0\0\x01", b"\xff\xff\xff\xff"):
        w = World().bound(server=server)
        w.go(w.lease.t1)
        assert last(w).type == REQUEST
        assert last(w).ciaddr == IP
        assert last(w).to is None


# The lease time


@rfc("2131 table3 lease-time", "2131 4.3.2 parameters-of-the-ack")
def test_an_offer_without_a_lease_time_is_taken():
    w = taken("selecting", OFFER, lease=None)
    assert w.answer(ACK, lease=7200) == "bound"
    assert w.lease.lease_time == 7200


@rfc("2131 table3 lease-time")
def test_a_lease_without_a_time_or_of_none_is_for_an_hour():
    for seconds in (None, 0):
        for w in everywhere(lease=seconds):
            assert not w.lease or w.lease.lease_time == HOUR
        w = World().bound(lease=seconds)
        w.go(HOUR // 2)
        assert last(w).ciaddr == IP


# What is torn, and what is long


def test_of_a_torn_reply_what_is_whole_counts():
    for torn in (b"\x0c", b"\x0c\x09", b"\x0c\x09greenho"):
        for state, kind in WAITING:
            w = getattr(World(), state)()
            data = reply(kind, xid=last(w).xid, options=opt(3, SERVER))[:-1] + torn
            assert w.hand(data) in TAKEN[kind]
            if w.lease:
                assert w.lease.gateway == "10.0.0.1"
                assert w.lease.option(12) is None


def test_plain_text_in_a_field_that_is_said_to_have_options_does_not_keep_a_lease_away():
    for field in ("sname", "file"):
        for flag in (b"\x01", b"\x02", b"\x03"):
            for w in everywhere(options=opt(52, flag), **{field: b"tftp.example.org"}):
                if w.lease:
                    assert (w.lease.ip, w.lease.mask) == ("10.0.0.5", "255.255.255.0")


@rfc("1542 2.1 longer-reply")
def test_a_reply_that_is_cut_where_the_buffer_ends_is_used_as_far_as_it_goes():
    # Kea takes no notice of option 57.
    for state, kind in WAITING:
        w = getattr(World(), state)()
        data = reply(kind, xid=last(w).xid, options=opt(43, bytes(240)) * 4 + opt(3, SERVER))
        assert w.hand(data[:1024]) in TAKEN[kind]


# Fields


def test_any_kind_of_hardware_is_taken_with_the_clients_address():
    for htype, hlen in ((6, 6), (1, 0), (1, 16), (0, 0), (255, 255)):
        everywhere(htype=htype, hlen=hlen)


@rfc(
    "2131 4.1 broadcast-flag-set",
    "2131 4.1 broadcast-flag-clear",
    "1542 3.1.1 flag-if-needed",
    "1542 3.1.1 flag-clear-otherwise",
)
def test_the_broadcast_flag_is_another_after_two_discovers_in_vain_and_then_in_turns():
    # Some repeaters let no unicast frame through to who has no address yet.
    for first, other in ((0, 0x8000), (0x8000, 0)):
        w = World(flags=first).selecting()
        w.go(100)
        assert [sent.flags for sent in w.sent][:6] == 2 * [first] + 2 * [other, first]


@rfc("2131 4.1 broadcast-flag-clear")
def test_what_follows_has_the_flag_of_the_last_discover():
    w = World().selecting()
    while len(w.sent) < 3:
        w.go(0.1)
    w.answer(OFFER)
    w.answer(ACK)
    w.go(HOUR)
    assert [sent.flags for sent in w.sent] == 2 * [0] + (len(w.sent) - 2) * [0x8000]
    assert last(w).type == DISCOVER


@rfc("2131 4.1 broadcast-flag-clear")
def test_a_request_has_the_flag_of_the_discover_that_was_answered():
    for count, flags in ((2, 0), (3, 0x8000)):
        w = World().selecting()
        while len(w.sent) < count:
            w.go(0.1)
        w.answer(OFFER)
        assert last(w).type == REQUEST
        assert last(w).flags == flags
        assert w.answer(ACK) == "bound"


def replies_with(at, value):
    """The worlds of a client that has taken a reply with that value in its header."""
    for state, kind in WAITING:
        w = getattr(World(), state)()
        data = bytearray(reply(kind, xid=last(w).xid))
        data[at : at + len(value)] = value
        assert w.hand(bytes(data)) in TAKEN[kind]
        yield w


@rfc("2131 3 magic-cookie-of-a-reply", "2132 2 magic-cookie-of-a-reply")
def test_a_reply_without_the_magic_cookie_is_taken():
    for cookie in (bytes(4), b"none"):
        assert len(list(replies_with(236, cookie))) == len(WAITING)


@rfc("1542 3.4 giaddr-no-router", "1542 3.4 giaddr-ignored")
def test_the_relay_that_a_reply_came_by_is_neither_router_nor_server():
    for w in replies_with(24, OTHER_SERVER):  # giaddr
        if w.lease:
            assert w.lease.gateway == "0.0.0.0"
            assert w.lease.server == SERVER
        else:
            assert last(w).options[54] == SERVER


@rfc("1542 3.1.2 other-flags-ignored")
def test_the_flags_of_a_reply_are_ignored():
    for flags in (b"\x7f\xff", b"\xff\xff"):
        for w in replies_with(10, flags):
            assert last(w).flags == 0


# Which server


def in_vain(w):
    """Let the server that was chosen be silent until the client starts over."""
    while w.state != SELECTING:
        w.go(0.5)


def test_after_requests_in_vain_the_offer_of_another_server_goes_first():
    w = World().selecting()
    for _ in range(3):
        assert w.answer(OFFER) == "recv"
        in_vain(w)
        w.answer(OFFER)  # the one that has not kept its word is the first again
        assert w.state == SELECTING
        assert w.answer(OFFER, server=OTHER_SERVER, yiaddr=OTHER_IP) == "recv"
        w.go(2)
        assert last(w).type == REQUEST
        assert last(w).options[54] == OTHER_SERVER
        assert w.answer(ACK, server=OTHER_SERVER, yiaddr=OTHER_IP) == "bound"
        w.selecting()


def offer_of(w, siaddr):
    """What a server hands out that has no option 54."""
    data = bytearray(reply(OFFER, xid=last(w).xid, server=None))
    data[20:24] = siaddr
    return w.hand(bytes(data))


def test_a_server_that_refuses_its_own_offer_comes_after_another():
    w = World().requesting()
    assert w.answer(NAK) == "nak"
    assert w.state == SELECTING
    assert w.answer(OFFER) == "ignored"
    assert w.answer(OFFER, server=OTHER_SERVER, yiaddr=OTHER_IP) == "recv"
    assert w.answer(ACK, server=OTHER_SERVER, yiaddr=OTHER_IP) == "bound"


def test_a_server_without_a_name_that_has_not_kept_its_offer_comes_after_another():
    for siaddr in (NOBODY, OTHER_SERVER):
        w = World().selecting()
        assert offer_of(w, siaddr) == "recv"
        in_vain(w)
        assert offer_of(w, siaddr) == "ignored"
        assert w.session.reason == "choose"
        assert w.answer(OFFER) == "recv"
        assert last(w).options[54] == SERVER


def test_a_nak_in_renewing_says_nothing_against_the_next_offer():
    w = World().renewing()
    assert w.answer(NAK) == "nak"
    assert w.answer(OFFER) == "recv"


def test_a_server_that_has_not_kept_its_offer_is_soon_asked_again_if_it_is_alone():
    w = World().requesting()
    in_vain(w)
    begun = w.now
    w.answer(OFFER)
    while w.state == SELECTING:
        w.go(0.1)
        if last(w).type == DISCOVER:
            w.answer(OFFER)
    assert w.now - begun <= 2500
    assert w.answer(ACK) == "bound"


# Which address


@rfc(
    "2131 2 ciaddr-only-with-lease",
    "2131 4.4.1 discover-ciaddr-zero",
    "2131 3.1 discover-suggests-address",
    "1542 3.3 ciaddr-zero",
    "2131 1.6 configuration-after-server-restart",
)
def test_discover_suggests_the_address_that_the_client_had():
    w = World().bound()
    w.go(HOUR)
    assert last(w).type == DISCOVER
    assert last(w).options[50] == IP
    assert last(w).ciaddr == NOBODY


@rfc("2131 3.1 discover-suggests-address")
def test_discover_suggests_the_address_of_a_stored_lease_that_nobody_has_verified():
    w = World().rebooting()
    w.go(20)
    assert last(w).type == DISCOVER
    assert last(w).options[50] == IP


@rfc("2131 3.1 discover-suggests-address")
def test_discover_suggests_nothing_after_a_nak():
    for state in ("requesting", "rebooting", "renewing", "rebinding"):
        w = getattr(World(), state)()
        w.answer(NAK)
        assert last(w).type == DISCOVER
        assert not has(last(w), 50)


# A server that never answers renewals


@rfc("2131 4.4.5 expiry-to-init")
def test_a_lease_that_ran_its_term_is_followed_by_a_discover_at_once():
    # The access point that MicroPython makes of an rp2 answers no REQUEST without option 50.
    w = World().bound()
    for _ in range(12):
        w.go(w.lease.lease_time - w.lease.age - 0.001)
        assert w.lease
        w.go(0.001)
        assert w.lease is None
        assert last(w).type == DISCOVER
        assert last(w).at == w.now
        w.answer(OFFER)
        assert w.answer(ACK) == "bound"


# All at once


@rfc("1542 2.1 size-of-a-reply")
def test_the_least_that_a_server_can_say_gives_a_lease():
    w = World().selecting()
    assert w.hand(message(opt(53, b"\x02"), xid=last(w).xid, htype=0, hlen=0)) == "recv"
    assert w.hand(message(opt(53, b"\x05"), xid=last(w).xid, htype=0, hlen=0)) == "bound"
    assert types(w) == [DISCOVER, REQUEST]
    assert w.lease.ifconfig() == ("10.0.0.5", "255.255.255.0", "0.0.0.0", "0.0.0.0")
    assert w.lease.lease_time == HOUR
