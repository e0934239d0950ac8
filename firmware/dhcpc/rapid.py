"""Rapid Commit (RFC 4039): a lease with two messages, where the server takes part."""

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_SELECTING = const(3)
_REQUESTING = const(5)

# RFC 2132, RFC 4039 4
_ACK = const(5)
_MESSAGE_TYPE = const(53)
_SERVER_ID = const(54)
_RAPID_COMMIT = const(80)
_OPTION = const(b"\x50\x00\xff")  # option 80, no bytes; then END


def commit(dhcp: Client) -> None:
    """Ask with each DISCOVER for an ACK at once. A server that knows nothing of this makes an
    OFFER, and all goes on as without this. Call it before the first poll, and once.

    The ACK has to have the option, too. It is taken as soon as it comes, as "bound", also while
    OFFERs are being collected; its lease runs from the first DISCOVER. ValueError "options": with
    this one, they are too long; "params": they have 80, which RFC 4039 3 forbids.
    """
    if _RAPID_COMMIT in dhcp.params:
        raise ValueError("params: 80 must not be there")
    session = dhcp.session
    write, check, read = session.write, session.check, session.read

    def ask(buf: "bytearray | memoryview", type: int) -> int:
        options = session.options
        if session.state == _SELECTING and not type:
            session.options = options[:-1] + _OPTION
        try:
            return write(buf, type)
        finally:
            session.options = options

    def judge(reason: "str | None") -> "str | None":
        m = session.message
        i = m.find(_MESSAGE_TYPE, 1)
        rapid = i and m.buf[i] == _ACK and m.option(_RAPID_COMMIT) is not None
        state = session.state
        if rapid and state == _SELECTING:
            session.state = _REQUESTING  # which it saves
        reason = check(reason)
        if rapid and state == _REQUESTING and not reason:
            # The REQUEST has told every other server that its ACK is of no use (RFC 4039 3.1).
            i = m.find(_SERVER_ID, 4)
            if i and not m.buf.startswith(session.server, i):  # type: ignore[arg-type]
                reason = "server"
        return reason

    def take(buf: "Buffer") -> str:
        state = session.state
        try:
            return read(buf)
        finally:
            if state == _SELECTING and session.state == _REQUESTING:
                session.state = state  # it was not taken

    options = session.options
    session.options = options[:-1] + _OPTION
    write(dhcp.link.buf, 0)  # ValueError: they are too long
    session.options = options
    session.write, session.check, session.read = ask, judge, take  # type: ignore[method-assign]
