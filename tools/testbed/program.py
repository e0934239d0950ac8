"""What servers and clients have in common."""

from __future__ import annotations

import re
import subprocess

from toolchain.programs import ENVIRONMENT, require


class Program:
    """What servers and clients have in common."""

    name: str
    program: str
    shows_version = "--version"

    @classmethod
    def require(cls) -> None:
        """Raise Unavailable unless it can be run."""
        require(cls.program)

    @classmethod
    def version(cls) -> str:
        """Its name and version."""
        show = [cls.program, cls.shows_version]
        said = subprocess.run(show, env=ENVIRONMENT, capture_output=True, text=True)
        number = re.search(r"\d+(\.\d+)+(-P\d+)?", said.stdout + said.stderr)
        return f"{cls.name} {number[0] if number else '?'}"
