"""An RP2's flash, by the drive that its bootloader shows: a UF2 file that is copied there.

The drive knows itself by INFO_UF2.TXT: https://github.com/microsoft/uf2
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from device.catalogue import Model
from toolchain.cli import Refusal

INFO = "INFO_UF2.TXT"
BUTTON = "hold BOOTSEL while you plug the board in, and let go"

_IDS = {"RPI-RP2": "rp2040", "RP2350": "rp2350"}  # Board-ID, which is the drive's label, too
_MOUNTS = Path("/proc/self/mounts")  # Linux
_VOLUMES = Path("/Volumes")  # macOS
_LABELS = Path("/dev/disk/by-label")
_STEP_S = 0.2
_TAKES_S = 20  # to restart with a new image


class Drive(NamedTuple):
    """A bootloader's drive. `mcu`: as in boards/*/board.json."""

    path: Path
    mcu: str


def mounts() -> list[Path]:
    """Where drives are mounted that may be a bootloader's."""
    if not _MOUNTS.exists():
        return sorted(_VOLUMES.iterdir()) if _VOLUMES.exists() else []
    lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    found = [line.split()[1] for line in lines if line.split()[2:3] == ["vfat"]]
    return [Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), at)) for at in found]


def drives() -> list[Drive]:
    """The drives of bootloaders that are mounted."""
    found = []
    for path in mounts():
        try:
            info = (path / INFO).read_text("ascii", "replace")
        except OSError:
            continue
        name = re.search(r"^Board-ID: *(\S+)", info, re.MULTILINE)
        if name and name[1] in _IDS:
            found.append(Drive(path, _IDS[name[1]]))
    return found


def wait(model: Model, seconds: float) -> Drive:
    """The drive of the board that is in its bootloader, once it is there. Refusal: there is none
    after so many seconds, or several, or one of another MCU."""
    end = time.monotonic() + seconds
    while not (found := drives()):
        if time.monotonic() > end:
            raise Refusal(_missing())
        time.sleep(_STEP_S)
    if len(found) > 1:
        paths = " and ".join(str(drive.path) for drive in found)
        raise Refusal(f"{paths} are drives of bootloaders: leave one board plugged in")
    if found[0].mcu != model.mcu:
        raise Refusal(f"{found[0].path} is an {found[0].mcu}, but {model.name} has an {model.mcu}")
    return found[0]


def _missing() -> str:
    # Some systems mount nothing by themselves.
    for label in _IDS:
        if (_LABELS / label).exists():
            return (
                f"the board is in its bootloader, but its drive is not mounted: "
                f"udisksctl mount -b {_LABELS / label}, and run it again"
            )
    return f"no drive of a bootloader is here: {BUTTON}; then run it again"


def copy(drive: Drive, image: Path) -> None:
    """Copy an image to the drive, and see the bootloader take it. Refusal: it does not."""
    data = image.read_bytes()
    print(f"copies {len(data) // 1024:,} KB to {drive.path}, which takes some seconds", flush=True)
    failed: OSError | None = None
    try:
        with (drive.path / "firmware.uf2").open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # with the last block the drive may be gone
        failed = error
    end = time.monotonic() + _TAKES_S
    while (drive.path / INFO).exists():
        if failed or time.monotonic() > end:
            why = failed.strerror if failed else "its bootloader does not take the image"
            raise Refusal(f"{drive.path}: {why}; {BUTTON}, and run it again")
        time.sleep(_STEP_S)
