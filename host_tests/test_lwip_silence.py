"""The boards' built-in DHCP client, lwIP's: when it sends, and what silences it."""

from __future__ import annotations

from scapy.layers.inet import UDP

from lwip_board import UNADDRESSED, answers, frames
from test_interop import ANY
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.process import wait_for

pytest_plugins = ["lwip_fixtures"]

SETTLE = "time.sleep(0.3)"


def test_the_built_in_client_owns_port_68(net: Lab, port: str) -> None:
    told = answers(
        net,
        port,
        """
nic.active(True)
nic.connect("lab")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tell(fault(sock.bind, ("0.0.0.0", 68)))
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
tell(fault(sock.bind, ("0.0.0.0", 68)))
silence()
tell(fault(sock.bind, ("0.0.0.0", 68)))
""",
    )
    assert told == [["EADDRINUSE"], ["EADDRINUSE"], [None]]


def lwip_sends(net: Lab, port: str, script: str, expected: list[str]) -> bool:
    """Whether messages of these types and no others leave while a script runs."""
    with net.capture() as wire:
        answers(net, port, f"{script}\n{SETTLE}")
        if expected:
            wire.wait(expected[-1])
        return wire.types() == expected


def test_unless_silenced_it_sends_a_discover_at_link_up(net: Lab, port: str) -> None:
    assert lwip_sends(net, port, 'nic.active(True); nic.connect("lab")', ["DISCOVER"])


def test_addresses_of_zero_silence_it_through_reconnections(net: Lab, port: str) -> None:
    script = UNADDRESSED + 'nic.disconnect(); nic.connect("lab")'
    assert lwip_sends(net, port, script, [])


def test_before_active_silencing_is_lost_on_rp2(net: Lab, port: str) -> None:
    script = 'silence(); nic.active(True); nic.connect("lab")'
    assert lwip_sends(net, port, script, ["DISCOVER"] if port == "rp2" else [])


def test_off_and_on_again_undoes_the_silencing(net: Lab, port: str) -> None:
    script = UNADDRESSED + 'sock.close(); nic.active(False); nic.active(True); nic.connect("lab")'
    assert lwip_sends(net, port, script, ["DISCOVER"])


def test_dhcp4_false_before_association_silences_rp2_alone(net: Lab, port: str) -> None:
    script = 'nic.active(True); nic.ipconfig(dhcp4=False); nic.connect("lab")'
    assert lwip_sends(net, port, script, [] if port == "rp2" else ["DISCOVER"])


def test_on_a_wiznet5k_a_discover_leaves_within_active(net: Lab) -> None:
    script = "nic = network.WIZNET5K(); nic.active(True); silence()"
    assert lwip_sends(net, "rp2", script, ["DISCOVER"])


LEASED = """
nic.active(True)
nic.connect("lab")
while nic.ifconfig()[0] == "0.0.0.0":
    time.sleep(0.05)
"""


def test_with_a_lease_up_silencing_releases_it(served: Lab, port: str) -> None:
    with served.capture() as wire:
        told = answers(served, port, f"{LEASED}silence(); tell(nic.ifconfig()[0])\n{SETTLE}")
        assert told == [[ANY]]
        wire.wait("RELEASE")


def test_started_while_port_68_is_held_it_hears_no_answer(served: Lab, port: str) -> None:
    script = f"tell(nic.ipconfig(dhcp4=True))\n{SETTLE}\ntell(nic.ifconfig()[0])"
    with served.capture() as wire:
        assert answers(served, port, UNADDRESSED + script) == [[None], [ANY]]
        first = wait_for(lambda: frames(wire), "a DISCOVER")[0]
    assert (first.src, first[UDP].dport) == (CLIENT_MAC, 67)
    assert first[UDP].sport != 68
