"""How fast the firmware is in the MicroPython VMs, beside Adafruit's DHCP client for WIZNET5K; its
one file beside the modules that it is made of.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from measure import imports
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from toolchain import vm
from toolchain.cli import Refusal

PEER = "Adafruit"
ROUNDS = 400  # of the messages
STARTS = 40  # of the VM, for each way
IMPORTS = 40  # of each form; each is a batch of them

_HERE = Path(__file__).resolve().parent
_PINS = vm.ROOT / "tools/bench_requirements.txt"
_BUILD = vm.ROOT / "build/bench"
_PEER_SOURCE = _BUILD / "pypi"
_MPY = _BUILD / "mpy"
_PEER_MODULE = "adafruit_wiznet5k.adafruit_wiznet5k_dhcp"

_HOSTNAME = "lab"
_MAC = bytes.fromhex(CLIENT_MAC.replace(":", ""))


class Row(NamedTuple):
    """A figure: samples of both sides, the n-th of each taken at about the same time. What it is
    printed as is explained in tools/bench.py."""

    name: str
    unit: str
    ours: list[float]
    theirs: list[float]
    peer: str = PEER

    def __str__(self) -> str:
        digits = 0 if self.unit in ("B", "sent") else 2
        our, their = (round(median(side), digits) for side in zip(*self._typical(), strict=True))
        times = f" (x{their / our:.1f} of {self.peer})" if our else ""
        value, peers = (f"{figure:.{digits}f} {self.unit}" for figure in (our, their))
        return f"{self.name}: {value}{times}  {self.peer} {peers}"

    def _typical(self) -> list[tuple[float, float]]:
        """The rounds without those that have the lowest and the highest ratios, a quarter each.

        What slows the machine for a while slows one side of few rounds, and both of many. If those
        are half of all, the medians of all may be a slow one of ours and a fast one of theirs.
        """
        rounds = list(zip(self.ours, self.theirs, strict=True))
        if not all(self.ours):
            return rounds
        rounds.sort(key=lambda pair: pair[1] / pair[0])
        out = len(rounds) // 4
        return rounds[out : len(rounds) - out]


def machine() -> vm.VM:
    """The VM with sockets and a clock in microseconds."""
    unix = vm.vms()["vm64"]
    if unix.missing:
        raise Refusal(f"{unix.name}: {unix.missing}")
    return unix


def install_peer() -> None:
    """Get Adafruit's code from PyPI unless the versions wanted are there; Refusal if they
    cannot be had."""
    stamp = _PEER_SOURCE / _PINS.name
    if stamp.exists() and stamp.read_text() == _PINS.read_text():
        return
    _BUILD.mkdir(parents=True, exist_ok=True)
    print(f"bench: {PEER}'s packages from PyPI into {_PEER_SOURCE}", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    only = ["--no-deps", "--only-binary", ":all:", "--no-compile", "--requirement", str(_PINS)]
    with tempfile.TemporaryDirectory(dir=_BUILD) as directory:
        new = Path(directory) / "pypi"
        done = subprocess.run([*pip, *only, "--target", str(new)], capture_output=True, text=True)
        if done.returncode:
            raise Refusal(f"cannot get {PEER}'s packages; is PyPI in reach?\n{done.stderr}")
        shutil.copy(_PINS, new)
        shutil.rmtree(_PEER_SOURCE, ignore_errors=True)
        new.rename(_PEER_SOURCE)


def compile_both() -> list[Path]:
    """Compile what the VM imports besides the firmware, in the same way.

    Return where it looks: for Adafruit's modules, for those of bench_vm.
    """
    vm.compile_package(_PEER_SOURCE, _MPY)  # adafruit_ticks.py
    vm.compile_package(_PEER_SOURCE / "adafruit_wiznet5k", _MPY / _PEER_SOURCE.name)
    vm.compile_package(_HERE / "bench_vm", _MPY)
    return [_MPY / _PEER_SOURCE.name, _MPY]


def messages(path: list[Path], rounds: int) -> list[Row]:
    """Time and heap for a message."""
    script = f"a = bytearray(1 << 18); from bench_vm import codec; del a; codec.main({rounds})"
    code, out = machine().run(script, path, timeout=600)
    if code != 0:
        raise Refusal(f"the VM ended with exit code {code}\n{out}")
    return [Row(**json.loads(line)) for line in out.splitlines()]


def loads(machine: vm.VM, rounds: int) -> list[Row]:
    """Time and heap for the import in a VM. Refusal: it is missing."""
    sides = vm.compile_firmware(), imports.modules()
    ours, theirs = imports.times(machine, sides, rounds)
    heap, their_heap = ([float(imports.heap(machine, where))] for where in sides)
    return [
        Row(f"import dhcpc, {machine.name}", "ms", ours, theirs, "modules"),
        Row(f"heap after import, {machine.name}", "B", heap, their_heap, "modules"),
    ]


def clients(machine: vm.VM) -> list[Row]:
    """Heap for the import of both clients, Adafruit's with its clock. Refusal: as of `loads`."""
    ours = imports.heap(machine, vm.compile_firmware())
    theirs = imports.heap(machine, _MPY / _PEER_SOURCE.name, _PEER_MODULE)
    return [Row(f"heap after import of a client, {machine.name}", "B", [ours], [theirs])]


def starts(path: list[Path], rounds: int) -> list[Row]:
    """From the start of the VM to the address that dnsmasq grants; Unavailable if there can
    be no lab.

    Both sides send by the same kind of UDP socket, so that it is they that are compared. Such a
    socket does not hear a unicast to an address that the interface lacks: hence the broadcasts.
    """
    peer_path, bench_path = path
    store = str(Lab.dir / "dhcpc.lease")
    ours = f"from bench_vm import ours; ours.start('eth0', {_MAC!r}, {_HOSTNAME!r}, {store!r}, "
    theirs = f"from bench_vm import adafruit; adafruit.start('eth0', {_MAC!r}, {_HOSTNAME!r})"

    # Each import looks through the whole path: neither side has the other's directory there.
    def way(script: str, code: Path) -> dict[str, Any]:
        path = os.pathsep.join(map(str, (code, bench_path, ".frozen")))
        return {"command": machine().command(script), "path": path}

    ways = {
        "nothing stored": way(ours + "True)", machine().firmware()),
        "stored lease verified": way(ours + "False)", machine().firmware()),
        "stored lease reused": way(ours + "True)", machine().firmware()),
        PEER: way(theirs, peer_path),
    }
    want = {"rounds": rounds, "ways": ways, "fresh": "nothing stored", "store": store}
    with Lab() as net:
        net.serve("dnsmasq", Plan(broadcast=True))
        plan = net.dir / "bench.json"
        net.outside(plan).write_text(json.dumps(want))
        out = net.run([sys.executable, _HERE / "bench_lab.py", plan])
    samples = json.loads(out)

    def row(title: str, unit: str, name: str, key: str) -> Row:
        ours, theirs = ([sample[key] for sample in samples[each]] for each in (name, PEER))
        return Row(title, unit, ours, theirs)

    *names, _ = ways
    return [
        row("VM start to the first packet", "ms", names[0], "first"),
        *(row(f"VM start to the address, {name}", "ms", name, "address") for name in names),
        *(row(f"packets, {name}", "sent", name, "packets") for name in names),
    ]
