#!/usr/bin/env python3
"""Makes an index for mip, in the format of micropython-lib's: the client as `dhcpc`, each extra as
a package of its own, `dhcpc-aio` say, which brings `dhcpc` along.

A board gets .mpy files, the client as one; if it asks for source, the modules: a board compiles
them one by one with less memory than the joined file takes.
"""

from __future__ import annotations

import toolchain.start  # noqa: F401

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from toolchain import cli, vm
from toolchain.cli import Refusal
from toolchain.package import PACKAGE, extras

NAME = PACKAGE.name
LATEST = "latest"
SOURCE = "py"  # in place of the version of .mpy files
HASH_DIGITS = 8  # of a file's SHA-256, as in micropython-lib's index
FORMAT = 1  # of a package's JSON


def main() -> None:
    parser = cli.parser(
        "Makes an index for mip: a folder that any web server can serve, and mpremote can "
        "read as it is.",
        "--output build/mip",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=vm.ROOT / "build/mip",
        metavar="DIR",
        help="the folder to write to; other versions in it stay (default: build/mip)",
    )
    output = parser.parse_args().output
    loads = fill(output)
    where = os.path.relpath(output)
    print(f"{where}: version {cli.version()}, as .mpy of version {loads} and as source")
    for extra in ("", *extras()):
        print(f"    mpremote mip install --index {where} {title(extra)}")


def fill(output: Path) -> str:
    """Add all packages, as .mpy files and as source; return the version of the .mpy files."""
    compiled = sorted((vm.compile_firmware() / NAME).glob("*.mpy"))
    loads = str(compiled[0].read_bytes()[1])  # the second byte of a .mpy file is its version
    add(output, loads, compiled)
    add(output, SOURCE, sorted(PACKAGE.glob("*.py")))
    return loads


def title(extra: str) -> str:
    """The name of the package of an extra; of the client, if it is empty."""
    return f"{NAME}-{extra}" if extra else NAME


def add(output: Path, kind: str, files: Iterable[Path]) -> None:
    """Add the packages of these files, of one kind: a version of .mpy files, or SOURCE."""
    version = cli.version()
    hashes: dict[str, list[list[str]]] = {"": [], **{extra: [] for extra in extras()}}
    for path in files:
        extra = path.stem if path.stem in hashes else ""
        hashes[extra].append([f"{NAME}/{path.name}", put(output, path.read_bytes())])
    for extra, found in hashes.items():
        package: dict[str, Any] = {"v": FORMAT, "hashes": found, "version": version}
        if extra:
            package["deps"] = [[NAME, version]]
        directory = output / "package" / kind / title(extra)
        directory.mkdir(parents=True, exist_ok=True)
        for name in (version, LATEST):
            # Without blanks, for boards
            text = json.dumps(package, separators=(",", ":"))
            (directory / f"{name}.json").write_text(text + "\n")


def put(output: Path, data: bytes) -> str:
    """Store a file under its hash; return that. Refusal: another file has the same."""
    digits = hashlib.sha256(data).hexdigest()[:HASH_DIGITS]
    path = output / "file" / digits[:2] / digits
    if path.exists() and path.read_bytes() != data:
        raise Refusal(f"{path} is not what its name says: remove it, or use another --output")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digits


if __name__ == "__main__":
    sys.exit(cli.run(main))
