"""What is done for each message, or when there is nothing to do, takes nothing from the heap."""

from dhcpc import Message
from kit import allocated, without_heap
from world import (
    ACK,
    BOUND,
    DECLINE,
    INFINITE,
    MAC,
    OFFER,
    REBINDING,
    RELEASE,
    RENEWING,
    REQUESTING,
    SELECTING,
    XID,
    World,
    big_ack,
    message,
    opt,
    reply,
    ticks,
)

VMS = ("vm64", "vm32")

WRAP_LESS_1 = 0x3FFFFFFF  # the greatest small integer of a board


def nothing(f):
    """f() takes nothing from the heap, the first time and the second, garbage included."""
    f()
    assert allocated(f) == 0
    return without_heap(f)


def test_the_ack_has_331_bytes_and_13_options():
    data = big_ack(b"abcd")
    m = Message()
    assert m.read(data) is None
    assert len(data) == 331
    assert len([code for code in range(256) if m.option(code) is not None]) == 13


def test_reading_an_ack_takes_no_heap():
    data = big_ack(b"abcd")
    m = Message()
    assert nothing(lambda: m.read(data)) is None


def test_reading_through_overload_takes_no_heap():
    data = reply(ACK, options=opt(52, b"\x03"), file=opt(12, b"file"), sname=opt(15, b"sname"))
    m = Message()
    assert nothing(lambda: m.read(data)) is None
    assert nothing(lambda: m.find(12, 4)) == 110


def test_finding_an_option_takes_no_heap():
    data = big_ack(b"abcd")
    m = Message()
    m.read(data)
    assert nothing(lambda: m.find(54, 4)) == 240 + 3 + 2
    assert nothing(lambda: m.find(77, 4)) == 0


def test_building_a_message_takes_no_heap():
    for state in ("selecting", "requesting", "rebooting", "renewing", "rebinding"):
        w = getattr(World(), state)()
        s = w.session
        buf = w.buf
        assert nothing(lambda: s.write(buf, 0)) >= 300  # noqa: B023


def test_building_release_and_decline_takes_no_heap():
    w = World().bound()
    s = w.session
    buf = w.buf
    for form in (RELEASE, DECLINE):
        assert nothing(lambda: s.write(buf, form)) == 300  # noqa: B023


def assert_idle_takes_no_heap(w, step):
    """A poll that finds nothing to do takes no heap."""
    s = w.session
    now = ticks(w.now)

    def tick():
        nonlocal now
        now = now - WRAP_LESS_1 - 1 + step if now > WRAP_LESS_1 - step else now + step
        assert s.step(now) is None

    nothing(tick)


def test_an_idle_tick_takes_no_heap():
    assert_idle_takes_no_heap(World(), 50)
    for state, number in (
        ("selecting", SELECTING),
        ("requesting", REQUESTING),
        ("bound", BOUND),
        ("renewing", RENEWING),
        ("rebinding", REBINDING),
    ):
        w = getattr(World(now=1 << 29), state)()
        assert_idle_takes_no_heap(w, 50)
        assert w.state == number


def test_an_idle_tick_after_a_day_takes_no_heap():
    assert_idle_takes_no_heap(World(now=(1 << 30) - 5).bound(lease=INFINITE), 86400000)
    assert_idle_takes_no_heap(World(now=(1 << 30) - 5).bound(lease=49 * 86400), 86400000)


def test_a_reply_for_another_takes_no_heap():
    # Each broadcast reply to any client comes by here.
    w = World().bound()
    data = big_ack(b"abcd")
    s = w.session
    assert nothing(lambda: s.read(data)) == "ignored"
    assert s.reason == "xid"


def spiteful(xid=XID, chaddr=MAC, op=2):
    """A datagram of 1 KB whose options all come in two pieces."""
    pieces = b"".join([bytes((code, 1, 65)) for code in range(60, 190)] * 2)
    return message(pieces + b"\xff", xid=xid, chaddr=chaddr, op=op)


def test_a_datagram_of_1_kb_for_another_takes_no_heap():
    w = World().selecting()
    s = w.session
    for data, word in (
        (spiteful(), "xid"),
        (spiteful(xid=s.xid, op=1), "op"),
        (spiteful(xid=s.xid, chaddr=b"\x02\0\0\0\0\x02"), "chaddr"),
    ):
        assert len(data) > 1000
        assert nothing(lambda: s.read(data)) == "ignored"  # noqa: B023
        assert s.reason == word


def test_an_accepted_ack_takes_2048_bytes_at_most():
    w = World()
    for _ in range(2):
        w.session.start()
        w.poll()
        assert w.answer(OFFER) == "recv"
        data = big_ack(w.sent[-1].xid)
        took = allocated(lambda: w.session.read(data))  # noqa: B023
        assert w.state == BOUND
    print("an accepted ACK:", took)
    assert took <= 2048
