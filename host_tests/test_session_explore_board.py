"""All that may become of a client on a board: lease, NIC and record agree with its session after
each call; and clients that are broken on purpose, each of which is found.
"""

from __future__ import annotations

import pytest

import onboard
from explore.board import AGREED, explore
from explore.mutants import CLIENTS, client
from explore.search import Broken

DEEPEST = 20  # events; at fewer there is nothing new
MUTANT_DEPTH = 3


@pytest.mark.rfc("2131 4.4.5 expiry-stops-the-network", "2131 4.4.5 another-address")
@pytest.mark.parametrize("port", ["ESP32", "PICO_W"])
def test_lease_nic_and_record_agree_in_every_state(port: str) -> None:
    found = explore(port, DEEPEST)
    print(port, found)
    assert found.whole
    assert found.states > 250
    assert found.unused == []


@pytest.mark.parametrize("name", CLIENTS)
def test_a_broken_client_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onboard, "Client", client(CLIENTS[name]))
    with pytest.raises(Broken) as broken:
        explore("ESP32", MUTANT_DEPTH)
    assert broken.value.promise == CLIENTS[name].breaks


def test_all_that_agrees_is_broken_by_some_client() -> None:
    assert {each.breaks for each in CLIENTS.values()} == {each.__name__ for each in AGREED}
