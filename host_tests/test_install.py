"""How others install the firmware: mip on the board, mpremote's mip, frozen by a manifest, and pip
for CPython."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import dhcpc
import mip_index
from device.virtual import VirtualBoard
from toolchain import cli, package, vm

PACKAGE_JSON = vm.FIRMWARE / "package.json"
MANIFEST = vm.FIRMWARE / "manifest.py"
TOOL = vm.ROOT / "tools/mip_index.py"
EXTRAS = package.extras()
MODULES = {f"dhcpc/{py.name}": py.read_bytes() for py in vm.PACKAGE.glob("*.py")}
DEFAULT_MODULES = {path: data for path, data in MODULES.items() if Path(path).stem not in EXTRAS}
ONE_FILE = "dhcpc/__init__.mpy"

# MicroPython's tools/manifestfile.py, as it is in the package micropython-stubber
READER = vm.ROOT / ".venv/apart/stubber/stubber/tools/manifestfile.py"
MPREMOTE = vm.ROOT / ".venv/bin/mpremote"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves a directory; returns its URL."""
    with ExitStack() as stack:

        def on(directory: Path) -> str:
            handler = partial(Quiet, directory=str(directory))
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield on


@pytest.fixture
def machine() -> vm.VM:
    unix = vm.vms()["vm64"]
    if unix.missing:
        pytest.skip(f"{unix.name}: {unix.missing}")
    return unix


@pytest.fixture
def board(machine: vm.VM, tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path / "flash.img") as found:
        yield found


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make mip` makes, somewhere else."""
    directory = tmp_path_factory.mktemp("index")
    done = subprocess.run(
        [sys.executable, TOOL, "--output", directory], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f" dhcpc-{EXTRAS[0]}\n" in done.stdout
    return directory


def compiled() -> dict[str, bytes]:
    """What a board can get, with all extras."""
    return {f"dhcpc/{mpy.name}": mpy.read_bytes() for mpy in vm.MPY.glob("dhcpc/*.mpy")}


def import_all(where: str, paths: list[str]) -> str:
    """A script that imports each module and says which it were; none may come from elsewhere."""
    names = [re.sub(r"/__init__$", "", path.rpartition(".")[0]) for path in sorted(paths)]
    names = [name.replace("/", ".") for name in names]
    lines = [f"import {name}; assert {name}.__file__.startswith({where!r})" for name in names]
    return "\n".join([*lines, f"print({' '.join(names)!r})"])


# mip on the board


def mip(machine: vm.VM, target: Path, *packages: str, **how: object) -> dict[str, bytes]:
    """Have mip install packages in a VM and import all that it installed; return that."""
    target.mkdir(exist_ok=True)
    given = ", ".join(
        f"{name}={value!r}" for name, value in {"target": str(target), **how}.items()
    )
    script = "\n".join(["import mip", *(f"mip.install({name!r}, {given})" for name in packages)])
    result = machine.run(script)
    if "ImportError: no module named 'mip'" in result.out:
        pytest.skip("vm64: it was built without mip: `make setup` gets one that has it")
    assert result.code == 0, result.out
    installed = {str(py.relative_to(target)): py.read_bytes() for py in target.rglob("*.*")}
    found = f"import sys; sys.path[:] = [{str(target)!r}, '.frozen']\n"
    result = machine.run(found + import_all(str(target), [*installed]))
    assert result.code == 0, result.out
    return installed


def test_mip_installs_all_modules_from_a_url(
    serve: Callable[[Path], str], machine: vm.VM, tmp_path: Path
) -> None:
    url = serve(vm.FIRMWARE)
    assert mip(machine, tmp_path / "lib", f"{url}/package.json") == MODULES


def test_mip_installs_the_one_file_from_an_index(
    serve: Callable[[Path], str], index: Path, machine: vm.VM, tmp_path: Path
) -> None:
    installed = mip(machine, tmp_path / "lib", "dhcpc", index=serve(index))
    assert installed == {ONE_FILE: compiled()[ONE_FILE]}


def test_mip_installs_an_extra_and_the_client_with_it(
    serve: Callable[[Path], str], index: Path, machine: vm.VM, tmp_path: Path
) -> None:
    installed = mip(machine, tmp_path / "lib", "dhcpc-aio", index=serve(index))
    assert {*installed} == {ONE_FILE, "dhcpc/aio.mpy"}


def test_mip_installs_all_that_there_is_a_version_too(
    serve: Callable[[Path], str], index: Path, machine: vm.VM, tmp_path: Path
) -> None:
    packages = [f"dhcpc-{extra}" for extra in EXTRAS]
    how = {"index": serve(index), "version": dhcpc.__version__}
    assert mip(machine, tmp_path / "lib", *packages, **how) == compiled()


def test_mip_installs_the_modules_from_an_index_when_asked_for_source(
    serve: Callable[[Path], str], index: Path, machine: vm.VM, tmp_path: Path
) -> None:
    how = {"index": serve(index), "mpy": False}
    assert mip(machine, tmp_path / "a", "dhcpc", **how) == DEFAULT_MODULES
    installed = mip(machine, tmp_path / "b", *(f"dhcpc-{extra}" for extra in EXTRAS), **how)
    assert installed == MODULES


# mpremote's mip


def mpremote(board: VirtualBoard, *command: str | Path) -> str:
    done = subprocess.run(
        [MPREMOTE, "connect", board.port, *command], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("how", ["file", "url"])
def test_mpremote_installs_all_modules(
    how: str, serve: Callable[[Path], str], board: VirtualBoard
) -> None:
    where = str(PACKAGE_JSON) if how == "file" else f"{serve(vm.FIRMWARE)}/package.json"
    assert mpremote(board, "mip", "install", where).endswith("Done\n")
    modules = mpremote(board, "exec", import_all("/lib/", [*MODULES])).split()
    assert len(modules) == len(MODULES)


@pytest.mark.parametrize("how", ["file", "url"])
def test_mpremote_installs_from_an_index(
    how: str, serve: Callable[[Path], str], index: Path, board: VirtualBoard
) -> None:
    where = index if how == "file" else serve(index)
    said = mpremote(board, "mip", "install", "--index", where, "dhcpc", "dhcpc-sleep")
    assert re.findall("Installing: (.*)", said) == [f"/lib/{ONE_FILE}", "/lib/dhcpc/sleep.mpy"]
    assert f"Exists: /lib/{ONE_FILE}" in said
    check = "import dhcpc.sleep, os; print(dhcpc.__file__, os.listdir('/lib/dhcpc'))"
    assert mpremote(board, "exec", check) == f"/lib/{ONE_FILE} ['__init__.mpy', 'sleep.mpy']\n"


# The index


def test_an_index_keeps_what_is_there_of_other_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "__init__.mpy"
    output = tmp_path / "index"
    for version in ("0.0.1", "0.0.2"):
        monkeypatch.setattr(cli, "version", lambda version=version: version)
        file.write_text(version)
        mip_index.add(output, "6", [file])

    def contents(name: str) -> str:
        told = json.loads((output / f"package/6/dhcpc/{name}.json").read_text())
        ((path, digits),) = told["hashes"]
        assert path == ONE_FILE
        data: str = (output / "file" / digits[:2] / digits).read_text()
        assert told["version"] == data
        return data

    assert [contents(name) for name in ("0.0.1", "0.0.2", "latest")] == ["0.0.1", "0.0.2", "0.0.2"]
    extra = json.loads((output / "package/6/dhcpc-aio/0.0.1.json").read_text())
    assert extra["deps"] == [["dhcpc", "0.0.1"]]


def test_an_index_does_not_replace_a_file_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    digits = mip_index.put(tmp_path, b"moon")
    assert mip_index.put(tmp_path, b"moon") == digits
    (tmp_path / "file" / digits[:2] / digits).write_bytes(b"sun")
    with pytest.raises(cli.Refusal, match="is not what its name says"):
        mip_index.put(tmp_path, b"moon")


# Frozen


READ = """
import json, sys
sys.path.insert(0, sys.argv[1])
import manifestfile
frozen = manifestfile.ManifestFile(manifestfile.MODE_FREEZE)
try:
    frozen.execute(sys.argv[2])
except manifestfile.ManifestFileError as error:
    sys.exit(str(error))
print(json.dumps({
    "files": {file.target_path: file.full_path for file in frozen.files()},
    "opt": sorted({file.opt for file in frozen.files()}),
    "version": frozen.files()[0].metadata.version,
}))
"""


def read(manifest: Path | str) -> subprocess.CompletedProcess[str]:
    """Have MicroPython's reader read a manifest, for freezing."""
    if not READER.exists():
        pytest.skip("there is nothing to read manifests with: `make setup`")
    command = [sys.executable, "-c", READ, str(READER.parent), str(manifest)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def frozen(manifest: Path | str) -> dict[str, Any]:
    """What the reader makes of it."""
    done = read(manifest)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def contents(found: dict[str, Any]) -> dict[str, str]:
    return {target: Path(path).read_text() for target, path in found["files"].items()}


def refusal(manifest: Path | str) -> str:
    """What the reader says, with the error of the manifest in it."""
    done = read(manifest)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What of the project a manifest needs, to be changed."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("firmware", "tools/toolchain"):
        shutil.copytree(vm.ROOT / name, tmp_path / name, ignore=ignore)
    return tmp_path


def test_a_firmwares_manifest_freezes_the_one_file(tmp_path: Path) -> None:
    firmwares = tmp_path / "manifest.py"
    firmwares.write_text(f"include({str(MANIFEST)!r})\n")
    sources = package.sources()
    assert contents(frozen(firmwares)) == {"dhcpc/__init__.py": sources["__init__.py"]}


def test_extras_are_frozen_when_asked_for() -> None:
    found = frozen(f"include({str(MANIFEST)!r}, extras='aio sleep')")
    sources = package.sources()
    wanted = ("__init__.py", "aio.py", "sleep.py")
    assert contents(found) == {f"dhcpc/{name}": sources[name] for name in wanted}


def test_what_is_frozen_is_compiled_as_for_deployment() -> None:
    assert frozen(MANIFEST)["opt"] == [3]  # as toolchain/vm.py has it


def test_a_manifest_makes_the_one_file_where_nothing_was_made_yet(tree: Path) -> None:
    found = frozen(tree / "firmware/manifest.py")
    assert found["files"] == {"dhcpc/__init__.py": str(tree / "build/source/dhcpc/__init__.py")}
    assert contents(found) == contents(frozen(MANIFEST))


def test_what_a_manifest_cannot_do_is_told_in_words(tree: Path) -> None:
    manifest = tree / "firmware/manifest.py"
    why = refusal(f"include({str(manifest)!r}, extras='moon')")
    assert f"dhcpc has no extra moon; there are {', '.join(EXTRAS)}" in why
    (tree / "build").write_text("not a directory")
    assert "dhcpc: its one file cannot be written: " in refusal(manifest)
    (tree / "build").unlink()
    with (tree / "firmware/dhcpc/store.py").open("a") as module:
        module.write("\n\nclass Lease:\n    pass\n")
    assert re.search(r"store.py, line \d+: Lease is another thing than in ", refusal(manifest))
    shutil.rmtree(tree / "tools")
    assert f"by {tree}/tools, which is not there: firmware/ alone is not" in refusal(manifest)


# pip


def test_pip_brings_cpython_the_package_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"  # setuptools writes into it
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(vm.FIRMWARE, source / "firmware", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(vm.ROOT / name, source)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    (python,) = tmp_path.glob("venv/*/python")

    def pip(*command: str | Path) -> subprocess.CompletedProcess[str]:
        words = ["-m", "pip", "--disable-pip-version-check", "install", "--no-deps", *command]
        return subprocess.run([python, *words], capture_output=True, text=True)

    (needs,) = re.findall(r'^requires = \["(.*)"\]', (source / "pyproject.toml").read_text(), re.M)
    if pip("--only-binary", ":all:", needs).returncode:
        pytest.skip(f"no {needs}, with which pip builds packages: is PyPI in reach?")
    done = pip("--no-build-isolation", source)
    assert done.returncode == 0, done.stdout + done.stderr

    (told,) = tmp_path.glob("venv/lib/*/site-packages/dhcpc-*.dist-info")
    record = [line.split(",")[0] for line in (told / "RECORD").read_text().splitlines()]
    tops = {path.split("/")[0] for path in record}
    assert tops == {"dhcpc", f"dhcpc-{dhcpc.__version__}.dist-info"}
    installed = {path for path in record if path.startswith("dhcpc/") and ".pyc" not in path}
    assert installed == {*MODULES, "dhcpc/py.typed"}
    metadata = (told / "METADATA").read_text()
    assert "\nLicense-Expression: MIT\n" in metadata
    assert "\nRequires-Python: >=3.10\n" in metadata
    assert "\nRequires-Dist: " not in metadata

    where = str(told.parent / "dhcpc")
    done = subprocess.run(
        [python, "-c", import_all(where, [*MODULES])],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.split()) == len(MODULES)


# The version


def test_the_version_is_the_same_everywhere(index: Path) -> None:
    version = dhcpc.__version__
    assert json.loads(PACKAGE_JSON.read_text())["version"] == version
    assert frozen(MANIFEST)["version"] == version
    assert json.loads((index / "package/6/dhcpc/latest.json").read_text())["version"] == version
    # pip's is held above; where there is no PyPI, this is.
    assert (
        '\nversion = { attr = "dhcpc.__version__" }\n' in (vm.ROOT / "pyproject.toml").read_text()
    )
