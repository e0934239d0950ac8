"""Breadth first: what is found first is found by the shortest way."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, Protocol, TypeVar

State = TypeVar("State")


class Event(Protocol[State]):
    """Something that may happen."""

    name: str

    def __call__(self, state: State, /) -> State | None:
        """What comes of it; None where it cannot happen. It leaves `state` as it is."""


class Found(NamedTuple):
    """states: so many were told apart. transitions: so many times something has happened in one.
    depth: events from the beginning. whole: whether there are no others, however deep. unused:
    the events that could not happen anywhere."""

    states: int
    transitions: int
    depth: int
    whole: bool
    unused: list[str]

    def __str__(self) -> str:
        end = "and there are no others" if self.whole else "where the search ended"
        return (
            f"{self.states:,} states, {self.transitions:,} transitions, "
            f"{self.depth} events deep, {end}"
        )


class Broken(AssertionError):
    """A promise was broken. way: the names of the events that have led there, in order."""

    def __init__(self, way: Sequence[str], error: Exception) -> None:
        super().__init__(f"{error!r} after: {', '.join(way)}")
        self.way = way
        self.error = error

    @property
    def promise(self) -> str:
        """The innermost function that a promise or a model has failed in."""
        name = ""
        trace = self.error.__traceback__
        while trace:
            code = trace.tb_frame.f_code
            if "host_tests" in code.co_filename:
                name = code.co_name
            trace = trace.tb_next
        return name


def search(
    begin: State,
    events: Sequence[Event[State]],
    key: Callable[[State], Hashable],
    new: Callable[[State], object],
    depth: int,
) -> Found:
    """Have each event happen in each state that can be reached by so many events at most. key: by
    what states are told apart; of those that are alike, the first alone is followed. new: is
    called with each that is followed. Broken: an event, or `new`, has raised.
    """
    seen = {key(begin)}
    level: list[tuple[State, tuple[int, ...]]] = [(begin, ())]
    times = [0] * len(events)
    deep = 0
    while level and deep < depth:
        deep += 1
        after: list[tuple[State, tuple[int, ...]]] = []
        for state, way in level:
            for number, event in enumerate(events):
                try:
                    then = event(state)
                    if then is None:
                        continue
                    times[number] += 1
                    found = key(then)
                    if found not in seen:
                        seen.add(found)
                        new(then)
                        after.append((then, (*way, number)))
                except Exception as error:
                    names = [events[i].name for i in (*way, number)]
                    raise Broken(names, error) from error
        level = after
    unused = [event.name for event, count in zip(events, times, strict=True) if not count]
    return Found(len(seen), sum(times), deep, not level, unused)
