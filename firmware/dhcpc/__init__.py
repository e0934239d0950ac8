"""A DHCPv4 client for MicroPython boards (RFC 2131)."""

# In the order of the layers: each knows only those above it. A board gets one file, which has
# them in place of these lines.
from .wire import Message as Message, build as build, option as option, stray as stray
from .lease import Lease as Lease, dotted as dotted
from .session import Session as Session
from .store import Store as Store
from .link import Link as Link, checksum as checksum, frame as frame
from .client import Client as Client

__version__ = "0.2.0"
