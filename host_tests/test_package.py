"""What a board gets of the firmware: the modules joined to one file, and what cannot be joined."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from toolchain import package
from toolchain.cli import Refusal

ROOT = '''"""Blinks."""

from .led import Led as Led
from .app import run as run

__version__ = "1.2"
'''
LED = '''"""The LED."""

import time

from ._compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_PIN = const(25)


class Led:
    """One."""

    def blink(self, times: "Any") -> None:
        time.sleep_ms(times * _PIN)
'''
APP = '''"""What it is for."""

import time
from struct import pack_into

from ._compat import const
from .led import Led

_PIN = const(25)
_TIMES = const(3)


def run():
    import os

    Led().blink(_TIMES)
    return time, os, pack_into
'''


def joined(led: str = LED, app: str = APP, root: str = ROOT) -> str:
    return package.join({"__init__": root, "led": led, "app": app, "_compat": ""})


def test_imports_come_first_then_constants_the_largest_module_and_the_roots_own_lines() -> None:
    more = "\n\ndef more():\n    return " + repr("x" * 200) + "\n"
    first = ("import utime", "import pack_into", "_PIN = ", "_TIMES = ")
    for text, then in (
        (joined(led=LED + more), ("class Led", "def run")),
        (joined(app=APP + more), ("def run", "class Led")),
    ):
        places = [text.index(part) for part in (*first, *then, "__version__")]
        assert places == sorted(places)
    assert package.layers({"__init__": ROOT, "led": LED, "app": APP}) == ["led", "app"]


def test_what_a_board_has_no_use_for_is_left_out() -> None:
    text = joined()
    for part in ("from .", "_compat", "TYPE_CHECKING", "typing", "The LED.", "What it is for."):
        assert part not in text


def test_built_in_modules_are_named_so_that_they_are_found_at_once() -> None:
    text = joined()
    for line in ("import utime as time", "from ustruct import pack_into", "    import uos as os"):
        assert f"{line}\n" in text


def test_what_two_modules_say_alike_stands_once() -> None:
    text = joined()
    assert text.count("_PIN = const(25)") == 1
    assert text.count("import utime as time") == 1
    exec(
        compile(text.replace("utime", "time").replace("ustruct", "struct"), "joined", "exec"),
        {"const": lambda value: value},
    )


def test_a_module_that_is_none_of_the_layers_is_an_extra() -> None:
    assert "sleep" in package.extras()
    ours = {"__init__", "_common", "_compat", *package.layers(package.read())}
    assert not {*package.extras()} & ours


COMMON = """\"\"\"What several extras use.\"\"\"

from dhcpc import dotted


def used():
    return dotted


def unused():
    return 5


def alone():
    return 6
"""


def test_an_extra_has_a_copy_of_what_it_shares_with_others() -> None:
    extra = "from ._common import used\n\n\ndef f():\n    return used()\n"
    text = package.single("extra", {"extra": extra, "_common": COMMON})
    assert "_common" not in text
    assert "unused" not in text
    assert text.count("from dhcpc import dotted\n") == text.count("def used():\n") == 1
    assert package.single("extra", {"extra": "X = 1\n", "_common": COMMON}) == "X = 1\n"


def test_an_extra_imports_no_more_than_its_copy_needs() -> None:
    extra = "from ._common import alone\n"
    text = package.single("extra", {"extra": extra, "_common": COMMON})
    assert "def alone():\n" in text
    assert "import" not in text


def test_a_constant_that_two_modules_have_is_the_same_in_both() -> None:
    found: dict[str, tuple[str, str]] = {}
    for module, text in package.read().items():
        for node in ast.parse(text).body:
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Call(func=ast.Name(id="const"), args=[value]),
                ):
                    first, there = found.setdefault(name, (module, ast.dump(value)))
                    assert there == ast.dump(value), f"{name} of {first} and of {module}"


def test_no_extra_imports_another() -> None:
    for name in package.extras():
        for line in package.single(name, package.read()).splitlines():
            assert not line.startswith("from .")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"app": APP.replace("_PIN = const(25)", "_PIN = const(26)")},
            "app.py, line 9: _PIN is another thing than in led.py, line 10",
        ),
        (
            {"app": APP + "\n\ndef Led():\n    pass\n"},
            "Led is another thing than in led.py, line 13",
        ),
        (
            {"app": APP + "\n\ndef max():\n    pass\n", "led": LED + "\n\nMOST = max(1, 2)\n"},
            "app.py, line 20: max hides what led.py means by it",
        ),
        (
            {"led": LED.replace("import time\n", "import time\n\nfrom .app import run\n")},
            "led.py, line 5: app does not stand before it",
        ),
        ({"app": APP.replace("import Led", "import Lamp")}, "app.py, line 7: led has no Lamp"),
        (
            {"app": APP.replace("import Led", "import Led as Lamp")},
            "app.py, line 7: Led keeps its name",
        ),
        (
            {"app": APP + "\nfor i in range(3):\n    pass\n"},
            "app.py, line 19: this cannot be joined",
        ),
        ({"root": ROOT.replace(".app", ".lamp")}, "__init__.py, line 4: there is no lamp.py"),
    ],
    ids=["constant", "class", "builtin", "order", "no such", "alias", "loop", "no module"],
)
def test_what_cannot_be_joined_is_said_and_where_it_stands(
    how: dict[str, str], words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        joined(**how)
    assert words in str(refused.value)


# Files


def test_what_is_written_is_for_all_as_far_as_the_umask_lets_it(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        package.write({"a.py": "a = 1\n"}, tmp_path / "new/source")
    finally:
        os.umask(old)
    assert (tmp_path / "new/source/a.py").stat().st_mode & 0o777 == 0o640
    assert [*(tmp_path / "new").iterdir()] == [tmp_path / "new/source"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_what_root_writes_is_the_project_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    os.chown(root, 1000, 1000)
    monkeypatch.setattr(package, "ROOT", root)
    package.write({"a.py": "a = 1\n"}, root / "build/source")
    made = root / "build", root / "build/source", root / "build/source/a.py"
    assert [path.stat().st_uid for path in made] == [1000] * 3
