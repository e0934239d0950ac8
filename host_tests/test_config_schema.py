"""docs/config.schema.json says of /dhcpc.json what dhcpc.config does, which boards and `make
deploy` go by. fastjsonschema is the judge of what the schema says.
"""

from __future__ import annotations

import json
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcpc import config
from toolchain import vm

SCHEMA = json.loads((vm.ROOT / "docs/config.schema.json").read_text())
JUDGE = fastjsonschema.compile(SCHEMA, use_default=False)
SETTINGS = config._SETTINGS

# Of these the schema says only the type: what an option takes, dhcpc.options has.
OPTIONS = {name for name, (_, _, extra) in SETTINGS.items() if extra == "options"}

SPANS = [1, 86400, 1.5, 0, 0.99, 86401, -1, 10**20]
ADDRESSES = ["192.0.2.1", "0.0.0.0", "255.255.255.255", "1.2.3", "1.2.3.4.5", "1.2.3.256"]
ADDRESSES += ["1.2..3", "1.2.3.", ".1.2.3", " 1.2.3.4", "1.2.3.4 ", "1.2.3.-4", "1.2.3.x", ""]
ADDRESSES += ["01.2.3.4", "1.2.3.00"]
TEXTS = ["a", "a-b", "-a", "a-", "a b", "a.b", "~" * 8, "x" * 7, "x" * 32, "x" * 33, "x" * 63]
TEXTS += ["x" * 64, "0aF" * 21 + "0", "\x7f" * 8, "\n" * 8, "link-local"]
PLAIN: list[Any] = [None, True, False, {}, [], [[]], [None], *SPANS, *ADDRESSES, *TEXTS]

address = st.sampled_from(ADDRESSES)
addresses = st.lists(address | st.sampled_from([1, None]), max_size=2)
fallbacks = st.dictionaries(
    st.sampled_from(["address", "mask", "gateway", "dns", "net"]), address | st.just(7), max_size=4
)
servers = st.dictionaries(
    st.sampled_from(["allow", "deny", "window_ms", "wait"]),
    addresses | st.sampled_from(SPANS),
    max_size=3,
)
values = st.sampled_from(PLAIN) | addresses | fallbacks | servers
names = st.sampled_from(sorted(SETTINGS))


def taken(settings: dict[str, Any]) -> bool:
    """Whether a board takes them."""
    try:
        config.check(settings)
    except ValueError:
        return False
    return True


def valid(settings: dict[str, Any]) -> bool:
    """Whether the schema does."""
    try:
        JUDGE(settings)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


@settings(max_examples=1000)
@given(name=names, value=values)
def test_the_schema_and_the_board_take_the_same(name: str, value: Any) -> None:
    if name in OPTIONS:
        assert valid({name: value}) or not taken({name: value})
    else:
        assert taken({name: value}) == valid({name: value})


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_the_schema_says_what_a_setting_takes_in_the_same_words(name: str) -> None:
    rule, words, _ = SETTINGS[name]
    assert (words in SCHEMA["properties"][name]["description"]) or isinstance(rule, int)


def test_the_schema_has_the_settings_and_no_other() -> None:
    assert {*SCHEMA["properties"]} == {*SETTINGS}
    assert not valid({"sid": "home"})
    assert not taken({"sid": "home"})
    assert SCHEMA["properties"]["fallback_s"]["default"] == config._FALLBACK_S
