"""Many boards that boot at once, simulated: the firmware's own sessions, and a server that can do
so many requests a second.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from dhcpc import Session

BOARDS = 1000
RATE = 50  # requests that the server answers a second
QUEUE = 50  # that wait for it at most, of those that come meanwhile: the others are lost
TRIP = 2  # ms, there and back
END = 900_000  # ms

_DISCOVER, _OFFER, _ACK = 1, 2, 5
_BOUND = 6
_WRAP = 1 << 30
_OPTIONS = bytes.fromhex("3d0701020000000001")  # the client identifier, which a session has first


class Fleet(NamedTuple):
    """What came of it. packets: in each second, what the boards sent. bound: in how many seconds
    each was, in order; a board that was not is not among them.
    """

    packets: Counter[int]
    bound: list[float]


# How long to wait for a reply, in ms, after so many messages: what the session says, or another
# rule to compare it with
Rule = Callable[[int, Callable[[int], int]], int]


def fixed(count: int, rand: Callable[[int], int]) -> int:
    """1, 2, 4 ... 64 s, each plus or minus half a second."""
    return (1000 << min(count - 1, 6)) - 500 + rand(10)


def rfc(count: int, rand: Callable[[int], int]) -> int:
    """RFC 2131 4.1: 4, 8 ... 64 s, each plus or minus a second."""
    return (4000 << min(count - 1, 4)) - 1000 + rand(11)


RULES: dict[str, Rule | None] = {
    "1 s times 0.5 to 1.5, then 2 to 64 s times 0.5 to 1": None,
    "1 to 64 s, each +-0.5 s": fixed,
    "RFC 2131's 4 to 64 s, each +-1 s": rfc,
}


def boot(boards: int = BOARDS, rate: int = RATE, rule: Rule | None = None, seed: int = 1) -> Fleet:
    """Let them boot within the same 100 ms, without a stored lease.

    rate: of the server, a second. rule: None for the firmware's own.
    """
    rng = random.Random(seed)
    order = itertools.count()
    events: list[tuple[int, int, int, bytes]] = []  # (ms, order, board, datagram or none)
    waiting: deque[int] = deque()  # when the server will be done with each request
    packets: Counter[int] = Counter()
    bound: dict[int, float] = {}
    buf = bytearray(570)

    def at(ms: int, board: int, data: bytes = b"") -> None:
        heapq.heappush(events, (ms, next(order), board, data))

    def ask(now: int, board: int, data: bytes) -> None:
        packets[now // 1000] += 1
        while waiting and waiting[0] <= now:
            waiting.popleft()
        if len(waiting) < QUEUE:
            waiting.append(max(now, waiting[-1] if waiting else 0) + 1000 // rate)
            at(waiting[-1] + TRIP, board, _answer(data, board))

    sessions = []
    for board in range(boards):
        session = Session(_mac(board), _OPTIONS, rng.getrandbits)
        session.step(0)
        session.start(rng.randrange(100))
        sessions.append(session)
        at(session.wait, board)
    calls = [0] * boards  # when each session wants to be called
    while events and events[0][0] < END and len(bound) < boards:
        now, _, board, data = heapq.heappop(events)
        session = sessions[board]
        if data:
            session.read(data)
        elif now < calls[board]:
            continue  # it has asked for another time since
        while session.step(now % _WRAP):
            if session.state in (3, 5):
                ask(now, board, bytes(buf[: session.write(buf, 0)]))
                if rule:
                    session.wait = rule(session.count, rng.getrandbits)
        if session.state == _BOUND:
            bound.setdefault(board, now / 1000)
        else:
            calls[board] = now + session.wait
            at(calls[board], board)
    return Fleet(packets, sorted(bound.values()))


def table(seed: int = 1) -> str:
    """Packets over time under each rule, and when all were bound: a Markdown table."""
    fleets = {name: boot(rule=rule, seed=seed) for name, rule in RULES.items()}
    edges = [0, 5, 10, 15, 20, 30, 40, 50, 60, 80, 120, 180, 240, 320, END // 1000]
    rows = ["| seconds | " + " | ".join(fleets) + " |", "| --- |" + " --- |" * len(fleets)]
    for start, end in itertools.pairwise(edges):
        counts = [sum(f.packets[s] for s in range(start, end)) for f in fleets.values()]
        if any(counts):
            rows.append(f"| {start} to {end} | " + " | ".join(map(str, counts)) + " |")
    rows.append(
        "| packets | " + " | ".join(str(f.packets.total()) for f in fleets.values()) + " |"
    )
    last = [f"{f.bound[-1]:.0f} s" if len(f.bound) == BOARDS else "never" for f in fleets.values()]
    rows.append("| all bound | " + " | ".join(last) + " |")
    return "\n".join(rows)


def _mac(board: int) -> bytes:
    return b"\2\0" + board.to_bytes(4, "big")


def _answer(data: bytes, board: int) -> bytes:
    # As any server does: an OFFER for a DISCOVER, an ACK for a REQUEST
    kind = _OFFER if data[242] == _DISCOVER else _ACK
    yiaddr = bytes((10, 1)) + (board + 256).to_bytes(2, "big")
    options = bytes((53, 1, kind, 54, 4, 10, 1, 0, 1, 51, 4, 0, 0, 14, 16, 255))
    head = b"\2\1\6\0" + data[4:8] + bytes(8) + yiaddr + bytes(8) + _mac(board) + bytes(202)
    return head + data[236:240] + options
