"""The verdict on a conversation, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from capture.messages import Message
from dhcpc.explain import why
from dialogue import (
    ALL,
    IP,
    LEASE,
    NOBODY,
    OTHER,
    RAPID,
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
    verdict,
)


def test_a_lease() -> None:
    assert verdict(discover(), offer(), takes(), ack()) == (LEASE, "")


@pytest.mark.rfc("4039 3 ack-taken-at-once", "4039 3.1 ack-without-the-option")
def test_an_ack_to_a_discover_is_a_lease_where_both_have_rapid_commit() -> None:
    assert states(discover(RAPID), ack(RAPID), renews()) == ["SELECTING", "BOUND", "RENEWING"]
    assert verdict(discover(RAPID), ack(RAPID))[0].startswith(LEASE)
    for said in ((discover(), ack(RAPID)), (discover(RAPID), ack())):
        assert "refused" in verdict(*said)[0]


def test_a_lease_and_what_became_of_it() -> None:
    said = [discover(), offer(), takes(), ack()]
    for xid in range(2, 5):
        said += [renews(xid=xid), ack(xid=xid)]
    assert verdict(*said) == (f"{LEASE}; renewed 3 times", "")
    said += [renews(ALL, xid=5), ack(xid=5)]
    assert verdict(*said) == (f"{LEASE}; renewed 3 times; rebound", "")
    said += [request((50, IP), xid=6), ack(xid=6)]
    said += [message(payload("RELEASE", [(54, SERVER)], ciaddr=IP, xid=7), IP, SERVER)]
    assert verdict(*said) == (f"{LEASE}; renewed 3 times; rebound; confirmed; released", "")


def test_a_request_without_a_server_takes_the_offer_of_its_address() -> None:
    def bare(kind: str) -> Message:
        return message(payload(kind, [(51, 43200)], yiaddr=IP), SERVER)

    said = [discover(), bare("OFFER"), request((50, IP)), bare("ACK")]
    assert states(*said) == ["SELECTING", "SELECTING", "REQUESTING", "BOUND"]
    assert verdict(*said) == (LEASE, "")
    said[2:] = [request((50, IP), xid=2), message(payload("ACK", yiaddr=IP, xid=2), SERVER)]
    assert states(*said)[2] == "REBOOTING"


def test_a_lease_that_is_asked_for_anew_is_one() -> None:
    said = [discover(), offer(), takes(), ack()]
    assert verdict(*said, *said, *said) == (f"{LEASE}; asked for again 2 times", "")


def test_a_lease_that_was_there_before_the_capture() -> None:
    assert verdict(renews(), ack()) == (f"{LEASE}; renewed", "")
    assert verdict(request((50, IP)), ack()) == (f"{LEASE}; confirmed", "")
    release = message(payload("RELEASE", ciaddr=IP), IP, SERVER)
    assert verdict(release) == (f"{IP}; released", "")


def test_a_lease_lasts_as_long_as_the_session_takes_it_to() -> None:
    said = [discover(), offer(), takes(), reply("ACK", yiaddr=IP)]
    assert verdict(*said)[0] == f"{IP} for 1 h from {SERVER}"  # no option 51
    said[-1] = reply("ACK", (51, 0xFFFFFFFF), yiaddr=IP)
    assert verdict(*said)[0] == f"{IP} for ever from {SERVER}"


def test_no_answer() -> None:
    advice = why("no answer")[1]
    assert verdict(discover()) == ("1 DISCOVER, no answer", advice)
    assert verdict(discover(), discover()) == ("2 DISCOVERs, no answer", advice)
    reboot = request((50, IP))
    assert verdict(reboot, reboot, discover(xid=2)) == (
        f"2 REQUESTs for {IP}, 1 DISCOVER, no answer",
        advice,
    )


def test_no_answer_to_a_renewal() -> None:
    said = [discover(), offer(), takes(), ack(), renews(xid=2), renews(ALL, xid=3)]
    assert verdict(*said) == (
        f"{LEASE}; then 2 REQUESTs to renew {IP}, no answer",
        why("no answer")[1],
    )


def test_offers_that_are_refused() -> None:
    what, advice = why(f"{SERVER}: yiaddr")
    bad = offer(yiaddr="224.0.0.1")
    assert verdict(discover(), bad) == (f"1 OFFER, refused: {what}", advice)
    assert verdict(*[discover(), bad] * 4) == (f"4 OFFERs, all refused: {what}", advice)
    assert advice


def test_why_a_reply_is_refused_is_said_once() -> None:
    bad = offer(yiaddr="127.0.0.1")
    said = notes(discover(), bad, bad, offer(yiaddr="127.0.0.1", server=RIVAL))
    what = why(f"{SERVER}: yiaddr")[0].partition(": ")[2]
    grant = "127.0.0.1 for 12 h"
    assert said[1:] == [
        f"{grant}; refused: {what}",
        f"{grant}; refused as before",
        f"{grant}; refused: {what}",
    ]


def test_offers_that_are_refused_for_several_reasons() -> None:
    torn = message(payload("OFFER", [(54, RIVAL)], yiaddr=IP, end=b"\x0c\x05a"), RIVAL)
    said = verdict(discover(), offer(yiaddr="127.0.0.1"), torn)
    first, second = why(f"{SERVER}: yiaddr"), why(f"{RIVAL}: option")
    assert said == (f"1 OFFER, refused: {first[0]}; 1 OFFER, refused: {second[0]}", second[1])


def test_a_client_that_takes_what_the_firmware_refuses() -> None:
    what, advice = why(f"{SERVER}: yiaddr")
    net = (1, "255.255.255.0")
    said = [discover(), offer(net, yiaddr="192.0.2.0"), takes("192.0.2.0"), ack()]
    assert verdict(*said) == (
        f"1 OFFER, refused: {what}; then the client that was captured goes on, and has {LEASE}",
        advice,
    )


def test_a_reply_with_another_xid_or_chaddr_is_named() -> None:
    for stray in offer(xid=2), offer(mac=OTHER):
        said, advice = verdict(discover(), stray)
        assert said.startswith(f"1 OFFER, refused: {SERVER}: its ")
        assert "xid and chaddr" in advice


def test_a_late_reply_is_no_other_xid() -> None:
    said, _ = verdict(discover(xid=1), discover(xid=2), offer(xid=1))
    assert said == f"1 OFFER, refused: {SERVER}: it answers an earlier message"


def test_an_offer_and_no_ack() -> None:
    what, advice = why(f"{SERVER}: OFFER")
    said = [discover(), offer(), takes(), takes(), takes()]
    assert verdict(*said) == (f"3 REQUESTs, no answer: {what}", advice)
    assert verdict(*said, discover(xid=2)) == (f"3 REQUESTs, no answer: {what}", advice)


def test_an_ack_that_is_refused() -> None:
    what, advice = why(f"{SERVER}: yiaddr")
    said = [discover(), offer(), takes(), ack(yiaddr="127.0.0.1")]
    assert verdict(*said) == (f"1 ACK, refused: {what}", advice)


@pytest.mark.parametrize(
    ("options", "siaddr", "server"),
    [([(54, SERVER)], RIVAL, SERVER), ([], RIVAL, RIVAL), ([], NOBODY, "192.0.2.7")],
)
def test_a_server_is_known_by_option_54_or_siaddr_or_its_packet(
    options: list[tuple[int, Any]], siaddr: str, server: str
) -> None:
    bad = message(payload("OFFER", options, yiaddr=NOBODY, siaddr=siaddr), "192.0.2.7")
    assert verdict(discover(), bad)[0] == f"1 OFFER, refused: {why(f'{server}: yiaddr')[0]}"


def test_an_offer_that_nobody_requests() -> None:
    said, advice = verdict(discover(), offer())
    assert said == f"{IP} for 12 h offered by {SERVER}; no REQUEST for it"
    assert "client" in advice


def test_a_nak_with_the_servers_own_words() -> None:
    what, advice = why(f"{SERVER}: NAK wrong network")
    assert "wrong network" in what
    reboot = request((50, IP))
    assert verdict(reboot, nak()) == (what, advice)
    assert verdict(reboot, nak(), discover(xid=2))[0] == f"{what}; then 1 DISCOVER, no answer"
    assert verdict(*[reboot, nak()] * 4)[0] == f"{what}; again 3 times"


def test_a_lease_after_a_nak() -> None:
    said = [request((50, IP)), nak(), discover(xid=2), offer(xid=2), takes(xid=2), ack(xid=2)]
    assert verdict(*said) == (f"{why(f'{SERVER}: NAK wrong network')[0]}; then {LEASE}", "")


def test_a_nak_of_another_server_is_refused_by_the_session() -> None:
    said = [discover(), offer(), takes(), nak(server=RIVAL)]
    what, advice = why(f"{RIVAL}: server wrong network")
    assert verdict(*said) == (f"1 NAK, refused: {what}", advice)
    assert verdict(*said, ack())[0] == f"1 NAK, refused: {what}; then {LEASE}"


def test_an_offer_of_a_second_server_is_no_fault() -> None:
    said = [discover(), offer(), offer(server=RIVAL), takes(), ack()]
    assert verdict(*said) == (LEASE, "")
    assert notes(*said)[2].startswith(f"{IP} for 12 h; refused: ")


def test_what_comes_too_late_is_no_fault_where_there_is_a_lease() -> None:
    said = [discover(), offer(), takes(), ack(), offer(server=RIVAL), ack(), offer(xid=9)]
    assert verdict(*said[:-1]) == (LEASE, "")
    assert notes(*said)[-2] == f"{IP} for 12 h; again"
    assert verdict(*said)[0].startswith(f"{LEASE}; then 1 OFFER, refused: ")


def test_the_client_may_take_the_second_offer() -> None:
    said = [discover(), offer(), offer((6, RIVAL), server=RIVAL), takes(server=RIVAL)]
    assert verdict(*said, ack(server=RIVAL)) == (f"{IP} for 12 h from {RIVAL}", "")
    assert notes(*said, ack(server=RIVAL))[-1] == (
        f"{IP} for 12 h; DNS differs from the OFFER's: none, was {RIVAL}"
    )


def test_a_decline() -> None:
    decline = message(payload("DECLINE", [(50, IP), (54, SERVER)], xid=2))
    said, advice = verdict(discover(), offer(), takes(), ack(), decline)
    assert said == f"{LEASE}; declined, another host has it"
    assert "host" in advice


def test_an_inform_and_its_answer() -> None:
    inform = message(payload("INFORM", ciaddr=IP), IP)
    answer = reply("ACK", (6, SERVER), ciaddr=IP)
    assert verdict(inform) == ("1 INFORM, no answer", why("no answer")[1])
    assert verdict(inform, answer) == (f"configuration for {IP} from {SERVER}", "")
    assert states(inform, answer) == ["", ""]


def test_replies_alone_are_judged_as_answers() -> None:
    alone = "; no message of the client was captured"
    assert verdict(ack())[0] == f"{LEASE}{alone}"
    assert verdict(offer())[0].endswith(alone)
    what, advice = why(f"{SERVER}: yiaddr")
    bad = offer(yiaddr="0.0.0.0")
    assert verdict(bad, bad) == (f"2 OFFERs, all refused: {what}{alone}", advice)
    assert verdict(offer(), ack(), ack(xid=2))[0] == f"{LEASE}; renewed{alone}"


def test_what_is_not_about_a_lease() -> None:
    assert verdict(message(payload("LEASEQUERY"))) == ("nothing in it is about a lease", "")


def test_a_long_story_ends_with_its_last_parts() -> None:
    said: list[Message] = []
    for xid in range(1, 50):
        said += [request((50, IP), xid=xid), nak(b"%d" % xid, xid=xid)]
    told = verdict(*said)[0].split("; then ")
    assert [part.split("(")[1] for part in told] == ["47)", "48)", "49)"]


def test_of_a_long_datagram_the_session_gets_what_a_board_takes() -> None:
    filling = [(43, bytes(255))] * 3
    late = message(
        payload(
            "OFFER", [(54, SERVER), *filling, (1, bytes(4))], yiaddr=IP, end=b"\x33\x04\0\0\1\0"
        )
    )
    assert len(late.payload) > 1024
    assert verdict(discover(), late)[0] == f"1 OFFER, refused: {why(f'{SERVER}: option')[0]}"
