"""How the Python programs of the pages are run.

A rule takes a block, and returns how it is checked, or None if it is not its business.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import subprocess
import sys
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from device.virtual import VirtualBoard
from doc_blocks import Block
from doc_commands import Wrong
from toolchain import vm

Check = Callable[[Path], None]  # with a folder to write to

READER = vm.ROOT / ".venv/apart/stubber/stubber/tools/manifestfile.py"
BOARDS = (("PICO_W", None), ("ESP32", None), ("ESP32_LAN", "ESP32"))


def machine() -> vm.VM:
    unix = vm.vms()["vm64"]
    if unix.missing:
        pytest.skip(f"{unix.name}: {unix.missing}")
    return unix


def free(source: str) -> list[str]:
    """The names that a program uses and nobody gives it: what its reader has by then."""
    tree = ast.parse(source)
    made = set(dir(builtins))
    used = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                used.append(node.id)
            else:
                made.add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            made |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
    return sorted({name for name in used if name not in made})


def functions(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def on_boards(source: str) -> None:
    """Run a program in the VM on a board of each kind that it can be for."""
    several = "NICS" in source
    for port, second in BOARDS:
        if bool(second) != several:
            continue
        script = (
            f"from program import run\nrun({source!r}, {free(source)!r}, {port!r}, {second!r})"
        )
        code, out = machine().run(script, [vm.ROOT / "host_tests/cases"])
        if code:
            raise Wrong(f"on {port}: {out}")


def printing(block: Block) -> Check | None:
    """A program that prints the block behind it: under CPython and in every VM."""
    if block.language == "text" and re.search(r"^prints\n+```text$", block.before, re.M):
        return lambda _: None  # the program before it is held to it
    found = re.match(r"```\n+prints\n+```text\n(.*?)^```$", block.after, re.M | re.S)
    if block.language != "python" or not found:
        return None
    prints = found[1]

    def check(_: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(vm.FIRMWARE)}
        command = [sys.executable, "-c", block.text]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if (done.stdout, done.stderr) != (prints, ""):
            raise Wrong(f"prints {done.stdout}{done.stderr}")
        for each in vm.vms().values():
            if not each.missing and each.run(block.text) != (0, prints):
                raise Wrong(f"prints something else in {each.name}")

    return check


def application(block: Block) -> Check | None:
    """An app.py: between boot.py and main.py."""
    if block.language != "python" or not functions(block.text) & {"setup", "loop"}:
        return None

    def check(_: Path) -> None:
        for port in ("PICO_W", "ESP32_LAN"):
            script = f"from program import run_app\nrun_app({block.text!r}, {port!r})"
            code, out = machine().run(script, [vm.ROOT / "host_tests/cases"])
            if code:
                raise Wrong(f"on {port}: {out}")

    return check


def manifest(block: Block) -> Check | None:
    """A line of a manifest, which freezes what it names."""
    if block.language != "python" or not block.text.startswith("include("):
        return None

    def check(folder: Path) -> None:
        if not READER.exists():
            pytest.skip("there is no manifestfile.py: `make setup`")
        path = folder / "manifest.py"
        text = re.sub(r'"[./\w]*?/?(firmware/manifest\.py")', rf'"{vm.ROOT}/\1', block.text)
        path.write_text(text)
        script = (
            "import sys, manifestfile as m; f = m.ManifestFile(m.MODE_FREEZE, {}); "
            "f.execute(sys.argv[1]); print(*(each.target_path for each in f.files()))"
        )
        env = {**os.environ, "PYTHONPATH": str(READER.parent)}
        command = [sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            raise Wrong(done.stderr)
        for extra in re.findall(r'extras="(.*?)"', block.text)[0].split():
            if f"dhcpc/{extra}.py" not in done.stdout:
                raise Wrong(f"it does not freeze {extra}")

    return check


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def mip(block: Block) -> Check | None:
    """A program that installs from an index: one that is served here."""
    if block.language != "python" or "mip.install(" not in block.text:
        return None

    def check(folder: Path) -> None:
        made = [sys.executable, str(vm.ROOT / "tools/mip_index.py"), "--output", str(folder)]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        with ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *how: Quiet(*how, directory=str(folder))
        ) as server:
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            url = f"http://127.0.0.1:{server.server_port}"
            text = re.sub(r'index="http://[^"]*"', f'index="{url}"', block.text)
            text = text.replace(")", f', target="{folder}/lib")')
            code, out = machine().run(text)
            server.shutdown()
            thread.join()
        if "no module named 'mip'" in out:
            pytest.skip("vm64: it was built without mip: `make setup` gets one that has it")
        if code or not (folder / "lib/dhcpc/__init__.mpy").exists():
            raise Wrong(out)

    return check


def of_tests(block: Block) -> Check | None:
    """A program for CPython on this machine, that uses what the tests use."""
    if block.language != "python" or "VirtualBoard(" not in block.text:
        return None

    def check(folder: Path) -> None:
        machine()
        here = Path.cwd()
        os.chdir(folder)
        try:
            exec(block.text, {"VirtualBoard": VirtualBoard, "Path": Path})
        except (AttributeError, NameError, TypeError) as error:
            raise Wrong(str(error)) from None
        finally:
            os.chdir(here)

    return check


def of_tools(block: Block) -> Check | None:
    """A test for pytest, which runs tools in the project's folder."""
    if block.language != "python" or "def test_" not in block.text:
        return None

    def check(folder: Path) -> None:
        path = folder / "test_block.py"
        path.write_text(block.text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
        done = subprocess.run(command, cwd=vm.ROOT, capture_output=True, text=True)
        if done.returncode:
            raise Wrong(done.stdout)

    return check


def program(block: Block) -> Check | None:
    """Any other: on fake boards, with what a reader has at hand by then."""
    if block.language != "python":
        return None
    return lambda _: on_boards(block.text)


PROGRAMS = (printing, application, manifest, mip, of_tests, of_tools, program)
