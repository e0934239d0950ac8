"""A client on the NIC of a fake board, from taking over to handing back."""

from cable import Server as AnyServer
from dhcpc import Client, provisional
from fakeboard import NO_IP, PORTS, plug
from records import Memory
from world import opt

GRANT = opt(3, b"\x0a\0\0\x01") + opt(6, b"\x0a\0\0\x02")
FOUR = ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.2")
AT_ONCE = ("W5500", "LAN")  # where the built-in client sends within active(True)


class Server(AnyServer):
    """Grants what FOUR has."""

    def __init__(self):
        super().__init__(options=GRANT)


def link(board):
    """What a client on the board is given."""
    return provisional.Link(board.nic) if board.last_resort else board.nic


class Dhcp:
    """A client on a board. events: the names of all that it told."""

    def __init__(self, board, store=None, **how):
        self.board = board
        self.events = []
        self.store = store or Memory()
        board.server = board.server or Server()
        self.client = Client(
            link(board), store=self.store, clock=board.clock, on_event=self.tell, **how
        )

    def tell(self, event, lease):
        self.events.append(event)

    def poll(self):
        wait = self.client.poll()
        assert wait >= 0
        return wait

    def go(self, seconds):
        """Let time pass, and poll as poll asks for it."""
        board = self.board
        end = board.now + seconds * 1000
        while board.now < end:
            board.now += min(max(self.poll(), 1), end - board.now)
            board.hand_over()
        self.poll()

    def bound(self):
        self.client.acquire()
        self.poll()
        assert self.client.state == "BOUND"
        return self


def connected(board, **how):
    """Made before there is a link, as the README does it; then there is one."""
    board.nic.active(True)
    dhcp = Dhcp(board, **how)
    board.connect()
    return dhcp


def bound(board, **how):
    return connected(board, **how).bound()


def on(case, *ports):
    """Run case(board) on each of the ports, on all if none is named."""
    for port in ports or PORTS:
        with plug(port) as board:
            try:
                case(board)
            except BaseException:
                print("on", port)
                raise


def bare(board):
    """Is the NIC without an address, but for the provisional one where that is the last resort?"""
    ip = board.nic.ifconfig()[0]
    return ip == NO_IP or ip.startswith("169.254.") and board.last_resort
