"""Charts of lines as SVG, which is readable on white and on black, and has nothing in it but lines
and words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 36, 44  # around the plot
_ROW = 18  # of the legend
_COLUMNS = 3
_TICKS = 6

# Okabe and Ito's colours but for black and yellow, which one background or the other swallows
_COLOURS = ("#0072b2", "#8a8a8a", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#d55e00")
_DASHES = ("", "1 2", "2 3", "8 3 2 3", "4 2", "10 4", "6 3")

_STYLE = """
text { font: 12px sans-serif; fill: #24292f; }
.title { font-weight: bold; font-size: 14px; }
.grid { stroke: #8b949e; stroke-opacity: .35; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.first { stroke-width: 2.6; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }
""".strip()


class Axis(NamedTuple):
    """What an axis shows, from where to where. log: the steps are times ten."""

    title: str
    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value is, from 0 to 1."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        rough = (self.high - self.low) / _TICKS
        power = 10 ** math.floor(math.log10(rough))
        step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
        first = math.ceil(self.low / step)
        return [step * i for i in range(first, math.floor(self.high / step) + 1)]


def lines(
    title: str, x: Axis, y: Axis, series: Mapping[str, Points], names: Sequence[str] = ()
) -> str:
    """A chart. series: the lines by their names; the first is the thickest. names: of all that
    charts of a kind may show, so that a line looks the same in each. What is beyond an axis is
    drawn at its end."""
    top = _TOP + _ROW * math.ceil(len(series) / _COLUMNS)
    height = _HEIGHT + top

    def across(value: float) -> float:
        return _LEFT + x.at(value) * (_WIDTH - _LEFT - _RIGHT)

    def down(value: float) -> float:
        return height - _BOTTOM - y.at(value) * (height - _BOTTOM - top)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        _text(_LEFT, 18, title, kind="title"),
    ]
    for tick in x.ticks():
        at = across(tick)
        out.append(_grid(at, top, at, height - _BOTTOM))
        out.append(_text(at, height - _BOTTOM + 16, f"{tick:,g}", "middle"))
    for tick in y.ticks():
        at = down(tick)
        out.append(_grid(_LEFT, at, _WIDTH - _RIGHT, at))
        out.append(_text(_LEFT - 6, at + 4, f"{tick:,g}", "end"))
    out.append(_text((_LEFT + _WIDTH) / 2, height - 8, x.title, "middle"))
    turned = f' transform="rotate(-90 14 {(top + height) / 2:.0f})"'
    out.append(_text(14, (top + height) / 2, y.title, "middle", more=turned))
    for number, (name, points) in enumerate(series.items()):
        style = names.index(name) if names else number
        look = f'stroke="{_COLOURS[style]}"'
        look += f' stroke-dasharray="{_DASHES[style]}"' if _DASHES[style] else ""
        kind = "line" if number else "line first"
        path = " ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in points)
        out.append(f'<polyline class="{kind}" {look} points="{path}"/>')
        left = _LEFT + number % _COLUMNS * (_WIDTH - _LEFT) / _COLUMNS
        row = _TOP + number // _COLUMNS * _ROW
        out.append(
            f'<polyline class="{kind}" {look} points="{left:.0f},{row} {left + 28:.0f},{row}"/>'
        )
        out.append(_text(left + 34, row + 4, name))
    return "\n".join([*out, "</svg>", ""])


def _text(
    x: float, y: float, words: str, anchor: str = "start", kind: str = "", more: str = ""
) -> str:
    named = f' class="{kind}"' if kind else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{named}{anchored}{more}>{escape(words)}</text>'


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
