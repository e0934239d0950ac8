#!/usr/bin/env python3
"""Checks that this tree is fit for a release, and writes the files of the release to dist/.

The tree has no changes, and its version is one everywhere; `make lint`, `make size` and
`make test` find nothing. Two runs from one commit make the same bytes. It tags and pushes nothing,
but prints the commands that do.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mip_index
from device.catalogue import boards
from device.deployment import files
from toolchain import cli, vm
from toolchain.cli import Refusal

DIST = vm.ROOT / "dist"

_SUMS = "SHA256SUMS"
_BUILD_VERSION = 'version = { attr = "dhcpc.__version__" }'  # in pyproject.toml
_SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?"
_UNRELEASED = "Unreleased"


def main() -> None:
    parser = cli.parser(__doc__.split("\n\n")[0], "--quick")
    parser.add_argument("--quick", action="store_true", help="skip `make test`")
    quick = parser.parse_args().quick
    version = cli.version()
    if found := [*faults(vm.ROOT, version), *_changes(version)]:
        raise Refusal(
            "this is not fit for a release:\n" + "\n".join(f"    {fault}" for fault in found)
        )
    for target in ("lint", "size") if quick else ("lint", "size", "test"):
        print(f"make {target}", flush=True)
        if subprocess.run(["make", "--silent", target], cwd=vm.ROOT).returncode:
            raise Refusal(f"make {target} has failed: {DIST.name}/ was not touched")
    _write(version)
    print(f"{DIST.name}/ has version {version}:")
    for path in sorted(DIST.iterdir()):
        print(f"    {path.name}{'/' if path.is_dir() else ''}")
    print("Nothing was tagged or pushed. These commands do it:")
    print(f'    git tag --annotate v{version} --message "dhcpc {version}"')
    print(f"    git push origin v{version}")


def faults(root: Path, version: str) -> Iterator[str]:
    """Where the tree in `root` does not say that it is this version, in words."""
    if not re.fullmatch(_SEMANTIC, version):
        yield f"firmware/dhcpc/__init__.py: {version} is not a semantic version like 1.2.3"
    told = json.loads((root / "firmware/package.json").read_text())["version"]
    if told != version:
        yield f"firmware/package.json: version is {told}, not {version}"
    if _BUILD_VERSION not in (root / "pyproject.toml").read_text().splitlines():
        yield f"pyproject.toml: lacks the line {_BUILD_VERSION}"
    yield from _faults_of_changelog((root / "CHANGELOG.md").read_text(), version)


def _faults_of_changelog(text: str, version: str) -> Iterator[str]:
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    titles = [section.partition("\n")[0] for section in sections]
    if titles and titles[0] == _UNRELEASED:
        if sections[0].partition("\n")[2].strip():
            yield f"CHANGELOG.md: there are lines under {_UNRELEASED}"
        del titles[0]
    title = titles[0] if titles else "nothing"
    name, _, date = title.partition(" - ")
    if name != version:
        yield f"CHANGELOG.md: the newest release is {title}, not {version} - YYYY-MM-DD"
        return
    try:
        datetime.datetime.strptime(date, "%Y-%m-%d")
    except ValueError:
        yield f"CHANGELOG.md: {title}: the date is not YYYY-MM-DD"


def _changes(version: str) -> Iterator[str]:
    # What differs from the last commit; and that must not be there yet.
    for line in _git("status", "--porcelain").splitlines():
        yield f"not committed: {line}"
    tag = f"v{version}"
    if _git("tag", "--list", tag) and _git("rev-list", "-1", tag) != _git("rev-parse", "HEAD"):
        yield f"{tag} is the tag of another commit: a new release needs a new version"


def _git(*words: str | Path) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=vm.ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        raise Refusal("there is no git") from None
    if done.returncode:
        raise Refusal(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _write(version: str) -> None:
    # All of it beside the old one, whose place it takes at the end.
    modules = vm.compile_firmware() / vm.PACKAGE.name
    with tempfile.TemporaryDirectory(dir=vm.ROOT / "build") as directory:
        new = Path(directory) / DIST.name
        shutil.copytree(modules, new / modules.name)
        loads = mip_index.fill(new / "mip")
        name = f"dhcpc-{version}"
        _git("archive", f"--prefix={name}/", f"--output={new / name}.tar.gz", "HEAD")
        _wheel(Path(directory) / "source", new)
        manifest = {"version": version, "mpy": int(loads), "boards": _boards()}
        (new / "boards.json").write_text(json.dumps(manifest, indent=2) + "\n")
        made = sorted(path for path in new.rglob("*") if path.is_file())
        lines = [f"{_sha256(path.read_bytes())}  {path.relative_to(new)}\n" for path in made]
        (new / _SUMS).write_text("".join(lines))
        if DIST.exists():
            DIST.rename(Path(directory) / "old")
        new.rename(DIST)


def _wheel(source: Path, target: Path) -> None:
    # Of what git knows alone; with the commit's time in it.
    _git("checkout-index", "--all", f"--prefix={source}/")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _git("log", "-1", "--format=%ct")}
    words = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        *words,
        "--wheel-dir",
        str(target),
        str(source),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Refusal(f"no wheel: {done.stdout}{done.stderr}")


def _boards() -> dict[str, list[dict[str, object]]]:
    # What `make deploy` copies to a board that is new.
    return {
        name: [
            {"path": path, "size": len(data), "sha256": _sha256(data)}
            for path, data in sorted(files(name, set(), app=True).items())
        ]
        for name in boards()
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(cli.run(main))
