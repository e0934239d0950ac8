"""A fake board as it is, without a client of ours."""

from fakeboard import CLIENT_PORT, NO_IP, NONE
from kit import raises
from world import reply

RP2 = ("PICO_W", "PICO_W_OLD", "W5500")
MESSAGE = reply(2)


def silence(board):
    try:
        board.nic.ifconfig(NONE)
    except RuntimeError:
        assert board.esp


def ready(board):
    """Active, silenced, associated."""
    board.nic.active(True)
    silence(board)
    board.connect()
    return board


def bound(board, host=NO_IP):
    """A UDP socket on port 68, tied to the NIC where the port can do that."""
    module = board.modules["socket"]
    sock = module.socket(module.AF_INET, module.SOCK_DGRAM)
    if board.esp:
        sock.setsockopt(module.SOL_SOCKET, module.SO_BINDTODEVICE, board.nic.config("ifname"))
    sock.bind(module.getaddrinfo(host, CLIENT_PORT)[0][-1])
    return sock


def arrived(board, sock):
    poller = board.modules["select"].poll()
    poller.register(sock, 1)
    return len(list(poller.ipoll(10)))


def number(board, name, call, *args):
    """call(*args) raises an OSError with this port's number for that."""
    assert str(board.errno[name]) in raises(OSError, call, *args)
