"""Makes of firmware/dhcpc what a board gets: the modules that every board needs joined into one
file, the extras beside it.

A board looks for each module in its file system, and for each built-in one, too. One file, and the
names by which MicroPython finds a built-in module at once (`ustruct` for `struct`), make its start
four times as fast.

Needs the standard library alone, as firmware/manifest.py runs it where there is nothing else.
"""

from __future__ import annotations

import ast
import contextlib
import os
import symtable
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from toolchain.cli import Refusal

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
PACKAGE = FIRMWARE / "dhcpc"
SOURCE = ROOT / "build/source"

# Built-in modules that a file on the board may extend, so that `import` first looks for one. With
# a "u" before its name it does not: MicroPython 1.22 to 1.29, py/builtinimport.c.
BUILT_IN = ("array", "binascii", "errno", "os", "random", "select", "socket", "struct", "time")

ROOT_MODULE = "__init__"
_COMPAT = "_compat"  # for the sake of CPython: no board needs it
_COMMON = "_common"  # what extras share: each that uses it gets a copy


class Edit(NamedTuple):
    """Lines of a module, from `first` (from 1) to `last`, and what comes in their place."""

    first: int
    last: int
    text: str = ""


class Module:
    """A module of the package, and what of it changes on the way to a board.

    Refusal names what cannot be joined, and where it stands.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.tree = ast.parse(text, f"{name}.py")
        self.edits: list[Edit] = []
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._rename(node)
        for node in self.tree.body:
            if _is_type_checking(node) or _is_from(node, _COMPAT):
                self.drop(node)

    def where(self, node: ast.stmt) -> str:
        """A place, for people."""
        return f"{self.name}.py, line {node.lineno}"

    def drop(self, node: ast.stmt) -> None:
        """Leave a statement out."""
        self.edits = [edit for edit in self.edits if edit.first != node.lineno]
        self.edits.append(Edit(node.lineno, node.end_lineno or node.lineno))

    def edited(self) -> str:
        """The text that is left."""
        lines = self.text.splitlines(keepends=True)
        for first, last, text in sorted(self.edits, reverse=True):
            lines[first - 1 : last] = [text] if text else []
        return "".join(lines)

    def defines(self) -> Iterator[tuple[str, ast.stmt]]:
        """The global names, and the statements that bind them."""
        for node in self.tree.body:
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    yield name, node
                case ast.Assign(targets=[ast.Name(id=name)]):
                    yield name, node
                case ast.Import(names=names) | ast.ImportFrom(names=names, level=0):
                    for alias in names:
                        yield alias.asname or alias.name, node
                case ast.ImportFrom() | ast.If() | ast.Expr():
                    pass
                case _:
                    raise Refusal(f"{self.where(node)}: this cannot be joined")

    def builtins(self) -> set[str]:
        """The names that it takes from Python itself."""
        found: set[str] = set()
        tables = [symtable.symtable(self.text, f"{self.name}.py", "exec")]
        own = {
            symbol.get_name()
            for symbol in tables[0].get_symbols()
            if symbol.is_assigned() or symbol.is_imported()
        }
        while tables:
            table = tables.pop()
            tables += table.get_children()
            found |= {
                symbol.get_name()
                for symbol in table.get_symbols()
                if symbol.is_global() and symbol.is_referenced()
            }
        return found - own

    def _rename(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom):
            if node.level or node.module not in BUILT_IN:
                return
            new = f"from u{node.module} import " + ", ".join(map(ast.unparse, node.names))
        else:
            if not {alias.name for alias in node.names} & {*BUILT_IN}:
                return
            new = "import " + ", ".join(map(_renamed, node.names))
        line = self.text.splitlines()[node.lineno - 1]
        rest = line[node.end_col_offset :] if node.end_lineno == node.lineno else ""
        indent = " " * node.col_offset
        self.edits.append(
            Edit(node.lineno, node.end_lineno or node.lineno, f"{indent}{new}{rest}\n")
        )


def _renamed(alias: ast.alias) -> str:
    if alias.name in BUILT_IN:
        return f"u{alias.name} as {alias.asname or alias.name}"
    return ast.unparse(alias)


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _is_from(node: ast.stmt, module: str) -> bool:
    return isinstance(node, ast.ImportFrom) and node.level == 1 and node.module == module


Texts = dict[str, str]  # of a package's modules, by their names


def read() -> Texts:
    """The firmware's."""
    return {path.stem: path.read_text() for path in sorted(PACKAGE.glob("*.py"))}


def layers(texts: Texts) -> list[str]:
    """The modules that every board gets, in the order in which the package imports them: each
    knows only those before it.
    """
    root = ast.parse(texts[ROOT_MODULE])
    names = [node.module for node in root.body if isinstance(node, ast.ImportFrom) and node.level]
    return [name for name in names if name]


def extras() -> list[str]:
    """The modules that a board gets when it asks for them."""
    texts = read()
    return sorted({*texts} - {ROOT_MODULE, _COMPAT, _COMMON, *layers(texts)})


def join(texts: Texts) -> str:
    """The one file: the package's own, with the modules in place of their imports.

    What each module imports comes first, then the constants, which are known only from there on,
    then the definitions, those of the largest module first: it refers to names the most often, and
    a reference to one of the first 128 names of a .mpy file takes a byte less.

    Refusal: two modules have one name for two things, or a module imports from one that stands
    behind it; it says where.
    """
    root = Module(ROOT_MODULE, texts[ROOT_MODULE])
    seen: dict[str, tuple[Module, ast.stmt]] = {}
    bodies: dict[str, str] = {}
    modules: list[Module] = []
    for node in root.tree.body:
        if isinstance(node, ast.ImportFrom) and node.level and node.module != _COMPAT:
            if node.module not in texts:
                raise Refusal(f"{root.where(node)}: there is no {node.module}.py")
            module = Module(node.module, texts[node.module])
            _add(module, seen, bodies)
            _check_import(root, node, seen, bodies)
            modules.append(module)
    for module in modules:
        for name in module.builtins() & {*seen}:
            other, hides = seen[name]
            raise Refusal(f"{other.where(hides)}: {name} hides what {module.name}.py means by it")
    parts = [_Parts(body) for body in bodies.values()]
    imports = "".join(part.imports for part in parts)
    constants = "".join(part.constants for part in parts)
    definitions = "".join(sorted((part.definitions for part in parts), key=len, reverse=True))
    joined = [
        node
        for node in root.tree.body
        if isinstance(node, ast.ImportFrom) and node.level and node.module in bodies
    ]
    for node in joined:
        root.drop(node)
    if joined:
        root.edits[-1] = root.edits[-1]._replace(text=imports + constants + definitions)
    return root.edited()


class _Parts:
    """The text of a module by what its statements are, each with the comment above it."""

    def __init__(self, text: str) -> None:
        self.imports = self.constants = self.definitions = ""
        lines = text.splitlines(keepends=True)
        last = 0
        for node in ast.parse(text).body:
            first, last = last, node.end_lineno or node.lineno
            part = "".join(lines[first:last])
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imports += part
            elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("const("):
                self.constants += part
            else:
                self.definitions += part


def _add(module: Module, seen: dict[str, tuple[Module, ast.stmt]], bodies: dict[str, str]) -> None:
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.level and node.module != _COMPAT:
            _check_import(module, node, seen, bodies)
            module.drop(node)
    module.drop(module.tree.body[0])  # the docstring
    for name, node in module.defines():
        if name in seen:
            other, before = seen[name]
            if ast.dump(before) != ast.dump(node):
                raise Refusal(
                    f"{module.where(node)}: {name} is another thing than in {other.where(before)}"
                )
            module.drop(node)
        else:
            seen[name] = module, node
    bodies[module.name] = module.edited()


def _check_import(
    module: Module,
    node: ast.ImportFrom,
    seen: dict[str, tuple[Module, ast.stmt]],
    bodies: dict[str, str],
) -> None:
    if node.module not in bodies:
        raise Refusal(f"{module.where(node)}: {node.module} does not stand before it")
    for alias in node.names:
        if alias.name not in seen or seen[alias.name][0].name != node.module:
            raise Refusal(f"{module.where(node)}: {node.module} has no {alias.name}")
        if alias.asname not in (None, alias.name):
            raise Refusal(f"{module.where(node)}: {alias.name} keeps its name")


def modules() -> Texts:
    """What every board needs before it is joined, by the file's name: the modules as they are."""
    texts = read()
    return {f"{name}.py": texts[name] for name in (ROOT_MODULE, _COMPAT, *layers(texts))}


def single(name: str, texts: Texts) -> str:
    """An extra as it is by itself, with what it shares with others in place of the import."""
    module = Module(name, texts[name])
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and _is_from(node, _COMMON):
            module.edits.append(
                Edit(node.lineno, node.end_lineno or node.lineno, _copied(node, texts[_COMMON]))
            )
    return module.edited()


def _copied(node: ast.ImportFrom, text: str) -> str:
    # What is imported of the common module, and what of its own imports that needs.
    common = Module(_COMMON, text)
    wanted = {alias.name for alias in node.names}
    body = common.tree.body
    kept = [each for each in body if getattr(each, "name", None) in wanted]
    used = {n.id for each in kept for n in ast.walk(each) if isinstance(n, ast.Name)}
    for each in body:
        if isinstance(each, (ast.Import, ast.ImportFrom)):
            if used.isdisjoint(alias.asname or alias.name for alias in each.names):
                common.drop(each)
        elif each not in kept:
            common.drop(each)
    return common.edited()


def sources() -> dict[str, str]:
    """What a board gets, by the file's name. Refusal: as of `join`."""
    texts = read()
    return {f"{ROOT_MODULE}.py": join(texts)} | {
        f"{name}.py": single(name, texts) for name in extras()
    }


def write(files: dict[str, str], directory: Path) -> None:
    """Write what has changed of some files, and remove all others. Several processes may do so at
    once.
    """
    folder(directory)
    for path in directory.iterdir():
        if path.name not in files:
            path.unlink(missing_ok=True)
    for name, text in files.items():
        path = directory / name
        if not path.exists() or path.read_text() != text:
            with tempfile.TemporaryDirectory(dir=directory.parent) as place:
                new = Path(place) / name
                new.write_text(text)
                hand_over(new)
                new.replace(path)


def folder(path: Path) -> None:
    """Make a folder, and those that it is in, as far as they are not there."""
    if not path.exists():
        folder(path.parent)
        path.mkdir(exist_ok=True)
        hand_over(path)


def hand_over(path: Path) -> None:
    """Under sudo, give what was made to the project's owner, whose next command replaces it."""
    if hasattr(os, "geteuid") and not os.geteuid():
        owner = ROOT.stat()
        with contextlib.suppress(OSError):  # a user namespace may not know the owner
            os.chown(path, owner.st_uid, owner.st_gid)


def write_sources() -> Path:
    """Have what a board gets in build/source/dhcpc; return build/source. Refusal: as of `join`."""
    write(sources(), SOURCE / PACKAGE.name)
    return SOURCE
