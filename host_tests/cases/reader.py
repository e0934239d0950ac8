"""A reader of options from the RFCs alone: simple, and of no use on a board."""

TYPE_CHECKING = False  # mypy takes it for True
if TYPE_CHECKING:
    from typing import TypeAlias

Options: "TypeAlias" = "list[tuple[int, bytes]]"


def fields_of(data: bytes) -> "tuple[Options, str | None]":
    """The whole options of one field, in order; and "option" if one runs over its end."""
    found: Options = []
    i = 0
    while i < len(data) and data[i] != 255:
        if data[i] == 0:
            i += 1
            continue
        if i + 1 == len(data) or i + 2 + data[i + 1] > len(data):
            return found, "option"
        found.append((data[i], data[i + 2 : i + 2 + data[i + 1]]))
        i += 2 + data[i + 1]
    return found, None


def options_of(data: bytes) -> "tuple[Options, str | None]":
    """The options of a message, in order, pieces apart, up to one that is torn; and what is wrong
    with it.
    """
    if len(data) < 240:
        return [], "length"
    found, wrong = fields_of(data[240:])
    overload = single(found, 52, 1)
    for value, field in ((b"\x01", data[108:236]), (b"\x02", data[44:108])):
        if overload in (value, b"\x03") and not wrong:
            more, wrong = fields_of(field)
            found += more
    return found, wrong


def single(found: Options, code: int, size: int) -> "bytes | None":
    """The value of an option of that size: the first copy counts, and none if it has another."""
    for each, value in found:
        if each == code:
            return value if len(value) == size else None
    return None


def joined(found: Options) -> "dict[int, bytes]":
    """RFC 3396."""
    values: dict[int, bytes] = {}
    for code, value in found:
        values[code] = values.get(code, b"") + value
    return values


def read(data: bytes) -> "tuple[dict[int, bytes], str | None]":
    """Every option of a message, joined; and what is wrong with the message."""
    found, wrong = options_of(data)
    return joined(found), wrong
