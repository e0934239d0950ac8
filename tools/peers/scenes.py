"""The scenes, and in words why this client's messages differ there from everybody else's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from peers.stage import FIRST, Stage
from peers.traffic import DISCOVER, INIT_REBOOT, REBINDING, RELEASE, RENEWING, SELECTING
from testbed.plan import Plan

_LONG = Plan(lease=600)
_NO_STORE = {"udhcpc": "it keeps no lease"}


@dataclass(frozen=True)
class Scene:
    """What happens, in a line, as `play` has it happen.

    without: {client: why it cannot do this}. why: {(kind of message, aspect): why what this client
    sends is nobody else's}.
    """

    line: str
    play: Callable[[Stage], None]
    without: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[tuple[str, str], str] = field(default_factory=dict)


def _lease(stage: Stage) -> None:
    stage.serve("dnsmasq", _LONG)
    stage.bind()


def _silent(stage: Stage) -> None:
    stage.be_odd("discover-3rd")
    stage.start()
    stage.wait("ACK")


def _no_ack(stage: Stage) -> None:
    stage.be_odd("request-2nd")
    stage.start()
    stage.wait("ACK")


def _two(stage: Stage) -> None:
    stage.serve("dnsmasq", _LONG)
    stage.serve("kea", replace(_LONG, host=2))
    stage.bind()


def _reboot(stage: Stage) -> None:
    stage.serve("kea", _LONG)
    stage.bind()
    stage.cut_power()
    stage.start()
    stage.wait("ACK", 2)


def _reboot_nak(stage: Stage) -> None:
    server = stage.serve("dhcpd", _LONG)
    stage.bind()
    stage.cut_power()
    server.stop()
    stage.serve("dhcpd", replace(_LONG, subnet="198.51.100.0/24"))
    stage.start()
    stage.wait("NAK")
    stage.wait("ACK", 2)


def _reboot_silent(stage: Stage) -> None:
    server = stage.serve("dhcpd", _LONG)
    stage.bind()
    stage.cut_power()
    server.end()
    stage.start()
    stage.wait("DISCOVER", 2)


def _renewal(stage: Stage) -> None:
    stage.serve("kea")
    stage.bind()
    stage.wait("ACK", 2)


def _renewal_nak(stage: Stage) -> None:
    server = stage.serve_stubborn()
    stage.bind()
    stage.replace(server)
    stage.wait("NAK")
    stage.wait("ACK", 2)


def _rebinding(stage: Stage) -> None:
    server = stage.serve("dhcpd")
    stage.bind()
    stage.serve_heir(server)
    stage.wait("ACK", 2)


def _expiry(stage: Stage) -> None:
    server = stage.serve("dhcpd")
    stage.bind()
    server.end()
    stage.wait("DISCOVER", 2)


def _release(stage: Stage) -> None:
    stage.serve("dhcpd", _LONG)
    stage.bind()
    stage.release()
    stage.wait("RELEASE")


def _decline(stage: Stage) -> None:
    stage.serve("kea", _LONG)
    stage.squat(FIRST)
    stage.start_careful()
    stage.wait("DECLINE")
    stage.wait("ACK", 2)


# Of what hangs on no scene, by aspect
EVERYWHERE = {
    "option 55": "each client asks for what it has a use for, in an order of its own. `params` is "
    "this one's list. It has T1 and T2 (58, 59), which udhcpc does not heed, as some servers send "
    "an option only to those who ask for it.",
    "option 57": "1024 bytes is the most of a reply that this client reads, as a board's heap is "
    "small. dhcpcd takes what fits a frame, udhcpc what every host must take; dhclient does not "
    "say, and servers leave out what is too long for that.",
}

_EACH_ITS_OWN = (
    "each REQUEST in RENEWING and REBINDING is a transaction of its own, so that the lease runs "
    "from the one that was answered. RFC 2131 has the client choose `xid`, and sets no term."
)

_FLAG = (
    "some servers and relays answer only with the broadcast flag. The third DISCOVER in a row has "
    "it, the fourth not, and so on; nobody else tries."
)
_FLAG_STAYS = "the OFFER came with the flag, and so the ACK will."

SCENES = {
    "lease": Scene("a first lease (dnsmasq)", _lease),
    "silent": Scene(
        "a server that answers the third DISCOVER alone (scapy)",
        _silent,
        why={(DISCOVER, "flags"): _FLAG, (SELECTING, "flags"): _FLAG_STAYS},
    ),
    "no-ack": Scene("a server that answers the second REQUEST alone (scapy)", _no_ack),
    "two": Scene("two servers, each with an OFFER (dnsmasq, Kea)", _two),
    "reboot": Scene("a power cut; the server knows the lease (Kea)", _reboot, _NO_STORE),
    "reboot-nak": Scene(
        "a power cut; the network has been renumbered: NAK (dhcpd)", _reboot_nak, _NO_STORE
    ),
    "reboot-silent": Scene(
        "a power cut; there is no server any more (dhcpd before)",
        _reboot_silent,
        _NO_STORE,
        {
            (INIT_REBOOT, "secs"): "it stays 0, which table 5 allows: there are two REQUESTs, and "
            "the second comes after 0.5 to 1.5 s. Then comes a DISCOVER, and `secs` counts."
        },
    ),
    "renewal": Scene("a renewal at T1 (Kea)", _renewal),
    "renewal-nak": Scene("at T1 the server knows of no lease: NAK (dnsmasq)", _renewal_nak),
    "rebinding": Scene(
        "the server has gone, and another one has its leases: T1, T2 (dhcpd)",
        _rebinding,
        why={(RENEWING, "xid"): _EACH_ITS_OWN, (REBINDING, "xid"): _EACH_ITS_OWN},
    ),
    "expiry": Scene(
        "the server has gone: T1, T2, the end of the lease (dhcpd)",
        _expiry,
        why={(RENEWING, "xid"): _EACH_ITS_OWN, (REBINDING, "xid"): _EACH_ITS_OWN},
    ),
    "release": Scene(
        "the lease is given back (dhcpd)",
        _release,
        why={
            (RELEASE, "xid"): "RELEASE has no answer that an `xid` could find, and RFC 2131 asks "
            "for no new one; it has that of the message before, as DECLINE has with dhcpcd."
        },
    ),
    "decline": Scene(
        "another host has the address: DECLINE (Kea)",
        _decline,
        {"dhclient": "it does not look whether an address is free"},
    ),
}
