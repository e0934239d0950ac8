"""A DHCPv4 client for MicroPython boards (RFC 2131)."""

import micropython  # const() for CPython

from .client import Client as Client
