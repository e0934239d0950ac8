"""Runs the cases in every VM too, puts tests into tiers, tells what was skipped, and which tests
show which rules of RFCs (`--marks`)."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from testbed.lab import Lab
from testbed.servers import SERVERS
from toolchain import vm
from toolchain.cli import Unavailable

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

CASES = Path(__file__).parent / "cases"
CASES_TIMEOUT = 300  # seconds for all cases of a file in one VM

# A test is in the tier that its file is named for (test_session_model.py), else in the first.
TIERS = {
    "unit": "the code by itself, under CPython and in the VMs",
    "captures": "bytes from real servers and clients",
    "fuzz": "inputs that nobody thought of",
    "session": "a virtual clock and a lossy, hostile network",
    "interop": "real servers and sockets, in network namespaces",
    "flash": "littlefs that loses power at every single write",
    "lwip": "the boards' IP stack, lwIP, behind a TAP",
    "odd": "a server of scapy's codec that does one thing wrong",
    "browser": "the page of decode.py --html, in Chromium without a window",
    "board": "MicroPython's Pico W firmware in an emulator",
}

# To be slow is no failure on a busy machine, and CI sees the same examples each time.
hypothesis.settings.register_profile("dhcpc", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("dhcpc")
set_hypothesis_home_dir(vm.ROOT / "build/hypothesis")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--marks", metavar="FILE", help="have in it which tests show which rule")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for a real server, or a VM."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    for tier, what in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {what}")
    config.addinivalue_line(
        "markers", "rfc(key, ...): the rules that it shows, see host_tests/rules"
    )
    # A shell has what it runs in the background ignore SIGINT, and what that runs in turn. The
    # commands under test are to heed it; this process goes on ignoring it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)


# Cases in the VMs


class Outcome(NamedTuple):
    """How a case went in a VM. `verdict`: passed, failed, or skipped with the reason behind it."""

    verdict: str
    output: str
    traceback: str


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    if module_path.parent == CASES:
        return CaseModule.from_parent(parent, path=module_path)
    return None


class CaseModule(pytest.Module):
    """A file of cases: pytest's own test functions, and an item for each case in each VM."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        tree = ast.parse(self.path.read_text(), self.path)
        wanted = _constant(tree, "VMS", ("cpython", "vm"))
        self.heap = _constant(tree, "HEAP", None)
        self.folders = [CASES, *(CASES / name for name in _constant(tree, "FOLDERS", ()))]
        self.outcomes: dict[str, dict[str, Outcome]] = {}
        if "cpython" in wanted:
            yield from super().collect()
        cases = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
        ]
        for machine in vm.vms().values():
            if machine.name.startswith(tuple(wanted)):
                for case in cases:
                    yield VMCase.from_parent(self, machine=machine, case=case)

    def outcome(self, item: VMCase) -> Outcome:
        """How a case went. The first call runs all that were selected of the file."""
        name = item.machine.name
        if name not in self.outcomes:
            selected = [
                i.case.name
                for i in self.session.items
                if isinstance(i, VMCase) and i.parent is self and i.machine is item.machine
            ]
            self.outcomes[name] = self._run(item.machine, selected)
        return self.outcomes[name][item.case.name]

    def _run(self, machine: vm.VM, names: list[str]) -> dict[str, Outcome]:
        steps = [f"run({self.path.stem!r}, {name!r})" for name in names]
        script = "\n#%%\n".join(["from runner import run", *steps])
        result = machine.run(script, self.folders, self.heap, CASES_TIMEOUT)
        end = "ran out of time" if result.code is None else f"ended with exit code {result.code}"
        reports = result.out.split("\x1e")
        lost = Outcome(
            "failed", reports[-1], f"{machine.name} {end}; the last that it said is below"
        )
        outcomes = dict.fromkeys(names, lost)
        for report in reports[1:]:
            name, _, report = report.partition("\n")
            output, _, report = report.partition("\x1f")
            verdict, complete, traceback = report.partition("\n")
            if complete:
                outcomes[name] = Outcome(verdict, output, traceback)
        return outcomes


class VMCase(pytest.Item):
    """One case in one VM."""

    parent: CaseModule

    def __init__(self, *, machine: vm.VM, case: ast.FunctionDef, **kwargs: Any) -> None:
        super().__init__(name=f"{case.name}[{machine.name}]", **kwargs)
        self.machine = machine
        self.case = case
        for decorator in case.decorator_list:
            match decorator:
                case ast.Call(func=ast.Name(id="rfc"), args=args):
                    self.add_marker(pytest.mark.rfc(*map(ast.literal_eval, args)))

    def runtest(self) -> None:
        if self.machine.missing:
            pytest.skip(f"{self.machine.name}: {self.machine.missing}")
        outcome = self.parent.outcome(self)
        verdict, _, reason = outcome.verdict.partition(" ")
        if verdict == "skipped":
            pytest.skip(reason)
        self.add_report_section("call", "stdout", outcome.output)
        if verdict == "failed":
            raise VMFailure(outcome.traceback)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        if isinstance(excinfo.value, VMFailure):
            return _with_source(str(excinfo.value))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.lineno - 1, self.name


class VMFailure(Exception):
    """A case failed in a VM; the text is the VM's traceback."""


def _constant(tree: ast.Module, name: str, default: Any) -> Any:
    # What a file of cases tells of itself.
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return ast.literal_eval(value)
    return default


def _with_source(traceback: str) -> str:
    """A VM's traceback with the lines of source, and the error first, for pytest's summary."""
    source = ""

    def add(frame: re.Match[str]) -> str:
        nonlocal source
        file, number = Path(frame[1]), int(frame[2])
        if file == CASES / "runner.py":
            return ""
        lines = file.read_text().splitlines() if file.is_file() else []
        source = lines[number - 1].strip() if number <= len(lines) else ""
        return f"{frame[0]}    {source}\n" if source else frame[0]

    text = re.sub(r'^  File "(.+)", line (\d+).*\n', add, traceback.strip(), flags=re.MULTILINE)
    error = text.splitlines()[-1]
    return f"{error} {source}\n\n{text}" if source else text


# Real servers


@pytest.fixture(scope="session")
def lab_works() -> None:
    """Skips, with the reason, where there can be no lab or no VM."""
    if missing := vm.vms()["vm64"].missing:
        pytest.skip(f"vm64: {missing}")
    with Lab():
        pass


@pytest.fixture(scope="module", params=SERVERS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a server, each in turn."""
    SERVERS[request.param].require()
    return str(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    return (yield from _skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    return (yield from _skipping())


def _skipping() -> Generator[None]:
    # What is not on this machine, a server say, is a reason to skip, wherever that shows.
    try:
        yield
    except Unavailable as error:
        pytest.skip(str(error))


# Tiers, rules of RFCs, skips


def pytest_itemcollected(item: pytest.Item) -> None:
    if not any(item.get_closest_marker(tier) for tier in TIERS):
        word = item.path.stem.split("_")[1]
        item.add_marker(word if word in TIERS else "unit")


def pytest_collection_finish(session: pytest.Session) -> None:
    if path := session.config.option.marks:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for item in session.items:
            for key in _rules(item):
                found[key][item.nodeid.split("[")[0].removeprefix("host_tests/")] = None
        Path(path).write_text(json.dumps({key: [*found[key]] for key in found}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: dict[str, int] = defaultdict(int)
    for report in terminalreporter.stats.get("skipped", []):
        reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("not run here")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:4} {reason}")


def _rules(item: pytest.Item) -> list[str]:
    return [key for mark in item.iter_markers("rfc") for key in mark.args]
