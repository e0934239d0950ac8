"""Which server's OFFER is taken (RFC 2131 4.4.1). Without this, the first."""

from dhcpc import Client

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable

    from dhcpc import Message

_OFFER = const(2)


def choose(
    dhcp: Client,
    window_ms: int = 0,
    rule: "Callable[[Message, bytes | None], bool] | None" = None,
) -> None:
    """Collect OFFERs for `window_ms` from the first on, and take those that the rule is for: the
    last of them is the one. Call it before the first poll, and once.

    rule(message, server): whether to take the OFFER that has been read, in place of that of
    `server` (4 bytes) if it is not None; `message.option(code)` has its options. Without a rule
    the first OFFER is taken.
    """
    session = dhcp.session
    read = session.read
    check = session.check

    def collect(buf: "bytes | bytearray | memoryview") -> str:
        first = session.server is None
        wait = session.wait
        event = read(buf)
        if session.type == _OFFER and event == "recv":
            # The session counts from its last step, which may be a long poll ago.
            gone = dhcp.clock() - session.last & 0x3FFFFFFF
            session.wait = window_ms + gone if first else wait
        return event

    def judge(reason: "str | None") -> "str | None":
        reason = check(reason)
        # A first OFFER that was not taken is of a server that has left a REQUEST unanswered.
        better = reason == "choose" and session.server is not None
        if rule and session.type == _OFFER and (better or reason is None):
            reason = None if rule(session.message, session.server) else "choose"
        return reason

    session.read = collect  # type: ignore[method-assign]
    session.check = judge  # type: ignore[method-assign]
