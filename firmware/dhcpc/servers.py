"""Which servers are listened to, which one's OFFER is taken (RFC 2131 4.4.1), and whose replies.
Without this, all of them, the first, and those that have the client's xid and MAC.
"""

from dhcpc import Client, option

from ._common import packed
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dhcpc import Lease, Message

    Buffer = bytes | bytearray | memoryview

_OFFER = const(2)
_SERVER_ID = const(54)
_CLIENT_ID = const(61)
_SIADDR = const(20)  # the server where there is no option 54

# How good an OFFER is, to `prefer`
_SHUNNED = const(0)
_ANY = const(1)
_WHOLE = const(2)
_KNOWN = const(3)


def choose(
    dhcp: Client,
    window_ms: int = 0,
    rule: "Callable[[Message, bytes | None], bool] | None" = None,
) -> None:
    """Collect OFFERs for `window_ms` from the first on, and take those that the rule is for: the
    last of them is the one. Call it before the first poll, and once. ValueError: window_ms.

    rule(message, server): whether to take the OFFER that has been read, in place of that of
    `server` (4 bytes) if it is not None; `message.option(code)` has its options. Without a rule
    the first OFFER is taken.
    """
    if not (isinstance(window_ms, int) and window_ms >= 0):
        raise ValueError("window_ms: not 0 or more")
    session = dhcp.session
    read = session.read
    check = session.check

    def collect(buf: "Buffer") -> str:
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


def prefer(dhcp: Client, codes: bytes = b"", window_ms: int = 1000) -> None:
    """Take the OFFER of the server that the client knows: that of its last lease, or of the
    record of this network. If there is none within `window_ms` from the first OFFER on, take the
    first that has all of these options, or else the first. Call it as `choose`, and in its place.

    codes: the options' numbers; they are asked for only if they are in `params`. ValueError:
    window_ms, or one of these is no option.
    """
    for code in codes:
        option(code, b"\0\0")
    session = dhcp.session
    find, bind = dhcp.find, session.bind
    known = b""  # the server
    rank = _SHUNNED  # of the OFFER that is taken

    def recall() -> None:
        nonlocal known
        find()
        if dhcp.record:
            known = dhcp.store.lease(dhcp.record, dhcp.key).server

    def note(lease: "Lease") -> None:
        nonlocal known
        known = lease.server
        bind(lease)

    def rule(message: "Message", server: "bytes | None") -> bool:
        nonlocal rank
        i = message.find(_SERVER_ID, 4) or _SIADDR
        now = _WHOLE
        for code in codes:
            if message.option(code) is None:
                now = _ANY
        if any(known) and message.buf.startswith(known, i):
            now = _KNOWN
        if message.buf.startswith(session.shun, i):
            now = _SHUNNED  # it has left a REQUEST unanswered
        taken = server is None or now > rank
        if taken:
            rank = now
        return taken

    choose(dhcp, window_ms, rule)
    read = session.read

    def take(buf: "Buffer") -> str:
        event = read(buf)
        if event == "recv" and rank == _KNOWN:
            session.wait = 0  # no better one can come
        return event

    dhcp.find = recall  # type: ignore[method-assign]
    session.bind = note  # type: ignore[method-assign]
    session.read = take  # type: ignore[method-assign]


def only(dhcp: Client, allow: "Iterable[str]" = (), deny: "Iterable[str]" = ()) -> None:
    """Listen to these servers alone, or to all but these: what others say, OFFER, ACK and NAK, is
    refused, "server". Call it before the first poll, and once.

    Addresses as "192.0.2.1": option 54, or siaddr where there is none. A message that has neither
    is of "0.0.0.0", so `allow` refuses it and `deny` does not. It keeps out a server that is there
    by mistake; a hostile one writes what it likes. ValueError: an address is none, or there are
    both lists, or neither.
    """
    allowed = [packed("server", each) for each in allow]
    denied = [packed("server", each) for each in deny]
    if bool(allowed) == bool(denied):
        raise ValueError("allow, deny: give exactly one")
    session = dhcp.session
    check = session.check

    def judge(reason: "str | None") -> "str | None":
        m = session.message
        i = m.find(_SERVER_ID, 4) or _SIADDR
        server = bytes(m.buf[i : i + 4])
        if server in denied or allowed and server not in allowed:
            reason = "server"
        return check(reason)

    session.check = judge  # type: ignore[method-assign]


def identify(dhcp: Client) -> None:
    """Refuse each reply that has another client identifier (option 61) than the client sends,
    "client_id" (RFC 6842 3); without one it is for this client. Call it before the first poll,
    and once.
    """
    session = dhcp.session
    check = session.check

    def judge(reason: "str | None") -> "str | None":
        value = session.message.option(_CLIENT_ID)
        if value is not None and value != dhcp.client_id[2:]:  # which has code and length
            reason = "client_id"
        return check(reason)

    session.check = judge  # type: ignore[method-assign]
