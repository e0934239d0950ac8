"""What `make deploy` does with a board's /dhcpc.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")


from device.catalogue import model
from device.config import checked, held
from device.virtual import VirtualBoard
from powered import Boards, copied, deployed, files, mpremote, refused
from toolchain.cli import Refusal

pytest_plugins = ["powered_fixtures"]


def config(board: VirtualBoard) -> object:
    return json.loads(files(board)["/dhcpc.json"])


def test_a_config_is_set_kept_and_replaced(tree: Path, power: Boards, tmp_path: Path) -> None:
    board = power()
    assert "no /dhcpc.json on the board" in deployed(tree, board.port)
    first = {"ssid": "moon", "key": "full of it", "hostname": "crater-3", "timeout_s": 9}
    path = tmp_path / "my config.json"
    path.write_text(json.dumps(first))
    assert copied(deployed(tree, board.port, f"CONFIG={path}")) == ["/dhcpc.json"]
    assert config(board) == first
    said = deployed(tree, board.port)
    assert copied(said) == []
    assert "/dhcpc.json" not in said
    # The Wi-Fi alone.
    said = deployed(tree, board.port, "SSID=home", WIFI_KEY="a new one")
    assert config(board) == {**first, "ssid": "home", "key": "a new one"}
    assert "a new one" not in said
    deployed(tree, board.port, "SSID=cafe", WIFI_KEY="")
    assert config(board) == {"ssid": "cafe", "hostname": "crater-3", "timeout_s": 9}


def test_a_wifi_is_taken_as_it_is_typed(tree: Path, power: Boards) -> None:
    board = power()
    for name in ("a$b $$", "$(shell touch ran)`touch ran`", '-it\'s "home"', "#\\ ~*,:="):
        deployed(tree, board.port, f"SSID={name}", "WIFI_KEY=$(PY) $key")
        assert config(board) == {"ssid": name, "key": "$(PY) $key"}
    assert not (tree / "ran").exists()


def test_the_config_on_the_board_is_held_against_it(
    tree: Path, power: Boards, tmp_path: Path
) -> None:
    board = power({"/dhcpc.json": '{"hostname": "a"}'})
    assert refused(tree, board.port) == (
        "/dhcpc.json on the board: no ssid, and RPI_PICO_W has only Wi-Fi; "
        "SSID= sets its Wi-Fi, CONFIG=FILE replaces it"
    )
    broken = power({"/dhcpc.json": "{"})
    assert refused(tree, broken.port).startswith("/dhcpc.json on the board: not JSON: ")
    assert {*files(board), *files(broken)} == {"/dhcpc.json"}
    deployed(tree, broken.port, "APP=0")  # whose program need not read it
    deployed(tree, board.port, "SSID=home", WIFI_KEY="")
    assert config(board) == {"hostname": "a", "ssid": "home"}
    (tmp_path / "c.json").write_text('{"ssid": "home"}')
    deployed(tree, broken.port, f"CONFIG={tmp_path}/c.json")
    assert config(broken) == {"ssid": "home"}


@pytest.mark.parametrize(
    ("board", "text"),
    [
        ("RPI_PICO_W", '{"ssid": "x", "watchdog_s": 8.388}'),
        ("ESP32_GENERIC", '{"ssid": "x", "watchdog_s": 20}'),
        ("W5500_EVB_PICO", "{}"),
        ("OLIMEX_ESP32_POE", '{"fallback": "link-local"}'),
    ],
)
def test_what_a_board_can_do_may_be_in_its_config(board: str, text: str) -> None:
    held(checked(text, "c.json"), model(board), "c.json")


@pytest.mark.parametrize(
    ("board", "text", "why"),
    [
        ("RPI_PICO_W", "{}", "no ssid, and RPI_PICO_W has only Wi-Fi"),
        ("RPI_PICO_W", '{"ssid": "x", "watchdog_s": 8.389}', "watchdog_s: 8.389 is more than"),
        (
            "RPI_PICO2_W",
            '{"ssid": "x", "watchdog_s": 20}',
            "watchdog_s: 20 is more than the 8.388",
        ),
        (
            "OLIMEX_ESP32_POE",
            '{"fallback": "link-local", "ssid": "x"}',
            "fallback: it does not go",
        ),
    ],
)
def test_what_a_board_cannot_do_is_refused_in_its_config(board: str, text: str, why: str) -> None:
    with pytest.raises(Refusal, match=f"^c.json: {why}"):
        held(checked(text, "c.json"), model(board), "c.json")


def test_a_board_reads_any_text_of_its_config_right(
    tree: Path, power: Boards, tmp_path: Path
) -> None:
    board = power()
    path = tmp_path / "wlan.json"
    path.write_text(r'{"ssid": "caf\u00e9 \ud83d\ude00"}')
    deployed(tree, board.port, f"CONFIG={path}")
    check = "from dhcpc import config; print(config.read()['ssid'].encode())"
    assert mpremote(board, "exec", check).strip() == str("café 😀".encode())


def test_a_config_that_is_wrong_is_refused_before_the_board_is_asked(
    tree: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wlan.json"
    path.write_text('{"ssid": 7}')
    why = refused(tree, "/dev/moon", f"CONFIG={path}")
    assert why == f"{path}: ssid: 7 is not a text of 1 to 32 bytes"
    assert refused(tree, "/dev/moon", "CONFIG=moon.json") == "moon.json: No such file or directory"
    path.write_text('{"ssid": "home", "fallback": "link-local"}')
    why = refused(tree, "/dev/moon", f"CONFIG={path}", "BOARD=OLIMEX_ESP32_POE")
    assert why.startswith(f"{path}: fallback: it does not go with several NICs: ")
    why = refused(tree, "/dev/moon", "SSID=home", WIFI_KEY="short")
    assert why.startswith("the key is not 8 to 63 ")
    assert refused(tree, "/dev/moon", "SSID=home").startswith("SSID= needs a key: set WIFI_KEY")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", ": not JSON: .*line 1 column 2"),
        ("[" * 100_000, ": not JSON: "),
        ("[]", ": not a JSON object"),
        ('{"moon": "x"}', ': there is no "moon"; there are anonymous, broadcast, client_id, '),
        ('{"sid": "x"}', r': there is no "sid": is it ssid\?$'),
        ('{"ssid": "x", "password": "y"}', r': there is no "password": is it key\?$'),
        ('{"ip": "192.0.2.7"}', r': there is no "ip": is it fallback\?$'),
        ('{"vendor_clas": "x"}', r': there is no "vendor_clas": is it vendor_class\?$'),
        ('{"params": ["router", "ntp"]}', r": params: no option ntp: is it ntp_servers\?$"),
        ('{"params": [3, "moon"]}', ": params: no option moon$"),
        ('{"params": 3}', ": params: 3 is not a list of names or codes"),
        ('{"options": {"gateway": "x"}}', r": options: no option gateway: is it router\?$"),
        ('{"ssid": ""}', ': ssid: "" is not a text of 1 to 32 bytes'),
        (r'{"ssid": "\ud800"}', ": ssid: "),
        ('{"ssid": "%s"}' % ("ü" * 17), ": ssid: "),
        ('{"key": "secret"}', ": key: it is not 8 to 63 ASCII characters, or 64 hex digits"),
        ('{"key": "%s"}' % ("g" * 64), ": key: "),
        ('{"key": ["secret"]}', ": key: it is"),
        ('{"hostname": "under_score"}', ': hostname: "under_score" is not '),
        ('{"hostname": "-a"}', ": hostname: "),
        ('{"hostname": "%s"}' % ("a" * 33), ": hostname: "),
        ('{"timeout_s": 0}', ": timeout_s: 0 is not a number from 1 to 86400"),
        ('{"timeout_s": NaN}', ": timeout_s: NaN"),
        ('{"watchdog_s": true}', ": watchdog_s: true"),
        ('{"watchdog_s": "8"}', ': watchdog_s: "8"'),
        ('{"reuse": 1}', ": reuse: 1 is not true or false"),
        (
            '{"fallback": {"address": "192.0.2.255"}}',
            ": fallback: address: not a usable host address",
        ),
        (json.dumps({"vendor_class": "a" * 200, "user_class": ["b" * 200]}), ": options"),
    ],
)
def test_what_is_wrong_with_a_config_is_named(text: str, why: str) -> None:
    with pytest.raises(Refusal, match=f"^c.json{why}") as refusal:
        checked(text, "c.json")
    assert "secret" not in str(refusal.value)


def test_a_config_may_have_all_of_it_or_nothing() -> None:
    wifi = {"ssid": "ü" * 16, "key": "x" * 63}
    whole = {**wifi, "hostname": "a" * 32, "timeout_s": 1.5, "watchdog_s": 8}
    for right in (whole, {}, {"key": "0f" * 32}, {"dns": False}):
        assert checked(json.dumps(right), "c.json") == right
