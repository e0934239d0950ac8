"""`make image` for a fleet: what its boards have of their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

import image
import images
from imaging import storage
from to_make import CONFIG, PICO_W, Make, files_of, flash_of
from toolchain.cli import Refusal

pytest_plugins = ["to_make_fixtures"]


FLEET = """hostname,ssid,key,vendor_class,watchdog_s,user_class
pump-1,home,the first secret,acme,8,"[""a"", ""b""]"
pump-2,,,123,,
pump-3,barn,,,,
"""


def fleet(make: Make, tmp_path: Path, text: str, config: object = CONFIG) -> Path:
    table = tmp_path / "boards.csv"
    table.write_text(text)
    return make(PICO_W, images.uf2(images.PICO_W), "--fleet", table, config=config)


def test_each_board_of_a_fleet_has_its_own_config(make: Make, tmp_path: Path) -> None:
    output = fleet(make, tmp_path, FLEET)
    configs = {}
    for number in (1, 2, 3):
        files, _ = storage.found(files_of(output / f"{PICO_W}-pump-{number}.uf2"), "rp2")
        configs[number] = json.loads(files["/dhcpc.json"])
    assert configs == {
        1: {
            "ssid": "home",
            "key": "the first secret",
            "hostname": "pump-1",
            "vendor_class": "acme",
            "watchdog_s": 8,
            "user_class": ["a", "b"],
        },
        2: {**CONFIG, "hostname": "pump-2", "vendor_class": "123"},
        3: {"ssid": "barn", "hostname": "pump-3"},  # without the key of another network
    }


def test_nothing_of_one_is_in_another(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = {name: f"the secret of {name}" for name in ("pump-1", "pump-2", "pump-3")}
    lines = [f"{name},net {name},{secrets[name]}" for name in secrets]
    output = fleet(make, tmp_path, "\n".join(["hostname,ssid,key", *lines]))
    for name in secrets:
        flash = flash_of(output / f"{PICO_W}-{name}.uf2")
        words = (secret.encode() for each in secrets for secret in (each, secrets[each]))
        assert [word for word in words if word in flash] == [name.encode(), secrets[name].encode()]
        assert CONFIG["key"].encode() not in flash
    said = capsys.readouterr().out + (output / "manifest.json").read_text()
    assert not any(secret in said for secret in secrets.values())


def test_a_manifest_names_them_and_their_sums(make: Make, tmp_path: Path) -> None:
    output = fleet(make, tmp_path, FLEET)
    manifest = json.loads((output / "manifest.json").read_text())
    assert (manifest["board"], manifest["micropython"]) == (PICO_W, "1.25.0")
    sums = "\n".join(f"{each['sha256']}  {each['file']}" for each in manifest["images"])
    check = subprocess.run(["sha256sum", "--check"], input=sums, cwd=output, text=True)
    assert check.returncode == 0
    assert [each["hostname"] for each in manifest["images"]] == ["pump-1", "pump-2", "pump-3"]


def test_a_fleet_that_the_disk_has_no_room_for_is_refused_after_its_first(
    make: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(image.shutil, "disk_usage", lambda path: SimpleNamespace(free=4_000_000))
    with pytest.raises(Refusal, match="output: 8 MB more are needed, and 4 MB are free: give OUT"):
        fleet(make, tmp_path, FLEET)
    assert "\n3 images take " in capsys.readouterr().out
    assert [each.name for each in (tmp_path / "output").iterdir()] == [f"{PICO_W}-pump-1.uf2"]


def test_an_empty_key_comes_from_the_environment(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIFI_KEY", "from without")
    output = fleet(make, tmp_path, FLEET)
    keys = []
    for number in (1, 2, 3):
        files, _ = storage.found(files_of(output / f"{PICO_W}-pump-{number}.uf2"), "rp2")
        keys.append(json.loads(files["/dhcpc.json"])["key"])
    assert keys == ["the first secret", CONFIG["key"], "from without"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: there is no column hostname"),
        ("hostname;ssid\na;home\n", "line 1: there is no column hostname; commas stand between"),
        ("hostname,sid\na,home\n", 'line 1: "sid": there is no such setting: is it ssid\\?; docs'),
        ("hostname,\na,home\n", 'line 1: "": there is no such setting'),
        ("hostname, ssid\na,home\n", 'line 1: " ssid": there is no such setting'),
        ("hostname,ssid,ssid\na,b,c\n", "line 1: ssid: there are two of them"),
        ("hostname,ssid\n", ": there is no board in it"),
        ("hostname,ssid\na,home\nb\n", "line 3: 1 columns, line 1 has 2"),
        ("hostname,ssid\n,home\n", "line 2: hostname: is empty"),
        ("hostname\n-a\n", "line 2: hostname: it is not 1 to 32 letters"),
        ("hostname\na\n\nA\n", "line 4: hostname: it is used already: .*/boards.csv, line 2"),
        ("hostname,key\na,short\n", "line 2: key: it is not 8 to 63 "),
        ("hostname,watchdog_s\na,soon\n", "line 2: watchdog_s: it is not a number"),
        (f"hostname,user_class\na,{'[' * 100_000}\n", "line 2: user_class: it is not a list"),
        ("hostname,params\na,[\n", "line 2: params: "),
        ('hostname,ssid\na,"home\n', ": no CSV in UTF-8: "),
    ],
)
def test_what_is_wrong_with_a_fleet_is_named_by_line_and_column(
    make: Make, tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(Refusal, match=f"boards.csv(, )?{why}"):
        fleet(make, tmp_path, text)
    assert not (tmp_path / "output").exists()


SECRET = "battery staple"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hostname", SECRET),
        ("watchdog_s", SECRET),
        ("params", json.dumps([f"a is not {SECRET}"]).replace('"', '""')),
        ("params", SECRET),
        ("options", json.dumps({SECRET: 1}).replace('"', '""')),
        ("servers", json.dumps({"allow": [SECRET]}).replace('"', '""')),
        ("fallback", json.dumps({"address": SECRET}).replace('"', '""')),
    ],
)
def test_a_key_in_the_wrong_column_is_not_printed(
    make: Make, tmp_path: Path, column: str, value: str
) -> None:
    columns = dict.fromkeys(("hostname", "ssid", "key", column), "") | {"hostname": "a"}
    columns[column] = f'"{value}"'
    with pytest.raises(Refusal, match=f"boards.csv, line 2: {column}: ") as refused:
        fleet(make, tmp_path, f"{','.join(columns)}\n{','.join(columns.values())}\n")
    assert SECRET not in str(refused.value)


def test_of_a_fleet_that_is_cut_off_no_manifest_stays(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = fleet(make, tmp_path, FLEET)

    def interrupted(files: object, size: int, port: str) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "made", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fleet(make, tmp_path, FLEET)
    assert not (output / "manifest.json").exists()


def test_a_fleet_needs_no_config_of_its_own(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"boards.csv, line 2: .*no ssid"):
        fleet(make, tmp_path, "hostname\na\n", config={})
    fleet(make, tmp_path, "hostname,ssid\na,home\n", config={})
