#!/usr/bin/env python3
"""Fuzzes: hands inputs that nobody thought of to the targets, for as long as it is told to, and
keeps what reaches something new, and what fails.

Atheris (libFuzzer) makes the inputs, by what they reach; where there is no wheel of it, `mutation`
makes them, blindly. What is kept in corpus/ is what both start from, and what the tests replay.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from hashlib import sha1
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple
from zlib import crc32

sys.path.extend(
    str(Path(__file__).resolve().parents[2] / folder)
    for folder in "firmware tools boards/UNIX host_tests/cases host_tests/fuzz".split()
)

import counting
from mutation import MOST, mutations
from script import folder as files
from targets import ALL
from toolchain import cli
from toolchain.cli import Refusal

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORPUS = HERE / "corpus"

AT_ONCE = 2  # processes
COUNTED = 128  # one of so many inputs is held to what it may cost; of what is kept, each
ENDLESS = 600  # seconds for an input, after which libFuzzer takes it for a loop without an end
FOR_EVER = 1 << 30
MINUTES = 10

FAILED = "failed-"


def corpus(name: str) -> dict[str, bytes]:
    """The kept inputs of a target."""
    return files("corpus", name) if (CORPUS / name).is_dir() else {}


def target_of(name: str) -> ModuleType:
    return importlib.import_module(f"targets.{name}")


# --- In a process of its own: one target --------------------------------------------------------


class Trial:
    """Hands inputs to a target, and keeps the shortest one for each place where it fails."""

    def __init__(self, folder: Path, target: ModuleType) -> None:
        self.folder = folder
        self.target = target
        self.shortest: dict[str, int] = {}

    def __call__(self, data: bytes) -> None:
        try:
            if crc32(data) % COUNTED:
                self.target.target(data)
            else:
                counting.limit(self.target, data)
        except Exception as error:
            self.failed(data, error)

    def failed(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = ", ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames[-3:])
        place = f"{type(error).__name__} at {place}"
        if len(data) >= self.shortest.get(place, len(data) + 1):
            return
        self.shortest[place] = len(data)
        name = FAILED + called(place.encode())
        (self.folder / name).write_bytes(data)
        (self.folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)))


def work(name: str, folder: Path, seconds: int, inputs: int, seed: int) -> None:
    """Fuzz one target in this process, and print what came of it as libFuzzer does.

    folder: gets what is found, and what fails. seconds, inputs: the first that is reached ends it.
    """
    (folder / "found").mkdir(parents=True, exist_ok=True)
    try:
        import atheris
    except ImportError:
        blindly(name, folder, seconds, inputs, seed)
    else:
        guided(atheris, name, folder, seconds, inputs, seed)


def guided(atheris: Any, name: str, folder: Path, seconds: int, inputs: int, seed: int) -> None:
    with atheris.instrument_imports(include=["dhcpc", "capture", "page", "link"]):
        target = target_of(name)
    words = folder / "words"
    tokens = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.WORDS)
    words.write_text("".join(f'"{token}"\n' for token in tokens))
    atheris.Setup(
        [
            sys.argv[0],
            *(str(folder / "found"), str(CORPUS / name)),
            *(f"-max_total_time={seconds}", f"-runs={inputs}", f"-seed={seed}"),
            *(f"-max_len={MOST}", f"-timeout={ENDLESS}", f"-dict={words}"),
            *(f"-artifact_prefix={folder / FAILED}", "-print_final_stats=1", "-reload=0"),
        ],
        Trial(folder, target),
    )
    atheris.Fuzz()  # which ends the process


def blindly(name: str, folder: Path, seconds: int, inputs: int, seed: int) -> None:
    target = target_of(name)
    trial = Trial(folder, target)
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.daemon = True
    timer.start()
    done = 0
    for data in mutations(corpus(name).values(), target.WORDS, inputs, seed):
        if stop.is_set():
            break
        trial(data)
        done += 1
    print(f"stat::number_of_executed_units: {done}", file=sys.stderr)


# --- What is worth keeping ----------------------------------------------------------------------


def reached(target: ModuleType, data: bytes) -> set[tuple[Any, ...]]:
    """The steps of byte code, in code that is no test, that an input leads to."""
    found: set[tuple[Any, ...]] = set()

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not counting.counts(code.co_filename):
            return None
        frame.f_trace_opcodes = True
        last = 0

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            found.add((code, last, frame.f_lasti, event))
            last = frame.f_lasti
            return step

        return step

    sys.settrace(enter)
    try:
        target.target(data)
    finally:
        sys.settrace(None)
    return found


def news(target: ModuleType, old: Iterable[bytes], new: Iterable[bytes]) -> Iterator[bytes]:
    """Those that reach what no one before does, the shortest first."""
    known: set[tuple[Any, ...]] = set()
    for data in old:
        known |= reached(target, data)
    for data in sorted(new, key=lambda data: (len(data), data)):
        steps = reached(target, data)
        if steps - known:
            known |= steps
            yield data


def keep(name: str, folder: Path, anew: bool) -> None:
    """Put into the corpus what was found and reaches something new. anew: what was put there so
    before has to reach something new, too; what somebody has named stays.
    """
    target = target_of(name)
    mine = CORPUS / name
    mine.mkdir(parents=True, exist_ok=True)
    found = [path.read_bytes() for path in (folder / "found").glob("*")]
    for path in mine.glob("*"):
        if anew and path.name == called(path.read_bytes()):
            found.append(path.read_bytes())
            path.unlink()
    for data in news(target, corpus(name).values(), found):
        (mine / called(data)).write_bytes(data)
    kept = corpus(name)
    print(f"{name}: {len(kept)} inputs, {sum(map(len, kept.values()))} bytes in {mine}")


def called(data: bytes) -> str:
    """The name that an input gets."""
    return sha1(data).hexdigest()[:12]


# --- The command --------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What came of a target. steps: what its inputs reached, by libFuzzer's count."""

    inputs: int
    found: int
    steps: str
    failed: list[Path]


def fuzz(name: str, folder: Path, seconds: int, inputs: int, seed: int) -> Outcome:
    """Fuzz one target in a process of its own. Refusal: that ended in no known way."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(FAILED + "*"):
        path.unlink()
    before = set((folder / "found").glob("*"))
    numbers = map(str, (seconds, inputs, seed))
    command = [sys.executable, __file__, "--work", name, str(folder), *numbers]
    with (folder / "log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    said = (folder / "log").read_text(errors="replace")
    done = re.findall(r"^stat::number_of_executed_units: *(\d+)", said, re.MULTILINE)
    failed = sorted(p for p in folder.glob(FAILED + "*") if p.suffix != ".txt")
    if not done and not failed:
        raise Refusal(f"{name}: it ended without a word; see {folder / 'log'}")
    steps = re.findall(r" cov: (\d+) ", said)
    found = len(set((folder / "found").glob("*")) - before)
    return Outcome(int(done[-1]) if done else 0, found, steps[-1] if steps else "-", failed)


def tell(name: str, outcome: Outcome, out: Path) -> None:
    """Print what came of a target, and what was run of it in all."""
    tally = out / "tally.json"
    so_far = json.loads(tally.read_text()) if tally.exists() else {}
    so_far[name] = so_far.get(name, 0) + outcome.inputs
    tally.write_text(json.dumps(so_far))
    print(
        f"{name:8} {outcome.inputs:>9,} inputs, {so_far[name]:>10,} so far; "
        f"{outcome.found:>4} new, {outcome.steps:>4} steps, {len(outcome.failed)} failed",
        flush=True,
    )
    for path in outcome.failed:
        text = path.with_suffix(".txt")
        said = text.read_text() if text.exists() else "it did not end, or crashed"
        places = re.findall(r'File ".*/(.+)", line (\d+)', said)
        where = f", {':'.join(places[-1])}" if places else ""
        print(f"    {path}: {said.splitlines()[-1]}{where}")


def main() -> int:
    parser = cli.parser("Fuzzes the targets of host_tests/fuzz.")
    parser.add_argument("target", nargs="*", help=f"of {', '.join(ALL)}; without one, all")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for each target")
    parser.add_argument("--inputs", type=int, default=FOR_EVER, help="for each target, at most")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--keep", action="store_true", help="put what was found into the corpus")
    parser.add_argument("--anew", action="store_true", help="the same, and thin the corpus out")
    parser.add_argument("--try", dest="tried", metavar="FILE", help="run the target on one input")
    parser.add_argument("--out", type=Path, default=ROOT / "build/fuzz", help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        name, folder, *numbers = args.work
        work(name, Path(folder), *map(int, numbers))
        return 0
    names = args.target or [*ALL]
    for name in names:
        if name not in ALL:
            raise Refusal(f"{name} is no target; there are {', '.join(ALL)}")
    if args.tried:
        print(counting.limit(target_of(names[0]), Path(args.tried).read_bytes()))
        return 0
    if args.keep or args.anew:
        for name in names:
            keep(name, args.out / name, args.anew)
        return 0
    return run(names, args.out, round(args.minutes * 60), args.inputs, args.seed)


def run(names: list[str], out: Path, seconds: int, inputs: int, seed: int) -> int:
    """Fuzz these targets; 1 if something failed."""
    out.mkdir(parents=True, exist_ok=True)
    waiting = [*reversed(names)]
    lock = threading.Lock()
    code = 0

    def serve() -> None:
        nonlocal code
        while True:
            with lock:
                if not waiting:
                    return
                name = waiting.pop()
            try:
                outcome = fuzz(name, out / name, seconds, inputs, seed)
            except Refusal as error:
                print(error, file=sys.stderr)
                code = 1
                continue
            with lock:
                tell(name, outcome, out)
            if outcome.failed:
                code = 1

    threads = [threading.Thread(target=serve) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    me = Path(__file__).relative_to(ROOT)
    print(f"To keep what reaches something new: .venv/bin/python {me} --keep TARGET")
    if code:
        print(f"To see a failure: .venv/bin/python {me} --try FILE TARGET")
        print(f"Once it is mended, put FILE into {CORPUS.relative_to(ROOT)}/TARGET: it is a test.")
    return code


if __name__ == "__main__":
    sys.exit(cli.run(main))
