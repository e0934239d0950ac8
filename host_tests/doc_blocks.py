"""What the pages of the docs have in them to be run: blocks, commands within a line, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toolchain.package import ROOT

OURS = re.compile(
    r"(make|mpremote|pip|ssh|esptool|mpflash|picotool|\.venv/bin/\S+|tools/\w+\.py) "
)


@dataclass(frozen=True)
class Block:
    """A fenced or indented block. `line`: of its first line, from 1. `before`, `after`: what the
    page has around it, its fences included."""

    page: str
    line: int
    heading: str
    language: str | None
    text: str
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """The pages that people read."""
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    for pattern in ("docs/*.md", "boards/*.md", "boards/*/*.md", ".github/**/*.md"):
        found += sorted(ROOT.glob(pattern))
    return found


def blocks(text: str, page: str) -> Iterator[Block]:
    """The blocks of a page."""
    lines = text.split("\n")
    heading = ""
    i = 0
    while i < len(lines):
        line = lines[i]
        fence = re.match(r"( *)```(\w*)", line)
        first, held = i + 1, []
        language: str | None = None
        if fence:
            i += 1
            while not lines[i].strip().startswith("```"):
                held.append(lines[i].removeprefix(fence[1]))
                i += 1
            first += 1
            language = fence[2]
        elif line.startswith("    ") and i and not lines[i - 1].strip():
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                held.append(lines[i])
                i += 1
            i -= 1
            while not held[-1].strip():
                held.pop()
            margin = min(len(each) - len(each.lstrip()) for each in held if each.strip())
            held = [each[margin:] for each in held]
        if held:
            before, after = (
                "\n".join(part) for part in (lines[: first - 1], lines[first - 1 + len(held) :])
            )
            yield Block(page, first, heading, language, "\n".join(held), before, after)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
        i += 1


def without_blocks(text: str) -> str:
    """A page's text without what is in blocks."""
    for block in blocks(text, ""):
        text = text.replace(block.text, "")
    return re.sub(r"^( *)```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def spans(text: str) -> Iterator[str]:
    """The commands that stand within a line."""
    for span in re.findall(r"`([^`\n]+)`", without_blocks(text)):
        if OURS.match(f"{span} "):
            yield span


@cache
def anchors(page: Path) -> frozenset[str]:
    """What `#` may lead to on a page, as GitHub makes it of headings."""
    text = page.read_text()
    found: set[str] = set(re.findall(r'<a id="([^"]+)">', text))
    counts: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        again = counts.get(slug, 0)
        counts[slug] = again + 1
        found.add(f"{slug}-{again}" if again else slug)
    return frozenset(found)


def links(text: str) -> list[str]:
    """The links of a page that lead to something of this project."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "`", without_blocks(text)))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def broken(page: Path, link: str) -> str:
    """Why a link of a page leads nowhere; empty if it does not."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{link}: there is no {path}"
    if not target.is_relative_to(ROOT):
        return f"{link}: outside of the project"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{link}: {target.name} has no #{anchor}"
    return ""
