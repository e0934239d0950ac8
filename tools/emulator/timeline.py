"""What a wake takes on the emulated Pico W, with what a board gets, and the import of the modules
beside it."""

from __future__ import annotations

from pathlib import Path

from rp2040py.boards import BOARDS, resolve_layout

from emulator.image import BOARD
from emulator.pico_w import PicoW
from measure import imports, wake
from testbed.lab import Lab
from testbed.plan import Plan
from testbed.tap import plugged
from toolchain import vm


def timeline(image: Path) -> None:
    """Print what a wake takes. LabError, Unavailable: as of `prove`."""
    layout = resolve_layout(BOARDS["pico_w"], "micropython")
    assert layout
    size = layout.fs_blockcount * layout.fs_blocksize
    packages = {"modules": imports.modules(), "one file": vm.compile_firmware()}
    beside = {"/board.py": (vm.ROOT / "boards" / BOARD / "board.py").read_bytes()}
    with Lab() as net, plugged(net) as tap:
        net.serve("dnsmasq", Plan())
        found = wake.measure(lambda files: PicoW(image, tap, files), packages, beside, size)
    print("", f"A wake in emulated time, {image.name}", *wake.table(*found), sep="\n")
