"""What matters of a message, in a few words: addresses, times, what an ACK has changed."""

from __future__ import annotations

import dhcpc
from capture.judge import address, asked_in, server_of, wanted
from capture.messages import REACH, Message, option_value
from capture.names import ip_text, option_name, option_text, quoted
from dhcpc import lease

_FOREVER = lease._FOREVER  # seconds, as the firmware has it
_NOBODY = "0.0.0.0"
_LONGEST = 40  # characters of a value that is shown beside another

# RFC 2132
_MASK, _ROUTER, _DNS, _REQUESTED, _LEASE_TIME, _TYPE = 1, 3, 6, 50, 51, 53
_MESSAGE, _T1, _T2 = 56, 58, 59
_REPEATED = (12, _TYPE, 61, 81, 82)  # what is the client's own, or a relay's
_SHORT = {_MASK: "mask", _DNS: "DNS", 42: "NTP", _LEASE_TIME: "lease time", _T1: "T1", _T2: "T2"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def duration(seconds: int) -> str:
    """A time as people say it, and not rounded: in the largest unit that has halves of it."""
    if seconds >= _FOREVER:
        return "ever"
    for size, unit in _UNITS:
        if seconds >= size and seconds * 2 % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds} s"


def count(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def grant(message: Message) -> str:
    """The address that an OFFER or an ACK has, and for how long."""
    ip = message.record["yiaddr"]
    time = _seconds(message, _LEASE_TIME)
    return f"{ip} for {duration(time)}" if time is not None else f"{ip}, no lease time"


def note(message: Message) -> str:
    """What matters of a message, by its type."""
    write = _NOTES.get(message.record["type"])
    return write(message) if write else ""


def relay(message: Message) -> str:
    """The relay that a message went through, if any."""
    giaddr = message.record["giaddr"]
    return f"through relay {giaddr}" if giaddr not in (None, _NOBODY) else ""


def changes(offer: Message, ack: Message) -> list[str]:
    """What an ACK says otherwise than the OFFER before it."""
    found = []
    for name in ("yiaddr", "siaddr"):
        was, now = offer.record[name], ack.record[name]
        if was != now:
            found.append(f"{name} differs from the OFFER's: {now}, was {was}")
    before, after = (dict(each.record["options"]) for each in (offer, ack))
    for code in dict.fromkeys([*before, *after]):
        was, now = before.get(code), after.get(code)
        if was != now and code not in _REPEATED:
            said = f"{_SHORT.get(code) or option_name(code)} differs from the OFFER's"
            now, was = (_shown(code, each) for each in (now, was))
            short = len(now) <= _LONGEST and len(was) <= _LONGEST
            found.append(f"{said}: {now}, was {was}" if short else said)
    return found


def forgiven(message: Message) -> list[str]:
    """What an ACK has that the firmware takes no notice of, and what it does instead."""
    read = dhcpc.Message()
    read.read(message.payload[:REACH])
    taken = lease.Lease(read, 0)
    found = []
    mask = option_value(message.record, _MASK)
    if mask is not None and lease.subnet(read) == 0:
        found.append(f"mask {option_text(_MASK, mask)} is not used, {taken.mask} is")
    if _seconds(message, _LEASE_TIME) == 0:
        found.append(f"lease time 0 is not used, {duration(taken.lease_time)} is")
    for code, name in ((_ROUTER, "router"), (_DNS, "DNS")):
        value = option_value(message.record, code) or b""
        all_ = [ip_text(value[at : at + 4]) for at in range(0, len(value) & ~3, 4)]
        found += [
            f"{name} {ip} is not used: it cannot be one"
            for ip in dict.fromkeys(all_)
            if ip not in taken.ips(code)
        ]
    if any(taken.server) and not lease.unicast(taken.server, 0):
        found.append(f"server {ip_text(taken.server)} cannot be one: RENEWING asks all servers")
    return found


def _shown(code: int, value: str | None) -> str:
    if value is None:
        return "none"
    data = bytes.fromhex(value)
    if code in (_LEASE_TIME, _T1, _T2) and len(data) == 4:
        return duration(int.from_bytes(data, "big"))
    return option_text(code, data)


def _seconds(message: Message, code: int) -> int | None:
    value = option_value(message.record, code) or b""
    return int.from_bytes(value[:4], "big") if len(value) >= 4 else None


# --- By type ------------------------------------------------------------------------------------


def _request(message: Message) -> str:
    chosen = asked_in(message) == "REQUESTING"
    return wanted(message) + (f" of {server_of(message)}" if chosen else "")


def _discover(message: Message) -> str:
    asked = address(message.record, _REQUESTED)
    return f"asks for {asked}" if asked != _NOBODY else ""


def _by(message: Message) -> str:
    # Who grants it, if that is not who has sent it.
    server = server_of(message)
    same = message.record.get("src", "").startswith(f"{server}:")
    return "" if same else f" from {server}"


def _offer(message: Message) -> str:
    return grant(message) + _by(message)


def _ack(message: Message) -> str:
    times = ((name, _seconds(message, code)) for name, code in (("T1", _T1), ("T2", _T2)))
    granted = _offer(message) + "".join(
        f", {name} {duration(time)}" for name, time in times if time is not None
    )
    return "; ".join([granted, *forgiven(message)])


def _nak(message: Message) -> str:
    text = option_value(message.record, _MESSAGE)
    return (quoted(text) if text else "without a word") + _by(message)


def _address(message: Message) -> str:
    text = option_value(message.record, _MESSAGE)
    return wanted(message) + (f" {quoted(text)}" if text else "")


_NOTES = {
    "DISCOVER": _discover,
    "OFFER": _offer,
    "REQUEST": _request,
    "DECLINE": _address,
    "ACK": _ack,
    "NAK": _nak,
    "RELEASE": _address,
    "INFORM": _address,
}
