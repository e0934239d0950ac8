"""The runs of all clients through all scenes, several at once; where this client is alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from peers.aspects import MADE, PLAYED, either, said, secs
from peers.players import OURS, Player
from peers.scenes import SCENES, Scene
from peers.stage import Stage
from peers.traffic import KINDS, NONE, Sent
from toolchain import lanes

SECS = "secs"
SENT = "sent at all"
NOT_SENT = "-"

Key = tuple[str, str]  # the name of a scene, the title of a player
Runs = dict[Key, list[Sent]]


def can(scene: Scene, player: Player) -> bool:
    """Whether a client can play a scene."""
    return player.title not in scene.without


def play(name: str, player: Player) -> list[Sent]:
    """Have a client play a scene; return what it sent."""
    with Stage(player) as stage:
        SCENES[name].play(stage)
        return stage.played()


def run(
    names: Iterable[str],
    players: Iterable[Player],
    count: int,
    heed: Callable[[Key, list[Sent]], None] = lambda *_: None,
) -> Runs:
    """Have each client play each scene that it can, `count` at once; `heed` is told of each."""
    parts = [(name, player) for player in players for name in names if can(SCENES[name], player)]
    parts.sort(key=lambda part: -part[1].times[0])  # the slowest first
    found: Runs = {}
    for (name, player), sent in lanes.run(parts, lambda part: play(*part), count):
        found[name, player.title] = sent
        heed((name, player.title), sent)
    return found


@dataclass(frozen=True)
class Row:
    """What each client has to show, by its title, for an aspect of a kind of message."""

    kind: str
    aspect: str
    cells: Mapping[str, str]

    @property
    def alike(self) -> bool:
        """Whether all who send such a message have the same."""
        return len(set(self.cells.values()) - {NOT_SENT}) < 2

    @property
    def alone(self) -> bool:
        """Whether this client has what no other one has."""
        ours = self.cells[OURS.title]
        others = {cell for title, cell in self.cells.items() if title != OURS.title}
        if self.aspect == SENT:
            return bool(others) and ours not in others
        return ours != NOT_SENT and bool(others - {NOT_SENT}) and ours not in others


def scene_rows(runs: Runs, name: str) -> Iterator[Row]:
    """Of a scene, what hangs on it: for each kind of message that somebody sends."""
    sent = {title: messages for (each, title), messages in runs.items() if each == name}
    for kind in (*KINDS, NONE):
        of_kind = {
            title: [each for each in messages if each.kind == kind]
            for title, messages in sent.items()
        }
        if not any(of_kind.values()):
            continue
        yield Row(kind, SENT, {title: "yes" if of else "no" for title, of in of_kind.items()})
        for aspect, words in PLAYED.items():
            cells = {title: said(words, of) or NOT_SENT for title, of in of_kind.items()}
            yield Row(kind, aspect, cells)
        cells = {title: secs(of) if of else NOT_SENT for title, of in of_kind.items()}
        yield Row(kind, SECS, cells)


def made_rows(runs: Runs) -> Iterator[Row]:
    """Of all scenes, what does not hang on them: a row for the kinds in which each client has the
    same, as far as it sends them.
    """
    sent: dict[str, list[Sent]] = {}
    for (_, title), messages in runs.items():
        sent.setdefault(title, []).extend(messages)
    for aspect, words in MADE.items():
        rows: list[tuple[list[str], dict[str, str]]] = []
        for kind in KINDS:
            of_kind = {title: [m for m in sent[title] if m.kind == kind] for title in sent}
            cells = {title: either(words, of) for title, of in of_kind.items() if of}
            for kinds, row in rows:
                if all(row.get(title, cell) == cell for title, cell in cells.items()):
                    kinds.append(kind)
                    row.update(cells)
                    break
            else:
                rows.append(([kind], cells))
        for kinds, row in rows:
            if set(row.values()) - {NOT_SENT}:
                full = {title: row.get(title, NOT_SENT) for title in sent}
                yield Row(", ".join(kinds), aspect, full)


def unexplained(runs: Runs, made: Mapping[str, str]) -> list[str]:
    """What is wrong with the explanations: one that lacks, or that nothing needs any more. made:
    those of `made_rows`, by aspect.
    """
    wrong = []
    alone = {row.aspect for row in made_rows(runs) if row.alone}
    wrong += [f"{aspect}: nobody else has it, and no word says why" for aspect in alone - {*made}]
    wrong += [f"{aspect}: explained, and others have it, too" for aspect in {*made} - alone]
    for name, scene in SCENES.items():
        found = {(row.kind, row.aspect): row for row in scene_rows(runs, name) if row.alone}
        for kind, aspect in found.keys() - scene.why.keys():
            cells = found[kind, aspect].cells
            words = "nobody else has it, and no word says why"
            wrong.append(f"{name}: {kind}, {aspect}: {words}: {dict(cells)}")
        for kind, aspect in scene.why.keys() - found.keys():
            wrong.append(f"{name}: {kind}, {aspect}: explained, and others have it, too")
    return sorted(wrong)
