"""A client on a fake board: what may happen to it, and whether lease, NIC and record agree with
its session after each call.

A board cannot be copied, so each way is gone from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from errno import EIO
from typing import Any

from dhcpc import conflicts
from explore.search import Found, search
from fakeboard import plug
from onboard import Dhcp, Server, bare
from records import Memory
from world import ACK, DISCOVER, IP, NAK, OFFER, OTHER_IP, REQUEST, Sent, reply

LEASE_S, T1_S, T2_S = 3600, 1800, 3150
_TIMES = {"T1": T1_S, "T2": T2_S, "the end": LEASE_S}
_SENDING = ("sendto", "send_ethernet")
_SOON_MS = 1000  # within which what the NIC did not take is tried again
_PAUSE_MS = 600_000  # between writes of the record
_TRIP_MS = 5


class Odd(Server):
    """A server that does as `mood` says."""

    mood = "grants"

    def answer(self, sent: Sent) -> bytes | None:
        if self.mood == "is silent" or sent.type not in (DISCOVER, REQUEST):
            return None
        if self.mood == "says no" and sent.type == REQUEST:
            no: bytes = reply(NAK, xid=sent.xid)
            return no
        ip = OTHER_IP if self.mood == "grants another address" else IP
        kind = OFFER if sent.type == DISCOVER else ACK
        made: bytes = reply(kind, xid=sent.xid, yiaddr=ip, lease=LEASE_S, t1=T1_S, t2=T2_S)
        return made


MOODS = ("grants", "grants another address", "is silent", "says no")


class Flash(Memory):
    """A store that fails when it is told to. failed: whether it has in this call."""

    broken = False
    failed = False

    def write(self, data: bytes) -> None:
        if self.broken:
            self.failed = True
            raise OSError(EIO)
        super().write(data)


class Device:
    """A client on a board, and what has become of its leases. used: the address in use after the
    last call. refused: one that was in use until it was given back, or a NAK came, and no other
    since. broken: whether the NIC takes no address.
    """

    def __init__(self, board: Any) -> None:
        self.board = board
        self.server = board.server = Odd()
        self.store = Flash()
        board.nic.active(True)
        self.broken = False
        self.set = board.nic.ifconfig
        board.nic.ifconfig = self.ifconfig
        self.dhcp = Dhcp(board, self.store)
        self.client: Any = self.dhcp.client
        self.client.on_event = self.hears
        self.client.session.rand = self.random
        self.seed = 1
        self.wait = 0
        self.told: list[str] = []
        self.used = self.refused = b""
        board.connect()

    def random(self, bits: int) -> int:
        self.seed = self.seed * 75 % 65537
        return self.seed & (1 << bits) - 1

    def ifconfig(self, *how: Any) -> Any:
        if self.broken and how:
            raise OSError(EIO)
        return self.set(*how)

    def hears(self, event: str, lease: Any) -> None:
        self.told.append(event)
        if lease:
            self.refused = b""
        elif event in ("nak", "released", "declined"):
            self.refused = self.used

    def call(self, after_ms: int = 0) -> None:
        """Poll then, and once more when a reply has had the time to come."""
        for ms in (after_ms, _TRIP_MS, _TRIP_MS):
            self.board.now += ms
            self.board.hand_over()
            self.store.failed = False
            del self.told[:]
            self.wait = self.client.poll()
            self.used = self.client.lease.yiaddr if self.client.lease else b""
            agree(self)

    def until(self, age_s: int) -> None:
        self.call(max((age_s - self.client.lease.age) * 1000, 0))

    def record(self) -> bytes:
        """The address of the last record, b"" without one."""
        kept: list[bytes] = self.store.records(self.client.key or b"?")
        return kept[0][-13:-9] if kept else b""


# What holds after each call


def agree(device: Device) -> None:
    for each in AGREED:
        each(device)


def the_lease_is_the_session_s(device: Device) -> None:
    client = device.client
    assert client.lease is (None if client.due else client.session.lease)
    if client.lease:
        assert client.lease.age < client.lease.lease_time


def the_nic_has_the_lease_s_address(device: Device) -> None:
    client = device.client
    if not client.due:
        if client.lease:
            assert device.board.nic.ifconfig()[0] == client.lease.ip
        else:
            assert bare(device.board)


def what_the_nic_did_not_take_is_tried_again_soon(device: Device) -> None:
    if device.client.due:
        assert "error" in device.told
        assert device.wait <= _SOON_MS


def the_record_is_the_lease_s(device: Device) -> None:
    client = device.client
    if not client.save:
        assert not client.lease or device.record() == client.lease.yiaddr
        assert not device.refused or device.record() != device.refused


def the_record_is_soon_written(device: Device) -> None:
    client = device.client
    if client.save and not device.store.failed:
        assert 0 <= device.board.now - client.saved < _PAUSE_MS


AGREED = (
    the_lease_is_the_session_s,
    the_nic_has_the_lease_s_address,
    what_the_nic_did_not_take_is_tried_again_soon,
    the_record_is_the_lease_s,
    the_record_is_soon_written,
)


# What may happen

_Do = Callable[[Device], object]
_Where = Callable[[Device], object]


def _always(device: Device) -> object:
    return True


def _up(device: Device) -> object:
    return device.board.netif.link


def _has_lease(device: Device) -> object:
    return device.client.lease


def _before(age_s: int) -> _Where:
    return lambda d: d.client.lease and d.client.lease.age < age_s


def _server(mood: str, do: _Do) -> _Do:
    def done(device: Device) -> None:
        device.server.mood = mood
        do(device)

    return done


def _in_time(device: Device) -> None:
    device.call(device.wait)


def _broken(do: _Do) -> _Do:
    """The NIC takes no address meanwhile."""

    def done(device: Device) -> None:
        device.broken = True
        do(device)
        device.broken = False

    return done


def _without_a_way_out(device: Device) -> None:
    faults = device.board.faults
    faults.update({call: [device.board.fault("EBADF")] for call in _SENDING})
    _in_time(device)
    for call in _SENDING:
        del faults[call]


def _at(age_s: int) -> _Do:
    return lambda device: device.until(age_s)


def _store_fails(device: Device) -> None:
    device.store.broken = True
    _in_time(device)
    device.store.broken = False


def _then(do: _Do) -> _Do:
    def done(device: Device) -> None:
        do(device)
        device.call()

    return done


def _acquire(device: Device) -> None:
    device.client.wanted = True
    device.call()


def happenings() -> Iterator[tuple[str, _Do, _Where]]:
    for mood in MOODS:
        yield f"called in time, a server {mood}", _server(mood, _in_time), _always
    for name, age_s in _TIMES.items():
        for mood in MOODS:
            yield f"called at {name}, a server {mood}", _server(mood, _at(age_s)), _before(age_s)
        yield f"called at {name}, the NIC fails", _broken(_at(age_s)), _before(age_s)
    yield "10 minutes later", lambda d: d.call(_PAUSE_MS), _always
    yield "the link is lost", _then(lambda d: d.board.away()), _up
    yield "the link is back", _then(lambda d: d.board.back()), lambda d: not _up(d)
    yield "released", _then(lambda d: d.client.release()), _always
    yield "wanted again", _acquire, lambda d: not d.client.wanted
    yield "verified", _then(lambda d: d.client.verify()), _has_lease
    yield "renewed", _then(lambda d: d.client.renew()), _has_lease
    yield "declined", _then(lambda d: conflicts.decline(d.client)), _has_lease
    for name, do in (
        ("the NIC fails", _broken(_in_time)),
        ("sending fails", _without_a_way_out),
        ("the store fails", _store_fails),
    ):
        yield f"called in time, {name}", _server("grants", do), _always


class Way:
    """Events in their order, and what they have led to: what tells it from others."""

    def __init__(self, port: str, steps: tuple[Step, ...] = ()) -> None:
        self.port = port
        self.steps = steps
        self.possible = True
        self.key: Hashable = None
        with plug(port) as board:
            device = Device(board)
            for step in steps:
                self.possible = bool(step.where(device))
                if not self.possible:
                    return
                step.do(device)
            self.key = _key(device)


class Step:
    def __init__(self, name: str, do: _Do, where: _Where) -> None:
        self.name = name
        self.do = do
        self.where = where

    def __call__(self, way: Way) -> Way | None:
        longer = Way(way.port, (*way.steps, self))
        return longer if longer.possible else None


STEPS = [Step(*each) for each in happenings()]


def _key(device: Device) -> Hashable:
    client = device.client
    session = client.session
    return (
        session.state,
        min(session.count, 2),
        bool(session.fails),
        session.yiaddr,
        client.lease and client.lease.yiaddr,
        client.due,
        client.wanted,
        client.save and client.save[0].__name__,
        client.saved is None,
        device.record(),
        device.refused,
        device.board.nic.ifconfig()[0],
        _up(device),
    )


def explore(port: str, depth: int) -> Found:
    return search(Way(port), STEPS, lambda way: way.key, lambda way: None, depth)
