"""This client's messages on the wire, scene by scene, hold to RFC 2131 as scapy reads them; the
rules are no rubber stamp; the page says why this client is alone where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from peers import page, table
from peers.players import OURS, PEERS, PLAYERS
from peers.rules import RULES, Rule, broken
from peers.scenes import EVERYWHERE, SCENES, Scene
from peers.traffic import DISCOVER, KINDS, NONE, RELEASE, SELECTING, Sent
from testbed.servers import SERVERS
from testbed.wire import Message
from toolchain import vm

pytestmark = [pytest.mark.interop, pytest.mark.usefixtures("lab_works")]

LANES = 7
PAGE = vm.ROOT / "docs/peers.md"


@pytest.fixture(scope="module")
def ours() -> table.Runs:
    """What this client sends in each scene."""
    for server in ("dnsmasq", "dhcpd", "kea"):
        SERVERS[server].require()
    return table.run(SCENES, [OURS], LANES)


def sent(runs: table.Runs, kind: str) -> list[Sent]:
    """All messages of a kind."""
    return [each for messages in runs.values() for each in messages if each.kind == kind]


def rule_param(rule: Rule) -> Any:
    """A rule as a test's parameter, with its sections."""
    return pytest.param(rule, id=str(rule), marks=pytest.mark.rfc(*rule.keys))


@pytest.mark.parametrize("rule", [rule_param(rule) for rule in RULES])
def test_messages_hold_to(rule: Rule, ours: table.Runs) -> None:
    asked = [each for kind in rule.kinds for each in sent(ours, kind)]
    assert asked or rule.kinds == (NONE,)
    assert [each.message.ether.summary() for each in asked if not rule.holds(each)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_scenes_have_every_message_of_a_client(kind: str, ours: table.Runs) -> None:
    assert sent(ours, kind)


# Each rule is broken by a message that is as it must not be


def field(name: str, value: object) -> Callable[[Any], None]:
    """Set a BOOTP field."""

    def change(frame: Any) -> None:
        from scapy.layers.dhcp import BOOTP

        setattr(frame[BOOTP], name, value)

    return change


def header(layer: str, name: str, value: object) -> Callable[[Any], None]:
    """Set a field of another layer."""

    def change(frame: Any) -> None:
        setattr(frame.getlayer(layer), name, value)

    return change


def option(name: str, *value: object) -> Callable[[Any], None]:
    """Give an option another value, or take it away."""

    def change(frame: Any) -> None:
        from scapy.layers.dhcp import DHCP

        kept = [each for each in frame[DHCP].options if each[0] != name and each != name]
        frame[DHCP].options = [*([(name, *value)] if value else []), *kept]

    return change


def endless(frame: Any) -> None:
    """Take END away, and the pad behind it."""
    from scapy.layers.dhcp import DHCP

    frame[DHCP].options = [
        *(each for each in frame[DHCP].options if isinstance(each, tuple)),
        ("vendor_class_id", b"x" * 40),
    ]


def short(frame: Any) -> None:
    """Take the pad away."""
    from scapy.layers.dhcp import DHCP

    frame[DHCP].options = [each for each in frame[DHCP].options if each != "pad"]


SPOILED: Mapping[str, Callable[[Any], None]] = {
    "from port 68 to port 67": header("UDP", "sport", 67),
    "op is BOOTREQUEST": field("op", 2),
    "htype, hlen and chaddr are those of the interface": field("chaddr", bytes(16)),
    "hops is 0": field("hops", 1),
    "yiaddr, siaddr and giaddr are 0": field("siaddr", "192.0.2.1"),
    "the last option is END": endless,
    "as long as BOOTP wants, and no longer than every server takes": short,
    "from 0.0.0.0 without an address": header("IP", "src", "169.254.1.1"),
    "from its address when it has one": header("IP", "src", "0.0.0.0"),
    "a broadcast": header("Ethernet", "dst", "02:00:00:00:01:01"),
    "to the server alone": header("IP", "dst", "255.255.255.255"),
    "ciaddr is 0": field("ciaddr", "192.0.2.100"),
    "ciaddr is its address": field("ciaddr", "0.0.0.0"),
    "secs is 0 or the seconds since it began": field("secs", 600),
    "secs is the DISCOVER's": field("secs", 600),
    "secs is 0": field("secs", 1),
    "flags has nothing but the broadcast flag": field("flags", 1),
    "flags is 0": field("flags", 0x8000),
    "xid is the OFFER's": field("xid", 1),
    "option 50 is what was offered": option("requested_addr", "192.0.2.7"),
    "option 50 is the stored address": option("requested_addr"),
    "option 50 is the declined address": option("requested_addr"),
    "no option 50": option("requested_addr", "192.0.2.100"),
    "option 54 is a server that has offered": option("server_id", "192.0.2.7"),
    "option 54 is the server": option("server_id"),
    "no option 54": option("server_id", "192.0.2.1"),
    "the same option 55 as at first": option("param_req_list", [1]),
    "the same option 61 as at first": option("client_id", b"\1other"),
    "option 57 is there (SHOULD)": option("max_dhcp_size"),
    "option 57 is 576 at least": option("max_dhcp_size", 575),
    "nothing but 50, 53, 54, 56 and 61": option("hostname", b"lab"),
}


def spoiled(each: Sent, change: Callable[[Any], None]) -> Sent:
    """A message that is changed, as a capture would have it."""
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether

    frame = Ether(bytes(each.message.ether))
    change(frame)
    del frame[IP].len, frame[IP].chksum, frame[UDP].len, frame[UDP].chksum
    return replace(each, message=Message(each.time, bytes(frame)))


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rule_is_broken_by_a_message_that_is_spoiled(rule: Rule, ours: table.Runs) -> None:
    # In every kind of message that it is for; for two of them it takes more than a message.
    if rule.kinds == (NONE,):
        wrong = [replace(sent(ours, SELECTING)[0], kind=NONE)]
    elif str(rule) not in SPOILED:
        again = next(m for m in ours["decline", OURS.title] if m.before and m.kind == DISCOVER)
        assert again.before
        late = Message(again.time - 1, bytes(again.before.message.ether))
        wrong = [replace(again, before=replace(again.before, message=late))]
    else:
        # The last, as the first has nothing that it could be like
        last = [sent(ours, kind)[-1] for kind in rule.kinds]
        wrong = [spoiled(each, SPOILED[str(rule)]) for each in last]
    assert [rule.holds(each) for each in wrong] == [False] * len(wrong)
    assert all((each, rule) in broken(wrong) for each in wrong)


# Other clients break some


@pytest.fixture(scope="module")
def theirs() -> table.Runs:
    """What the others send in the scenes that are short."""
    for player in PEERS:
        player.client.require()
    return table.run(["lease", "no-ack", "release"], PEERS, LANES)


@pytest.mark.parametrize(
    ("scene", "client", "rule"),
    [
        ("lease", "dhclient", "option 57 is there (SHOULD)"),
        ("release", "dhclient", "nothing but 50, 53, 54, 56 and 61"),
        ("no-ack", "dhcpcd", "secs is the DISCOVER's"),
        ("no-ack", "udhcpc", "secs is the DISCOVER's"),
    ],
)
def test_rules_find_what_other_clients_do(
    scene: str, client: str, rule: str, theirs: table.Runs
) -> None:
    assert rule in {str(each) for _, each in broken(theirs[scene, client])}


# The page


@pytest.fixture
def released(ours: table.Runs, theirs: table.Runs) -> table.Runs:
    """All clients in one scene."""
    both = {**ours, **theirs}
    return {key: messages for key, messages in both.items() if key[0] == "release"}


@pytest.fixture
def one_scene(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has "release" be the only scene, with these explanations."""

    def only(why: Mapping[tuple[str, str], str]) -> None:
        scene = replace(SCENES["release"], why=why)
        monkeypatch.setattr(table, "SCENES", {"release": scene})

    return only


def alone(runs: table.Runs) -> dict[tuple[str, str], str]:
    """An explanation for all that this client alone does in "release"."""
    return {(row.kind, row.aspect): "so" for row in table.scene_rows(runs, "release") if row.alone}


def made(runs: table.Runs) -> dict[str, str]:
    """The same of what hangs on no scene."""
    return {row.aspect: "so" for row in table.made_rows(runs) if row.alone}


def test_difference_that_is_explained_is_no_fault(
    released: table.Runs, one_scene: Callable[..., None]
) -> None:
    one_scene(alone(released))
    assert table.unexplained(released, made(released)) == []


def test_difference_that_is_not_explained_is_a_fault(
    released: table.Runs, one_scene: Callable[..., None]
) -> None:
    one_scene(alone(released))
    explained = made(released)
    del explained["option 55"]
    (fault,) = table.unexplained(released, explained)
    assert fault.startswith("option 55: nobody else has it")


def test_explanation_without_a_difference_is_a_fault(
    released: table.Runs, one_scene: Callable[..., None]
) -> None:
    one_scene({**alone(released), (RELEASE, "from"): "so"})
    (fault,) = table.unexplained(released, made(released))
    assert fault == "release: RELEASE, from: explained, and others have it, too"


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_page_has_each_scene_and_its_explanations(scene: Scene) -> None:
    text = PAGE.read_text()
    assert f"{scene.line}\n" in text
    assert all(why in text for why in [*scene.why.values(), *scene.without.values()])


def test_page_has_the_explanations_of_what_hangs_on_no_scene() -> None:
    assert all(why in PAGE.read_text() for why in EVERYWHERE.values())


def test_page_is_made_of_what_was_sent(released: table.Runs) -> None:
    text = page.page(released)
    assert all(f"| {player.title} |" in text for player in PLAYERS)
    assert "## The lease is given back (dhcpd)\n" in text
