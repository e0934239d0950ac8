"""lwIP, its sockets as the ports have them, and what the scripts of a board see of a netif."""

from world import DISCOVER, RELEASE, REQUEST

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
    queue is dropped, one that is too long is cut. Up to 1.25 the queue of modlwip.c is one long.
    """

    def __init__(self, board, family=2, kind=1, proto=0):
        assert (family, kind) == (2, 2), "no UDP over IPv4"
        self.board = board
        if len(board.sockets) + (board.netif.state != OFF) >= board.slots:
            raise board.fault("ENFILE" if board.esp else "ENOMEM")
        self.queue = []
        self.local = self.port = self.name = None
        self.peer_closed = self.closed = False
        board.sockets.append(self)  # last: for one that finds no room there is no socket

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
        if name:
            tied = [board for board in self.board.nics if board.nic.ifname == name]
            if not tied:
                raise self.board.fault("ENODEV")
            self.board = tied[0]
        self.name = name

    def bind(self, address):
        """An empty host is an IPv6 socket on rp2: it gets no IPv4 datagram."""
        self.check()
        built_in = any(
            board.netif.state != OFF and not board.netif.deaf for board in self.board.nics
        )
        if built_in and address[1] == CLIENT_PORT or self.board.owner(address[1]):
            raise self.board.fault("EADDRINUSE")
        self.local, self.port = address

    def sendto(self, data, address):
        """lwIP's udp.c: routed, unless the socket is tied to a netif (esp-lwip), which then need
        not have an address.
        """
        self.check()
        self.board.may_fail("sendto")
        board = self.board
        if not self.name:
            board = ([each for each in board.nics if each.netif.routed] + [board])[0]
        netif = board.netif
        if self.name:
            if self.name != self.board.nic.ifname:
                raise self.board.fault("EHOSTUNREACH")
            if not netif.link:
                raise OSError(-1)  # ERR_IF, from wlanif.c
        elif not netif.routed:
            raise self.board.fault("EHOSTUNREACH")
        source = numbers(netif.ip if self.local == NO_IP else self.local)
        board.leaves(bytes(data), source, numbers(address[0]), (self.port, address[1]))
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
        last = end = board.now + wait
        while True:
            found.clear()
            for each in board.nics:
                each.hand_over()
            for entry in self.socks:
                if entry[0].closed:
                    found.append((entry[0], POLLNVAL))
                elif entry[0].queue:
                    found.append(entry)
            if found or board.now == last:
                return found
            assert wait > 0, "would wait for ever"
            for each in board.nics:
                if each.air:
                    end = min(end, each.air[0][0])
            board.now, end = end, last

    def poll(self, wait=-1):
        return list(self.ipoll(wait))


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
