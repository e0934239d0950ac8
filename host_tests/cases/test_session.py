"""RFC 2131 4.4, rule by rule, on a virtual clock."""

from kit import raises, rfc
from world import (
    ACK,
    BOUND,
    CLIENT_ID,
    DAY,
    DECLINE,
    DISCOVER,
    INFINITE,
    INIT,
    INIT_REBOOT,
    IP,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    OTHER_SERVER,
    PARAMETERS,
    REBINDING,
    REBOOTING,
    RELEASE,
    RENEWING,
    REQUEST,
    REQUESTING,
    SELECTING,
    SERVER,
    STOPPED,
    WRAP,
    World,
    message,
    opt,
    reply,
    u32,
)

OTHER_IP = b"\x0a\x00\x00\x06"


def low(bits):
    return 0


def high(bits):
    return (1 << bits) - 1


def last(world):
    return world.sent[-1]


def gaps(world):
    """Seconds between what was sent."""
    at = [sent.at for sent in world.sent]
    return [(at[i] - at[i - 1]) / 1000 for i in range(1, len(at))]


def types(world):
    return [sent.type for sent in world.sent]


def has(sent, code):
    return code in sent.options


# INIT and SELECTING


@rfc("2131 4.4.1")
def test_discover_is_broadcast_and_asks_for_nothing():
    w = World().selecting()
    assert types(w) == [DISCOVER]
    sent = last(w)
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.secs == 0
    assert not has(sent, 50)
    assert not has(sent, 54)


@rfc("2131 4.4.1", "2132 9.14", "2132 9.8")
def test_every_message_before_a_lease_has_the_client_identifier_and_the_list():
    w = World().requesting()
    for sent in w.sent:
        assert opt(61, sent.options[61]) == CLIENT_ID
        assert opt(55, sent.options[55]) == PARAMETERS
        assert sent.data[28:44] == MAC + bytes(10)


@rfc("2131 4.4.1")
def test_nothing_is_sent_before_start():
    w = World()
    w.go(1000)
    assert w.state == STOPPED
    assert w.events == []


@rfc("2131 4.4.1")
def test_start_waits_as_long_as_it_is_told():
    w = World()
    w.session.start(wait=7000)
    w.go(6.999)
    assert w.state == INIT
    assert w.sent == []
    w.go(0.001)
    assert types(w) == [DISCOVER]


@rfc("2131 2")
def test_the_broadcast_flag_is_clear_unless_it_is_asked_for():
    assert [sent.flags for sent in World().requesting().sent] == [0, 0]
    assert [sent.flags for sent in World(flags=0x8000).requesting().sent] == [0x8000, 0x8000]


@rfc("2131 4.1")
def test_discover_is_sent_again_after_1_2_4_to_64_seconds():
    w = World(rand=lambda bits: 1 << bits - 1).selecting()
    w.go(300)
    assert [round(gap) for gap in gaps(w)] == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert set(types(w)) == {DISCOVER}


@rfc("2131 4.1")
def test_retransmission_is_randomized_by_half_a_second_to_either_side():
    for rand, fuzz in ((low, -0.5), (high, 0.523)):
        w = World(rand=rand).selecting()
        w.go(200)
        for i, gap in enumerate(gaps(w)):
            assert abs(gap - (1 << min(i, 6)) - fuzz) < 0.002


@rfc("2131 4.1")
def test_discover_is_repeated_with_its_xid_and_with_the_seconds_gone():
    w = World().selecting()
    w.go(60)
    assert len(w.sent) > 5
    for sent in w.sent:
        assert sent.xid == w.sent[0].xid
        assert sent.secs == (sent.at - w.sent[0].at) // 1000


@rfc("2131 2")
def test_secs_stops_at_what_its_field_holds():
    w = World().selecting()
    w.go(65535)
    w.sleep(100)
    assert last(w).secs == 65535


@rfc("2131 4.1")
def test_another_start_has_another_xid():
    xids = {World(now=1).selecting().sent[0].xid}
    w = World()
    for _ in range(20):
        xids.add(w.selecting().sent[-1].xid)
    assert len(xids) == 20


@rfc("2131 4.1")
def test_the_whole_of_an_xid_is_random():
    zeros = World(rand=low).selecting().sent[0].xid
    ones = World(rand=high).selecting().sent[0].xid
    assert (zeros, ones) == (bytes(4), b"\xff\xff\xff\xff")


@rfc("2131 4.4.1")
def test_an_offer_is_taken_up_at_once():
    w = World().selecting()
    assert w.answer(OFFER) == "recv"
    assert w.state == REQUESTING
    assert types(w) == [DISCOVER, REQUEST]
    assert w.lease is None


@rfc("2131 4.3.2", "2131 4.3.6")
def test_request_in_selecting_is_broadcast_and_names_address_and_server():
    sent = last(World().requesting())
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.options[50] == IP
    assert sent.options[54] == SERVER


@rfc("2131 4.4.1", "2131 3.1")
def test_request_in_selecting_has_xid_and_secs_of_its_discover():
    w = World(window_ms=5000).selecting()
    w.go(3)
    w.answer(OFFER)
    discover = last(w)
    w.go(9)
    requests = [sent for sent in w.sent if sent.type == REQUEST]
    assert len(requests) > 1
    assert discover.secs > 0
    for sent in requests:
        assert sent.xid == discover.xid
        assert sent.secs == discover.secs


@rfc("2131 4.4.1")
def test_offers_are_collected_for_as_long_as_it_is_told():
    w = World(window_ms=2000).selecting()
    w.answer(OFFER)
    w.go(1.999)
    assert types(w) == [DISCOVER]
    w.go(0.001)
    assert types(w) == [DISCOVER, REQUEST]


@rfc("2131 4.4.1")
def test_the_window_opens_with_the_first_offer_and_is_not_prolonged():
    w = World(rand=high, window_ms=1000, choose=lambda m, server: True).selecting()
    w.go(1.2)
    w.answer(OFFER)
    w.go(0.6)
    w.answer(OFFER, server=OTHER_SERVER)
    w.go(0.4)
    assert w.state == REQUESTING


@rfc("2131 4.4.1")
def test_of_several_offers_the_first_is_taken_and_named():
    w = World(window_ms=1000).selecting()
    assert w.answer(OFFER) == "recv"
    assert w.answer(OFFER, server=OTHER_SERVER, yiaddr=OTHER_IP) == "ignored"
    assert w.session.reason == "choose"
    w.go(1)
    assert last(w).options[50] == IP
    assert last(w).options[54] == SERVER


@rfc("2131 4.4.1")
def test_the_application_may_choose_another_offer():
    w = World(window_ms=1000, choose=lambda m, server: True).selecting()
    w.answer(OFFER)
    w.answer(OFFER, server=OTHER_SERVER, yiaddr=OTHER_IP)
    w.go(1)
    assert last(w).options[50] == OTHER_IP
    assert last(w).options[54] == OTHER_SERVER


@rfc("2131 4.4.1")
def test_the_application_sees_the_offer_and_the_server_of_the_one_that_it_has():
    seen = []

    def choose(m, server):
        seen.append((m.option(15), server))
        return len(seen) != 2

    w = World(window_ms=1000, choose=choose).selecting()
    assert w.answer(OFFER, options=opt(15, b"one")) == "recv"
    assert w.answer(OFFER, server=OTHER_SERVER, options=opt(15, b"two")) == "ignored"
    assert w.session.reason == "choose"
    assert w.answer(OFFER, server=OTHER_SERVER, options=opt(15, b"three")) == "recv"
    assert seen == [(b"one", None), (b"two", SERVER), (b"three", SERVER)]
    w.go(1)
    assert last(w).options[54] == OTHER_SERVER


@rfc("2131 4.4.1")
def test_the_application_may_refuse_every_offer():
    w = World(choose=lambda m, server: False).selecting()
    assert w.answer(OFFER) == "ignored"
    w.go(4)
    assert w.state == SELECTING
    assert set(types(w)) == {DISCOVER}


@rfc("2131 4.4.1")
def test_an_offer_that_is_late_is_refused():
    w = World().requesting()
    assert w.answer(OFFER, server=OTHER_SERVER) == "ignored"
    assert w.session.reason == "type"
    w.answer(ACK)
    assert w.lease.server == SERVER


# What is accepted


def refused(state, kind, **fields):
    """Why a client in that state refuses that reply. It must not be moved by it."""
    w = getattr(World(), state)()
    return moved(w, reply(kind, **dict({"xid": last(w).xid}, **fields)))


def moved(w, data):
    before = (w.state, w.lease, w.session.wait, w.session.xid, len(w.sent))
    event = w.hand(data)
    assert (w.state, w.lease, w.session.wait, w.session.xid, len(w.sent)) == before
    assert event == "ignored"
    return w.session.reason


WAITING = (
    ("selecting", OFFER),
    ("requesting", ACK),
    ("rebooting", ACK),
    ("renewing", ACK),
    ("rebinding", ACK),
)


@rfc("2131 4.4.1")
def test_a_reply_to_another_xid_is_refused():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        for i in range(4):
            xid = bytearray(last(w).xid)
            xid[i] ^= 1
            assert moved(w, reply(kind, xid=bytes(xid))) == "xid"


@rfc("2131 2")
def test_a_reply_for_another_hardware_address_is_refused():
    for state, kind in WAITING:
        for i in range(6):
            chaddr = bytearray(MAC)
            chaddr[i] ^= 1
            assert refused(state, kind, chaddr=bytes(chaddr)) == "chaddr"


@rfc("2131 2")
def test_what_a_client_sent_is_refused():
    for state, kind in WAITING:
        assert refused(state, kind, op=1) == "htype"


@rfc("2131 2")
def test_a_reply_for_another_kind_of_hardware_is_refused():
    for state, kind in WAITING:
        assert refused(state, kind, htype=6) == "htype"
        assert refused(state, kind, hlen=16) == "htype"


@rfc("2131 3")
def test_a_reply_without_the_cookie_is_refused():
    for state, kind in WAITING:
        assert refused(state, kind, cookie=b"abcd") == "cookie"


@rfc("2131 4.1")
def test_a_malformed_reply_is_refused():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        data = reply(kind, xid=last(w).xid)
        assert moved(w, b"") == "length"
        assert moved(w, data[:239]) == "length"
        assert moved(w, data[:-3]) == "option"


@rfc("2131 4.4")
def test_each_state_is_told_only_what_figure_5_has_there():
    told = {
        "selecting": (OFFER,),
        "requesting": (ACK, NAK),
        "rebooting": (ACK, NAK),
        "bound": (),
        "renewing": (ACK, NAK),
        "rebinding": (ACK, NAK),
    }
    for state in told:
        for kind in list(range(20)) + [127, 128, 255]:
            w = getattr(World(), state)()
            data = reply(kind, xid=last(w).xid)
            if kind in told[state]:
                assert w.hand(data) != "ignored"
            else:
                assert moved(w, data) == "type"


@rfc("2131 3")
def test_a_bootp_reply_is_refused():
    for state, _ in WAITING:
        w = getattr(World(), state)()
        data = message(opt(54, SERVER) + opt(51, u32(3600)) + b"\xff", xid=last(w).xid)
        assert moved(w, data) == "type"


@rfc("2131 4.4.1")
def test_an_offer_without_a_server_identifier_is_refused():
    assert refused("selecting", OFFER, server=None) == "server"
    assert refused("selecting", OFFER, server=None, options=opt(54, b"\x0a\0\0")) == "server"


@rfc("2131 3.1")
def test_an_ack_of_a_server_that_was_not_chosen_is_refused():
    assert refused("requesting", ACK, server=OTHER_SERVER) == "server"
    assert refused("requesting", ACK, server=None) == "server"


@rfc("2131 3.1")
def test_a_nak_of_a_server_that_was_not_chosen_is_refused():
    assert refused("requesting", NAK, server=OTHER_SERVER) == "server"
    assert refused("requesting", NAK, server=None) == "server"


@rfc("2131 4.3.1")
def test_an_ack_without_a_server_identifier_is_refused():
    w = World().requesting()
    assert w.hand(reply(ACK, xid=last(w).xid, server=None)) == "ignored"


@rfc("2131 4.3.1")
def test_a_lease_without_a_time_is_refused():
    for state, kind in WAITING:
        assert refused(state, kind, lease=None) == "lease_time"
        assert refused(state, kind, lease=None, options=opt(51, b"\0\0\x0e")) == "lease_time"
        assert refused(state, kind, lease=None, options=opt(51, b"\0\0\0\x0e\x10")) == "lease_time"


@rfc("2131 4.3.1")
def test_a_lease_of_no_time_is_refused():
    for state, kind in WAITING:
        assert refused(state, kind, lease=0) == "lease_time"


@rfc("2131 4.4.1")
def test_an_address_that_cannot_be_a_hosts_is_refused():
    for state, kind in WAITING:
        for yiaddr in (
            b"\0\0\0\0",
            b"\0\0\0\x05",
            b"\x7f\0\0\x01",
            b"\x7f\xff\xff\xfe",
            b"\xe0\0\0\x01",
            b"\xef\xff\xff\xff",
            b"\xf0\0\0\x01",
            b"\xff\xff\xff\xff",
        ):
            assert refused(state, kind, yiaddr=yiaddr, mask=None) == "yiaddr"


@rfc("1122 3.2.1.3")
def test_the_address_of_a_network_or_of_its_broadcast_is_refused():
    for state, kind in WAITING:
        for mask, yiaddr in (
            (b"\xff\xff\xff\0", b"\x0a\0\0\0"),
            (b"\xff\xff\xff\0", b"\x0a\0\0\xff"),
            (b"\xff\0\0\0", b"\x0a\0\0\0"),
            (b"\xff\0\0\0", b"\x0a\xff\xff\xff"),
            (b"\xff\xff\0\0", b"\xac\x10\0\0"),
            (b"\xff\xff\0\0", b"\xac\x10\xff\xff"),
            (b"\xff\xff\xff\xfc", b"\xc0\0\x02\x04"),
            (b"\xff\xff\xff\xfc", b"\xc0\0\x02\x07"),
        ):
            assert refused(state, kind, yiaddr=yiaddr, mask=mask) == "yiaddr"


@rfc("2131 4.4.1", "3021 2.1")
def test_every_address_that_may_be_a_hosts_is_accepted():
    for mask, yiaddr in (
        (None, b"\x01\0\0\x01"),
        (None, b"\xdf\xff\xff\xfe"),
        (None, b"\x7e\0\0\x01"),
        (None, b"\x80\0\0\x01"),
        (None, b"\xac\x10\x01\0"),
        (b"\xff\0\0\0", b"\x0a\x01\0\0"),
        (b"\xff\0\0\0", b"\x0a\xfe\xff\xff"),
        (b"\xff\xff\0\0", b"\xac\x10\x01\0"),
        (b"\xff\xff\0\0", b"\xac\x10\0\xff"),
        (b"\xff\xff\xff\xfc", b"\xc0\0\x02\x05"),
        (b"\xff\xff\xff\xfe", b"\xc0\0\x02\x04"),
        (b"\xff\xff\xff\xfe", b"\xc0\0\x02\x05"),
        (b"\xff\xff\xff\xff", b"\xc0\0\x02\x04"),
    ):
        assert World().bound(yiaddr=yiaddr, mask=mask).lease.yiaddr == yiaddr


@rfc("3396 7")
def test_a_lease_time_in_pieces_is_none():
    assert (
        refused("selecting", OFFER, lease=None, options=opt(51, b"\0\0") + opt(51, b"\x0e\x10"))
        == "lease_time"
    )


@rfc("3396 7")
def test_a_server_identifier_that_comes_twice_is_none():
    assert refused("requesting", ACK, options=opt(54, SERVER)) == "server"


@rfc("2131 4.1")
def test_a_reply_is_read_through_overload():
    w = World().selecting()
    data = message(
        opt(52, b"\x03") + opt(53, b"\x02") + b"\xff",
        xid=last(w).xid,
        file=opt(54, SERVER) + opt(51, u32(3600)),
        sname=opt(1, b"\xff\xff\xff\0"),
    )
    assert w.hand(data) == "recv"
    assert last(w).options[54] == SERVER


@rfc("2131 4.4.1")
def test_a_refusal_is_forgotten_with_the_next_reply():
    w = World().selecting()
    w.answer(ACK)
    assert w.session.reason == "type"
    w.answer(OFFER)
    assert not w.session.reason


# REQUESTING


@rfc("2131 3.1")
def test_request_is_sent_four_times_then_it_starts_over():
    w = World(rand=lambda bits: 1 << bits - 1).requesting()
    first = last(w).xid
    w.go(14.9)
    assert types(w) == [DISCOVER] + 4 * [REQUEST]
    assert [round(gap) for gap in gaps(w)] == [0, 1, 2, 4]
    w.session.rand = w.random
    w.go(0.2)
    assert "timeout" in [event for _, event in w.events]
    assert types(w) == [DISCOVER] + 4 * [REQUEST] + [DISCOVER]
    assert last(w).xid != first
    assert last(w).secs == 0


@rfc("2131 3.1")
def test_request_is_repeated_as_it_was():
    w = World().requesting()
    w.go(8)
    requests = w.sent[1:]
    assert len(requests) > 2
    for sent in requests:
        assert sent.data == requests[0].data


@rfc("2131 3.1", "2131 4.4.1")
def test_an_ack_gives_the_lease():
    w = World().requesting()
    assert w.answer(ACK, options=opt(15, b"example")) == "bound"
    assert w.state == BOUND
    assert w.lease.ip == "10.0.0.5"
    assert w.lease.server == SERVER
    assert w.lease.option(15) == b"example"


@rfc("2131 4.4.1")
def test_a_lease_runs_from_the_first_sending_of_its_request():
    w = World().requesting()
    first = last(w).at
    w.go(6)
    assert len(w.sent) > 3
    w.answer(ACK, lease=3600)
    assert w.lease.remaining() == 3594
    w.go((first - w.now) / 1000 + 3599.9)
    assert w.lease
    w.go(0.1)
    assert w.lease is None


@rfc("2131 4.4.1")
def test_what_remains_is_right_at_the_moment_of_the_ack():
    w = World().requesting()
    w.go(6)
    data = reply(ACK, xid=last(w).xid)
    w.session.read(data)
    assert w.lease.remaining() == 3594


@rfc("2131 3.1")
def test_a_nak_in_requesting_starts_over():
    w = World().requesting()
    first = last(w).xid
    assert w.answer(NAK) == "nak"
    assert types(w) == [DISCOVER, REQUEST, DISCOVER]
    assert last(w).xid != first
    assert last(w).secs == 0


# INIT-REBOOT and REBOOTING


@rfc("2131 4.3.2", "2131 4.3.6")
def test_request_in_init_reboot_is_broadcast_and_names_the_address_alone():
    w = World()
    w.session.start(lease=w.bound().lease)
    assert w.state == INIT_REBOOT
    w.poll()
    sent = last(w)
    assert sent.type == REQUEST
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.options[50] == IP
    assert not has(sent, 54)
    assert sent.secs == 0
    assert sent.xid != w.sent[-2].xid


@rfc("2131 3.2")
def test_a_lease_that_is_being_verified_is_none_yet():
    w = World().rebooting()
    assert w.lease is None


@rfc("2131 3.2")
def test_an_ack_in_rebooting_verifies_the_lease():
    w = World().rebooting()
    assert w.answer(ACK, lease=7200) == "rebooted"
    assert w.state == BOUND
    assert w.lease.remaining() == 7200


@rfc("2131 3.2")
def test_a_verified_lease_runs_from_the_first_request():
    w = World(rand=high).rebooting()
    w.go(2)
    assert types(w)[-1] == REQUEST
    w.answer(ACK, lease=3600)
    assert w.lease.remaining() == 3598


@rfc("2131 3.2")
def test_another_server_may_verify_the_lease():
    w = World().rebooting()
    assert w.answer(ACK, server=OTHER_SERVER) == "rebooted"
    w.go(w.lease.t1)
    assert last(w).to == OTHER_SERVER


@rfc("2131 3.2")
def test_a_nak_in_rebooting_goes_to_init_at_once():
    w = World().rebooting()
    assert w.answer(NAK, server=OTHER_SERVER) == "nak"
    assert types(w)[-1] == DISCOVER
    assert not has(last(w), 50)
    assert w.lease is None


@rfc("2131 3.2")
def test_silence_in_rebooting_goes_to_init():
    w = World().rebooting()
    first = last(w)
    w.go(10)
    assert "timeout" in [event for _, event in w.events]
    after = [sent for sent in w.sent if sent.at > first.at]
    assert after[-1].type == DISCOVER
    for sent in after:
        assert (sent.type == DISCOVER) == (sent.xid != first.xid)
    assert w.state == SELECTING


@rfc("2131 4.1")
def test_silence_in_rebooting_is_not_awaited_for_long():
    w = World(rand=high).rebooting()
    start = w.now
    w.go(10)
    discover = next(sent for sent in w.sent if sent.type == DISCOVER and sent.at > start)
    assert 0.5 <= (discover.at - start) / 1000 <= 5


@rfc("2131 3.2")
def test_a_lease_of_a_known_age_is_used_without_a_packet():
    w = World()
    lease = w.bound().lease
    count = len(w.sent)
    lease.age = 1000
    w.session.start(lease=lease, reuse=True)
    assert w.lease is lease
    assert w.lease.remaining() == 2600
    w.poll()
    assert w.state == BOUND
    w.go(lease.t1 - 1001)
    assert len(w.sent) == count
    w.go(1)
    assert w.state == RENEWING
    assert last(w).ciaddr == IP
    assert last(w).to == SERVER


@rfc("2131 4.4.5")
def test_a_lease_of_an_age_past_t2_is_rebound_at_once():
    w = World()
    lease = w.bound().lease
    lease.age = 3500
    w.session.start(lease=lease, reuse=True)
    w.poll()
    assert w.state == REBINDING
    assert w.lease is lease


@rfc("2131 3.2")
def test_a_lease_of_an_age_past_its_end_or_before_its_beginning_is_verified():
    for age in (-5, 3600, 1 << 29):
        w = World()
        lease = w.bound().lease
        lease.age = age
        w.session.start(lease=lease, reuse=True)
        w.poll()
        assert w.state == REBOOTING
        assert w.lease is None


# BOUND


@rfc("2131 4.4.5")
def test_a_bound_client_is_silent_until_t1():
    w = World().bound(lease=3600, t1=600)
    w.go(599.9)
    assert w.state == BOUND
    assert len(w.sent) == 2
    w.go(0.1)
    assert w.state == RENEWING
    assert len(w.sent) == 3


@rfc("2131 4.4.1")
def test_a_second_ack_is_refused():
    w = World().bound()
    assert moved(w, reply(ACK, xid=last(w).xid)) == "type"


@rfc("2131 4.4.1")
def test_a_nak_that_nobody_asked_for_is_refused():
    w = World().bound()
    assert moved(w, reply(NAK, xid=last(w).xid)) == "type"


# RENEWING and REBINDING


@rfc("2131 4.3.2", "2131 4.3.6", "2131 4.4.5")
def test_request_in_renewing_is_unicast_and_has_its_address_in_ciaddr():
    w = World().renewing()
    sent = last(w)
    assert sent.type == REQUEST
    assert sent.to == SERVER
    assert sent.ciaddr == IP
    assert not has(sent, 50)
    assert not has(sent, 54)
    assert sent.secs == 0


@rfc("2131 4.3.2", "2131 4.3.6", "2131 4.4.5")
def test_request_in_rebinding_is_broadcast_and_names_no_server():
    w = World().rebinding()
    sent = last(w)
    assert sent.type == REQUEST
    assert sent.to is None
    assert sent.ciaddr == IP
    assert not has(sent, 50)
    assert not has(sent, 54)


@rfc("2131 4.4.5")
def test_each_renewal_has_an_xid_of_its_own():
    w = World().renewing()
    w.go(1300)
    xids = [sent.xid for sent in w.sent[1:]]
    assert len(xids) > 3
    assert len(set(xids)) == len(xids)


@rfc("2131 2")
def test_secs_of_a_renewal_count_from_t1():
    w = World().renewing()
    begin = last(w).at
    w.go(1700)
    assert w.state == REBINDING
    for sent in w.sent[2:]:
        assert sent.secs == (sent.at - begin) // 1000


@rfc("2131 4.4.5")
def test_clients_of_one_server_do_not_renew_at_one_moment():
    assert World(rand=high).bound().lease.t1 < World(rand=low).bound().lease.t1 == 1800


@rfc("2131 4.4.5")
def test_in_renewing_half_the_time_to_t2_is_waited_but_a_minute_at_least():
    w = World().bound(lease=4000, t1=1000, t2=3000)
    w.go(2999)
    at = [sent.at // 1000 for sent in w.sent[2:]]
    assert at == [1000, 2000, 2500, 2750, 2875, 2937, 2997]
    assert w.state == RENEWING


@rfc("2131 4.4.5")
def test_in_rebinding_half_the_time_to_the_end_is_waited_but_a_minute_at_least():
    w = World().rebinding(lease=4000, t1=1000, t2=3000)
    w.go(999.9)
    at = [sent.at // 1000 for sent in w.sent[2:]]
    assert at == [3000, 3500, 3750, 3875, 3937, 3997]
    assert w.state == REBINDING


@rfc("2131 4.4.5")
def test_a_minute_does_not_overshoot_t2():
    w = World().bound(lease=400, t1=100, t2=130)
    w.go(130)
    assert [sent.at // 1000 for sent in w.sent[2:]] == [100, 130]
    assert w.state == REBINDING


@rfc("2131 4.4.5")
def test_a_minute_does_not_overshoot_the_end():
    w = World().bound(lease=400, t1=100, t2=390)
    w.go(399.9)
    assert w.state == REBINDING
    w.go(0.1)
    assert w.lease is None
    assert (400000, "expired") in w.events


@rfc("2131 4.4.5")
def test_a_renewal_begins_a_new_lease():
    w = World().renewing(lease=3600)
    old = w.lease
    begin = last(w).at
    w.go(0.5)
    assert w.answer(ACK, lease=7200) == "renewed"
    assert w.state == BOUND
    assert w.lease is not old
    assert w.lease.remaining() == 7200
    w.go((begin - w.now) / 1000 + 7199.9)
    assert w.lease
    w.go(0.1)
    assert w.lease is None


@rfc("2131 4.4.5")
def test_a_renewal_runs_from_the_request_that_was_answered():
    w = World().bound(lease=4000, t1=1000, t2=3000)
    w.go(2010)
    assert last(w).at == 2000000
    w.answer(ACK, lease=4000)
    assert w.lease.remaining() == 3990


@rfc("2131 4.4.5")
def test_an_ack_to_an_earlier_renewal_is_refused():
    w = World().bound(lease=4000, t1=1000, t2=3000)
    w.go(2010)
    assert moved(w, reply(ACK, xid=w.sent[-2].xid)) == "xid"


@rfc("2131 4.4.5")
def test_another_server_may_take_over_in_rebinding():
    w = World().rebinding()
    assert w.answer(ACK, server=OTHER_SERVER) == "rebound"
    assert w.lease.server == OTHER_SERVER
    w.go(w.lease.t1)
    assert last(w).to == OTHER_SERVER


@rfc("2131 4.4.5")
def test_a_renewal_may_change_the_address():
    w = World().renewing()
    w.answer(ACK, yiaddr=OTHER_IP)
    assert w.lease.yiaddr == OTHER_IP
    w.go(w.lease.t1)
    assert last(w).ciaddr == OTHER_IP


@rfc("2131 4.4.5")
def test_a_nak_to_a_renewal_ends_the_lease_at_once():
    for state in ("renewing", "rebinding"):
        w = getattr(World(), state)()
        assert w.answer(NAK, server=OTHER_SERVER) == "nak"
        assert w.lease is None
        assert w.state == SELECTING
        assert last(w).type == DISCOVER
        assert last(w).ciaddr == NOBODY
        assert last(w).secs == 0


@rfc("2131 4.4.5")
def test_a_lease_ends_in_silence_at_its_end():
    w = World().bound()
    w.go(3599.999)
    assert w.lease
    w.go(0.001)
    assert w.lease is None
    assert w.events[-2:] == [(3600000, "expired"), (3600000, "send")]
    assert last(w).type == DISCOVER
    assert last(w).secs == 0


# Late polls


@rfc("2131 4.4.5")
def test_a_poll_after_t2_skips_renewing():
    w = World().bound()
    w.sleep(3200)
    assert w.state == REBINDING
    assert len(w.sent) == 3


@rfc("2131 4.4.5")
def test_a_poll_after_the_end_finds_it_expired_and_renews_nothing():
    w = World().bound()
    w.sleep(4000)
    assert w.events[-2:] == [(4000000, "expired"), (4000000, "send")]
    assert last(w).type == DISCOVER


@rfc("2131 4.4.5")
def test_a_poll_one_second_before_the_end_rebinds():
    w = World().bound()
    w.sleep(3599)
    assert w.state == REBINDING
    w.answer(ACK)
    assert w.lease.remaining() == 3600


@rfc("2131 4.4.5")
def test_a_day_without_a_poll_while_selecting_is_one_discover():
    w = World().selecting()
    w.sleep(DAY)
    assert types(w) == [DISCOVER, DISCOVER]


# Time


def begun(now, **ack):
    """A world that has been bound at `now` ms, and its lease."""
    w = World(now=now).bound(**ack)
    return w, w.lease


@rfc("2131 3.3")
def test_leases_of_days_are_renewed_rebound_and_end_on_their_seconds():
    for days in (6, 25, 49, 400):
        for now in (0, WRAP - 1000, WRAP // 2):
            w, lease = begun(now, lease=days * DAY, t1=days * DAY // 2, t2=days * DAY * 7 // 8)
            w.go(lease.t1 - 0.001)
            assert w.state == BOUND
            w.go(0.001)
            assert w.state == RENEWING
            w.go(lease.t2 - lease.t1 - 0.001)
            assert w.state == RENEWING
            w.go(0.001)
            assert w.state == REBINDING
            w.go(days * DAY - lease.t2 - 0.001)
            assert w.lease is lease
            w.go(0.001)
            assert w.lease is None


@rfc("2131 3.3")
def test_leases_of_days_survive_polls_that_are_days_apart():
    for days in (6, 25, 49):
        for apart in (1, 5, 11, 12.4):
            w, lease = begun(WRAP - 5, lease=days * DAY)
            elapsed = apart
            while elapsed < days:
                w.sleep(apart * DAY)
                assert w.lease is lease
                assert lease.age == int(elapsed * DAY)
                elapsed += apart
            w.sleep(apart * DAY)
            assert w.lease is None


@rfc("2131 3.3")
def test_an_infinite_lease_is_never_renewed():
    w, lease = begun(WRAP - 5, lease=INFINITE, t1=100, t2=200)
    for _ in range(100):
        w.sleep(12 * DAY)
    assert w.state == BOUND
    assert w.lease is lease
    assert len(w.sent) == 2


@rfc("2131 3.3")
def test_a_client_is_called_again_within_a_day():
    w, _ = begun(0, lease=INFINITE)
    assert w.session.wait == DAY * 1000
    w.go(10 * DAY)
    assert w.session.wait == DAY * 1000


@rfc("2131 4.4.5")
def test_parts_of_seconds_are_not_lost():
    w, _ = begun(0, lease=36000, t1=18000)
    for _ in range(17):
        w.sleep(999.999)
    w.go(18000 - 17 * 999.999 - 0.5)
    assert w.state == BOUND
    w.go(0.5)
    assert w.state == RENEWING


@rfc("2131 4.4.5")
def test_the_clock_may_wrap_at_every_step():
    for early in (0, 1, 2, 500, 1499):
        w = World(now=WRAP - early).selecting()
        w.go(0.001)
        w.answer(OFFER)
        w.go(1.5)
        w.answer(ACK, lease=100, t1=50, t2=80)
        assert w.lease.remaining() in (98, 99)
        w.go(40)
        assert w.state == BOUND
        w.go(20)
        assert w.state == RENEWING


# Rates


def packets(w, seconds, answers, **fields):
    """How many packets a client sends in that time to a server with an answer for each state."""
    begin = len(w.sent)
    done = begin
    end = w.now + seconds * 1000
    while w.now < end:
        w.poll()
        while done < len(w.sent):
            done = len(w.sent)
            if w.state in answers:
                w.answer(answers[w.state], **fields)
        w.now += min(w.session.wait, end - w.now)
    return done - begin


@rfc("2131 3.1")
def test_a_server_that_naks_each_request_is_asked_ever_less_often():
    w = World()
    w.session.start()
    assert packets(w, 60, {SELECTING: OFFER, REQUESTING: NAK}) <= 16
    assert packets(w, 3600, {SELECTING: OFFER, REQUESTING: NAK}) <= 2 * 3600 // 60 + 10


@rfc("2131 3.1")
def test_leases_of_a_second_are_asked_for_ever_less_often():
    w = World()
    w.session.start()
    assert packets(w, 60, {SELECTING: OFFER, REQUESTING: ACK}, lease=1) <= 20
    assert packets(w, 3600, {SELECTING: OFFER, REQUESTING: ACK}, lease=1) <= 3 * 3600 // 60 + 10


@rfc("2131 3.1")
def test_a_server_that_grants_and_then_naks_each_renewal_is_asked_ever_less_often():
    w = World()
    w.session.start()
    answers = {SELECTING: OFFER, REQUESTING: ACK, RENEWING: NAK, REBINDING: NAK}
    assert packets(w, 60, answers, t1=1) <= 24
    assert packets(w, 3600, answers, t1=1) <= 3 * 3600 // 60 + 10


@rfc("2131 3.1")
def test_a_server_that_never_acknowledges_is_asked_ever_less_often():
    w = World()
    w.session.start()
    assert packets(w, 3600, {SELECTING: OFFER}) <= 5 * 3600 // 60


@rfc("2131 3.1")
def test_a_renewal_ends_a_row_of_failures():
    w = World()
    w.session.start()
    packets(w, 600, {SELECTING: OFFER, REQUESTING: NAK})
    while w.state != SELECTING:
        w.go(1)
    w.answer(OFFER)
    assert w.answer(ACK) == "bound"
    w.go(w.lease.t1)
    assert w.answer(ACK) == "renewed"
    w.go(w.lease.t1)
    assert w.answer(NAK) == "nak"
    assert w.state == SELECTING


# RELEASE and DECLINE


@rfc("2131 4.4.4", "2131 4.4.6")
def test_release_is_unicast_and_names_address_and_server():
    w = World().bound()
    w.go(100)
    sent = w.write(RELEASE)
    assert sent.type == RELEASE
    assert sent.to == SERVER
    assert sent.ciaddr == IP
    assert sent.secs == sent.flags == 0
    assert sorted(sent.options) == [53, 54, 61]
    assert sent.options[54] == SERVER


@rfc("2131 4.4.6")
def test_release_goes_to_the_server_of_a_restored_lease():
    w = World()
    lease = w.bound().lease
    lease.age = 10
    w.session.start(lease=lease, reuse=True)
    w.poll()
    assert w.write(RELEASE).to == SERVER


@rfc("2131 4.4.6")
def test_after_release_nothing_is_sent_any_more():
    w = World().bound()
    w.write(RELEASE)
    w.session.stop()
    assert w.lease is None
    w.go(2 * DAY)
    assert len(w.sent) == 2
    assert w.state == STOPPED


@rfc("2131 4.4.4", "2131 3.1")
def test_decline_is_broadcast_and_names_address_and_server():
    w = World().bound()
    w.session.start()
    sent = w.write(DECLINE)
    assert sent.type == DECLINE
    assert sent.to is None
    assert sent.ciaddr == NOBODY
    assert sent.secs == sent.flags == 0
    assert sorted(sent.options) == [50, 53, 54, 61]
    assert sent.options[50] == IP
    assert sent.options[54] == SERVER


@rfc("2131 3.1")
def test_after_decline_ten_seconds_may_be_waited():
    w = World().bound()
    w.session.start(10000)
    w.write(DECLINE)
    assert w.lease is None
    w.go(9.999)
    assert len(w.sent) == 2
    w.go(0.001)
    assert last(w).type == DISCOVER


# The application's mistakes, and stop


@rfc("2131 2")
def test_options_that_do_not_fit_in_a_message_are_refused():
    fits = 548 - 255 - len(CLIENT_ID) - 1
    World(options=opt(12, bytes(255)) + opt(60, bytes(fits - 259))).requesting()
    wrong = raises(
        ValueError, lambda: World(options=opt(12, bytes(255)) + opt(60, bytes(fits - 258)))
    )
    assert "options" in wrong


@rfc("2131 4.4")
def test_a_stopped_client_hears_nothing():
    w = World().renewing()
    w.session.stop()
    assert w.state == STOPPED
    assert w.lease is None
    assert w.answer(ACK) == "ignored"
    assert w.answer(NAK) == "ignored"
    assert w.lease is None


@rfc("2131 4.4.1")
def test_a_stopped_client_may_start_again():
    w = World().bound()
    w.session.stop()
    w.go(1000)
    w.selecting()
    assert last(w).type == DISCOVER
    assert last(w).secs == 0
    w.go(30)
    assert last(w).secs > 0
