"""A device that is carried between networks, which nothing tells apart on a cable."""

from cable import Cable
from dhcpc import sleep
from kit import rfc
from records import Clock, Memory
from sleeper import Site, Sleeper, away, home
from world import DISCOVER, OTHER_IP, OTHER_SERVER, REQUEST


def carried(*sites, **how):
    """A device that has been at each of the sites, at the last one last, and the addresses it has
    records of.
    """
    board = Sleeper(sites[0], **how).bound()
    for site in sites[1:]:
        board = board.again(site, **how)
        board.client.acquire()
        board.go(5)
    return board


def records(board):
    return len(board.store.records())


def test_a_device_carried_between_two_sites_gets_each_ones_address_after_one_nak():
    for how in ({}, {"early": True}, {"keep": True, "epoch": Clock()}):
        board = carried(home(), away(), **how)
        assert records(board) == 2
        for server, ip in ((home(), "10.0.0.5"), (away(), "10.0.0.6")) * 2:
            board = board.again(server, **how)
            board.client.acquire()
            board.go(1)
            assert board.types == [REQUEST, REQUEST]
            assert board.cable.sent[1].options[50] == server.grant["yiaddr"]
            assert board.client.state == "BOUND"
            assert board.client.lease.ip == board.cable.address == ip
            assert records(board) == 2
            board = board.again(server, **how).bound()
            assert board.types == [REQUEST]


def test_early_shows_one_address_after_the_other():
    board = carried(home(), away()).again(home(), early=True)
    board.go(1)
    assert [each for each in board.told if each[0] not in ("link", "send", "recv")] == [
        ("early", "INIT-REBOOT", "10.0.0.6"),
        ("nak", "INIT", None),
        ("early", "INIT-REBOOT", "10.0.0.5"),
        ("rebooted", "BOUND", "10.0.0.5"),
    ]


def test_a_network_that_none_of_the_records_is_of_costs_a_nak_for_each():
    sites = [Site(yiaddr=bytes((10, 0, i, 5)), server=bytes((10, 0, i, 1))) for i in range(6)]
    board = carried(*sites[:5])
    assert records(board) == 4
    board = board.again(sites[5])
    board.client.acquire()
    assert board.types == [REQUEST] * 4 + [DISCOVER, REQUEST]
    asked = [sent.options[50] for sent in board.cable.sent[:4]]
    assert asked == [bytes((10, 0, i, 5)) for i in (4, 3, 2, 1)]


def test_on_wifi_the_record_of_another_network_is_not_tried():
    board = Sleeper(home())
    board.cable.network = b"home"
    board = board.bound().again(away())
    board.cable.network = b"work"
    board = board.bound().again(Site(yiaddr=b"\x0a\0\0\x07"))
    board.cable.network = b"work"
    board.client.acquire()
    assert board.types == [REQUEST, DISCOVER, REQUEST]
    assert board.cable.sent[0].options[50] == OTHER_IP


def test_a_server_that_refuses_all_is_asked_ever_more_slowly():
    board = carried(home(), away()).again(home())
    board.cable.server.naks = True
    board.go(60)
    assert len(board.types) < 2 + 3 * 7


def test_a_silent_server_of_another_site_costs_a_timeout_and_no_record():
    board = carried(home(), away())
    site = home()
    site.shy = True
    board = board.again(site)
    board.client.acquire()
    board.go(1)
    assert board.types == 3 * [REQUEST] + [DISCOVER, REQUEST]
    assert board.client.lease.ip == "10.0.0.5"
    assert records(board) == 2


def test_a_device_that_cannot_write_its_records_finds_its_network_all_the_same():
    board = carried(home(), away())
    was = board.store.kept
    board = board.again(home(), early=True)
    board.store.fault = OSError(30)
    board.client.acquire()
    board.go(1)
    assert board.types == [REQUEST, REQUEST]
    assert board.client.lease.ip == "10.0.0.5"
    assert board.store.kept == was


def test_where_reuse_is_asked_for_a_refused_record_goes_and_the_others_are_tried():
    board = carried(home(), away()).again(home(), reuse=True)
    board.go(1)
    assert board.types == [REQUEST, REQUEST]
    assert board.client.lease.ip == "10.0.0.5"
    assert records(board) == 1


def test_the_move_writes_once():
    board = carried(home(), away()).again(home())
    board.go(1)
    assert board.store.writes == 1


def test_a_nak_in_renewing_does_not_lead_to_another_networks_record():
    board = carried(home(), away())
    board = board.again(Site(yiaddr=OTHER_IP, server=OTHER_SERVER, t1=100)).bound()
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(200)
    assert "nak" in board.events
    assert board.types == [REQUEST, REQUEST] + [DISCOVER] * (len(board.types) - 2)


def test_what_on_event_does_at_a_nak_holds():
    def tell(event, lease):
        if event == "nak":
            acts.pop()(board.client)

    acts = [sleep.Client.release, sleep.Client.close]
    for left in (1, 0):
        board = carried(home(), away()).again(home(), on_event=tell)
        board.go(5)
        assert board.types == [REQUEST]
        assert board.client.state == "STOPPED"
        assert len(acts) == left


def test_what_on_event_does_at_a_timeout_holds():
    board = Sleeper(epoch=Clock()).bound()

    def tell(event, lease):
        if event in ("timeout", "kept"):
            board.client.close()

    for keep in (False, True):
        board = board.again(keep=keep, on_event=tell, epoch=Clock())
        board.cable.server.mute = (REQUEST,)
        board.go(10)
        assert board.types == 3 * [REQUEST]
        assert board.client.state == "STOPPED"
        assert board.cable.address is None
        board.cable.server.mute = ()


@rfc("2131 3.1 lease-identified", "2131 3.2 reboot-has-same-client-id")
def test_a_cloned_image_never_asks_for_another_boards_address():
    board = carried(home(), away(), epoch=Clock())
    for how in (
        {"client_id": b"\0another"},
        {"early": True, "client_id": b"\0another"},
        {"reuse": True, "keep": True, "client_id": b"\0another"},
    ):
        clone = board.again(home(), epoch=Clock(), **how)
        clone.client.acquire()
        assert clone.types == [DISCOVER, REQUEST]
        assert 50 not in clone.cable.sent[0].options
        assert not {"early", "kept", "reused"} & set(clone.events)

    class OtherMac(Cable):
        mac = b"\2\0\0\0\0\2"

    cable = OtherMac(home())
    answers = cable.server.answer
    cable.server.answer = lambda sent: (  # type: ignore[method-assign]
        answers(sent) and answers(sent).replace(Cable.mac, OtherMac.mac)
    )
    client = sleep.Client(
        cable, clock=cable.clock, store=Memory(board.store.kept), early=True, keep=True
    )
    client.acquire()
    assert [sent.type for sent in cable.sent] == [DISCOVER, REQUEST]
    assert 50 not in cable.sent[0].options
