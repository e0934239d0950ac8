"""Rapid Commit (RFC 4039): a lease with two messages, where the server takes part."""

from dhcpc import Client

from ._common import once, write_with
from ._compat import const

_SELECTING = const(3)  # states of the session
_REQUESTING = const(5)

# RFC 2132, RFC 4039 4
_ACK = const(5)
_MESSAGE_TYPE = const(53)
_SERVER_ID = const(54)
_RAPID_COMMIT = const(80)
_OPTION = const(b"\x50\x00")  # option 80, no bytes


def commit(dhcp: Client) -> None:
    """Ask with each DISCOVER for an ACK at once. A server that does not know Rapid Commit makes an
    OFFER, and all goes on as without this extra. Call it before the first poll.

    The ACK must have option 80, too. It is taken as soon as it comes, as "bound", even while
    OFFERs are being collected. Its lease runs from the first DISCOVER. ValueError: "options", they
    are too long with this one; "params", they have 80, which RFC 4039 3 forbids; "rapid: called
    twice".
    """
    if _RAPID_COMMIT in dhcp.params:
        raise ValueError("params: 80 must not be there")
    session = dhcp.session
    write, check, read = session.write, session.check, session.read

    def ask(buf: "bytearray | memoryview", type: int) -> int:
        if session.state == _SELECTING and not type:
            return write_with(_OPTION, session, write, buf)
        return write(buf, type)

    def judge(reason: "str | None") -> "str | None":
        m = session.message
        i = m.find(_MESSAGE_TYPE, 1)
        rapid = i and m.buf[i] == _ACK and m.option(_RAPID_COMMIT) is not None
        state = session.state
        if rapid and state == _SELECTING:
            session.state = _REQUESTING  # the state that takes an ACK
        reason = check(reason)
        if rapid and state == _REQUESTING and not reason:
            # The REQUEST has told every other server that its ACK is of no use (RFC 4039 3.1).
            i = m.find(_SERVER_ID, 4)
            if i and not m.buf.startswith(session.server, i):  # type: ignore[arg-type]
                reason = "server"
        return reason

    def take(buf: "bytes | bytearray") -> str:
        state = session.state
        try:
            return read(buf)
        finally:
            if state == _SELECTING and session.state == _REQUESTING:
                session.state = state  # the ACK was not taken

    write_with(_OPTION, session, write, dhcp.link.buf)  # ValueError: they are too long
    once(dhcp, "rapid")
    session.write, session.check, session.read = ask, judge, take  # type: ignore[method-assign]
