"""The time, from the servers that the network names (option 42): an app.py. The board's clock is
set as soon as there is a lease, and then once a day.

It asks by SNTP (RFC 4330): one datagram there, one back.
"""

import socket
import struct
import time

import machine

PORT = 123
NTP_SERVERS = 42
ASK = b"\x1b" + bytes(47)  # version 3, client
TRANSMITTED = 40  # where the server's time begins in its answer
# Where the port's time begins, in seconds from 1900: in 2000 on ESP32, in 1970 on RP2
EPOCH = 3155673600 if time.gmtime(0)[0] == 2000 else 2208988800
ERA = 1 << 32  # seconds until its count begins anew, in 2036
TIMEOUT_S = 1
MOST = 3  # servers that are asked in one go: if all are silent, the watchdog waits for so long
DAY_MS = 86400_000
AGAIN_MS = 60_000  # after a server that was silent

due = time.ticks_ms()


def seconds(server):
    """The board's time by that server. OSError: it is silent. ValueError: it has no time."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.settimeout(TIMEOUT_S)
        sock.sendto(ASK, socket.getaddrinfo(server, PORT)[0][-1])
        answer = sock.recv(48)
    finally:
        sock.close()
    # A leap indicator of 3, stratum 0: the server does not know either.
    if len(answer) < 48 or answer[0] >> 6 == 3 or not answer[1]:
        raise ValueError("it has no time")
    return (struct.unpack_from("!I", answer, TRANSMITTED)[0] - EPOCH) % ERA


def set_clock(servers):
    """Set the board's clock by the first that answers; return whether one has."""
    for server in servers[:MOST]:
        try:
            now = time.gmtime(seconds(server))
        except (OSError, OverflowError, ValueError) as error:  # a year that the board cannot tell
            print("ntp: %s: %s" % (server, error))
            continue
        machine.RTC().datetime(now[:3] + (now[6],) + now[3:6] + (0,))
        print("ntp: %04d-%02d-%02d %02d:%02d:%02d, by %s" % (now[:6] + (server,)))
        return True
    return False


def loop(dhcp):
    """Set the clock when it is time to."""
    global due
    now = time.ticks_ms()
    if dhcp.lease and time.ticks_diff(now, due) >= 0:
        done = set_clock(dhcp.lease.ips(NTP_SERVERS))
        due = time.ticks_add(now, DAY_MS if done else AGAIN_MS)
