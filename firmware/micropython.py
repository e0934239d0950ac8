"""What CPython needs of MicroPython's module of that name. Boards have their own.

MicroPython's compiler knows const() without an import, which would take 16 bytes of every module;
CPython gets it among the builtins.
"""

import builtins


def const(value):
    """Return the value, which MicroPython's compiler puts in place of the name."""
    return value


builtins.const = const  # type: ignore[attr-defined]
