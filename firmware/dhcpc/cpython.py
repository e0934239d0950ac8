"""What CPython lacks of MicroPython, for the host tools and tests. It is not copied to boards."""

import sys
import time
import types

if "micropython" not in sys.modules:
    micropython = types.ModuleType("micropython")
    micropython.const = lambda value: value
    sys.modules["micropython"] = micropython


def ticks_ms() -> int:
    """The monotonic clock as `time.ticks_ms` on a board: milliseconds modulo 2**30."""
    return time.monotonic_ns() // 1_000_000 & 0x3FFFFFFF
