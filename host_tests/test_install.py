"""How others install the firmware: mip on the board, mpremote's mip, and frozen by a manifest."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from device.virtual import VirtualBoard
from toolchain import vm

PACKAGE_JSON = vm.FIRMWARE / "package.json"
MANIFEST = vm.FIRMWARE / "manifest.py"
MODULES = {f"dhcpc/{py.name}": py.read_bytes() for py in vm.PACKAGE.glob("*.py")}

# MicroPython's tools/manifestfile.py, as it is in the package micropython-stubber
READER = vm.ROOT / ".venv/apart/stubber/stubber/tools/manifestfile.py"
MPREMOTE = vm.ROOT / ".venv/bin/mpremote"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """Where `firmware/` is served."""
    handler = partial(Quiet, directory=str(vm.FIRMWARE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def machine() -> vm.VM:
    unix = vm.vms()["vm64"]
    if unix.missing:
        pytest.skip(f"{unix.name}: {unix.missing}")
    return unix


def import_all(where: str) -> str:
    """A script that imports each module and says which it were; none may come from elsewhere."""
    names = [path[:-3].replace("/", ".").removesuffix(".__init__") for path in sorted(MODULES)]
    lines = [f"import {name}; assert {name}.__file__.startswith({where!r})" for name in names]
    return "\n".join([*lines, f"print({' '.join(names)!r})"])


def test_mip_on_the_board_installs_all_modules(url: str, machine: vm.VM, tmp_path: Path) -> None:
    target = tmp_path / "lib"
    target.mkdir()
    installs = f"import mip; mip.install({url + '/package.json'!r}, target={str(target)!r})"
    found = f"import sys; sys.path[:] = [{str(target)!r}, '.frozen']"
    result = machine.run("\n".join([installs, found, import_all(str(target))]))
    if "ImportError: no module named 'mip'" in result.out:
        pytest.skip("vm64: it was built without mip: `make setup` gets one that has it")
    assert result.code == 0, result.out
    installed = {str(py.relative_to(target)): py.read_bytes() for py in target.rglob("*.*")}
    assert installed == MODULES, result.out


@pytest.mark.parametrize("how", ["file", "url"])
def test_mpremote_mip_installs_all_modules(
    how: str, url: str, machine: vm.VM, tmp_path: Path
) -> None:
    package = str(PACKAGE_JSON) if how == "file" else f"{url}/package.json"
    with VirtualBoard(tmp_path / "flash.img") as board:

        def mpremote(*command: str) -> str:
            done = subprocess.run(
                [MPREMOTE, "connect", board.port, *command],
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        out = mpremote("mip", "install", package)
        assert out.endswith("Done\n")
        modules = mpremote("exec", import_all("/lib/")).split()
    assert len(modules) == len(MODULES)


def read(manifest: Path) -> Any:
    """What MicroPython's reader makes of a manifest, for freezing."""
    if not READER.exists():
        pytest.skip("there is nothing to read manifests with: `make setup`")
    spec = importlib.util.spec_from_file_location("manifestfile", READER)
    assert spec
    assert spec.loader
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    frozen = reader.ManifestFile(reader.MODE_FREEZE)
    frozen.execute(str(manifest))
    return frozen


def test_a_firmwares_manifest_freezes_all_modules(tmp_path: Path) -> None:
    firmwares = tmp_path / "manifest.py"
    firmwares.write_text(f"include({str(MANIFEST)!r})\n")
    files = read(firmwares).files()
    assert {f.target_path: Path(f.full_path).read_bytes() for f in files} == MODULES


def test_what_is_frozen_is_compiled_as_for_deployment() -> None:
    assert {f.opt for f in read(MANIFEST).files()} == {3}  # as toolchain/vm.py has it


def test_the_version_is_the_same_everywhere() -> None:
    assert json.loads(PACKAGE_JSON.read_text())["version"] == read(MANIFEST).metadata().version
