"""A connection that outlives the network, as MQTT and others need one: an app.py.

A socket belongs to the address that the board had when it was opened. When that is gone, nothing
tells the socket: it would wait for ever. So this closes it as soon as the lease is gone or is of
another address, and opens another as soon as there is one.
"""

import errno
import socket
import time

BROKER = "192.0.2.1", 1883
HELLO = b"hello from %s\n"
CONNECT_S = 2  # at most, for a connection; the watchdog waits meanwhile
AGAIN_MS = 5000  # after one that failed

sock = None
address = None  # that the socket belongs to
due = time.ticks_ms()  # when to try


def connect(ip):
    """Open a connection from the address `ip`. OSError: there is none."""
    global sock
    new = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        new.settimeout(CONNECT_S)
        new.connect(socket.getaddrinfo(*BROKER)[0][-1])
        new.sendall(HELLO % ip.encode())
        new.setblocking(False)
    except OSError:
        new.close()
        raise
    sock = new
    print("broker: connected from", ip)


def disconnect(why):
    """Close the connection, if there is one."""
    global sock, due
    if sock:
        print("broker: closed,", why)
        sock.close()
        sock = None
    due = time.ticks_ms()


def receive(sock):
    """What has come, or None; OSError: the connection is over."""
    try:
        data = sock.recv(256)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return None
        raise
    if not data:
        raise OSError(errno.ENOTCONN)
    return data


def loop(dhcp):
    """Keep the connection, and take in what comes."""
    global address, due
    ip = dhcp.lease.ip if dhcp.lease else None
    if ip != address:
        disconnect("the address is %s" % ip)
        address = ip
    try:
        if sock:
            data = receive(sock)
            if data:
                print("broker:", data)
        elif ip and time.ticks_diff(time.ticks_ms(), due) >= 0:
            due = time.ticks_add(time.ticks_ms(), AGAIN_MS)
            connect(ip)
    except OSError as error:
        disconnect(error)
        due = time.ticks_add(time.ticks_ms(), AGAIN_MS)
        print("broker:", error)
