"""A sensor that sleeps: as main.py, without a boot.py. Each wake it measures, is on the network,
sends one datagram, sleeps.

ESP32 keeps the lease in its RTC's memory: a wake costs no packet until T1. RP2 has none, and no
clock that survives: the lease is in flash, and a wake costs one REQUEST. Of /dhcpc.json it takes
the Wi-Fi alone: what reads all of it would be imported at each wake.
"""

import json
import socket
import time

import machine

import board  # boards/<BOARD>/board.py
from dhcpc import sleep

COLLECTOR = "192.0.2.1", 5000
SLEEP_S = 300
TIMEOUT_MS = 10_000  # for a lease
LEAVE_MS = 100  # for what is sent to be sent: the neighbour may have to be found first, by ARP


def measure():
    """What is to be told, bytes."""
    return str(time.ticks_ms()).encode()


def tell(data):
    """Send it. OSError: there is no network."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.sendto(data, socket.getaddrinfo(*COLLECTOR)[0][-1])
        time.sleep_ms(LEAVE_MS)
    finally:
        sock.close()


def main():
    """One wake."""
    with open("/dhcpc.json") as f:
        config = json.load(f)
    nic = board.nic()
    has_memory = hasattr(machine.RTC(), "memory")
    store = sleep.Memory() if has_memory else "/dhcpc.lease"
    dhcp = sleep.Client(nic, store=store, reuse=has_memory)
    if "ssid" in config:
        nic.connect(config["ssid"], config.get("key"))
    try:
        dhcp.acquire(TIMEOUT_MS)
        tell(measure())
        dhcp.before_sleep()
    except OSError as error:
        print("no network:", error)
    machine.deepsleep(SLEEP_S * 1000)


main()
