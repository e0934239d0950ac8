"""Many boards at one server, and one board on a bad network: what the timers make of it, beside
what others' make of it. docs/fleets.md has the same at full size.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import fleets
from fleet import loss, page
from fleet.boot import BOARDS, CALM_S, Down, Fleet, Site, boot
from fleet.chart import Axis, lines
from fleet.clients import CLIENTS, DISCOVER, OURS, REQUEST, RFC, WAITING
from toolchain.cli import Refusal
from world import World

IDF, LWIP, UDHCPC, DHCPCD = "lwIP, ESP-IDF", "lwIP", "udhcpc", "dhcpcd"
SINGLE = [name for name in CLIENTS if name != WAITING]
PEERS = (IDF, LWIP, UDHCPC, DHCPCD, RFC)
SLOW, FAST = Site((50,)), Site((500,))

# Boards that boot at once

ALL_BOUND = 80  # seconds
EVEN = 2.5  # of a wave; 12 is all at once
SEEDS = range(1, 4)


@pytest.mark.rfc("2131 4.1 first-pauses")
@pytest.mark.parametrize("seed", SEEDS)
def test_1000_boards_that_boot_at_once_are_soon_bound(seed: int) -> None:
    boards = boot(CLIENTS[OURS], SLOW, seed=seed)
    assert len(boards.bound) == BOARDS
    assert boards.bound[-1] <= ALL_BOUND
    late = boards.sent[CALM_S:]
    assert max(late, default=0) < SLOW.rates[0]
    assert sum(late) < sum(boards.sent) / 20


@cache
def crowd(name: str) -> Fleet:
    """10,000 boards, 200 for each request that the server can do in a second."""
    return boot(CLIENTS[name], SLOW, 10_000)


@pytest.mark.rfc("2131 4.1 first-pauses")
def test_10000_boards_come_in_no_waves() -> None:
    assert len(crowd(OURS).bound) == 10_000
    assert crowd(OURS).wave() < EVEN
    assert crowd(RFC).wave() > 2 * EVEN  # the measure tells them apart
    assert 2 * crowd(OURS).bound[-1] < crowd(RFC).bound[-1]


@pytest.mark.parametrize(
    ("site", "seconds"),
    [(FAST, 15), (Site((50, 50)), 80), (Site((500, 500)), 15), (Site((500,), relay=100), 60)],
    ids=str,
)
def test_they_are_soon_bound_at_other_servers(site: Site, seconds: int) -> None:
    boards = boot(CLIENTS[OURS], site)
    assert len(boards.bound) == BOARDS
    assert boards.bound[-1] <= seconds


@pytest.mark.rfc("2131 4.4.1 start-wait")
def test_a_wait_at_the_start_spares_a_fast_server() -> None:
    waiting = boot(CLIENTS[WAITING], FAST)
    assert sum(waiting.sent) < 0.7 * sum(boot(CLIENTS[OURS], FAST).sent)
    assert waiting.bound[-1] < 15


def test_a_few_boards_are_bound_at_once() -> None:
    boards = boot(CLIENTS[OURS], SLOW, boards=20)
    assert len(boards.bound) == 20
    assert boards.bound[-1] < 1
    assert sum(boards.sent) == 40


def test_boards_that_have_booted_together_renew_apart() -> None:
    ours, rfc = (
        boot(CLIENTS[name], FAST, lease_s=600, seconds=3600).sent[150:] for name in (OURS, RFC)
    )
    assert max(ours) < 0.8 * max(rfc)


def test_no_lease_is_lost_when_they_renew() -> None:
    assert boot(CLIENTS[OURS], SLOW, lease_s=600, seconds=3600).lost == 0


def test_two_servers_share_the_boards() -> None:
    one, two = (boot(CLIENTS[RFC], site) for site in (SLOW, Site((50, 50))))
    assert two.bound[-1] < one.bound[-1]


# A server that is down at T1


@cache
def after_silence(behind: str, name: str = OURS) -> Fleet:
    """1,000 boards with leases of an hour, whose server comes back then."""
    return page.down(BOARDS, SLOW, name, page.BACK_S[behind])


@pytest.mark.rfc("2131 4.4.5 minute-between-requests")
@pytest.mark.parametrize("behind", ["T1", "T2"])
def test_no_lease_is_lost_if_the_server_is_back_before_its_end(behind: str) -> None:
    fleet = after_silence(behind)
    assert fleet.lost == 0
    assert len(fleet.again) == BOARDS


@pytest.mark.parametrize("behind", ["T1", "T2"])
def test_all_are_renewed_within_about_a_minute_of_the_servers_return(behind: str) -> None:
    assert after_silence(behind).again[-1] < page.HOUR_S / 60 + 5
    assert 2 * after_silence(behind).again[-1] < after_silence(behind, RFC).again[-1]


def test_a_board_sends_few_packets_to_a_server_that_is_down() -> None:
    for behind, most in (("T1", 12), ("T2", 28), ("the end", 66)):
        sent = after_silence(behind).sent[page.DOWN_S : page.BACK_S[behind]]
        assert sum(sent) <= most * BOARDS


def test_all_are_soon_bound_if_the_server_is_back_after_the_end_of_their_leases() -> None:
    fleet = after_silence("the end")
    assert fleet.lost == BOARDS
    assert len(fleet.again) == BOARDS
    assert fleet.again[-1] <= ALL_BOUND
    assert 1.5 * fleet.again[-1] < after_silence("the end", RFC).again[-1]


@pytest.mark.parametrize("behind", page.BACK_S)
def test_the_page_has_what_1000_boards_do_whose_server_is_down(behind: str) -> None:
    row = page.down_row(BOARDS, SLOW, OURS, behind, after_silence(behind))
    assert row in page.PAGE.read_text()


# What is measured


def test_a_server_that_is_down_hears_nothing() -> None:
    boards = boot(CLIENTS[OURS], SLOW, 20, seconds=60, down=Down(0, 30))
    assert boards.bound[0] >= 30
    assert len(boards.again) == 20
    assert 30 + boards.again[-1] == pytest.approx(boards.bound[-1])


def test_a_wave_is_measured_by_its_minute() -> None:
    even, once = [10] * 180, ([0] * 60 + [600] + [0] * 59) + [10] * 60
    bound = [float(second) for second in range(180)]
    assert Fleet(even, bound, 0).wave() == 1
    assert Fleet(once, bound, 0).wave() == 12
    assert Fleet([0] * 60 + [1] + [0] * 119, bound, 0).wave() == 1  # too few to be one


# A network that loses packets

DAYS = 4000 * 60 / loss.DAY_S  # 4,000 times T1 of a lease of 2 minutes
TRIES = 15  # in the second half of a lease
A_TRIP = 0.04  # seconds, there and back


@cache
def wait(name: str, percent: int) -> loss.Wait:
    return loss.wait(loss.firsts(CLIENTS[name], percent / 100, 600))


@pytest.mark.parametrize("peer", [LWIP, UDHCPC, DHCPCD, RFC])
@pytest.mark.parametrize("percent", [10, 30])
def test_a_first_lease_on_a_bad_network_is_had_before_others_have_it(
    peer: str, percent: int
) -> None:
    ours, theirs = wait(OURS, percent), wait(peer, percent)
    assert ours.half < theirs.half + A_TRIP  # at 10 %, half of them lose nothing
    assert ours.most < theirs.most
    assert ours.nearly_all < theirs.nearly_all


@pytest.mark.parametrize("peer", PEERS)
def test_and_on_a_very_bad_one(peer: str) -> None:
    ours, theirs = wait(OURS, 60), wait(peer, 60)
    assert ours.half < 0.9 * theirs.half
    assert ours.most < theirs.most


def test_and_where_nine_in_ten_round_trips_are_lost() -> None:
    for peer in PEERS:
        assert wait(OURS, 70).half < wait(peer, 70).half, peer


@pytest.mark.rfc("2131 4.4.5 minute-between-requests")
def test_a_lease_of_2_minutes_is_asked_for_every_4_s_before_its_end() -> None:
    for seed in range(20):
        w = World(rand=random.Random(seed).getrandbits).bound(lease=120)
        w.go(119.9)
        assert w.lease
        assert len(w.sent) - 2 >= TRIES


@pytest.mark.rfc("2131 4.4.5 minute-between-requests")
def test_a_lease_of_2_minutes_on_a_bad_network_is_kept_better_than_by_others() -> None:
    ours = loss.missing(CLIENTS[OURS], 0.3, 120, DAYS)
    for peer in PEERS:
        assert 3 * ours < loss.missing(CLIENTS[peer], 0.3, 120, DAYS), peer


@pytest.mark.parametrize("lease_s", loss.LEASES_S)
def test_any_lease_on_a_very_bad_network_is_kept_better_than_by_others(lease_s: int) -> None:
    days = lease_s / 60 * DAYS
    ours = loss.missing(CLIENTS[OURS], 0.6, lease_s, days)
    for peer in PEERS:
        assert 2 * ours < loss.missing(CLIENTS[peer], 0.6, lease_s, days), peer


@pytest.mark.parametrize("name", SINGLE)
def test_an_address_is_never_missing_where_nothing_is_lost(name: str) -> None:
    assert loss.missing(CLIENTS[name], 0, 120, DAYS / 10) == 0


# What is modelled


def silence(name: str, lease_s: int, seconds: int) -> tuple[list[float], float]:
    """When a client asks for its lease anew, if nobody answers any more, and when it gives the
    address up: in seconds since it has had it."""
    client = CLIENTS[name](random.Random(1), lease_s, 0, 0)
    now = 0
    while not client.has:
        now = max(now, client.due)
        if client.step(now):
            client.take(now, client.message(), 1)
    start, asked = now, []
    while client.has and now < start + seconds * 1000:
        now = client.due
        if client.step(now) and client.message().kind == REQUEST:
            asked.append((now - start) / 1000)
    return asked, (now - start) / 1000


def first_messages(name: str, count: int, kind: int = DISCOVER) -> list[float]:
    """Seconds between the first messages of a client that nobody answers, or that gets no ACK."""
    client = CLIENTS[name](random.Random(1), 600, 0, 0)
    sent: list[float] = []
    while len(sent) <= count:
        now = client.due
        if client.step(now):
            asked = client.message()
            if asked.kind == kind:
                sent.append(now / 1000)
            else:
                client.take(now, asked, 1)
    return [round(after - before, 1) for before, after in pairwise(sent)]


def near(found: list[float], wanted: list[float], by: float) -> bool:
    return len(found) == len(wanted) and all(
        abs(a - b) <= by for a, b in zip(found, wanted, strict=True)
    )


def test_udhcpc_does_what_it_did_in_the_lab() -> None:
    # docs/peers.md, less the 2 s of its ARP
    asked, end = silence(UDHCPC, 120, 200)
    assert near(asked, [60, 91.5, 94.5, 97.5, 100.5], 1)
    assert end == pytest.approx(103.5, abs=1)


def test_dhcpcd_asks_from_t1_and_anew_from_t2() -> None:
    asked, end = silence(DHCPCD, 120, 200)
    assert near(asked, [60, 64, 72, 88, 105, 109, 117], 3.1)
    assert end == 120


def test_rfc_2131_asks_once_a_minute_at_most() -> None:
    assert silence(RFC, 120, 200) == ([60, 105], 120)
    assert silence(RFC, 3600, 4000)[0][:3] == [1800, 2475, 2812.5]


def test_lwip_knows_whole_minutes() -> None:
    asked, end = silence(LWIP, 600, 700)
    assert [round(b - a) for a, b in pairwise(asked)] == [120, 60, 60]
    assert 240 <= asked[0] <= 300
    assert end == pytest.approx(asked[0] + 300)


def test_lwip_of_esp_idf_asks_down_to_3_seconds() -> None:
    asked, end = silence(IDF, 120, 200)
    assert near(asked, [60, 82.5, 93.75, 99.4, 105, 112.5, 116.25], 1)
    assert end == 120


@pytest.mark.parametrize(
    ("name", "wanted", "by"),
    [
        (RFC, [4, 8, 16, 32, 64, 64], 1),
        (DHCPCD, [4, 8, 16, 32, 64, 64], 1),
        (LWIP, [2, 4, 8, 16, 32, 60, 60], 0.5),
        (IDF, [0.5, 1, 2, 4, 4, 4, 4], 0.5),
        (UDHCPC, [3, 3, 23, 3, 3, 23], 0),
        (OURS, [1, 0.75, 1.5, 1.5, 3, 3, 3, 3], 1.1),
    ],
)
def test_a_discover_is_sent_again(name: str, wanted: list[float], by: float) -> None:
    assert near(first_messages(name, len(wanted)), wanted, by)


@pytest.mark.parametrize(
    ("name", "wanted", "by"),
    [
        (RFC, [4, 8, 16], 1),
        (DHCPCD, [4, 8, 16, 32, 64], 1),
        (LWIP, [2, 4, 8, 16, 32], 0.5),
        (IDF, [0.5, 1, 2, 4, 4], 0.5),
        (UDHCPC, [3, 3, 23], 0),
        (OURS, [1, 0.75, 1.5, 1.5, 3], 1.1),
    ],
)
def test_a_request_is_sent_again(name: str, wanted: list[float], by: float) -> None:
    assert near(first_messages(name, len(wanted), REQUEST), wanted, by)


# The page and the charts


def test_the_page_has_a_place_for_every_table() -> None:
    text = page.PAGE.read_text()
    for name in ("clients", "first lease", "day", "power", "renewals", "down"):
        assert page.put(text, {name: ["here"]}) != text


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(Refusal, match="no place for the table power"):
        page.put("nothing", {"power": []})


def test_the_page_says_what_is_modelled() -> None:
    assert page.put(page.PAGE.read_text(), page.modelled().tables) == page.PAGE.read_text()


@pytest.mark.parametrize("name", [OURS, WAITING, RFC, IDF])
def test_the_page_has_what_1000_boards_do_now(name: str) -> None:
    assert page.row(BOARDS, SLOW, name, boot(CLIENTS[name], SLOW)) in page.PAGE.read_text()


def test_every_chart_is_shown_and_small() -> None:
    shown = page.PAGE.read_text()
    charts = list(page.CHARTS.iterdir())
    assert charts
    for chart in charts:
        assert f"(fleets/{chart.name})" in shown
        assert chart.stat().st_size < 60_000
        assert "prefers-color-scheme: dark" in chart.read_text()
        ElementTree.fromstring(chart.read_text())


def test_a_chart_draws_each_line_by_its_name() -> None:
    x, y = Axis("x", 0, 10), Axis("y", 1, 100, log=True)
    chart = lines("a < b", x, y, {"one": [(0, 1), (10, 100)], "two": [(0, 1000)]})
    root = ElementTree.fromstring(chart)
    words = [text.text for text in root.findall(".//{*}text")]
    assert {"a < b", "one", "two", "x", "y"} <= {*words}
    assert len(root.findall(".//{*}polyline")) == 4  # and in the legend


def test_ticks_are_round_numbers() -> None:
    assert Axis("", 0, 1500).ticks() == [0, 500, 1000, 1500]
    assert Axis("", 0.1, 500, log=True).ticks() == [0.1, 1, 10, 100]


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the command with arguments make a part that is at hand."""

    def run(*arguments: str) -> None:
        part = page.Part({"power": ["| made |"]}, {"1000": "<svg/>"})
        monkeypatch.setattr(page, "PARTS", {"power": lambda: part})
        monkeypatch.setattr("sys.argv", ["fleets.py", *arguments])
        fleets.main()

    return run


def test_the_command_prints_a_part(
    no_work: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    no_work("power")
    assert capsys.readouterr().out == "power:\n\n| made |\n\n"


def test_the_command_writes_a_part(
    no_work: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "fleets.md"
    copy.write_text(page.PAGE.read_text())
    monkeypatch.setattr(page, "PAGE", copy)
    monkeypatch.setattr(page, "CHARTS", tmp_path / "fleets")
    no_work("--write")
    assert "\n| made |\n" in copy.read_text()
    assert (tmp_path / "fleets/1000.svg").read_text() == "<svg/>"


def test_the_command_knows_its_parts(no_work: Callable[..., None]) -> None:
    with pytest.raises(Refusal, match="no such part: weather; power"):
        no_work("weather")
