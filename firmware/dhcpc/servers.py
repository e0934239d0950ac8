"""Which servers the client listens to, and whose OFFER it takes (RFC 2131 4.4.1). By default the
client listens to all servers, takes the first OFFER, and checks only xid and MAC.
"""

from dhcpc import Client, option

from ._common import once, packed, since_step
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dhcpc import Lease, Message

_OFFER = const(2)
_SERVER_ID = const(54)
_CLIENT_ID = const(61)
_SIADDR = const(20)  # where the field begins that has the server if there is no option 54

# How good an OFFER is to `prefer`
_SHUNNED = const(0)  # its server has not answered a REQUEST
_ANY = const(1)
_WHOLE = const(2)  # it has all of the options
_KNOWN = const(3)  # it is of the server of the last lease


def choose(
    dhcp: Client,
    window_ms: int = 0,
    rule: "Callable[[Message, bytes | None], bool] | None" = None,
) -> None:
    """Collect OFFERs for `window_ms` from the first one on, and take the last one that the rule
    accepts. Call it before the first poll. ValueError: "window_ms", it is below 0;
    "servers.choose: called twice".

    rule(message, server): whether to take the OFFER in `message`, whose options
    `message.option(code)` gives. server: whose OFFER it would replace, 4 bytes; None if there is
    none yet. Without a rule the first OFFER is taken.
    """
    if not (isinstance(window_ms, int) and window_ms >= 0):
        raise ValueError("window_ms: not 0 or more")
    once(dhcp, "servers.choose")
    session = dhcp.session
    read = session.read
    check = session.check

    def collect(buf: "bytes | bytearray") -> str:
        first = session.server is None
        wait = session.wait
        event = read(buf)
        if session.type == _OFFER and event == "recv":
            session.wait = window_ms + since_step(dhcp) if first else wait
        return event

    def judge(reason: "str | None") -> "str | None":
        reason = check(reason)
        # If it is the first OFFER, its server has not answered a REQUEST: nothing is better.
        better = reason == "choose" and session.server is not None
        if rule and session.type == _OFFER and (better or reason is None):
            reason = None if rule(session.message, session.server) else "choose"
        return reason

    session.read = collect  # type: ignore[method-assign]
    session.check = judge  # type: ignore[method-assign]


def prefer(dhcp: Client, codes: bytes = b"", window_ms: int = 1000) -> None:
    """As `choose`, with a rule: take the OFFER of the server that the client knows, from its last
    lease or from the record of this network. If there is none within `window_ms` from the first
    OFFER on, take the first that has all of these options, or else the first.

    codes: the codes of the options. The client asks only for those in `params`. ValueError: as
    `choose` raises it; "option", one of the codes is none.
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
            now = _SHUNNED
        taken = server is None or now > rank
        if taken:
            rank = now
        return taken

    choose(dhcp, window_ms, rule)
    read = session.read

    def take(buf: "bytes | bytearray") -> str:
        event = read(buf)
        if event == "recv" and rank == _KNOWN:
            session.wait = 0  # no better one can come
        return event

    dhcp.find = recall  # type: ignore[method-assign]
    session.bind = note  # type: ignore[method-assign]
    session.read = take  # type: ignore[method-assign]


def only(dhcp: Client, allow: "Iterable[str]" = (), deny: "Iterable[str]" = ()) -> None:
    """Listen only to the servers in `allow`, or to all but those in `deny`. OFFER, ACK and NAK of
    other servers are refused, "server". Call it before the first poll.

    allow, deny: addresses such as "192.0.2.1". A server's address is option 54, or siaddr if there
    is no option 54. A message that has neither counts as one of "0.0.0.0": `allow` refuses it, and
    `deny` does not. This keeps out a server that is there by mistake. A hostile server can write
    any address. ValueError: one of them is no address, or both lists are given, or neither.
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
    "client_id" (RFC 6842 3). A reply without option 61 is accepted. Call it before the first poll.
    """
    session = dhcp.session
    check = session.check

    def judge(reason: "str | None") -> "str | None":
        value = session.message.option(_CLIENT_ID)
        if value is not None and value != dhcp.client_id[2:]:  # which has code and length
            reason = "client_id"
        return check(reason)

    session.check = judge  # type: ignore[method-assign]
