"""Fake boards: a NIC, the lwIP behind it, and a port's modules `errno`, `network`, `select` and
`socket`, which do as MicroPython's sources say; each class names those that it was written after.

    with plug("PICO_W") as board:
        board.nic.active(True)

    with plug("ESP32_LAN", "ESP32") as board:  # a board with two NICs
        cable, radio = board.nics

For as long as the block runs, dhcpc finds that port's modules. Time is the board's own, and passes
only while somebody waits in poll or ipoll, or with `board.sleep`.
"""

import sys

from kit import Module, called, home, imported
from world import Sent

from .esp32 import EspLan, EspLanOld, EspWlan, EspWlanOld
from .lwip import (
    ALL,
    ALL_MACS,
    BUILT_IN_IP,
    CLIENT_PORT,
    MAC,
    NO_IP,
    NONE,
    OFF,
    POLLIN,
    Netif,
    Poller,
    Socket,
    is_right,
    numbers,
    u16,
)
from .rp2 import Cyw43, Cyw43Old, Lan, Wiznet5k

_ESP_ERRNO = {
    "EPERM": 1,
    "EBADF": 9,
    "EAGAIN": 11,
    "ENODEV": 19,
    "ENFILE": 23,
    "EADDRINUSE": 112,
    "ETIMEDOUT": 116,
    "EHOSTUNREACH": 118,
}
_RP2_ERRNO = {
    "EPERM": 1,
    "EIO": 5,
    "EBADF": 9,
    "EAGAIN": 11,
    "ENOMEM": 12,
    "EADDRINUSE": 98,
    "ETIMEDOUT": 110,
    "EHOSTUNREACH": 113,
}
_NICS = {
    "PICO_W": Cyw43,
    "PICO_W_OLD": Cyw43Old,
    "W5500": Wiznet5k,
    "LAN": Lan,
    "ESP32": EspWlan,
    "ESP32_OLD": EspWlanOld,
    "ESP32_LAN": EspLan,
    "ESP32_LAN_OLD": EspLanOld,
}
WIFI = ("PICO_W", "PICO_W_OLD", "ESP32", "ESP32_OLD")
ESP32 = ("ESP32", "ESP32_OLD", "ESP32_LAN", "ESP32_LAN_OLD")
FRAMES = ("PICO_W", "PICO_W_OLD", "W5500")  # those that send whole frames
CABLES = ("W5500", "LAN", "ESP32_LAN")
OLD = ("PICO_W_OLD", "ESP32_OLD")  # of the first versions that are supported
PORTS = WIFI + CABLES


class Board:
    """A board and the network around it.

    esp, wifi: what kind it is; last_resort: whether it can neither tie a socket nor send frames.
    sent: what it has sent to servers, each with `source`, `target` (4 bytes) and, if it came as a
    whole frame, `frame`. arps: frames with ARP. built_in: the types of what the built-in client
    has sent. carrier: whether there is a cable, or an access point in reach. server: has
    answer(sent), or None. cast: how it answers, "unicast" or "broadcast". faults: {call: [what
    each next one raises, or None]}. nics: itself; of a board with two, both, each with
    a network of its own around it.
    """

    now = 5000
    dns = NO_IP

    def __init__(self, port):
        self.esp = port in ESP32
        self.wifi = port in WIFI
        self.last_resort = port == "LAN"
        self.slots, self.queue = (10, 6) if self.esp else (4, 1 if port in OLD else 4)
        self.errno = _ESP_ERRNO if self.esp else _RP2_ERRNO
        self.nics = [self]
        self.sent = []
        self.arps = []
        self.built_in = []
        self.air = []  # (ms, datagram, where it goes)
        self.sockets = []
        self.faults = {}
        self.carrier = not self.wifi
        self.server = None
        self.cast = "unicast"
        self.netif = Netif(self)
        self.nic = _NICS[port](self)
        self.modules = {
            "errno": self._errno(),
            "network": self._network(port),
            "select": self._select(),
            "socket": self._socket(),
        }

    # its modules

    def _errno(self):
        module = Module()
        for name in self.errno:
            setattr(module, name, self.errno[name])
        return module

    def _socket(self):
        module = Module()
        module.AF_INET = 2
        module.SOCK_STREAM = 1
        module.SOCK_DGRAM = 2
        module.SOCK_RAW = 3
        module.SOL_SOCKET = 0xFFF if self.esp else 1
        module.SO_REUSEADDR = 4
        module.SO_BROADCAST = 32
        if self.esp:
            module.SO_BINDTODEVICE = 0x100B
        module.socket = lambda *how: Socket(self, *how)
        module.getaddrinfo = lambda host, port, *how: [(2, 1, 0, "", (host, port))]
        return module

    def _select(self):
        module = Module()
        module.POLLIN = POLLIN
        module.poll = lambda: Poller(self)
        return module

    def _network(self, port):
        module = Module()
        module.hostname = lambda: "mpy-esp32" if self.esp else "PicoW"
        if self.esp:
            module.STAT_IDLE = 1000
            module.STAT_CONNECTING = 1001
            module.STAT_GOT_IP = 1010
            module.STAT_BEACON_TIMEOUT = 200
            module.STAT_NO_AP_FOUND = 201
            module.STAT_WRONG_PASSWORD = 202
            module.STAT_ASSOC_FAIL = module.STAT_CONNECT_FAIL = 203
            module.STAT_HANDSHAKE_TIMEOUT = 204
            module.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY = 210
            module.STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211
            module.STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD = 212
            module.ETH_INITIALIZED = 0
            module.ETH_STARTED = 1
            module.ETH_STOPPED = 2
            module.ETH_CONNECTED = 3
            module.ETH_DISCONNECTED = 4
            module.ETH_GOT_IP = 5
        elif self.wifi:
            module.STAT_IDLE = 0
            module.STAT_CONNECTING = 1
            module.STAT_GOT_IP = 3
            module.STAT_CONNECT_FAIL = -1
            module.STAT_NO_AP_FOUND = -2
            module.STAT_WRONG_PASSWORD = -3
        return module

    # its time

    def clock(self):
        """time.ticks_ms"""
        return self.now & 0x3FFFFFFF

    def sleep(self, seconds):
        self.now += seconds * 1000
        self.hand_over()

    # the network around it

    def connect(self, ssid="home", key="secret"):
        """Associate, or put the cable in."""
        if self.wifi:
            self.nic.connect(ssid, key)
        self.back()

    def back(self):
        """The access point, or the cable, is there again."""
        self.carrier = True
        self.nic.associated()

    def away(self):
        """The access point is out of reach, or the cable out."""
        self.carrier = False
        self.nic.lost()

    def built_in_bound(self):
        """The built-in client has got a lease."""
        self.netif.dhcp_bound()
        if self.esp:
            self.nic.kept = (self.netif.ip, self.netif.mask, self.netif.gateway)
            self.nic.got_ip()

    def arrive(self, data, to=ALL, after=2):
        """A datagram for port 68 comes in `after` ms."""
        self.air.append((self.now + after, data, to))

    def hand_over(self):
        while self.air and self.air[0][0] <= self.now:
            _, data, to = self.air.pop(0)
            sock = self.owner(CLIENT_PORT)
            if sock and sock.name and sock.name != self.nic.ifname:
                continue  # it is tied to the other NIC
            if self.carrier and self.netif.link and sock:
                # IP_ACCEPT_LINK_LAYER_ADDRESSING: whatever the address, but a socket has its own.
                if sock.local == NO_IP or to in (ALL, numbers(sock.local)):
                    sock.arrive(data)

    def owner(self, port):
        """The socket that has the port."""
        for sock in self.sockets:
            if sock.port == port:
                return sock
        return None

    def frame(self, data):
        """A whole Ethernet frame leaves."""
        assert data[6:12] == MAC
        if data[12:14] == b"\x08\x06":
            assert data[28:32] == numbers(self.netif.ip)
            self.arps.append(data)
            return
        assert data[12:14] == b"\x08\0"
        assert is_right(data)
        self.leaves(data[42:], data[26:30], data[30:34], (u16(data, 34), u16(data, 36)), data)

    def leaves(self, data, source, target, ports, frame=None):
        if not self.carrier:
            return
        assert ports == (68, 67)
        sent = Sent(self.now, data, None if target == ALL else target)
        sent.source = source
        sent.target = target
        sent.frame = frame
        sent.address = self.netif.ip
        self.sent.append(sent)
        answer = self.server and self.server.answer(sent)
        if answer:
            to = answer[16:20] if answer[16:20] != bytes(4) else sent.ciaddr
            if self.cast == "broadcast" or sent.flags or to == bytes(4):
                to = ALL
            self.arrive(answer, to)

    # its faults

    def fault(self, name):
        """The OSError, with the number that it has on this port."""
        return OSError(self.errno[name])

    def may_fail(self, call):
        coming = self.faults.get(call)
        if coming:
            error = coming.pop(0)
            if error:
                raise error


class Second(Board):
    """The other NIC of a board, and the network around that. Time, the name server and the sockets
    are the board's.
    """

    def __init__(self, port, first):
        self.first = first
        super().__init__(port)
        self.sockets = first.sockets
        first.nics.append(self)
        self.nics = first.nics

    @property
    def now(self):
        return self.first.now

    @now.setter
    def now(self, now):
        self.first.now = now

    @property
    def dns(self):
        return self.first.dns

    @dns.setter
    def dns(self, dns):
        self.first.dns = dns


class plug:
    """For a `with` block: dhcpc runs on this board, whose modules it finds as its own. second: the
    kind of its other NIC, if it has one.
    """

    def __init__(self, port, second=None):
        self.board = Board(port)
        if second:
            Second(second, self.board)

    def __enter__(self):
        board = self.board
        self.imported = imported(board.modules)
        self.imported.__enter__()
        self.names = []
        for user in (home("link"), home("client"), home("aio")):
            for name in board.modules:
                if hasattr(user, called(user, name)):
                    self._set(user, called(user, name), board.modules[name])
        return board

    def _set(self, user, name, value):
        self.names.append((user, name, getattr(user, name)))
        setattr(user, name, value)

    def __exit__(self, *error):
        for user, name, was in reversed(self.names):  # both may be one
            setattr(user, name, was)
        self.imported.__exit__()
