"""The anonymity profile (RFC 7844 3): messages that tell no more of a device than they must."""

from dhcpc import Client, Message, Store, option

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SELECTING = const(3)
_OPTIONS = const(240)  # where they begin in a message

# RFC 2132
_PARAMETERS = const(55)
_CLIENT_ID = const(61)
_ROUTES = const(121)
_END = const(255)

_LEAST = const(b"\x01\x03\x06")  # what is asked for, if the application asks for nothing else


class _Nowhere(Store):
    # A lease is not remembered: RFC 7844 3.3.
    def read(self) -> bytes:
        return b""

    def write(self, records: bytes) -> None:
        pass


def _shuffle(things: "list[Any]", rand: "Callable[[int], int]") -> None:
    for i in range(len(things) - 1, 0, -1):
        j = rand(8) % (i + 1)
        things[i], things[j] = things[j], things[i]


def _mix(buf: "bytearray | memoryview", rand: "Callable[[int], int]") -> None:
    # The options of a message, and the codes of its parameter request list, at random.
    parts = []
    i = _OPTIONS
    while buf[i] != _END:
        after = i + 2 + buf[i + 1]
        part = bytes(buf[i:after])
        if buf[i] == _PARAMETERS:
            codes = list(part[2:])
            _shuffle(codes, rand)
            if _ROUTES in codes:  # RFC 3442: before the router
                codes.remove(_ROUTES)
                codes.insert(0, _ROUTES)
            part = part[:2] + bytes(codes)
        parts.append(part)
        i = after
    _shuffle(parts, rand)
    i = _OPTIONS
    for part in parts:
        buf[i : i + len(part)] = part
        i += len(part)


def profile(dhcp: Client) -> None:
    """Send what RFC 7844 3 allows. Of the client's options option 61 is left, which is 1 and the
    MAC, and option 55: 1, 3, 6, or the `params` that the application has set. The order is at
    random, in each message. DISCOVER asks for no address, and no lease is stored.

    The MAC is the application's to change, before the Client is made (RFC 7844 2.1). Call it
    before the first poll, and once; options that other extras add afterwards are sent.
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
        _mix(link.buf, session.rand)  # here, as INFORM is not the session's
        send(length, server)

    session.write = forget  # type: ignore[method-assign]
    link.send = disguise  # type: ignore[method-assign]
