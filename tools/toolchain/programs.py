"""The programs of this machine: where they are, and how to get those that are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from toolchain.cli import Unavailable

PACKAGES = {  # program: the Debian package that brings it
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "tcpdump": "tcpdump",
    "dnsmasq": "dnsmasq-base",
    "dhcpd": "isc-dhcp-server",
    "kea-dhcp4": "kea-dhcp4-server",
    "udhcpd": "udhcpd",
    "udhcpc": "udhcpc",
    "dhclient": "isc-dhcp-client",
    "dhcpcd": "dhcpcd-base",
    "chromium": "chromium",
}

# An ordinary user's PATH may lack sbin. Lease files and messages are read: no translations.
ENVIRONMENT = {
    **os.environ,
    "PATH": os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin",
    "LC_ALL": "C",
}

Argv = Sequence["str | Path"]


def require(*programs: str) -> None:
    """Raise Unavailable, with the remedy, unless all these programs are installed."""
    missing = [program for program in programs if not which(program)]
    if missing:
        packages = " ".join(sorted({PACKAGES[program] for program in missing}))
        policy = "/usr/sbin/policy-rc.d"
        raise Unavailable(
            f"not installed: {', '.join(missing)}. To install, without starting a service: "
            f'sudo sh -c \'printf "#!/bin/sh\\nexit 101\\n" >{policy}; chmod 755 {policy}; '
            f"apt-get install -y --no-install-recommends {packages}; rm {policy}'"
        )


def which(program: str) -> str | None:
    """The path of a program; None if it is not installed."""
    return shutil.which(program, path=ENVIRONMENT["PATH"])
