"""tools/doctor.py on a virtual board: what it asks, and what that comes to."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import examination, wiretap
from device.examination import Findings, ask
from device.remote import Board
from device.virtual import VirtualBoard
from dhcpc import explain
from dhcpc.explain import why
from test_app import MAIN, MODULES, MPREMOTE
from test_page import Page
from toolchain import vm
from toolchain.files import PAGE

DOCTOR = str(vm.ROOT / "tools/doctor.py")

# A cable, and on it a server that answers as it is told to
BOARD = """
from dhcpc import Link

class Nic(Link):
    hostname = "virtual"
    mac = b"\\2\\0\\0\\0\\0\\1"
    plugged = %r
    answers = %r
    yiaddr = %r
    more = b"\\3\\4\\xc0\\0\\2\\1\\6\\4\\xc0\\0\\2\\1"  # router, DNS server

    def __init__(self):
        super().__init__(None)
        self.reply = None
        self.four = ("0.0.0.0",) * 4

    def up(self): return self.plugged
    def key(self): return b""
    def error(self): return None
    def status(self): return 3
    def open(self): pass
    def apply(self, lease): self.four = lease.ifconfig() if lease else ("0.0.0.0",) * 4
    def ifconfig(self, four=None): return self.four

    def send(self, size, server):
        message = bytes(self.buf[:size])
        kind = message[242]
        text = b"\\x38\\x0dwrong network"
        if kind in self.answers:
            self.reply = (
                b"\\2\\1\\6\\0" + message[4:8] + bytes(8) + self.yiaddr + bytes(8)
                + self.mac + bytes(202) + b"c\\x82Sc\\x35\\1" + bytes([self.answers[kind]])
                + b"\\x36\\4\\xc0\\0\\2\\1\\x33\\4\\0\\0\\x0e\\x10"
                + (text if self.answers[kind] == 6 else b"") + self.more + b"\\xff"
            )

    def recv(self, size, wait):
        reply, self.reply = self.reply, None
        return reply

def nic():
    return Nic()
"""
YIADDR = bytes((192, 0, 2, 100))
HONEST = {1: 2, 3: 5}  # an OFFER to a DISCOVER, an ACK to a REQUEST


@pytest.fixture
def virtual(tmp_path: Path) -> Iterator[VirtualBoard]:
    unix = vm.vms()["vm64"]
    if unix.missing:
        pytest.skip(f"{unix.name}: {unix.missing}")
    with VirtualBoard(tmp_path / "flash.img") as board:
        yield board


def copy(virtual: VirtualBoard, directory: Path, **files: str) -> None:
    """The package, and these files, onto the board."""
    paths = []
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
        paths.append(str(directory / f"{name}.py"))
    package = vm.compile_firmware() / "dhcpc"
    command = [str(MPREMOTE), "connect", virtual.port, "cp", "-r", str(package), ":"]
    if paths:
        command += ["+", "cp", *paths, ":"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def asked(board: VirtualBoard, *more: str) -> tuple[int, str]:
    """What the doctor's exit code is, and what it says, but for where to read more."""
    command = [sys.executable, DOCTOR, *more, board.port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.partition("more: docs/")[0]


def deploy(board: VirtualBoard, directory: Path, network: str, booted: str = "") -> None:
    """The application, with that board.py, and what else boot.py does in the end."""
    boot = MODULES + (vm.FIRMWARE / "boot.py").read_text() + booted
    copy(board, directory, boot=boot, main=MAIN, board=network)


def of(
    board: VirtualBoard,
    directory: Path,
    *more: str,
    plugged: bool = True,
    answers: dict[int, int] | None = None,
    yiaddr: bytes = YIADDR,
    odd: str = "",
    booted: str = "",
) -> tuple[int, str]:
    """That of a board on that cable, before that server. odd: what else is in board.py; booted:
    what else boot.py does, in the end.
    """
    network = BOARD % (plugged, answers or {}, yiaddr) + odd
    deploy(board, directory, network, booted)
    return asked(board, "--seconds", "3", *more)


def test_a_board_that_gets_a_lease_is_well(virtual: VirtualBoard, tmp_path: Path) -> None:
    code, said = of(virtual, tmp_path, answers=HONEST)
    assert code == 0
    for words in (
        "firmware    micropython 1.",
        "heap ",
        "clock ",
        "record      none",
        "link        up, status 3",
        "MAC         02:00:00:00:00:01",
        "address     192.0.2.100, mask 255.255.255.0, gateway 192.0.2.1, DNS server 192.0.2.1",
        "lease       192.0.2.100 from 192.0.2.1 for 3",
        "SELECTING   DISCOVER to all",
        "OFFER of 192.0.2.100 from 192.0.2.1",
        "bound: 192.0.2.100 from 192.0.2.1",
    ):
        assert words in said, (words, said)
    assert said.endswith("\nthe board has its address\n")


FAULTS = {
    "no link": ({"plugged": False}, "no link"),
    "silence": ({}, "no answer"),
    "an offer and no more": ({"answers": {1: 2}}, "192.0.2.1: OFFER "),
    "an address that cannot be": (
        {"answers": HONEST, "yiaddr": b"\xff" * 4},
        "192.0.2.1: yiaddr ",
    ),
}


def test_it_leads_to_a_section_of_the_page_for_each_case() -> None:
    page = (vm.ROOT / examination._PAGE).read_text()
    found = re.findall("^#+ (.*)$", page, re.MULTILINE)
    sections = {re.sub("[^a-z -]", "", each.lower()).replace(" ", "-") for each in found}
    assert {*examination._CASES.values(), "ask-the-board", "the-cases"} <= sections
    assert {*examination._CASES} <= {*explain._REASONS}


LINK = examination._Link(True, None, [3], None, b"", b"\2\0\0\0\0\1", None)


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("no answer", "#nobody-answers. At home: does a telephone get an address there?"),
        ("192.0.2.1: NAK wrong: network", "#nak"),
        ("192.0.2.1: OFFER", "#an-offer-and-no-more"),
        ("no link", "#ask-the-board"),
        (["ValueError: moon"], "#ask-the-board"),
    ],
)
def test_where_to_read_more_is_told(reason: str | list[str], more: str) -> None:
    found = Findings()
    polled = examination._Polled("INIT", None, None, None, None, reason)
    examination._judge(found, LINK, polled)
    assert found.more == f"docs/no-address.md{more}"


def test_a_server_that_refuses_again_and_again_is_to_be_looked_into() -> None:
    polled = examination._Polled("INIT", None, None, None, None, "192.0.2.1: NAK")
    line = "     0.100 s  INIT        nak: 192.0.2.1: NAK"
    once, twice = Findings(story=[line]), Findings(story=[line, line])
    for found in (once, twice):
        examination._judge(found, LINK, polled)
    assert once.advice == why("192.0.2.1: NAK")[1]
    assert twice.advice.endswith("look for this board's MAC in its configuration")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_verdict_is_why_there_is_no_lease_and_what_to_do(
    fault: str, virtual: VirtualBoard, tmp_path: Path
) -> None:
    how, reason = FAULTS[fault]
    code, said = of(virtual, tmp_path, **how)  # type: ignore[arg-type]
    assert code == 1
    assert "lease       none, " in said
    assert said.endswith("\n\n" + "\n".join(why(reason)) + "\n"), said


def test_a_nak_is_in_the_story_with_the_servers_words(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    code, said = of(virtual, tmp_path, answers={1: 2, 3: 6})
    assert code == 1
    assert "nak: 192.0.2.1: NAK wrong network" in said


@pytest.mark.parametrize(
    ("raised", "known"),
    [
        ("OSError(errno.EADDRINUSE)", OSError(errno.EADDRINUSE)),
        ("MemoryError()", MemoryError()),
    ],
)
def test_a_reason_that_is_an_exception_is_explained(
    raised: str, known: Exception, virtual: VirtualBoard, tmp_path: Path
) -> None:
    odd = f"import errno\ndef fails(*_): raise {raised}\nNic.send = fails\n"
    code, said = of(virtual, tmp_path, odd=odd)
    assert code == 1
    assert said.endswith("\n\n" + "\n".join(why(known)) + "\n"), said


def test_an_exception_that_nobody_knows_is_told_as_the_board_has_it(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    odd = "def fails(*_): raise ValueError('of: its own')\nNic.send = fails\n"
    code, said = of(virtual, tmp_path, odd=odd)
    assert code == 1
    assert said.endswith("\n\nValueError: of: its own\n"), said


def test_a_fallback_address_is_no_lease(virtual: VirtualBoard, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    booted = "\nfrom dhcpc import fallback\nfallback.static(dhcp, '192.0.2.7', after_ms=0)\n"
    code, said = of(virtual, tmp_path, "--html", str(path), booted=booted)
    assert code == 1
    assert "; the fallback address 192.0.2.7 is used\n" in said
    assert "\n\n" + "\n".join(why("no answer")) + "\n" in said
    assert "renewal" not in said


# A second NIC, and a server of its own
SECOND = """
class Other(Nic):
    mac = b"\\2\\0\\0\\0\\0\\2"
    plugged = True
    answers = {1: 2, 3: 5}
    yiaddr = b"\\xc0\\0\\2\\x65"

def other():
    return Other()

NICS = nic, other
"""


def test_a_board_with_several_nics_is_well_if_one_of_them_has_a_lease(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    code, said = of(virtual, tmp_path, "--html", str(path), plugged=False, odd=SECOND)
    assert code == 0, said
    assert "MAC         02:00:00:00:00:02" in said
    assert "lease       192.0.2.101 from 192.0.2.1 for 3" in said
    assert shown(path) == (["DISCOVER", "OFFER", "REQUEST", "ACK"], "the board has its address")


def test_a_nic_that_does_not_work_is_told(virtual: VirtualBoard, tmp_path: Path) -> None:
    odd = "\ndef spi(): raise OSError('no chip')\nNICS = spi, nic\n"
    code, said = of(virtual, tmp_path, answers=HONEST, odd=odd)
    assert code == 0, said
    assert "\nnot in use  board.spi(): OSError: no chip\n" in said


def test_a_boot_py_of_ones_own_need_not_keep_the_nic(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    code, said = of(virtual, tmp_path, answers=HONEST, booted="\ndel nic\n")
    assert code == 0
    assert "link        up, status 3" in said


def test_a_board_without_the_application_is_told_to_be_deployed_to(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    copy(virtual, tmp_path)
    code, said = asked(virtual)
    assert code == 1
    assert "dhcpc       0." in said
    assert said.endswith(
        "\nboot.py has not made a client\ncopy it anew: "
        f"make deploy BOARD=... PORT={virtual.port} SSID=...\n"
    )


def test_the_error_that_ended_boot_py_is_told(virtual: VirtualBoard, tmp_path: Path) -> None:
    odd = "\ndef nic(): raise OSError('no chip')\n"
    code, said = of(virtual, tmp_path, odd=odd)
    assert code == 1
    assert "\n\nboot.py has not made a client; it has made config: OSError: no chip\n" in said


def test_what_a_lease_lacks_is_told(virtual: VirtualBoard, tmp_path: Path) -> None:
    code, said = of(virtual, tmp_path, answers=HONEST, odd="Nic.more = b''\n")
    assert code == 0
    assert ", gateway none, DNS server none\n" in said
    assert "\n\nthe board has its address, and no gateway and no DNS server\n" in said


def test_a_board_that_has_nothing_is_told_so(virtual: VirtualBoard) -> None:
    code, said = asked(virtual)
    assert code == 1
    assert "dhcpc       ImportError" in said
    assert said.endswith(
        f"\n\nthe client is not on the board\nmake deploy BOARD=... PORT={virtual.port} SSID=...\n"
    )
    assert "asks for a lease" not in said


def test_without_a_port_those_that_there_are_are_listed() -> None:
    done = subprocess.run([sys.executable, DOCTOR], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("doctor: PORT= is missing; ")


def test_a_time_that_makes_no_sense_is_refused() -> None:
    command = [sys.executable, DOCTOR, "--seconds", "0", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--seconds: 0 is not from 1 to 600" in done.stderr


# The page

# As if the reply were to another message
OTHER_XID = """
class Nic(Nic):
    def recv(self, size, wait):
        data = super().recv(size, wait)
        return data and data[:4] + bytes(4) + data[8:]
"""
# More than any board has room for
FLOOD = "Nic.recv = lambda self, size, wait: bytes(300)\n"
# The lease is there before the doctor comes.
LEASED = "\ndhcp.acquire()\n"


def shown(path: Path) -> tuple[list[str], str]:
    """The types of the messages on a page, in order, and its first verdict with the advice."""
    text = path.read_text("utf-8")
    verdict = re.search('<div class="verdict">(.*?)</div>', text, re.S)
    assert verdict
    return re.findall('"type">([^<]*)<', text), "".join(Page(verdict[1]).texts).strip()


def test_the_page_has_the_messages_and_the_verdict_of_the_doctor(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"{PAGE}replaced, as decode.py does")
    code, said = of(virtual, tmp_path, "--html", str(path), answers=HONEST)
    assert code == 0
    assert said.endswith(f"\nthe board has its address\n\n{path} shows 4 messages\n"), said
    assert "renewal" not in said
    assert shown(path) == (["DISCOVER", "OFFER", "REQUEST", "ACK"], "the board has its address")


def test_the_page_tells_when_messages_went_and_where_to(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    of(virtual, tmp_path, "--html", str(path), answers=HONEST)
    text = path.read_text("utf-8")
    times = re.findall(r'"time">\+([0-9.]+) s<', text)
    assert len(times) == 4
    assert times == sorted(times, key=float)
    discover, offer, *_ = (each["facts"] for each in Page(text).data["messages"])
    assert re.match(
        r"2\d\d\d-.* UTC, \N{RIGHTWARDS ARROW} 255\.255\.255\.255:67, \d+ bytes$", discover
    )
    assert "\N{RIGHTWARDS ARROW}" not in offer


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "no link"])
def test_the_page_says_of_a_fault_what_the_doctor_says(
    fault: str, virtual: VirtualBoard, tmp_path: Path
) -> None:
    how, _ = FAULTS[fault]
    path = tmp_path / "page.html"
    code, said = of(virtual, tmp_path, "--html", str(path), **how)  # type: ignore[arg-type]
    types, verdict = shown(path)
    assert code == 1
    assert f"\n\n{verdict}\n\n{path} shows {len(types)} message" in said


def test_answers_that_the_board_takes_for_somebody_elses_make_the_verdict(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    code, said = of(virtual, tmp_path, "--html", str(path), answers=HONEST, odd=OTHER_XID)
    _, verdict = shown(path)
    assert code == 1
    assert "its xid is not that of the client's message" in verdict
    assert f"\n\n{verdict}\n\n" in said


def test_a_board_that_has_its_lease_renews_it_for_the_page(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    code, said = of(virtual, tmp_path, "--html", str(path), answers=HONEST, booted=LEASED)
    assert code == 0
    assert "\nrenewal     asked for" in said
    assert shown(path) == (["REQUEST", "ACK"], "the board has its address")
    assert "RENEWING" in path.read_text("utf-8")


def test_without_a_page_nothing_is_renewed(virtual: VirtualBoard, tmp_path: Path) -> None:
    code, said = of(virtual, tmp_path, answers=HONEST, booted=LEASED)
    assert code == 0
    assert "renew" not in said
    assert "REQUEST" not in said


def test_a_renewal_that_nobody_answers_is_told_in_both(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    booted = LEASED + "nic.answers = {}\n"
    code, said = of(virtual, tmp_path, "--html", str(path), answers=HONEST, booted=booted)
    types, verdict = shown(path)
    assert code == 0
    assert types == ["REQUEST"]
    assert verdict.endswith("nobody has answered the renewal so far: is its server there?")
    assert f"\n\n{verdict}\n\n" in said


def test_what_the_board_has_no_room_for_is_counted(virtual: VirtualBoard, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    _, said = of(virtual, tmp_path, "--html", str(path), odd=FLOOD)
    found = re.search(r"shows (\d+) messages; (\d+) more had no room on the board\n$", said)
    assert found, said
    assert int(found[1]) == len(Page(path.read_text("utf-8")).data["messages"])


def test_what_is_for_others_does_not_push_out_what_the_board_sends(
    virtual: VirtualBoard, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    _, said = of(virtual, tmp_path, "--html", str(path), odd=FLOOD)
    types, _ = shown(path)
    assert types.count("DISCOVER") == said.count("DISCOVER to all") > 1


def here(virtual: VirtualBoard, directory: Path) -> Findings:
    """What the doctor's examination finds at a board before a server that offers and no more."""
    deploy(virtual, directory, BOARD % (True, {1: 2}, YIADDR))
    return [*ask(virtual.port, 2, messages=True)][-1]


def test_little_memory_is_part_of_the_verdict_in_both(
    virtual: VirtualBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "_LITTLE", 1 << 30)
    found = here(virtual, tmp_path)
    assert found.advice.endswith("; and there is little memory: import less before dhcpc")
    assert found.conversations[0].advice == found.advice


def test_a_board_without_memory_for_its_messages_is_examined_all_the_same(
    virtual: VirtualBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(board: Board) -> None:
        board.run("bytearray(1 << 30)")

    monkeypatch.setattr(examination, "Wiretap", too_much)
    found = here(virtual, tmp_path)
    assert found.silence == "the board has no memory to keep its messages in"
    assert (found.verdict, found.advice) == why("192.0.2.1: OFFER ")


def test_a_board_that_has_room_for_none_of_its_messages_says_so(
    virtual: VirtualBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiretap, "_ROOM", 1 << 30)
    found = here(virtual, tmp_path)
    assert found.silence == "the board had no room for its messages"
    assert not found.conversations


def test_without_a_message_no_page_is_written(virtual: VirtualBoard, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"{PAGE}stays")
    code, said = of(virtual, tmp_path, "--html", str(path), plugged=False)
    assert code == 1
    assert said.endswith(f"has left the board or reached it, so {path} is not written\n"), said
    assert path.read_text() == f"{PAGE}stays"


def test_a_page_that_cannot_be_written_is_refused_before_the_board_is_asked(
    tmp_path: Path,
) -> None:
    command = [sys.executable, DOCTOR, "--html", str(tmp_path / "no/page.html"), "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"doctor: --html {tmp_path}/no/page.html: No such file or directory\n"


def test_a_doctor_that_is_refused_leaves_no_page(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    command = [sys.executable, DOCTOR, "--html", str(path), "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert not path.exists()
