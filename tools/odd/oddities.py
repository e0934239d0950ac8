"""All oddities: each one thing that a server does as no server should, or as few do."""

from __future__ import annotations

from odd.conduct import CONDUCT
from odd.contents import CONTENTS
from odd.oddity import Oddity

ODDITIES: dict[str, dict[str, Oddity]] = {**CONTENTS, **CONDUCT}


def named() -> dict[str, Oddity]:
    """Each by its name."""
    return {name: oddity for kind in ODDITIES.values() for name, oddity in kind.items()}
