"""Boards whose server is away, and that fall back to an address without one."""

from cable import Board, Server
from dhcpc import fallback
from world import DISCOVER, REQUEST

STATIC = ("192.168.7.7", "255.255.255.0", "192.168.7.1", "192.168.7.2")
AFTER = 30  # seconds
A_WHILE = 300  # seconds: DISCOVERs go unanswered, and the session starts over


class Silent(Server):
    """A server that is away. It may come."""

    def __init__(self, **grant):
        super().__init__(**grant)
        self.mute = (DISCOVER, REQUEST)


def comes(board):
    board.cable.server.mute = ()


def with_static(server=None, after_ms=AFTER * 1000, **how):
    board = Board(server or Silent(), **how)
    fallback.static(board.client, *STATIC, after_ms=after_ms)
    return board


def with_link_local(server=None, **how):
    board = Board(server or Silent(), **how)
    fallback.link_local(board.client)
    return board


def fallen_back(**how):
    board = with_static(**how)
    board.go(AFTER + 2)
    assert in_use(board.client).kind == "static"
    return board


def in_use(client):
    """The Lease, or Address, that there is."""
    assert client.lease
    return client.lease


def consistent(board):
    """Lease and NIC agree, whosever address it is."""
    lease = board.client.lease
    assert board.cable.address == (lease and lease.ip)
    assert board.client.session.lease in (None, lease)
    return True
