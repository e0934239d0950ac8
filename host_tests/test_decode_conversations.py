"""The conversations of a capture: states, notes, lines, the command."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import decode
from capture.conversations import conversations
from capture.judge import Judge
from capture.messages import Message, messages
from capture.notes import duration, forgiven, note
from capture.summary import summary
from counting import cost
from crafted import ETHER, TOOL, Run, damaged, ip, pcap, write
from dialogue import (
    ALL,
    CLIENT,
    IP,
    LEASE,
    NOBODY,
    OTHER,
    RIVAL,
    SERVER,
    ack,
    discover,
    message,
    nak,
    notes,
    offer,
    payload,
    renews,
    reply,
    request,
    states,
    takes,
    told,
    verdict,
)
from toolchain import cli

CAPTURES = sorted(Path(__file__).parent.glob("captures/*.pcap"))


# States


def test_states_are_those_that_the_messages_imply() -> None:
    assert states(discover(), offer(), takes(), ack()) == [
        *("SELECTING", "SELECTING", "REQUESTING", "BOUND")
    ]
    assert states(request((50, IP)), nak()) == ["REBOOTING", "INIT"]
    assert states(renews(), ack(), renews(ALL, xid=2), nak(xid=2)) == [
        *("RENEWING", "BOUND", "REBINDING", "INIT")
    ]
    decline = message(payload("DECLINE", [(50, IP)]))
    assert states(discover(), decline) == ["SELECTING", "INIT"]


def test_a_renewal_through_a_relay_is_a_rebinding() -> None:
    assert states(renews(SERVER, giaddr="10.0.0.1", hops=1)) == ["REBINDING"]


def test_a_copy_from_the_other_side_of_a_relay_counts_once() -> None:
    relayed: dict[str, Any] = {"giaddr": "10.0.0.1", "hops": 1}
    said = [discover(), discover(**relayed), offer(**relayed), offer()]
    assert verdict(*said[:2])[0] == "1 DISCOVER, no answer"
    assert notes(*said) == [
        "",
        "through relay 10.0.0.1",
        f"{IP} for 12 h; through relay 10.0.0.1",
        f"{IP} for 12 h; again",
    ]


def test_the_session_has_a_lease_as_long_as_the_client_keeps_it() -> None:
    judge = Judge(bytes.fromhex(CLIENT.replace(":", "")))
    judge.put("REQUESTING", takes(), IP, SERVER)
    assert judge.read(ack()) == ("bound", f"{SERVER}: OFFER ")
    judge.put("RENEWING", renews(), IP, NOBODY)
    assert judge.session.lease
    judge.put("SELECTING", discover(), NOBODY, NOBODY)
    assert not judge.session.lease


# Notes


def test_a_nak_may_have_no_words() -> None:
    assert notes(renews(), reply("NAK"))[1] == "without a word"


def test_notes_have_what_matters_of_each_type() -> None:
    said = [
        discover((50, IP)),
        offer((58, 21600), (59, 37800), src="10.9.9.9"),
        takes(),
        ack((58, 21600), (59, 37800)),
        renews(xid=2),
        nak(b"no \x1b[2Jleases", xid=2),
        message(payload("DECLINE", [(50, IP), (56, b"taken")], xid=3)),
        message(payload("RELEASE", ciaddr=IP, xid=4), IP),
    ]
    assert notes(*said) == [
        f"asks for {IP}",
        f"{IP} for 12 h from {SERVER}",
        f"{IP} of {SERVER}",
        f"{IP} for 12 h, T1 6 h, T2 10.5 h",
        IP,
        r'"no \x1b[2Jleases"',
        f'{IP} "taken"',
        IP,
    ]


def test_a_request_says_what_it_is_for() -> None:
    assert notes(request((50, IP))) == [IP]
    assert notes(renews(ALL)) == [IP]


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        (1, NOBODY, "mask 0.0.0.0 is not used, 255.255.255.0 is"),
        (1, "255.0.255.0", "mask 255.0.255.0 is not used, 255.255.255.0 is"),
        (3, IP, f"router {IP} is not used: it cannot be one"),
        (6, "127.0.0.53", "DNS 127.0.0.53 is not used: it cannot be one"),
        (51, 0, "lease time 0 is not used, 1 h is"),
        (54, "127.0.0.1", "server 127.0.0.1 cannot be one: RENEWING asks all servers"),
    ],
)
def test_what_the_firmware_forgives_an_ack_is_told(code: int, value: Any, said: str) -> None:
    options: dict[int, Any] = {54: SERVER, 51: 43200, 1: "255.255.255.0", 3: SERVER, 6: RIVAL}
    for each, found in ((options, []), (options | {code: value}, [said])):
        read = message(payload("ACK", each.items(), yiaddr=IP), SERVER)
        assert forgiven(read) == found
        assert note(read).endswith("; ".join(found))


def test_what_an_ack_changes_is_told() -> None:
    before = [(6, SERVER), (3, SERVER), (12, b"a"), (1, "255.255.0.0"), (114, b"x" * 50)]
    after = [(6, RIVAL), (1, "255.255.255.0"), (42, SERVER), (12, b"b"), (114, b"y" * 50)]
    said = notes(discover(), offer(*before), takes(), ack(*after, yiaddr="192.0.2.101"))[-1]
    assert said.split("; ")[1:] == [
        f"yiaddr differs from the OFFER's: 192.0.2.101, was {IP}",
        f"DNS differs from the OFFER's: {RIVAL}, was {SERVER}",
        f"router differs from the OFFER's: none, was {SERVER}",
        "mask differs from the OFFER's: 255.255.255.0, was 255.255.0.0",
        "captive portal differs from the OFFER's",
        f"NTP differs from the OFFER's: {SERVER}, was none",
    ]


def test_an_ack_is_compared_with_the_offer_of_its_own_transaction() -> None:
    said = [discover(), offer((6, RIVAL)), discover(xid=2), takes(xid=2), ack(xid=2)]
    assert notes(*said)[-1] == f"{IP} for 12 h"


def test_what_is_malformed_says_so() -> None:
    torn = message(
        payload("OFFER", [(51, 60)], yiaddr=IP, siaddr=SERVER, end=b"\x0c\x05a"), SERVER
    )
    assert notes(discover(), torn)[1].startswith(f"{IP} for 1 min; malformed: option 12 ")
    short = message(b"\1\1\6")
    assert notes(short) == ["malformed: 3 bytes, the fixed fields need 240"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (90, "1.5 min"),
        (3600, "1 h"),
        (37800, "10.5 h"),
        (86400, "1 d"),
        (90000, "25 h"),
        (525, "525 s"),
        (0xFFFFFFFF, "ever"),
    ],
)
def test_a_time_is_not_rounded(seconds: int, text: str) -> None:
    assert duration(seconds) == text


# Whose message it is


def test_two_clients_at_once_are_two_conversations() -> None:
    def both(make: Any, **fields: Any) -> list[Message]:
        return [make(xid=1, **fields), make(xid=2, mac=OTHER, **fields)]

    found = conversations([*both(discover), *both(offer), *both(takes), ack()])
    assert [(each.client, len(each.steps)) for each in found] == [(CLIENT, 4), (OTHER, 3)]
    assert found[0].verdict == LEASE
    assert found[1].verdict.startswith("1 REQUEST, no answer: ")


def test_a_client_without_a_chaddr_is_known_by_its_identifier() -> None:
    zero = "00:00:00:00:00:00"
    named = discover((61, b"\1" + bytes.fromhex(CLIENT.replace(":", ""))), mac=zero)
    opaque = discover((61, b"\0board"), mac=zero, xid=2)
    found = conversations([named, opaque, offer(mac=zero, xid=1), discover(mac=zero, xid=3)])
    assert [each.client for each in found] == [CLIENT, '"board"', "no address"]
    assert len(found[0].steps) == 2
    assert found[0].verdict.startswith(f"{IP} for 12 h offered by")


def test_the_host_name_is_known_and_harmless() -> None:
    assert told(discover((12, b'lab\x1b"'))).name == r"lab\x1b\x22"
    assert told(discover()).name == ""


# Lines


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_a_capture_fits_the_width_and_loses_nothing(path: Path, width: int) -> None:
    for conversation in conversations(messages(str(path), print)):
        lines = summary(conversation, width).splitlines()
        assert max(map(len, lines)) <= width
        assert all(lines)
        words = " ".join(lines).split()
        for step in conversation.steps:
            assert {*step.note.split(), step.state or "->"} <= {*words, "->"}
        assert {*conversation.verdict.split()} <= {*words}


GRANT = r"(192.0.2|198.51.100)\.\d+ for (10 min|59\d s|ever) from (192.0.2|198.51.100)\.1"

NAK = r"198\.51\.100\.1: it has refused the address( \(wrong network\))?"

ENDS = {
    "lease": (f"{GRANT}; renewed; released", "INIT"),
    "reboot": (f"{GRANT}; confirmed", "BOUND"),
    "decline": (f"{GRANT}(; confirmed)?; declined, another host has it; then {GRANT}", "BOUND"),
    "rapid": (f"{GRANT}; released", "INIT"),
    "nak": (f"{GRANT}; then {NAK}; then {GRANT}", "BOUND"),
    "inform": (r"configuration for 192\.0\.2\.50 from 192\.0\.2\.1", ""),
}


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_capture_ends_well(path: Path) -> None:
    (conversation,) = conversations(messages(str(path), print))
    what, ends = ENDS[path.stem.split("-")[2]]
    assert re.fullmatch(what, conversation.verdict), conversation.verdict
    assert conversation.steps[-1].state == ends
    assert not conversation.advice


LAB = Path(__file__).parent / "captures/dnsmasq-dhclient-nak.pcap"


def test_the_lines_of_a_capture() -> None:
    run = Run(LAB)
    assert run.out.splitlines() == [
        '02:00:00:00:00:01, host name "lab"',
        " 0.000 -> all          DISCOVER 77fae739 SELECTING",
        " 0.000 <- 192.0.2.1    OFFER    77fae739 SELECTING  192.0.2.163 for 10 min",
        " 0.001 -> all          REQUEST  77fae739 REQUESTING 192.0.2.163 of 192.0.2.1",
        " 0.001 <- 192.0.2.1    ACK      77fae739 BOUND",
        "           192.0.2.163 for 10 min, T1 3 s, T2 525 s",
        " 0.484 -> all          REQUEST  6be6134d REBOOTING  192.0.2.163",
        ' 0.484 <- 198.51.100.1 NAK      6be6134d INIT       "wrong network"',
        " 0.544 -> all          DISCOVER 9dae976d SELECTING",
        " 0.544 <- 198.51.100.1 OFFER    9dae976d SELECTING  198.51.100.163 for 10 min",
        " 0.545 -> all          REQUEST  9dae976d REQUESTING",
        "           198.51.100.163 of 198.51.100.1",
        " 0.545 <- 198.51.100.1 ACK      9dae976d BOUND",
        "           198.51.100.163 for 10 min, T1 3 s, T2 525 s",
        "  => 192.0.2.163 for 10 min from 192.0.2.1; then 198.51.100.1: it has refused",
        "     the address (wrong network); then 198.51.100.163 for 10 min from",
        "     198.51.100.1",
        "",
    ]
    assert (run.code, run.err) == (0, "")


def test_the_advice_stands_below_the_verdict() -> None:
    said = told(discover((60, b"udhcp 1.0")), offer(yiaddr="127.0.0.1"))
    head, *_, above, below = summary(said, 200).splitlines()
    assert head == f'{CLIENT}, vendor class "udhcp 1.0"'
    assert (above, below) == (f"  => {said.verdict}", f"     {said.advice}")


def test_a_note_that_is_too_long_goes_on_below_its_own_beginning_or_the_message() -> None:
    said = told(discover(), offer((6, RIVAL), (3, SERVER)), takes(), ack())
    wide, narrow = summary(said, 100).splitlines(), summary(said, 80).splitlines()
    column = wide[4].index(IP)
    assert wide[5].startswith(" " * column + wide[5].split()[0])
    assert narrow[4].endswith("BOUND")
    assert narrow[5].startswith(f"           {IP} for 12 h; DNS ")


def test_a_word_longer_than_the_line_goes_on_in_the_next() -> None:
    said = told(discover((12, b"a" * 200)), offer(), request((50, IP)), nak(b"b" * 200))
    lines = summary(said, 60).splitlines()
    assert max(map(len, lines)) <= 60
    joined = "".join(line.strip() for line in lines)
    assert "a" * 200 in joined
    assert "b" * 200 in joined


EVERY = tuple(each.payload for each in (discover(), offer(), takes(), ack(), nak(), renews()))


@given(st.lists(damaged(EVERY), min_size=1, max_size=6), st.integers(20, 130))
def test_whatever_the_bytes_are_lines_are_plain_and_fit(said: list[bytes], width: int) -> None:
    for conversation in conversations(map(message, said)):
        shown = summary(conversation, width)
        assert shown.replace("\n", "").isascii()
        assert shown.replace("\n", "").isprintable()
        assert width < 60 or max(map(len, shown.split("\n"))) <= width


def test_a_message_costs_the_same_however_many_there_are() -> None:
    def many(number: int) -> list[Message]:
        said: list[Message] = []
        for xid in range(number):
            said += [discover(xid=xid), offer(xid=xid), takes(xid=xid), nak(b"%d" % xid, xid=xid)]
        return said

    def whole(said: list[Message]) -> None:
        for each in conversations(said):
            summary(each, 80)

    few, lot = many(20), many(200)
    assert cost(whole, lot).lines < 10.5 * cost(whole, few).lines


# The command


def exchange(tmp_path: Path) -> Path:
    said = [discover(), offer(), discover(xid=0xAB, mac=OTHER)]
    return write(tmp_path, pcap(*(ETHER / ip(each.payload) for each in said)))


@pytest.mark.parametrize(
    "mac",
    [*("02:00:00:00:00:02", "02-00-00-00-00-02", "0200.0000.0002", "020000000002", "2:0:0:0:0:2")],
)
def test_a_client_is_picked_in_any_usual_spelling(mac: str, tmp_path: Path) -> None:
    run = Run("--client", mac.upper(), exchange(tmp_path))
    assert run.out.startswith(OTHER)
    assert CLIENT not in run.out
    run = Run("--json", "--client", mac, exchange(tmp_path))
    assert [record["n"] for record in run.records] == [3]


def test_a_reply_with_a_wrong_chaddr_is_its_clients(tmp_path: Path) -> None:
    said = [discover(), offer(mac=OTHER)]
    path = write(tmp_path, pcap(*(ETHER / ip(each.payload) for each in said)))
    assert [each["n"] for each in Run("--json", "--client", CLIENT, path).records] == [1, 2]


@pytest.mark.parametrize("xid", ["ab", "0xAB", "000000ab"])
def test_a_transaction_is_picked(xid: str, tmp_path: Path) -> None:
    run = Run("--json", "--xid", xid, exchange(tmp_path))
    assert [record["n"] for record in run.records] == [3]


@pytest.mark.parametrize(
    ("what", "value", "why"),
    [
        ("--client", "02:00:00:00:00", "'02:00:00:00:00' is not a MAC address"),
        ("--client", "0200:0:0:0:0:1", "is not a MAC address"),
        ("--client", "02:00:00:00:00:0g", "is not a MAC address"),
        ("--xid", "0x", "'0x' is not an xid"),
        ("--xid", "123456789", "'123456789' is not an xid"),
    ],
)
def test_a_bad_filter_is_refused_in_words(what: str, value: str, why: str) -> None:
    run = Run(what, value, LAB)
    assert (run.out, run.code) == ("", 2)
    assert why in run.err


@pytest.mark.parametrize("form", ["--json", "-v", "--xid=0"])
def test_a_file_without_dhcp_says_so(form: str, tmp_path: Path) -> None:
    path = write(tmp_path, pcap(ETHER / ip(sport=53, dport=53)))
    run = Run(form, path)
    assert run.err.startswith(f"decode: {path}: has no DHCP message")
    assert (run.out, run.code) == ("", 1)


def test_a_filter_that_leaves_nothing_says_so(tmp_path: Path) -> None:
    path = exchange(tmp_path)
    run = Run("--xid", "77", path)
    assert (run.out, run.code) == ("", 1)
    assert run.err == (
        f"decode: {path}: has no DHCP message of transaction 00000077; its clients are {CLIENT}, "
        f"{OTHER}\n"
    )


def test_several_files_are_told_apart(tmp_path: Path) -> None:
    path = exchange(tmp_path)
    heads = [line for line in Run(path, LAB).out.splitlines() if line.endswith(".pcap")]
    assert heads == [str(path), str(path), str(LAB)]


def test_a_cut_file_has_its_conversations_too(tmp_path: Path) -> None:
    run = Run(write(tmp_path, LAB.read_bytes()[:-1]))
    assert "is cut off in packet 10" in run.err
    assert "REQUEST" in run.out
    assert run.code == 2


def test_a_malformed_message_is_exit_code_1(tmp_path: Path) -> None:
    run = Run(write(tmp_path, b"\1\1\6", "x.bin"))
    assert "malformed: 3 bytes" in run.out
    assert run.code == 1


@pytest.mark.parametrize("columns", [60, 120])
def test_lines_are_as_long_as_the_terminal(columns: int) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    subprocess.run([sys.executable, TOOL, LAB], stdout=theirs, env=environment, check=True)
    os.close(theirs)
    with open(ours, "rb") as terminal:
        lines = terminal.read1(10000).decode().splitlines()
    assert max(map(len, lines)) <= columns
    assert len(lines) == (24 if columns == 60 else 14)


def test_ctrl_c_ends_a_recording_with_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def recording(*_: object) -> Iterator[Message]:
        yield from (discover(), offer(), takes(), ack())
        raise KeyboardInterrupt

    monkeypatch.setattr(decode, "messages", recording)
    page = tmp_path / "page.html"
    monkeypatch.setattr(sys, "argv", ["decode.py", "-", "--html", str(page)])
    assert cli.run(decode.main) == 130
    assert f"=> {LEASE}" in capsys.readouterr().out
    assert "4 messages" in page.read_text()


def test_somebody_at_a_terminal_is_told_how_to_end_a_recording() -> None:
    ours, theirs = pty.openpty()
    with open(ours, "rb") as terminal:
        process = subprocess.Popen([sys.executable, TOOL, "-"], stdin=theirs, stderr=theirs)
        try:
            said = terminal.readline()
        finally:
            process.kill()
            process.wait()
            os.close(theirs)
    assert said == b"decode: reads standard input; Ctrl-C ends it and shows the summary\r\n"
