"""Stands in for MicroPython's own module under CPython, where the firmware is tested. No board
gets it.
"""


def const(value):
    """The value: a name for it, which MicroPython's compiler replaces."""
    return value
