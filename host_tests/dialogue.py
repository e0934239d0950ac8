"""What a client and its servers say to each other, as decode.py has it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from socket import inet_aton
from typing import Any

from capture.conversations import Conversation, conversations
from capture.messages import Message
from capture.messages import decode as decode_payload
from capture.names import MESSAGE_TYPES
from crafted import END, option

CLIENT, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
NOBODY, ALL = "0.0.0.0", "255.255.255.255"
SERVER, RIVAL = "192.0.2.1", "192.0.2.9"
IP = "192.0.2.100"
DAY_HALF = 43200  # seconds: a lease


def payload(
    kind: str,
    options: Iterable[tuple[int, Any]] = (),
    *,
    xid: int = 1,
    mac: str = CLIENT,
    end: bytes = END,
    hops: int = 0,
    **addresses: str,
) -> bytes:
    """A message of a client or a server, as its type says."""
    reply = kind in ("OFFER", "ACK", "NAK")
    fixed = struct.pack("!4BIHH", 2 if reply else 1, 1, 6, hops, xid, 0, 0)
    for name in ("ciaddr", "yiaddr", "siaddr", "giaddr"):
        fixed += inet_aton(addresses.get(name, NOBODY))
    fixed += bytes.fromhex(mac.replace(":", "")).ljust(16 + 64 + 128, b"\0") + b"c\x82Sc"
    said = [(53, bytes([MESSAGE_TYPES.index(kind) + 1])), *options]
    return fixed + b"".join(option(code, coded(value)) for code, value in said) + end


def coded(value: Any) -> bytes:
    if isinstance(value, int):
        return struct.pack("!I", value)
    if isinstance(value, str):
        return inet_aton(value)
    return bytes(value)


def message(data: bytes, src: str = NOBODY, dst: str = ALL) -> Message:
    at = {"src": f"{src}:67", "dst": f"{dst}:67"}
    return Message(data, None, {"file": "x", "n": 1, **decode_payload(data), **at})


def discover(*options: tuple[int, Any], **fields: Any) -> Message:
    return message(payload("DISCOVER", options, **fields))


def request(*options: tuple[int, Any], dst: str = ALL, **fields: Any) -> Message:
    return message(payload("REQUEST", options, **fields), fields.get("ciaddr", NOBODY), dst)


def takes(ip: str = IP, server: str = SERVER, **fields: Any) -> Message:
    return request((50, ip), (54, server), **fields)


def renews(dst: str = SERVER, **fields: Any) -> Message:
    return request(ciaddr=IP, dst=dst, **fields)


def reply(
    kind: str, *options: tuple[int, Any], server: str = SERVER, src: str = "", **fields: Any
) -> Message:
    said = [(54, server), *options]
    return message(payload(kind, said, **fields), src or server)


def offer(*options: tuple[int, Any], yiaddr: str = IP, **fields: Any) -> Message:
    return reply("OFFER", (51, DAY_HALF), *options, yiaddr=yiaddr, **fields)


def ack(*options: tuple[int, Any], yiaddr: str = IP, **fields: Any) -> Message:
    return reply("ACK", (51, DAY_HALF), *options, yiaddr=yiaddr, **fields)


def nak(text: bytes = b"wrong network", **fields: Any) -> Message:
    return reply("NAK", (56, text), **fields)


LEASE = f"{IP} for 12 h from {SERVER}"

RAPID: tuple[int, Any] = (80, b"")


def told(*said: Message) -> Conversation:
    """The one conversation that the messages are."""
    (conversation,) = conversations(said)
    assert [step.message for step in conversation.steps] == list(said)
    return conversation


def verdict(*said: Message) -> tuple[str, str]:
    conversation = told(*said)
    return conversation.verdict, conversation.advice


def states(*said: Message) -> list[str]:
    return [step.state for step in told(*said).steps]


def notes(*said: Message) -> list[str]:
    return [step.note for step in told(*said).steps]
