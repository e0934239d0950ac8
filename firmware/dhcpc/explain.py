"""What happened, in words: why there is no lease, what to do about it, and the last events.

On a board a History keeps the events. The tools on the laptop use the same words.
"""

import errno
from struct import pack_into, unpack_from

from dhcpc import Client, Session, dotted

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# By the word in `Client.reason`, which stands alone or after "SERVER: ": what is the matter, and
# what to do.
_REASONS = {
    "no link": (
        "there is no link",
        "is the access point in reach? Is the cable in at both ends?",
    ),
    "no access point": (
        "no access point has that name, or none has the security that was asked for",
        "compare the name, check that 2.4 GHz is on, and move nearer",
    ),
    "wrong password": (
        "the access point refuses the password",
        "compare it character by character: blanks and case count",
    ),
    "no answer": (
        "no DHCP server has answered",
        "is there a server on this network? Does it have addresses for this network?",
    ),
    "OFFER": (
        "it has offered an address, and has not answered the REQUEST",
        "look into the server's log. Is there another server? Is the address range used up?",
    ),
    "NAK": (
        "it has refused the address",
        "its range or its network has changed. The client asks for another address by itself",
    ),
    "yiaddr": (
        "it offers an address that cannot be a host's",
        "correct the server's range: leave out the network's first and last address",
    ),
    "option": (
        "its reply has an option that is cut off, and no lease time before it",
        "update the server, or remove long options from its settings",
    ),
    "length": ("its reply is cut off", "look at the network between server and client"),
    "server": (
        "it is not the server that the client listens to",
        "if there are two servers on this network, remove one or make them agree",
    ),
    "client_id": (
        "its reply is for a client with another identifier (option 61)",
        "update the server: it has to return the identifier as the client sends it",
    ),
    "choose": (
        "its offer was not taken. Another server's was taken, or this one did not answer a"
        " REQUEST",
        "look into its log. If there are two servers on this network, remove one",
    ),
    "ipv6only": (
        "it asks hosts that have IPv6 to do without IPv4 (option 108)",
        "if IPv6 works, nothing is wrong. The client asks again after the time that it was told",
    ),
    "declined": (
        "another host has the address that the server gave",
        "find that host, or take its address out of the server's range",
    ),
    "type": ("its message is not what the client waits for", "update the server"),
}
_NUMBERS = {
    "EADDRINUSE": ("port 68 is taken", "end the other DHCP client, or close its socket"),
    "EHOSTUNREACH": (
        "no packet can leave",
        "the NIC has no way to send without an address: see dhcpc.provisional",
    ),
    "ENOSPC": ("the flash is full", "remove files: the record of the lease needs one block"),
    "EROFS": (
        "the flash is read-only",
        "give the client another store: no record can be kept there",
    ),
}
_NO_HEAP = ("there is no memory left", "free some before the client is polled")


def why(reason: "Any") -> "tuple[str, str]":
    """What is the matter, and what to do about it. The second text may be empty.

    reason: a Client's `reason`, or what `acquire` has raised.
    """
    if isinstance(reason, MemoryError):
        return _NO_HEAP
    if isinstance(reason, Exception):
        args = reason.args
        for name in _NUMBERS:
            if args[:1] == (getattr(errno, name, 0),):
                return _NUMBERS[name]
        if args and isinstance(args[-1], Exception):
            return why(args[-1])  # after ETIMEDOUT
        if not (isinstance(reason, OSError) and args and isinstance(args[-1], str)):
            return repr(reason), ""
        reason = args[-1]  # the link's own words, or those after ETIMEDOUT
    if reason is None:
        return "there is a lease", ""
    server, colon, said = reason.partition(": ")
    if not colon:
        return _REASONS.get(reason, (reason, ""))
    word, _, text = said.partition(" ")
    what, then = _REASONS.get(word, (said, ""))
    return "%s: %s%s" % (server, what, " (%s)" % text if text else ""), then


_ENTRY = const(14)  # bytes: when (ms, 4), type of message (1), state (1), server (4), address (4)
_TYPES = const("- DISCOVER OFFER REQUEST DECLINE ACK NAK RELEASE INFORM FORCERENEW")
_STATES = const("STOPPED INIT INIT-REBOOT SELECTING REBOOTING REQUESTING BOUND RENEWING REBINDING")
_BOUND = const(6)
_SERVER_ID = const(54)
_NONE = const("0.0.0.0")


class History:
    """The last events of a Client. It allocates its memory once, and none for an event. It exists
    as long as the Client does.
    """

    def __init__(self, dhcp: Client, most: int = 32) -> None:
        """most: how many events are kept. Each takes 14 bytes, and references to its name and its
        reason; after a NAK the reason has the server's own words. ValueError: it is below 1.
        """
        if not (isinstance(most, int) and most > 0):
            raise ValueError("most: not 1 or more")
        self.dhcp = dhcp
        self.count = 0  # of all events so far
        self.entries = bytearray(most * _ENTRY)
        self.events = [""] * most
        self.reasons: list[Any] = [None] * most  # words, or the number of an OSError
        self.do_tell = dhcp.tell
        dhcp.tell = self._note  # type: ignore[method-assign]

    def _note(self, event: str) -> None:
        # Messages to others are left out: they would soon push out all else.
        dhcp = self.dhcp
        session = dhcp.session
        if event != "ignored" or session.type:
            self._keep(event, dhcp, session)
        self.do_tell(event)

    def _keep(self, event: str, dhcp: Client, session: Session) -> None:
        n = self.count % len(self.events)
        self.count += 1
        self.events[n] = event
        reason = dhcp.reason
        if event == "ignored":
            reason = session.reason
        elif isinstance(reason, OSError) and reason.args:
            reason = reason.args[0]
        self.reasons[n] = reason
        at = n * _ENTRY
        now = dhcp.clock() & 0x3FFFFFFF
        pack_into("!IBB", self.entries, at, now, session.type, session.state)
        server: Any = session.server
        address: Any = session.yiaddr
        i = j = 0
        if event == "ignored" or event == "recv":
            server = address = session.message.buf
            i = session.message.find(_SERVER_ID, 4) or 20  # siaddr
            j = 16  # yiaddr
        elif event == "send":
            server = session.to
        # A slice would allocate.
        for k in range(4):
            self.entries[at + 6 + k] = server[i + k] if server else 0
            self.entries[at + 10 + k] = address[j + k]

    def story(self) -> "Iterator[str]":
        """The lines, then why there is no lease and what to do about it."""
        yield from self.lines()
        for each in why(self.dhcp.reason):
            if each:
                yield each

    def lines(self) -> "Iterator[str]":
        """A line for each event."""
        states = _STATES.split()
        types = _TYPES.split()
        most = len(self.events)
        start = None
        for n in range(max(0, self.count - most), self.count):
            at = n % most * _ENTRY
            now, kind, state = unpack_from("!IBB", self.entries, at)
            start = now if start is None else start
            ms = now - start & 0x3FFFFFFF
            yield "%6d.%03d s  %-11s %s" % (
                ms // 1000,
                ms % 1000,
                states[state],
                self._line(n % most, types[kind] if kind < len(types) else str(kind), state),
            )

    def _line(self, n: int, kind: str, state: int) -> str:
        event, reason = self.events[n], self.reasons[n]
        at = n * _ENTRY
        server, address = (dotted(bytes(self.entries[i : i + 4]), 0) for i in (at + 6, at + 10))
        if event == "send":
            said = "%s to %s" % (kind, "all" if server == _NONE else server)
            return said if address == _NONE else "%s, for %s" % (said, address)
        if event == "recv":
            return "%s of %s from %s" % (kind, address, server)
        if event == "ignored":
            return "%s of %s from %s is refused: %s" % (kind, address, server, reason)
        if event == "link":
            return "link is up" if state else "link is down"
        if event == "fallback":
            return "no lease, so the fallback address is used: %s" % reason
        if state >= _BOUND:
            return "%s: %s from %s" % (event, address, server)
        return event if reason is None else "%s: %s" % (event, reason)
