"""Typed options: their names, and their bytes as values that JSON can carry, in both directions.

Knows what the options mean, by RFC 2132 and later RFCs. Knows no message and no client. A server's
value that does not have the form of its option stays bytes. A value of your own that cannot be
written is a ValueError.
"""

from binascii import hexlify, unhexlify

from dhcpc import dotted

from ._common import packed
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

    from dhcpc import Lease

# The options by type. A line with = has the letter of the type, and what the type takes, in the
# words of the ValueError of `encode`. Below it is a line for each option: its code and its name.
_TABLE = const("""
=a an address
1 subnet_mask
16 swap_server
28 broadcast_address
32 router_solicitation_address
50 requested_ip_address
54 server_identifier
118 subnet_selection
=A a list of addresses
3 router
4 time_server
5 name_server
6 domain_name_server
7 log_server
8 cookie_server
9 lpr_server
10 impress_server
11 resource_location_server
41 nis_servers
42 ntp_servers
44 netbios_name_server
45 netbios_datagram_distribution_server
48 x_window_font_server
49 x_window_display_manager
65 nis+_servers
68 mobile_ip_home_agent
69 smtp_server
70 pop3_server
71 nntp_server
72 default_www_server
73 default_finger_server
74 default_irc_server
75 streettalk_server
76 streettalk_directory_assistance_server
150 tftp_server_address
=p bytes
21 policy_filter
33 static_route
=1 a number of 8 bits
23 default_ip_time_to_live
37 tcp_default_ttl
46 netbios_node_type
52 option_overload
53 dhcp_message_type
=2 a number of 16 bits
13 boot_file_size
22 maximum_datagram_reassembly_size
26 interface_mtu
57 maximum_dhcp_message_size
=4 a number of 32 bits
24 path_mtu_aging_timeout
35 arp_cache_timeout
38 tcp_keepalive_interval
51 ip_address_lease_time
58 renewal_time
59 rebinding_time
91 client_last_transaction_time
108 ipv6_only_preferred
=s a number of 32 bits with a sign
2 time_offset
=w a list of numbers of 16 bits
25 path_mtu_plateau_table
93 client_system_architecture
=f true or false
19 ip_forwarding
20 non_local_source_routing
27 all_subnets_are_local
29 perform_mask_discovery
30 mask_supplier
31 perform_router_discovery
34 trailer_encapsulation
36 ethernet_encapsulation
39 tcp_keepalive_garbage
116 auto_configure
=t text
12 host_name
14 merit_dump_file
15 domain_name
17 root_path
18 extensions_path
40 nis_domain
47 netbios_scope
56 message
60 vendor_class_identifier
64 nis+_domain
66 tftp_server_name
67 bootfile_name
100 posix_time_zone
101 time_zone_database_name
114 captive_portal
209 configuration_file
210 path_prefix
252 web_proxy_auto_discovery
=c a list of names or codes
55 parameter_request_list
=o {code: text}
43 vendor_specific_information
82 relay_agent_information
=i text, or {"iaid": number, "duid": {"mac": text}}
61 client_identifier
=u a list of texts
77 user_class
=n a name of labels of 1 to 63 bytes
81 client_fqdn
=V {enterprise: [text]}
124 vendor_identifying_vendor_class
=v {enterprise: {code: text}}
125 vendor_identifying_vendor_specific_information
=r bytes
121 classless_static_route
249 microsoft_classless_static_route
=d bytes
119 domain_search
=S bytes
120 sip_server
=D bytes
162 encrypted_dns
=x bytes
80 rapid_commit
94 client_network_interface
97 client_machine_identifier
145 forcerenew_nonce_capable
""")

_CLIENT_ID = const(61)
_PAD = const(0)
_END = const(255)

# How a client identifier begins
_TEXT = const(b"\0")  # RFC 2132 9.14
_IAID = const(b"\xff")  # RFC 4361 6.1

# How a DUID begins (RFC 8415 11); the first and the third have an Ethernet address
_LLT = const(b"\0\1\0\1")
_EN = const(b"\0\2")
_LL = const(b"\0\3\0\1")
_UUID = const(b"\0\4")

# RFC 4702 2.1
_E = const(4)  # the name is encoded as in DNS
_S_E = const(5)  # S and E: the server is to enter the address into DNS (3.3), too
_S_N = const(9)  # S and N, "enter nothing": only one of them may be set

_POINTER = const(0xC0)  # RFC 1035 4.1.4
_LOOPBACK = const(127)  # the first byte of an address: 127/8
_GROUPS = const(14)  # its upper half: 224/4
_HOPS = const(16)  # pointers in a name at most: the names that servers send have one or two
_NAMES = const(2048)  # bytes of all names of an option at most: with pointers few bytes make many


def code(name: "int | str") -> int:
    """The code of an option. name: for example "ntp_servers"; 42 and "42" are codes already.

    ValueError has the name or code that is no option.
    """
    text = str(name)
    i = _TABLE.find(" %s\n" % text)
    if i > 0:
        text = _TABLE[_TABLE.rfind("\n", 0, i) + 1 : i]
    if not (text.encode().isdigit() and 0 < int(text) < _END):
        raise ValueError("no option %s" % name)
    return int(text)


def name(code: int) -> str:
    """The name of an option by its code. If the option has no name: the digits of the code."""
    i = _TABLE.find("\n%d " % code)
    return _TABLE[_TABLE.find(" ", i) + 1 : _TABLE.find("\n", i + 1)] if i >= 0 else str(code)


def kind(code: int) -> str:
    """The type of an option by its code: a letter or a digit of the table in docs/options.md. If
    the option has no type: "".
    """
    i = _TABLE.find("\n%d " % code)
    return _TABLE[_TABLE.rfind("=", 0, i) + 1] if i >= 0 else ""


def get(lease: "Lease", key: "int | str") -> "Any":
    """The value of an option of a lease, see `decode`; None without it. key: see `code`."""
    value = lease.option(code(key))
    return None if value is None else decode(key, value)


def read(lease: "Lease") -> "dict[str, Any]":
    """All options of a lease, {name: value}; see `name` and `decode`."""
    message = lease.message()
    found = {}
    for key in range(1, _END):
        value = message.option(key)
        if value is not None:
            found[name(key)] = decode(key, value)
    return found


def encode(key: "int | str", value: "Any") -> bytes:
    """The bytes of an option, without code and length, as the setting `options` of a Client takes
    them.

    value: of the option's type, see docs/options.md; or bytes, or {"hex": "0a0b"}. ValueError: as
    `code` raises it; or it has the option's name and what the option takes.
    """
    key = code(key)
    what = kind(key)
    try:
        data = _write(what, value)
    except (ValueError, TypeError, LookupError, AttributeError):
        data = b""
    if not (key == _CLIENT_ID) < len(data) <= 255:
        i = _TABLE.find("=" + (what or "t")) + 3
        takes = _TABLE[i : _TABLE.find("\n", i)]
        raise ValueError("%s: %s; at most 255 bytes" % (name(key), takes))
    return data


def decode(key: "int | str", value: bytes) -> "Any":
    """The value of an option's bytes, of the option's type, see docs/options.md. It stays bytes if
    the option has no type, or if the bytes do not have the form that the RFC gives it.
    """
    what = kind(code(key))
    try:
        return _read(what, value)
    except (ValueError, IndexError):
        return value


# Values to bytes. A wrong value raises one of several exceptions; `encode` makes a ValueError of
# it.


def _write(kind: str, value: "Any") -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, dict) and list(value) == ["hex"]:
        return _unhex(value["hex"])
    if kind in "t":  # text, or no type
        return value.encode()
    if kind == "a":
        return packed("", value)
    if kind in "124":
        return _number(value, int(kind))
    if kind == "s":
        _number(value + 0x80000000, 4)
        return _number(value & 0xFFFFFFFF, 4)
    if kind == "f":
        return _number((False, True).index(value), 1)
    if kind == "i":
        return _write_identifier(value)
    if kind == "n":
        return _write_fqdn(value)
    data = b""
    if kind in "ovVO":  # O: the options of a vendor in v, which may have any code
        each = "tOut"["ovVO".index(kind)]
        parts = {int(key): value[key] for key in value}
        if len(parts) < len(value):
            raise ValueError  # a key is there both as a number and as text, as JSON writes it
        for number in sorted(parts):
            part = _write(each, parts[number])
            if kind == "o":
                code(number)  # ValueError: there is no such option
            data += _number(number, 4 if kind in "vV" else 1)
            data += _number(len(part), 1) + part
        return data
    each = "a21t"["Awcu".index(kind)]
    if not (value and isinstance(value, (list, tuple))):
        raise ValueError
    for item in value:
        part = _write(each, code(item) if kind == "c" else item)
        data += _sized(part) if kind == "u" else part
    return data


def _number(value: int, size: int) -> bytes:
    # True is a number in CPython only.
    if value is True or value is False or not 0 <= value < 1 << 8 * size:
        raise ValueError
    return value.to_bytes(size, "big")


def _sized(value: bytes, size: int = 255) -> bytes:
    # The value after its length, which is 1 to `size`.
    if not 0 < len(value) <= size:
        raise ValueError
    return _number(len(value), 1) + value


def _unhex(value: str, size: int = 0) -> bytes:
    # size: how many bytes it must have, 0 for any
    data = unhexlify(value.replace(":", "").replace("-", ""))
    if size and len(data) != size:
        raise ValueError
    return data


def _write_identifier(value: "Any") -> bytes:
    if isinstance(value, str):
        return _TEXT + value.encode()
    if sorted(value) != ["duid", "iaid"]:
        raise ValueError
    duid = _write_duid(value["duid"])
    if len(duid) < 3:
        raise ValueError
    return _IAID + _number(value["iaid"], 4) + duid


def _write_duid(value: "Any") -> bytes:
    # Its parts tell which kind it is.
    parts = isinstance(value, dict) and sorted(value)
    if parts == ["mac"]:
        return _LL + _unhex(value["mac"], 6)
    if parts == ["mac", "time"]:
        return _LLT + _number(value["time"], 4) + _unhex(value["mac"], 6)
    if parts == ["enterprise", "id"]:
        return _EN + _number(value["enterprise"], 4) + _write("t", value["id"])
    if parts == ["uuid"]:
        return _UUID + _unhex(value["uuid"], 16)
    return _write("x", value)


def _write_fqdn(value: "Any") -> bytes:
    # RFC 4702 2: a name with a dot at its end is complete, and ends with the root's empty label.
    flags = _S_E
    if isinstance(value, dict):
        if sorted(value) != ["flags", "name"]:
            raise ValueError
        flags = value["flags"]
        if flags & _S_N == _S_N:
            raise ValueError
        value = value["name"]
    data = _number(flags, 1) + b"\0\0"
    if not flags & _E:
        return data + value.encode()
    labels = value.split(".")
    last = labels.pop()
    for label in labels:
        data += _sized(label.encode(), 63)
    if last:
        data += _sized(last.encode(), 63)
    elif labels:
        data += b"\0"
    return data


# Bytes to values. Bytes that do not have the form raise ValueError or IndexError.


def _read(kind: str, value: bytes) -> "Any":
    if not value:
        raise ValueError  # in RFC 2132 each option has at least one byte
    if kind in "x":  # bytes, or no type
        return value
    if kind == "t":
        return str(value.rstrip(b"\0"), "utf-8")  # RFC 2132 2: zeros may follow
    if kind in "124sa":
        if len(value) != (4 if kind in "sa" else int(kind)):
            raise ValueError
        if kind == "a":
            return dotted(value, 0)
        return _int(value) - (0x100000000 if kind == "s" and value[0] & 0x80 else 0)
    if kind == "f":
        return (False, True)[_read("1", value)]
    if kind == "A":
        return _each("a", value, 4)
    if kind == "p":
        if len(value) & 7:
            raise ValueError
        return _each("A", value, 8)
    if kind == "w":
        return _each("2", value, 2)
    if kind == "c":
        return [name(each) for each in value]
    if kind == "S":  # RFC 3361 3
        if len(value) < 3:
            raise ValueError
        return _read("dA"[value[0]], value[1:])
    if kind == "d":
        return _domains(value)
    if kind == "r":
        return _routes(value)
    if kind == "o":
        return _by_key(value, 1, 1, _END)
    if kind == "v" or kind == "V":
        found = _by_key(value, 4)
        for key in found:  # RFC 3925 4: pad and END are ordinary codes there
            found[key] = _by_key(found[key], 1) if kind == "v" else _strings(found[key])
        return found
    if kind == "u":
        try:
            return _strings(value)
        except ValueError:
            return [_text(value)]  # Microsoft and iPXE send no lengths
    if kind == "i":
        return _read_identifier(value)
    if kind == "n":
        return _read_fqdn(value)
    # RFC 9463 5.2: the lowest priority value comes first
    return sorted(
        [_resolver(part) for _, part in _parts(value, 0, 2)], key=lambda each: each["priority"]
    )


def _int(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _each(kind: str, value: bytes, size: int) -> "list[Any]":
    return [_read(kind, value[i : i + size]) for i in range(0, len(value), size)]


def _text(value: bytes) -> "str | bytes":
    # Text, unless it has control characters.
    try:
        return str(value, "utf-8") if min(value) >= 32 else value
    except ValueError:
        return value


def _strings(value: bytes) -> "list[str | bytes]":
    # RFC 3004 4, RFC 3925 3: at least one
    if not value:
        raise ValueError
    return [_text(part) for _, part in _parts(value, 0)]


def _parts(value: bytes, head: int, size: int = 1, last: int = 0) -> "list[tuple[int, bytes]]":
    # A row of parts: each has a number of `head` bytes, a length of `size` bytes, and as many
    # bytes as the length says. last: the number that ends the row, or 0. If there is one, the row
    # may have pad (RFC 2132 8.4).
    found = []
    i = 0
    while i < len(value):
        key = _int(value[i : i + head])
        if last and key == _PAD:
            i += 1
            continue
        if last and key == last:
            if any(value[i + 1 :]):
                raise ValueError
            break
        i += head + size
        end = i + _int(value[i - size : i])
        if end > len(value):
            raise ValueError
        found.append((key, value[i:end]))
        i = end
    return found


def _by_key(value: bytes, head: int, size: int = 1, last: int = 0) -> "dict[int, Any]":
    # A value in several parts is joined, as an option is (RFC 3396).
    found: dict[int, bytes] = {}
    for key, part in _parts(value, head, size, last):
        found[key] = found.get(key, b"") + part
    return found


def _domain(value: bytes, i: int) -> "tuple[str, int]":
    # A name encoded as in DNS (RFC 1035 4.1.4), and where it ends. Pointers lead only back, so
    # each name has an end.
    labels = []
    after = hops = size = 0
    while value[i]:
        count = value[i]
        i += 1
        if count >= _POINTER:
            to = (count & 63) << 8 | value[i]
            after = after or i + 1
            hops += 1
            if to >= i - 1 or hops > _HOPS:
                raise ValueError
            i = to
            continue
        label = value[i : i + count]
        size += 1 + count
        if count > 63 or len(label) < count or size > 254 or b"." in label:
            raise ValueError
        labels.append(str(label, "utf-8"))
        i += count
    return ".".join(labels), after or i + 1


def _domains(value: bytes) -> "list[str]":
    # RFC 3397 2
    found = []
    i = size = 0
    while i < len(value):
        domain, i = _domain(value, i)
        size += len(domain)
        if size > _NAMES:
            raise ValueError
        found.append(domain or ".")
    return found


def _routes(value: bytes) -> "list[list[str]]":
    # RFC 3442: the width of the network, as many of its bytes as the width needs, the router
    found = []
    i = 0
    while i < len(value):
        width = value[i]
        end = i + 1 + (width + 7 >> 3)
        if width > 32 or end + 4 > len(value):
            raise ValueError
        network = bytearray(value[i + 1 : end] + bytes(4))
        if width & 7:
            network[width >> 3] &= 0xFF00 >> (width & 7)  # the bits outside the mask are 0
        found.append(["%s/%d" % (dotted(bytes(network), 0), width), dotted(value, end)])
        i = end + 4
    return found


def _read_identifier(value: bytes) -> "Any":
    found: Any = value
    if value.startswith(_IAID) and len(value) > 7:
        found = {"iaid": _int(value[1:5]), "duid": _read_duid(value[5:])}
    elif value.startswith(_TEXT):
        found = _text(value[1:])
    return value if isinstance(found, bytes) else found


def _read_duid(value: bytes) -> "Any":
    size = len(value)
    if size == 10 and value.startswith(_LL):
        return {"mac": hexlify(value[4:], ":").decode()}
    if size == 14 and value.startswith(_LLT):
        return {"mac": hexlify(value[8:], ":").decode(), "time": _int(value[4:8])}
    if size > 6 and value.startswith(_EN):
        return {"enterprise": _int(value[2:6]), "id": value[6:]}
    if size == 18 and value.startswith(_UUID):
        return {"uuid": hexlify(value[2:]).decode()}
    return value


def _read_fqdn(value: bytes) -> "dict[str, Any]":
    flags = value[0]
    domain = value[3:]
    if len(value) < 3:
        raise ValueError
    if flags & _E:
        # A partial name has no end of its own (RFC 4702 2.3): this zero ends it.
        text, end = _domain(domain + b"\0", 0)
        if end < len(domain):
            raise ValueError
        if end == len(domain):
            text += "."
    else:
        text = str(domain, "utf-8")
    return {"flags": flags, "name": text}


def _resolver(value: bytes) -> "dict[str, Any]":
    # RFC 9463 5.1: nothing need follow the name.
    end = 3 + value[2]
    domain, i = _domain(value[3:end], 0)
    # The name has no pointers (RFC 8415 10): each label after its length, and a zero.
    if 3 + i != end or len(domain.encode()) + 2 != i:
        raise ValueError
    found = {"priority": _int(value[:2]), "name": domain}
    if end < len(value):
        i = end + 1
        end = i + value[end]
        if end > len(value):
            raise ValueError
        # RFC 9463 5.2: multicast and loopback addresses are left out.
        found["addresses"] = addresses = [
            dotted(value[:end], k)
            for k in range(i, end, 4)
            if value[k] != _LOOPBACK and value[k] >> 4 != _GROUPS
        ]
        params = _parts(value[end:], 2, 2)
        keys = [key for key, _ in params]
        # RFC 9460 2.2: keys in order, each once. RFC 9463 3.1.8: at least one address, no hints
        if not addresses or keys != sorted(set(keys)) or 4 in keys or 6 in keys:
            raise ValueError
        found["params"] = dict(params)
    return found
