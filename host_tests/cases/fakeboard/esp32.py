"""The NICs of ESP32, whose ESP-IDF keeps address and client beside lwIP."""

from .lwip import MAC, NO_IP, Nic, numbers

IP_LOST = 120000  # ms: CONFIG_ESP_NETIF_IP_LOST_TIMER_INTERVAL


class EspNetif(Nic):
    """ports/esp32/network_common.c, and ESP-IDF 5's esp_netif_lwip.c and esp_netif_handlers.c. A
    client is INIT until there is a link: `ipconfig(dhcp4=False)` then does nothing, and the link
    starts it. `kept` is the address that a stopped one has at the next link-up: neither the loss
    of the link nor `active(False)` after it changes that.
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
        """esp_netif_stop: of a netif that is down already it changes nothing but the name."""
        self.ifname = None
        if self.netif.up:
            self.link_down()
            self.client = "INIT"
            self.kept = (NO_IP, NO_IP, NO_IP)

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
        """Without a gateway there is no GOT_IP; at link-up there is."""
        self.board.dns = NO_IP
        self.kept = three
        if self.netif.up:
            self.netif.set(*three)
            if NO_IP not in three:
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
    """ports/esp32/network_wlan.c, of 1.22 and 1.23, which have no ipconfig. It tries again after
    each failure until `disconnect`: it is `wanted`, and without a link it is connecting.
    """

    prefix = "st"
    told = (201, 202)  # what status() shows though it goes on trying

    def __init__(self, board):
        super().__init__(board)
        self.on = self.connected = self.wanted = False
        self.down = None
        self.reason = 0
        self.network = ("", "")
        self.ssid = ""  # of the association, which no script is told of

    def active(self, on=None):
        if on is not None and bool(on) != self.on:
            self.on = bool(on)
            if on:
                self.start()
            else:
                self.leave()
                self.stop()
        return self.on

    def connect(self, ssid, key=""):
        """While associated it only takes down the name, for the time after that."""
        if not self.on:
            raise OSError("Wifi Not Started")
        if self.wanted and not self.netif.link:
            raise OSError("Wifi Internal Error")
        self.network = (ssid, key)
        self.wanted = True

    def disconnect(self):
        if not self.on:
            raise OSError("Wifi Not Started")
        self.leave()

    def leave(self):
        """Without an association there is nothing to leave, and the reason of a failure stays."""
        self.wanted = False
        if self.netif.link:
            self.lost(8)  # ASSOC_LEAVE

    def scan(self):
        raise NotImplementedError

    def associated(self):
        """STA_CONNECTED. It does not clear the reason of an earlier failure: GOT_IP does."""
        self.ssid = self.network[0]
        self.link_up()

    def lost(self, why=200):
        """STA_DISCONNECTED; why: 200 is BEACON_TIMEOUT."""
        self.connected = False
        self.reason = why
        if self.netif.link:
            self.link_down()

    def refused(self, why):
        self.reason = getattr(self.board.modules["network"], "STAT_" + why)

    def got_ip(self):
        self.connected = True
        self.reason = 0
        self.news(1)  # IP_EVENT_STA_GOT_IP is 0, as ETHERNET_EVENT_START is

    def link_down(self):
        super().link_down()
        self.down = self.board.now

    def news(self, status):
        """An IP event, whose number is that of an event of an Ethernet."""
        for board in self.board.nics:
            if isinstance(board.nic, EspLanOld):
                board.nic.event = status

    def lost_ip(self):
        """IP_EVENT_STA_LOST_IP, 1 as ETHERNET_EVENT_STOP: when the link has been down for long."""
        if self.down is not None and self.board.now - self.down >= IP_LOST:
            self.down = None
            if self.netif.ip == NO_IP:
                self.news(2)

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
    """The same since 1.24, which tells of more failures, too."""

    told = EspWlanOld.told + (210, 211, 212)


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


class EspLanOld(EspLan):
    """The same up to 1.28, which takes each IP event for one of its own, by its number. The timer
    for the Wi-Fi's address starts at each loss of its link since 1.24 (ESP-IDF 5.2).
    """

    def status(self):
        for board in self.board.nics:
            if board.wifi:
                board.nic.lost_ip()
        return super().status()
