"""What several extras use. On a board each extra has a copy of what it uses, which the tools put
there: so no extra needs another.
"""

from dhcpc import dotted

from ._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dhcpc import Client, Session


def packed(name: str, text: str) -> bytes:
    """The 4 bytes of an address such as "192.0.2.1". ValueError begins with `name`: it is no
    address.
    """
    try:
        value = bytes([int(part) for part in text.split(".")])
        # MicroPython makes a byte of any number.
        if len(value) == 4 and dotted(value, 0) == text:
            return value
    except (AttributeError, TypeError, ValueError):
        pass
    raise ValueError("%s: %r is not an address" % (name, text))


def once(dhcp: "Client", extra: str) -> None:
    """Note that this extra is called for a client, in `dhcp.extras`. ValueError "EXTRA: called
    twice": it was called for this client before.
    """
    called = getattr(dhcp, "extras", ())
    if extra in called:
        raise ValueError(extra + ": called twice")
    dhcp.extras = called + (extra,)


def each_option(buf: "bytes | bytearray | memoryview", i: int) -> "Iterator[bytes]":
    """The options of `buf` from i to END, each with its code and its length before its value."""
    while buf[i] != 255:  # END
        after = i + 2 + buf[i + 1]
        yield bytes(buf[i:after])
        i = after


def write_with(
    more: bytes,
    session: "Session",
    write: "Callable[[bytearray | memoryview, int], int]",
    buf: "bytearray | memoryview",
) -> int:
    """Have write(buf, 0) write these encoded options, too. ValueError: there is no room."""
    options = session.options
    session.options = options[:-1] + more + b"\xff"
    try:
        return write(buf, 0)
    finally:
        session.options = options


def since_step(dhcp: "Client") -> int:
    """ms since the session's last step, from which its `wait` counts. What has come may have come
    late in a long poll.
    """
    return dhcp.clock() - dhcp.session.last & 0x3FFFFFFF
