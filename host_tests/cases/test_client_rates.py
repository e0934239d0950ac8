"""The most that a hostile network can force, sustained: packets, and writes of the record."""

from cable import Board, Server
from dhcpc import conflicts, fallback, ipv6only, rapid, servers
from kit import rfc
from two import Board as Two
from world import ACK, DISCOVER, NAK, OFFER, REQUEST, World, opt, reply, u32

A_WHILE = 3  # minutes in which the back-off grows
MINUTES = 8

# {what it does: (packets, writes) a minute at most}. docs/SECURITY.md has this table.
MOST = {
    "T1 of a second": (15, 0),
    "leases of seconds": (15, 0),
    "another address each time": (15, 1),
    "a NAK to one in so many REQUESTs": (8, 1),
    "another address and a NAK in turns": (4, 1),
    "OFFERs that are never kept": (8, 0),
    "an ACK to whatever is sent": (2, 0),
    "a link that comes back each second": (60, 0),
    "such a link, and another address each time": (60, 1),
    "such a link, and a NAK each time": (240, 1),
}

# What may be called besides, before the same
EXTRAS = {
    "rapid.commit": rapid.commit,
    "servers.prefer": lambda dhcp: servers.prefer(dhcp, b"\x06", 200),
    "ipv6only.obey": ipv6only.obey,
    "fallback.static": lambda dhcp: fallback.static(dhcp, "10.0.0.9", after_ms=0),
    "conflicts.probe": lambda dhcp: conflicts.probe(dhcp, lambda ip: True),
}


def forced(board, turn=None):
    """Packets and writes a minute that the network brings about, after a while. The board is
    polled as poll asks for it. turn(board): what happens each second.
    """
    board.client.session.rand = World().random
    sent = writes = 0
    minutes = 2 if turn else MINUTES  # what goes on each second takes no longer
    for minute in range(A_WHILE + minutes):
        if minute == A_WHILE:
            sent, writes = 0, board.store.writes
        for _ in range(60 if turn else 1):
            if turn:
                turn(board)
            board.go(1 if turn else 60)
        sent += len(board.types)
        del board.cable.sent[:], board.cable.log[:], board.events[:], board.waits[:]
    return sent / minutes, (board.store.writes - writes) / minutes


def assert_bearable(what, *servers, turn=None, extra=None):
    for server in servers:
        board = Board(server)
        if extra:
            EXTRAS[extra](board.client)
        packets, writes = forced(board, turn)
        print(what, extra, packets, "packets and", writes, "writes a minute")
        assert packets <= MOST[what][0]
        assert writes <= MOST[what][1]


class Fickle(Server):
    """Says no to one in so many REQUESTs; grants another address each time."""

    def __init__(self, naks=0, moves=False, **grant):
        super().__init__(**grant)
        self.every = naks
        self.moves = moves
        self.requests = 0

    def answer(self, sent):
        if self.moves:
            self.requests += 1
            self.grant["yiaddr"] = bytes(
                (10, 0, 1 + self.requests // 200 % 200, 1 + self.requests % 200)
            )
        elif sent.type == REQUEST:
            self.requests += 1
            if self.every and self.requests % self.every == 0:
                return reply(NAK, xid=sent.xid)
        return super().answer(sent)


class Once(Server):
    """Does not renew."""

    def answer(self, sent):
        return super().answer(sent) if sent.ciaddr == bytes(4) else None


class Deaf(Server):
    """Makes offers, as ever another server if it is one of `many`, and keeps none."""

    def __init__(self, many):
        super().__init__()
        self.many = many

    def answer(self, sent):
        if sent.type == REQUEST:
            return None
        self.many += self.many > 0
        self.grant["server"] = bytes((10, 0, 0, 1 + self.many % 200))
        return super().answer(sent)


class No(Server):
    """Says no to everything."""

    def answer(self, sent):
        return reply(NAK if sent.type == REQUEST else OFFER, xid=sent.xid)


class Both(Fickle):
    """Another address and a NAK in turns."""

    def answer(self, sent):
        if sent.type == REQUEST and sent.ciaddr != bytes(4) and self.requests % 2:
            self.requests += 1
            return reply(NAK, xid=sent.xid)
        return super().answer(sent)


class Eager(Server):
    """Has an ACK for whatever is sent."""

    def answer(self, sent):
        return reply(ACK, xid=sent.xid, lease=1, t1=0, t2=0)


class Quick(Server):
    """Commits, where it is asked to."""

    def answer(self, sent):
        if sent.type == DISCOVER and 80 in sent.options:
            return reply(ACK, xid=sent.xid, options=opt(80, b""), **self.grant)
        return super().answer(sent)


class Sites(Server):
    """Ever another server, which knows nothing of what the others grant, and says so."""

    count = 0

    def answer(self, sent):
        if sent.type == REQUEST and 54 not in sent.options:
            self.count = (self.count + 1) % 200
            self.grant["server"] = bytes((10, 0, 1, 1 + self.count))
            self.grant["yiaddr"] = bytes((10, 0, 2, 1 + self.count))
            return reply(NAK, xid=sent.xid)
        return super().answer(sent)


def flap(board):
    """The link is lost, and comes back at once."""
    board.cable.plugged = False
    board.poll()
    board.cable.plugged = True


@rfc("2131 4.4.5 early-t1")
def test_t1_of_a_second():
    assert_bearable("T1 of a second", *[Server(t1=1, t2=t2) for t2 in (2, 3000)])


def test_a_nak_to_one_in_so_many_requests():
    found = [Fickle(n, t1=t1, t2=3000) for n in (1, 2, 3, 4, 9) for t1 in (1, 4, 29, 30, 31)]
    assert_bearable("a NAK to one in so many REQUESTs", No(), *found)


def test_leases_of_a_few_seconds():
    found = [Server(lease=lease) for lease in (0, 1, 2, 3, 4, 5, 8, 16, 29, 30, 31, 60)]
    found += [Once(lease=lease) for lease in (1, 2, 3, 4, 5, 8, 16, 29, 30, 31, 60)]
    assert_bearable("leases of seconds", *found)


def test_offers_that_are_never_kept():
    assert_bearable("OFFERs that are never kept", Deaf(0), Deaf(1))


def test_an_address_that_changes_each_time():
    found = [Fickle(moves=True, t1=t1, t2=3000) for t1 in (1, 10, 60)]
    found += [Fickle(moves=True, lease=lease) for lease in (1, 2, 4, 30, 31, 60)]
    assert_bearable("another address each time", *found)


def test_a_nak_in_turns_with_an_address_that_changes():
    found = [Both(moves=True, t1=t1, t2=3000) for t1 in (1, 10, 30, 31)]
    assert_bearable("another address and a NAK in turns", *found)


def test_an_answer_to_whatever_is_sent():
    assert_bearable("an ACK to whatever is sent", Eager())


def test_a_link_that_comes_back_each_second():
    assert_bearable("a link that comes back each second", Server(), turn=flap)
    assert_bearable("such a link, and another address each time", Fickle(moves=True), turn=flap)
    assert_bearable("such a link, and a NAK each time", Sites(), No(), turn=flap)


def test_extras_do_not_add_to_that():
    for name in EXTRAS:
        assert_bearable(
            "another address each time",
            Quick(lease=1),
            Quick(t1=1, t2=3000),
            Fickle(2, t1=1, t2=3000),
            Fickle(moves=True, t1=1, t2=3000),
            Fickle(moves=True, lease=4),
            Deaf(1),
            No(),
            Server(options=opt(108, u32(1))),
            extra=name,
        )


def test_extras_do_not_add_to_what_a_link_brings_about():
    for name in EXTRAS:
        assert_bearable("a link that comes back each second", Server(), turn=flap, extra=name)
        assert_bearable("such a link, and a NAK each time", Sites(), turn=flap, extra=name)


def test_conflicts_without_end_are_no_storm_though_the_link_comes_back_each_second():
    board = Board()
    EXTRAS["conflicts.probe"](board.client)
    packets, writes = forced(board, flap)
    assert packets <= MOST["T1 of a second"][0]
    assert not writes


def test_who_waits_before_he_starts_is_not_driven_by_a_link():
    board = Board(Sites(), start_wait_ms=60_000)
    packets, writes = forced(board, flap)
    print(packets, writes)
    assert packets <= 6
    assert writes <= 2


def test_two_nics_whose_links_come_and_go_share_that():
    for esp in (True, False):
        board = Two(esp)
        sent = 0
        for second in range(60 * MINUTES):
            for line in board.lines:
                line.air = second % 7 > 2
            board.go(1)
            for line in board.lines:
                sent += len(line.sent)
                del line.sent[:], line.log[:], line.calls[:]
            del board.told[:]
        print("two NICs", sent / MINUTES, board.store.writes / MINUTES)
        assert sent / MINUTES <= MOST["a link that comes back each second"][0]
        assert board.store.writes / MINUTES <= 2


def test_a_first_lease_is_written_at_once():
    board = Board().bound()
    assert board.store.writes == 1
