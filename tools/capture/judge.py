"""What the firmware makes of the replies in a capture: its own session reads them.

The session is put where the client that was captured is, as its messages tell, and nothing is
judged here a second time. No time passes for it: the captured client's messages say what was due.
"""

from __future__ import annotations

from socket import inet_aton
from types import SimpleNamespace
from typing import Any

from capture.messages import Message, option_value
from capture.names import ip_text
from dhcpc import Session, client, rapid

_SIZE = client._SIZE  # of a longer datagram, a board takes that much
_ROOM = 570  # bytes, of what a session writes
_STATES = client._STATES.split()
_WITH_LEASE = ("RENEWING", "REBINDING")
_NOBODY = "0.0.0.0"
_ALL = "255.255.255.255"

# RFC 2132
_REQUESTED, _SERVER_ID, _MESSAGE, _RAPID_COMMIT = 50, 54, 56, 80


class Judge:
    """The firmware's session, in place of one client."""

    def __init__(self, chaddr: bytes) -> None:
        """chaddr: as the client's messages have it, its first 6 bytes."""
        self.session = Session(chaddr, b"", lambda bits: 0)
        self.commits = False

    @property
    def state(self) -> str:
        """As RFC 2131 figure 5 writes it; "" where nothing tells."""
        return _STATES[self.session.state] if self.session.state else ""

    def put(self, state: str, message: Message, yiaddr: str, server: str) -> None:
        """Put it into a state, the transaction that of a message; addresses are 0.0.0.0 where
        there is none."""
        session = self.session
        if option_value(message.record, _RAPID_COMMIT) is not None and not self.commits:
            self.commits = True  # this client takes an ACK to a DISCOVER (RFC 4039)
            link = SimpleNamespace(buf=bytearray(_ROOM))
            device: Any = SimpleNamespace(session=session, link=link, params=b"")
            rapid.commit(device)
        if state not in _WITH_LEASE:
            session.start()  # from here on there is none
        session.state = _STATES.index(state)
        session.xid = message.payload[4:8]
        session.count = 1
        session.yiaddr = inet_aton(yiaddr)
        session.server = inet_aton(server) if state == "REQUESTING" else None

    def leave(self) -> None:
        """The client has given its address up."""
        self.session.start()

    def read(self, message: Message) -> tuple[str, str]:
        """Have it read a reply. Returns the session's event, and what a Client would have as its
        `reason`: from whom, what, and the server's own words."""
        session = self.session
        event = session.read(message.payload[:_SIZE])
        word = "NAK" if event == "nak" else session.reason or "OFFER"
        text = str(option_value(message.record, _MESSAGE) or b"")[2:-1]
        return event, f"{server_of(message)}: {word} {text}"


def asked_in(message: Message) -> str:
    """The state of the client that sent a REQUEST, by that alone: RFC 2131 4.3.2, table 4."""
    record = message.record
    if record["ciaddr"] != _NOBODY:
        # What a relay has forwarded was a broadcast: a unicast goes past it.
        everybody = record.get("dst", "").startswith(_ALL) or record["giaddr"] != _NOBODY
        return "REBINDING" if everybody else "RENEWING"
    return "REQUESTING" if address(record, _SERVER_ID) != _NOBODY else "REBOOTING"


def wanted(message: Message) -> str:
    """The address that a client asks for; 0.0.0.0 if it leaves that to the server."""
    requested = address(message.record, _REQUESTED)
    return requested if requested != _NOBODY else message.record["ciaddr"] or _NOBODY


def server_of(message: Message) -> str:
    """The server that a message names, or that it comes from."""
    record = message.record
    named = address(record, _SERVER_ID)
    if named == _NOBODY:
        named = record["siaddr"] or _NOBODY
    return named if named != _NOBODY else record.get("src", named).partition(":")[0]


def address(record: dict[str, Any], code: int) -> str:
    """The address in an option; 0.0.0.0 without one."""
    value = option_value(record, code) or b""
    return ip_text(value[:4]) if len(value) >= 4 else _NOBODY
