"""dhcpc: a DHCPv4 client (RFC 2131) for MicroPython boards."""

try:
    import micropython
except ImportError:
    from . import cpython

from .client import Client
