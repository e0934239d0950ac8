"""The anonymity profile (RFC 7844 3): messages that tell no more about a device than they must."""

from dhcpc import Client, Message, Store, option

from ._common import each_option
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SELECTING = const(3)  # a state of the session
_OPTIONS = const(240)  # where the options begin in a message

# RFC 2132
_PARAMETERS = const(55)
_CLIENT_ID = const(61)
_ROUTES = const(121)

_LEAST = const(b"\x01\x03\x06")  # option 55, unless the application has set its `params`


class _Nowhere(Store):
    # No lease is remembered (RFC 7844 3.3).
    def read(self) -> bytes:
        return b""

    def write(self, records: bytes) -> None:
        pass


def _shuffle(things: "list[Any]", rand: "Callable[[int], int]") -> None:
    for i in range(len(things) - 1, 0, -1):
        j = rand(8) % (i + 1)
        things[i], things[j] = things[j], things[i]


def _mix(buf: "bytearray | memoryview", rand: "Callable[[int], int]") -> None:
    # Put the options of a message, and the codes of its parameter request list, in random order.
    parts = []
    for part in each_option(buf, _OPTIONS):
        if part[0] == _PARAMETERS:
            codes = list(part[2:])
            _shuffle(codes, rand)
            if _ROUTES in codes:  # RFC 3442: before the router
                codes.remove(_ROUTES)
                codes.insert(0, _ROUTES)
            part = part[:2] + bytes(codes)
        parts.append(part)
    _shuffle(parts, rand)
    i = _OPTIONS
    for part in parts:
        buf[i : i + len(part)] = part
        i += len(part)


def profile(dhcp: Client) -> None:
    """Send only what RFC 7844 3 allows. Two of the client's own options stay: 61, which is 1 and
    the MAC, and 55, which is 1, 3, 6, or the `params` that the application has set. The order is
    random in each message. DISCOVER asks for no address, and no lease is stored.

    The application sets a random MAC before it makes the Client (RFC 7844 2.1). Call this before
    the first poll. Options that other extras add afterwards are sent.
    """
    session = dhcp.session
    link = dhcp.link
    write, send = session.write, link.send
    m = Message()
    m.read(link.buf[: write(link.buf, 0)])
    codes = m.option(_PARAMETERS) or b""
    if dhcp.params == Client.params:
        codes = bytes([code for code in codes if code in _LEAST or code not in dhcp.params])
    dhcp.client_id = option(_CLIENT_ID, b"\x01" + link.mac)
    session.options = dhcp.client_id + (codes and option(_PARAMETERS, codes)) + b"\xff"
    dhcp.store = _Nowhere("")
    dhcp.record = None

    def forget(buf: "bytearray | memoryview", type: int) -> int:
        if session.state == _SELECTING and not type:
            session.yiaddr = bytes(4)
        return write(buf, type)

    def disguise(length: int, server: "bytes | None") -> None:
        _mix(link.buf, session.rand)  # not in session.write: INFORM does not come from there
        send(length, server)

    session.write = forget  # type: ignore[method-assign]
    link.send = disguise  # type: ignore[method-assign]
