"""IPv6-only preferred (RFC 8925): on a network that can do without IPv4, so does the client."""

from dhcpc import Client, dotted, option

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_SELECTING = const(3)
_REBOOTING = const(4)
_REQUESTING = const(5)

# RFC 2132, RFC 8925 3.1
_OFFER = const(2)
_PARAMETERS = const(55)
_V6ONLY = const(108)
_END = const(255)

_MIN_V6ONLY_WAIT = const(300)  # seconds: RFC 8925 3.4
_MOST = const(86400)  # seconds: then it asks again, since a network may have changed
_NOBODY = const(b"\0\0\0\0")


def _asking(options: bytes) -> bytes:
    # The options that are sent, with 108 in the parameter request list.
    i = 0
    while options[i] not in (_PARAMETERS, _END):
        i += 2 + options[i + 1]
    listed = b""
    after = i
    if options[i] == _PARAMETERS:
        after = i + 2 + options[i + 1]
        listed = options[i + 2 : after]
    if _V6ONLY not in listed:
        listed += bytes((_V6ONLY,))
    return options[:i] + option(_PARAMETERS, listed) + options[after:]


def obey(dhcp: Client) -> None:
    """Ask for option 108. If the OFFER that is taken has it, send no REQUEST; if the ACK in
    REBOOTING has it, do not use the lease. The event is "ipv6only", and the client has no address
    for as long as the server says: 5 minutes at least, a day at most. Then it begins anew, and
    also when the link has been away. In other states the lease stays (RFC 8925 3.2).

    For a program that manages without IPv4. Call it before the first poll, and once. ValueError
    "options": with this one, they are too long; "option", 55: `params` is.
    """
    session = dhcp.session
    read, step = session.read, session.step
    wait = 0  # seconds; of the OFFER that is taken, 0 without the option

    def asked() -> int:
        m = session.message
        i = m.find(_V6ONLY, 4)
        if not i:
            return 0
        return max(_MIN_V6ONLY_WAIT, min(int.from_bytes(m.buf[i : i + 4], "big"), _MOST))

    def pause(secs: int) -> str:
        # `start` counts from the last step, which may be a long poll ago.
        gone = dhcp.clock() - session.last & 0x3FFFFFFF
        session.start(secs * 1000 + gone)
        return "ipv6only"

    def take(buf: "Buffer") -> str:
        nonlocal wait
        state = session.state
        event = read(buf)
        if event == "recv":
            wait = asked()
        elif event == "rebooted" or (
            # Nor need there be an address in an OFFER that has the option (RFC 8925 3.3).
            session.reason == "yiaddr"
            and session.type == _OFFER
            and session.server is None
            and session.message.buf.startswith(_NOBODY, 16)
        ):
            secs = asked()
            if secs:
                if state == _REBOOTING:
                    dhcp.save = dhcp.store.clear, dhcp.key
                    dhcp.saved = None
                session.reason = "ipv6only"
                return pause(secs)
        return event

    def go(now: int) -> "str | None":
        state = session.state
        event = step(now)
        if wait and state == _SELECTING and session.state == _REQUESTING:
            dhcp.reason = "%s: ipv6only" % dotted(session.server, 0)  # type: ignore[arg-type]
            return pause(wait)
        return event

    session.options = _asking(session.options)
    session.write(dhcp.link.buf, 0)  # ValueError: they are too long
    session.read, session.step = take, go  # type: ignore[method-assign]
