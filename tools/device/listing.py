"""The table of all boards in boards/README.md. What is between its marks is made here; the rest of
the page is written by hand.
"""

from __future__ import annotations

from device.catalogue import BOARDS, ETHERNET, WIFI, Model, catalogue
from toolchain.parts import put

PAGE = BOARDS / "README.md"

_HEAD = ["board", "what it is", "MCU", "NIC", "image", "MicroPython", "`board.py`", "verified"]
_LINKS = {  # by port and NIC; each has a section on the page
    ("rp2", WIFI): "CYW43 Wi-Fi",
    ("rp2", ETHERNET): "WIZNET5K Ethernet",
    ("esp32", WIFI): "ESP32 Wi-Fi",
    ("esp32", ETHERNET): "ESP32 Ethernet",
}
_ALL = ("lwIP", "fakes", "source")  # what was verified of each board


def page(text: str) -> str:
    """The page with its table made anew."""
    rows = [_row(board) for board in catalogue().values()]
    table = [_line(_HEAD), _line(["---"] * len(_HEAD)), *map(_line, rows)]
    return put(text, PAGE.name, "boards.py", {"boards": table})


def _row(board: Model) -> list[str]:
    its_own = (BOARDS / board.name / "README.md").exists()
    return [
        f"[{board.name}]({board.name}/README.md)" if its_own else board.name,
        f"{board.vendor} {board.product}",
        board.mcu,
        ", ".join(_LINKS[board.port, nic] for nic in board.nics),
        board.firmware if board.firmware != board.name else "",
        board.micropython,
        board.same_as,
        ", ".join([*board.run_on, *_ALL]),
    ]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
