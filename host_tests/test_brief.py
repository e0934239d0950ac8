"""Names get shorter on the way to a .mpy: which, and that nobody can tell."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

import pytest

from toolchain import package
from toolchain.brief import shortened

FILES = package.sources()
ONE_FILE = f"{package.ROOT_MODULE}.py"
EVERY_FILE = pytest.mark.parametrize("file", FILES)
PRIVATE = r"\b_[a-z]\w*"


def short(file: str) -> str:
    """What is compiled of a file that boards get."""
    root = file == ONE_FILE
    name = package.PACKAGE.name if root else file.removesuffix(".py")
    return shortened(FILES[file], name, root)


def changed(file: str) -> Iterator[tuple[str, str, str]]:
    """What differs between the text that one reads and the text that is compiled: the part of the
    syntax, what it was, and what it is."""
    nodes = zip(ast.walk(ast.parse(FILES[file])), ast.walk(ast.parse(short(file))), strict=True)
    for before, after in nodes:
        assert type(before) is type(after)
        for field in before._fields:
            old, new = getattr(before, field), getattr(after, field)
            if not isinstance(old, (ast.AST, list)) and old != new:
                yield f"{type(before).__name__}.{field}", old, new


def test_names_get_shorter_where_nobody_sees_them_alone() -> None:
    text = (
        "import uos as os\n\n\nclass Led:\n    def _on(self, pin):\n"
        '        os.sync(); self._on(pin); return "self _on os"\n'
    )
    short = shortened(text, "dhcpc", root=True)
    assert short == (
        "import uos\n\n\nclass Led:\n    def _a(dhcpc, pin):\n"
        '        uos.sync(); dhcpc._a(pin); return "self _on os"\n'
    )
    assert "def _on(aio, pin)" in shortened(text, "aio", root=False)
    assert "self" in shortened(text.replace("pin)", "dhcpc)"), "dhcpc", root=True)
    hidden = text.replace('"self', 'f"{self}')
    assert shortened(hidden, "dhcpc", root=True) in (hidden, short.replace('"self', 'f"{dhcpc}'))


def test_what_is_no_python_is_left_to_the_compiler() -> None:
    for text in ("def on(self:\n", '"""', "  if\n if"):
        assert shortened(text, "dhcpc", root=True) == text


@EVERY_FILE
def test_no_line_moves(file: str) -> None:
    lines = zip(FILES[file].splitlines(), short(file).splitlines(), strict=True)
    assert all(len(before.split()) >= len(after.split()) for before, after in lines)


@EVERY_FILE
def test_only_self_private_names_and_built_in_modules_have_other_names(file: str) -> None:
    for where, old, new in changed(file):
        if old.startswith("_"):
            assert file == ONE_FILE
            assert re.fullmatch("_[a-z]", new)
        elif old == "self":
            assert where in ("arg.arg", "Name.id")
        else:  # never an argument's or an attribute's name
            assert where in ("Name.id", "alias.asname")
            assert old in package.BUILT_IN
            assert new in (f"u{old}", None)


def test_what_is_made_shorter_stays_one_thing() -> None:
    pairs = {(old, new) for _, old, new in changed(ONE_FILE) if new is not None}
    assert ("self", "dhcpc") in pairs
    assert len({old for old, _ in pairs}) == len({new for _, new in pairs}) == len(pairs)
    names = {getattr(node, "id", None) for node in ast.walk(ast.parse(FILES[ONE_FILE]))}
    assert not {new for _, new in pairs} & {*names, *dir(builtins)}


def test_extras_use_no_name_that_the_one_file_has_for_itself() -> None:
    own = {*re.findall(PRIVATE, FILES[ONE_FILE]), *re.findall(PRIVATE, short(ONE_FILE))}
    assert "_begin" in own
    for file in {*FILES} - {ONE_FILE}:
        assert not own & {*re.findall(PRIVATE, FILES[file])}, file
