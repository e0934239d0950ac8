"""Reads a .mpy file as far as to tell what each function in it takes.

The format is that of MicroPython's docs/reference/mpyfiles.rst, version 6, of bytecode alone.
"""

from __future__ import annotations

from collections.abc import Iterator

_VERSION = 6
_SIZES = {"table": None}

# py/persistentcode.h: kinds of constants
_FUN_TABLE, _NONE, _FALSE, _TRUE, _ELLIPSIS, _STR, _BYTES, _INT, _FLOAT, _COMPLEX, _TUPLE = range(11)
_STATIC = 0  # names that MicroPython has: a number stands for them


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self.data):
            raise ValueError("the .mpy file ends too early")
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        value = 0
        while True:
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def name(self) -> str:
        size = self.number()
        if size & 1:
            return f"static name {size >> 1}"
        return self.take((size >> 1) + 1)[:-1].decode()

    def constant(self) -> None:
        kind = self.take(1)[0]
        if kind in (_STR, _BYTES):
            self.take(self.number() + 1)
        elif kind in (_INT, _FLOAT, _COMPLEX):
            self.take(self.number())
        elif kind == _TUPLE:
            for _ in range(self.number()):
                self.constant()
        elif kind not in (_FUN_TABLE, _NONE, _FALSE, _TRUE, _ELLIPSIS):
            raise ValueError(f"the .mpy file has a constant of kind {kind}")


def sizes(data: bytes) -> dict[str, int]:
    """The bytes that each function takes, by its path (`Client.poll`), without those within it;
    "names" and "constants" are those of the whole file. They add up to its size.

    ValueError: it is no .mpy file of that version, or has native code.
    """
    if data[:2] != bytes((ord("M"), _VERSION)):
        raise ValueError(f"this is no .mpy file of version {_VERSION}")
    reader = _Reader(data)
    reader.take(4)
    names, constants = reader.number(), reader.number()
    table = [reader.name() for _ in range(names)]
    found = {"names": reader.at}
    start = reader.at
    for _ in range(constants):
        reader.constant()
    found["constants"] = reader.at - start
    for path, size in _code(reader, table, ()):
        found[path] = found.get(path, 0) + size
    return found


def _code(reader: _Reader, table: list[str], outer: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    start = reader.at
    head = reader.number()
    if head & 3:
        raise ValueError("the .mpy file has native code")
    body = reader.take(head >> 3)
    name = table[_simple_name(body)]
    path = (*outer, name)
    children = reader.number() if head & 4 else 0
    own = reader.at - start
    shown = ".".join(part for part in path[1:]) or "module"
    yield shown, own
    for _ in range(children):
        yield from _code(reader, table, path)


def _simple_name(body: bytes) -> int:
    # The prelude: a signature of one or more bytes, sizes of one or more, then the name's number.
    reader = _Reader(body)
    for _ in range(2):
        while reader.take(1)[0] & 0x80:
            pass
    return reader.number()
