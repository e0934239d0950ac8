"""What fuzzing has kept, replayed; changed copies of it; what an input may cost; the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import counting
import run as fuzz_run
from capture.messages import messages
from mutation import MOST, mutations
from script import folder
from targets import ALL
from toolchain import vm

HERE = vm.ROOT / "host_tests"
RUN = HERE / "fuzz/run.py"
ROOM = 300_000  # bytes of all that is kept
EVERY_TARGET = pytest.mark.parametrize("name", ALL)

# Mutations of each: a few seconds
COUNTS = {"codec": 12_000, "session": 5000, "records": 5000, "options": 30_000, "frames": 25_000}
COUNTS |= {"config": 30_000, "captures": 800}
COUNTED = 50  # one of so many is held to what it may cost


# What is kept


@EVERY_TARGET
def test_what_was_kept_fails_nowhere_and_costs_no_more_than_its_length_allows(name: str) -> None:
    target = fuzz_run.target_of(name)
    kept = fuzz_run.corpus(name)
    assert kept
    for file, data in kept.items():
        try:
            counting.limit(target, data)
        except Exception as error:
            raise AssertionError(f"corpus/{name}/{file}") from error


def test_what_was_kept_is_small() -> None:
    sizes = [len(data) for name in ALL for data in fuzz_run.corpus(name).values()]
    assert sum(sizes) < ROOM


def test_each_reply_is_one_that_a_server_sent() -> None:
    captured = set()
    for path in (HERE / "captures").glob("*.pcap"):
        captured |= {message.payload for message in messages(str(path), print)}
    replies = folder("replies")
    assert len(replies) == 12
    assert set(replies.values()) <= captured


# Changed copies of it


@EVERY_TARGET
def test_a_changed_copy_fails_nowhere(name: str) -> None:
    target = fuzz_run.target_of(name)
    seeds = list(fuzz_run.corpus(name).values())
    for n, data in enumerate(mutations(seeds, target.WORDS, COUNTS[name], seed=5)):
        try:
            if n % COUNTED:
                target.target(data)
            else:
                counting.limit(target, data)
        except Exception as error:
            raise AssertionError(f"{name}: {data!r}") from error


def test_a_mutation_is_not_what_it_was_made_of() -> None:
    seeds = [bytes(range(200)), b"abc"]
    made = [*mutations(seeds, [b"word"], 500, seed=1)]
    assert len(set(made)) > 450
    assert not set(made) & set(seeds[:1])
    assert max(map(len, made)) <= MOST


# What an input costs


def test_the_cost_of_an_input_is_the_same_each_time() -> None:
    target = fuzz_run.target_of("codec")
    data = b"\0" + folder("replies")["kea-ack"]
    target.target(data)
    costs = {counting.cost(target.target, data).lines for _ in range(3)}
    assert len(costs) == 1
    assert costs.pop() > 100


def test_memory_that_is_given_back_counts() -> None:
    def hold() -> None:
        bytes(1_000_000)

    assert 1_000_000 <= counting.cost(hold).bytes < 1_010_000


@pytest.mark.parametrize(("lines", "size"), [((0, 1), (10**6, 0)), ((10**6, 0), (0, 1))])
def test_an_input_that_costs_too_much_fails(lines: tuple[int, int], size: tuple[int, int]) -> None:
    target: Any = SimpleNamespace(
        target=fuzz_run.target_of("codec").target, LINES=lines, BYTES=size
    )
    with pytest.raises(counting.TooMuch, match="are the most"):
        counting.limit(target, b"\0" + folder("replies")["kea-ack"])


# The command


def fuzzed(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUN), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_it_runs_as_many_inputs_as_it_is_told_to_and_counts_them(tmp_path: Path) -> None:
    args = ("--out", tmp_path, "--seed", "1", "frames")
    first = fuzzed("--inputs", "900", *args)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("frames         900 inputs,        900 so far;")
    again = fuzzed("--inputs", "400", *args)
    assert again.stdout.startswith("frames         400 inputs,      1,300 so far;")


def test_a_target_that_there_is_not_is_refused() -> None:
    run = fuzzed("wire")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"run: wire is no target; there are {', '.join(ALL)}\n"


def test_what_fails_is_kept_with_its_traceback_the_shortest_of_each_place(tmp_path: Path) -> None:
    def fails(data: bytes) -> None:
        assert len(data) < 5
        data[3]

    target: Any = SimpleNamespace(target=fails, LINES=(9, 9), BYTES=(9999, 9))
    trial = fuzz_run.Trial(tmp_path, target)
    for data in (b"123456789", b"12345", b"1234", b"12345678", b"123", b"1"):
        trial(data)
    failed = sorted(tmp_path.glob("failed-*"))
    assert sorted(p.read_bytes() for p in failed if not p.suffix) == [b"1", b"12345"]
    said = [p.read_text() for p in failed if p.suffix]
    assert sorted(text.splitlines()[-1] for text in said)[-1] == "IndexError: index out of range"


def test_without_atheris_it_goes_on_blindly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fuzz_run.blindly("frames", tmp_path, 300, 700, seed=1)
    assert capfd.readouterr().err == "stat::number_of_executed_units: 700\n"
    assert not [*tmp_path.glob("failed-*")]


def test_an_input_is_worth_keeping_if_it_reaches_something_new() -> None:
    target = fuzz_run.target_of("codec")
    ack = b"\0" + folder("replies")["kea-ack"]
    assert [*fuzz_run.news(target, [b"\0"], [ack, b"\0\1", b"\0"])] == [ack]
    assert [*fuzz_run.news(target, [ack], [ack])] == []
