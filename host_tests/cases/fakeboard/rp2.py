"""The NICs of ports that have plain lwIP: of rp2, and one of mimxrt."""

from world import REQUEST

from .lwip import BOUND, MAC, NO_IP, OFF, SELECTING, Nic, numbers


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
