"""The odd server: a host of the lab whose frames this process reads and writes."""

from __future__ import annotations

import heapq
import itertools
import os
import select
import socket
import threading
import time
from collections import Counter

from scapy.layers.dhcp import BOOTP
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether

from odd.oddity import Oddity
from odd.replies import CLIENT, DISCOVER, NAK, OTHER, REQUEST, SERVER, Heard, Reply, proper, reply
from testbed.network import Network
from testbed.process import python

_HOST = "odd"
_MAC = "02:00:00:00:01:01"
_OTHER_MAC = "02:00:00:00:01:02"


def _send_sockets(interface: str, to: str) -> None:
    """Hand three sockets to who listens: for frames; and one at each server's port, so that the
    kernel does not call it closed."""
    import socket

    ETH_P_IP = 0x0800
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    frames.bind((interface, ETH_P_IP))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", 67))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(to)
        socket.send_fds(sock, [b"\0"], [frames.fileno(), udp.fileno()])


class OddServer:
    """A server, and an honest one beside it if the oddity has one; a context manager.

    Both answer in a thread of this process. `be` tells which oddity it has from now on; what it
    knew of clients is forgotten then.
    """

    def __init__(self, net: Network) -> None:
        net.add_host(_HOST, _MAC, f"{SERVER}/24")
        path = net.dir / "odd"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(net.outside(path)))
            listener.listen()
            net.run(python(_send_sockets, "eth0", str(path)), host=_HOST)
            with listener.accept()[0] as sock:
                frames, udp = socket.recv_fds(sock, 1, 2)[1]
        self._frames, self._udp = socket.socket(fileno=frames), udp
        self._end, self._ended = os.pipe()
        self._lock = threading.Lock()
        self.be(None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> OddServer:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ended)
        self._thread.join()
        os.close(self._end)
        os.close(self._udp)
        self._frames.close()

    def be(self, oddity: Oddity | None) -> None:
        """Have that oddity from now on; None: answer nothing."""
        with self._lock:
            self._oddity = oddity
            self._heard: Counter[int] = Counter()
            self._refused = False
            self._due: list[tuple[float, int, bytes]] = []
            self._numbers = itertools.count()
            self.fault: BaseException | None = None

    def _serve(self) -> None:
        while True:
            with self._lock:
                wait = max(self._due[0][0] - time.monotonic(), 0) if self._due else 0.2
            ready = select.select([self._frames.fileno(), self._end], [], [], min(wait, 0.2))[0]
            if self._end in ready:
                return
            with self._lock:
                try:
                    if ready:
                        self._take(self._frames.recv(65535))
                    while self._due and self._due[0][0] <= time.monotonic():
                        self._frames.send(heapq.heappop(self._due)[2])
                except Exception as error:
                    self.fault = error  # the run reports it

    def _take(self, data: bytes) -> None:
        frame = Ether(data)
        if not self._oddity or UDP not in frame or BOOTP not in frame or frame[UDP].dport != 67:
            return
        heard = Heard(frame)
        self._heard[heard.kind] += 1
        heard.nth = self._heard[heard.kind]
        oddity = self._oddity
        named = heard.options.get("server_id", SERVER)
        if named != OTHER:
            yiaddr = self._address(heard)
            for index, kind in enumerate(oddity.answers(heard)):
                made = reply(heard, kind, SERVER, yiaddr, _MAC, index)
                for change in oddity.changes:
                    change(made)
                self._refused |= kind == NAK and not oddity.same
                self._post(made, oddity.late)
        if oddity.beside is not None and (heard.kind == DISCOVER or named == OTHER):
            for kind in proper(heard):
                self._post(reply(heard, kind, OTHER, "192.0.2.200", _OTHER_MAC), oddity.beside)

    def _address(self, heard: Heard) -> str:
        # A refused client is offered the next address. A REQUEST is for what it says.
        if heard.kind == REQUEST:
            asked = heard.bootp.ciaddr if heard.has_address else ""
            return str(asked or heard.options.get("requested_addr", CLIENT))
        return f"192.0.2.{100 + self._refused}"

    def _post(self, made: Reply, late: float) -> None:
        for frame in made.frames():
            heapq.heappush(self._due, (time.monotonic() + late, next(self._numbers), frame))
