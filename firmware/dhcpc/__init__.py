"""dhcpc: a DHCPv4 client (RFC 2131) for MicroPython boards."""

from .client import Client
