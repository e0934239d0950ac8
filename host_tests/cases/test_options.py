"""dhcpc.options: names, and values of options, both ways."""

import json
from random import getrandbits, seed

from dhcpc import Lease, Message, options
from kit import raises, rfc
from world import ACK, IP, MAC, SERVER, opt, reply, u32

ETHERNET = b"\0\1" + MAC
UUID = bytes(range(16))


def lease(**ack):
    m = Message()
    assert m.read(reply(ACK, **ack)) is None
    return Lease(m, 0)


def refusal(key, value):
    return raises(ValueError, options.encode, key, value)


def assert_reads_as(key, value, data):
    """The option is written as `data`, and that reads as `value`."""
    assert options.encode(key, value) == data
    assert options.decode(key, data) == value


def assert_stays_bytes(key, *malformed):
    """These bytes read as nothing else: they are no value of the option."""
    for data in malformed:
        assert options.decode(key, data) == data, data


# Names


def test_an_option_is_called_by_its_name_its_code_or_the_digits_of_that():
    for name in ("ntp_servers", 42, "42"):
        assert options.code(name) == 42
    assert options.name(42) == "ntp_servers"
    assert options.name(224) == "224"
    assert options.code("224") == 224


def test_each_option_has_a_name_of_its_own():
    names = [options.name(code) for code in range(1, 255)]
    assert len(set(names)) == 254
    for i in range(254):
        assert options.code(names[i]) == i + 1


def test_what_is_no_option_is_named():
    wrong: list[object] = ["ntp", "", "A router", "router\n4", "-1", "0", "255", "\xb2"]
    for name in wrong + [0, 255, -1, 4.0, None]:
        assert raises(ValueError, options.code, name) == "no option %s" % name
        assert refusal(name, b"a") == "no option %s" % name
        assert raises(ValueError, options.decode, name, b"a") == "no option %s" % name


# Values that are written, and read


@rfc("2132 3.6 servers-of-4-bytes-each", "2132 8.13 no-home-agents")
def test_addresses():
    assert_reads_as("requested_ip_address", "10.0.0.5", IP)
    assert_reads_as("router", ["10.0.0.1"], SERVER)
    assert_reads_as("ntp_servers", ["10.0.0.1", "10.0.0.5"], SERVER + IP)
    assert_stays_bytes("subnet_mask", b"", IP[:3], IP + IP)
    assert_stays_bytes("router", b"", IP[:3], IP + b"\1")
    for key in [4, 5, 7, 8, 9, 10, 11, 41, 42, 44, 45, 48, 49, 65] + list(range(68, 77)):
        assert options.decode(key, SERVER + IP) == ["10.0.0.1", "10.0.0.5"], key
        assert_stays_bytes(key, IP + IP[:3])
    assert_stays_bytes("mobile_ip_home_agent", b"")


def test_pairs_of_addresses_are_read():
    assert options.decode("static_route", IP + SERVER) == [["10.0.0.5", "10.0.0.1"]]
    assert options.decode("policy_filter", 2 * (IP + IP)) == 2 * [["10.0.0.5", "10.0.0.5"]]
    assert_stays_bytes("static_route", b"", IP, IP + IP + IP)


@rfc("2132 3.4 time-offset")
def test_numbers():
    assert_reads_as("default_ip_time_to_live", 255, b"\xff")
    assert_reads_as("maximum_dhcp_message_size", 1500, b"\x05\xdc")
    assert_reads_as("ip_address_lease_time", 3600, b"\0\0\x0e\x10")
    assert_reads_as("ip_address_lease_time", 0xFFFFFFFF, b"\xff\xff\xff\xff")
    assert_reads_as("ipv6_only_preferred", 1800, b"\0\0\x07\x08")
    assert_reads_as("time_offset", -3600, b"\xff\xff\xf1\xf0")
    assert_reads_as("time_offset", 7200, b"\0\0\x1c\x20")
    assert_reads_as("client_system_architecture", [0, 7], b"\0\0\0\7")
    assert_stays_bytes("interface_mtu", b"", b"\5", b"\5\xdc\0")
    assert_stays_bytes("renewal_time", b"\0\0\x0e")
    assert_stays_bytes("path_mtu_plateau_table", b"\0\x44\1")


def test_flags():
    assert_reads_as("ip_forwarding", True, b"\1")
    assert_reads_as("auto_configure", False, b"\0")
    assert_stays_bytes("ip_forwarding", b"\2", b"", b"\0\0")


@rfc(
    "2132 2 nul-not-required",
    "4833 2 without-nul",
    "4833 4 posix-string",
    "4833 5 database-name",
    "8910 2.1 uri-without-nul",
)
def test_text():
    assert_reads_as("host_name", "moon", b"moon")
    assert_reads_as("vendor_class_identifier", "gr\u00fcn", b"gr\xc3\xbcn")
    assert_reads_as("posix_time_zone", "CET-1CEST,M3.5.0,M10.5.0/3", b"CET-1CEST,M3.5.0,M10.5.0/3")
    assert_reads_as("time_zone_database_name", "Europe/Berlin", b"Europe/Berlin")
    assert_reads_as("captive_portal", "https://a.example/", b"https://a.example/")
    assert_stays_bytes("host_name", b"gr\xfcn", b"")


@rfc("2132 9.4 tftp-server-name", "2132 9.5 boot-file-name")
def test_names_that_have_no_field_where_options_are():
    overloaded = opt(66, b"boot.lab") + opt(67, b"pxe.0") + opt(52, b"\3")
    found = options.read(lease(options=overloaded))
    assert (found["tftp_server_name"], found["bootfile_name"]) == ("boot.lab", "pxe.0")


@rfc("2132 2 trailing-nuls-deleted")
def test_zeros_behind_a_text_are_none_of_it():
    assert options.decode("bootfile_name", b"pxe.0\0") == "pxe.0"
    assert options.decode("bootfile_name", b"pxe.0\0\0") == "pxe.0"


def test_a_parameter_request_list_has_names_and_codes():
    assert_reads_as("parameter_request_list", ["router", "ntp_servers", "224"], b"\3\x2a\xe0")
    assert options.encode(55, [3, "42", "224"]) == b"\3\x2a\xe0"


@rfc("2132 8.4 vendor-options-encapsulated", "2132 8.4 end-of-encapsulated-options")
def test_options_in_an_option():
    assert_reads_as("vendor_specific_information", {1: b"abc", 254: b"\0"}, b"\1\3abc\xfe\1\0")
    assert options.encode(43, {"2": {"hex": "0a:0b"}, "1": "abc"}) == b"\1\3abc\2\2\x0a\x0b"
    assert options.decode(43, b"\0\1\3abc\0\xff\0\0") == {1: b"abc"}
    assert_reads_as(43, {1: b""}, b"\1\0")
    assert_stays_bytes(
        "vendor_specific_information", b"\1", b"\1\4abc", b"\1\3abc\xff\1", b"http://a"
    )


def test_pieces_of_an_option_in_an_option_are_joined():
    assert options.decode(43, b"\1\1a\2\0\1\1b") == {1: b"ab", 2: b""}


# The client identifier


@rfc("2132 9.14 type-0-for-others")
def test_a_client_identifier_may_be_text():
    assert_reads_as("client_identifier", "greenhouse", b"\0greenhouse")
    assert_stays_bytes("client_identifier", b"\1" + MAC, b"\0", b"\0\1\2", b"\0\xff", b"")


@rfc("4361 6.1 type-255", "4361 6.1 duid-as-in-dhcpv6")
def test_a_client_identifier_may_be_an_iaid_and_a_duid():
    mac = "02:00:00:00:00:01"
    for duid, data in (
        ({"mac": mac}, b"\0\3" + ETHERNET),
        ({"mac": mac, "time": 1 << 31}, b"\0\1\0\1\x80\0\0\0" + MAC),
        ({"enterprise": 32473, "id": b"\7"}, b"\0\2\0\0\x7e\xd9\7"),
        ({"uuid": "000102030405060708090a0b0c0d0e0f"}, b"\0\4" + UUID),
        (b"\0\7any", b"\0\7any"),
    ):
        assert_reads_as("client_identifier", {"iaid": 1, "duid": duid}, b"\xff\0\0\0\1" + data)


@rfc("4361 6.1 duid-as-in-dhcpv6")
def test_a_uuid_may_be_written_as_people_do():
    uuid = "00010203-0405-0607-0809-0A0B0C0D0E0F"
    data = options.encode("client_identifier", {"iaid": 1, "duid": {"uuid": uuid}})
    assert data == b"\xff\0\0\0\1\0\4" + UUID


@rfc("4361 6.1 duid-as-in-dhcpv6")
def test_a_duid_of_another_form_stays_bytes():
    for duid in (
        b"\0\3\0\x20" + MAC,  # not Ethernet
        b"\0\3\0\1" + MAC[:5],
        b"\0\4" + UUID[:15],
        b"\0\2\0\0\0\7",
        b"\0\1\0",
    ):
        read = options.decode(61, b"\xff\0\0\0\1" + duid)
        assert read == {"iaid": 1, "duid": duid}
    assert_stays_bytes("client_identifier", b"\xff", b"\xff\0\0\0\1\0\4")


# Classes and names


@rfc(
    "3004 4 several-classes",
    "3004 4 classes-behind-their-length",
    "3004 4 length-is-the-sum",
)
def test_user_classes_are_texts_behind_their_length():
    assert_reads_as("user_class", ["sensors", "lab"], b"\7sensors\3lab")
    assert options.encode("user_class", [b"\0\1"]) == b"\2\0\1"
    assert options.decode("user_class", b"\2\0\1") == [b"\0\1"]


def test_a_user_class_without_its_length_is_read_too():
    assert options.decode("user_class", b"iPXE") == ["iPXE"]
    assert options.decode("user_class", b"RRAS.Microsoft") == ["RRAS.Microsoft"]


@rfc("3925 3 classes-behind-their-length")
def test_vendor_classes_are_texts_by_enterprise():
    assert_reads_as("vendor_identifying_vendor_class", {9: ["ab", "c"]}, b"\0\0\0\x09\5\2ab\1c")
    assert options.encode(124, {"32473": ["a"], "9": ["b"]}) == (
        b"\0\0\0\x09\2\1b\0\0\x7e\xd9\2\1a"
    )
    assert_stays_bytes("vendor_identifying_vendor_class", b"\0\0\0\x09", b"\0\0\0\x09\4\4abc")


@rfc("3925 4 coded-as-options")
def test_vendor_options_are_options_by_enterprise():
    assert_reads_as(125, {9: {1: b"ab", 2: b"c"}}, b"\0\0\0\x09\7\1\2ab\2\1c")
    assert options.encode(125, {"9": {"1": "ab"}}) == b"\0\0\0\x09\4\1\2ab"
    assert options.encode(125, {"9": {"hex": "01026162"}}) == b"\0\0\0\x09\4\1\2ab"
    assert options.decode(125, b"\0\0\0\x09\0") == {9: {}}
    assert_stays_bytes(125, b"\0\0\0\x09\2\1\2", b"\0\0\x09")


@rfc(
    "3361 3.1 pieces-joined",
    "3396 4 all-options-joined",
    "3925 3 instances-joined",
    "3925 4 instances-joined",
    "9463 5.1 concatenation",
)
def test_an_option_of_parts_is_read_from_its_pieces():
    vendors = b"\0\0\0\x09\5\2ab\1c\0\0\x7e\xd9\2\1a"
    resolver = b"\0\x0b\0\1\x08\3dns\2de\0"
    for code, data, value in (
        (120, b"\0\3sip\2de\0", ["sip.de"]),
        (124, vendors, {9: ["ab", "c"], 32473: ["a"]}),
        (125, b"\0\0\0\x09\4\1\2ab\0\0\x7e\xd9\3\2\1c", {9: {1: b"ab"}, 32473: {2: b"c"}}),
        (162, resolver, [{"priority": 1, "name": "dns.de"}]),
    ):
        for i in range(len(data) + 1):
            granted = lease(options=opt(code, data[:i]) + opt(code, data[i:]))
            assert options.get(granted, code) == value


@rfc("3925 3 enterprise-once", "3925 4 enterprise-once")
def test_an_enterprise_is_written_once():
    assert options.encode(124, {9: ["a"], 10: ["b"]}).count(b"\0\0\0\x09") == 1
    for key, value in ((124, ["a"]), (125, {1: "a"})):
        assert "enterprise" in refusal(key, {9: value, "9": value})
    assert "vendor_spec" in refusal(43, {1: "a", "1": "b"})


@rfc("3925 4 codes-0-and-255")
def test_of_vendor_options_0_and_255_are_codes_as_any_other():
    assert_reads_as(125, {9: {0: b"bc", 255: b"a"}}, b"\0\0\0\x09\7\0\2bc\xff\1a")
    assert_stays_bytes(125, b"\0\0\0\x09\4\1\1a\xff", b"\0\0\0\x09\4\1\1a\0")


@rfc(
    "4702 3.3 updates-by-the-server",
    "4702 2.1 wire-format",
    "4702 2.3 e-with-wire-format",
    "4702 2.3 whole-name",
    "4702 2.3.1 ascii-deprecated",
    "4702 2.1 mbz-bits-0",
    "4702 2.1 o-bit-0",
    "4702 2.2 rcodes-0",
    "4702 2 at-least-3-bytes",
    "1035 3.1 labels-and-an-empty-one",
)
def test_a_name_is_for_the_server_to_enter_into_dns():
    assert_reads_as(81, {"flags": 5, "name": "moon.lab.example."}, b"\5\0\0\4moon\3lab\7example\0")
    assert options.encode("client_fqdn", "moon.lab.example.") == (b"\5\0\0\4moon\3lab\7example\0")


@rfc("4702 3.2 own-updates", "4702 3.4 no-updates")
def test_a_name_may_be_for_the_client_or_for_nobody_to_enter_into_dns():
    for flags in (4, 12):
        assert_reads_as(81, {"flags": flags, "name": "moon."}, bytes((flags,)) + b"\0\0\4moon\0")


@rfc("4702 2.1 mbz-bits-ignored")
def test_the_upper_bits_of_the_flags_change_nothing_of_how_a_name_is_read():
    for flags in (5, 0x15, 0x85, 0xF5):
        found = options.decode(81, bytes((flags,)) + b"\0\0\4moon\0")
        assert found == {"flags": flags, "name": "moon."}
        found = options.decode(81, bytes((flags ^ 4,)) + b"\0\0moon")
        assert found == {"flags": flags ^ 4, "name": "moon"}


@rfc("4702 2.2 rcodes-ignored")
def test_the_codes_behind_the_flags_of_a_name_do_not_matter():
    assert options.decode(81, b"\5\xff\x07\4moon\0") == {"flags": 5, "name": "moon."}


@rfc("4702 2.3 partial-name", "4702 2.3 no-name", "4702 2.3 e-with-wire-format")
def test_a_part_of_a_name_has_no_end():
    assert_reads_as(81, {"flags": 5, "name": "moon.lab"}, b"\5\0\0\4moon\3lab")
    assert_reads_as(81, {"flags": 5, "name": ""}, b"\5\0\0")
    assert options.decode(81, b"\5\0\0\0") == {"flags": 5, "name": "."}


@rfc("4702 2.3.1 ascii-name")
def test_a_name_may_be_in_ascii():
    assert_reads_as(81, {"flags": 1, "name": "moon.lab.example"}, b"\1\0\0moon.lab.example")


@rfc("4702 2 at-least-3-bytes")
def test_what_is_no_name_stays_bytes():
    assert_stays_bytes(
        81, b"", b"\5\0", b"\5\0\0\4moo", b"\5\0\0\4moon\0\3lab", b"\5\0\0\3a.b", b"\5\0\0\1\xff"
    )


# Values that servers send


SEARCH = b"\3lab\7example\3org\0\4test\xc0\4\xc0\0"


@rfc(
    "3397 2 names-compressed",
    "3397 2 pointers-into-the-value",
    "1035 3.1 labels-and-an-empty-one",
    "1035 4.1.4 pointers-understood",
)
def test_a_search_list_is_read():
    assert options.decode("domain_search", SEARCH) == [
        "lab.example.org",
        "test.example.org",
        "lab.example.org",
    ]
    assert options.decode("domain_search", b"\0") == ["."]


@rfc("3397 2 pieces-joined-first", "3397 2 pointers-into-the-value")
def test_a_search_list_in_pieces_is_read_as_one():
    # The example of RFC 3397 3
    pieces = opt(119, b"\3eng\5appl") + opt(119, b"e\3com\0\x09ma") + opt(119, b"rketing\xc0\4")
    found = options.get(lease(options=pieces), "domain_search")
    assert found == ["eng.apple.com", "marketing.apple.com"]


@rfc("3397 3 torn-name-discarded")
def test_a_search_list_whose_last_name_is_cut_off_is_none():
    whole = b"\3lab\7example\0"
    for i in range(1, len(whole)):
        assert_stays_bytes("domain_search", whole + whole[:i])
    assert_stays_bytes("domain_search", whole + b"\1a\xc0")


@rfc("1035 4.1.4 reserved-lengths")
def test_a_length_that_is_reserved_is_none():
    for first in range(0x40, 0xC0):
        count = bytes((first,))
        assert_stays_bytes("domain_search", count + first * b"a" + b"\0", b"\1a\0" + count + b"\0")


@rfc("1035 4.1.4 pointers-lead-back")
def test_pointers_that_do_not_lead_back_are_refused():
    assert_stays_bytes(
        "domain_search", b"\1a\xc0\2", b"\1a\xc0\4\1b\0", b"\xc0\0", b"\1a\xc0\0", b"\1a\xc0"
    )


@rfc("1035 2.3.4 labels-of-63-bytes", "1035 2.3.4 names-of-255-bytes")
def test_a_name_has_labels_of_63_bytes_and_255_in_all():
    longest = 3 * (b"\x3f" + 63 * b"a") + b"\x3d" + 61 * b"a" + b"\0"
    assert len(longest) == 255
    assert len(options.decode("domain_search", longest)[0]) == 253
    assert_stays_bytes(
        "domain_search", b"\1b" + longest, b"\x40" + 64 * b"a" + b"\0", b"\3lab", b"\2\xff\xff\0"
    )


def test_few_bytes_do_not_make_many_names():
    longest = 3 * (b"\x3f" + 63 * b"a") + b"\x3d" + 61 * b"a" + b"\0"
    assert len(options.decode("domain_search", longest + 7 * b"\xc0\0")) == 8
    assert_stays_bytes("domain_search", longest + 8 * b"\xc0\0", longest + 400 * b"\xc0\0")


@rfc("3442 format destination-descriptor")
def test_classless_routes_are_read():
    routes = b"\0\x0a\0\0\1" + b"\x18\xc0\0\2\x0a\0\0\5" + b"\x11\x0a\1\x80" + bytes(4)
    for key in ("classless_static_route", 249):
        assert options.decode(key, routes) == [
            ["0.0.0.0/0", "10.0.0.1"],
            ["192.0.2.0/24", "10.0.0.5"],
            ["10.1.128.0/17", "0.0.0.0"],
        ]
    assert_stays_bytes(121, b"", routes[:-1], b"\x21" + bytes(9), b"\0\x0a")


@rfc("3442 client-behavior bits-beyond-the-mask")
def test_bits_of_a_route_that_its_mask_does_not_cover_are_0():
    for destination, network in (
        (b"\x19\x81\xd2\xb1\x84", "129.210.177.128/25"),  # the RFC's own example
        (b"\x14\x0a\1\xff", "10.1.240.0/20"),
        (b"\1\xff", "128.0.0.0/1"),
        (b"\x18\x0a\1\xff", "10.1.255.0/24"),
        (b"\x20\x0a\1\xff\xff", "10.1.255.255/32"),
    ):
        assert options.decode(121, destination + SERVER) == [[network, "10.0.0.1"]]


@rfc(
    "3361 3 both-encodings",
    "3361 3 other-encodings",
    "3361 3.1 compression",
    "3361 3.1 least-length",
    "3361 3.1 names",
    "3361 3.2 addresses-of-4-bytes-each",
)
def test_sip_servers_are_read_as_names_or_addresses():
    assert options.decode("sip_server", b"\0\3sip\7example\0\3bak\xc0\4") == [
        "sip.example",
        "bak.example",
    ]
    assert options.decode("sip_server", b"\1" + IP + SERVER) == ["10.0.0.5", "10.0.0.1"]
    assert_stays_bytes(
        "sip_server", b"\0", b"\0\0", b"\1", b"\1" + IP[:3], b"\1" + IP + b"\1", b"\2" + IP
    )


NAME = b"\3dns\7example\0"


def resolver(priority, addresses=b"", params=b"", name=NAME):
    """An instance of option 162; of the name alone, if there are no addresses and params."""
    data = bytes((0, priority, len(name))) + name
    if addresses or params:
        data += bytes((len(addresses),)) + addresses + params
    return bytes((0, len(data))) + data


@rfc("9463 5.1 instances-behind-their-length", "9463 5.1 name-alone", "9463 5.2 several-resolvers")
def test_encrypted_resolvers_are_read():
    data = resolver(1, IP, b"\0\1\0\4\3dot\0\3\0\2\3\x55") + resolver(2)
    assert options.decode(162, data) == [
        {
            "priority": 1,
            "name": "dns.example",
            "addresses": ["10.0.0.5"],
            "params": {1: b"\3dot", 3: b"\3\x55"},
        },
        {"priority": 2, "name": "dns.example"},
    ]
    assert_stays_bytes(162, data[:-1], b"\0\0", b"\0\3\0\1\0")


@rfc("9463 5.2 least-priority-first")
def test_the_resolver_of_the_least_priority_comes_first():
    found = options.decode(162, resolver(7, IP) + resolver(1) + resolver(2, SERVER))
    assert [each["priority"] for each in found] == [1, 2, 7]


@rfc("9463 5.2 validated", "9463 3.1.8 name")
def test_a_resolver_needs_a_name_that_is_whole():
    for name in (b"", b"\0", b"\3dns", b"\3dns\xc0\0", b"\3dns\0\3lab\0"):
        assert_stays_bytes(162, resolver(1, name=name), resolver(1, IP, name=name))


@rfc("9463 5.2 validated", "9463 3.1.8 address", "9463 5.1 addresses-of-4-bytes-each")
def test_a_resolver_with_parameters_needs_an_address():
    port = b"\0\3\0\2\3\x55"
    assert options.decode(162, resolver(1, IP, port))[0]["addresses"] == ["10.0.0.5"]
    assert_stays_bytes(
        162, resolver(1, b"", port), resolver(1, IP[:3], port), resolver(1, IP + b"\1", port)
    )


@rfc("9463 5.2 local-addresses-discarded", "9463 3.1.8 address")
def test_an_address_of_a_group_or_of_the_host_itself_is_passed_over():
    others = b"\x7f\0\0\1" + b"\xe0\0\0\1" + b"\xef\xff\xff\xff"
    found = options.decode(162, resolver(1, others[:4] + IP + others[4:] + SERVER))
    assert found[0]["addresses"] == ["10.0.0.5", "10.0.0.1"]
    assert_stays_bytes(162, resolver(1, others))


@rfc("9463 5.2 validated", "9463 3.1.8 parameters", "9463 5.1 no-hints")
def test_parameters_are_in_order_each_once_and_no_hints():
    dot = b"\0\1\0\4\3dot"
    port = b"\0\3\0\2\3\x55"
    assert options.decode(162, resolver(1, IP, dot + port))[0]["params"][3] == b"\3\x55"
    assert_stays_bytes(162, resolver(1, IP, port + dot), resolver(1, IP, port + port))
    assert_stays_bytes(162, resolver(1, IP, dot[:-1]), resolver(1, IP, dot + b"\0"))
    assert_stays_bytes(
        162, resolver(1, IP, b"\0\4\0\4" + IP), resolver(1, IP, b"\0\6\0\x10" + bytes(16))
    )


# A lease


def test_a_lease_is_read_as_a_whole():
    values = options.read(lease(options=opt(42, SERVER) + opt(224, b"\1") + opt(26, b"\1")))
    assert values == {
        "subnet_mask": "255.255.255.0",
        "ip_address_lease_time": 3600,
        "dhcp_message_type": ACK,
        "server_identifier": "10.0.0.1",
        "ntp_servers": ["10.0.0.1"],
        "interface_mtu": b"\1",
        "224": b"\1",
    }


def test_an_option_of_a_lease_is_got_by_name_or_code():
    granted = lease(options=opt(42, SERVER))
    assert options.get(granted, "ntp_servers") == ["10.0.0.1"]
    assert options.get(granted, 42) == ["10.0.0.1"]
    assert options.get(granted, "domain_name") is None
    assert raises(ValueError, options.get, granted, "ntp") == "no option ntp"


# What is refused


def test_bytes_may_stand_for_any_value():
    for key in ("domain_search", "ntp_servers", "rapid_commit", "client_fqdn", 224):
        assert options.encode(key, b"\1\2") == b"\1\2"
        assert options.encode(key, bytearray(b"\1\2")) == b"\1\2"
        assert options.encode(key, {"hex": "0102"}) == b"\1\2"
    assert options.encode(224, "text") == b"text"


@rfc("4702 2.1 s-and-n-not-both")
def test_a_value_that_is_wrong_is_refused_with_what_the_option_takes():
    for key, value, takes in (
        ("host_name", 7, "text"),
        ("host_name", "", "text"),
        ("host_name", None, "text"),
        ("224", 7, "text"),
        ("host_name", {"hex": "0"}, "text"),
        ("host_name", {"hex": 7}, "text"),
        ("host_name", {"hex": "00", "text": "a"}, "text"),
        ("requested_ip_address", "10.0.0", "an address"),
        ("requested_ip_address", "10.0.0.256", "an address"),
        ("requested_ip_address", "10.0.0.1.1", "an address"),
        ("ntp_servers", "10.0.0.1", "a list of addresses"),
        ("ntp_servers", [], "a list of addresses"),
        ("ntp_servers", ["time.example"], "a list of addresses"),
        ("ntp_servers", 64 * ["10.0.0.1"], "a list of addresses"),
        ("default_ip_time_to_live", 256, "a number of 8 bits"),
        ("interface_mtu", "1500", "a number of 16 bits"),
        ("interface_mtu", 1.5, "a number of 16 bits"),
        ("ip_address_lease_time", -1, "a number of 32 bits"),
        ("ip_address_lease_time", True, "a number of 32 bits"),
        ("ip_address_lease_time", 1 << 32, "a number of 32 bits"),
        ("time_offset", -(1 << 31) - 1, "a number of 32 bits with a sign"),
        ("time_offset", 1 << 31, "a number of 32 bits with a sign"),
        ("ip_forwarding", 2, "true or false"),
        ("parameter_request_list", ["ntp"], "a list of names or codes"),
        ("parameter_request_list", "router", "a list of names or codes"),
        ("user_class", "sensors", "a list of texts"),
        ("user_class", [""], "a list of texts"),
        ("vendor_specific_information", "text", "{code: text}"),
        ("vendor_specific_information", {"a": "text"}, "{code: text}"),
        ("vendor_specific_information", {256: "text"}, "{code: text}"),
        ("vendor_specific_information", {0: "text"}, "{code: text}"),
        ("vendor_specific_information", {255: "text"}, "{code: text}"),
        ("vendor_specific_information", {}, "{code: text}"),
        ("vendor_specific_information", {1: 7}, "{code: text}"),
        ("client_fqdn", "moon..lab", "a name of labels of 1 to 63 bytes"),
        ("client_fqdn", ".", "a name of labels of 1 to 63 bytes"),
        ("client_fqdn", 64 * "a", "a name of labels of 1 to 63 bytes"),
        ("client_fqdn", {"name": "moon"}, "a name of labels of 1 to 63 bytes"),
        ("client_fqdn", {"name": "moon", "flags": 13}, "a name of labels of 1 to 63 bytes"),
        ("client_fqdn", {"name": "moon", "flags": 256}, "a name of labels of 1 to 63 bytes"),
        ("vendor_identifying_vendor_class", {9: "text"}, "{enterprise: [text]}"),
        ("vendor_identifying_vendor_class", {9: []}, "{enterprise: [text]}"),
        ("vendor_identifying_vendor_class", {1 << 32: ["text"]}, "{enterprise: [text]}"),
        (125, {9: {1: 7}}, "{enterprise: {code: text}}"),
        ("domain_search", ["lab.example"], "bytes"),
        ("rapid_commit", True, "bytes"),
    ):
        name = options.name(options.code(key))
        assert refusal(key, value) == "%s: %s; at most 255 bytes" % (name, takes), (key, value)


@rfc("2132 9.14 identifier-of-2-bytes")
def test_a_client_identifier_that_is_none_is_refused():
    for value in (
        "",
        b"\1",
        7,
        {"iaid": 1},
        {"iaid": 1 << 32, "duid": {"mac": "02:00:00:00:00:01"}},
        {"iaid": 1, "duid": {"mac": "02:00:00:00:00"}},
        {"iaid": 1, "duid": {"mac": "02:00:00:00:00:01", "tme": 1}},
        {"iaid": 1, "duid": {"uuid": "00010203"}},
        {"iaid": 1, "duid": {"enterprise": 9}},
        {"iaid": 1, "duid": "text"},
        {"iaid": 1, "duid": b"\0\7"},
    ):
        assert refusal("client_identifier", value).startswith("client_identifier: text, or {"), (
            value
        )


def test_255_bytes_are_the_most():
    assert options.encode("host_name", 255 * "a") == 255 * b"a"
    assert refusal("host_name", 256 * "a") == "host_name: text; at most 255 bytes"


# JSON


def jsonable(value):
    """A value with {"hex": ...} for bytes, as it would stand in a file."""
    if isinstance(value, bytes):
        return {"hex": "".join("%02x" % byte for byte in value)}
    if isinstance(value, dict):
        return {str(key): jsonable(value[key]) for key in value}
    return [jsonable(each) for each in value] if isinstance(value, list) else value


def test_what_is_read_can_be_written_by_way_of_json():
    for key, data in (
        (1, IP),
        (2, b"\xff\xff\xf1\xf0"),
        (3, IP + SERVER),
        (12, b"moon"),
        (19, b"\1"),
        (25, b"\0\x44\1\x28"),
        (26, b"\5\xdc"),
        (43, b"\1\3abc\2\1\0"),
        (51, u32(3600)),
        (55, b"\1\3\x2a\xe0"),
        (61, b"\0moon"),
        (61, b"\1" + MAC),
        (61, b"\xff\0\0\0\1\0\3" + ETHERNET),
        (61, b"\xff\0\0\0\1\0\4" + UUID),
        (61, b"\xff\0\0\0\1\0\x09any"),
        (77, b"\3lab\2\0\1"),
        (81, b"\5\0\0\4moon\3lab\7example\0"),
        (81, b"\x0c\0\0\4moon"),
        (81, b"\1\0\0moon"),
        (124, b"\0\0\0\x09\5\2ab\1c"),
        (125, b"\0\0\0\x09\4\1\2ab"),
        (224, b"\0\1"),
    ):
        value = json.loads(json.dumps(jsonable(options.decode(key, data))))
        assert options.encode(key, value) == data, key


# Any bytes


def test_no_bytes_raise_and_what_cannot_be_read_stays():
    seed(20)
    for code in range(1, 255):
        for _ in range(30):
            # Often lengths and codes of the forms themselves
            data = bytes(
                [
                    getrandbits(2) if getrandbits(1) else getrandbits(8)
                    for _ in range(getrandbits(5))
                ]
            )
            value = options.decode(code, data)
            assert type(value) in (bytes, str, int, bool, list, dict), (code, data)
            assert value == data if isinstance(value, bytes) else value is not None
