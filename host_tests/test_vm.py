"""The VMs, the compiler, and what conftest.py does with it: what the other tiers rest on."""

import gc
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolchain import vm
from toolchain.cli import Refusal

pytest_plugins = ["pytester"]
EVERY_VM = [pytest.param(machine, id=name) for name, machine in vm.vms().items()]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    source = tmp_path / "blink"
    source.mkdir()
    (source / "__init__.py").write_text("RATE = 3\n")
    (source / "led.py").write_text("def on():\n    return True\n")
    return source


def compiled(package: Path) -> dict[str, bytes]:
    target = vm.compile_package(package, package.parent / "mpy") / package.name
    return {file.name: file.read_bytes() for file in target.iterdir()}


def test_only_what_changed_is_compiled(package: Path) -> None:
    before = compiled(package)
    mpy = package.parent / "mpy/blink"
    (mpy / "led.mpy").write_bytes(b"as it was")
    os.utime(mpy / "led.mpy", ns=(0, (package / "led.py").stat().st_mtime_ns))
    (package / "__init__.py").write_text("RATE = 4\n")
    after = compiled(package)
    assert after["led.mpy"] == b"as it was"
    assert after["__init__.mpy"] != before["__init__.mpy"]


def test_an_older_source_is_compiled_too(package: Path) -> None:
    before = compiled(package)
    (package / "led.py").write_text("def off():\n    return False\n")
    os.utime(package / "led.py", (0, 0))
    assert compiled(package)["led.mpy"] != before["led.mpy"]


def test_what_has_no_source_any_more_goes(package: Path) -> None:
    compiled(package)
    (package / "led.py").unlink()
    assert list(compiled(package)) == ["__init__.mpy"]


def test_what_does_not_compile_is_named_and_leaves_nothing(package: Path) -> None:
    (package / "led.py").write_text("def on(:\n")
    with pytest.raises(Refusal, match=r"led\.py does not compile"):
        compiled(package)
    assert [path.name for path in (package.parent / "mpy").iterdir()] == ["blink"]


def runnable(machine: vm.VM) -> vm.VM:
    if machine.missing:
        pytest.skip(f"{machine.name}: {machine.missing}")
    return machine


@pytest.mark.parametrize("machine", EVERY_VM)
def test_a_script_finds_the_firmware_and_the_path(machine: vm.VM, package: Path) -> None:
    script = "import dhcpc, blink\n#%%\nprint(dhcpc.__name__, blink.RATE)"
    assert runnable(machine).run(script, [package.parent]) == (0, "dhcpc 3\n")


@pytest.mark.parametrize("machine", EVERY_VM)
def test_an_exception_is_exit_code_1_with_a_traceback(machine: vm.VM) -> None:
    code, out = runnable(machine).run("1 // 0")
    assert code == 1
    assert "ZeroDivisionError" in out


@pytest.mark.parametrize("machine", EVERY_VM)
def test_a_script_that_does_not_end_is_ended(machine: vm.VM) -> None:
    result = runnable(machine).run("print('begun')\nwhile True:\n    pass", timeout=2)
    assert result == (None, "begun\n")


@pytest.mark.parametrize("machine", EVERY_VM)
def test_the_heap_is_as_small_as_asked_for(machine: vm.VM) -> None:
    script = "b = bytearray(200_000)\nprint('fits')"
    assert runnable(machine).run(script, heap=1_000_000) == (0, "fits\n")
    assert "MemoryError" in machine.run(script, heap=100_000).out


def test_a_missing_vm_says_so() -> None:
    with pytest.raises(Refusal, match="vm99: get one"):
        vm.VM("vm99", (), missing="get one").run("")


CASES = """
from kit import Skip, rfc

VMS = ("vm64",)

@rfc("2131 4.4.10 full-moon", "2131 4.4.9 no-moon")
def test_good():
    print("unseen")

def test_skipped():
    raise Skip("no moon: wait")

def test_wrong():
    moon = "half"
    print("look up")
    assert moon == "full"

def test_fatal():
    import os
    os.system("kill -9 $PPID")

def test_late():
    pass
"""


@pytest.fixture
def cases(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with this one's conftest.py and a file of cases that go wrong in every way."""
    here = Path(__file__).parent
    shutil.copy(here / "conftest.py", pytester.path)
    directory = pytester.mkdir("cases")
    for name in "kit.py", "runner.py":
        shutil.copy(here / "cases" / name, directory)
    (directory / "test_moon.py").write_text(CASES)
    pytester.makeini(f"[pytest]\npythonpath = {vm.ROOT / 'tools'} cases")
    return pytester


def test_how_a_case_goes_in_a_vm_is_reported(cases: pytest.Pytester) -> None:
    runnable(vm.vms()["vm64"])
    result = cases.runpytest_subprocess()
    result.assert_outcomes(passed=1, skipped=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_wrong[[]vm64] _*",
            'AssertionError: assert moon == "full"',
            '  File "*/cases/test_moon.py", line *, in test_wrong',
            '    assert moon == "full"',
            "*- Captured stdout call -*",
            "look up",
            "*_ test_fatal[[]vm64] _*",
            "vm64 ended with exit code -9*",
            "test_fatal",
            "*_ test_late[[]vm64] _*",
            "vm64 ended with exit code -9*",
            "test_fatal",
            "*= not run here =*",
            "   1 no moon: wait",
        ]
    )
    result.stdout.no_fnmatch_line("unseen")


def test_the_rules_that_a_case_shows_are_written_down_once(cases: pytest.Pytester) -> None:
    result = cases.runpytest_subprocess("--collect-only", "--marks=marks.json")
    assert result.ret == 0
    assert json.loads((cases.path / "marks.json").read_text()) == {
        "2131 4.4.10 full-moon": ["cases/test_moon.py::test_good"],
        "2131 4.4.9 no-moon": ["cases/test_moon.py::test_good"],
    }


def test_threads_may_ask_for_the_firmware_at_once() -> None:
    # Python code in the midst of a collection lets another thread in, in the midst of `ast`.
    vm._compiled.cache_clear()
    before = sys.getswitchinterval()
    gc.callbacks.append(lambda *_: [None for _ in range(300)])
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(10) as pool:
            made = [pool.submit(vm.compile_firmware) for _ in range(10)]
    finally:
        gc.callbacks.pop()
        sys.setswitchinterval(before)
    assert [each.result() for each in made] == [vm.MPY] * 10
