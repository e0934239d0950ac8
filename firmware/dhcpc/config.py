"""The settings of /dhcpc.json: their names, what each takes, and the Client that they make.

boot.py reads the file with this module, and `make deploy` checks it with this module before it
copies it, so both refuse with the same words. docs/config.schema.json is the same for an editor.
"""

import errno
import json

from dhcpc import Client

from ._common import packed
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

PATH = "/dhcpc.json"

_LETTERS = const("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = const("0123456789")
_HEX = const("0123456789abcdefABCDEF")
_DAY = const(86400)  # seconds
_FALLBACK_S = const(30)  # seconds without a lease
_SHOWN = const(60)  # characters of a wrong value
_BROADCAST = const(0x8000)  # the flag

# RFC 2132, RFC 3004, RFC 4702
_REQUESTED_IP = const(50)
_PARAMETERS = const(55)
_VENDOR_CLASS = const(60)
_CLIENT_ID = const(61)
_USER_CLASS = const(77)
_FQDN = const(81)

# What a value must be. A value of another type may raise an exception, which counts as False.


def _is_ssid(value: "Any") -> bool:
    return 0 < len(value.encode()) <= 32


def _is_key(value: "Any") -> bool:
    if len(value) == 64:
        return not value.strip(_HEX)
    return 8 <= len(value.encode()) <= 63 and " " <= min(value) and max(value) <= "~"


def _is_hostname(value: "Any") -> bool:
    odd = value.strip(_LETTERS + _DIGITS + "-")
    return not odd and len(value) <= 32 and "-" not in (value[0], value[-1])


def _is_span(value: "Any") -> bool:
    return 1 <= value <= _DAY and value is not True


def _is_switch(value: "Any") -> bool:
    return value is True or value is False


def _are_addresses(value: "Any") -> bool:
    if not isinstance(value, list) or not value:
        return False
    for each in value:
        packed("", each)
    return True


def _is_dns(value: "Any") -> bool:
    return value is False or _are_addresses(value)


def _are_servers(value: "Any") -> bool:
    for name in value:
        rule = {"allow": _are_addresses, "deny": _are_addresses, "window_ms": _is_span}[name]
        if not rule(value[name]):
            return False
    return len(value) > 0 and not ("allow" in value and "deny" in value)


def _are_options(value: "Any") -> bool:
    return isinstance(value, dict)


def _is_fallback(value: "Any") -> bool:
    if value == "link-local":
        return True
    for name in value:
        if name not in ("address", "mask", "gateway", "dns"):
            return False
        packed("", value[name])
    return "address" in value


# For each setting: its rule, the rule in words, and the extra that it needs. The code of an option
# stands in place of a rule: dhcpc.options has that rule and its words.
_SETTINGS: "dict[str, tuple[Any, str, str]]" = {
    "ssid": (_is_ssid, "a text of 1 to 32 bytes", ""),
    "key": (_is_key, "8 to 63 ASCII characters, or 64 hex digits", ""),
    "hostname": (_is_hostname, "1 to 32 letters, digits and inner hyphens", ""),
    "timeout_s": (_is_span, "a number from 1 to 86400", ""),
    "watchdog_s": (_is_span, "a number from 1 to 86400", ""),
    "broadcast": (_is_switch, "true or false", ""),
    "reuse": (_is_switch, "true or false", ""),
    "params": (_PARAMETERS, "", "options"),
    "client_id": (_CLIENT_ID, "", "options"),
    "vendor_class": (_VENDOR_CLASS, "", "options"),
    "user_class": (_USER_CLASS, "", "options"),
    "fqdn": (_FQDN, "", "options"),
    "options": (_are_options, "an object: {option: value}", "options"),
    "rapid_commit": (_is_switch, "true or false", "rapid"),
    "ipv6_only": (_is_switch, "true or false", "ipv6only"),
    "anonymous": (_is_switch, "true or false", "anonymity"),
    "servers": (
        _are_servers,
        "an object: allow or deny, a list of addresses; window_ms",
        "servers",
    ),
    "dns": (_is_dns, "a list of addresses, or false to leave the name server alone", "dns"),
    "fallback": (
        _is_fallback,
        '"link-local", or an object: address, and mask, gateway, dns',
        "fallback",
    ),
    "fallback_s": (_is_span, "a number from 1 to 86400", ""),
}
# What cannot be set with "anonymous" (RFC 7844 3): it tells who the device is, or needs a record
_TELLING = const(
    ("client_id", "vendor_class", "user_class", "fqdn", "options", "rapid_commit", "reuse")
)
# 12, 52, 53, 54, 55, 57, 61: the client writes these itself, or they have settings of their own
_SAID = const(b"\x0c\x34\x35\x36\x37\x39\x3d")


def _refusal(name: str, value: "Any", words: str) -> ValueError:
    try:
        shown = json.dumps(value)
    except TypeError:  # a program's own value, for example bytes
        shown = repr(value)
    # A wrong key is often nearly the right one, so it is not shown.
    shown = "it" if name == "key" else shown[:_SHOWN]
    return ValueError("%s: %s is not %s" % (name, shown, words))


def _extra(name: str) -> "Any":
    # The module of the extra that a setting needs.
    module = _SETTINGS[name][2]
    try:
        return getattr(__import__("dhcpc." + module), module)
    except ImportError:
        raise ValueError("%s: it takes the extra %s, which is not here" % (name, module))


def _encoded(name: str, code: "int | str", value: "Any") -> bytes:
    # The bytes of the option that the setting `name` is about.
    options = _extra(name)
    if code == _FQDN and isinstance(value, str) and "." in value[:-1] and value[-1] != ".":
        value += "."  # a full name: few people write its last dot
    try:
        return options.encode(code, value)
    except ValueError as error:
        option, _, words = str(error).partition(": ")
        if name == "options":
            name += ": " + option
        if not words:  # there is no such option
            raise ValueError(name)
        raise _refusal(name, value, words)


def check(settings: "dict[str, Any]") -> "dict[int, bytes]":
    """Check that each of these settings exists, has a right value, and goes with the others.
    Return the bytes of those that are options, by code. ValueError names the setting that is wrong
    and what it takes.
    """
    encoded: "dict[int, bytes]" = {}
    said = [_SETTINGS[name][0] for name in settings if name in _SETTINGS]  # codes among them
    for name in settings:
        if name not in _SETTINGS:
            there = ", ".join(sorted(_SETTINGS))
            raise ValueError("there is no %s; there are %s" % (json.dumps(name), there))
        value = settings[name]
        rule, words, _ = _SETTINGS[name]
        if isinstance(rule, int):
            encoded[rule] = _encoded(name, rule, value)
            continue
        try:
            right = rule(value)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            right = False
        if not right:
            raise _refusal(name, value, words)
        if name == "options":
            for each in value:
                data = _encoded(name, each, value[each])
                code = _extra(name).code(each)
                if code in _SAID or code in said:
                    raise ValueError("options: %s: the client sends it already" % each)
                said.append(code)
                encoded[code] = data
        if name == "anonymous" and value:
            for each in _TELLING:
                if settings.get(each):
                    raise ValueError("anonymous: it does not go with %s" % each)
    return encoded


def parsed(text: "Any", whose: str = PATH) -> "dict[str, Any]":
    """The settings in a JSON text, str or bytes. whose: the name of the file. ValueError says what
    is wrong.
    """
    try:
        found = json.loads(text)
    except (RuntimeError, ValueError) as error:  # RuntimeError: it is too deep
        raise ValueError("%s: not JSON: %s" % (whose, error))
    if not isinstance(found, dict):
        raise ValueError("%s: not a JSON object" % whose)
    try:
        check(found)
    except ValueError as error:
        raise ValueError("%s: %s" % (whose, error))
    return found


def read(path: str = PATH) -> "dict[str, Any]":
    """The settings in the file; none if there is no file. ValueError says what is wrong with them.
    OSError: the file exists and cannot be read.
    """
    try:
        with open(path, "rb") as f:
            text = f.read()
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return {}
    return parsed(text, path)


def extras(settings: "dict[str, Any]") -> "set[str]":
    """The names of the extras that these settings need."""
    return {_SETTINGS[name][2] for name in settings} - {""}


def client(nic: "Any", make: "type[Client]" = Client, **settings: "Any") -> Client:
    """Make a Client with the settings of the file, and with a Client's own. ssid, key, timeout_s
    and watchdog_s are not for the Client; they are checked, and change nothing.

    nic: as a Client takes it. make: Client, or a subclass. ValueError: as `check` and the Client
    raise it.
    """
    ours: "dict[str, Any]" = {}
    given: "dict[str, Any]" = {}
    for name in settings:
        (ours if name in _SETTINGS else given)[name] = settings[name]
    options = check(ours)
    for name in ("hostname", "reuse"):
        if name in ours:
            given[name] = ours[name]
    for name, code in (("params", _PARAMETERS), ("client_id", _CLIENT_ID)):
        if code in options:
            given[name] = options.pop(code)
    if _FQDN in options:
        given["hostname"] = ""  # RFC 4702 3.1
    requested = options.pop(_REQUESTED_IP, None)
    dhcp = make(nic, options=options, **given)
    if requested:
        dhcp.session.yiaddr = requested
    if ours.get("broadcast"):
        dhcp.session.flags = _BROADCAST
    if ours.get("rapid_commit"):
        _extra("rapid_commit").commit(dhcp)
    if ours.get("ipv6_only"):
        _extra("ipv6_only").obey(dhcp)
    if ours.get("anonymous"):
        _extra("anonymous").profile(dhcp)
    if "servers" in ours:
        rule = dict(ours["servers"])
        window = rule.pop("window_ms", 0)
        if rule:
            _extra("servers").only(dhcp, **rule)
        if window:
            _extra("servers").prefer(dhcp, dhcp.params, int(window))
    if "dns" in ours:
        _extra("dns").use(dhcp, ours["dns"] or [])
    if "fallback" in ours:
        way = ours["fallback"]
        after = int(ours.get("fallback_s", _FALLBACK_S) * 1000)
        fallback = _extra("fallback")
        if way == "link-local":
            fallback.link_local(dhcp, after)
        else:
            try:
                fallback.static(dhcp, after_ms=after, **way)
            except ValueError as error:
                raise ValueError("fallback: %s" % error)
    return dhcp
