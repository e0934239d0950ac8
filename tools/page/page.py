"""The page: one HTML file that needs nothing else, no network, and shows what captures hold.

The ladders are HTML, so that they can be read, searched and printed as they are; what is in the
messages is JSON, which page.js makes a list and a dump of when a message is opened. Whatever comes
from a packet or a file's name is text there: escaped, its control characters spelled out. The
policy in the head lets the page's own script and style alone be used.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture.messages import Message
from capture.names import OPS
from capture.notes import count
from page.fields import fields
from page.glossary import about
from toolchain.files import PAGE

if TYPE_CHECKING:
    from capture.conversations import Conversation, Step

_HERE = Path(__file__).parent
_EPOCH = datetime(1970, 1, 1)
_WAYS = {1: "out", 2: "in"}  # op: what page.css calls an arrow to the server, to the client


def page(conversations: Sequence[Conversation], title: str) -> str:
    """The page of these conversations, as text to be written in UTF-8.

    title: what it is about, a file's name say.
    """
    style, script = ((_HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    messages: list[Message] = []
    sections = [_section(conversation, messages) for conversation in conversations]
    total = f"{count(len(messages), 'message')} of {count(len(sections), 'client')}"
    return f"""{PAGE}\
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{_text(title)} - DHCP</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>DHCP <span class="title">{_text(title)}</span></h1>
<p>{total}. <span class="hint">Open a message to see its fields and bytes.</span></p>
<noscript><p>That takes JavaScript, which is off here.</p></noscript>
<div class="tools" role="search">
<label>Client <select id="client"><option value="">all</option>
{_choices(conversations)}</select></label>
<label>Search <input id="search" type="search" autocomplete="off" spellcheck="false"></label>
<button id="all" type="button" aria-pressed="false">Open all</button>
<output id="count" for="client search"></output>
</div>
</header>
<main>
{"".join(sections) or "<p>There is no DHCP message.</p>"}</main>
<script id="data" type="application/json">{_json(_data(messages))}</script>
<script>{script}</script>
</body>
</html>
"""


# --- ladders ------------------------------------------------------------------------------------


def _choices(conversations: Sequence[Conversation]) -> str:
    return "".join(
        f'<option value="c{number}">{_text(_called(conversation))}</option>\n'
        for number, conversation in enumerate(conversations)
    )


def _called(conversation: Conversation) -> str:
    return " ".join(filter(None, (conversation.name, conversation.client)))


def _section(conversation: Conversation, messages: list[Message]) -> str:
    # messages: gets its messages; their places there are their numbers on the page.
    steps = conversation.steps
    starts: dict[str, int] = {}  # of each file: their clocks may differ, and their order
    rows = []
    for step in steps:
        if (ns := step.message.ns) is not None:
            starts.setdefault(step.message.record["file"], ns)
        rows.append(_row(step, len(messages), starts.get(step.message.record["file"])))
        messages.append(step.message)
    begun = "".join(f"{_date(ns)} UTC, " for ns in [*starts.values()][:1])
    name = f"<bdi>{_text(conversation.name)}</bdi> " if conversation.name else ""
    return f"""<section>
<h2>{name}<code>{_text(conversation.client)}</code></h2>
<p class="begun">{begun}{count(len(steps), "message")}</p>
<p class="ends" aria-hidden="true"><span>client</span><span>server</span></p>
<ol>
{"".join(rows)}</ol>
{_end(conversation)}</section>
"""


def _row(step: Step, number: int, start: int | None) -> str:
    record = step.message.record
    ns = step.message.ns
    time = f"{(ns - start) / 1e9:+.3f} s" if ns is not None and start is not None else ""
    way = _WAYS.get(record["op"], "odd")
    kind = record["type"] or OPS.get(record["op"], "unknown")
    bad = '<span class="bad">malformed</span> ' if record["error"] else ""
    heard = {"out": "to the server", "in": "to the client", "odd": "in no known direction"}[way]
    return f"""<li class="{way} {_text(kind.lower())}">
<button type="button" class="message" aria-expanded="false" aria-controls="m{number}">
<span class="when"><span class="time">{time}</span> \
<span class="state">{_text(step.state)}</span></span>
<span class="lane"><span class="type">{_text(kind)}</span>
<span class="line"><span class="heard">{heard}</span></span>
<span class="note">{bad}<bdi>{_text(step.note)}</bdi></span></span>
</button>
<div class="detail" id="m{number}" hidden></div>
</li>
"""


def _end(conversation: Conversation) -> str:
    verdict, advice = conversation.verdict, conversation.advice
    if not verdict and not advice:
        return ""
    told = f'<p class="told">{_text(verdict)}</p>\n' if verdict else ""
    todo = f'<p class="advice">{_text(advice)}</p>\n' if advice else ""
    return f'<div class="verdict">\n{told}{todo}</div>\n'


# --- what is in the messages --------------------------------------------------------------------


def _data(messages: Sequence[Message]) -> dict[str, Any]:
    # What page.js reads.
    known: dict[str | int, tuple[str, str, str]] = {}
    listed = []
    for message in messages:
        parts = []
        for key, name, value, ranges in fields(message):
            if key not in known:
                known[key] = (name, *about(key))
            parts.append((key, _plain(value), ranges))
        listed.append(
            {
                "file": _plain(message.record["file"]),
                "facts": _facts(message),
                "hex": message.payload.hex(),
                "fields": parts,
            }
        )
    return {"about": known, "messages": listed}


def _facts(message: Message) -> str:
    datagram = message.datagram
    facts = []
    source, target = "", message.record.get("dst", "")
    if datagram:
        facts.append(f"packet {datagram.packet.number}")
        source, target = datagram.source, datagram.target
    if message.ns is not None:
        facts.append(f"{_date(message.ns, 'microseconds')} UTC")
    if target:
        facts.append(f"{source} \N{RIGHTWARDS ARROW} {target}".lstrip())
    facts.append(count(len(message.payload), "byte"))
    return _plain(", ".join(facts))


def _date(ns: int, timespec: str = "seconds") -> str:
    try:
        return (_EPOCH + timedelta(microseconds=ns // 1000)).isoformat(" ", timespec)
    except OverflowError:  # a file may claim any time
        return f"{ns // 10**9} s after 1970"


# --- text ---------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    # What does not show, or turns the direction of what does, is spelled out.
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def _text(text: str) -> str:
    # As text or an attribute's value in quotes.
    return escape(_plain(text))


def _json(data: Any) -> str:
    # No "<": it cannot end the element that it is in, nor begin a comment there.
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _policy(style: str, script: str) -> str:
    def its(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    return (
        f"default-src 'none'; script-src {its(script)}; style-src {its(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
