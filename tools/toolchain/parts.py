"""Pages that are written by hand but for some parts, which a command makes: each between two
marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolchain.cli import Refusal

_END = "<!-- until here -->"


def put(
    text: str, page: str, command: str, parts: Mapping[str, Sequence[str]], kind: str = ""
) -> str:
    """The text of a page with these parts, lines by their names, in their places. page, command:
    their names. kind: what each part is, if its name does not say so. Refusal: a part has no place
    there.
    """
    for name, lines in parts.items():
        begin = f"<!-- made by tools/{command}: {name} -->"
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(_END)
        if not (begun and ended):
            what = f"{kind} {name}".strip()
            raise Refusal(f"{page} has no place for the {what}: {begin} ... {_END}")
        text = "\n".join([before + begin, "", *lines, "", _END + after])
    return text
