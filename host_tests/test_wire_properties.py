"""The codec against a reader of options written from the RFCs alone, and against scapy."""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from types import SimpleNamespace

from hypothesis import example, given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP

import world
from dhcpc import Lease, Message, build, client, inform, option
from reader import Options, fields_of, joined, options_of, read, single
from world import ACK, COOKIE, NAK, OFFER, World, message, opt, reply

MAX_SIZE = 548  # what every server takes: RFC 2131 2
ROOM = 570  # of the buffer

CODES = [code for code in range(1, 255) if code != 52]
READABLE = (None, "option")  # a torn option leaves the whole ones
STATES = ["selecting", "requesting", "rebooting", "bound", "renewing", "rebinding"]


def firmware_reads(data: bytes | bytearray) -> object:
    m = Message()
    wrong = m.read(data)
    if wrong not in READABLE:
        return {}, wrong
    values = {code: m.option(code) for code in range(256)}
    found, _ = options_of(bytes(data))
    for code in values:
        for size in (1, 4):
            at = m.find(code, size)
            assert (bytes(m.buf[at : at + size]) if at else None) == single(found, code, size)
    return {code: value for code, value in values.items() if value is not None}, wrong


# Any bytes


@settings(max_examples=300)
@given(st.binary(max_size=400), st.binary(max_size=64), st.binary(max_size=128))
@example(b"\x34\x01\x01\xff", b"", b"\x34\x01\x02\x0c\x01a")
@example(b"\x34\x00\x34\x01\x01\xff", b"", b"\x0c\x01a")
@example(b"\x0c\x01a\x0c\x09b", b"", b"")
def test_any_options_field_reads_as_the_rfcs_say(
    options: bytes, sname: bytes, file: bytes
) -> None:
    data = message(options, sname=sname, file=file)
    assert firmware_reads(data) == read(data)
    assert firmware_reads(bytearray(data)) == read(data)


# Rather options than not, of few codes: pieces and overruns are common
_option_like = st.lists(
    st.one_of(
        st.sampled_from([b"\x00", b"\xff", b"\x34\x01\x01", b"\x34\x01\x02", b"\x34\x01\x03"]),
        st.builds(
            lambda code, value, off: bytes([code, max(0, len(value) + off)]) + value,
            st.sampled_from([1, 12, 51, 53, 54, 254]),
            st.binary(max_size=6),
            st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1, 200]),
        ),
    ),
    max_size=14,
).map(b"".join)


@settings(max_examples=400)
@given(_option_like, _option_like, _option_like)
def test_what_looks_like_options_reads_as_the_rfcs_say(
    options: bytes, sname: bytes, file: bytes
) -> None:
    data = message(options, sname=sname[:64], file=file[:128])
    assert firmware_reads(data) == read(data)


@settings(max_examples=100)
@given(st.binary(max_size=300))
@example(bytes(236) + b"moon\x0c\x01a")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert firmware_reads(data) == read(data)


# What was written is what is read


@st.composite
def spread(draw: st.DrawFn) -> tuple[dict[int, bytes], bytes]:
    """Some options, and a message that has them in pieces over its fields, with pad between."""
    values = draw(st.dictionaries(st.sampled_from(CODES), st.binary(max_size=40), max_size=8))
    values.update(draw(st.dictionaries(st.just(121), st.binary(min_size=256, max_size=600))))
    overload = draw(st.integers(0, 3))
    fields = {0: b"", 1: b"", 2: b""}
    room = {0: 5000, 1: 128 if overload & 1 else 0, 2: 64 if overload & 2 else 0}
    where = dict.fromkeys(values, 0)
    rest = dict(values)
    codes = [c for c in rest for _ in range(3)]
    for code in draw(st.permutations(codes)) if codes else []:
        # A piece goes no further to the front than the pieces before it (RFC 3396 5).
        field = where[code] = draw(st.integers(where[code], 2))
        piece = draw(st.integers(0, min(255, len(rest[code]))))
        pad = draw(st.integers(0, 2))
        if len(fields[field]) + pad + 2 + piece <= room[field]:
            fields[field] += bytes(pad) + opt(code, rest[code][:piece])
            rest[code] = rest[code][piece:]
    written = joined([piece for i in (0, 1, 2) for piece in fields_of(fields[i])[0]])
    if overload:
        fields[0] = opt(52, bytes([overload])) + fields[0]
        written[52] = bytes([overload])
    for i in (0, 1, 2):
        if draw(st.booleans()) and (i == 0 or len(fields[i]) < room[i]):
            fields[i] += b"\xff" + (b"" if i else draw(st.binary(max_size=9)))
    return written, message(fields[0], file=fields[1], sname=fields[2])


@settings(max_examples=200)
@given(spread())
def test_options_in_pieces_over_three_fields_are_joined(
    case: tuple[dict[int, bytes], bytes],
) -> None:
    written, data = case
    assert firmware_reads(data) == (written, None)


@settings(max_examples=100)
@given(
    st.sampled_from([0x01, 0x63, 0x23, 0x13, 0x93, 0x64, 0xD7, 0x18]),
    st.fixed_dictionaries(
        {
            "xid": st.binary(min_size=4, max_size=4),
            "yiaddr": st.binary(min_size=4, max_size=4),
            "server": st.binary(min_size=4, max_size=4),
            "chaddr": st.binary(min_size=6, max_size=6),
            "secs": st.integers(0, 100_000),
            "flags": st.sampled_from([0, 0x8000]),
        }
    ),
    st.lists(
        st.tuples(
            st.sampled_from([c for c in CODES if c not in (50, 51, 53, 54, 61)]),
            st.binary(min_size=1, max_size=60),
        ),
        max_size=5,
        unique_by=lambda item: item[0],
    ).filter(lambda items: sum(len(value) + 2 for _, value in items) < 280),
)
def test_every_message_is_what_scapy_reads(
    form: int, header: dict[str, object], sent: Options
) -> None:
    brief = option(61, b"\xff" + bytes(1 + len(sent)))
    options = brief + b"".join(option(code, value) for code, value in sent) + b"\xff"
    fields = SimpleNamespace(**header, options=options)
    buf = bytearray(b"\xee" * (ROOM + 9))
    data = bytes(buf[: build(buf, form, fields)])
    assert 300 <= len(data) <= MAX_SIZE
    assert set(buf[ROOM:]) <= {0xEE}

    last = form & 15 in (world.DECLINE, world.RELEASE)
    packet = BOOTP(data)
    assert (packet.op, packet.htype, packet.hlen, packet.hops) == (1, 1, 6, 0)
    assert packet.xid == int.from_bytes(fields.xid, "big")
    assert packet.secs == (0 if last else min(fields.secs, 65535))
    assert int(packet.flags) == (0 if last else fields.flags)
    assert data[12:16] == (fields.yiaddr if form & 0x10 else bytes(4))
    assert data[16:28] == bytes(12)
    assert packet.chaddr == fields.chaddr + bytes(10)
    assert data[44:236] == bytes(192)
    wanted = [(53, bytes([form & 15]))]
    asked = {50: form & 0x20 and any(fields.yiaddr), 54: form & 0x40 and any(fields.server)}
    wanted += [(50, fields.yiaddr)] * bool(asked[50])
    wanted += [(54, fields.server)] * bool(asked[54])
    wanted += [(61, brief[2:])] + ([] if last else sent)
    assert firmware_reads(data) == (dict(wanted), None)
    assert fields_of(data[240:]) == (wanted, None)
    assert packet[DHCP].options[0] == ("message-type", form & 15)
    by_name = dict(o for o in packet[DHCP].options if isinstance(o, tuple) and len(o) == 2)
    for name, code, value in (
        ("requested_addr", 50, fields.yiaddr),
        ("server_id", 54, fields.server),
    ):
        assert by_name.get(name) == (str(ip_address(value)) if asked[code] else None)


ADDRESSES = st.ip_addresses(v=4).map(str)
MASKS = st.integers(0, 32).map(lambda n: str(ip_network((0, n)).netmask))


def is_unicast(ip: str) -> bool:
    """Whether it can be one host's address, so that a lease shows it."""
    address = ip_address(ip)
    return not (
        address in ip_network("0.0.0.0/8")
        or address.is_loopback
        or address.is_multicast
        or ip == "255.255.255.255"
    )


def is_mask_of(mask: str, ip: str) -> bool:
    """Whether that address can be a host's with that mask, which may have holes (RFC 3021: of a
    pair, or of one, all are hosts').
    """
    free = int(ip_address(mask)) ^ 0xFFFFFFFF
    host = int(ip_address(ip)) & free
    row = free & (free + 1) == 0  # of ones, and nothing but zeros behind it
    return row and not mask.startswith("0.") and (free < 2 or 0 != host != free)


@settings(max_examples=100)
@given(
    ADDRESSES,
    st.lists(ADDRESSES, max_size=4),
    st.lists(ADDRESSES, max_size=3),
    st.one_of(st.none(), ADDRESSES, MASKS),
    st.one_of(st.none(), ADDRESSES),
    st.one_of(st.none(), st.just(0), st.integers(1, 0x1FFFFFFE)),
)
@example("10.0.0.5", ["0.0.0.0", "10.0.0.1"], [], "255.0.255.0", None, None)
@example("10.0.0.5", [], [], "255.255.255.254", "10.0.0.4", 60)
@example("10.0.0.255", [], [], "255.255.255.0", "10.0.0.1", 60)
def test_a_lease_shows_what_scapy_wrote(
    ip: str,
    dns: list[str],
    routers: list[str],
    mask: str | None,
    server: str | None,
    seconds: int | None,
) -> None:
    options: list[object] = [("message-type", "ack")]
    options += [("lease_time", seconds)] if seconds is not None else []
    options += [("server_id", server)] if server else []
    options += [("subnet_mask", mask)] if mask else []
    options += [("router", *routers)] if routers else []
    options += [("name_server", *dns)] if dns else []
    data = bytes(BOOTP(op=2, yiaddr=ip, options=COOKIE) / DHCP(options=[*options, "end"]))
    m = Message()
    assert m.read(data) is None
    lease = Lease(m, 0)
    assert lease.ip == ip
    assert lease.dns == [each for each in dns if is_unicast(each) and each != ip]
    usable = [each for each in routers if is_unicast(each) and each != ip]
    assert lease.gateway == (usable[0] if usable else "0.0.0.0")
    given = mask and is_unicast(ip) and is_mask_of(mask, ip)
    assert lease.mask == (mask if given else "255.255.255.0")
    assert lease.server == ip_address(server or "0.0.0.0").packed
    assert lease.remaining() == (seconds or 3600)
    assert 0 <= lease.t1 - 1 <= lease.t2 <= lease.lease_time


# Mutations


def mutations(data: bytes, count: int, seed: int) -> list[bytes]:
    """As many changed copies: bytes set, blocks cut, doubled, moved, the end cut off."""
    rng = random.Random(seed)
    edge = [0, 1, 2, 3, 4, 6, 50, 51, 52, 53, 54, 58, 127, 128, 254, 255]

    def poke(b: bytearray) -> None:
        for _ in range(rng.randint(1, 4)):
            b[rng.randrange(len(b))] = rng.choice(edge + [rng.randrange(256)])

    def poke_options(b: bytearray) -> None:
        for _ in range(rng.randint(1, 4)):
            if len(b) > 240:
                b[rng.randrange(240, len(b))] = rng.choice(edge + [rng.randrange(256)])

    def cut(b: bytearray) -> None:
        i = rng.randrange(len(b))
        del b[i : i + rng.randint(1, 20)]

    def cut_end(b: bytearray) -> None:
        del b[rng.randrange(len(b)) :]

    def double(b: bytearray) -> None:
        i = rng.randrange(len(b))
        j = rng.randrange(240, max(241, len(b)))
        b[j:j] = b[i : i + rng.randint(1, 30)]

    def overload(b: bytearray) -> None:
        b[240:240] = opt(52, bytes([rng.randint(1, 3)]))

    kinds: list[Callable[[bytearray], None]] = [
        poke,
        poke_options,
        poke_options,
        cut,
        cut_end,
        double,
        overload,
    ]
    done = []
    for _ in range(count):
        b = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            if b:
                rng.choice(kinds)(b)
        done.append(bytes(b))
    return done


def test_20000_mutated_acks_raise_nothing_and_read_as_the_rfcs_say() -> None:
    data = reply(ACK, t1=1800, t2=3150, options=opt(6, bytes(8)) + opt(15, b"example.org"))
    m = Message()
    refused = 0
    for mutation in mutations(data, 20_000, seed=1):
        wrong = m.read(mutation)
        values, expected = read(mutation)
        assert wrong == expected, mutation
        if wrong:
            refused += 1
        if wrong in READABLE:
            for code in (1, 3, 6, 51, 52, 53, 54, 58, 59):
                assert m.option(code) == values.get(code), mutation
            lease = Lease(m, 0)
            assert lease.ip
            lease.ifconfig()
            lease.remaining()
    assert 2_000 < refused < 18_000


def test_mutated_replies_raise_nothing_in_any_state() -> None:
    taken = 0
    for state in STATES:
        for kind in (OFFER, ACK, NAK):
            w = getattr(World(), state)()
            for n, mutation in enumerate(
                mutations(reply(kind, xid=w.sent[-1].xid), 400, seed=kind)
            ):
                if w.hand(mutation) != "ignored":
                    taken += 1
                    w = getattr(World(now=n), state)()
                else:
                    assert w.session.reason
    assert taken > 100


def test_as_much_is_taken_of_a_datagram_as_option_57_says() -> None:
    code, size, *value = client._LONGEST
    assert (code, size) == (57, 2)
    assert [client._SIZE, inform._SIZE] == [int.from_bytes(bytes(value), "big")] * 2
