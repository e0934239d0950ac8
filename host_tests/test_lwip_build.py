"""What is said where the boards' IP stack cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from testbed.board import plug_board
from testbed.lab import Lab
from toolchain import lwip
from toolchain.cli import Unavailable

pytest_plugins = ["lwip_fixtures"]


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree in which nothing has been built, and an /etc/apt without a source; both empty."""
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(lwip, "_BUILT", tmp_path / "lwip")
    monkeypatch.setattr(lwip, "_SOURCE", tmp_path / "lwip/source")
    monkeypatch.setattr(lwip, "_ETC_APT", tmp_path / "apt")
    return tmp_path


@pytest.mark.parametrize("program", ["gcc", "apt-get", "dpkg-source"])
def test_a_program_that_is_missing_is_named_with_its_package(
    unbuilt: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def which(name: str, path: str) -> str | None:
        return None if name == program else f"/bin/{name}"

    monkeypatch.setattr("shutil.which", which)
    package = {"gcc": "gcc", "apt-get": "apt", "dpkg-source": "dpkg-dev"}[program]
    with pytest.raises(Unavailable, match=f"apt-get install {package}"):
        lwip.build("rp2")


@pytest.mark.skipif(not shutil.which("apt-get"), reason="there is no apt-get: this needs Debian")
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sources.list", "deb [trusted=yes] file:/no/such/mirror stable main\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: file:/no/such/mirror\nSuites: stable\nComponents: main\n",
        ),
    ],
    ids=["one-line", "deb822"],
)
def test_a_mirror_out_of_reach_is_named_and_nothing_is_left(
    unbuilt: Path, file: str, text: str
) -> None:
    (unbuilt / "apt" / file).write_text(text)
    with pytest.raises(Unavailable, match=r"in reach.*no/such/mirror"):
        lwip.build("rp2")
    assert list((unbuilt / "lwip").iterdir()) == []


def test_without_a_tap_it_says_what_to_do(stack_works: None) -> None:
    with Lab() as net:
        net.run(["mount", "--bind", "/dev/null", "/dev/net/tun"], host="switch")
        with pytest.raises(Unavailable, match="modprobe tun"):
            plug_board(net)
