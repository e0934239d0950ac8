"""Messages as people read them."""

from __future__ import annotations

from capture.messages import FILE, SNAME, Message
from capture.names import OPS, mac_text, option_name, option_text, quoted
from capture.summary import filled

_BROADCAST = 0x8000  # flag, RFC 2131 figure 2
_OVERLOAD = 52  # RFC 2132
_UNDER = " " * 8  # before what goes on in another line


def text(message: Message, start_ns: int | None = None, width: int = 0) -> str:
    """A message as people read it. start_ns: what its time counts from, in ns since 1970. width:
    characters in a line at most; 0 if it does not matter.
    """
    datagram, record = message.datagram, message.record
    title = f"{record['file']}, message {record['n']}"
    if datagram:
        title += f", packet {datagram.packet.number}"
        if message.ns is not None and start_ns is not None:
            title += f", {(message.ns - start_ns) / 1e9:+.6f} s"
    lines = [f"{title}: {record['type'] or _op(message)}"]
    if datagram:
        lines.append(f"{datagram.source} -> {datagram.target}")
    lines += _fixed_fields(message)
    for code, value in record["options"]:
        lines.append(f"{code} {option_name(code)}: {option_text(code, bytes.fromhex(value))}")
    if record["error"]:
        lines.append(f"malformed: {record['error']}")
    if width:
        indents = ["", *["    "] * (len(lines) - 1)]
        parts = zip(lines, indents, strict=True)
        return "\n".join(part for line, by in parts for part in filled(line, by, _UNDER, width))
    return "\n    ".join(lines)


def _op(message: Message) -> str:
    op = message.record["op"]
    return OPS.get(op, "nothing" if op is None else f"op {op}")


def _fixed_fields(message: Message) -> list[str]:
    # One line, and one of addresses and names if there are any.
    payload, record = message.payload, message.record

    def known(*names: str) -> list[str]:
        unset = None, "0.0.0.0"
        return [f"{name} {record[name]}" for name in names if record[name] not in unset]

    first = [_op(message), *known("xid", "secs")]
    if flags := record["flags"]:
        first.append(f"flags {flags:#06x}{' (broadcast)' if flags & _BROADCAST else ''}")
    if chaddr := record["chaddr"]:
        first.append(f"chaddr {mac_text(bytes.fromhex(chaddr))}")
    if (record["htype"], record["hlen"]) != (1, 6):  # Ethernet
        first += known("htype", "hlen")

    second = known("ciaddr", "yiaddr", "siaddr", "giaddr")
    overload = dict(record["options"]).get(_OVERLOAD, "")[:2]
    for name, place, overloads in (("sname", SNAME, ("02", "03")), ("file", FILE, ("01", "03"))):
        string = payload[place].split(b"\0")[0]
        if string and overload not in overloads:
            second.append(f"{name} {quoted(string)}")
    return [", ".join(line) for line in (first, second) if line]
