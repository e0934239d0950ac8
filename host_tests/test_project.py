"""What the project tells those who join it: checks before a commit, the workflow and forms of
the forge, docs/CONTRIBUTING.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from toolchain import vm

HOOKS = vm.ROOT / ".pre-commit-config.yaml"
WORKFLOW = vm.ROOT / ".github/workflows/ci.yml"
FORMS = sorted((vm.ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
PINS = dict(
    line.split("#")[0].split(";")[0].strip().split("==")
    for line in (vm.ROOT / "tools/requirements.txt").read_text().splitlines()
    if "==" in line
)


def read(path: Path) -> dict[Any, Any]:
    """A file of YAML."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


# Checks before a commit


def hooks() -> dict[str, dict[str, Any]]:
    """Every hook by its name."""
    return {hook["id"]: hook for repo in read(HOOKS)["repos"] for hook in repo["hooks"]}


def test_hooks_have_the_versions_that_lint_has() -> None:
    found = {
        package: version
        for hook in hooks().values()
        for package, _, version in (
            pin.partition("==") for pin in hook.get("additional_dependencies", ())
        )
        if version
    }
    assert found == {name: PINS[name] for name in ("codespell", "ruff")}


def test_pre_commit_takes_the_file() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ("Read only whole lines", True),
        ("Read only whole lines\n", True),
        ("Read only whole lines\n\nA board's line was taken before its end.\n", True),
        ("Read only whole lines\n# what git adds\n", True),
        ("fixup! Read only whole lines\n", True),
        ("R" * 72 + "\n", True),
        ("R" * 73 + "\n", False),
        ("Read only whole lines.\n", False),
        ("read only whole lines\n", False),
        ("Read only whole lines\nA board's line\n", False),
        ("\n", False),
    ],
)
def test_a_message_has_a_short_first_line_and_a_blank_one(message: str, taken: bool) -> None:
    hook = hooks()["commit-message"]
    assert hook["stages"] == ["commit-msg"]
    assert hook["language"] == "pygrep"
    assert hook["args"] == ["--multiline", "--negate"]
    # As pre-commit's pygrep does it
    found = re.compile(hook["entry"].encode(), re.MULTILINE | re.DOTALL).search(message.encode())
    assert bool(found) == taken


# docs/CONTRIBUTING.md

GUIDE = (vm.ROOT / "docs/CONTRIBUTING.md").read_text()


def test_the_case_of_the_inner_loop_is_there() -> None:
    ((path, case, machine),) = re.findall(r"pytest '(.*)::(.*)\[(.*)\]'", GUIDE)
    assert f"\ndef {case}(" in (vm.ROOT / path).read_text()
    assert machine in vm.vms()
    assert Path(path).name in GUIDE.partition("| `... ")[2]


def test_each_target_that_it_names_is_in_the_makefile() -> None:
    targets = {*re.findall(r"^([a-z-]+):", (vm.ROOT / "Makefile").read_text(), re.MULTILINE)}
    named = re.findall(r"(?:`|^    )make ([a-z -]+)", GUIDE, re.MULTILINE)
    found = {target for words in named for target in words.split()}
    assert {"setup", "test", "lint", "size", "release"} <= found <= targets


# The forge


def test_the_workflow_runs_what_ci_run_checks_and_may_only_read() -> None:
    workflow = read(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"]
    assert {*workflow[True]} == {"push", "pull_request"}  # YAML 1.1 takes `on` for true
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert job["steps"][-1] == {"run": ".ci/run"}


def test_the_workflow_names_each_action_by_its_hash_and_its_version() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_the_workflow_has_the_pythons_at_both_ends() -> None:
    lint = re.findall(r"--python-version (\S+)", (vm.ROOT / "Makefile").read_text())
    assert read(WORKFLOW)["jobs"]["python"]["strategy"]["matrix"]["python"] == lint


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_the_forge_takes(path: Path) -> None:
    form = read(path)
    assert {"name", "description", "body"} <= {*form} <= {"name", "description", "labels", "body"}
    names = []
    for element in form["body"]:
        if element["type"] == "markdown":
            assert {*element} == {"type", "attributes"}
            assert {*element["attributes"]} == {"value"}
        else:
            assert element["type"] in ("input", "textarea")
            assert {*element} <= {"type", "id", "attributes", "validations"}
            more = {"description", "placeholder", "render"}
            assert {"label"} <= {*element["attributes"]} <= {"label", *more}
            names.append(element["id"])
        for text in element["attributes"].values():
            assert isinstance(text, str)
            assert text.strip()
    assert len(names) == len({*names})


@pytest.mark.parametrize("name", ["bug", "no-lease"])
def test_who_reports_a_fault_is_asked_for_what_the_doctor_prints(name: str) -> None:
    (path,) = (path for path in FORMS if path.stem == name)
    asked = {element.get("id"): element for element in read(path)["body"]}
    assert "make doctor" in asked["doctor"]["attributes"]["description"]
    assert asked["doctor"]["validations"] == {"required": True}
    assert "capture" in asked
