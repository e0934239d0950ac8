"""RFC 2131 4.4, rule by rule: which replies are accepted."""

from kit import rfc
from world import (
    ACK,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    OTHER_SERVER,
    SERVER,
    WAITING,
    World,
    last,
    message,
    moved,
    opt,
    reply,
    u32,
)

FORCERENEW = 9


def refused(state, kind, **fields):
    """Why a client in that state refuses that reply. It must not be moved by it."""
    w = getattr(World(), state)()
    return moved(w, reply(kind, **dict({"xid": last(w).xid}, **fields)))


@rfc(
    "2131 4.4.1 offer-with-another-xid",
    "2131 4.4.2 ack-of-any-server",
    "2131 4.4.5 ack-with-another-xid",
    "2131 4.1 xid-matches",
    "951 7.5 others-discarded",
)
def test_a_reply_to_another_xid_is_refused():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        for i in range(4):
            xid = bytearray(last(w).xid)
            xid[i] ^= 1
            assert moved(w, reply(kind, xid=bytes(xid))) == "xid"


@rfc("951 7.5 others-discarded")
def test_a_reply_for_another_hardware_address_is_refused():
    for state, kind in WAITING:
        for i in range(6):
            chaddr = bytearray(MAC)
            chaddr[i] ^= 1
            assert refused(state, kind, chaddr=bytes(chaddr)) == "chaddr"


class Looked:
    """A datagram that notes how far it is read: `most` is the end of that."""

    def __init__(self, data):
        self.data = data
        self.most = 0

    def startswith(self, what, at=0):
        self.most = max(self.most, at + len(what))
        return self.data.startswith(what, at)


def test_what_is_for_another_costs_a_look_at_34_bytes():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        for fields in ({"op": 1}, {"xid": b"none"}, {"chaddr": b"\x02\0\0\0\0\x02"}):
            data = Looked(reply(kind, **dict({"xid": last(w).xid}, **fields)))
            assert moved(w, data) in fields
            assert data.most <= 34


@rfc("2131 3 op-bootreply")
def test_what_a_client_sent_is_refused():
    for state, kind in WAITING:
        assert refused(state, kind, op=1) == "op"


@rfc("1542 2.1 op-of-a-reply", "951 7.5 others-discarded")
def test_what_is_neither_a_request_nor_a_reply_is_refused():
    for state, kind in WAITING:
        for op in (0, 3, 255):
            assert refused(state, kind, op=op) == "op"


def test_a_reply_without_all_the_fixed_fields_is_refused():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        data = reply(kind, xid=last(w).xid)
        assert moved(w, b"") == "op"
        assert moved(w, data[:7]) == "xid"
        assert moved(w, data[:33]) == "chaddr"
        assert moved(w, data[:34]) == "length"
        assert moved(w, data[:239]) == "length"


def test_a_torn_reply_is_refused_without_a_whole_lease_time():
    for state, kind in WAITING:
        w = getattr(World(), state)()
        start = 240 + 3  # behind option 53
        data = reply(kind, xid=last(w).xid)  # options 53, 54, 51, 1
        for size in range(start + 1, start + 12):
            if size != start + 6:  # there 54 ends: an option is absent, and none is torn
                assert moved(w, data[:size]) == "option"


@rfc(
    "2131 figure5 other-replies",
    "2131 figure5 requesting-offer",
    "2131 figure5 bound-replies",
    "2131 4.4.1 ack-in-selecting",
)
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


@rfc(
    "3203 2.2 multicast",
    "3203 6 authenticated",
    "3203 6 unauthenticated",
    "6704 3 unauthenticated",
)
def test_a_forcerenew_is_refused_in_every_state_signed_or_not():
    # Protocol 3, HMAC-MD5, a counter (RFC 3118 2), type 2 and the hash (RFC 6704 3.1.4)
    signature = opt(90, b"\3\1\0" + bytes(8) + b"\2" + bytes(16))
    for state, _ in WAITING + (("bound", 0),):
        for options in (b"", signature):
            assert refused(state, FORCERENEW, options=options) == "type"


@rfc("1534 3 bootp-reply")
def test_a_bootp_reply_is_refused():
    for state, _ in WAITING:
        w = getattr(World(), state)()
        data = message(opt(54, SERVER) + opt(51, u32(3600)) + b"\xff", xid=last(w).xid)
        assert moved(w, data) == "type"


@rfc("1534 3 dhcp-server-preferred")
def test_an_offer_behind_a_bootp_reply_is_taken():
    w = World().selecting()
    moved(w, message(opt(54, OTHER_SERVER) + opt(51, u32(3600)) + b"\xff", xid=last(w).xid))
    assert w.answer(OFFER) == "recv"
    assert last(w).options[54] == SERVER


@rfc("2132 9.7 offers-told-apart")
def test_a_nak_of_a_server_that_was_not_chosen_is_refused():
    assert refused("requesting", NAK, server=OTHER_SERVER) == "server"


@rfc(
    "2131 3.1 final-check",
    "1122 3.2.1.3 no-broadcast-address-of-its-own",
    "2563 2.2 address-0-ignored",
)
def test_an_address_that_cannot_be_a_hosts_is_refused():
    for state, kind in WAITING:
        for yiaddr in (
            b"\0\0\0\0",
            b"\0\0\0\x05",
            b"\x7f\0\0\x01",
            b"\x7f\xff\xff\xfe",
            b"\xe0\0\0\x01",
            b"\xef\xff\xff\xff",
            b"\xff\xff\xff\xff",
        ):
            if any(yiaddr) or state not in ("renewing", "rebinding"):  # ciaddr's is meant there
                assert refused(state, kind, yiaddr=yiaddr, mask=None) == "yiaddr"


@rfc("2563 2.2 other-offers-count")
def test_an_offer_behind_one_of_no_address_is_taken():
    for auto_configure in (b"\0", b"\1"):
        w = World().selecting()
        nobody = reply(
            OFFER,
            xid=last(w).xid,
            server=OTHER_SERVER,
            yiaddr=NOBODY,
            options=opt(116, auto_configure),
        )
        assert moved(w, nobody) == "yiaddr"
        assert w.answer(OFFER) == "recv"
        assert last(w).options[54] == SERVER


@rfc("2131 3.1 final-check", "1122 3.2.1.3 no-broadcast-address-of-its-own")
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


@rfc("3021 2.1 both-addresses-are-hosts")
def test_every_address_that_may_be_a_hosts_is_accepted():
    for mask, yiaddr in (
        (None, b"\x01\0\0\x01"),
        (None, b"\xdf\xff\xff\xfe"),
        (None, b"\x7e\0\0\x01"),
        (None, b"\x80\0\0\x01"),
        (None, b"\xac\x10\x01\0"),
        (None, b"\xf0\0\0\x01"),  # 240/4 is in use inside large networks
        (None, b"\xff\xff\xff\xfe"),
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


@rfc("2131 4.1 options-field-first", "2132 9.3 overloaded-fields")
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


@rfc("2131 4.4.1 ack-in-selecting")
def test_a_refusal_is_forgotten_with_the_next_reply():
    w = World().selecting()
    w.answer(ACK)
    assert w.session.reason == "type"
    w.answer(OFFER)
    assert not w.session.reason
