"""boot.py and main.py on a virtual board: real files, a real prompt, a real Ctrl-C. What they do
about networks and watchdogs is in cases/test_main.py."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from device.virtual import VirtualBoard
from toolchain import vm

MPREMOTE = vm.ROOT / ".venv/bin/mpremote"
PROMPT = "\n>>> "
CTRL_C = b"\x03"
PATIENCE = 20  # seconds
KEY = "correct horse"

# A Wi-Fi NIC that is never associated
BOARD = """
class Nic:
    def status(self, what=None): return 1
    def config(self, name): return {"mac": b"\\2\\0\\0\\0\\0\\1", "ssid": ""}[name]
    def ifconfig(self, four=None): return ("0.0.0.0",) * 4
    def connect(self, ssid, key=None): print("joins", ssid)
    def disconnect(self): pass
    def active(self, on): pass
    def send_ethernet(self, frame): pass

def nic():
    return Nic()
"""
# The VM has none of these, or not what a board's have in them.
MODULES = """
print("power on")
import sys

class Network:
    def hostname(self, name="virtual"): return name

class Machine:
    class WDT:
        def __init__(self, timeout): print("watchdog", timeout)
        def feed(self):
            if self.hungry: print("fed")
            self.hungry = False
        hungry = True

sys.modules["network"] = Network()
sys.modules["machine"] = Machine()
"""
BOOT = MODULES + (vm.FIRMWARE / "boot.py").read_text()
MAIN = (vm.FIRMWARE / "main.py").read_text()
# Behind it there is a lease, from the start and for good.
LEASED = """
dhcpc.Client.poll = lambda self, wait: None
class Lease:
    ip = "10.0.0.5"
dhcp.lease = Lease()
"""


class Terminal:
    """What somebody sees and types who is connected to a port."""

    def __init__(self, port: str) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.unread = ""

    def close(self) -> None:
        os.close(self.fd)

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def read_until(self, words: str) -> str:
        """What is shown, up to those words and with them."""
        end = time.monotonic() + PATIENCE
        while words not in self.unread:
            wait = max(end - time.monotonic(), 0)
            assert select.select([self.fd], [], [], wait)[0], f"no {words!r}: {self.unread}"
            self.unread += os.read(self.fd, 4096).decode(errors="replace").replace("\r\n", "\n")
        seen, _, self.unread = self.unread.partition(words)
        return seen + words

    def ask(self, expression: str) -> str:
        """What the prompt says to an expression."""
        self.type(expression.encode() + b"\r")
        return self.read_until(PROMPT).split("\n")[-2]


class Deployed:
    """A virtual board, and who is connected to it."""

    def __init__(self, board: VirtualBoard, directory: Path) -> None:
        self.board = board
        self.directory = directory
        self.terminal: Terminal | None = None

    def start(self, files: Mapping[str, str | None]) -> Terminal:
        """Copy boot.py, main.py, board.py, the package, and these, by their names; those that are
        None not. Then switch it off and on.
        """
        every = {"boot.py": BOOT, "main.py": MAIN, "board.py": BOARD, **files}
        names = []
        for name, text in every.items():
            if text is not None:
                path = self.directory / name
                path.write_text(text)
                names.append(str(path))
        package = vm.compile_firmware() / "dhcpc"
        copy = [str(MPREMOTE), "connect", self.board.port, "cp", "-r", str(package), ":"]
        command = [*copy, "+", "cp", *names, ":"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        self.terminal = Terminal(self.board.port)
        self.board.reset()
        self.terminal.read_until("power on")
        return self.terminal


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    unix = vm.vms()["vm64"]
    if unix.missing:
        pytest.skip(f"{unix.name}: {unix.missing}")
    files = tmp_path / "files"
    files.mkdir()
    with VirtualBoard(tmp_path / "flash.img") as board:
        found = Deployed(board, files)
        try:
            yield found
        finally:
            if found.terminal:
                found.terminal.close()


def config(**settings: object) -> str:
    return json.dumps({"ssid": "home", "key": KEY, **settings})


def test_ctrl_c_leads_from_a_search_for_the_network_to_the_prompt(deployed: Deployed) -> None:
    terminal = deployed.start({"dhcpc.json": config(timeout_s=1)})
    seen = terminal.read_until("no lease: there is no link")
    assert "joins home" in seen
    assert KEY not in seen
    terminal.type(CTRL_C)
    assert "KeyboardInterrupt" in terminal.read_until(PROMPT)
    # What boot.py made is at hand there.
    assert terminal.ask("dhcp.state") == "'STOPPED'"
    assert terminal.ask("config['ssid']") == "'home'"


def test_a_board_goes_on_without_a_nic_that_does_not_work(deployed: Deployed) -> None:
    several = BOARD.replace("def nic", "def wifi") + (
        "\ndef nic(): raise OSError('no chip')\nNICS = nic, wifi\n"
    )
    terminal = deployed.start({"dhcpc.json": config(), "board.py": several})
    seen = terminal.read_until("tried again at the next reset")
    assert "joins home" in seen
    assert "\ndhcpc: board.nic(): OSError: no chip; tried" in seen


def test_ctrl_c_comes_before_the_watchdog(deployed: Deployed) -> None:
    terminal = deployed.start({"dhcpc.json": config(watchdog_s=8)})
    seen = terminal.read_until("Ctrl-C within 5 s")
    terminal.type(CTRL_C)
    seen += terminal.read_until(PROMPT)
    assert "KeyboardInterrupt" in seen
    assert "watchdog 8000" not in seen


def test_ctrl_c_after_the_watchdog_tells_what_to_expect(deployed: Deployed) -> None:
    terminal = deployed.start({"dhcpc.json": config(watchdog_s=8)})
    terminal.read_until("watchdog 8000")
    terminal.read_until("fed")  # only then main.py knows that it runs
    terminal.type(CTRL_C)
    seen = terminal.read_until(PROMPT)
    assert "dhcpc: the watchdog resets the board; Ctrl-C within 5 s of that" in seen
    assert "KeyboardInterrupt" in seen


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"dhcpc.json": '{"ssid": '}, "ValueError: /dhcpc.json: not JSON: syntax error in JSON"),
        (
            {"dhcpc.json": '{"sid": "home"}'},
            'ValueError: /dhcpc.json: there is no "sid"; there are anonymous, broadcast',
        ),
        ({"dhcpc.json": None}, "ValueError: /dhcpc.json: no ssid"),
        (
            {"dhcpc.json": config(vendor_class="a" * 200, user_class=["b" * 200])},
            "ValueError: /dhcpc.json: options",
        ),
        ({"board.py": None}, "ImportError: no module named 'board'"),
        ({"board.py": "def nic():\n    raise OSError('no chip')\n"}, "OSError: no chip"),
    ],
)
def test_what_boot_cannot_use_is_named_and_main_is_not_run(
    deployed: Deployed, files: Mapping[str, str | None], words: str
) -> None:
    terminal = deployed.start({"dhcpc.json": config(), "main.py": "print('main')", **files})
    seen = terminal.read_until(PROMPT)
    assert f"\n{words}" in seen
    assert "\nmain\n" not in seen


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("import umqtt\n", "ImportError: no module named 'umqtt'"),
        ("def setup(dhcp)\n", "SyntaxError: invalid syntax"),
        ("def setup(dhcp):\n    raise OSError('no sensor')\n", "OSError: no sensor"),
        ("def loop(dhcp):\n    raise ValueError('wet')\n", "ValueError: wet"),
    ],
)
def test_what_goes_wrong_in_the_application_is_shown(
    deployed: Deployed, app: str, words: str
) -> None:
    files = {"dhcpc.json": config(), "boot.py": BOOT + LEASED, "app.py": app}
    terminal = deployed.start(files)
    seen = terminal.read_until(PROMPT)
    assert f"\n{words}\n" in seen
    assert "Traceback" in seen
