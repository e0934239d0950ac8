"""What each field and option of a message is for: where that is laid down, and a sentence.

What they are called, and how their values read, is in capture/names.py.
"""

from __future__ import annotations

# RFC 2131 figure 1, and what else bytes of a message can be
FIELDS = {
    "op": ("RFC 2131 2", "Who sends: 1 is a client, 2 a server."),
    "htype": ("RFC 2131 2", "What kind of hardware address chaddr is."),
    "hlen": ("RFC 2131 2", "How many bytes of chaddr count."),
    "hops": ("RFC 2131 2", "How many relays the message has passed."),
    "xid": (
        "RFC 2131 2",
        "The transaction: a number that the client draws, and that replies to it repeat.",
    ),
    "secs": ("RFC 2131 2", "For how long the client has been trying."),
    "flags": (
        "RFC 2131 2",
        "The highest bit asks the server to send its reply as a broadcast, for clients that hear "
        "nothing else before they have an address.",
    ),
    "ciaddr": (
        "RFC 2131 2",
        "The client's address: only set if it has one and can be reached there.",
    ),
    "yiaddr": ("RFC 2131 2", "Your address: what the server offers or gives to the client."),
    "siaddr": (
        "RFC 2131 2",
        "The server to boot from next. Not the DHCP server: that is option 54.",
    ),
    "giaddr": ("RFC 2131 2", "The relay's address. The server picks the client's network by it."),
    "chaddr": ("RFC 2131 2", "The client's hardware address."),
    "sname": ("RFC 2131 2", "The name of the server to boot from; it may hold options instead."),
    "file": ("RFC 2131 2", "The file to boot from; it may hold options instead."),
    "cookie": ("RFC 2131 3", "99.130.83.99 says that options follow."),
    "end": ("RFC 2132 3.2", "No option follows it."),
    "pad": ("RFC 2132 3.1", "Fills a gap and says nothing."),
    "behind": ("RFC 2132 3.2", "Bytes after the end of the options: nobody reads them."),
    "torn": (
        "RFC 2132 2",
        "Bytes that cannot be read: an option claims more than its field has left, or there is "
        "no option here.",
    ),
}

OPTIONS = {
    1: ("RFC 2132 3.3", "Which part of an address is the network's."),
    2: ("RFC 2132 3.4", "How far the local time is ahead of UTC; 100 and 101 came after it."),
    3: ("RFC 2132 3.5", "Gateways to other networks, the best first."),
    4: ("RFC 2132 3.6", "Servers of the old time protocol, RFC 868."),
    5: ("RFC 2132 3.7", "Name servers of IEN 116, from before DNS."),
    6: ("RFC 2132 3.8", "DNS servers, the best first."),
    7: ("RFC 2132 3.9", "Servers that take logs."),
    8: ("RFC 2132 3.10", "Servers of the quote of the day."),
    9: ("RFC 2132 3.11", "Servers that print."),
    10: ("RFC 2132 3.12", "Imagen Impress servers."),
    11: ("RFC 2132 3.13", "Servers of the resource location protocol, RFC 887."),
    12: ("RFC 2132 3.14", "The client's name."),
    13: ("RFC 2132 3.15", "The size of the boot image, in blocks of 512 bytes."),
    14: ("RFC 2132 3.16", "Where the client's memory is written to if it crashes."),
    15: ("RFC 2132 3.17", "The domain in which names are looked up."),
    16: ("RFC 2132 3.18", "The client's swap server."),
    17: ("RFC 2132 3.19", "The path of the client's root disk."),
    18: ("RFC 2132 3.20", "A file with more options; TFTP fetches it."),
    19: ("RFC 2132 4.1", "Whether the client should forward packets."),
    20: ("RFC 2132 4.2", "Whether it should forward packets with routes of their own."),
    21: ("RFC 2132 4.3", "Where such packets may go: addresses and masks."),
    22: ("RFC 2132 4.4", "The largest datagram that the client must put together."),
    23: ("RFC 2132 4.5", "The time-to-live of the client's packets."),
    24: ("RFC 2132 4.6", "For how long a path MTU holds."),
    25: ("RFC 2132 4.7", "Sizes to try in a search for a path MTU."),
    26: ("RFC 2132 5.1", "The largest packet that this network carries, in bytes."),
    27: ("RFC 2132 5.2", "Whether all subnets have the MTU of this one."),
    28: ("RFC 2132 5.3", "The address of all hosts of this network."),
    29: ("RFC 2132 5.4", "Whether the client should ask for its mask by ICMP."),
    30: ("RFC 2132 5.5", "Whether the client should tell others their mask by ICMP."),
    31: ("RFC 2132 5.6", "Whether the client should look for routers by ICMP."),
    32: ("RFC 2132 5.7", "Where it asks for routers."),
    33: ("RFC 2132 5.8", "Routes to hosts: a target and a gateway each; 121 came after it."),
    34: ("RFC 2132 6.1", "Whether the client should use trailers, RFC 893."),
    35: ("RFC 2132 6.2", "For how long an entry of the ARP cache holds."),
    36: ("RFC 2132 6.3", "How IPv4 goes over Ethernet: no is RFC 894, yes is IEEE 802.3."),
    37: ("RFC 2132 7.1", "The time-to-live of TCP's packets."),
    38: ("RFC 2132 7.2", "The time between two keepalives of TCP; 0: none."),
    39: ("RFC 2132 7.3", "Whether keepalives carry a byte, for old hosts."),
    40: ("RFC 2132 8.1", "The client's NIS domain."),
    41: ("RFC 2132 8.2", "NIS servers."),
    42: ("RFC 2132 8.3", "Servers that tell the time, by NTP."),
    43: ("RFC 2132 8.4", "The vendor that option 60 names decides what it means."),
    44: ("RFC 2132 8.5", "NetBIOS name servers (WINS)."),
    45: ("RFC 2132 8.6", "NetBIOS datagram distribution servers."),
    46: ("RFC 2132 8.7", "How NetBIOS names are looked up: 1 B, 2 P, 4 M, 8 H node."),
    47: ("RFC 2132 8.8", "The NetBIOS scope."),
    48: ("RFC 2132 8.9", "X Window font servers."),
    49: ("RFC 2132 8.10", "X Window display managers."),
    50: ("RFC 2132 9.1", "The address that the client would like to have."),
    51: ("RFC 2132 9.2", "For how long the client may use the address."),
    52: ("RFC 2132 9.3", "The fields file, sname or both hold options, too."),
    53: ("RFC 2132 9.6", "What kind of message this is. Without it there is no DHCP, only BOOTP."),
    54: (
        "RFC 2132 9.7",
        "The server's address: the server that offers, or whose offer the client takes.",
    ),
    55: ("RFC 2132 9.8", "The options that the client asks for, the most wanted first."),
    56: ("RFC 2132 9.9", "Text for people: why a server or client refuses."),
    57: (
        "RFC 2132 9.10",
        "The longest message that the client takes, in bytes, with the IP header.",
    ),
    58: (
        "RFC 2132 9.11",
        "When the client asks its server for more time; else half of the lease.",
    ),
    59: ("RFC 2132 9.12", "When the client asks any server for more time; else 7/8 of the lease."),
    60: ("RFC 2132 9.13", "What the client is. Servers may answer by it."),
    61: (
        "RFC 2132 9.14",
        "What the server knows the client by, instead of its hardware address. The first byte "
        "says its kind.",
    ),
    64: ("RFC 2132 8.11", "The client's NIS+ domain."),
    65: ("RFC 2132 8.12", "NIS+ servers."),
    66: ("RFC 2132 9.4", "The server to boot from, where sname holds options."),
    67: ("RFC 2132 9.5", "The file to boot from, where the field file holds options."),
    68: ("RFC 2132 8.13", "Home agents of mobile IP."),
    69: ("RFC 2132 8.14", "Mail servers to send by."),
    70: ("RFC 2132 8.15", "Mail servers to read from, by POP3."),
    71: ("RFC 2132 8.16", "News servers."),
    72: ("RFC 2132 8.17", "Web servers."),
    73: ("RFC 2132 8.18", "Finger servers."),
    74: ("RFC 2132 8.19", "IRC servers."),
    75: ("RFC 2132 8.20", "StreetTalk servers."),
    76: ("RFC 2132 8.21", "StreetTalk directory assistance servers."),
    77: ("RFC 3004", "A class that the user has put the client into. Servers may answer by it."),
    80: ("RFC 4039", "The client takes an ACK at once, without an OFFER before it."),
    81: ("RFC 4702", "The client's full name, and who should enter it into DNS."),
    82: ("RFC 3046", "What a relay says about the client's place."),
    91: ("RFC 4388", "When the server last heard of the client."),
    93: ("RFC 4578", "The client's processor and firmware, for booting from the network."),
    94: ("RFC 4578", "The version of the client's network boot interface."),
    97: ("RFC 4578", "The machine's own number (GUID)."),
    100: ("RFC 4833", "The time zone, as POSIX writes it."),
    101: ("RFC 4833", "The time zone, by its name in the time zone database."),
    108: ("RFC 8925", "The client can do without IPv4 for that long."),
    114: ("RFC 8910", "Where to ask whether the network wants a login first."),
    116: ("RFC 2563", "Whether the client may give itself an address, 169.254.x.x."),
    118: ("RFC 3011", "The network from which the client wants an address."),
    119: ("RFC 3397", "Domains in which names are looked up, one after the other."),
    120: ("RFC 3361", "Servers for telephony by SIP."),
    121: ("RFC 3442", "Routes. A client that asks for them does not look at option 3."),
    124: ("RFC 3925", "What the client is, in the words of vendors, by their number."),
    125: ("RFC 3925", "Options of vendors, by their number."),
    145: ("RFC 6704", "The client can check that a FORCERENEW is real."),
    150: ("RFC 5859", "TFTP servers, for telephones."),
    162: ("RFC 9463", "DNS servers with encryption, and how to ask them."),
    209: ("RFC 5071", "The configuration file of PXELINUX."),
    210: ("RFC 5071", "What PXELINUX puts before its files' names."),
    249: ("Microsoft", "Routes as in option 121, from before it had its number."),
    252: ("Microsoft", "Where the browser's proxy settings are (WPAD)."),
}

UNKNOWN = ("RFC 2132 2", "An option that this tool has no words for.")
_LOCAL = ("RFC 3942", "An option of this site: numbers from 224 on are free to use.")


def about(key: str | int) -> tuple[str, str]:
    """The place that lays down a field, by its name, or an option, by its code; what it is for."""
    if isinstance(key, str):
        return FIELDS[key]
    return OPTIONS.get(key, _LOCAL if 224 <= key <= 254 else UNKNOWN)
