"""What carries messages: the frame builder, and the link that has one UDP socket."""

import select
import socket
import sys
from errno import EADDRINUSE, EIO

from dhcpc import Link, frame
from kit import Skip, allocated, called, home, rfc, without_heap
from world import DISCOVER, IP, MAC, NOBODY, RELEASE, World

HEAD = 42  # of Ethernet, IPv4 and UDP
ALL = b"\xff\xff\xff\xff"
ALL_MACS = b"\xff" * 6
HOP = b"\x02\0\0\0\0\x09"
PORT = 45068


def ones_complement_sum(data):
    """RFC 1071, by its letter."""
    total = 0
    for i in range(0, len(data), 2):
        total += data[i] << 8 | (data[i + 1] if i + 1 < len(data) else 0)
        total = (total & 0xFFFF) + (total >> 16)
    return total


def u16(data, i):
    return data[i] << 8 | data[i + 1]


class Sender(World):
    """A client that makes frames of its messages."""

    def __init__(self, **how):
        super().__init__(**how)
        self.whole = bytearray(HEAD + 570)
        self.buf = memoryview(self.whole)[HEAD:]  # type: ignore[assignment]

    def frame(self, type=0):
        size = self.session.write(self.buf, type)
        self.message = bytes(self.buf[:size])
        frame(self.whole, size, MAC)
        return bytes(self.whole[: HEAD + size])


def right(data):
    """Are both checksums right?"""
    pseudo = data[26:34] + b"\0\x11" + data[38:40]
    return (
        ones_complement_sum(data[14:34]) == 0xFFFF
        and data[40:42] != b"\0\0"
        and ones_complement_sum(pseudo + data[34:]) == 0xFFFF
    )


@rfc(
    "2131 4.1 source-zero",
    "2131 4.1 ports",
    "894 Frame type",
    "894 Frame header-then-data",
    "894 Address broadcast",
    "6864 4.1 id-of-atomic-datagrams",
    "1122 3.2.1.3 zero-only-as-a-source",
    "1122 3.3.6 broadcast-frames-have-a-broadcast-address",
    "1122 3.3.6 limited-broadcast",
    "2131 4.4.1 discover-broadcast",
    "3021 2.2 limited-broadcast",
)
def test_a_broadcast_goes_to_all_from_nobody():
    sender = Sender().selecting()
    data = sender.frame()
    assert data[:14] == ALL_MACS + MAC + b"\x08\0"
    assert data[14:16] == b"\x45\0"
    assert u16(data, 16) == len(data) - 14
    assert data[20:22] == b"\x40\0"  # DF
    assert 0 < data[22]
    assert data[23] == 17
    assert data[26:34] == NOBODY + ALL
    assert (u16(data, 34), u16(data, 36), u16(data, 38)) == (68, 67, len(data) - 34)
    assert data[HEAD:] == sender.message
    assert right(data)


@rfc("1122 3.2.1.3 zero-only-as-a-source", "1122 3.2.1.3 source-is-its-own")
def test_a_message_with_ciaddr_comes_from_that_address():
    for sender in (Sender().renewing(), Sender().rebinding()):
        data = sender.frame()
        assert data[26:34] == IP + ALL
        assert right(data)


def test_a_release_comes_from_the_address_that_it_gives_back():
    data = Sender().bound().frame(RELEASE)
    assert data[26:34] == IP + ALL
    assert right(data)


@rfc("791 3.1 header-checksum", "768 Fields checksum", "1122 4.1.3.4 checksum-sent")
def test_both_checksums_are_right_whatever_the_length_and_the_bytes():
    for size in range(1, 220):
        options = bytes((60, size)) + bytes([(7 * i + size) & 255 for i in range(size)])
        sender = Sender(now=size * 977, options=options)
        for message in (sender.selecting(), sender.requesting(), sender.bound()):
            assert right(message.frame(RELEASE if message.lease else 0))


@rfc("768 Fields checksum")
def test_a_shorter_message_is_not_summed_with_what_a_longer_one_left():
    sender = Sender(options=bytes((60, 81)) + b"\xff" * 81)
    long = sender.requesting().frame()
    short = sender.bound().frame(RELEASE)
    assert len(short) < len(long)
    assert right(short)


@rfc("768 Fields checksum-of-zero", "1122 4.1.3.4 checksum-sent")
def test_a_udp_checksum_of_zero_is_sent_as_all_ones():
    sender = Sender(options=b"\x0c\x02\0\0").selecting()
    size = sender.session.write(sender.buf, 0)
    data = sender.whole
    data[HEAD + 4 : HEAD + 6] = b"\0\0"
    frame(data, size, MAC)
    data[HEAD + 4 : HEAD + 6] = data[40:42]  # the sum is then a multiple of 0xffff
    frame(data, size, MAC)
    assert data[40:42] == b"\xff\xff"
    assert right(bytes(data[: HEAD + size]))


@rfc("894 Frame header-then-data")
def test_a_frame_leaves_the_message_as_it_is():
    sender = Sender().selecting()
    data = sender.frame()
    assert data[HEAD:] == sender.message
    assert DISCOVER == data[HEAD + 242]


def test_a_frame_takes_next_to_nothing_from_the_heap():
    if sys.implementation.name != "micropython":
        raise Skip("cpython: what its heap takes is no board's concern")
    sender = Sender().selecting()
    size = sender.session.write(sender.buf, 0)
    data = sender.whole
    assert allocated(lambda: frame(data, size, MAC)) <= 64  # for its source address


# The socket, as it may behave on a board


class Socket:
    """says: what each recv returns, or raises."""

    def __init__(self, *says):
        self.says = list(says)
        self.closed = False

    def recv(self, size):
        said = self.says.pop(0)
        if isinstance(said, Exception):
            raise said
        return said[:size]

    def close(self):
        self.closed = True


class Poll:
    """Says of each socket that it is ready."""

    def __init__(self):
        self.socks = []

    def register(self, sock, what):
        self.socks.append(sock)

    def ipoll(self, wait):
        return [(sock, 1) for sock in self.socks]


class Select:
    poll = Poll


class Played(Link):
    """A link whose sockets are given, one after the other."""

    def __init__(self, *socks):
        self.socks = list(socks)
        self.poll = Poll()
        self.sock = None

    def open(self):
        if not self.sock:
            sock = self.socks.pop(0)
            if isinstance(sock, Exception):
                raise sock
            self.sock = sock
            self.poll.register(sock, 1)


def played(case):
    """The case, on select as it is above."""

    def run():
        link = home("link")
        name = called(link, "select")
        real = getattr(link, name)
        setattr(link, name, Select)
        try:
            case()
        finally:
            setattr(link, name, real)

    return run


@played
def test_a_datagram_is_what_is_received():
    link = Played(Socket(b"hello"))
    link.open()
    assert link.recv(1024, 0) == b"hello"


@played
def test_an_empty_datagram_gets_the_socket_closed_and_opened_anew():
    # On ESP32 every later recv of the old one would return b"" at once.
    socks = Socket(b""), Socket(b"hello")
    link = Played(*socks)
    link.open()
    assert not link.recv(1024, 0)
    assert socks[0].closed
    assert link.sock is socks[1]
    assert link.poll.socks == [socks[1]]
    assert link.recv(1024, 0) == b"hello"


@played
def test_empty_datagrams_without_end_hold_up_no_receive():
    link = Played(*[Socket(b"") for _ in range(100)])
    link.open()
    for _ in range(50):
        assert not link.recv(1024, 0)
    assert len(link.socks) >= 100 - 2 * 50 - 1
    assert not link.sock.closed


@played
def test_a_socket_that_cannot_be_opened_anew_is_tried_again_at_the_next_sending():
    link = Played(Socket(b""), OSError(EADDRINUSE), Socket(b"hello"))
    link.open()
    assert not link.recv(1024, 0)
    assert not link.sock
    assert link.poll.socks == []
    assert link.recv(1024, 0) is None
    link.open()
    assert link.recv(1024, 0) == b"hello"


@played
def test_a_fault_of_the_socket_is_nothing_received():
    # It may be the end of the socket: another one is had with the next sending.
    link = Played(Socket(OSError(EIO)), Socket(b"hello"))
    link.open()
    assert link.recv(1024, 0) is None
    assert not link.sock
    link.open()
    assert link.recv(1024, 0) == b"hello"


class Tight:
    """A socket on a heap that has so many bytes in one piece."""

    def __init__(self, room, data):
        self.room = room
        self.data = data

    def recv(self, size):
        if size > self.room:
            raise MemoryError
        return self.data[:size]


@played
def test_where_a_large_read_has_no_room_a_smaller_one_is_made():
    for room, read in ((1024, 1000), (1023, 768), (700, 576), (432, 432), (400, 324), (300, 0)):
        link = Played(Tight(room, bytes(1000)))
        link.open()
        assert len(link.recv(1024, 0) or b"") == read
        assert link.sock


@played
def test_close_may_be_called_twice():
    sock = Socket()
    link = Played(sock)
    link.open()
    link.close()
    link.close()
    assert sock.closed
    assert link.sock is None
    assert link.poll.socks == []


# The socket, as it is


class Loopback(Link):
    """A port of this machine."""

    def open(self):
        if not self.sock:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.bind(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
            self.poll.register(self.sock, select.POLLIN)


class Peer:
    """The server's end."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client = socket.getaddrinfo("127.0.0.1", PORT)[0][-1]

    def send(self, data):
        self.sock.sendto(data, self.client)

    def close(self):
        self.sock.close()


def on_loopback(case):
    """Run case(link, peer), and close what it leaves."""
    if sys.platform == "webassembly":
        raise Skip("vm32: has no sockets")
    if sys.implementation.name != "micropython":
        raise Skip("cpython: has no ipoll")
    link = Loopback(None)
    peer = Peer()
    try:
        case(link, peer)
    finally:
        link.close()
        peer.close()


def test_the_link_receives_what_is_there_and_waits_for_no_more():
    def case(link, peer):
        link.open()
        assert link.recv(1024, 0) is None
        peer.send(b"first")
        peer.send(b"second")
        for expected in (b"first", b"second"):
            assert link.recv(1024, 500) == expected
        assert link.recv(1024, 0) is None

    on_loopback(case)


def test_a_datagram_that_is_too_long_is_cut():
    def case(link, peer):
        link.open()
        peer.send(b"x" * 2000)
        assert len(link.recv(1024, 500)) == 1024

    on_loopback(case)


def test_an_empty_datagram_is_survived():
    def case(link, peer):
        link.open()
        peer.send(b"")
        assert not link.recv(1024, 500)
        peer.send(b"hello")
        assert link.recv(1024, 500) == b"hello"

    on_loopback(case)


def test_without_a_socket_nothing_is_received():
    def case(link, peer):
        assert link.recv(1024, 0) is None
        link.open()
        link.close()
        peer.send(b"late")
        assert link.recv(1024, 5) is None

    on_loopback(case)


def test_what_came_while_the_socket_was_closed_is_gone():
    def case(link, peer):
        link.open()
        peer.send(b"old")
        link.close()
        link.open()
        assert link.recv(1024, 20) is None

    on_loopback(case)


def test_an_idle_receive_takes_nothing_from_the_heap():
    def case(link, peer):
        link.recv(1024, 0)  # the first one makes ipoll's tuple
        assert allocated(lambda: link.recv(1024, 0)) == 0
        link.open()
        assert allocated(lambda: link.recv(1024, 0)) == 0
        without_heap(lambda: link.recv(1024, 0))

    on_loopback(case)
