"""What the firmware costs a board: bytes of .mpy, heap after import; the budget; what grew."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from measure import imports, mpy
from toolchain import package, vm
from toolchain.cli import Refusal

CORE = ("wire", "lease", "session")


class Limit(NamedTuple):
    """Bytes. `must` is held by the tests; `aim` is where we want to stand."""

    must: int
    aim: int


BUDGET = {
    "total": Limit(must=8704, aim=8192),
    "core": Limit(must=4314, aim=3600),
    "heap64": Limit(must=18432, aim=16384),
    "heap32": Limit(must=13312, aim=12288),
}
TITLES = {
    "total": "what every board gets",
    "core": " + ".join(CORE) + ", each a file",
    "heap64": "heap after import, 64-bit VM",
    "heap32": "heap after import, 32-bit VM",
}


def files() -> dict[str, int]:
    """The bytes of each .mpy that a board can get, extras too."""
    directory = vm.compile_firmware() / vm.PACKAGE.name
    return {path.stem: path.stat().st_size for path in sorted(directory.glob("*.mpy"))}


def core() -> int:
    """The bytes of the three modules that know the protocol, each a file of its own."""
    source = vm.ROOT / "build/core/source"
    package.write({f"{name}.py": package.single(name, package.read()) for name in CORE}, source)
    compiled = vm.compile_package(source, source.parent / "mpy") / source.name
    return sum((compiled / f"{name}.mpy").stat().st_size for name in CORE)


def machine(bits: int) -> vm.VM:
    """The VM that heap is measured in: the 64-bit one, or the newest 32-bit one."""
    return vm.vms()["vm64"] if bits == 64 else list(vm.vms().values())[-1]


def heap(bits: int) -> int:
    """The bytes of heap that the import of what every board gets takes, by a VM's bits.

    Refusal if that VM is missing, or if the import fails.
    """
    return imports.heap(machine(bits), vm.compile_firmware())


def functions(source: str) -> dict[str, int]:
    """The bytes that each function of some source takes, by its path; beside them "names" and
    "constants", the tables of the file.
    """
    defined = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, _DEFINES)]
    # What MicroPython knows a name by, if it has that name itself.
    probe = "".join(f"def {name}(): pass\n" for name in defined)
    known = {
        path[0]: name
        for (path, _), name in zip(mpy.functions(_compiled(probe))[3:], defined, strict=True)
    }
    found: dict[str, int] = {}
    for path, size in mpy.functions(_compiled(source)):
        shown = ".".join(known.get(part, part) for part in path)
        found[shown] = found.get(shown, 0) + size
    return found


_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _compiled(source: str) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        package.write({f"{package.ROOT_MODULE}.py": source}, where / "dhcpc")
        vm.compile_package(where / "dhcpc", where / "mpy")
        return (where / f"mpy/dhcpc/{package.ROOT_MODULE}.mpy").read_bytes()


def growth() -> dict[str, int]:
    """By how many bytes each function of the one file differs from the last commit's, the largest
    first. Refusal says why that cannot be told.
    """
    now, before = functions(package.join(package.read())), functions(package.join(_committed()))
    changes = {name: now.get(name, 0) - before.get(name, 0) for name in {*now, *before}}
    return {
        name: changes[name]
        for name in sorted(changes, key=lambda name: (-abs(changes[name]), name))
        if changes[name]
    }


def _committed() -> package.Texts:
    where = vm.PACKAGE.relative_to(vm.ROOT)
    listed = _git("ls-tree", "--name-only", "HEAD", f"{where}/")
    paths = [Path(line) for line in listed.splitlines() if line.endswith(".py")]
    return {path.stem: _git("show", f"HEAD:{path}") for path in paths}


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=vm.ROOT, capture_output=True, text=True)
    except OSError as error:
        raise Refusal(f"there is no git: {error.strerror}") from None
    if done.returncode:
        raise Refusal(f"git {words[0]}: {done.stderr.strip().splitlines()[0]}")
    return done.stdout
