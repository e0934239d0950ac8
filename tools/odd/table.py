"""Who gets a lease from which odd server: the runs, several at once, and the table of them."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from odd.columns import COLUMNS, OURS, Column, Told
from odd.oddities import ODDITIES, named
from odd.oddity import LEASE, NOBODY, Oddity
from odd.server import OddServer
from testbed.lab import Lab
from testbed.process import LabError
from toolchain.cli import Unavailable

TITLE = "# Odd servers\n"
_HEAD = """
This page shows which clients get a lease from servers that do something odd. `tools/lab.py odd`
makes it. The server has scapy's codec, and does everything right except for one oddity, which has
a name. Each client starts as if it had never run, on a network of its own with that server.

*yes*: the client had a lease within 20 s, or later if the server is slow. For renewals and power
cuts it had the renewal, or the second lease. After *yes* follows what the client applies but
should not, such as *dns 0.0.0.0*; dhcpcd, dhclient and udhcpc pass that to their script. *-*: it
was not run; lwIP's own client does not renew leases of seconds.

| | |
| --- | --- |
"""

_LOOK_S = 0.05  # between looks at what a client has told
_WRITE_S = 2  # for a client to keep its lease


@dataclass(frozen=True)
class Outcome:
    """What a client got: `leased`, whether what the oddity's goal says; `wrong`, what of it is not
    as it should be, {"dns": "0.0.0.0"}; after how many seconds; all that it printed."""

    leased: bool
    wrong: dict[str, str]
    seconds: float
    said: str

    def __str__(self) -> str:
        words = ["yes" if self.leased else "no"]
        words += [f"{name} {value}" for name, value in self.wrong.items()]
        return ", ".join(words)


Outcomes = dict[tuple[str, type[Column]], Outcome]


class Lane:
    """A lab with the odd server and one kind of client, which meets one oddity after the other; a
    context manager. Unavailable: there can be none here."""

    def __init__(self, kind: type[Column]) -> None:
        kind.require()
        with contextlib.ExitStack() as stack:
            net = stack.enter_context(Lab())
            self._column = kind(net)
            self._server = stack.enter_context(OddServer(net))
            self._stack = stack.pop_all()

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def meet(self, oddity: Oddity) -> Outcome:
        """Have the client, as if it had never run, meet a server with that oddity."""
        self._server.be(oddity)
        start = time.monotonic()
        reboots = oddity.reboots
        self._column.start()
        try:
            while True:
                told = self._column.told()
                seconds = time.monotonic() - start
                got = _reached(told, oddity.goal)
                if got or seconds > oddity.limit:
                    break
                if told and reboots:
                    reboots = False
                    time.sleep(_WRITE_S)
                    self._column.restart()
                if self._server.fault:
                    raise LabError(f"the odd server: {self._server.fault!r}")
                time.sleep(_LOOK_S)
            said = self._column.said()
        finally:
            self._server.be(None)
            self._column.stop()
        wrong = {}
        for name, value in oddity.right.items() if got else ():
            has = (getattr(got, name).split() or [value if name == "mask" else NOBODY])[0]
            if has != value:
                wrong[name] = has
        return Outcome(bool(got), wrong, seconds, said)


def _reached(told: list[Told], goal: tuple[str, ...]) -> Told | None:
    # The one that completes the goal
    left = list(goal)
    for each in told:
        if each.event == left[0]:
            del left[0]
            if not left:
                return each
    return None


def meets(kind: type[Column], oddity: Oddity) -> bool:
    """Whether that client can be put before it."""
    return kind.renews or oddity.goal == LEASE


def able(columns: Iterable[type[Column]]) -> tuple[list[type[Column]], dict[type[Column], str]]:
    """Those of the clients that can be run here; why the others cannot, and the remedy."""
    can = []
    missing = {}
    for kind in columns:
        try:
            with Lane(kind):
                can.append(kind)
        except Unavailable as error:
            missing[kind] = str(error)
    return can, missing


def run(
    oddities: Mapping[str, Oddity],
    columns: Iterable[type[Column]],
    lanes: int,
    heed: Callable[[str, type[Column], Outcome], None] = lambda *_: None,
) -> Outcomes:
    """Have each client meet each oddity, in `lanes` labs for each client at once; `heed` is told
    of each outcome. A fault of a lab is raised at the end.
    """
    outcomes: Outcomes = {}
    faults: list[BaseException] = []
    lock = threading.Lock()

    def work(kind: type[Column], left: queue.SimpleQueue[str]) -> None:
        try:
            with Lane(kind) as lane:
                while not faults:
                    name = left.get_nowait()
                    outcome = lane.meet(oddities[name])
                    with lock:
                        outcomes[name, kind] = outcome
                        heed(name, kind, outcome)
        except queue.Empty:
            pass
        except BaseException as error:
            faults.append(error)

    threads = []
    for kind in columns:
        left: queue.SimpleQueue[str] = queue.SimpleQueue()
        for name in sorted(oddities, key=lambda name: -oddities[name].limit):
            if meets(kind, oddities[name]):
                left.put(name)
        threads += [
            threading.Thread(target=work, args=(kind, left), daemon=True) for _ in range(lanes)
        ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return outcomes


def takes(kind: type[Column], oddity: Oddity) -> bool:
    """Whether the client is to get what the oddity's goal says."""
    return not (oddity.refused and kind in OURS and kind.title in oddity.by)


def page(outcomes: Outcomes) -> str:
    """The page of docs/: what was run, the tables, the counts, and why what is refused is."""
    columns = [kind for kind in COLUMNS if any(kind is each for _, each in outcomes)]
    head = "| | the server sends | " + " | ".join(kind.title for kind in columns) + " |\n"
    rule = "| --- " * (len(columns) + 2) + "|\n"
    text = TITLE + _HEAD + "".join(f"| {kind.title} | {kind.version()} |\n" for kind in columns)
    text += f"\n{head.replace('the server sends', '')}{rule}"
    text += "| leases | | " + " | ".join(count(outcomes, kind) for kind in columns) + " |\n"
    for title, oddities in ODDITIES.items():
        rows = ""
        for name, oddity in oddities.items():
            if any((name, kind) in outcomes for kind in columns):
                cells = [str(outcomes.get((name, kind), "-")) for kind in columns]
                rows += f"| `{name}` | {oddity.line} | {' | '.join(cells)} |\n"
        if rows:
            text += f"\n## {title}\n\n{head}{rule}{rows}"
    return text + _refusals()


def count(outcomes: Outcomes, kind: type[Column]) -> str:
    """How many leases that client has got, of how many: "116 of 127"."""
    of = [outcome.leased for (_, each), outcome in outcomes.items() if each is kind]
    return f"{sum(of)} of {len(of)}"


def _refusals() -> str:
    reasons: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, oddity in named().items():
        if oddity.refused:
            reasons.setdefault((oddity.refused, oddity.by), []).append(f"`{name}`")
    text = "\n## What this client refuses, and why\n\n| | where | why |\n| --- | --- | --- |\n"
    for (reason, by), names in reasons.items():
        where = "everywhere" if len(by) == len(OURS) else ", ".join(by)
        text += f"| {', '.join(names)} | {where} | {reason} |\n"
    return text
