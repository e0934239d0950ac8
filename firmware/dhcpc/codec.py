"""Messages without a client, for tests and tools: names for the numbers of DHCP, and an object
that checks what `build` is given.
"""

from random import getrandbits

from dhcpc import option

from ._common import packed
from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a fixed field begins in a message (RFC 2131 figure 1), for `Message.buf`
XID = const(4)
SECS = const(8)
FLAGS = const(10)
CIADDR = const(12)
YIADDR = const(16)
SIADDR = const(20)
GIADDR = const(24)
CHADDR = const(28)

# The value of DHCP_MESSAGE_TYPE (RFC 2132 9.6)
DISCOVER = const(1)
OFFER = const(2)
REQUEST = const(3)
DECLINE = const(4)
ACK = const(5)
NAK = const(6)
RELEASE = const(7)
INFORM = const(8)

# What `build` writes besides: its `type` is the message type | any of these
WITH_CIADDR = const(0x10)  # the field ciaddr: `yiaddr`
WITH_REQUESTED_IP = const(0x20)  # option 50: `yiaddr`
WITH_SERVER_ID = const(0x40)  # option 54: `server`

BUFFER_SIZE = const(570)  # bytes that `build` needs
BROADCAST = const(0x8000)  # the only flag: replies are to be broadcast

# Option codes (RFC 2132)
SUBNET_MASK = const(1)
TIME_OFFSET = const(2)
ROUTER = const(3)
TIME_SERVER = const(4)
NAME_SERVER = const(5)
DOMAIN_NAME_SERVER = const(6)
LOG_SERVER = const(7)
COOKIE_SERVER = const(8)
LPR_SERVER = const(9)
IMPRESS_SERVER = const(10)
RESOURCE_LOCATION_SERVER = const(11)
HOST_NAME = const(12)
BOOT_FILE_SIZE = const(13)
MERIT_DUMP_FILE = const(14)
DOMAIN_NAME = const(15)
SWAP_SERVER = const(16)
ROOT_PATH = const(17)
EXTENSIONS_PATH = const(18)
IP_FORWARDING = const(19)
NON_LOCAL_SOURCE_ROUTING = const(20)
POLICY_FILTER = const(21)
MAXIMUM_DATAGRAM_REASSEMBLY_SIZE = const(22)
DEFAULT_IP_TIME_TO_LIVE = const(23)
PATH_MTU_AGING_TIMEOUT = const(24)
PATH_MTU_PLATEAU_TABLE = const(25)
INTERFACE_MTU = const(26)
ALL_SUBNETS_ARE_LOCAL = const(27)
BROADCAST_ADDRESS = const(28)
PERFORM_MASK_DISCOVERY = const(29)
MASK_SUPPLIER = const(30)
PERFORM_ROUTER_DISCOVERY = const(31)
ROUTER_SOLICITATION_ADDRESS = const(32)
STATIC_ROUTE = const(33)
TRAILER_ENCAPSULATION = const(34)
ARP_CACHE_TIMEOUT = const(35)
ETHERNET_ENCAPSULATION = const(36)
TCP_DEFAULT_TTL = const(37)
TCP_KEEPALIVE_INTERVAL = const(38)
TCP_KEEPALIVE_GARBAGE = const(39)
NIS_DOMAIN = const(40)
NIS_SERVERS = const(41)
NTP_SERVERS = const(42)
VENDOR_SPECIFIC_INFORMATION = const(43)
NETBIOS_NAME_SERVER = const(44)
NETBIOS_DATAGRAM_DISTRIBUTION_SERVER = const(45)
NETBIOS_NODE_TYPE = const(46)
NETBIOS_SCOPE = const(47)
X_WINDOW_FONT_SERVER = const(48)
X_WINDOW_DISPLAY_MANAGER = const(49)
REQUESTED_IP_ADDRESS = const(50)
IP_ADDRESS_LEASE_TIME = const(51)
OPTION_OVERLOAD = const(52)
DHCP_MESSAGE_TYPE = const(53)
SERVER_IDENTIFIER = const(54)
PARAMETER_REQUEST_LIST = const(55)
MESSAGE = const(56)
MAXIMUM_DHCP_MESSAGE_SIZE = const(57)
RENEWAL_TIME = const(58)
REBINDING_TIME = const(59)
VENDOR_CLASS_IDENTIFIER = const(60)
CLIENT_IDENTIFIER = const(61)
TFTP_SERVER_NAME = const(66)
BOOTFILE_NAME = const(67)

# Later ones
USER_CLASS = const(77)  # RFC 3004
RAPID_COMMIT = const(80)  # RFC 4039
CLIENT_FQDN = const(81)  # RFC 4702
RELAY_AGENT_INFORMATION = const(82)  # RFC 3046
IPV6_ONLY_PREFERRED = const(108)  # RFC 8925
CAPTIVE_PORTAL = const(114)  # RFC 8910
DOMAIN_SEARCH = const(119)  # RFC 3397
CLASSLESS_STATIC_ROUTE = const(121)  # RFC 3442
VENDOR_IDENTIFYING_VENDOR_CLASS = const(124)  # RFC 3925
VENDOR_IDENTIFYING_VENDOR_SPECIFIC_INFORMATION = const(125)  # RFC 3925

# Options that follow from `type`, and option 52, which `build` never writes
_NOT_AMONG_OPTIONS = const(
    (REQUESTED_IP_ADDRESS, OPTION_OVERLOAD, DHCP_MESSAGE_TYPE, SERVER_IDENTIFIER)
)


class Fields:
    """What `build` writes into a client's message. The attributes have the names of the arguments.
    Addresses are 4 bytes there, and `options` are encoded.
    """

    server: bytes | None = None

    def __init__(
        self,
        chaddr: bytes,
        *,
        xid: bytes | None = None,
        secs: int = 0,
        flags: int = 0,
        yiaddr: bytes | str = b"\0\0\0\0",
        server: bytes | str | None = None,
        options: "Mapping[int, bytes | str] | None" = None,
    ) -> None:
        """chaddr: the Ethernet address, 6 bytes. xid: 4 bytes; random if left out. secs, flags: 16
        bits. yiaddr: the client's address; `type` says where it goes. server: the server
        identifier. Both addresses are 4 bytes, or a string such as "192.0.2.1".

        options: {code: value}; a string is sent as UTF-8. CLIENT_IDENTIFIER comes first; if left
        out, it is type 1 (Ethernet) and chaddr. The others follow in the order of their codes. END
        is added.

        ValueError names the argument that is wrong, or the code of the option. `build` raises it
        if the options do not fit.
        """
        self.chaddr = _sized("chaddr", chaddr, 6)
        self.xid = _sized("xid", getrandbits(32).to_bytes(4, "big") if xid is None else xid, 4)
        self.secs = _short("secs", secs)
        self.flags = _short("flags", flags)
        self.yiaddr = _address("yiaddr", yiaddr)
        if server is not None:
            self.server = _address("server", server)
        try:
            given = dict(options or {})
        except (TypeError, ValueError):
            raise ValueError("options: not {code: value}")
        encoded = option(CLIENT_IDENTIFIER, given.pop(CLIENT_IDENTIFIER, b"\1" + self.chaddr))
        for code in given:
            if not isinstance(code, int) or code in _NOT_AMONG_OPTIONS:
                raise ValueError("option", code)
        for code in sorted(given):  # MicroPython's dicts have no order
            encoded += option(code, given[code])
        self.options = encoded + b"\xff"


def _sized(name: str, value: bytes, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise ValueError("%s: not %d bytes" % (name, size))
    return value


def _short(name: str, value: int) -> int:
    if not (isinstance(value, int) and 0 <= value <= 0xFFFF):
        raise ValueError("%s: not 16 bits" % name)
    return value


def _address(name: str, value: bytes | str) -> bytes:
    return packed(name, value) if isinstance(value, str) else _sized(name, value, 4)
