"""The most that a hostile server can force, sustained: packets, and writes of the record."""

from cable import Board, Server
from kit import rfc
from world import ACK, DISCOVER, NAK, OFFER, REQUEST, reply

MOST_PACKETS = 30  # a minute
MOST_WRITES = 2
A_WHILE = 3  # minutes in which the back-off grows
MINUTES = 8


def worst(server, **how):
    """Packets and writes a minute that a server brings about, after a while. It is polled as poll
    asks for it.
    """
    board = Board(server, **how)
    board.go(A_WHILE * 60)
    sent = 0
    writes = board.store.writes
    for _ in range(MINUTES):
        del board.cable.sent[:], board.cable.log[:], board.events[:], board.waits[:]
        board.go(60)
        sent += len(board.types)
    return sent / MINUTES, (board.store.writes - writes) / MINUTES


def bearable(server, **how):
    packets, writes = worst(server, **how)
    print(packets, "packets and", writes, "writes a minute")
    assert packets <= MOST_PACKETS
    assert writes <= MOST_WRITES


class Fickle(Server):
    """Says no to each so manieth REQUEST; grants another address each time."""

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


@rfc("2131 4.4.5 early-t1")
def test_t1_of_a_second():
    for t2 in (2, 3000):
        bearable(Server(t1=1, t2=t2))


def test_a_nak_to_each_so_manieth_request():
    for naks in (1, 2, 3, 4, 9):
        for t1 in (1, 4, 29, 30, 31):
            bearable(Fickle(naks, t1=t1, t2=3000))


def test_leases_of_a_few_seconds():
    for lease in (0, 1, 2, 3, 4, 5, 8, 16, 29, 30, 31, 60):
        bearable(Server(lease=lease))


def test_leases_of_a_few_seconds_that_are_not_renewed():
    class Once(Server):
        def answer(self, sent):
            return super().answer(sent) if sent.ciaddr == bytes(4) else None

    for lease in (1, 2, 3, 4, 5, 8, 16, 29, 30, 31, 60):
        bearable(Once(lease=lease))


def test_offers_that_are_never_kept():
    class Deaf(Server):
        def answer(self, sent):
            return None if sent.type == REQUEST else super().answer(sent)

    bearable(Deaf())


def test_offers_that_are_never_kept_of_ever_another_server():
    class Many(Server):
        count = 0

        def answer(self, sent):
            if sent.type != DISCOVER:
                return None
            self.count += 1
            return reply(OFFER, xid=sent.xid, server=bytes((10, 0, 0, 1 + self.count % 200)))

    bearable(Many())


def test_a_server_that_says_no_to_everything():
    class No(Server):
        def answer(self, sent):
            return reply(NAK if sent.type == REQUEST else OFFER, xid=sent.xid)

    bearable(No())
    board = Board().bound()
    bearable(No(), store=board.store)


def test_an_address_that_changes_each_time():
    for t1 in (1, 10, 60):
        bearable(Fickle(moves=True, t1=t1, t2=3000))
    for lease in (1, 2, 4, 30, 31, 60):
        bearable(Fickle(moves=True, lease=lease))


def test_a_nak_in_turns_with_an_address_that_changes():
    class Both(Fickle):
        def answer(self, sent):
            if sent.type == REQUEST and sent.ciaddr != bytes(4) and self.requests % 2:
                self.requests += 1
                return reply(NAK, xid=sent.xid)
            return super().answer(sent)

    for t1 in (1, 10, 30, 31):
        bearable(Both(moves=True, t1=t1, t2=3000))


def test_an_answer_to_whatever_is_sent():
    class Eager(Server):
        def answer(self, sent):
            return reply(ACK, xid=sent.xid, lease=1, t1=0, t2=0)

    bearable(Eager())


def test_a_first_lease_is_written_at_once():
    board = Board().bound()
    assert board.store.writes == 1
