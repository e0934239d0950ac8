"""A probe before an address is put to use: RFC 2131 3.1, step 5; 3.2, step 3; 4.4.1."""

from cable import Board, Server
from dhcpc.conflicts import decline, probe
from dhcpc.explain import History, why
from dhcpc.rapid import commit
from kit import raises, rfc
from world import ACK, DECLINE, DISCOVER, IP, OTHER_IP, REQUEST, SERVER, opt, reply

OURS = "10.0.0.5"
OTHER = "10.0.0.6"


class Neighbours:
    """Who has which address. asked: the addresses that were probed."""

    def __init__(self, *taken):
        self.taken = taken
        self.asked = []

    def used(self, ip):
        self.asked.append(ip)
        return ip in self.taken


def device(neighbours, *more, **how):
    """A board that probes."""
    board = Board(*more, **how)
    probe(board.client, neighbours.used)
    return board


@rfc(
    "2131 4.4.1 address-check",
    "2131 2.2 new-address-probed",
    "2131 3.1 final-check",
    "5227 2.1 probe-before-use",
)
def test_an_address_that_nobody_has_is_probed_once_and_used():
    there = Neighbours()
    board = device(there).bound()
    assert there.asked == [OURS]
    assert board.cable.address == OURS


@rfc(
    "2131 2.2 new-address-probed",
    "2131 3.1 final-check",
    "2131 3.1 decline",
    "2131 figure5 ack-not-accepted",
    "2131 4.4.1 decline-in-use",
    "5227 2.1 probe-before-use",
    "5227 1 configuring-agent-notified",
)
def test_an_address_that_somebody_has_is_declined_and_never_used():
    board = device(Neighbours(OURS))
    board.go(1)
    assert board.types == [DISCOVER, REQUEST, DECLINE]
    declined = board.cable.sent[-1]
    assert (declined.options[50], declined.options[54]) == (IP, SERVER)
    assert board.events[-3:] == ["recv", "declined", "send"]
    assert "bound" not in board.events
    assert "apply" not in board.cable.log
    assert board.client.lease is None


@rfc("2131 3.1 decline-then-start-over", "2131 3.1 ten-seconds-after-decline")
def test_after_10_s_it_begins_anew_and_asks_for_no_address():
    board = device(Neighbours(OURS))
    board.go(1)
    board.cable.server.grant["yiaddr"] = OTHER_IP
    board.go(12)
    decline, discover = board.cable.sent[2:4]
    assert discover.type == DISCOVER
    assert discover.at - decline.at >= 10_000
    assert 50 not in discover.options
    assert board.cable.address == OTHER


@rfc("2131 3.2 decline")
def test_a_verified_address_that_somebody_has_is_declined_and_its_record_forgotten():
    first = Board().bound()
    board = device(Neighbours(OURS), first.cable.server, store=first.store)
    board.go(1)
    assert board.types == [REQUEST, DECLINE]
    assert not board.store.records()


@rfc("2131 3.2 another-address-after-decline")
def test_after_a_verified_address_was_declined_it_asks_for_another():
    first = Board().bound()
    board = device(Neighbours(OURS), first.cable.server, store=first.store)
    board.go(12)
    discover = board.cable.sent[2]
    assert discover.type == DISCOVER
    assert 50 not in discover.options


@rfc("5227 2.1 not-periodically")
def test_a_renewal_of_the_address_in_use_is_not_probed():
    there = Neighbours()
    board = device(there).bound()
    board.client.renew()
    board.go(1)
    assert board.events[-1] == "renewed"
    assert there.asked == [OURS]


@rfc("2131 4.4.1 address-check", "2131 4.4.1 decline-in-use", "1542 3.3 yiaddr-adopted")
def test_a_renewal_with_another_address_is_probed():
    for taken, address in ((), OTHER), ((OTHER,), None):
        there = Neighbours(*taken)
        board = device(there).bound()
        board.cable.server.grant["yiaddr"] = OTHER_IP
        board.client.renew()
        board.go(1)
        assert there.asked == [OURS, OTHER]
        assert board.cable.address == address


@rfc("5227 2.1 probe-before-use", "5227 2.1 probe-after-a-change-of-link")
def test_a_lease_that_is_reused_is_probed_too():
    first = Board(epoch=lambda: (1 << 32) + 5).bound()
    there = Neighbours(OURS)
    board = device(there, store=first.store, reuse=True)
    board.go(1)
    assert there.asked == [OURS]
    assert board.types == [DECLINE]
    assert not board.store.records()


@rfc("5227 2.1 probe-after-a-change-of-link")
def test_after_the_link_was_away_and_after_a_reset_the_address_is_probed_anew():
    there = Neighbours()
    board = device(there).bound()
    board.cable.plugged = False
    board.go(1)
    board.cable.plugged = True
    board.go(1)
    assert board.events[-1] == "rebooted"
    assert there.asked == [OURS, OURS]
    after = Neighbours()
    again = board.again()
    probe(again.client, after.used)
    again.go(1)
    assert again.events[-1] == "rebooted"
    assert after.asked == [OURS]


@rfc("5227 2.1 not-periodically")
def test_an_address_in_use_is_not_probed_again():
    there = Neighbours()
    board = device(there).bound()
    board.go(20_000)
    assert board.events.count("renewed") > 5
    assert there.asked == [OURS]


@rfc("5227 2.4 given-up", "5227 1 configuring-agent-notified")
def test_a_conflict_that_is_found_in_use_gives_up_the_address_at_once():
    board = Board().bound()
    decline(board.client)
    assert board.cable.address is None
    assert board.client.lease is None
    declined = board.cable.sent[-1]
    assert (declined.type, declined.options[50], declined.options[54]) == (DECLINE, IP, SERVER)


@rfc("4039 3.1 final-check", "4039 3.1 decline", "4039 3.1 ten-seconds-after-decline")
def test_an_ack_to_a_discover_is_probed_and_declined():
    class Quick(Server):
        def answer(self, sent):
            if sent.type == DISCOVER:
                return reply(ACK, xid=sent.xid, options=opt(80, b""))
            return super().answer(sent)

    board = device(Neighbours(OURS), Quick())
    commit(board.client)
    board.go(1)
    assert board.types == [DISCOVER, DECLINE]
    assert board.cable.address is None
    board.go(12)
    decline, discover = board.cable.sent[1:3]
    assert discover.type == DISCOVER
    assert discover.at - decline.at >= 10_000


def test_a_probe_that_raises_is_an_error_and_the_address_is_used():
    def broken(ip):
        raise OSError(5)

    board = Board()
    probe(board.client, broken)
    board.bound()
    assert "error" in board.events
    assert board.cable.address == OURS
    assert board.client.reason is None


def test_a_nic_that_does_not_take_the_address_is_told_again_without_a_probe():
    there = Neighbours()
    board = device(there)
    board.cable.faults["apply"] = [OSError(5), OSError(5)]
    board.go(5)
    assert there.asked == [OURS]
    assert board.cable.address == OURS


@rfc("5227 2.1.1 rate-limit")
def test_from_the_tenth_conflict_in_a_row_on_it_waits_a_minute():
    board = device(Neighbours(OURS))
    board.go(400)
    at = [sent.at for sent in board.cable.sent if sent.type == DECLINE]
    assert max(at[9] - at[8], at[8] - at[7]) < 12_000
    assert min(at[i + 1] - at[i] for i in range(9, len(at) - 1)) >= 60_000
    assert len(at) > 12


def test_an_address_that_lasts_until_it_is_renewed_ends_the_row():
    there = Neighbours(OURS)
    board = device(there)
    board.go(200)
    there.taken = ()
    board.go(70)
    assert board.cable.address == OURS
    board.client.renew()
    board.go(1)
    decline(board.client)
    at = board.cable.now
    board.go(12)
    assert board.types[-2:] == [DISCOVER, REQUEST]
    assert board.cable.sent[-2].at - at < 12_000


@rfc("5227 2.1.1 later-conflicts-count")
def test_conflicts_that_are_found_later_count_too():
    for ways in ((decline,), (probe, decline)):
        board = Board()
        if probe in ways:
            probe(board.client, Neighbours().used)
        waits = []
        for _ in range(11):
            board.go(70)
            assert board.cable.address == OURS
            decline(board.client)
            at = board.cable.now
            board.go(70)
            waits.append([sent.at for sent in board.cable.sent if sent.type == DISCOVER][-1] - at)
        assert max(waits[:9]) < 12_000
        assert min(waits[9:]) >= 60_000


def test_each_client_has_its_own_row_of_conflicts():
    for _ in range(10):
        board = Board().bound()
        decline(board.client)
        at = board.cable.now
        board.go(12)
        assert board.types[-2:] == [DISCOVER, REQUEST]
        assert board.cable.sent[-2].at - at < 12_000


def test_a_record_of_an_address_that_was_never_used_is_forgotten_by_decline():
    first = Board().bound()
    board = first.again()
    board.cable.faults["apply"] = [OSError(5)] * 20
    board.go(1)
    assert board.client.lease is None
    assert board.client.session.lease
    decline(board.client)
    board.poll()
    assert not board.store.records()


def test_it_says_what_has_happened():
    board = device(Neighbours(OURS))
    history = History(board.client)
    board.go(1)
    assert board.client.reason == "declined"
    assert "another host" in why("declined")[0]
    assert [line for line in history.lines() if "declined: declined" in line]


def hearing(board, used):
    """That board, on a link that can probe by itself."""
    board.cable.used = used
    probe(board.client)
    return board


def test_the_links_own_probe_serves_where_there_is_one():
    board = hearing(Board(), lambda ip: ip == OURS)
    board.go(1)
    assert board.types[-1] == DECLINE


def test_without_a_probe_it_is_refused():
    assert "used" in raises(ValueError, probe, Board().client)
    assert "used" in raises(ValueError, probe, Board().client, "yes")
