"""All that may become of a session, as far as a few events lead, held to the promises and to the
model; and sessions that are broken on purpose, each of which is found.
"""

from __future__ import annotations

from typing import Any

import pytest

import promises
from explore.mutants import MUTANTS, Mutant, session
from explore.search import Broken, Found, search
from explore.session import EVENTS, Least, Most, Promised, explore
from promises import PROMISES, Watched
from world import ACK, OFFER, reply

MUTANT_DEPTH = 4


# `host_tests/explore` searches deeper
@pytest.mark.rfc("2131 4.1 xid-matches", "2131 4.4.5 expiry-to-init", "2131 4.4.5 rebinding-at-t2")
@pytest.mark.parametrize(("make", "depth", "states"), [(Least, 5, 3500), (Most, 5, 4500)])
def test_every_state_keeps_the_promises(make: type[Watched], depth: int, states: int) -> None:
    found = explore(depth, make)
    print(make.__name__, found)
    assert found.states > states
    assert found.unused == []


def first_broken(mutant: Mutant, make: type[Watched]) -> Broken:
    with pytest.raises(Broken) as broken:
        explore(MUTANT_DEPTH, make, session(mutant))
    return broken.value


@pytest.mark.parametrize("name", [name for name, each in MUTANTS.items() if each.breaks])
def test_a_broken_session_breaks_its_promise(name: str) -> None:
    assert first_broken(MUTANTS[name], Promised).promise == MUTANTS[name].breaks


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_session_departs_from_the_model(name: str) -> None:
    assert first_broken(MUTANTS[name], Least)


def test_each_promise_is_broken_by_some_session() -> None:
    others = (
        promises.every_call_ends,
        promises.only_what_was_asked_for_is_taken,
        promises.an_honest_server_brings_it_back,
    )
    names = {promise.__name__ for promise in (*PROMISES, *others)}
    assert {each.breaks for each in MUTANTS.values()} - {""} == names


def test_what_is_broken_is_found_by_the_shortest_way() -> None:
    mutant = MUTANTS["another address is not asked for"]
    assert first_broken(mutant, Promised).way == ["start", "OFFER", "ACK of another address"]


# The search itself


class Number:
    """Events that lead from one number to another."""

    def __init__(self, name: str, by: int) -> None:
        self.name = name
        self.by = by

    def __call__(self, state: int) -> int | None:
        return state + self.by if 0 <= state + self.by < 5 else None


def numbers(depth: int, **more: Any) -> Found:
    events = [Number("more", 1), Number("less", -1), Number("much more", 9)]
    return search(0, events, **{"key": lambda n: n, "new": lambda n: None, **more}, depth=depth)


def test_a_search_ends_where_nothing_is_new() -> None:
    assert numbers(9) == Found(5, 8, 5, True, ["much more"])


def test_a_search_ends_at_its_depth() -> None:
    assert numbers(2) == Found(3, 3, 2, False, ["much more"])


def test_what_is_alike_is_followed_once() -> None:
    assert numbers(9, key=lambda n: n % 2).states == 2


def test_what_fails_is_told_with_its_way() -> None:
    with pytest.raises(Broken, match="after: more, more") as broken:
        numbers(9, new=lambda n: 1 // (2 - n))
    assert isinstance(broken.value.error, ZeroDivisionError)


def test_an_event_leaves_the_state_before_as_it_was() -> None:
    client = Least(0, 0)
    client.begin()
    client.deliver(reply(OFFER, xid=client.sent[-1].xid))
    client.deliver(reply(ACK, xid=client.sent[-1].xid))

    def shown() -> list[Any]:
        parts = (client, client.session, client.lease)
        return [{k: v for k, v in part.__dict__.items() if k != "buf"} for part in parts]

    before = shown()
    for event in EVENTS:
        event(client)
        assert shown() == before, event.name
