"""Work that several threads share, and that may be left at any time."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    items: Iterable[Item], work: Callable[[Item], Result], lanes: int
) -> Iterator[tuple[Item, Result]]:
    """Do the work for each item, for so many at once; yield items with their results as they come.

    What the work raises is raised here. Who leaves before the end, by Ctrl-C say, waits for
    nothing: what has not begun is left, and what has ends with the process.
    """
    left: queue.SimpleQueue[Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Item, Callable[[], Result]]] = queue.SimpleQueue()
    count = 0
    for item in items:
        left.put(item)
        count += 1

    def lane() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                item = left.get_nowait()
                done.put((item, _outcome(work, item)))

    for _ in range(min(lanes, count)):
        threading.Thread(target=lane, daemon=True).start()
    try:
        for _ in range(count):
            item, outcome = done.get()
            yield item, outcome()
    finally:
        with contextlib.suppress(queue.Empty):
            while True:
                left.get_nowait()


def _outcome(work: Callable[[Item], Result], item: Item) -> Callable[[], Result]:
    try:
        result = work(item)
        return lambda: result
    except BaseException as error:
        fault = error

        def fail() -> Result:
            raise fault

        return fail
