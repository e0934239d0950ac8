"""The client on a link of its own, with a server behind it, on a virtual clock."""

import sys
from errno import EADDRINUSE, EHOSTUNREACH, EIO, ETIMEDOUT

import dhcpc.options  # noqa: F401  gives Client `inform` and `decline`
from dhcpc import Client, Link, Store
from kit import Skip, allocated, raises, rfc, without_heap
from world import (
    ACK,
    CLIENT_ID,
    DAY,
    DECLINE,
    DISCOVER,
    INFINITE,
    INFORM,
    IP,
    MAC,
    NAK,
    NOBODY,
    OFFER,
    OTHER_SERVER,
    RELEASE,
    REQUEST,
    SERVER,
    Sent,
    World,
    opt,
    reply,
)

OTHER_IP = b"\x0a\x00\x00\x06"
LEASE = 3600  # seconds
TRIP = 2  # ms, there and back
A_SECOND = 1000  # ms
AGES = 1 << 20  # seconds: longer than any lease here that ends


class Flash(Store):
    """Records in memory. writes: how many there were. fault: what writing raises."""

    def __init__(self, data=b""):
        self.kept = data
        self.writes = 0
        self.fault = None

    def read(self):
        return self.kept

    def write(self, data):
        if self.fault:
            raise self.fault
        self.writes += 1
        self.kept = data


class Server:
    """What a server answers. To be set: what it grants; `mute`, the types that it does not hear;
    `naks`, whether it says no to every REQUEST.
    """

    def __init__(self, **grant):
        self.grant = grant
        grant.setdefault("lease", LEASE)
        self.mute = ()
        self.naks = False
        self.trip = TRIP

    def answer(self, sent):
        if sent.type in self.mute:
            return None
        if sent.type == DISCOVER:
            return reply(OFFER, xid=sent.xid, **self.grant)
        if sent.type == REQUEST and self.naks:
            return reply(NAK, xid=sent.xid)
        if sent.type == REQUEST:
            return reply(ACK, xid=sent.xid, **self.grant)
        if sent.type == INFORM:
            return reply(ACK, xid=sent.xid, lease=None, yiaddr=NOBODY)
        return None


class Port:
    """UDP port 68 of a board: one socket at a time can have it."""

    owner = None


class Cable(Link):
    """A link whose time passes only while somebody waits. log: all that the client did to it.

    "remove" is to apply None. faults: {what is done: the exception that it raises}. plugged:
    whether the link is up; trouble: why it will not be.
    """

    mac = MAC
    hostname = None

    def __init__(self, server=None, port=None):
        self.server = server or Server()
        self.port68 = port or Port()
        self.now = 5 * A_SECOND
        self.buf = memoryview(bytearray(548))
        self.sock = self.address = self.trouble = None
        self.inbox = []  # (ms, datagram)
        self.sent = []
        self.log = []
        self.faults = {}
        self.plugged = True
        self.network = b""

    def clock(self):
        return self.now & 0x3FFFFFFF  # small integers only, where they have 31 bits

    def do(self, what):
        self.log.append(what)
        if what in self.faults:
            raise self.faults[what]

    def up(self):
        return self.plugged

    def key(self):
        return self.network

    def error(self):
        return self.trouble

    def release(self):
        self.do("release")

    def open(self):
        if not self.sock:
            self.do("open")
            if self.port68.owner:
                raise OSError(EADDRINUSE)
            self.port68.owner = self.sock = self
            self.inbox = [(at, data) for at, data in self.inbox if at > self.now]

    def close(self):
        if self.sock:
            self.do("close")
            self.port68.owner = self.sock = None

    def send(self, size, server):
        self.open()
        sent = Sent(self.now, bytes(self.buf[:size]), server)
        self.do("send")
        self.sent.append(sent)
        data = self.server.answer(sent)
        if data:
            self.inbox.append((self.now + self.server.trip, data))

    def recv(self, size, wait):
        assert wait >= 0
        if self.sock and self.inbox and self.inbox[0][0] <= self.now + wait:
            at, data = self.inbox.pop(0)
            self.now = max(self.now, at)
            return data[:size]
        self.now += wait
        return None

    def apply(self, lease):
        self.do("apply" if lease else "remove")
        self.address = lease and lease.ip


class Board:
    """A client on a cable. events: the names of all that it told. epoch: its store's clock. how:
    its settings.
    """

    def __init__(self, server=None, port=None, epoch=None, **how):
        self.cable = Cable(server, port)
        self.events = []
        self.waits = []
        self.store = how.setdefault("store", Flash())
        if epoch:
            self.store.epoch = epoch
        how.setdefault("on_event", self.tell)
        self.client = Client(self.cable, clock=self.cable.clock, **how)

    def tell(self, event, lease):
        self.events.append(event)

    @property
    def types(self):
        return [sent.type for sent in self.cable.sent]

    def poll(self):
        wait = self.client.poll()
        assert 0 <= wait <= DAY * 1000
        self.waits.append(wait)
        return wait

    def go(self, seconds):
        """Let time pass, and poll as poll asks for it."""
        end = self.cable.now + int(seconds * 1000)
        while self.cable.now < end:
            self.cable.now += min(max(self.poll(), 1), end - self.cable.now)
        self.poll()

    def sleep(self, seconds):
        """Let time pass without a poll, then poll."""
        self.cable.now += seconds * 1000
        self.poll()

    def bound(self):
        """Get a lease."""
        self.client.acquire()
        self.poll()
        assert self.client.state == "BOUND"
        return self

    def again(self, server=None, **how):
        """This device after a reset, with what its flash holds."""
        return Board(server or self.cable.server, store=Flash(self.store.kept), **how)


# What is sent


@rfc("2131 3.1")
def test_a_first_boot_takes_a_discover_and_a_request():
    board = Board().bound()
    assert board.types == [DISCOVER, REQUEST]
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.events[-1] == "bound"


@rfc("2131 3.2", "2131 4.4.2")
def test_a_boot_from_flash_takes_one_request():
    board = Board().bound().again().bound()
    assert board.types == [REQUEST]
    assert board.cable.sent[0].options[50] == IP
    assert board.events[-1] == "rebooted"


@rfc("2131 3.2", "2131 4.4.2")
def test_a_boot_from_flash_on_a_silent_network_starts_over_at_init():
    board = Board().bound().again()
    board.cable.server.mute = (REQUEST,)
    board.go(10)
    assert DISCOVER in board.types
    assert "timeout" in board.events


@rfc("2131 3.2", "2131 4.4.2")
def test_a_nak_to_a_stored_lease_leads_to_a_new_one():
    board = Board().bound().again()
    board.cable.server.naks = True
    board.poll()
    board.cable.now += TRIP
    board.poll()
    board.cable.server.naks = False
    board.cable.server.grant["yiaddr"] = OTHER_IP
    assert board.client.acquire().ip == "10.0.0.6"
    assert board.types == [REQUEST, DISCOVER, REQUEST]
    assert board.store.kept != Board().bound().store.kept


@rfc("2131 3.2")
def test_what_is_no_record_leads_to_init():
    for data in (b"x", b"\0" * 128, b"\xff" * 200, b"not a record"):
        board = Board(store=Flash(data)).bound()
        assert "error" not in board.events
        assert board.types == [DISCOVER, REQUEST]
        assert board.again().bound().types == [REQUEST]


@rfc("2131 3.2")
def test_a_lease_of_another_wifi_network_is_not_tried():
    home = Board()
    home.cable.network = b"home"
    home.bound()
    for network, types in ((b"home", [REQUEST]), (b"home2", [DISCOVER, REQUEST])):
        board = home.again()
        board.cable.network = network
        assert board.bound().types == types


@rfc("2131 3.2", "2131 3.7")
def test_a_device_that_is_carried_between_networks_asks_each_for_its_own_address():
    board = Board()
    servers = {}
    for i in range(4):
        servers[b"net%d" % i] = Server(yiaddr=bytes((10, 0, i, 5)), server=bytes((10, 0, i, 1)))
    for types in ([DISCOVER, REQUEST], [REQUEST], [REQUEST]):
        for network in sorted(servers):
            board.cable.plugged = False
            board.poll()
            sent = len(board.types)
            board.cable.network = network
            board.cable.server = servers[network]
            board.cable.plugged = True
            board.bound()
            assert board.types[sent:] == types
            assert board.client.lease.yiaddr == servers[network].grant["yiaddr"]


@rfc("2131 3.2")
def test_on_a_cable_another_server_is_found_and_both_have_a_record():
    home = Server(yiaddr=IP, server=SERVER)
    away = Server(yiaddr=OTHER_IP, server=OTHER_SERVER)
    board = Board(home).bound().again(away)
    away.naks = True
    board.go(0.01)
    away.naks = False
    assert board.bound().client.lease.server == OTHER_SERVER
    board = board.again(away).bound()
    assert board.types == [REQUEST]
    board.client.release()
    board = board.again(home).bound()
    assert board.types == [REQUEST]
    assert board.client.lease.server == SERVER


@rfc("2131 3.2")
def test_a_client_identifier_that_leaves_a_record_no_room_costs_the_record_alone():
    home = Board()
    home.cable.network = b"home"
    home.bound()
    board = home.again(client_id=b"\0" + b"i" * 79)
    board.cable.network = b"n" * 32
    board.bound()
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.events[-3:] == ["error", "recv", "bound"]
    assert board.store.kept == home.store.kept
    board.go(LEASE)
    assert "renewed" in board.events
    back = board.again()
    back.cable.network = b"home"
    assert back.bound().types == [REQUEST]


@rfc("2131 2", "2132 9.8", "2132 9.10", "2132 9.14", "2132 3.14")
def test_a_message_carries_the_settings():
    board = Board(hostname="greenhouse-3", params=b"\x01\x79\x03", options={60: b"sensor"}).bound()
    for sent in board.cable.sent:
        assert sent.options[12] == b"greenhouse-3"
        assert sent.options[55] == b"\x01\x79\x03"
        assert sent.options[57] == b"\x04\x00"
        assert sent.options[60] == b"sensor"
        assert opt(61, sent.options[61]) == CLIENT_ID


@rfc("2132 9.8", "2132 9.14")
def test_without_settings_a_message_carries_the_everyday_ones():
    for sent in Board().bound().cable.sent:
        assert list(sent.options[55]) == [1, 3, 6, 15, 26, 28, 42, 51, 58, 59]
        assert opt(61, sent.options[61]) == CLIENT_ID


@rfc("2132 9.14")
def test_a_client_identifier_of_ones_own_is_sent_in_every_message():
    board = Board(client_id=b"\0sensor-7").bound()
    board.client.release()
    assert [sent.options[61] for sent in board.cable.sent] == [b"\0sensor-7"] * 3


@rfc("2132 3.14")
def test_the_hosts_name_is_the_links_unless_there_is_another_or_none():
    for setting, sent in (({}, b"board"), ({"hostname": "h"}, b"h"), ({"hostname": ""}, None)):
        Cable.hostname = "board"
        try:
            board = Board(**setting).bound()
        finally:
            Cable.hostname = None
        assert board.cable.sent[0].options.get(12) == sent


@rfc("2131 4.1")
def test_the_broadcast_flag_is_the_sessions():
    for flags in (0, 0x8000):
        board = Board()
        board.client.session.flags = flags
        board.bound()
        assert [sent.flags for sent in board.cable.sent] == [flags, flags]


@rfc("2131 4.4.1")
def test_nothing_is_sent_before_the_first_poll():
    assert Board().cable.log == ["remove"]


@rfc("2131 4.4.1")
def test_with_a_start_wait_the_first_packet_comes_within_it():
    at = []
    for _ in range(20):
        board = Board(start_wait_ms=4000)
        board.go(5)
        at.append(board.cable.sent[0].at - 5000)
    assert 0 <= min(at) < 2000 < max(at) <= 4000


# The socket


@rfc("2131 4.1")
def test_the_socket_is_open_from_the_first_packet_until_bound():
    board = Board()
    assert not board.cable.sock
    board.poll()
    assert board.cable.sock
    board.bound()
    assert not board.cable.sock
    board.go(1000)
    assert board.cable.log.count("open") == 1


@rfc("2131 4.4.5")
def test_the_socket_stays_open_for_10_s_after_a_request_in_renewing_and_rebinding():
    board = Board(Server(t1=1000, t2=2000)).bound()
    board.cable.server.mute = (REQUEST,)
    for t in (1000, 2000):
        board.go(5 + t - board.cable.now // 1000)
        sent = len(board.types)
        board.go(9)
        assert board.cable.sock
        board.go(3)
        assert not board.cable.sock
        assert len(board.types) == sent
    assert board.client.state == "REBINDING"


@rfc("2131 4.1")
def test_a_port_that_is_taken_is_tried_again_with_back_off():
    board = Board()
    board.cable.port68.owner = "the built-in client"
    board.go(60)
    assert board.types == []
    assert "error" in board.events
    assert 3 <= board.cable.log.count("open") <= 20  # a part of each back-off, at random
    board.cable.port68.owner = None
    assert board.client.acquire(70_000).ip == "10.0.0.5"


def test_two_clients_on_one_board_take_turns():
    port = Port()
    boards = [Board(port=port), Board(port=port)]
    for _ in range(20_000):
        for board in boards:
            board.poll()
            board.cable.now += 1
    assert [board.client.state for board in boards] == ["BOUND", "BOUND"]


def test_a_send_that_fails_is_a_lost_packet():
    board = Board()
    board.cable.faults["send"] = OSError(EHOSTUNREACH)
    board.go(5)
    assert "error" in board.events
    assert isinstance(board.client.reason, OSError)
    del board.cable.faults["send"]
    assert board.client.acquire().ip == "10.0.0.5"


# What poll returns, and for how long it waits


@rfc("2131 4.1")
def test_poll_asks_for_50_ms_at_most_while_a_reply_is_awaited():
    board = Board(Server(t1=1000, t2=2000))
    board.cable.server.mute = (DISCOVER,)
    board.go(20)
    assert max(board.waits) <= 50
    board.cable.server.mute = ()
    board.bound()
    board.cable.server.mute = (REQUEST,)
    board.sleep(1000)
    assert board.client.state == "RENEWING"
    assert board.waits[-1] <= 50


@rfc("2131 4.4.5")
def test_poll_in_bound_asks_for_the_time_to_t1():
    board = Board(Server(t1=1000)).bound()
    assert 999_000 <= board.poll() <= 1_000_000


@rfc("2131 3.3")
def test_poll_asks_for_a_day_at_most():
    for lease in (INFINITE, 60 * DAY):
        board = Board(Server(lease=lease)).bound()
        assert (DAY - 1) * 1000 < board.poll() <= DAY * 1000


def test_poll_soon_asks_for_the_link_while_it_is_down():
    board = Board()
    board.cable.plugged = False
    assert 1 <= board.poll() <= 1000
    board.cable.plugged = True
    board.bound()
    board.cable.plugged = False
    assert 1 <= board.poll() <= 1000


def test_poll_waits_for_a_datagram_and_no_longer():
    board = Board()
    board.cable.server.mute = (REQUEST,)
    board.client.poll(1000)
    assert board.cable.now == 5000 + TRIP
    board.client.poll(70)
    assert board.cable.now == 5000 + TRIP + 70


@rfc("2131 4.4.5")
def test_poll_does_not_wait_past_t1():
    board = Board(Server(t1=1000)).bound()
    board.cable.server.mute = (REQUEST,)
    before = board.cable.now
    board.client.poll(2_000_000)
    assert board.types[-1] == REQUEST
    assert board.cable.sent[-1].at <= before + 1_000_000


def test_poll_without_a_wait_takes_no_time():
    board = Board()
    for _ in range(10):
        board.poll()
    assert board.cable.now == 5000


def test_a_flood_of_datagrams_does_not_hold_up_a_poll():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, b"flood")] * 1000
    board.client.poll(1000)
    assert 1 <= 1000 - len(board.cable.inbox) <= 16
    assert board.events.count("ignored") <= 16


def test_a_flood_of_datagrams_does_not_hold_back_a_retransmission():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, b"flood")] * 1000
    for _ in range(20):
        board.cable.now += 100
        board.poll()
    assert len(board.types) >= 2


# Late polls


@rfc("2131 4.4.5")
def test_a_poll_after_t1_renews_after_t2_rebinds_after_the_end_starts_over():
    for late, to, state in (
        (1800, SERVER, "RENEWING"),
        (3200, None, "REBINDING"),
        (3600, None, "SELECTING"),
        (10 * DAY, None, "SELECTING"),
    ):
        board = Board().bound()
        board.cable.server.mute = (REQUEST, DISCOVER)
        board.sleep(late)
        assert board.client.state == state
        assert board.cable.sent[-1].to == to
        assert (
            (board.client.lease is None) == (state == "SELECTING") == ("expired" in board.events)
        )
        assert (board.cable.address is None) == (state == "SELECTING")


@rfc("2131 4.4.5")
def test_a_lease_of_40_days_is_right_when_poll_is_called_every_few_days():
    board = Board(Server(lease=40 * DAY, t1=20 * DAY, t2=35 * DAY)).bound()
    board.cable.server.mute = (REQUEST,)
    states = []
    for _ in range(14):
        board.sleep(3 * DAY)
        states.append(board.client.state)
    assert states == ["BOUND"] * 6 + ["RENEWING"] * 5 + ["REBINDING"] * 2 + ["SELECTING"]


@rfc("2131 4.4.5")
def test_the_address_goes_before_the_application_hears_that_it_has_expired():
    board = Board()
    seen = []

    def on_event(event, lease):
        seen.append((event, lease and lease.ip, board.cable.address))

    board.client.on_event = on_event
    board.bound()
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.sleep(LEASE)
    assert ("bound", "10.0.0.5", "10.0.0.5") in seen
    assert ("expired", None, None) in seen


# Renewals, and flash


@rfc("2131 4.4.5")
def test_a_renewal_that_changes_nothing_writes_nothing():
    board = Board().bound()
    board.go(20_000)
    assert board.events.count("renewed") >= 5
    assert board.store.writes == 1


@rfc("2131 4.4.5")
def test_a_renewal_that_changes_something_is_applied_and_written():
    board = Board(Server(t1=1000)).bound()
    board.cable.server.grant["options"] = opt(6, b"\x08\x08\x08\x08")
    board.go(1100)
    assert board.client.lease.dns == ["8.8.8.8"]
    assert board.cable.log.count("apply") == 2
    assert board.store.writes == 2


@rfc("2131 3.2")
def test_a_verified_lease_that_has_not_changed_is_not_written():
    board = Board().bound().again().bound()
    assert board.store.writes == 0


def test_a_record_that_cannot_be_written_is_an_error_and_no_more():
    board = Board()
    board.store.fault = OSError(EIO)
    board.bound()
    assert board.client.lease.ip == board.cable.address == "10.0.0.5"
    assert board.events.count("error") == 1
    assert board.events[-1] == "bound"
    board.store.fault = None
    board.go(2000)
    assert board.store.writes == 1


def test_an_address_that_cannot_be_applied_is_an_error_and_the_record_is_kept():
    board = Board(Server(t1=1000))
    board.cable.faults["apply"] = OSError(EIO)
    board.bound()
    assert board.events.count("error") == 1
    assert board.events[-1] == "bound"
    assert board.store.writes == 1
    del board.cable.faults["apply"]
    board.go(1100)
    assert board.events[-1] == "renewed"
    assert board.cable.address == "10.0.0.5"
    assert board.store.writes == 1


# The link


@rfc("2131 3.7")
def test_nothing_is_sent_while_the_link_is_down():
    board = Board()
    board.cable.plugged = False
    board.go(100)
    assert board.types == []
    board.cable.plugged = True
    assert board.bound().types == [DISCOVER, REQUEST]


@rfc("2131 3.7")
def test_with_the_link_goes_the_address_and_one_request_brings_it_back():
    board = Board().bound()
    board.cable.plugged = False
    board.go(5)
    assert board.client.lease is None
    assert board.cable.address is None
    assert board.events[-1] == "link"
    sent = len(board.types)
    board.cable.plugged = True
    board.bound()
    assert board.types[sent:] == [REQUEST]
    assert board.events[-1] == "rebooted"


def test_without_a_link_each_poll_takes_away_what_the_built_in_client_may_have_set():
    board = Board()
    board.cable.plugged = False
    for _ in range(3):
        board.cable.address = "10.0.0.9"
        board.poll()
        assert board.cable.address is None
    board.client.close()
    board.cable.address = "10.0.0.9"
    board.poll()
    assert board.cable.address == "10.0.0.9"


def test_a_link_that_stays_down_is_told_once():
    board = Board().bound()
    board.cable.plugged = False
    board.go(60)
    assert board.events.count("link") == 2  # it came, it went


# acquire


def test_acquire_returns_a_lease_that_is_there_without_a_packet():
    board = Board().bound()
    sent = len(board.types)
    assert board.client.acquire() is board.client.lease
    assert len(board.types) == sent


@rfc("2131 4.4.5")
def test_acquire_does_not_return_a_lease_that_is_over():
    board = Board().bound()
    board.cable.now += (LEASE + 1) * 1000
    lease = board.client.acquire()
    assert lease.remaining() == LEASE
    assert board.types == [DISCOVER, REQUEST] * 2


def test_acquire_gives_up_in_time():
    for timeout in (1, 99, 100, 101, 3000, 70_000):
        board = Board()
        board.cable.server.mute = (DISCOVER,)
        try:
            board.client.acquire(timeout)
        except OSError as error:
            fault = error
        assert fault.args[0] == ETIMEDOUT
        assert timeout <= board.cable.now - 5000 <= timeout + 100
        assert board.client.lease is None


def test_acquire_calls_idle_every_100_ms():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    at = [board.cable.now]
    raises(OSError, board.client.acquire, 20_000, lambda: at.append(board.cable.now))
    assert max(at[i + 1] - at[i] for i in range(len(at) - 1)) <= 100


def test_acquire_ends_early_with_the_links_own_reason():
    board = Board()
    board.cable.plugged = False
    board.cable.trouble = "wrong password"
    assert "wrong password" in raises(OSError, board.client.acquire, 20_000)
    assert board.cable.now <= 5100


def test_acquire_ends_early_when_the_reason_comes_later():
    board = Board()
    board.cable.plugged = False

    def idle():
        if board.cable.now > 8000:
            board.cable.trouble = "no access point"

    assert "no access point" in raises(OSError, board.client.acquire, 20_000, idle)
    assert board.cable.now <= 8200


def test_acquire_can_be_called_again_after_it_gave_up():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    raises(OSError, board.client.acquire, 1000)
    board.cable.server.mute = ()
    assert board.client.acquire().ip == "10.0.0.5"


# release, close, decline


@rfc("2131 3.1", "2131 4.4.6")
def test_release_is_sent_before_the_address_goes():
    board = Board().bound()
    del board.cable.log[:]
    board.client.release()
    log = board.cable.log
    assert log.index("send") < log.index("remove")
    released = board.cable.sent[-1]
    assert (released.type, released.to, released.ciaddr) == (RELEASE, SERVER, IP)
    assert released.options[54] == SERVER
    assert board.client.lease is None
    assert board.cable.address is None
    assert not board.cable.sock
    assert board.events[-1] == "released"


@rfc("2131 4.4.6")
def test_release_forgets_the_record():
    board = Board().bound()
    board.client.release()
    assert board.again().bound().types == [DISCOVER, REQUEST]


@rfc("2131 4.4.6")
def test_after_release_nothing_is_sent_until_acquire():
    board = Board().bound()
    board.client.release()
    sent = len(board.types)
    board.go(10_000)
    assert len(board.types) == sent
    assert board.client.state == "STOPPED"
    assert board.client.acquire().ip == "10.0.0.5"


@rfc("2131 4.4.6")
def test_release_forgets_no_record_of_another_network():
    board = Board()
    for network in (b"home", b"work"):
        board = board.again()
        board.cable.network = network
        board.bound()
    board.client.release()
    for network, types in ((b"home", [REQUEST]), (b"work", [DISCOVER, REQUEST])):
        board = board.again()
        board.cable.network = network
        assert board.bound().types == types


@rfc("2131 4.4.6")
def test_release_of_a_lease_that_is_being_verified_leaves_its_record():
    # No RELEASE has left: the server still has the lease.
    board = Board().bound().again()
    board.poll()
    board.client.release()
    assert board.types == [REQUEST]
    assert board.again().bound().types == [REQUEST]


@rfc("2131 4.4.6")
def test_a_second_release_forgets_no_other_record():
    board = Board().bound()
    board.client.close()
    other = board.again(server=Server(server=OTHER_SERVER))
    other.cable.server.naks = True
    other.poll()
    other.cable.server.naks = False
    other.bound()
    assert len(other.client.store._all()) == 2
    other.client.release()
    other.client.release()
    assert len(other.client.store._all()) == 1


@rfc("2131 4.1")
def test_two_clients_of_one_board_take_turns():
    port = Port()
    deaf = Server()
    deaf.mute = (DISCOVER,)
    first = Board(deaf, port)
    second = Board(Server(), port)
    for _ in range(2000):
        first.poll()
        second.cable.now = max(first.cable.now, second.cable.now)
        second.poll()
        first.cable.now = max(first.cable.now, second.cable.now) + 500
    assert first.client.state == "SELECTING"
    assert second.client.state == "BOUND"


@rfc("2131 4.4.6")
def test_release_before_the_first_poll_sends_nothing_and_leaves_the_record():
    board = Board().bound().again()
    board.client.release()
    assert board.types == []
    assert board.client.state == "STOPPED"
    assert board.again().bound().types == [REQUEST]


@rfc("2131 4.4.6")
def test_a_release_that_cannot_be_sent_or_forgotten_takes_the_address_away():
    for what in ("send", "open"):
        board = Board().bound()
        board.cable.faults[what] = OSError(EHOSTUNREACH)
        board.store.fault = OSError(EIO)
        board.client.release()
        assert board.cable.address is None
        assert board.client.lease is None
        assert board.client.state == "STOPPED"
        assert "error" in board.events


def test_close_keeps_the_record_and_hands_the_interface_back_last():
    board = Board().bound()
    del board.cable.log[:]
    board.client.close()
    log = board.cable.log
    assert "send" not in log
    assert log[-1] == "release"
    assert board.cable.address is None
    assert not board.cable.sock
    assert board.again().bound().types == [REQUEST]


def test_acquire_after_close_stops_the_built_in_client_again():
    board = Board().bound()
    board.client.close()
    del board.cable.log[:]
    board.client.acquire()
    assert board.cable.log[0] == "remove"


@rfc("2131 3.1", "2131 4.4.4")
def test_decline_takes_the_address_away_and_waits_10_s():
    board = Board().bound()
    board.client.decline()
    declined = board.cable.sent[-1]
    assert (declined.type, declined.to, declined.ciaddr) == (DECLINE, None, NOBODY)
    assert (declined.options[50], declined.options[54]) == (IP, SERVER)
    assert board.client.lease is None
    assert board.cable.address is None
    assert "declined" in board.events
    at = board.cable.now
    board.cable.server.grant["yiaddr"] = OTHER_IP
    board.go(20)
    assert board.types[-2:] == [DISCOVER, REQUEST]
    assert board.cable.sent[-2].at >= at + 10_000
    assert board.cable.address == "10.0.0.6"


@rfc("2131 4.4.4")
def test_decline_without_a_lease_sends_nothing():
    for board in (Board(), Board().bound().again()):
        try:
            board.client.decline()
        except ValueError:
            pass  # to name it is as good
        assert board.types == []


# reuse, without a packet


class RTC:
    """A clock that no reset sets back. kind: which one."""

    def __init__(self, seconds=1_000_000, kind=1):
        self.seconds = seconds
        self.kind = kind

    def __call__(self):
        return (self.kind << 32) + self.seconds


def test_a_lease_that_surely_runs_is_reused_without_a_packet():
    board = Board(reuse=True, epoch=RTC()).bound().again(reuse=True, epoch=RTC(1_000_100))
    lease = board.client.acquire()
    assert board.types == []
    assert board.events == ["reused"]
    assert lease.remaining() == LEASE - 100
    assert board.cable.address == "10.0.0.5"
    assert board.store.writes == 0


@rfc("2131 4.4.5")
def test_a_lease_that_is_reused_is_renewed_and_ends_when_it_must():
    board = (
        Board(Server(t1=1000), reuse=True, epoch=RTC())
        .bound()
        .again(reuse=True, epoch=RTC(1_000_900))
    )
    board.client.acquire()
    board.go(95)
    assert board.types == []
    board.go(10)
    assert board.types == [REQUEST]
    assert board.cable.sent[0].to == SERVER
    board = board.again(reuse=True, epoch=RTC(1_000_900))
    board.cable.server.mute = (REQUEST, DISCOVER)
    board.client.acquire()
    board.go(LEASE - 901)
    assert board.client.lease
    board.go(2)
    assert board.client.lease is None


@rfc("2131 3.2")
def test_a_lease_is_verified_when_its_clock_does_not_vouch_for_it():
    for reuse in (
        RTC(1_000_000 + LEASE),  # over
        RTC(999_999),  # set back
        RTC(kind=2),  # another clock
        RTC(0, kind=2),
        RTC(kind=0),
        None,  # not asked for
    ):
        board = Board(reuse=True, epoch=RTC()).bound().again(reuse=True, epoch=reuse).bound()
        assert board.types == [REQUEST]


@rfc("2131 3.2")
def test_an_infinite_lease_is_verified_when_its_clock_does_not_vouch_for_it():
    server = Server(lease=INFINITE)
    for before, after in ((None, RTC()), (None, RTC(5)), (RTC(), RTC(5)), (RTC(), RTC(kind=2))):
        assert Board(server, reuse=True, epoch=before).bound().again(
            reuse=True, epoch=after
        ).bound().types == [REQUEST]
    assert (
        Board(server, reuse=True, epoch=RTC())
        .bound()
        .again(reuse=True, epoch=RTC(AGES))
        .bound()
        .types
        == []
    )


def test_an_ack_that_came_late_does_not_hinder_a_clock_that_has_just_begun():
    server = Server()
    server.trip = 400
    for kind in (0, 1):
        board = Board(server, reuse=True, epoch=RTC(0, kind))
        server.mute = (REQUEST,)
        board.go(2)
        server.mute = ()
        board.go(5)
        assert board.client.state == "BOUND"


# Faults of others


def test_garbage_is_ignored_and_told():
    board = Board()
    board.cable.server.mute = (DISCOVER,)
    board.poll()
    board.cable.inbox = [(0, data) for data in (b"x", b"\0" * 240, b"\xff" * 1024, b"y" * 300)]
    board.poll()
    assert board.events.count("ignored") == 4
    assert board.client.reason
    board.cable.server.mute = ()
    board.bound()


def consistent(board):
    lease = board.client.lease
    assert lease is board.client.session.lease
    assert board.cable.address == (lease and lease.ip)
    return True


class Mutator(Server):
    """Changes some bytes of each message, and cuts some off."""

    def answer(self, sent):
        data = bytearray(super().answer(sent))
        for _ in range(1 + self.rand(2)):
            i = (self.rand(16) if self.rand(1) else 236 + self.rand(6)) % len(data)
            data[i] = self.rand(8)
        return bytes(data[: len(data) - (0 if self.rand(2) else self.rand(6))])


def test_no_mutation_of_a_reply_raises_out_of_poll():
    options = (
        opt(3, b"\x0a\0\0\x01") + opt(6, b"\x0a\0\0\x01") + opt(52, b"\x03") + opt(15, b"lan")
    )
    server = Mutator(options=options, t1=1000, t2=2000)
    events = []
    for seed in range(1, 301):
        if seed % 3 == 1:
            store = Flash()
        world = World()
        world.seed = seed * 1234567
        server.rand = world.random
        board = Board(server, store=store)
        for _ in range(20):
            board.client.poll(100)
            assert consistent(board)
        events += board.events
    for event in ("ignored", "bound", "rebooted"):
        assert events.count(event) > 20


class Oops(Exception):
    pass


def raising_at(board, number, error):
    told = []

    def on_event(event, lease):
        told.append(event)
        if len(told) == number + 1:
            raise error
        board.events.append(event)

    return on_event


def test_an_exception_of_on_event_comes_out_of_poll_and_leaves_the_client_consistent():
    for error in (Oops(), OSError(EIO), ValueError("mine")):
        for number in range(12):
            board = Board(Server(t1=1000, t2=2000))
            board.client.on_event = raising_at(board, number, error)
            caught = []
            for seconds, naks in ((10, False), (1000, False), (1000, True), (1000, False)):
                board.cable.server.naks = naks
                try:
                    board.go(seconds)
                except (Oops, OSError, ValueError) as e:
                    caught.append(e)
                    assert consistent(board)
            assert caught == [error]
            assert consistent(board)
            assert board.client.lease
            assert board.store.writes == 3  # the lease, its end by the NAK, the next


@rfc("2131 3.1", "2131 4.4.5")
def test_a_nak_or_a_decline_of_a_lease_in_use_forgets_the_record():
    board = Board().bound()
    assert board.store.kept
    board.client.decline()
    assert not board.store.kept
    board = Board(Server(t1=1000)).bound()
    board.cable.server.naks = True
    board.cable.server.mute = (DISCOVER,)
    board.go(1001)
    assert "nak" in board.events
    assert not board.store.kept


@rfc("2131 3.2")
def test_a_nak_to_a_lease_that_is_being_verified_keeps_the_record_unless_it_could_be_reused():
    # Away from home a server says no, and at home the address is still good.
    for reuse in (False, True):
        board = Board().bound().again(reuse=reuse)
        board.cable.server.naks = True
        board.cable.server.mute = (DISCOVER,)
        board.go(1)
        assert "nak" in board.events
        assert bool(board.store.kept) != reuse


@rfc("2131 4.3.2")
def test_another_clients_nak_does_not_forget_the_record():
    board = Board(Server(t1=1000)).bound()
    board.cable.server.mute = (REQUEST,)
    board.go(1001)
    board.cable.inbox.append((0, reply(NAK, xid=b"zzzz")))
    board.go(1)
    assert "ignored" in board.events
    board.client.close()
    assert board.store.kept


@rfc("2131 3.1")
def test_decline_of_a_lease_that_is_over_raises_nothing():
    board = Board().bound()
    board.cable.now += 100_000_000
    board.client.decline()
    assert not board.client.lease


@rfc("2131 3.1")
def test_decline_after_a_long_sleep_still_waits_10_s():
    board = Board().bound()
    board.cable.now += 600_000
    board.client.decline()
    sent = len(board.types)
    board.go(9)
    assert len(board.types) == sent
    board.go(2)
    assert len(board.types) > sent


def test_an_exception_of_on_event_does_not_keep_release_from_its_end():
    for number in range(2):
        board = Board().bound()
        board.client.on_event = raising_at(board, number, Oops())
        raises(Oops, board.client.release)
        assert consistent(board)
        assert board.client.lease is None
        assert not board.store.kept
        assert board.types[-1] == RELEASE


def test_an_exception_of_on_event_does_not_keep_decline_from_its_end():
    for number in range(2):
        board = Board().bound()
        board.client.on_event = raising_at(board, number, Oops())
        raises(Oops, board.client.decline)
        assert consistent(board)
        assert board.client.lease is None
        assert board.types[-1] == DECLINE
        at = board.cable.now
        board.go(15)
        assert board.cable.sent[-2].at >= at + 10_000


def test_an_exception_of_on_event_does_not_keep_close_from_its_end():
    board = Board().bound()
    board.client.on_event = raising_at(board, 0, Oops())
    raises(Oops, board.client.close)
    assert consistent(board)
    assert board.client.lease is None
    assert board.cable.log[-1] == "release"


def test_on_event_may_release_or_close_at_any_event():
    for number in range(7):
        for how in ("release", "close"):
            board = Board(Server(t1=1000, t2=2000))
            told = []

            def on_event(event, lease, board=board, told=told, number=number, how=how):
                told.append(event)
                if len(told) == number + 1:
                    getattr(board.client, how)()

            board.client.on_event = on_event
            board.go(10)
            board.go(1100)
            assert consistent(board)
            assert board.client.lease is None or len(told) <= number
            assert not board.cable.sock or len(told) <= number


# Options alone


@rfc("2131 3.4", "2131 4.4.3")
def test_inform_asks_for_the_options_of_an_address_that_is_there():
    board = Board()
    told = board.client.inform(ip="10.0.0.9")
    assert told.server == SERVER
    sent = board.cable.sent[-1]
    assert (sent.type, sent.to, sent.ciaddr) == (INFORM, None, b"\x0a\0\0\x09")
    assert not {50, 51} & set(sent.options)
    assert not board.cable.sock


@rfc("2131 3.4", "2131 4.4.3")
def test_inform_beside_a_lease_leaves_it_alone():
    board = Board().bound()
    lease = board.client.lease
    board.client.inform()
    assert board.cable.sent[-1].ciaddr == IP
    assert board.client.lease is lease
    assert board.client.state == "BOUND"
    assert not board.cable.sock


@rfc("2131 3.4")
def test_inform_gives_up_in_time_and_closes_the_socket():
    board = Board()
    board.cable.server.mute = (INFORM,)
    raises(OSError, lambda: board.client.inform(ip="10.0.0.9", timeout_ms=3000))
    assert board.cable.now <= 8100
    assert not board.cable.sock
    assert 2 <= len(board.types) <= 3


def test_inform_without_an_address_names_what_is_missing():
    raises(ValueError, Board().client.inform)
    for ip in ("10.0.0", "10.0.0.0.1", "10.0.0.300", "ten", "10.0.0.-1"):
        raises(ValueError, lambda ip=ip: Board().client.inform(ip=ip))


# Settings


def test_a_setting_that_there_is_not_is_named():
    assert "hostnam" in raises(ValueError, lambda: Board(hostnam="a"))
    assert "nonsense" in raises(ValueError, lambda: Board(nonsense=1))


def test_what_is_no_setting_is_refused():
    for name in ("poll", "acquire", "session", "lease", "reason", "_event", "link"):
        assert name in raises(ValueError, lambda name=name: Board(**{name: 1}))


def test_a_bad_setting_is_refused_and_named():
    for words, settings in (
        (("hostname", "12"), {"hostname": "h" * 256}),
        (("hostname", "12"), {"hostname": 5}),
        (("params", "55"), {"params": b""}),
        (("params", "55"), {"params": b"\1" * 256}),
        (("client_id", "61"), {"client_id": b"i" * 256}),
        (("client_id", "61"), {"client_id": "a name"}),
        (("300",), {"options": {300: b"a"}}),
        (("0",), {"options": {0: b"a"}}),
        (("255",), {"options": {255: b"a"}}),
        (("60",), {"options": {60: b""}}),
        (("60",), {"options": {60: b"v" * 256}}),
        (("60",), {"options": {60: "text"}}),
        (("options",), {"options": {60: b"v" * 200, 77: b"u" * 200}}),
    ):
        said = raises(ValueError, lambda settings=settings: Board(**settings))
        assert [word for word in words if word in said], (said, words)


# Heap


class Quiet(Cable):
    """A cable that takes nothing from the heap."""

    def recv(self, size, wait):
        return None


def quiet(**settings):
    link = Quiet()
    client = Client(link, clock=link.clock, store=Flash(), **settings)
    return link, client


def in_a_vm():
    if sys.implementation.name != "micropython":
        raise Skip("cpython: what its heap takes is no board's concern")


def test_an_idle_poll_with_the_socket_open_takes_nothing_from_the_heap():
    in_a_vm()
    link, client = quiet()
    client.poll()
    assert link.sock
    assert allocated(client.poll) == 0
    without_heap(client.poll)


def test_an_idle_poll_with_the_socket_closed_takes_nothing_from_the_heap():
    in_a_vm()
    board = Board().bound()
    assert not board.cable.sock
    assert allocated(board.client.poll) == 0
    without_heap(board.client.poll)


def test_an_idle_poll_without_a_link_takes_nothing_from_the_heap():
    in_a_vm()
    link, client = quiet()
    link.plugged = False
    client.poll()
    assert allocated(client.poll) == 0
