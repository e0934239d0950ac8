"""The extras that wrap a client work together, whichever is called first, on each Client."""

from cable import Board, Server
from dhcpc import anonymity, conflicts, dns, explain, fallback, ipv6only, rapid, servers
from kit import raises, rfc
from sleeper import Sleeper
from world import ACK, DECLINE, DISCOVER, OTHER_SERVER, REQUEST, opt, reply, u32

OURS = "10.0.0.5"

WRAPPING = (
    rapid.commit,
    ipv6only.obey,
    anonymity.profile,
    lambda dhcp: servers.only(dhcp, allow=["10.0.0.1"]),
    lambda dhcp: servers.prefer(dhcp, b"\x06", 200),
    servers.identify,
    lambda dhcp: conflicts.probe(dhcp, lambda ip: ip in dhcp.link.taken),
    lambda dhcp: dns.use(dhcp, ["192.0.2.53"]),
    fallback.link_local,
    explain.History,
)


class Quick(Server):
    """Answers a DISCOVER with option 80 at once."""

    def answer(self, sent):
        if sent.type == DISCOVER and 80 in sent.options:
            return reply(ACK, xid=sent.xid, options=opt(80, b""), **self.grant)
        return super().answer(sent)


def taking(board, taken):
    """That board, on whose network somebody has these addresses."""
    board.cable.taken = taken
    return board


def each_way(server, taken=()):
    """Boards of both kinds before that server, with all of the extras: each is called first once,
    and last once, and before and after each other one.
    """
    count = len(WRAPPING)
    for kind in (Board, Sleeper):
        for step in (1, -1):
            for first in range(count):
                board = taking(kind(server()), taken)
                for i in range(count):
                    WRAPPING[(first + step * i) % count](board.client)
                board.go(0.5)
                yield board


def test_an_extra_whose_second_call_would_be_lost_or_wrong_refuses_it():
    def static(dhcp):
        fallback.static(dhcp, "10.0.0.9")

    for calls, name in (
        ((static, static), "fallback"),
        ((static, fallback.link_local), "fallback"),
        ((lambda dhcp: dns.use(dhcp, ["192.0.2.53"]),) * 2, "dns"),
        ((rapid.commit, rapid.commit), "rapid"),
        ((servers.choose, servers.choose), "servers.choose"),
        ((servers.choose, servers.prefer), "servers.choose"),
    ):
        dhcp = Board().client
        calls[0](dhcp)
        assert raises(ValueError, calls[1], dhcp) == name + ": called twice"
        calls[0](Board().client)


def test_a_call_that_was_refused_does_not_count():
    dhcp = Board().client
    raises(ValueError, fallback.static, dhcp, "224.0.0.1")
    raises(ValueError, dns.use, dhcp, ["moon"])
    raises(ValueError, servers.choose, dhcp, -1)
    fallback.link_local(dhcp)
    dns.use(dhcp, ["192.0.2.53"])
    servers.choose(dhcp)


def test_an_extra_whose_second_call_changes_nothing_takes_it():
    def only(dhcp):
        servers.only(dhcp, allow=["10.0.0.1"])

    def probe(dhcp):
        conflicts.probe(dhcp, lambda ip: False)

    for call in (ipv6only.obey, anonymity.profile, servers.identify, only, probe):
        board = Board()
        call(board.client)
        call(board.client)
        board.go(1)
        assert board.cable.address == OURS


def test_a_server_that_knows_nothing_of_all_that_gives_a_lease():
    for board in each_way(Server):
        assert board.types == [DISCOVER, REQUEST]
        assert board.cable.address == OURS


@rfc("4039 3 ack-taken-at-once")
def test_one_that_commits_gives_a_lease_with_two_messages():
    for board in each_way(Quick):
        assert board.types == [DISCOVER]
        assert board.cable.address == OURS


@rfc("8925 3.2 no-request-to-such-an-offer")
def test_one_that_prefers_ipv6_gives_none():
    for board in each_way(lambda: Server(options=opt(108, u32(300)))):
        assert board.types == [DISCOVER]
        assert board.client.lease is None
        assert "ipv6only" in str(board.client.reason)


@rfc("2131 3.1 decline")
def test_an_address_that_somebody_has_is_declined():
    for server, types in ((Server, [DISCOVER, REQUEST, DECLINE]), (Quick, [DISCOVER, DECLINE])):
        for board in each_way(server, taken=(OURS,)):
            assert board.types == types
            assert board.cable.address is None


@rfc("2131 4.3.2 no-acceptable-offer")
def test_a_server_that_is_not_allowed_gives_none():
    for server in (Server, Quick):
        for board in each_way(lambda server=server: server(server=OTHER_SERVER)):
            assert set(board.types) == {DISCOVER}
            assert board.client.lease is None


def test_no_message_tells_more_than_it_must():
    for board in each_way(Server):
        discover, request = board.cable.sent
        assert sorted(discover.options) == [53, 55, 61, 80, 116]
        assert sorted(request.options) == [50, 53, 54, 55, 61]


def test_the_lease_is_renewed_and_given_back():
    for board in each_way(Quick):
        board.client.renew()
        board.go(1)
        board.client.release()
        assert board.client.state == "STOPPED"
        assert board.cable.address is None
