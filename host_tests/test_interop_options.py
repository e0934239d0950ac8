"""Typed options against real servers: what each makes of those that we write, and what of its own
reads as values.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dhcpc import options
from reader import read
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from toolchain import vm

pytestmark = pytest.mark.usefixtures("lab_works")

ENTERPRISE = 32473  # for examples, RFC 5612

# Get a lease with typed options; print it as typed options.
CLIENT = """
import json
import board
from dhcpc import Client, options

def plain(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in value}
    return [plain(each) for each in value] if isinstance(value, list) else value

want = json.loads('''%s''')
sent = {options.code(name): options.encode(name, want[name]) for name in want}
settings = {}
for code, name in ((61, "client_id"), (55, "params")):
    if code in sent:
        settings[name] = sent.pop(code)
dhcp = Client(board.nic("eth0"), store="/run/lab/lease", options=sent, **settings)
print(json.dumps(plain(options.read(dhcp.acquire(20000)))))
"""

# Of Plan's options "rich"
RICH: dict[str, Any] = {
    "interface_mtu": 1400,
    "ntp_servers": ["192.0.2.1"],
    "broadcast_address": "192.0.2.255",
    "domain_name": "lab.example",
    "domain_name_server": ["192.0.2.53", "192.0.2.54"],
    "root_path": "192.0.2.60:/srv/root",
    "posix_time_zone": "CET-1CEST,M3.5.0,M10.5.0/3",
    "time_zone_database_name": "Europe/Berlin",
    "captive_portal": "https://portal.lab.example/.well-known/captive-portal",
    "sip_server": ["192.0.2.60"],
    "domain_search": ["lab.example", "eng.lab.example", "sales.lab.example", "example.org"],
    "vendor_identifying_vendor_specific_information": {
        "32473": {"1": {"hex": b"example-text".hex()}}
    },
}

# All that a client writes
WRITTEN: dict[str, Any] = {
    "vendor_class_identifier": "greenhouse",
    "client_identifier": {"iaid": 1, "duid": {"mac": CLIENT_MAC}},
    "user_class": ["lab", "sensors"],
    "client_fqdn": "moon.lab.example.",
    "vendor_identifying_vendor_class": {ENTERPRISE: ["sensor"]},
    "vendor_identifying_vendor_specific_information": {ENTERPRISE: {1: "greenhouse"}},
    "vendor_specific_information": {1: "3", 2: {"hex": "00ff"}},
    "ip_address_lease_time": 1200,
    "parameter_request_list": [121, 1, 3, 6, 15, 42, 43, 66, 67, 114, 119, 125],
}


@pytest.fixture
def net() -> Iterator[Lab]:
    with Lab() as net:
        yield net


def bind(net: Lab, **sent: Any) -> dict[str, Any]:
    """Have the client get a lease in the VM with these options; return all options of it."""
    unix = vm.vms()["vm64"]
    path = os.pathsep.join(map(str, (unix.firmware(), vm.ROOT / "boards/UNIX", ".frozen")))
    said = net.run(["env", f"MICROPYPATH={path}", *unix.command(CLIENT % json.dumps(sent))])
    found: dict[str, Any] = json.loads(said)
    return found


def asked(*names: str | int) -> list[str | int]:
    return [1, 3, *names]


def kea(**more: Any) -> Callable[[str], str]:
    """Put more into Kea's configuration."""

    def change(config: str) -> str:
        found = json.loads(config)
        found["Dhcp4"].update(more)
        return json.dumps(found)

    return change


def classes(**tests: str) -> Callable[[str], str]:
    """Classes of Kea's, by what they test; each is told its name, in option 67."""
    found = [
        {"name": name, "test": test, "option-data": [{"code": 67, "data": name}]}
        for name, test in tests.items()
    ]
    return kea(**{"client-classes": found})


def lines(*more: str) -> Callable[[str], str]:
    """Put more lines behind a server's configuration."""
    return lambda config: config + "\n".join(more) + "\n"


# Every server


@pytest.mark.rfc("2131 table5 vendor-class", "2131 table5 other-options")
def test_every_option_that_is_written_is_accepted(kind: str, net: Lab) -> None:
    net.serve(kind)
    with net.capture() as wire:
        bind(net, **WRITTEN)
        request = wire.wait("REQUEST")
    seen, _ = read(bytes(request.bootp))
    assert {name: seen[options.code(name)] for name in WRITTEN} == {
        name: options.encode(name, WRITTEN[name]) for name in WRITTEN
    }


@pytest.mark.rfc(
    "3397 2 names-compressed",
    "3361 3 both-encodings",
    "3925 4 vendor-options",
    "4833 4 posix-string",
    "4833 4 posix-string-read",
    "4833 5 database-name",
    "8910 2 portal-asked-for",
    "8910 2.1 uri-without-nul",
)
def test_what_a_server_sends_reads_as_values(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(options="rich"))
    found = bind(net, parameter_request_list=asked(*RICH))
    assert {name: found[name] for name in RICH} == RICH


@pytest.mark.rfc("3442 format destination-descriptor", "3442 client-behavior both-asked-for")
def test_routes_read_as_networks_and_routers(kind: str, net: Lab) -> None:
    router = b"\xc0\0\2\1"
    routes = b"\0" + router + b"\x18\xc6\x33\x64" + router + b"\x0c\xac\x10" + bytes(4)
    hosts = b"\xc6\x33\x64\1" + router
    net.serve(kind, Plan(extra={33: hosts, 121: routes, 249: routes}))
    found = bind(net, parameter_request_list=asked(33, 121, 249))
    expected = [
        ["0.0.0.0/0", "192.0.2.1"],
        ["198.51.100.0/24", "192.0.2.1"],
        ["172.16.0.0/12", "0.0.0.0"],
    ]
    assert found["static_route"] == [["198.51.100.1", "192.0.2.1"]]
    assert found["classless_static_route"] == expected
    assert found["microsoft_classless_static_route"] == expected


@pytest.mark.rfc("9463 5.1 instances-behind-their-length", "9463 5.2 resolvers-asked-for")
def test_an_ipv6_only_time_and_encrypted_resolvers_read_as_values(kind: str, net: Lab) -> None:
    name = b"\3dns\3lab\7example\0"
    resolver = b"\0\1" + bytes([len(name)]) + name + b"\4\xc0\0\2\x35" + b"\0\1\0\4\3dot"
    dnr = bytes([0, len(resolver)]) + resolver
    net.serve(kind, Plan(extra={108: b"\0\0\7\x08", 162: dnr}))
    found = bind(net, parameter_request_list=asked(108, 162))
    assert found["ipv6_only_preferred"] == 1800
    assert found["encrypted_dns"] == [
        {
            "priority": 1,
            "name": "dns.lab.example",
            "addresses": ["192.0.2.53"],
            "params": {"1": {"hex": b"\3dot".hex()}},
        }
    ]


@pytest.mark.rfc("3396 4 instances-joined", "3442 sizing concatenation")
@pytest.mark.parametrize("kind", ["kea", "dhcpd"], indirect=True)
def test_a_long_option_reads_as_one_value(kind: str, net: Lab) -> None:
    net.serve(kind, Plan(options="long"))
    found = bind(net, parameter_request_list=asked(121))["classless_static_route"]
    assert found == [["0.0.0.0/0", "192.0.2.1"]] + [
        [f"10.0.{n}.0/24", "192.0.2.1"] for n in range(40)
    ]


# What servers decide by


@pytest.mark.rfc("2132 9.13 vendor-class")
@pytest.mark.parametrize(("sent", "ntp"), [("greenhouse", "192.0.2.60"), ("shed", "192.0.2.1")])
def test_dnsmasq_knows_a_vendor_class(net: Lab, sent: str, ntp: str) -> None:
    net.serve(
        "dnsmasq",
        change=lines(
            "dhcp-vendorclass=set:green,greenhouse", "dhcp-option=tag:green,42,192.0.2.60"
        ),
    )
    found = bind(net, vendor_class_identifier=sent, parameter_request_list=asked(42))
    assert found["ntp_servers"] == [ntp]


@pytest.mark.rfc("3004 4 several-classes", "3004 4 classes-behind-their-length")
def test_dnsmasq_knows_each_user_class(net: Lab) -> None:
    net.serve(
        "dnsmasq",
        change=lines(
            "dhcp-userclass=set:lab,lab",
            "dhcp-userclass=set:sensors,sensors",
            "dhcp-option=tag:lab,66,boot.lab.example",
            "dhcp-option=tag:sensors,67,sensor.bin",
        ),
    )
    found = bind(net, user_class=["lab", "sensors"], parameter_request_list=asked(66, 67))
    assert found["tftp_server_name"] == "boot.lab.example"
    assert found["bootfile_name"] == "sensor.bin"


@pytest.mark.rfc("3925 3 vendor-class", "3925 3 classes-behind-their-length")
@pytest.mark.parametrize(("sent", "file"), [("sensor", "sensor.bin"), ("lamp", None)])
def test_dnsmasq_knows_a_vendor_identifying_vendor_class(
    net: Lab, sent: str, file: str | None
) -> None:
    net.serve(
        "dnsmasq",
        change=lines(
            f"dhcp-match=set:sensor,vi-encap:{ENTERPRISE},sensor",
            "dhcp-option=tag:sensor,67,sensor.bin",
        ),
    )
    found = bind(
        net,
        vendor_identifying_vendor_class={ENTERPRISE: [sent]},
        parameter_request_list=asked(67),
    )
    assert found.get("bootfile_name") == file


@pytest.mark.rfc("4702 3.3 updates-by-the-server", "4702 2.1 wire-format")
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("dnsmasq", lines("domain=lab.example")),
        ("dhcpd", lambda config: config.replace("update-style none", "update-style interim")),
        ("kea", str),
    ],
)
def test_a_server_answers_the_name_of_the_client(
    net: Lab, kind: str, change: Callable[[str], str]
) -> None:
    net.serve(kind, change=change)
    found = bind(net, client_fqdn="moon.lab.example.", parameter_request_list=asked(81))
    assert found["client_fqdn"]["name"] == "moon.lab.example."


@pytest.mark.rfc("4361 6.1 iaid-and-duid", "4361 6.1 operator-sets-the-duid")
@pytest.mark.parametrize("kind", ["dnsmasq", "dhcpd", "kea"])
def test_a_server_keeps_an_address_for_a_duid(kind: str, net: Lab) -> None:
    identifier = {"iaid": 7, "duid": {"uuid": "00112233-4455-6677-8899-aabbccddeeff"}}
    octets = options.encode("client_identifier", identifier).hex(":")
    ip = "192.0.2.77"
    change = {
        "dnsmasq": lines(f"dhcp-host=id:{octets},{ip}"),
        "dhcpd": lines(
            f"host moon {{ option dhcp-client-identifier {octets}; fixed-address {ip}; }}"
        ),
        "kea": kea(
            **{
                "host-reservation-identifiers": ["client-id"],
                "reservations": [{"client-id": octets, "ip-address": ip}],
                "reservations-global": True,
            }
        ),
    }[kind]
    net.serve(kind, change=change)
    bind(net, client_identifier=identifier)
    assert net.addresses() == [f"{ip}/24"]


@pytest.mark.rfc(
    "2132 9.13 vendor-class",
    "3004 4 classes-behind-their-length",
    "3925 3 vendor-class",
    "3925 4 vendor-options",
)
@pytest.mark.parametrize(
    ("option", "value", "test"),
    [
        ("vendor_class_identifier", "greenhouse", "option[60].text == 'greenhouse'"),
        ("user_class", ["lab", "sensors"], "option[77].hex == 0x036c61620773656e736f7273"),
        (
            "vendor_identifying_vendor_class",
            {ENTERPRISE: ["sensor"]},
            # Kea does not take the items apart.
            f"vendor-class[{ENTERPRISE}].data == 0x0673656e736f72",
        ),
        (
            "vendor_identifying_vendor_specific_information",
            {ENTERPRISE: {1: "greenhouse"}},
            f"vendor[{ENTERPRISE}].option[1].hex == 'greenhouse'",
        ),
    ],
    ids=["60", "77", "124", "125"],
)
def test_kea_knows_a_class(net: Lab, option: str, value: Any, test: str) -> None:
    net.serve("kea", change=classes(known=test))
    found = bind(net, parameter_request_list=asked(67), **{option: value})
    assert found["bootfile_name"] == "known"


@pytest.mark.rfc("2132 8.4 vendor-options-encapsulated", "2132 9.13 vendor-class")
def test_dhcpd_gives_a_vendor_class_its_own_options(net: Lab) -> None:
    space = [
        "option space green;",
        "option green.url code 1 = text;",
        "option green.level code 2 = unsigned integer 16;",
        'class "green" {',
        '  match if option vendor-class-identifier = "greenhouse";',
        "  vendor-option-space green;",
        '  option green.url "http://lab.example/";',
        "  option green.level 7;",
        "}",
    ]
    net.serve("dhcpd", change=lambda config: "\n".join(space) + "\n" + config)
    found = bind(net, vendor_class_identifier="greenhouse", parameter_request_list=asked(43))
    assert found["vendor_specific_information"] == {
        "1": {"hex": b"http://lab.example/".hex()},
        "2": {"hex": "0007"},
    }


@pytest.mark.rfc("3004 4 classes-behind-their-length")
def test_dhcpd_knows_a_user_class(net: Lab) -> None:
    known = (
        'class "lab" { match if option user-class = "\\003lab"; option bootfile-name "lab.bin"; }'
    )
    net.serve("dhcpd", change=lambda config: f"{known}\n{config}")
    found = bind(net, user_class=["lab"], parameter_request_list=asked(67))
    assert found["bootfile_name"] == "lab.bin"


@pytest.mark.rfc("2131 3.1 discover-suggests-lease-time", "2132 9.2 lease-time-asked-for")
def test_dnsmasq_grants_the_time_that_is_asked_for(net: Lab) -> None:
    net.serve("dnsmasq")
    assert bind(net, ip_address_lease_time=1200)["ip_address_lease_time"] == 1200
