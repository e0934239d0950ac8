"""Reads a .mpy file as far as to tell what each function in it takes.

The format is that of MicroPython's docs/reference/mpyfiles.rst, version 6, of bytecode alone.
"""

from __future__ import annotations

from collections.abc import Iterator

_VERSION = 6

# Kinds of constants, py/persistentcode.h: of the others, 0 to 4, the kind is all there is.
_LAST_PLAIN, _STR, _BYTES, _INT, _FLOAT, _COMPLEX, _TUPLE = range(4, 11)


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
        # MicroPython has some names itself: a number stands for them.
        size = self.number()
        return f"name {size >> 1}" if size & 1 else self.take((size >> 1) + 1)[:-1].decode()

    def constant(self) -> None:
        kind = self.take(1)[0]
        if kind in (_STR, _BYTES):
            self.take(self.number() + 1)
        elif kind in (_INT, _FLOAT, _COMPLEX):
            self.take(self.number())
        elif kind == _TUPLE:
            for _ in range(self.number()):
                self.constant()
        elif kind > _LAST_PLAIN:
            raise ValueError(f"the .mpy file has a constant of kind {kind}")


Path = tuple[str, ...]


def functions(data: bytes) -> list[tuple[Path, int]]:
    """The path of each function and class (`("Client", "poll")`), in the order of the source, and
    the bytes that it takes without those within it. The first two are the tables of names and of
    constants, the third is the module. They add up to the size of the file.

    ValueError: it is no .mpy file of that version, or has native code.
    """
    if data[:2] != bytes((ord("M"), _VERSION)):
        raise ValueError(f"this is no .mpy file of version {_VERSION}")
    reader = _Reader(data)
    reader.take(4)
    names, constants = reader.number(), reader.number()
    table = [reader.name() for _ in range(names)]
    start = reader.at
    for _ in range(constants):
        reader.constant()
    found: list[tuple[Path, int]] = [(("names",), start), (("constants",), reader.at - start)]
    return found + list(_code(reader, table, ()))


def _code(reader: _Reader, table: list[str], path: Path) -> Iterator[tuple[Path, int]]:
    start = reader.at
    head = reader.number()
    if head & 3:
        raise ValueError("the .mpy file has native code")
    body = _Reader(reader.take(head >> 3))
    for _ in range(2):  # the prelude: a signature, then sizes; then the function's name
        while body.take(1)[0] & 0x80:
            pass
    own = (*path, table[body.number()])
    children = reader.number() if head & 4 else 0
    yield own[1:] or ("module",), reader.at - start
    for _ in range(children):
        yield from _code(reader, table, own)
