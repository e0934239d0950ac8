"""Every capture in host_tests/captures/failures: what it is of, that its client has no lease at
the end, and the verdict on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from capture.conversations import conversations
from capture.messages import messages
from odd.failures import FAILURES, Failure
from testbed.clients import CLIENTS
from testbed.network import CLIENT_MAC
from testbed.servers import SERVERS
from testbed.wire import Message, packets

FOLDER = Path(__file__).parent / "captures/failures"
EVERY_FAILURE = pytest.mark.parametrize("name", FAILURES)
NETWORKS = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24")]
NOBODY, ALL, ALL_MACS = "0.0.0.0", "255.255.255.255", "ff:ff:ff:ff:ff:ff"
SERVER = "192.0.2.1"
SMALL = 6000  # bytes of a file


@cache
def all_of(name: str) -> list[Message]:
    """The messages of a capture, as scapy reads them."""
    return [Message(*packet) for packet in packets((FOLDER / f"{name}.pcap").read_bytes())]


def sent(name: str) -> list[Message]:
    """What its client has sent."""
    return [each for each in all_of(name) if each.ether.src == CLIENT_MAC]


def replies(name: str) -> list[Message]:
    """What came from servers."""
    return [each for each in all_of(name) if each.ip.sport == 67]


def kinds(found: list[Message]) -> list[str]:
    return [each.type for each in found]


# What is in all of them


def test_the_readme_lists_them() -> None:
    listed = {}
    for line in (FOLDER / "README.md").read_text().splitlines():
        if ".pcap" in line:
            file, *row, types = line.strip("| ").split(" | ")
            listed[file] = row, types.split()
    found = {
        path.name: (cells(FAILURES[path.stem]), kinds(all_of(path.stem)))
        for path in FOLDER.glob("*.pcap")
    }
    assert found == listed
    assert len(found) == len(FAILURES)


def cells(failure: Failure) -> list[str]:
    return [failure.line, failure.server, failure.client, failure.verdict]


@EVERY_FAILURE
def test_it_is_small_and_of_the_lab_alone(name: str) -> None:
    assert (FOLDER / f"{name}.pcap").stat().st_size < SMALL
    for each in all_of(name):
        assert {each.ip.sport, each.ip.dport} == {67, 68}
        for mac in (each.ether.src, each.ether.dst):
            assert mac == ALL_MACS or mac.startswith("02:00:00:00:0")
        addresses = {each.ip.src, each.ip.dst}
        if each.bootp:
            fields = each.bootp.ciaddr, each.bootp.yiaddr, each.bootp.siaddr, each.bootp.giaddr
            addresses.update(fields)
        for address in addresses - {NOBODY, ALL}:
            assert any(ip_address(address) in network for network in NETWORKS), address


@EVERY_FAILURE
def test_its_client_has_no_lease_at_the_end(name: str) -> None:
    assert sent(name)
    leased = False
    waits: set[int] = set()  # the transactions whose REQUEST waits for an answer
    for each in all_of(name):
        if each.ether.src == CLIENT_MAC:
            if each.type == "REQUEST":
                waits.add(each.bootp.xid)
        elif each.bootp and each.bootp.op == 2 and each.bootp.xid in waits:
            if each.type == "NAK" and each.options.get("server_id") in (None, named(name, each)):
                waits.discard(each.bootp.xid)
                leased = False
            leased |= each.type == "ACK"
    assert not leased


def named(name: str, nak: Message) -> str:
    """The server that the REQUEST before a NAK is for; of one that names none, the NAK's own."""
    asked = [each for each in sent(name) if each.time < nak.time and each.type == "REQUEST"][-1]
    return str(asked.options.get("server_id", nak.options.get("server_id")))


# What each is of


def silent(name: str) -> bool:
    """The client has asked again and again, and nobody has said anything to it."""
    return set(kinds(sent(name))) == {"DISCOVER"} and len(sent(name)) > 2 and not answers(name)


def answers(name: str) -> list[Message]:
    """The replies to its client."""
    return [
        each
        for each in replies(name)
        if not each.bootp or each.bootp.chaddr[:6] == bytes.fromhex(CLIENT_MAC.replace(":", ""))
    ]


def crowded(name: str) -> bool:
    """Another client was there first."""
    first, second = all_of(name)[0], sent(name)[0]
    return silent(name) and first.ether.src != CLIENT_MAC and first.time < second.time


def ignored(name: str, wrong: Callable[[Message], bool]) -> bool:
    """Each DISCOVER has a reply with which something is wrong; nothing but DISCOVERs is sent."""
    found = replies(name)
    return (
        set(kinds(sent(name))) == {"DISCOVER"}
        and len(found) == len(sent(name)) > 2
        and all(wrong(each) for each in found)
    )


def offered(name: str) -> bool:
    """An OFFER, REQUESTs for it, and nothing more."""
    return (
        kinds(replies(name)) == ["OFFER"]
        and kinds(sent(name))[:1] == ["DISCOVER"]
        and set(kinds(sent(name))[1:]) == {"REQUEST"}
    )


def moved(name: str) -> bool:
    """A REQUEST for an address of one network, a NAK of the other's server, silence."""
    asked, nak, *more = all_of(name)
    return (
        asked.options["requested_addr"].startswith("192.0.2.")
        and nak.type == "NAK"
        and nak.options["server_id"] == "198.51.100.1"
        and set(kinds(more)) == {"DISCOVER"}
    )


def refused(name: str, *answer: str) -> bool:
    """An OFFER, and that answer to the REQUEST, again and again."""
    rounds = kinds(sent(name)).count("REQUEST")
    return (
        kinds(sent(name)) == ["DISCOVER", "REQUEST"] * rounds
        and kinds(replies(name)) == ["OFFER", *answer] * rounds
        and rounds > 1
    )


def xids(name: str) -> set[int]:
    return {each.bootp.xid for each in sent(name)}


SHOWS: dict[str, Callable[[str], bool]] = {
    "no-server": lambda name: silent(name) and not replies(name),
    "no-server-dhclient": lambda name: silent(name) and not replies(name),
    "pool-used-up": lambda name: crowded(name) and kinds(replies(name)) == ["OFFER", "ACK"],
    "pool-used-up-kea": crowded,
    "other-xid": lambda name: ignored(name, lambda each: each.bootp.xid not in xids(name)),
    "other-client": lambda name: ignored(name, lambda _: not answers(name)),
    "op-request": lambda name: ignored(name, lambda each: each.bootp.op == 1),
    "bootp": lambda name: ignored(name, lambda each: "message-type" not in each.options),
    "never-acks": offered,
    "never-acks-udhcpc": offered,
    "nak": lambda name: (
        moved(name) and replies(name)[0].options["error_message"] == b"wrong network"
    ),
    "nak-dhcpd": moved,
    "nak-kea": moved,
    "nak-always": lambda name: refused(name, "NAK"),
    "nak-renewal": lambda name: (
        kinds(replies(name)) == ["OFFER", "ACK", "NAK"]
        and {each.bootp.ciaddr for each in sent(name)} > {NOBODY}
        and kinds(sent(name))[-2:] == ["DISCOVER", "DISCOVER"]
    ),
    "two-servers": lambda name: (
        kinds(replies(name))[:2] == ["OFFER", "NAK"]
        and {each.options["server_id"] for each in replies(name)} == {SERVER, "192.0.2.9"}
        and kinds(sent(name)).count("DISCOVER") == 1
    ),
    "two-servers-nameless": lambda name: (
        refused(name, "NAK", "ACK")
        and all("server_id" not in each.options for each in replies(name) if each.type == "NAK")
    ),
    "address-network": lambda name: ignored(name, lambda each: each.bootp.yiaddr == "192.0.2.0"),
    "address-all": lambda name: ignored(name, lambda each: each.bootp.yiaddr == ALL),
    "cut-off": lambda name: ignored(name, lambda each: each.ip.len == 20 + 8 + 200),
    "cut-off-option": lambda name: ignored(
        name, lambda each: each.type == "OFFER" and "lease_time" not in each.options
    ),
    "ack-too-soon": lambda name: ignored(name, lambda each: each.type == "ACK"),
}


@EVERY_FAILURE
def test_it_shows_what_it_is_named_for(name: str) -> None:
    assert SHOWS[name](name)


@pytest.mark.interop
@pytest.mark.usefixtures("lab_works")
@pytest.mark.parametrize("name", ["nak", "other-client"])
def test_the_lab_makes_one_again(name: str, tmp_path: Path) -> None:
    failure = FAILURES[name]
    for programs, key in ((CLIENTS, failure.client), (SERVERS, failure.server)):
        if key in programs:
            programs[key].require()
    again = failure.run(tmp_path / "again.pcap")
    assert again.types() == kinds(all_of(name))


# What is said of it


@EVERY_FAILURE
def test_the_verdict_says_it(name: str) -> None:
    talks = conversations(messages(str(FOLDER / f"{name}.pcap"), pytest.fail))
    ours = [talk for talk in talks if CLIENT_MAC in talk.client]
    assert len(ours) == 1
    assert FAILURES[name].verdict in ours[0].verdict
    assert ours[0].advice
