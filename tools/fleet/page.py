"""The tables and the charts of docs/fleets.md, each made by a simulation. The words between are
written by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from fleet import loss
from fleet.boot import BOARDS, CALM_S, Down, Fleet, Site, boot
from fleet.chart import Axis, Points, lines
from fleet.clients import CLIENTS, OURS, RFC, WAITING, Maker
from toolchain import parts
from toolchain.package import ROOT

PAGE = ROOT / "docs/fleets.md"
CHARTS = ROOT / "docs/fleets"

_FIRSTS = 4000  # clients, of each kind, at each loss
_PERIODS = 43_200  # times T1, for which a client is watched
_SEEN = 0.3  # the loss of the chart
_STEPS = (10, 20, 30, 40, 50, 60)  # % of loss, of the other chart
_IDF = "lwIP, ESP-IDF"

SITES = (Site((50,)), Site((50, 50)), Site((500,)), Site((500, 500)), Site((500,), relay=100))
_SMALL, _LARGE = 10_000, 100_000
_LEASE_S = 600  # of a fleet that renews
_LATER_S = 3600  # how long it is watched
HOUR_S = 3600  # a lease of a fleet whose server is down at T1
DOWN_S = 1600  # from then on, just before the first board's T1
# When it is back, by what the boards have behind them: all, or none of them
BACK_S = {"T1": 2400, "T2": 3300, "the end": 4000}
_LOOK_S = 900  # how long it is watched then
_BIN_S = 5  # of a chart


class Part(NamedTuple):
    """What a simulation makes: tables of the page, and charts, by their names."""

    tables: dict[str, list[str]]
    charts: dict[str, str]


def modelled() -> Part:
    """What stands for each client."""
    rows = _head("client", "what is modelled")
    for name, make in CLIENTS.items():
        rows += _row(name, " ".join((inspect.getdoc(make) or "").split()))
    return Part({"clients": rows}, {})


def bad_network() -> Part:
    """A first lease, and a day, under loss."""
    firsts = _head("client", *(f"{each} % lost" for each in loss.LOSSES))
    curves: dict[str, Points] = {}
    for name, make in _single().items():
        cells = []
        for each in loss.LOSSES:
            seconds = loss.firsts(make, each / 100, _FIRSTS)
            cells.append(" / ".join(_seconds(value) for value in loss.wait(seconds)))
            if each == _SEEN * 100:
                curves[name] = _curve(seconds)
        firsts += _row(name, *cells)
    days = _head("lease", "client", *(f"{each} % lost" for each in loss.LOSSES))
    for lease_s in loss.LEASES_S:
        for name, make in _single().items():
            without = [_missing(make, each, lease_s) for each in loss.LOSSES]
            days += _row(f"{lease_s // 60} min", name, *map(_seconds, without))
    short = {
        name: [(each, _missing(make, each, loss.LEASES_S[0])) for each in _STEPS]
        for name, make in _single().items()
    }
    names = list(CLIENTS)
    return Part(
        {"first lease": firsts, "day": days},
        {
            "first-lease": lines(
                f"A first lease, {_SEEN:.0%} lost in each direction",
                Axis("seconds since the start", 0.01, 1000, log=True),
                Axis("% of clients that have an address", 0, 100),
                curves,
                names,
            ),
            "day": lines(
                "A day with leases of 2 minutes",
                Axis("% lost in each direction", _STEPS[0], _STEPS[-1]),
                Axis("seconds without an address", 0.1, loss.DAY_S, log=True),
                short,
                names,
            ),
        },
    )


def power() -> Part:
    """All boards at once."""
    rows = _head(
        "boards", "server", "client", "50 %", "99 %", "all", "sent by a board", "highest wave"
    )
    kept: dict[tuple[int, Site, str], Fleet] = {}
    for boards in (BOARDS, _SMALL, _LARGE):
        for site in SITES:
            for name in (OURS, WAITING, RFC, _IDF) if boards < _LARGE else (OURS, RFC):
                fleet = kept[boards, site, name] = boot(CLIENTS[name], site, boards)
                rows.append(row(boards, site, name, fleet))

    def rate(boards: int, site: Site, high: float, until: int) -> str:
        return lines(
            f"{boards:,} boards, {site}",
            Axis("seconds since the power came back", 0, until),
            Axis("requests a second", 1, high, log=True),
            {name: _rates(kept[boards, site, name]) for name in (OURS, RFC, _IDF)},
            names,
        )

    names = list(CLIENTS)
    bound = {name: _curve(kept[_LARGE, SITES[2], name].bound) for name in (OURS, RFC)}
    return Part(
        {"power": rows},
        {
            "1000": rate(BOARDS, SITES[0], 2000, 80),
            "10000": rate(_SMALL, SITES[0], 10_000, 1500),
            "100000": lines(
                f"{_LARGE:,} boards, {SITES[2]}",
                Axis("seconds since the power came back", 0, 2000),
                Axis("% of boards that have an address", 0, 100),
                bound,
                names,
            ),
        },
    )


def renewals() -> Part:
    """The same boards, an hour on."""
    rows = _head("boards", "server", "client", "sent by a board", "busiest second", "leases lost")
    for boards, site in ((BOARDS, SITES[0]), (BOARDS, SITES[2]), (_SMALL, SITES[2])):
        for name in (OURS, RFC, _IDF):
            fleet = boot(CLIENTS[name], site, boards, lease_s=_LEASE_S, seconds=_LATER_S)
            later = fleet.sent[_LEASE_S // 4 :]
            rows += _row(
                f"{boards:,}",
                str(site),
                name,
                f"{sum(later) / boards:.1f}",
                f"{max(later):,} requests",
                f"{fleet.lost:,}",
            )
    return Part({"renewals": rows}, {})


def down(boards: int, site: Site, name: str, back_s: int) -> Fleet:
    """Boards whose server is down at T1."""
    away = Down(DOWN_S, back_s)
    return boot(CLIENTS[name], site, boards, 1, HOUR_S, back_s + _LOOK_S, away)


def down_row(boards: int, site: Site, name: str, behind: str, fleet: Fleet) -> str:
    """What is told of them. behind: as of BACK_S."""
    back_s = BACK_S[behind]
    meanwhile, later = fleet.sent[DOWN_S:back_s], fleet.sent[back_s:]
    half, last = (fleet.again[max(round(boards * part) - 1, 0)] for part in (0.5, 1))
    return _row(
        f"{boards:,}",
        str(site),
        behind,
        name,
        f"{sum(meanwhile) / boards:.1f}",
        f"{max(meanwhile):,}",
        f"{max(later):,}",
        f"{fleet.lost:,}",
        f"{half:.0f} s",
        f"{last:.0f} s",
    )[0]


def silence() -> Part:
    """A server that is down at T1, and back before T2, before the end, or later."""
    rows = _head(
        "boards",
        "server",
        "behind them",
        "client",
        "sent by a board meanwhile",
        "busiest second meanwhile",
        "busiest second later",
        "leases lost",
        "50 %",
        "all",
    )
    curves: dict[str, Points] = {}
    for boards, site in ((BOARDS, SITES[0]), (_SMALL, SITES[2])):
        for behind, back_s in BACK_S.items():
            for name in (OURS, RFC, _IDF):
                fleet = down(boards, site, name, back_s)
                rows.append(down_row(boards, site, name, behind, fleet))
                curves[name] = _rates(fleet)  # those of the last
    return Part(
        {"down": rows},
        {
            "down": lines(
                f"{_SMALL:,} boards, {SITES[2]}, which is down from {DOWN_S} s to {back_s} s",
                Axis("seconds since the power came back", DOWN_S, back_s + 200),
                Axis("requests a second", 1, 10_000, log=True),
                {
                    name: [point for point in curve if DOWN_S <= point[0] <= back_s + 200]
                    for name, curve in curves.items()
                },
                list(CLIENTS),
            )
        },
    )


PARTS: dict[str, Callable[[], Part]] = {
    "clients": modelled,
    "loss": bad_network,
    "power": power,
    "renewals": renewals,
    "down": silence,
}


def put(text: str, tables: dict[str, list[str]]) -> str:
    """The page with these tables in their places. Refusal: one has no place there."""
    return parts.put(text, PAGE.name, "fleets.py", tables, "table")


def write(part: Part) -> None:
    """Put the tables into the page and the charts beside it."""
    PAGE.write_text(put(PAGE.read_text(), part.tables))
    for name, chart in part.charts.items():
        CHARTS.mkdir(exist_ok=True)
        (CHARTS / f"{name}.svg").write_text(chart)


def small() -> list[str]:
    """1,000 boards at a server of 50/s: a table of requests over time."""
    site = SITES[0]
    fleets = {name: boot(CLIENTS[name], site) for name in (OURS, WAITING, RFC, _IDF)}
    rows = _head("seconds", *fleets)
    edges = [0, 5, 10, 15, 20, 30, 40, 50, CALM_S, 80, 120, 180]
    for start, end in pairwise(edges):
        counts = [sum(fleet.sent[start:end]) for fleet in fleets.values()]
        if any(counts):
            rows += _row(f"{start} to {end}", *map(str, counts))
    rows += _row("requests", *(f"{sum(fleet.sent):,}" for fleet in fleets.values()))
    return rows + _row("all bound", *(f"{fleet.bound[-1]:.0f} s" for fleet in fleets.values()))


def row(boards: int, site: Site, name: str, fleet: Fleet) -> str:
    """What is told of boards that have booted."""
    times = [_whole(fleet, boards, part) for part in (0.5, 0.99, 1)]
    load = f"{sum(fleet.sent) / boards:.1f}"
    return _row(f"{boards:,}", str(site), name, *times, load, f"{fleet.wave():.1f}")[0]


def _single() -> dict[str, Maker]:
    return {name: make for name, make in CLIENTS.items() if name != WAITING}


def _missing(make: Maker, percent: int, lease_s: int) -> float:
    return loss.missing(make, percent / 100, lease_s, _PERIODS * lease_s / 2 / loss.DAY_S)


def _curve(seconds: Sequence[float]) -> Points:
    # How many % are done by then; of so many seconds, in order, 200.
    count = len(seconds)
    return [(seconds[i], 100 * (i + 1) / count) for i in range(0, count, max(count // 200, 1))]


def _rates(fleet: Fleet) -> Points:
    sent = fleet.sent
    return [
        (start + _BIN_S / 2, sum(sent[start : start + _BIN_S]) / _BIN_S)
        for start in range(0, len(sent), _BIN_S)
    ]


def _whole(fleet: Fleet, boards: int, part: float) -> str:
    return f"{fleet.share(part):,.0f} s" if len(fleet.bound) == boards else "never"


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _head(*cells: str) -> list[str]:
    return [*_row(*cells), *_row(*["---"] * len(cells))]


def _row(*cells: str) -> list[str]:
    return [f"| {' | '.join(cells)} |"]
