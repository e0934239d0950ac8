"""tools/release.py: what it refuses, and what it writes, in copies of this tree with a history of
their own. `make` is one that keeps the targets that it is asked for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

import release
from device.image import Image
from device.virtual import VirtualBoard
from dhcpc import __version__ as version
from toolchain import vm

VM = vm.vms()["vm64"]
MPREMOTE = vm.ROOT / ".venv/bin/mpremote"
MAKE = """#!/bin/sh
echo "$2" >>"$0.said"
test "$2" != "$FAILS"
"""
NOT_OURS = (".git", ".venv", "build", "dist", "__pycache__", "*.egg-info", "corpus", "captures")
CHANGELOG = f"# Changelog\n\n## {version} - 2026-11-28\n\n- All.\n"
needs_vm = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git: install it")


class Tree(NamedTuple):
    """A copy of the project."""

    root: Path

    @property
    def dist(self) -> Path:
        return self.root / "dist"

    def git(self, *words: str | Path) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        command = ["git", "-C", self.root, *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change it")

    def ready(self) -> Tree:
        """With the tools of this one, which git does not see."""
        (self.root / ".venv").symlink_to(vm.ROOT / ".venv")
        (self.root / ".git/info/exclude").write_text("/.venv\n/bin/\n")
        make = self.root / "bin/make"
        make.parent.mkdir()
        make.write_text(MAKE)
        make.chmod(0o755)
        return self

    def release(self, *words: str, fails: str = "none") -> subprocess.CompletedProcess[str]:
        (self.root / "bin/make.said").unlink(missing_ok=True)
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, str(self.root / "tools/release.py"), *words],
            env={**os.environ, "PATH": path, "FAILS": fails},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def made(self) -> list[str]:
        """The targets that `make` was asked for."""
        said = self.root / "bin/make.said"
        return said.read_text().split() if said.exists() else []

    def refusal(self, *words: str, **how: str) -> str:
        done = self.release(*words, **how)
        assert (done.returncode, self.dist.exists()) == (1, False), done.stdout
        return done.stderr


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below it."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The project as it is here, all of it committed."""
    root = tmp_path_factory.mktemp("release") / "tree"
    shutil.copytree(vm.ROOT, root, ignore=shutil.ignore_patterns(*NOT_OURS))
    tree = Tree(root)
    tree.git("init", "--quiet")
    tree.commit()
    return tree


@pytest.fixture
def tree(original: Tree, tmp_path: Path) -> Tree:
    """A clone, to be changed."""
    original.git("clone", "--quiet", original.root, tmp_path / "clone")
    return Tree(tmp_path / "clone").ready()


@pytest.fixture(scope="module")
def released(original: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A clone in which `dist/` was made."""
    root = tmp_path_factory.mktemp("released") / "clone"
    original.git("clone", "--quiet", original.root, root)
    tree = Tree(root).ready()
    done = tree.release("--quick")
    assert (done.returncode, done.stderr) == (0, "")
    (root / "bin/said").write_text(done.stdout)
    return tree


# What is written


def test_there_is_all_that_a_release_is_made_of(released: Tree) -> None:
    found = contents(released.dist)
    tops = {path.split("/")[0] for path in found}
    name = f"dhcpc-{version}"
    wheel, archive = f"{name}-py3-none-any.whl", f"{name}.tar.gz"
    assert tops == {"SHA256SUMS", "boards.json", "dhcpc", "mip", wheel, archive}
    modules = vm.compile_firmware() / "dhcpc"
    assert contents(released.dist / "dhcpc") == contents(modules)


def test_the_sums_are_of_every_other_file(released: Tree) -> None:
    lines = (released.dist / "SHA256SUMS").read_text().splitlines()
    told = {path: digest for digest, path in (line.split("  ") for line in lines)}
    found = contents(released.dist)
    del found["SHA256SUMS"]
    assert told == {path: hashlib.sha256(data).hexdigest() for path, data in found.items()}
    assert [*told] == sorted(told, key=Path)


def test_another_run_from_the_same_commit_makes_the_same_bytes(
    released: Tree, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    tree.dist.mkdir()
    (tree.dist / "of before").touch()
    assert tree.release("--quick").returncode == 0
    assert contents(tree.dist) == contents(released.dist)


def test_the_archive_is_the_commit(released: Tree) -> None:
    with tarfile.open(released.dist / f"dhcpc-{version}.tar.gz") as archive:
        found = {
            member.name: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }
    names = released.git("ls-files").splitlines()
    assert found == {
        f"dhcpc-{version}/{name}": (released.root / name).read_bytes() for name in names
    }


def test_the_wheel_brings_the_codec_to_cpython(released: Tree, tmp_path: Path) -> None:
    (wheel,) = released.dist.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", tmp_path, wheel], check=True, timeout=60)
    script = "import dhcpc, dhcpc.codec; print(dhcpc.__version__, dhcpc.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{version} {tmp_path}/dhcpc/__init__.py\n", done.stderr


@needs_vm
def test_mpremote_installs_from_it(released: Tree, tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "flash.img") as board:

        def mpremote(*words: str | Path) -> str:
            command = [MPREMOTE, "connect", board.port, *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        mpremote("mip", "install", "--index", released.dist / "mip", f"dhcpc-aio@{version}")
        said = mpremote("exec", "import dhcpc.aio; print(dhcpc.__version__, dhcpc.__file__)")
    assert said == f"{version} /lib/dhcpc/__init__.mpy\n"


@needs_vm
@pytest.mark.parametrize("name", ["RPI_PICO_W", "OLIMEX_ESP32_POE"])
def test_the_manifest_has_what_a_new_board_gets(released: Tree, name: str, tmp_path: Path) -> None:
    image = tmp_path / "flash.img"
    with VirtualBoard(image) as board:
        deploy = [sys.executable, str(vm.ROOT / "tools/deploy.py"), name, board.port]
        subprocess.run(deploy, check=True, stdout=subprocess.DEVNULL, timeout=60)
    files = Image(image).files
    paths = [
        f"{folder.rstrip('/')}/{file}" for folder, _, found in files.walk("/") for file in found
    ]
    told = json.loads((released.dist / "boards.json").read_text())
    assert {file["path"] for file in told["boards"][name]} == {*paths}
    for file in told["boards"][name]:
        with files.open(file["path"], "rb") as there:
            data = there.read()
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_manifest_has_every_board(released: Tree) -> None:
    told = json.loads((released.dist / "boards.json").read_text())
    assert told["version"] == version
    assert {*told["boards"]} == {
        path.parent.name for path in (vm.ROOT / "boards").glob("*/board.json")
    }


def test_it_tags_and_pushes_nothing_but_says_how(released: Tree) -> None:
    said = (released.root / "bin/said").read_text()
    assert f"git tag --annotate v{version}" in said
    assert f"git push origin v{version}" in said
    assert released.git("tag") == ""


# What is refused


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_make_finds_is_no_release(tree: Tree, number: int) -> None:
    targets = ["lint", "size", "test"][:number]
    assert f"release: make {targets[-1]} has failed" in tree.refusal(fails=targets[-1])
    assert tree.made() == targets


def test_quick_leaves_out_the_tests_alone(released: Tree) -> None:
    assert released.made() == ["lint", "size"]


def test_changes_are_no_release(tree: Tree) -> None:
    (tree.root / "README.md").write_text("Another\n")
    (tree.root / "firmware/dhcpc/more.py").touch()
    said = tree.refusal("--quick")
    assert "not committed: M README.md\n" in said
    assert "not committed: ?? firmware/dhcpc/more.py\n" in said
    assert tree.made() == []


def test_a_version_that_is_tagged_elsewhere_is_no_release(tree: Tree) -> None:
    tree.git("tag", "--annotate", f"v{version}", "--message=Before")
    tree.commit()
    assert f"v{version} is the tag of another commit" in tree.refusal("--quick")


def test_its_own_tag_is_no_reason(tree: Tree) -> None:
    tree.git("tag", "--annotate", f"v{version}", "--message=This")
    assert "make lint has failed" in tree.refusal(fails="lint")


def test_all_that_differs_is_told_at_once(tree: Tree) -> None:
    (tree.root / "firmware/package.json").write_text('{"version": "9.0.0"}')
    (tree.root / "CHANGELOG.md").write_text("# Changelog\n")
    tree.commit()
    said = tree.refusal("--quick").splitlines()
    assert said == [
        "release: this is not fit for a release:",
        f"    firmware/package.json: version is 9.0.0, not {version}",
        f"    CHANGELOG.md: the newest release is nothing, not {version} - YYYY-MM-DD",
    ]


def faults(tmp_path: Path, changelog: str = CHANGELOG, named: str = version) -> Iterable[str]:
    """What does not go together in a tree with this changelog, for the version `named`."""
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware/package.json").write_text(json.dumps({"version": named}))
    shutil.copy2(vm.ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    return [*release.faults(tmp_path, named)]


@pytest.mark.parametrize("before", ["", "## Unreleased\n\n"])
def test_a_changelog_with_the_version_and_a_day_is_right(before: str, tmp_path: Path) -> None:
    assert faults(tmp_path, CHANGELOG.replace("## ", f"{before}## ", 1)) == []


@pytest.mark.parametrize(
    ("changelog", "fault"),
    [
        (CHANGELOG.replace("## ", "## Unreleased\n\n- More.\n\n## "), "lines under Unreleased"),
        (CHANGELOG.replace(version, "0.0.1"), "newest release is 0.0.1 - 2026-11-28, not"),
        (CHANGELOG.replace("2026-11-28", "soon"), "the date is not YYYY-MM-DD"),
        (CHANGELOG.replace("2026-11-28", "2026-13-28"), "the date is not YYYY-MM-DD"),
        (CHANGELOG.replace(" - 2026-11-28", ""), "the date is not YYYY-MM-DD"),
    ],
)
def test_a_changelog_that_does_not_tell_of_the_version_is_named(
    changelog: str, fault: str, tmp_path: Path
) -> None:
    (found,) = faults(tmp_path, changelog)
    assert found.startswith("CHANGELOG.md: ")
    assert fault in found


@pytest.mark.parametrize("named", ["1.2", "01.2.3", "1.2.3.4", "v1.2.3"])
def test_a_version_is_semantic(named: str, tmp_path: Path) -> None:
    (found,) = faults(tmp_path, CHANGELOG.replace(version, named), named)
    assert re.search(rf"{re.escape(named)} is not a semantic version like 1\.2\.3", found)


def test_a_build_with_a_version_of_its_own_is_named(tmp_path: Path) -> None:
    assert faults(tmp_path) == []
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (found,) = release.faults(tmp_path, version)
    assert found.startswith("pyproject.toml: lacks the line version = { attr")
