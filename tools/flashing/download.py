"""MicroPython's images, from its own download pages."""

from __future__ import annotations

import re
import urllib.request
from http.client import HTTPException
from pathlib import Path

from device.catalogue import SITE, Model
from toolchain.cli import Refusal
from toolchain.files import placed
from toolchain.package import ROOT

DIRECTORY = ROOT / "build/micropython"

_TIMEOUT_S = 20


def latest(model: Model) -> Path:
    """The newest release for a board, downloaded unless it is here. Refusal: it cannot be had."""
    page = f"{SITE}/download/{model.firmware}/"
    try:
        with urllib.request.urlopen(page, timeout=_TIMEOUT_S) as answer:
            name = _newest(answer.read().decode("utf-8", "replace"), model)
        if not name:
            raise Refusal(f"{page} names no {model.ending}; {_instead(model)}")
        path = DIRECTORY / name
        if not path.exists():
            url = f"{SITE}/resources/firmware/{name}"
            print(f"downloads {url}", flush=True)
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
                data = answer.read()
            with placed(path) as new:
                new.write_bytes(data)
    except (HTTPException, OSError, ValueError) as error:  # ValueError: of a redirection
        raise Refusal(f"cannot download from {page} ({error}); {_instead(model)}") from None
    return path


def _newest(page: str, model: Model) -> str | None:
    # The page links releases, previews and variants: RPI_PICO_W-20250911-v1.26.1.uf2 is a release.
    name = rf"{model.firmware}-\d{{8}}-v(\d+)\.(\d+)\.(\d+){re.escape(model.ending)}"
    links = re.finditer(rf'href="/resources/firmware/({name})"', page)
    found = max(links, key=lambda link: [int(part) for part in link.groups()[1:]], default=None)
    return found[1] if found else None


def _instead(model: Model) -> str:
    return f"get the {model.ending} elsewhere, and give MICROPYTHON=FILE"
