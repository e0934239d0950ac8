"""What a call costs, counted: the same on every machine."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

_ROOT = Path(__file__).resolve().parents[2]
_TESTS = str(_ROOT / "host_tests")


class Cost(NamedTuple):
    """lines: of Python that were run. bytes: the most memory in use at once, beyond before."""

    lines: int
    bytes: int


class TooMuch(AssertionError):
    """An input costs more than its length allows."""


def cost(call: Callable[..., Any], *args: Any) -> Cost:
    """What a call costs; of the lines, those of this project that are no tests."""
    lines = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return line

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        return line if counts(frame.f_code.co_filename) else None

    before = sys.gettrace()
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    tracemalloc.reset_peak()
    start = tracemalloc.get_traced_memory()[0]
    sys.settrace(enter)
    try:
        call(*args)
    finally:
        sys.settrace(before)
        peak = tracemalloc.get_traced_memory()[1]
        if not tracing:
            tracemalloc.stop()
    return Cost(lines, peak - start)


@cache
def counts(file: str) -> bool:
    """Whether the lines of a file count: of the project, but no test."""
    path = str(Path(file).resolve())
    return path.startswith(str(_ROOT)) and not path.startswith(_TESTS) and ".venv" not in path


def limit(target: ModuleType, data: bytes) -> Cost:
    """Run a target on an input, and hold it to what that may cost. TooMuch: it costs more."""
    size = target.size(data) if hasattr(target, "size") else len(data)
    most = Cost(*(some + each * size for some, each in (target.LINES, target.BYTES)))
    spent = cost(target.target, data)
    if spent.lines > most.lines or spent.bytes > most.bytes:
        # What is made once for all, a module that is imported say, is not the input's.
        spent = cost(target.target, data)
    for name, is_, may in zip(Cost._fields, spent, most, strict=True):
        if is_ > may:
            raise TooMuch(f"{is_} {name} for {size} bytes, {may} are the most")
    return spent
