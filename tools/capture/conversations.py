"""Conversations: what each client and its servers said, what state that left the client in, and
what the firmware makes of it. One look at each message; what is kept of it is the message itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socket import inet_aton
from typing import Any

from capture import notes
from capture.judge import Judge, asked_in, server_of, wanted
from capture.messages import Message, option_value
from capture.names import mac_text
from capture.notes import count
from capture.structures import client_id, escaped
from dhcpc.explain import why

_BOOTREQUEST, _BOOTREPLY = 1, 2
_NOBODY = "0.0.0.0"
_NO_ADDRESS = "no address"

# RFC 2132
_HOST_NAME, _CLIENT_ID = 12, 61

# Why a reply is nothing to the client that it is shown with. The words for why a reply is refused
# that was for this client are the firmware's.
_STRAY = {
    "xid": (
        "its xid is not that of the client's message",
        "update the server: a reply repeats xid and chaddr of what it answers",
    ),
    "chaddr": (
        "its chaddr is not the client's",
        "update the server: a reply repeats xid and chaddr of what it answers",
    ),
    "late": (
        "it answers an earlier message",
        "find out why the server, or the network, is so slow",
    ),
}
_HARMLESS = ("choose", "type", "late")  # where there is a lease
_AGAIN = {
    "bound": "asked for again",
    "rebooted": "confirmed",
    "renewed": "renewed",
    "rebound": "rebound",
}
_MOST = 3  # parts of a story, reasons in a part: the last ones


@dataclass
class Step:
    """A message, and what it meant."""

    message: Message
    state: str  # the client's after it, as RFC 2131 names it; "" if nothing tells
    note: str  # what matters of it


@dataclass
class Conversation:
    """What a client and its servers said."""

    client: str  # its MAC address; of one that gives none, its client identifier
    name: str  # its host name, or ""
    steps: list[Step]
    verdict: str  # what came of it, as the firmware sees it
    advice: str  # what to do about it, or ""


def conversations(messages: Iterable[Message]) -> list[Conversation]:
    """The conversations in a capture, in the order of their first messages."""
    clients = Clients()
    listeners: dict[str, _Listener] = {}
    for message in messages:
        client = clients.of(message)
        if client not in listeners:
            listeners[client] = _Listener(client, message)
        listeners[client].hear(message)
    return [listener.told() for listener in listeners.values()]


class Clients:
    """Tells whose message it is: chaddr says so, or else option 61. A reply that names nobody who
    has spoken is for the one whose xid it has.
    """

    def __init__(self) -> None:
        self._by_xid: dict[str, str] = {}
        self._spoke: set[str] = set()

    def of(self, message: Message) -> str:
        """The client, as Conversation has it. Messages are to come in order."""
        record = message.record
        client = _named(record)
        if record["op"] == _BOOTREQUEST and record["xid"]:
            self._by_xid[record["xid"]] = client
            self._spoke.add(client)
        elif client not in self._spoke:
            client = self._by_xid.get(record["xid"], client)
        return client


def _named(record: dict[str, Any]) -> str:
    if (record["chaddr"] or "").strip("0"):
        return mac_text(bytes.fromhex(record["chaddr"]))
    identifier = option_value(record, _CLIENT_ID)
    return client_id(identifier).removeprefix("Ethernet ") if identifier else _NO_ADDRESS


# --- What came of it ----------------------------------------------------------------------------


@dataclass
class _Part:
    # Of the story: something that the client got, or did not.
    text: str
    advice: str = ""
    times: Counter[str] = field(default_factory=Counter)  # what happened to it, how often

    def told(self) -> str:
        parts = [self.text]
        for what, number in self.times.items():
            parts.append(what if number == 1 else f"{what} {number} times")
        return "; ".join(parts)


@dataclass
class _Open:
    # What nothing has come of yet.
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)  # type, what for
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # type, reason
    taken: str = ""  # the reason that a Client has, once it has taken an OFFER
    offer: str = ""  # of that, what was offered

    def refusals(self, counts: Callable[[str, str], bool]) -> _Part | None:
        # counts: whether to tell of one, by its type, and the word for why.
        found = [
            (kind, reason, number)
            for (kind, reason), number in self.refused.items()
            if counts(kind, _word(reason))
        ]
        if not found:
            return None
        said = []
        for kind, reason, number in found[-_MOST:]:
            all_ = "all " if number > 1 and len(found) == 1 else ""
            said.append(f"{count(number, kind)}, {all_}refused: {_words(reason)[0]}")
        advice = (_words(reason)[1] for _, reason, _ in reversed(found))
        return _Part("; ".join(said), next(filter(None, advice), ""))

    def left(self, lease: bool) -> _Part | None:
        # What is to be said when nothing more comes. lease: whether there is one.
        def counts(kind: str, word: str) -> bool:
            if self.taken and kind == "OFFER":
                return False
            return word not in _HARMLESS or not lease or bool(self.sent)

        refused = self.refusals(counts)
        if refused:
            return refused
        requests = self.sent["REQUEST", ""]
        if requests and self.taken:
            what, advice = why(self.taken)
            return _Part(f"{count(requests, 'REQUEST')}, no answer: {what}", advice)
        if self.taken:
            return _Part(
                f"{self.offer}; no REQUEST for it",
                "the firmware takes this OFFER: look into the client's log, or record for longer",
            )
        if not self.sent:
            return None
        sent = [count(n, kind) + what for (kind, what), n in self.sent.items()]
        return _Part(f"{', '.join(sent[-_MOST:])}, no answer", why("no answer")[1])


def _word(reason: str) -> str:
    return reason.partition(": ")[2].partition(" ")[0]


def _words(reason: str) -> tuple[str, str]:
    # Of what a Client has as its `reason`, and of what never gets that far.
    server = reason.partition(": ")[0]
    if stray := _STRAY.get(_word(reason)):
        return f"{server}: {stray[0]}", stray[1]
    return why(reason)


# --- A conversation as it goes on ---------------------------------------------------------------


class _Listener:
    def __init__(self, client: str, message: Message) -> None:
        self.client = client
        self.name = ""
        self.steps: list[Step] = []
        self.judge = Judge(message.payload[28:34].ljust(6, b"\0"))
        self.spoke = False  # the client, as far as was captured
        self.xids: set[str] = set()  # of its messages
        self.before: tuple[Any, ...] = ()  # its message before, as far as a relay leaves it
        self.inform = "", ""  # of the last INFORM, xid and address
        self.offers: dict[str, Message] = {}  # of this transaction, by server
        self.open = _Open()
        self.story: list[_Part] = []
        self.lease: _Part | None = None  # if it has one, the part that tells of it,
        self.held = "", ""  # its address and server

    def hear(self, message: Message) -> None:
        """Take in the next message."""
        record = message.record
        said = []
        if record["op"] == _BOOTREQUEST:
            self.spoke = True
            said += self.sent(message)
        elif record["op"] == _BOOTREPLY:
            said += self.came(message)
        said.append(notes.relay(message))
        if record["error"]:
            said.append(f"malformed: {record['error']}")
        if name := option_value(record, _HOST_NAME):
            self.name = self.name or escaped(name)
        self.steps.append(Step(message, self.judge.state, "; ".join(filter(None, said))))

    def told(self) -> Conversation:
        """All of it."""
        left = self.open.left(bool(self.lease))
        parts = [*self.story, *([left] if left else [])]
        if not parts:
            parts = [_Part("nothing in it is about a lease")]
        verdict = "; then ".join(part.told() for part in parts[-_MOST:])
        if not self.spoke:
            verdict += "; no message of the client was captured"
        return Conversation(self.client, self.name, self.steps, verdict, parts[-1].advice)

    # What the client sends

    def sent(self, message: Message) -> list[str]:
        record = message.record
        kind = record["type"]
        now = kind, record["xid"], record["secs"]
        relayed = now == self.before and record["hops"]
        self.before = now
        said = [notes.note(message)]
        if relayed:
            return said  # it was captured on both sides of a relay
        self.xids.add(record["xid"])
        if kind == "DISCOVER":
            self.offers.clear()
            self.judge.put("SELECTING", message, wanted(message), _NOBODY)
            self.open.sent[kind, ""] += 1
        elif kind == "REQUEST":
            (state, server), ip = self.asked(message), wanted(message)
            self.judge.put(state, message, ip, server)
            what = {"REQUESTING": "", "REBOOTING": f" for {ip}"}.get(state, f" to renew {ip}")
            self.open.sent[kind, what] += 1
        elif kind == "INFORM":
            self.inform = record["xid"], record["ciaddr"]
            self.open.sent[kind, ""] += 1
        elif kind in ("DECLINE", "RELEASE"):
            self.ended(kind, wanted(message))
        return said

    def asked(self, message: Message) -> tuple[str, str]:
        # The state that a REQUEST was sent in, and the server that it is for. Without option 54 it
        # takes an OFFER, which may have had none either, if there was one of that address.
        state = asked_in(message)
        if state == "REBOOTING":
            taken = message.record["xid"], wanted(message)
            for server, offer in self.offers.items():
                if (offer.record["xid"], offer.record["yiaddr"]) == taken:
                    return "REQUESTING", server
        return state, server_of(message)

    def ended(self, kind: str, ip: str) -> None:
        self.judge.leave()
        what = "released" if kind == "RELEASE" else "declined, another host has it"
        if not self.lease:
            self.lease = self.tell(_Part(ip))
        self.lease.times[what] += 1
        if kind == "DECLINE":
            self.lease.advice = "find that host, or take the address out of the server's range"
        self.lease = None

    # What comes back

    def came(self, message: Message) -> list[str]:
        record = message.record
        kind = record["type"]
        if kind == "ACK" and record["xid"] == self.inform[0]:
            self.open = _Open()
            what = f"configuration for {self.inform[1]}"
            self.tell(_Part(f"{what} from {server_of(message)}"))
            return [what]
        said = [notes.note(message)]
        if not self.spoke:
            # It is the answer to what was not captured.
            state = "SELECTING"
            if kind in ("ACK", "NAK"):
                state = "RENEWING" if self.lease else "REQUESTING"
            self.judge.put(state, message, record["yiaddr"] or _NOBODY, server_of(message))
        chosen = self.judge.session.server, self.judge.session.yiaddr
        event, reason = self.judge.read(message)
        if event == "ignored":
            return said + self.refused(message, chosen, reason)
        if event == "recv":
            self.offers[server_of(message)] = message
            self.open.taken = reason
            self.open.offer = f"{notes.grant(message)} offered by {server_of(message)}"
        elif event == "nak":
            self.close()
            self.lease = None
            self.tell(_Part(*why(reason)))
        else:
            offer = self.offers.get(server_of(message))
            if event == "bound" and offer:
                said += notes.changes(offer, message)
            self.bound(event, message)
        return said

    def refused(
        self, message: Message, chosen: tuple[bytes | None, bytes], reason: str
    ) -> list[str]:
        record = message.record
        server, word = server_of(message), _word(reason)
        if word == "xid" and record["xid"] in self.xids:
            reason = f"{server}: late"
        same = chosen == (inet_aton(server), message.payload[16:20])
        if word in ("choose", "type") and same:
            return ["again"]  # and no fault
        if record["type"] == "OFFER":
            self.offers[server] = message  # the client may take it all the same
        key = record["type"] or "answer", reason
        self.open.refused[key] += 1
        if self.open.refused[key] > 1:
            return ["refused as before"]
        return [f"refused: {_words(reason)[0].removeprefix(f'{server}: ')}"]

    def bound(self, event: str, message: Message) -> None:
        lease = self.judge.session.lease
        assert lease
        taken = self.open.taken
        refused = self.close()
        held = lease.ip, server_of(message)
        text = f"{lease.ip} for {notes.duration(lease.lease_time)} from {held[1]}"
        advice = ""
        if event == "bound" and refused and not taken:
            text = f"the client that was captured goes on, and has {text}"
            advice = refused.advice
        if self.lease and held == self.held:
            self.lease.text = text
            self.lease.times[_AGAIN[event]] += 1
            return
        self.held = held
        self.lease = self.tell(_Part(text, advice))
        if event != "bound":
            self.lease.times[_AGAIN[event]] += 1

    # The story

    def close(self) -> _Part | None:
        """Something came of it: tell what has been refused before, and return that, if any."""
        part = self.open.refusals(lambda _, word: word not in _HARMLESS)
        self.open = _Open()
        return self.tell(part) if part else None

    def tell(self, part: _Part) -> _Part:
        """Add a part, unless it is the last one again."""
        last = self.story[-1] if self.story else None
        if last and last.text == part.text:
            last.times["again"] += 1
            return last
        self.story.append(part)
        return part
