"""The programs of firmware/examples before servers and networks that are odd: main.py would end at
the prompt with what they raise.
"""

import struct
import time

from cable import Board, Server
from kit import imported, module
from stage import source
from world import opt

# Only these find the programs: firmware/ is where the oldest takes the package from.
VMS = ("cpython", "vm64", "vm32-1.22")


class Socket:
    """Answers with `answer`, a datagram or what is raised."""

    sent = 0

    def __init__(self, answer):
        self.answer = answer

    def bind(self, address):
        pass

    def setblocking(self, yes):
        pass

    def settimeout(self, seconds):
        pass

    def close(self):
        pass

    def recv(self, size):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def recvfrom(self, size):
        return self.recv(size), ("192.0.2.9", 5)

    def sendto(self, data, address):
        self.sent += 1
        if isinstance(self.answer, Exception) or data[:1] != b"\x1b":
            raise OSError(113)


def program(name, sock, printed):
    """The names of a program, and what it prints into `printed`, with that socket."""
    clock = module(datetime=lambda when: None)
    modules: dict[str, object] = {
        "socket": module(
            AF_INET=2,
            SOCK_DGRAM=2,
            socket=lambda *how: sock,
            getaddrinfo=lambda host, port: [(2, 2, 0, "", (host, port))],
        ),
        "time": module(
            ticks_ms=lambda: 0,
            ticks_diff=lambda a, b: a - b,
            ticks_add=lambda a, b: a + b,
            gmtime=time.gmtime,
        ),
        "machine": module(RTC=lambda: clock),
    }
    names: dict[str, object] = {"__name__": "app", "print": lambda *what: printed.append(what)}
    with imported(modules):
        exec(source("examples/%s.py" % name), names)
    return names


def leased(options):
    """A client whose server gives these options."""
    return Board(Server(options=options)).bound().client


def asked(answer, servers=1):
    """What ntp_app prints before so many servers that answer so."""
    printed: list[object] = []
    sock = Socket(answer)
    dhcp = leased(opt(42, bytes((192, 0, 2, 9)) * servers))
    program("ntp_app", sock, printed)["loop"](dhcp)
    return printed


def told(first, stratum, since_1900):
    return struct.pack("!BB38xII", first, stratum, since_1900, 0)


def test_a_time_that_a_server_does_not_know_is_not_set():
    for answer in (told(0xDC, 2, 1 << 31), told(0x1C, 0, 1 << 31), b"\x1c\2", b""):
        assert asked(answer) == [("ntp: 192.0.2.9: it has no time",)], answer


def test_any_time_of_a_server_is_set_or_said_to_be_wrong():
    for since_1900 in (0, 1, 2208988799, 3155673599, 0xFFFFFFFF):
        assert len(asked(told(0x1C, 2, since_1900))) == 1


def test_of_silent_time_servers_few_are_asked_in_one_go():
    assert len(asked(OSError(110), servers=9)) == 3


def test_what_a_vendors_server_sends_is_shown_whatever_it_is():
    for vendor in (b"\1\2\xff\xfe", b"\1\0", b"\1\5a", b"\2\5\1\1\1\1\1"):
        printed: list[object] = []
        program("enterprise_app", None, printed)["setup"](leased(opt(43, vendor)))
        assert len(printed) >= 3, vendor


def test_an_answer_that_cannot_leave_ends_no_program():
    for answer in (b"who", OSError(11)):
        sock = Socket(answer)
        app = program("fallback_app", sock, [])
        dhcp = leased(b"")
        app["setup"](dhcp)
        app["loop"](dhcp)
        assert sock.sent == (answer == b"who")
