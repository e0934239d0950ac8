"""Fake boards: a NIC, the lwIP behind it, and a port's modules `errno`, `network`, `select` and
`socket`, which do as MicroPython's sources say; each class names those that it was written after.

    with plug("PICO_W") as board:
        board.nic.active(True)

For as long as the block runs, dhcpc finds that port's modules. Time is the board's own, and passes
only while somebody waits in poll or ipoll, or with `board.sleep`.
"""

import sys

from kit import home
from world import DISCOVER, RELEASE, REQUEST, Sent

MAC = b"\x02\0\0\0\0\x01"
ALL = b"\xff\xff\xff\xff"
ALL_MACS = b"\xff" * 6
NO_IP = "0.0.0.0"
NONE = (NO_IP,) * 4
BUILT_IN_IP = "10.0.0.99"  # what the built-in client gets
CLIENT_PORT = 68
POLLIN = 1
POLLNVAL = 32

OFF, INIT, SELECTING, BOUND = range(4)  # lwip/prot/dhcp.h, as far as it matters


def numbers(dotted):
    """shared/netutils/netutils.c"""
    parts = dotted.split(".")
    if len(parts) != 4:
        raise ValueError("invalid arguments")
    return bytes([int(part) for part in parts])


def u16(data, i):
    return data[i] << 8 | data[i + 1]


def summed(data):
    """RFC 1071, by its letter."""
    total = 0
    for i in range(0, len(data), 2):
        total += data[i] << 8 | (data[i + 1] if i + 1 < len(data) else 0)
        total = (total & 0xFFFF) + (total >> 16)
    return total


def is_right(frame):
    """Are the lengths and both checksums right (RFC 791, 768)?"""
    size = len(frame)
    pseudo = frame[26:34] + b"\0\x11" + frame[38:40]
    return (
        (u16(frame, 16), u16(frame, 38)) == (size - 14, size - 34)
        and summed(frame[14:34]) == 0xFFFF
        and frame[40:42] != b"\0\0"
        and summed(pseudo + frame[34:]) == 0xFFFF
    )


class Module:
    """What `import` gives."""


# lwIP


class Netif:
    """lwIP's netif with its DHCP client (src/core/netif.c, ipv4/dhcp.c): the client starts with
    DHCP_STATE_INIT where there is no link, and sends at link-up; while it is not OFF it has port
    68; dhcp_release_and_stop sends a RELEASE and clears the address if there was a lease.
    """

    def __init__(self, board):
        self.board = board
        self.up = self.link = False
        self.state = OFF
        self.deaf = False
        self.set(NO_IP, NO_IP, NO_IP)

    def set(self, ip, mask, gateway):
        self.ip = ip
        self.mask = mask
        self.gateway = gateway

    @property
    def routed(self):
        """ip4_route takes a netif that is up, has a link, and an address other than 0.0.0.0."""
        return self.up and self.link and self.ip != NO_IP

    def say(self, kind):
        if self.up and self.link and self.board.carrier:
            self.board.built_in.append(kind)

    def dhcp_start(self):
        if self.up:
            self.state = INIT
            # udp_bind fails unseen, and udp_connect then takes another port.
            self.deaf = self.board.owner(CLIENT_PORT) is not None
            if self.link:
                self.discover()

    def discover(self):
        self.state = SELECTING
        self.say(DISCOVER)

    def dhcp_stop(self):
        if self.state == BOUND:
            self.say(RELEASE)
            self.set(NO_IP, NO_IP, NO_IP)
        self.state = OFF

    def dhcp_bound(self):
        """The built-in client has had its ACK."""
        assert self.state == SELECTING
        assert not self.deaf
        self.say(REQUEST)
        self.state = BOUND
        self.set(BUILT_IN_IP, "255.255.255.0", "10.0.0.1")
        self.board.dns = "10.0.0.1"

    def set_link_up(self):
        self.link = True
        if self.state == BOUND:
            self.say(REQUEST)  # dhcp_reboot
        elif self.state != OFF:
            self.discover()


class Socket:
    """extmod/modlwip.c, ports/esp32/modsocket.c: a UDP socket. A datagram that is too many for the
    queue is dropped, one that is too long is cut.
    """

    def __init__(self, board, family=2, kind=1, proto=0):
        assert (family, kind) == (2, 2), "no UDP over IPv4"
        self.board = board
        if len(board.sockets) + (board.netif.state != OFF) >= board.slots:
            raise board.fault("ENFILE" if board.esp else "ENOMEM")
        board.sockets.append(self)
        self.queue = []
        self.local = self.port = self.name = None
        self.peer_closed = self.closed = False

    def check(self):
        if self.closed:
            raise self.board.fault("EBADF")

    def setsockopt(self, level, option, value):
        """Both modules warn of an option that they do not know, and raise nothing. ESP32 copies
        the name of an interface into 6 bytes whatever its length.
        """
        self.check()
        if option != self.board.modules["socket"].SO_BINDTODEVICE:
            print("Warning: lwip.setsockopt() option not implemented")
            return
        if not isinstance(value, (str, bytes)):
            raise TypeError("can't convert to str implicitly")
        assert len(value) <= 6, "overruns ifname[NETIF_NAMESIZE]"
        name = value if isinstance(value, str) else value.decode()
        if name and name != self.board.nic.ifname:
            raise self.board.fault("ENODEV")
        self.name = name

    def bind(self, address):
        """An empty host is an IPv6 socket on rp2: it gets no IPv4 datagram."""
        self.check()
        netif = self.board.netif
        built_in = netif.state != OFF and not netif.deaf and address[1] == CLIENT_PORT
        if built_in or self.board.owner(address[1]):
            raise self.board.fault("EADDRINUSE")
        self.local, self.port = address

    def sendto(self, data, address):
        """lwIP's udp.c: routed, unless the socket is tied to a netif (esp-lwip), which then need
        not have an address.
        """
        self.check()
        self.board.may_fail("sendto")
        netif = self.board.netif
        if self.name:
            if self.name != self.board.nic.ifname:
                raise self.board.fault("EHOSTUNREACH")
            if not netif.link:
                raise OSError(-1)  # ERR_IF, from wlanif.c
        elif not netif.routed:
            raise self.board.fault("EHOSTUNREACH")
        source = numbers(netif.ip if self.local == NO_IP else self.local)
        self.board.leaves(bytes(data), source, numbers(address[0]), (self.port, address[1]))
        return len(data)

    def arrive(self, data):
        if len(self.queue) < self.board.queue:
            self.queue.append(data)

    def recv(self, size):
        """ESP32: an empty datagram sets SOCKET_STATE_PEER_CLOSED; then all are empty, for good."""
        self.check()
        self.board.may_fail("recv")
        if self.peer_closed:
            return b""
        assert self.queue, "would wait for ever"
        data = self.queue.pop(0)
        self.peer_closed = self.board.esp and not data
        return data[:size]

    def recvfrom(self, size):
        return self.recv(size), ("10.0.0.1", 67)

    def close(self):
        if not self.closed:
            self.closed = True
            self.board.sockets.remove(self)


class Poller:
    """extmod/modselect.c: `select.poll()`. A closed socket is POLLNVAL, again and again."""

    def __init__(self, board):
        self.board = board
        self.socks = []
        self.found = []

    def register(self, sock, mask=POLLIN):
        self.unregister(sock)
        self.socks.append((sock, mask))

    def unregister(self, sock):
        for entry in self.socks:
            if entry[0] is sock:
                self.socks.remove(entry)
                return

    def ipoll(self, wait=-1):
        """Each is (socket, event). It takes nothing from the heap while nothing happens."""
        board = self.board
        found = self.found
        end = board.now + wait
        while True:
            found.clear()
            board.hand_over()
            for entry in self.socks:
                if entry[0].closed:
                    found.append((entry[0], POLLNVAL))
                elif entry[0].queue:
                    found.append(entry)
            if found or board.now == end:
                return found
            assert wait > 0, "would wait for ever"
            board.now = min(end, board.air[0][0]) if board.air else end

    def poll(self, wait=-1):
        return list(self.ipoll(wait))


# NICs


class Nic:
    """What the scripts of a board see of a netif."""

    ifname = None

    def __init__(self, board):
        self.board = board
        self.netif = board.netif

    def config(self, name):
        """Each NIC knows a few names, and refuses the others."""
        known = self.known()
        if name not in known:
            raise ValueError("unknown config param")
        return known[name]


class Lwip(Nic):
    """extmod/network_lwip.c: mod_network_nic_ifconfig, which the NICs share wherever the port has
    plain lwIP: a static address stops the client, by way of a RELEASE if it had a lease.
    """

    def ifconfig(self, four=None):
        netif = self.netif
        if four is None:
            return netif.ip, netif.mask, netif.gateway, self.board.dns
        if four == "dhcp":
            if netif.state == BOUND:
                netif.say(REQUEST)
                return None
            netif.dhcp_stop()
            netif.dhcp_start()
            self.wait_for_lease()
            return None
        netif.dhcp_stop()
        ip, mask, gateway, dns = four
        for address in four:
            numbers(address)
        netif.set(ip, mask, gateway)
        self.board.dns = dns
        return None

    def wait_for_lease(self):
        if self.netif.state != SELECTING or self.netif.deaf or not self.board.carrier:
            self.board.sleep(10)
            raise OSError("timeout waiting for DHCP to get IP address")
        self.netif.dhcp_bound()


class LwipIpconfig:
    """extmod/network_lwip.c: mod_network_nic_ipconfig (1.23). `addr4` works only as the first
    keyword; with others beside it, it is here never the first.
    """

    def ipconfig(self, *query, **settings):
        netif = self.netif
        if query:
            return {
                "dhcp4": netif.state != OFF,
                "has_dhcp4": netif.state == BOUND,
                "addr4": (netif.ip, netif.mask),
                "gw4": netif.gateway,
            }[query[0]]
        for key in settings:
            value = settings[key]
            if key == "dhcp4":
                if value and netif.state == BOUND:
                    netif.say(REQUEST)
                else:
                    netif.dhcp_stop()
                    if value:
                        netif.dhcp_start()
            elif key == "addr4":
                if len(settings) == 1:
                    netif.ip, netif.mask = value
            elif key == "gw4":
                netif.gateway = value
            else:
                raise ValueError("unexpected key")
        return None


class Cyw43Old(Lwip):
    """The Pico W's WLAN: extmod/network_cyw43.c, cyw43-driver's cyw43_lwip.c and cyw43_ctrl.c.
    This one is of 1.22: it has no ipconfig, and active() tells whether status() is not 0.
    """

    def __init__(self, board):
        super().__init__(board)
        self.on = False
        self.join = 0
        self.ssid = ""
        self.network = ("", None)

    def active(self, on=None):
        """up: netif_add with the driver's defaults, then dhcp_start. down: leave, dhcp_stop."""
        netif = self.netif
        if on is None:
            return bool(self.status())
        if on and not netif.up:
            netif.set(NO_IP, "255.255.255.0", "192.168.0.1")
            self.board.dns = "8.8.8.8"
            netif.up = True
            netif.dhcp_start()
        elif not on:
            self.disconnect()
            netif.dhcp_stop()
            netif.up = False
            netif.ip = NO_IP
        self.on = bool(on)
        return None

    def connect(self, ssid, key=None):
        if not self.on:
            raise self.board.fault("EPERM")
        self.network = (ssid, key)
        self.join = 1

    def disconnect(self):
        """The address stays."""
        self.netif.link = False
        self.join = 0
        self.ssid = ""

    def scan(self):
        raise NotImplementedError

    def associated(self):
        self.join = 1
        self.ssid = self.network[0]
        self.netif.set_link_up()

    def lost(self):
        self.netif.link = False

    def refused(self, why):
        self.join = getattr(self.board.modules["network"], "STAT_" + why)

    def status(self, what=None):
        """cyw43_tcpip_link_status: 2, which has no constant, is a link without an address."""
        if what == "rssi":
            return -50
        if what is not None:
            raise ValueError("unknown status param")
        if self.netif.up and self.netif.link:
            return 2 if self.netif.ip == NO_IP else 3
        return self.join

    def isconnected(self):
        return self.status() == 3

    def known(self):
        ssid = self.ssid
        return {"mac": MAC if self.on else bytes(6), "ssid": ssid, "essid": ssid}

    def send_ethernet(self, frame):
        """None, whatever happens; OSError when the chip has no credits for a second."""
        self.board.may_fail("send_ethernet")
        if self.netif.link and 14 <= len(frame) <= 1514:
            self.board.frame(bytes(frame))


class Cyw43(LwipIpconfig, Cyw43Old):
    """The same with ipconfig (1.23) and an active() that tells what was asked for (1.25)."""

    def active(self, on=None):
        return self.on if on is None else super().active(on)


class Wiznet5k(LwipIpconfig, Lwip):
    """extmod/network_wiznet5k.c with lwIP: dhcp_start and link-up both within active(True)."""

    def active(self, on=None):
        netif = self.netif
        if on is None:
            return netif.up
        if on and not netif.up:
            netif.set(NO_IP, NO_IP, NO_IP)
            self.board.dns = NO_IP
            netif.up = True
            netif.dhcp_start()
            netif.set_link_up()
        elif not on:
            netif.up = netif.link = False
            netif.state = OFF
        return None

    def associated(self):
        """A cable says nothing to lwIP."""

    lost = associated

    def status(self, what=None):
        if what is not None:
            raise ValueError("unknown status param")
        return 1 + self.netif.up if self.board.carrier else 0

    def isconnected(self):
        return self.status() == 2 and self.netif.ip != NO_IP

    def known(self):
        return {"mac": MAC if self.netif.up else bytes(6)}

    def send_ethernet(self, frame):
        """What cannot be sent takes the netif down, and raises nothing."""
        try:
            self.board.may_fail("send_ethernet")
        except OSError:
            print("wiznet5k_send_ethernet: fatal error -4")
            self.netif.up = self.netif.link = False
            return
        if self.board.carrier:
            self.board.frame(bytes(frame))


class Lan(LwipIpconfig, Lwip):
    """ports/mimxrt/network_lan.c, eth.c: a NIC with neither send_ethernet nor SO_BINDTODEVICE."""

    def active(self, on=None):
        netif = self.netif
        if on is None:
            return self.status() != 0
        if on and not netif.up:
            netif.set(NO_IP, "255.255.255.0", "192.168.0.1")
            self.board.dns = "8.8.8.8"
            netif.up = True
            netif.dhcp_start()
            if self.board.carrier:
                netif.set_link_up()
        elif not on:
            netif.up = netif.link = False
            netif.state = OFF
        return None

    def associated(self):
        if self.netif.up:
            self.netif.set_link_up()

    def lost(self):
        self.netif.link = False

    def status(self, what=None):
        if what is not None:
            raise ValueError("unknown status param")
        if self.netif.up and self.netif.link:
            return 2 if self.netif.ip == NO_IP else 3
        return 1 if self.board.carrier else 0

    def isconnected(self):
        return self.status() == 3

    def known(self):
        return {"mac": MAC if self.netif.up else bytes(6)}


class EspNetif(Nic):
    """ports/esp32/network_common.c, and ESP-IDF 5's esp_netif_lwip.c and esp_netif_handlers.c. A
    client is INIT until there is a link: `ipconfig(dhcp4=False)` then does nothing, and the link
    starts it. `kept` is the address that a stopped one has at the next link-up.
    """

    def __init__(self, board):
        super().__init__(board)
        self.client = "INIT"
        self.kept = (NO_IP, NO_IP, NO_IP)
        self.made = 0

    # esp_netif

    def start(self):
        """esp_netif_start: the lwIP netif, and with it its name, is made anew."""
        self.made += 1
        self.ifname = self.prefix + "%d" % self.made

    def stop(self):
        self.link_down()
        self.client = "INIT"
        self.kept = (NO_IP, NO_IP, NO_IP)
        self.ifname = None

    def link_up(self):
        netif = self.netif
        netif.up = netif.link = True
        netif.set(*self.kept)
        if self.client == "INIT":
            self.dhcpc_start()
        elif NO_IP in (self.kept[0], self.kept[1]):
            print("E (1234) esp_netif_handlers: invalid static ip")
        else:
            self.got_ip()

    def link_down(self):
        netif = self.netif
        netif.link = False
        if self.client == "STARTED":
            self.client = "INIT"
            netif.dhcp_stop()
            self.kept = (NO_IP, NO_IP, NO_IP)
        netif.set(NO_IP, NO_IP, NO_IP)
        netif.up = False

    def dhcpc_start(self):
        if self.client == "STARTED":
            raise RuntimeError("Wifi Unknown Error 0x5004")
        self.kept = (NO_IP, NO_IP, NO_IP)
        self.board.dns = NO_IP
        self.client = "INIT"
        if self.netif.up:
            self.netif.set(NO_IP, NO_IP, NO_IP)
            self.client = "STARTED"
            self.netif.dhcp_start()

    def dhcpc_stop(self):
        if self.client == "STARTED":
            self.netif.dhcp_stop()
            self.kept = (NO_IP, NO_IP, NO_IP)
        self.client = "STOPPED"

    def set_ip_info(self, three):
        self.board.dns = NO_IP
        self.kept = three
        if self.netif.up:
            self.netif.set(*three)
            if three[0] != NO_IP:
                self.got_ip()

    # what scripts see

    def ifconfig(self, four=None):
        """DNS comes last, since the address clears it, and 0.0.0.0 is refused there: by then all
        the others are set.
        """
        if four is None:
            netif = self.netif
            three = (netif.ip, netif.mask, netif.gateway) if netif.up else self.kept
            return three + (self.board.dns,)
        if four == "dhcp":
            self.dhcpc_start()
            return None
        assert len(four) == 4
        for address in four:
            numbers(address)
        self.dhcpc_stop()
        self.set_ip_info(tuple(four[:3]))
        if four[3] == NO_IP:
            raise RuntimeError("Wifi Unknown Error 0x5001")
        self.board.dns = four[3]
        return None


class EspIpconfig:
    """ports/esp32/network_common.c: esp_ipconfig (1.24), which sets no DNS."""

    def ipconfig(self, *query, **settings):
        three = self.ifconfig()[:3]
        if query:
            return {
                "dhcp4": self.client == "STARTED",
                "addr4": three[:2],
                "gw4": three[2],
            }[query[0]]
        for key in settings:
            value = settings[key]
            if key == "dhcp4":
                if value and self.client != "STARTED":
                    self.dhcpc_start()
                elif not value and self.client == "STARTED":
                    self.dhcpc_stop()
            elif key == "addr4":
                three = tuple(value) + three[2:]
            elif key == "gw4":
                three = three[:2] + (value,)
            else:
                raise ValueError("unexpected key")
        if "addr4" in settings or "gw4" in settings:
            self.dhcpc_stop()
            self.set_ip_info(three)
        return None


class EspWlanOld(EspNetif):
    """ports/esp32/network_wlan.c, of 1.22 and 1.23, which have no ipconfig."""

    prefix = "st"
    told = (201, 202, 210, 211, 212)  # what status() shows though it goes on trying

    def __init__(self, board):
        super().__init__(board)
        self.on = self.connected = self.wanted = False
        self.reason = 0
        self.network = ("", "")

    def active(self, on=None):
        if on is not None and bool(on) != self.on:
            self.on = bool(on)
            if on:
                self.start()
            else:
                self.connected = False
                self.stop()
        return self.on

    def connect(self, ssid, key=""):
        if not self.on:
            raise OSError("Wifi Not Started")
        if self.netif.link:
            raise OSError("Wifi Internal Error")
        self.network = (ssid, key)
        self.wanted = True

    def disconnect(self):
        self.wanted = False
        if self.netif.link:
            self.lost()
        self.reason = 8  # ASSOC_LEAVE

    def scan(self):
        raise NotImplementedError

    def associated(self):
        """STA_CONNECTED. It does not clear the reason of an earlier failure: GOT_IP does."""
        self.link_up()

    def lost(self):
        self.connected = False
        self.reason = 200  # BEACON_TIMEOUT
        self.link_down()

    def refused(self, why):
        self.reason = getattr(self.board.modules["network"], "STAT_" + why)

    def got_ip(self):
        self.connected = True
        self.reason = 0

    def status(self, what=None):
        if what == "rssi":
            if not self.netif.link:
                raise OSError("Wifi Not Connected")
            return -50
        if what is not None:
            raise ValueError("unknown status param")
        if self.connected:
            return 1010
        if self.reason in self.told:
            return self.reason
        if self.reason == 8:
            return 1000
        if self.wanted:
            return 1001
        return self.reason or 1000

    def isconnected(self):
        """Since GOT_IP, until the association is lost."""
        return self.connected

    def known(self):
        """The SSID's field has 32 bytes and need not end with NUL: the key comes behind it."""
        ssid, key = self.network
        if len(ssid.encode()) == 32:
            ssid += key
        return {"mac": MAC, "ssid": ssid, "essid": ssid, "ifname": self.ifname}


class EspWlan(EspIpconfig, EspWlanOld):
    """The same since 1.24."""


class EspLan(EspIpconfig, EspNetif):
    """ports/esp32/network_lan.c: status() is that of the last event."""

    prefix = "en"
    event = 0  # ETH_INITIALIZED

    def active(self, on=None):
        if on is not None and bool(on) != (self.ifname is not None):
            if on:
                self.start()
                self.event = 1  # ETH_STARTED; the link takes a while
            else:
                self.stop()
                self.event = 2  # ETH_STOPPED
        return self.ifname is not None

    def associated(self):
        if self.ifname:
            self.event = 3  # ETH_CONNECTED
            self.link_up()

    def lost(self):
        self.link_down()
        self.event = 4  # ETH_DISCONNECTED

    def got_ip(self):
        self.event = 5  # ETH_GOT_IP

    def status(self):
        return self.event

    def isconnected(self):
        return self.event == 5

    def known(self):
        return {"mac": MAC, "ifname": self.ifname}


# Boards

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
}
WIFI = ("PICO_W", "PICO_W_OLD", "ESP32", "ESP32_OLD")
ESP32 = ("ESP32", "ESP32_OLD", "ESP32_LAN")
FRAMES = ("PICO_W", "PICO_W_OLD", "W5500")  # those that send whole frames
CABLES = ("W5500", "LAN", "ESP32_LAN")
PORTS = WIFI + CABLES


class Board:
    """A board and the network around it.

    esp, wifi: what kind it is; last_resort: whether it can neither tie a socket nor send frames.
    sent: what it has sent to servers, each with `source`, `target` (4 bytes) and, if it came as a
    whole frame, `frame`. arps: frames with ARP. built_in: the types of what the built-in client
    has sent. carrier: whether there is a cable, or an access point in reach. server: has
    answer(sent), or None. cast: how it answers, "unicast" or "broadcast". faults: {call: [what
    each next one raises, or None]}.
    """

    def __init__(self, port):
        self.esp = port in ESP32
        self.wifi = port in WIFI
        self.last_resort = port == "LAN"
        self.slots, self.queue = (10, 6) if self.esp else (4, 4)
        self.errno = _ESP_ERRNO if self.esp else _RP2_ERRNO
        self.now = 5000
        self.sent = []
        self.arps = []
        self.built_in = []
        self.air = []  # (ms, datagram, where it goes)
        self.sockets = []
        self.faults = {}
        self.carrier = not self.wifi
        self.server = None
        self.cast = "unicast"
        self.dns = NO_IP
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


class plug:
    """For a `with` block: dhcpc runs on this board, whose modules it finds as its own."""

    def __init__(self, port):
        self.board = Board(port)

    def __enter__(self):
        board = self.board
        self.were = [(name, sys.modules.get(name)) for name in board.modules]
        sys.modules.update(board.modules)
        self.names = []
        for user in (home("link"), home("client")):
            for name in board.modules:
                if hasattr(user, name):
                    self._set(user, name, board.modules[name])
        return board

    def _set(self, user, name, value):
        self.names.append((user, name, getattr(user, name)))
        setattr(user, name, value)

    def __exit__(self, *error):
        for user, name, was in reversed(self.names):  # both may be one
            setattr(user, name, was)
        for name, was in self.were:
            if was is None:
                del sys.modules[name]
            else:
                sys.modules[name] = was
