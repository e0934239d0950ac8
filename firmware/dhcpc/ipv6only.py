"""IPv6-only preferred (RFC 8925): the client does without IPv4 on a network that asks for it."""

from dhcpc import Client, dotted, option

from ._common import each_option, since_step
from ._compat import const

_SELECTING = const(3)  # states of the session
_REBOOTING = const(4)
_REQUESTING = const(5)

# RFC 2132, RFC 8925 3.1
_OFFER = const(2)
_PARAMETERS = const(55)
_V6ONLY = const(108)

_MIN_V6ONLY_WAIT = const(300)  # seconds: RFC 8925 3.4
_MAX_V6ONLY_WAIT = const(86400)  # seconds: then it asks again, as the network may have changed
_NOBODY = const(b"\0\0\0\0")


def _asking(options: bytes) -> bytes:
    # These options, with 108 in the parameter request list.
    others = codes = b""
    for each in each_option(options, 0):
        if each[0] == _PARAMETERS:
            codes = each[2:]
        else:
            others += each
    if _V6ONLY not in codes:
        codes += bytes((_V6ONLY,))
    return others + option(_PARAMETERS, codes) + b"\xff"


def obey(dhcp: Client) -> None:
    """Ask for option 108. If the OFFER that is taken has it, send no REQUEST. If the ACK in
    REBOOTING has it, do not use the lease. In other states the lease stays (RFC 8925 3.2).

    The event is "ipv6only", and the client has no address for as long as the server says: at least
    5 minutes, at most a day. It begins anew after that time, and after the link has been away.

    This is for a program that works without IPv4. Call it before the first poll. ValueError:
    "options", they are too long with this one; "option", 55, `params` is too long with this one.
    """
    session = dhcp.session
    read, step = session.read, session.step
    wait = 0  # seconds, of the OFFER that is taken; 0 if that has no option 108

    def asked() -> int:
        m = session.message
        i = m.find(_V6ONLY, 4)
        if not i:
            return 0
        secs = int.from_bytes(m.buf[i : i + 4], "big")
        return max(_MIN_V6ONLY_WAIT, min(secs, _MAX_V6ONLY_WAIT))

    def pause(secs: int) -> str:
        session.start(secs * 1000 + since_step(dhcp))
        return "ipv6only"

    def take(buf: "bytes | bytearray") -> str:
        nonlocal wait
        state = session.state
        event = read(buf)
        if event == "recv":
            wait = asked()
        elif event == "rebooted" or (
            # An OFFER that has the option need not have an address (RFC 8925 3.3).
            session.reason == "yiaddr"
            and session.type == _OFFER
            and session.server is None
            and session.message.buf.startswith(_NOBODY, 16)
        ):
            secs = asked()
            if secs:
                if state == _REBOOTING:
                    dhcp.save = dhcp.clear
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
