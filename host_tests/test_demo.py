"""tools/demo.py: what it shows is what happened, and with a server that errs it fails."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import zlib
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from rich.console import Console
from scapy.layers.dhcp import BOOTP, DHCP, dhcpmagic

from scenes import stage
from scenes.play import play
from scenes.server import ALL, ANY, Message, Server
from scenes.stage import Act, Packet
from scenes.view import View, parts
from toolchain import vm

rfc = pytest.mark.rfc
TOOL = vm.ROOT / "tools/demo.py"
IP = "192.0.2.100"
SERVER = "192.0.2.1"
VM = vm.vms()["vm64"]
NAK = ("NAK", str(ANY), str(ALL))
needs_vm = pytest.mark.skipif(bool(VM.missing), reason=f"{VM.name}: {VM.missing}")


class Shown(NamedTuple):
    """A message in a ladder."""

    at: float
    state: str
    sent: bool
    type: str
    how: str
    details: list[str]


class Output:
    """What a run of the demo printed: its head, the acts, the last line."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.head, *self.acts = re.split(r"^(?=\d  )", text, flags=re.MULTILINE)

    def ladder(self, act: int) -> list[Shown]:
        """The messages of an act, from 1."""
        found: list[Shown] = []
        for line in self.acts[act - 1].splitlines():
            if arrow := re.fullmatch(r" *([\d.]+) (\S*) *│(──|◀─) (\w+) ─+ (.+) (─▶|──)│", line):
                at, state, tail, kind, how, _ = arrow.groups()
                found.append(Shown(float(at), state, tail == "──", kind, how, []))
            elif detail := re.fullmatch(r" *│   (.*\S) *│", line):
                found[-1].details.append(detail[1])
        return found

    def types(self, act: int) -> list[str]:
        """The messages of an act by their types."""
        return [shown.type for shown in self.ladder(act)]

    def table(self, title: str) -> list[list[str]]:
        """The columns of the first table that has this title."""
        start = next(i for i, line in enumerate(self.lines) if line.startswith(title))
        end = self.lines.index("", start)
        return [re.split(r"  +", line.strip()) for line in self.lines[start + 1 : end]]


@pytest.fixture(scope="module")
def output(picture: Path) -> Output:
    """A run of the demo as `make demo` starts it, with its output in a pipe."""
    if VM.missing:
        pytest.skip(f"{VM.name}: {VM.missing}")
    command = [sys.executable, str(TOOL), "--svg", str(picture)]
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return Output(done.stdout)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where that run draws."""
    return tmp_path_factory.mktemp("demo") / "picture.svg"


def xids(ladder: list[Shown]) -> set[str]:
    """The transactions that messages belong to."""
    return {re.findall(r"xid (\w{8})", shown.details[0])[0] for shown in ladder}


@rfc(
    "2131 4.3.6 selecting-broadcast",
    "2131 4.4.1 begins-with-discover",
    "2131 4.4.1 xid-of-the-offer",
)
def test_a_first_boot_is_four_messages_of_one_transaction(output: Output) -> None:
    ladder = output.ladder(1)
    assert [(shown.type, shown.sent, shown.how) for shown in ladder] == [
        ("DISCOVER", True, "broadcast"),
        ("OFFER", False, f"unicast to {IP}"),
        ("REQUEST", True, "broadcast"),
        ("ACK", False, f"unicast to {IP}"),
    ]
    assert len(xids(ladder)) == 1
    assert {f"50 requested IP address: {IP}", f"54 server identifier: {SERVER}"} <= set(
        ladder[2].details
    )
    assert "ciaddr" not in ladder[2].details[0]


def test_the_states_are_those_of_figure_5(output: Output) -> None:
    states = [shown.state for act in (1, 2, 3) for shown in output.ladder(act)]
    first = ["SELECTING", "", "REQUESTING", "BOUND"]
    assert states == [*first, "REBOOTING", "BOUND", "RENEWING", "BOUND"]


@rfc("2131 4.3.6 reboot-broadcast")
def test_a_restart_is_exactly_one_request(output: Output) -> None:
    ladder = output.ladder(2)
    assert output.types(2) == ["REQUEST", "ACK"]
    assert ladder[0].how == "broadcast"
    assert f"50 requested IP address: {IP}" in ladder[0].details
    assert "no 54 server identifier" in ladder[0].details
    assert "ciaddr" not in ladder[0].details[0]


@rfc(
    "2131 4.3.2 renewing-names-no-server",
    "2131 4.3.2 renewing-no-requested-address",
    "2131 4.3.2 renewing-ciaddr",
    "2131 4.4.5 renewing-at-t1",
)
def test_a_renewal_comes_at_t1_by_unicast_and_with_ciaddr_alone(output: Output) -> None:
    (rebooting, _), (renewing, ack) = output.ladder(2), output.ladder(3)
    assert output.types(3) == ["REQUEST", "ACK"]
    assert renewing.how == f"unicast to {SERVER}"
    assert renewing.details[0].endswith(f"ciaddr {IP}")
    assert {"no 50 requested IP address", "no 54 server identifier"} <= set(renewing.details)
    assert f"58 renewal (T1) time: {Server.t1} s (0:00:0{Server.t1})" in ack.details
    assert renewing.at - rebooting.at == pytest.approx(Server.t1, abs=1)


@rfc(
    "2131 4.4.4 release-unicast",
    "2131 table5 release-ciaddr",
    "2131 table5 release-names-the-server",
)
def test_a_release_goes_to_the_server_and_is_the_last(output: Output) -> None:
    (release,) = output.ladder(4)
    assert (release.type, release.how) == ("RELEASE", f"unicast to {SERVER}")
    assert release.details[0].endswith(f"ciaddr {IP}")
    assert f"54 server identifier: {SERVER}" in release.details


def test_the_application_sees_what_the_server_granted(output: Output) -> None:
    assert dict(output.table("The application sees")) == {
        "lease.ip": f"'{IP}'",
        "lease.mask": "'255.255.255.0'",
        "lease.gateway": f"'{SERVER}'",
        "lease.dns": "['192.0.2.53', '192.0.2.54']",
        "lease.option(15)": "b'garden.example'",
        "lease.remaining()": str(Server.lease_time),
        "nic.address": f"'{IP}'",
    }


def dumped(output: Output) -> bytes:
    """The bytes of the record that was shown."""
    rows = [row for row in output.table("Flash: /dhcpc.lease") if len(row) > 1]
    data = b""
    for row in rows:
        assert int(row[0], 16) == len(data)
        data += bytes.fromhex(row[1])
    return data


def test_the_record_is_shown_whole(output: Output) -> None:
    record = dumped(output)
    assert f"Flash: /dhcpc.lease, {len(record)} bytes" in output.lines
    assert len(record) <= 128
    assert zlib.crc32(record[:-4]) == int.from_bytes(record[-4:], "big")
    assert IPv4Address(IP).packed in record


def test_a_record_that_is_damaged_is_not_shown(output: Output) -> None:
    record = dumped(output)
    assert b"".join(part.data for part in parts(record)) == record
    for damaged in (b"", record[:1], record[:-1], record[:40], b"\xff" * len(record)):
        with pytest.raises(ValueError, match="record"):
            parts(damaged)
    for at in range(len(record)):
        with pytest.raises(ValueError, match="record"):
            parts(record[:at] + bytes((record[at] ^ 1,)) + record[at + 1 :])


def test_it_is_80_columns_of_plain_text_without_a_terminal(output: Output) -> None:
    assert "\x1b" not in "\n".join(output.lines)
    assert max(map(len, output.lines)) == 80
    ladders = [line for line in output.lines if line.endswith(("│", "┐"))]
    assert {len(line) for line in ladders} == {78}
    assert not [line for line in output.lines if line != line.rstrip()]


def drawn(path: Path) -> list[str]:
    """The words of a picture, but for times and xids, which are never the same."""
    words = [" ".join("".join(text.itertext()).split()) for text in ElementTree.parse(path).iter()]
    return [re.sub(r"xid \w+|\d+\.\d{3}|\d+ ms", "#", word) for word in words]


def test_the_picture_of_the_readme_is_the_second_act(output: Output, picture: Path) -> None:
    assert drawn(vm.ROOT / "docs/demo.svg") == drawn(picture)
    assert "2 Second boot, from flash" in " ".join(drawn(picture))
    assert output.types(2) == ["REQUEST", "ACK"]


@pytest.mark.parametrize("width", [40, 52, 61, 62, 70, 80])
def test_it_fits_a_narrow_terminal(output: Output, width: int) -> None:
    file = io.StringIO()
    view = View(Console(file=file, width=width))
    view.title("dhcpc at work", "a DHCP client for MicroPython boards")
    view.ladder(exchange(), "00:00:5e:00:53:01", SERVER)
    view.record("Flash: /dhcpc.lease, 128 bytes", parts(dumped(output)))
    view.right("192.0.2.100 again, 4 ms after power-on, for one packet. Flash as it was.")
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    ladder = [line for line in lines if line.endswith(("│", "┐"))]
    assert len({len(line) for line in ladder}) == 1
    assert re.search("─ broadcast ─▶│", file.getvalue())
    assert re.search(f"─ unicast to {IP} ──│", file.getvalue())
    words = " ".join(line.strip("│ ") for line in lines).split()
    assert {"DISCOVER", "OFFER", "SELECTING", "0.012", "0.013", "identifier:"} <= {*words}
    rows = [re.match(r"  [0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+)(?:  |$)", line) for line in lines]
    dump = b"".join(bytes.fromhex(row[1]) for row in rows if row)
    assert dump == dumped(output)


@pytest.mark.parametrize(("columns", "width"), [(20, 40), (50, 50), (200, 80)])
def test_it_is_as_wide_as_the_terminal_from_40_to_80(
    columns: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert View().width == width


def test_without_unicode_it_is_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    view = View(Console(file=file, width=80))
    view.title("1  First boot", "RFC 2131")
    view.say("│── ", ("ACK", "bold"), " ─▶│")
    view.right("done")
    assert file.buffer.getvalue().decode("ascii").split("\n")[1:] == [
        "1  First boot " + "-" * 57 + " RFC 2131",
        "|-- ACK ->|",
        "",
        "+ done",
        "",
    ]


@needs_vm
def test_ctrl_c_ends_it_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, TOOL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        while not process.stdout.readline().startswith("3  Renewal"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "demo: interrupted\n"


def failed(server: Server) -> Output:
    """What it shows with a server that makes it fail."""
    file = io.StringIO()
    assert play(server, View(Console(file=file, width=200))) == 1
    return Output(file.getvalue())


# The server


def message(kind: str, client: int = 1, **fields: str) -> Message:
    """A client's message: its options by the names that scapy has for them, and ciaddr."""
    bootp = BOOTP(chaddr=bytes((2, 0, 0, 0, 0, client)), xid=7, options=dhcpmagic)
    bootp.ciaddr = fields.pop("ciaddr", "0.0.0.0")
    return Message(bytes(bootp / DHCP(options=[("message-type", kind), *fields.items(), "end"])))


def exchange() -> Act:
    """A DISCOVER and its OFFER, as an act."""
    asked = message("discover", hostname="greenhouse-3")
    reply = Server().handle(asked, 0)
    assert reply
    packets = [
        Packet(0.012, asked, ALL, sent=True),
        Packet(0.013, Message(reply.data), reply.to, sent=False),
    ]
    return Act(packets, [("send", "SELECTING"), ("recv", "SELECTING")])


def answered(server: Server, message: Message, now: float = 0) -> tuple[str, str, str] | None:
    """The type of what the server says, its yiaddr, and where it goes."""
    reply = server.handle(message, now)
    if reply is None:
        return None
    told = Message(reply.data)
    assert told.xid == message.xid
    return told.type, str(told.yiaddr), str(reply.to)


def test_the_server_offers_what_a_client_had_or_asks_for_or_what_is_free() -> None:
    server = Server()
    wish, other = "192.0.2.150", "192.0.2.101"
    assert answered(server, message("discover", 1)) == ("OFFER", IP, IP)
    assert answered(server, message("discover", 1, requested_addr=wish)) == ("OFFER", IP, IP)
    assert answered(server, message("discover", 2, requested_addr=wish)) == ("OFFER", wish, wish)
    strange = message("discover", 3, requested_addr="198.51.100.7")
    assert answered(server, strange) == ("OFFER", other, other)


def test_the_server_gives_an_address_anew_when_its_lease_is_over() -> None:
    server = Server()
    for client in range(len(server.pool)):
        assert answered(server, message("discover", client))
    end = server.lease_time
    assert answered(server, message("discover", 200), now=end - 1) is None
    assert answered(server, message("discover", 200), now=end) == ("OFFER", IP, IP)
    assert answered(server, message("request", 0, requested_addr=IP), now=end) == NAK


def test_the_server_answers_a_restart_if_it_knows_the_client() -> None:
    server = Server()
    assert answered(server, message("request", requested_addr=IP)) is None
    server.handle(message("discover"), 0)
    assert answered(server, message("request", requested_addr=IP)) == ("ACK", IP, IP)
    elsewhere = message("request", requested_addr="198.51.100.7")
    assert answered(server, elsewhere) == NAK


def test_the_server_renews_at_ciaddr() -> None:
    server = Server()
    server.handle(message("discover"), 0)
    assert answered(server, message("request", ciaddr=IP), now=5) == ("ACK", IP, IP)
    assert [lease.end for lease in server.leases.values()] == [5 + server.lease_time]
    assert answered(server, message("request", ciaddr="192.0.2.7")) == NAK


def test_the_server_that_is_not_chosen_forgets_its_offer() -> None:
    server = Server()
    server.handle(message("discover"), 0)
    other = message("request", requested_addr="192.0.2.7", server_id="192.0.2.2")
    assert answered(server, other) is None
    assert not server.leases


def test_the_server_frees_an_address_for_its_client_alone() -> None:
    server = Server()
    server.handle(message("discover"), 0)
    server.handle(message("release", 2, ciaddr=IP, server_id=SERVER), 0)
    server.handle(message("release", 1, ciaddr="192.0.2.7", server_id=SERVER), 0)
    server.handle(message("release", 1, ciaddr=IP, server_id="192.0.2.2"), 0)
    assert len(server.leases) == 1
    assert answered(server, message("release", 1, ciaddr=IP, server_id=SERVER)) is None
    assert not server.leases


@pytest.mark.parametrize("data", [b"", bytes(240), bytes(236) + dhcpmagic + b"\x35\x05\x01"])
def test_the_server_refuses_what_is_no_message(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a DHCP message|malformed option"):
        Message(data)


# Servers that err


class Quick(Server):
    lease_time, t1, t2 = 7, 4, 5


class Silent(Quick):
    def answer(self, message: Message, now: float) -> str | None:
        return None


class Refusing(Quick):
    """NAKs each REQUEST."""

    def answer(self, message: Message, now: float) -> str | None:
        answer = super().answer(message, now)
        return "NAK" if answer == "ACK" else answer


class Forgetful(Quick):
    """NAKs a client that comes back."""

    def answer(self, message: Message, now: float) -> str | None:
        answer = super().answer(message, now)
        return "NAK" if answer == "ACK" and not message.server else answer


class Moving(Quick):
    """ACKs another address than the client asks for after a restart."""

    def answer(self, message: Message, now: float) -> str | None:
        answer = super().answer(message, now)
        if message.requested and not message.server:
            lease = self.leases[message.client]
            self.leases[message.client] = lease._replace(address=lease.address + 1)
        return answer


class Weary(Quick):
    """Does not renew."""

    def answer(self, message: Message, now: float) -> str | None:
        return super().answer(message, now) if message.ciaddr == ANY else None


class Grasping(Quick):
    """Keeps what is released."""

    def answer(self, message: Message, now: float) -> str | None:
        return None if message.type == "RELEASE" else super().answer(message, now)


FAULTS = {
    Silent: (1, "message 2 is: DISCOVER, broadcast; it should be: OFFER, yiaddr of the pool"),
    Refusing: (1, f"message 4 is: NAK, yiaddr {ANY}; it should be: ACK, yiaddr {IP}"),
    Forgetful: (2, f"message 2 is: NAK, yiaddr {ANY}; it should be: ACK, yiaddr {IP}"),
    Moving: (2, f"message 2 is: ACK, yiaddr 192.0.2.101; it should be: ACK, yiaddr {IP}"),
    Weary: (3, f"message 2 is: REQUEST, broadcast, ciaddr {IP}; it should be: ACK, yiaddr {IP}"),
    Grasping: (4, "the server still has the lease"),
}


@needs_vm
@pytest.mark.parametrize("server", FAULTS, ids=lambda server: server.__name__)
def test_a_server_that_errs_makes_it_fail(server: type[Quick]) -> None:
    act, fault = FAULTS[server]
    shown = failed(server())
    assert len(shown.acts) == act
    assert f"✗ {fault}" in shown.lines
    assert len([line for line in shown.lines if line.startswith("✓ ")]) == act - 1


# Clients that err: what is changed in the VM before the board boots

LAPSES = {
    "dhcpc.Client.poll = lambda self, wait_ms=0: 1 // 0": "ZeroDivisionError: divide by zero",
    "dhcpc.Store.write = lambda self, data: None": (
        "✗ /dhcpc.lease in flash, empty: the record ends too early"
    ),
    "dhcpc.Store.read = lambda self: b''": (
        f"✗ message 1 is: DISCOVER, broadcast; it should be: REQUEST, broadcast, option 50 {IP}"
    ),
}


@needs_vm
@pytest.mark.parametrize("lapse", LAPSES, ids=["raises", "keeps nothing", "finds nothing"])
def test_a_client_that_errs_makes_it_fail(lapse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_BOOT", f"import dhcpc\n{lapse}\n{stage._BOOT}")
    assert LAPSES[lapse] in failed(Quick()).lines


def test_without_a_vm_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm, "vms", lambda: {"vm64": vm.VM("vm64", (), "`make setup`")})
    assert "✗ There is no MicroPython VM: `make setup`" in failed(Server()).lines
