"""MicroPython's `network` on a board's stack: what the ports' NICs do to lwIP, and when.

From extmod/network_cyw43.c with the cyw43 driver, network_wiznet5k.c and network_lwip.c; from
esp32/network_wlan.c and network_common.c with ESP-IDF's esp_netif. An association takes no time
and never fails.
"""

import time

import stack
from stack import dotted, packed

STA_IF = 0
_NONE = "0.0.0.0"
_DHCP_S = 10

if stack.ESP32:
    STAT_IDLE = 1000
    STAT_CONNECTING = 1001
    STAT_GOT_IP = 1010
    ETH_STOPPED = 2
    ETH_CONNECTED = 3
    ETH_DISCONNECTED = 4
    ETH_GOT_IP = 5
else:
    STAT_IDLE = 0
    STAT_CONNECTING = 1
    STAT_GOT_IP = 3

_hostname = "board"


def hostname(name=None):
    """The host name, which the built-in client does not send here."""
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def _join(addresses):
    return b"".join([packed(address) for address in addresses])


class _NIC:
    """What the NICs of all ports have in common."""

    _active = False
    _ssid = ""

    number = 0  # in the stack

    def __init__(self, which=STA_IF):
        pass

    def _do(self, op, **what):
        return stack.do(op, nic=self.number, **what)

    def _info(self):
        return stack.Info(self.number)

    def isconnected(self):
        """Whether there is a link and an address."""
        info = self._info()
        return info.up and info.link and dotted(info.raw[0]) != _NONE

    def config(self, name):
        """One parameter. ValueError: there is none of that name."""
        if name == "mac":
            return self._info().mac
        raise ValueError("unknown config param")

    def _addresses(self):
        info = self._info()
        return tuple([dotted(raw) for raw in info.raw] + [dotted(info.dns)])


class _Radio:
    """An access point in reach, called whatever one asks for."""

    def connect(self, ssid, key=None):
        """Associate."""
        self._ssid = ssid
        self._link(True)

    def scan(self):
        """It is not seen."""
        return []

    def disconnect(self):
        """Leave."""
        self._link(False)


class _Cable:
    """Plugged in, as long as the test says so; whoever looks for the link first finds it, since
    negotiating takes a while.
    """

    carrier = True
    number = stack.NICS - 1

    def _plugged(self):
        if self._active and self._info().link != self.carrier:
            self._link(self.carrier)
        return self._active and self.carrier


class _LwIP(_NIC):
    """The NICs of ports that use lwIP without an operating system."""

    _defaults = (_NONE,) * 4

    def _begin(self):
        # The driver hands the NIC to lwIP, as the default one, and starts the built-in client at
        # once.
        self._do(b"+", data=_join(self._defaults[:3]))
        self._do(b"0")
        self._do(b"D", ip=packed(self._defaults[3]))
        self._do(b"U", arg=1)
        self._do(b"H")

    def _link(self, up):
        if self._active:
            self._do(b"L", arg=up)

    def active(self, on=None):
        """Whether it is on; switch it on or off."""
        if on is None:
            return self._active
        if on and not self._active:
            self._begin()
        elif self._active and not on:
            self._do(b"-")
        self._active = bool(on)

    def ifconfig(self, want=None):
        """(address, mask, gateway, DNS), read or set; "dhcp" starts the built-in client and
        waits for it.
        """
        if want is None:
            return self._addresses()
        if want == "dhcp":
            self._do(b"h")
            self._do(b"H")
            start = time.time()
            while not self._info().supplied:
                if time.time() - start > _DHCP_S:
                    raise OSError("timeout waiting for DHCP to get IP address")
                time.sleep(0.1)
        else:
            if self._active:
                self._do(b"h")
            self._do(b"W", data=_join(want[:3]))
            self._do(b"D", ip=packed(want[3]))

    def ipconfig(self, *names, **want):
        """Read one parameter, or set some. ValueError: unexpected key."""
        info = self._info()
        if names:
            return {
                "dhcp4": info.dhcp,
                "has_dhcp4": info.supplied,
                "addr4": (dotted(info.raw[0]), dotted(info.raw[1])),
                "gw4": dotted(info.raw[2]),
            }[names[0]]
        first = next(iter(want))
        for key, value in want.items():
            if key == "dhcp4":
                self._do(b"h")
                if value:
                    self._do(b"H")
            elif key == "addr4":
                if first == "addr4":  # a bug: it looks at the name of the first keyword
                    self._do(b"W", data=_join(value or (_NONE, _NONE)) + self._info().raw[2])
            elif key == "gw4":
                self._do(b"W", data=b"".join(self._info().raw[:2]) + packed(value))
            else:
                raise ValueError("unexpected key")


class CYW43(_Radio, _LwIP):
    """WLAN of the Pico W."""

    _defaults = (_NONE, "255.255.255.0", "192.168.0.1", "8.8.8.8")

    def config(self, name):
        """Before it is active there is no MAC."""
        if name == "mac":
            return super().config(name) if self._active else bytes(6)
        if name == "ssid":
            return self._ssid
        return super().config(name)

    def status(self, name=None):
        """3: up; 2: associated without an address, which has no name; 0: down."""
        if name == "rssi":
            return -40
        info = self._info()
        if not (info.up and info.link):
            return STAT_IDLE
        return 2 if dotted(info.raw[0]) == _NONE else STAT_GOT_IP

    def send_ethernet(self, frame):
        """Send a frame. None, whatever becomes of it."""
        self._do(b"E", data=frame)


class WIZNET5K(_LwIP):
    """A W5500, whose link is up by the end of `active`; lwIP does not hear of its cable."""

    carrier = True
    number = stack.NICS - 1

    def _begin(self):
        super()._begin()
        self._do(b"L", arg=1)

    def status(self):
        """2: up and linked."""
        return (2 if self._active else 1) if self.carrier else 0

    def send_ethernet(self, frame):
        """Send a frame."""
        self._do(b"E", data=frame)


class LAN(_Cable, _LwIP):
    """The Ethernet of a port that sends no frames for Python, as mimxrt and stm32 have it."""

    def status(self):
        """3: link and address, 2: link alone, 0: neither."""
        if not self._plugged():
            return 0
        return 2 if dotted(self._info().raw[0]) == _NONE else 3


_INIT, _STARTED, _STOPPED = range(3)


_linked: list[
    object
] = []  # the NICs of esp_netif that have a link, the one of highest priority first


class _ESP32(_NIC):
    """The NICs of esp_netif, whose state is its own: whether its DHCP client is to start, is
    started, or stopped; and the addresses that it puts back when the link comes.
    """

    _client = _INIT
    _kept = (_NONE,) * 3
    _got_ip = False

    def _route(self, up):
        # esp_netif_update_default_netif: it is called when a link comes or goes, and no address
        # matters. Without a link anywhere nothing changes.
        others = [nic for nic in _linked if nic.number != self.number]
        _linked[:] = sorted(others + [self] * up, key=lambda nic: -nic.priority)
        if _linked:
            _linked[0]._do(b"0")

    def _link(self, up):
        if not self._active or up == self._info().link:
            return
        if up:
            self._do(b"A", data=_join(self._kept))
            self._do(b"U", arg=1)
            self._do(b"L", arg=1)
            self._route(True)
            if self._client == _INIT:
                self._do(b"H")
                self._client = _STARTED
            elif self._client == _STOPPED:
                if self._kept[0] == _NONE:
                    print("E (0) esp_netif_handlers: invalid static ip")
                else:
                    self._got_ip = True
        else:
            if self._client == _STARTED:
                self._do(b"h")
                self._client = _INIT
                self._kept = (_NONE,) * 3
            self._do(b"A", data=_join((_NONE,) * 3))
            self._do(b"U", arg=0)
            self._do(b"L", arg=0)
            self._route(False)
            self._got_ip = False

    def active(self, on=None):
        """Whether it is on; switch it on or off."""
        if on is not None and bool(on) != self._active:
            if on:
                self._do(b"+", data=_join(self._kept))
            else:
                self._link(False)
                self._do(b"-")
                self._client = _INIT
                self._kept = (_NONE,) * 3
            self._active = bool(on)
        return self._active

    def config(self, name):
        """Besides the MAC, the name of the NIC in lwIP."""
        if name == "ifname":
            return self._info().name or None
        return super().config(name)

    def isconnected(self):
        """Whether GOT_IP was told since the link came."""
        return self._got_ip or self._info().supplied

    def _stop(self):
        if self._client == _STARTED:
            self._do(b"h")
            self._kept = (_NONE,) * 3
        self._client = _STOPPED

    def _start(self):
        if self._client == _STARTED:
            raise RuntimeError("Wifi Unknown Error 0x5004")
        self._kept = (_NONE,) * 3
        self._do(b"D", ip=packed(_NONE))
        self._client = _INIT
        if self._info().up:
            self._do(b"W", data=_join(self._kept))
            self._do(b"H")
            self._client = _STARTED

    def _set(self, addresses):
        self._stop()
        self._do(b"D", ip=packed(_NONE))
        self._kept = tuple(addresses)
        if self._info().up:
            self._do(b"A", data=_join(addresses))
            if addresses[0] != _NONE:
                self._got_ip = True

    def ifconfig(self, want=None):
        """(address, mask, gateway, DNS), read or set; "dhcp" starts the built-in client."""
        if want is None:
            addresses = self._addresses()
            return addresses if self._info().up else tuple(self._kept) + addresses[3:]
        if want == "dhcp":
            self._start()
        else:
            self._set(want[:3])
            if want[3] == _NONE:  # all is done by then, but esp_netif takes no such DNS server
                raise RuntimeError("Wifi Unknown Error 0x5001")
            self._do(b"D", ip=packed(want[3]))

    def ipconfig(self, *names, **want):
        """Read one parameter, or set some. ValueError: unexpected key."""
        ip, mask, gateway = self.ifconfig()[:3]
        if names:
            return {
                "dhcp4": self._client == _STARTED,
                "addr4": (ip, mask),
                "gw4": gateway,
            }[names[0]]
        for key, value in want.items():
            if key == "dhcp4":
                if value and self._client != _STARTED:
                    self._start()
                elif not value and self._client == _STARTED:  # else it does nothing
                    self._stop()
            elif key == "addr4":
                ip, mask = value
            elif key == "gw4":
                gateway = value
            else:
                raise ValueError("unexpected key")
        if "addr4" in want or "gw4" in want:
            self._set((ip, mask, gateway))


class ESP32WLAN(_Radio, _ESP32):
    """WLAN of an ESP32."""

    priority = 100  # esp_netif_defaults.h

    def config(self, name):
        """Besides the others, the network's name."""
        return self._ssid if name in ("ssid", "essid") else super().config(name)

    def status(self, name=None):
        """It never tells that it is associated, but by having an RSSI."""
        if name == "rssi":
            if not self._info().link:
                raise OSError("Wifi Not Connected")
            return -40
        return STAT_GOT_IP if self.isconnected() else STAT_CONNECTING


class ESP32LAN(_Cable, _ESP32):
    """The Ethernet of an ESP32."""

    priority = 50

    def status(self):
        """ETH_..."""
        if not self._plugged():
            return ETH_DISCONNECTED if self._active else ETH_STOPPED
        return ETH_GOT_IP if self.isconnected() else ETH_CONNECTED


if stack.ESP32:
    WLAN = ESP32WLAN
    LAN = ESP32LAN
else:
    WLAN = CYW43
