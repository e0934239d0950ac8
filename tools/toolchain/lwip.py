"""Builds the boards' IP stack for this machine: Debian's lwIP with MicroPython's options, and a
TAP for its NIC. The source package comes by apt, whose own state stays as it is.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from pathlib import Path

from toolchain import vm
from toolchain.cli import Refusal, Unavailable
from toolchain.programs import ENVIRONMENT, Argv, which

BOARDS = {"rp2": 0, "esp32": 1}  # whose options; the value of ESP32 in lwipopts.h

_OURS = vm.ROOT / "host_tests/lwip"
_BUILT = vm.ROOT / "build/lwip"
_SOURCE = _BUILT / "source"
_ETC_APT = Path("/etc/apt")
_LISTS = ("sources.list", "sources.list.d/debian.sources", "sources.list.d/ubuntu.sources")
_LWIP = ("core/*.c", "core/ipv4/*.c", "core/ipv6/*.c", "netif/ethernet.c")
_TIMEOUT_S = 20  # for each attempt of apt to reach a mirror

# Hooks of the machine's own configuration would act on the machine's own lists.
_CONFIG = """
#clear APT::Update;
APT::Update::Error-Mode "any";
APT::Sandbox::User "";
Acquire::http::Timeout "{timeout}";
Acquire::https::Timeout "{timeout}";
Acquire::Retries "1";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{dir}/sources";
Dir::State::Lists "{dir}/lists";
Dir::Cache "{dir}/cache";
"""


def build(board: str) -> Path:
    """The stack with the options of a key of BOARDS, as a program; made unless it is there.

    Several processes may do so at once. Unavailable says what is missing here, and the remedy.
    """
    program = _BUILT / board
    made_of = [*_OURS.rglob("*.[ch]")]
    newest = max(file.stat().st_mtime_ns for file in made_of)
    if program.exists() and program.stat().st_mtime_ns > newest:
        return program
    if not (gcc := which("gcc")):
        raise Unavailable("lwIP has to be compiled: apt-get install gcc libc6-dev")
    source = _source() / "src"
    with tempfile.TemporaryDirectory(dir=_BUILT) as directory:
        new = Path(directory) / board
        flags = ["-O1", "-Wall", "-Wextra", f"-DESP32={BOARDS[board]}"]
        flags += [f"-I{_OURS}", f"-I{source}/include", f"-o{new}"]
        files = [file for pattern in _LWIP for file in sorted(source.glob(pattern))]
        done = _run([gcc, *flags, _OURS / "stack.c", *files])
        if done.returncode:
            raise Refusal(f"lwIP for {board} does not compile:\n{done.stderr}")
        new.replace(program)
    return program


def _source() -> Path:
    """The source package, unpacked; got unless it is there."""
    if _SOURCE.exists():
        return _SOURCE
    for program, package in (("apt-get", "apt"), ("dpkg-source", "dpkg-dev")):
        if not which(program):
            raise Unavailable(
                f"lwIP comes as a Debian source package, but there is no {program}: on Debian or "
                f"Ubuntu, apt-get install {package}"
            )
    _BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUILT) as directory:
        place = Path(directory)
        for part in ("sources", "lists/partial", "cache/archives/partial"):
            (place / part).mkdir(parents=True)
        for file in _LISTS:
            if (_ETC_APT / file).exists():
                text = _deb_src((_ETC_APT / file).read_text())
                (place / "sources" / Path(file).name).write_text(text)
        (place / "apt.conf").write_text(_CONFIG.format(dir=place, timeout=_TIMEOUT_S))
        for command in ("update", "source"):
            what = ["--only-source", "lwip"] if command == "source" else []
            done = _run(["apt-get", "-qq", f"-c={place}/apt.conf", command, *what], place)
            if done.returncode:
                raise Unavailable(
                    f"apt-get could not get the source package lwip; is the mirror that "
                    f"{_ETC_APT} names in reach? It said: {done.stderr.strip().splitlines()[0]}"
                )
        (unpacked,) = (path for path in place.glob("lwip-*") if path.is_dir())
        with contextlib.suppress(OSError):  # somebody else was faster
            unpacked.rename(_SOURCE)
    return _SOURCE


def _deb_src(text: str) -> str:
    """A list of apt's sources, of either format, with source packages in place of binary ones."""
    text = re.sub(r"^Types:.*", "Types: deb-src", text, flags=re.MULTILINE)
    return re.sub(r"^deb(?=\s)", "deb-src", text, flags=re.MULTILINE)


def _run(argv: Argv, where: Path = vm.ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=where, env=ENVIRONMENT, capture_output=True, text=True)
