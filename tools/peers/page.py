"""The page: a table for each scene, and what the rules find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from peers import rules
from peers.aspects import times
from peers.players import OURS, PLAYERS
from peers.scenes import EVERYWHERE, SCENES
from peers.table import NOT_SENT, SENT, Row, Runs, made_rows, scene_rows

TITLE = "# This client beside others\n"
_HEAD = """
This page compares what this client sends with three other clients. `tools/lab.py peers` makes it.
Each client plays the same scenes before the same servers, each time on a network of its own; scapy
reads what it has sent. This client runs in the MicroPython VM, by `tools/netup.py`.

**Bold** is what only this client does; the reason is below each table. *-*: there is no message,
or no option, of this kind. The names of REQUESTs come from RFC 2131 table 4. "new" means that the
`xid` is not that of the client's previous message. The times are seconds since the first message
of the scene. They are random in part, and are not compared.

{times}

"""

_RULES = """
## What RFC 2131 says of each message

{count} rules, of tables 4 and 5 and sections 3, 4.1, 4.3 and 4.4, over all that was sent. This
client: {ours} messages, and none breaks a rule. The others break these, in the scenes named:

| rule | RFC | {titles} |
| --- | --- | {lines} |
"""


def page(runs: Runs) -> str:
    """The page of docs/."""
    titles = [each.title for each in PLAYERS if any(each.title == title for _, title in runs)]
    text = TITLE + _HEAD.format(times=_times())
    text += "| | |\n| --- | --- |\n"
    text += "".join(
        f"| {each.title} | {each.client.version()} |\n" for each in PLAYERS if each.title in titles
    )
    text += "\n## What each puts into its messages\n\nIn every scene.\n"
    text += _table(titles, [_line(row.kind, row, titles) for row in made_rows(runs)])
    text += "\n" + _why(EVERYWHERE.items())
    for name, scene in SCENES.items():
        if any(each == name for each, _ in runs):
            text += f"\n## {scene.line[0].upper()}{scene.line[1:]}\n{_scene(runs, name, titles)}"
    return text + _findings(runs, titles)


def _times() -> str:
    groups: dict[tuple[int, int, int], list[str]] = {}
    for player in PLAYERS:
        groups.setdefault(player.times, []).append(player.title)
    told = [
        f"{' and '.join(titles)}: {lease} s, T1 {t1} s, T2 {t2} s"
        for (lease, t1, t2), titles in groups.items()
    ]
    return (
        f"Some scenes have a short lease: {'; '.join(told)}. udhcpc takes no lease of less than "
        "122 s, and does not heed T1 and T2: its server gives those that it keeps anyway. "
        "dhclient's waits are random, and 20 s are often too short for its REBINDING. dnsmasq "
        "gives 120 s at least."
    )


def _scene(runs: Runs, name: str, titles: list[str]) -> str:
    scene = SCENES[name]
    sent = {title: runs[name, title] for title in titles if (name, title) in runs}
    rows = list(scene_rows(runs, name))
    lines = []
    same = []
    for kind in dict.fromkeys(row.kind for row in rows):
        at = {
            title: times([m for m in messages if m.kind == kind], messages[0].time) or NOT_SENT
            for title, messages in sent.items()
        }
        lines.append(_cells(kind, "at, s", [at.get(title, "") for title in titles]))
        of_kind = [row for row in rows if row.kind == kind and row.aspect != SENT]
        lines += [_line("", row, titles) for row in of_kind if not row.alike]
        alike = [f"{row.aspect} {_common(row)}" for row in of_kind if row.alike]
        same.append(f"* {kind}: {', '.join(alike)}\n")
    text = _table(titles, lines)
    text += "".join(f"\nNot {title}: {why}.\n" for title, why in scene.without.items())
    text += "\nThe same of all:\n\n" + "".join(same)
    whys: dict[str, list[str]] = {}
    for (kind, aspect), why in scene.why.items():
        whys.setdefault(why, []).append(f"{aspect} of {kind}")
    if whys:
        text += "\nThis client alone:\n\n"
        text += _why((" and ".join(what), why) for why, what in whys.items())
    return text


def _common(row: Row) -> str:
    cells = set(row.cells.values()) - {NOT_SENT}
    return cells.pop() if cells else NOT_SENT


def _line(kind: str, row: Row, titles: list[str]) -> str:
    cells = [row.cells.get(title, "") for title in titles]
    if row.alone:
        ours = titles.index(OURS.title)
        cells[ours] = f"**{cells[ours]}**"
    return _cells(kind, row.aspect, cells)


def _cells(*cells: str | list[str]) -> str:
    flat = [each for cell in cells for each in ([cell] if isinstance(cell, str) else cell)]
    return f"| {' | '.join(flat)} |\n"


def _table(titles: list[str], lines: Iterable[str]) -> str:
    head = _cells("", "", titles) + _cells(["---"] * (len(titles) + 2))
    return "\n" + head + "".join(lines)


def _why(notes: Iterable[tuple[str, str]]) -> str:
    return "".join(f"* {what}: {why}\n" for what, why in notes)


def _findings(runs: Runs, titles: list[str]) -> str:
    text = _RULES.format(
        count=len(rules.RULES),
        ours=sum(len(sent) for (_, title), sent in runs.items() if title == OURS.title),
        titles=" | ".join(titles),
        lines=" | ".join(["---"] * len(titles)),
    )
    found: dict[tuple[int, str], dict[str, None]] = {}
    for (name, title), sent in runs.items():
        for _, rule in rules.broken(sent):
            found.setdefault((rules.RULES.index(rule), title), {})[name] = None
    order = list(SCENES)
    for number, rule in enumerate(rules.RULES):
        cells = [
            ", ".join(sorted(found.get((number, title), ()), key=order.index)) or NOT_SENT
            for title in titles
        ]
        if any(cell != NOT_SENT for cell in cells):
            text += _cells(
                rule.words,
                ", ".join(dict.fromkeys(key.rpartition(" ")[0] for key in rule.keys)),
                cells,
            )
    return text + "".join(_names())


def _names() -> Iterator[str]:
    yield "\nThe scenes, by those names (`tools/lab.py peers NAME` plays one):\n\n"
    for name, scene in SCENES.items():
        yield f"* `{name}`: {scene.line}\n"
