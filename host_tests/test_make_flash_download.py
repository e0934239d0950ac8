"""Where `make flash` gets an image of MicroPython from."""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="virtual boards take pseudo-terminals: Linux or macOS")


from device import catalogue
from flashing import download
from to_flash import Run
from toolchain import vm

pytest_plugins = ["to_flash_fixtures"]


@contextlib.contextmanager
def served(
    handler: type[http.server.BaseHTTPRequestHandler], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """In place of MicroPython's web site: a server that answers by this handler."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setattr(download, "SITE", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """MicroPython's web site: what is in this folder."""
    root = tmp_path / "site"
    root.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    monkeypatch.setattr(download, "DIRECTORY", tmp_path / "downloads")
    with served(Handler, monkeypatch):
        yield root


def publish(site: Path, board: str, *names: str) -> None:
    page = site / "download" / board
    page.mkdir(parents=True)
    links = [f'<a href="/resources/firmware/{name}">it</a>' for name in names]
    (page / "index.html").write_text("\n".join(links))
    files = site / "resources/firmware"
    files.mkdir(parents=True)
    for name in names:
        (files / name).write_text(name)


def test_the_newest_release_is_downloaded_once(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(
        site,
        "RPI_PICO_W",
        "RPI_PICO_W-20251209-v1.28.0-preview.4.gabc.uf2",
        "RPI_PICO_W-20250911-v1.26.1.uf2",
        "RPI_PICO_W-20241129-v1.24.1.uf2",
        "RPI_PICO_W-RISCV-20260911-v1.30.0.uf2",
        "RPI_PICO_W-20260911-v1.30.0.app-bin",
        "RPI_PICO_W-20250415-v1.9.0.uf2",
    )
    for said in ("downloads ", ""):
        path = download.latest(catalogue.model("RPI_PICO_W"))
        assert path.name == path.read_text() == "RPI_PICO_W-20250911-v1.26.1.uf2"
        assert capsys.readouterr().out.startswith(said)
    (site / "resources/firmware" / path.name).unlink()
    assert download.latest(catalogue.model("RPI_PICO_W")) == path


def test_a_download_that_is_no_image_is_not_kept(run: Run, site: Path) -> None:
    name = "RPI_PICO_W-20250911-v1.26.1.uf2"
    publish(site, "RPI_PICO_W", name)
    for data, why in (
        ("<html>not found</html>", f"{name}: it is not a whole UF2 file\n"),
        ("", f"{name}: no MicroPython is in it\n"),
    ):
        (site / "resources/firmware" / name).write_text(data)
        code, said = run("--yes", "RPI_PICO_W")
        assert code == 1
        assert said.endswith(why)
    assert list(download.DIRECTORY.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 5000\r\n\r\ncut off",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\ncut off",
        b"HTTP/1.0 302 Found\r\nLocation: http://[::moon/\r\n\r\n",
        b"HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"moon\r\n",
    ],
)
def test_a_download_that_goes_wrong_is_told_and_leaves_nothing(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: bytes,
) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = b'HTTP/1.0 200 OK\r\n\r\n<a href="%s">' % link
            self.wfile.write(page if self.path.startswith("/download/") else answer)

        def log_message(self, *args: object) -> None:
            pass

    link = b"/resources/firmware/RPI_PICO_W-20250911-v1.26.1.uf2"
    monkeypatch.setattr(download, "DIRECTORY", tmp_path / "downloads")
    with served(Handler, monkeypatch):
        code, said = run("--yes", "RPI_PICO_W")
    assert code == 1
    assert "flash_board: cannot download from http://127.0.0.1:" in said
    assert not download.DIRECTORY.exists()


def test_what_cannot_be_downloaded_is_told_with_the_remedy(run: Run, site: Path) -> None:
    code, said = run("--yes", "RPI_PICO_W")
    assert code == 1
    assert "flash_board: cannot download from http://127.0.0.1:" in said
    assert "get the .uf2 elsewhere, and give MICROPYTHON=FILE" in said
    publish(site, "RPI_PICO_W", "RPI_PICO_W-20251209-v1.28.0-preview.4.gabc.uf2")
    code, said = run("--yes", "RPI_PICO_W")
    assert code == 1
    assert "/download/RPI_PICO_W/ names no .uf2; get the .uf2 elsewhere, " in said


def test_make_hands_over_what_is_typed() -> None:
    settings = "BOARD=ESP32_GENERIC", "PORT=a99", "MICROPYTHON=my $file.bin"
    done = subprocess.run(
        ["make", "--silent", "flash", *settings], cwd=vm.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "flash_board: my $file.bin: No such file or directory\n" in done.stderr
