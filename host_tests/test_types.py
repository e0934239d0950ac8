"""What an editor tells who uses the firmware: mypy on a user's file with two mistakes in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from toolchain import vm

USERS = """import dhcpc

dhcp = dhcpc.Client(None, hostnam="greenhouse-3")
print(dhcp.lease.ip)
lease = dhcp.acquire()
print(lease.ip, lease.ips(42), dhcp.poll() + 1)
"""


def mypy(*arguments: str | Path, where: Path) -> list[str]:
    """What it says, a line each, with no settings of this project."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", os.devnull, *arguments],
        cwd=where,
        env={**os.environ, "MYPYPATH": str(vm.FIRMWARE), "MYPY_CACHE_DIR": str(where / "cache")},
        capture_output=True,
        text=True,
    )
    return [line for line in done.stdout.splitlines() if ": error: " in line]


def test_a_setting_that_there_is_not_and_a_lease_that_may_be_none_are_flagged(
    tmp_path: Path,
) -> None:
    (tmp_path / "users.py").write_text(USERS)
    setting, lease = mypy("users.py", where=tmp_path)
    assert setting.startswith('users.py:3: error: Unexpected keyword argument "hostnam"')
    assert lease.startswith('users.py:4: error: Item "None" of "Lease | None" has no attribute')


def test_the_firmware_itself_has_no_error(tmp_path: Path) -> None:
    assert mypy("--check-untyped-defs", vm.PACKAGE, where=tmp_path) == []
