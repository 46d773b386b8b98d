"""Named points over two axes: each says its name beside it, so that no legend is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lorid_data.pages.scale import Axis, axis, number, percent
from lorid_data.pages.svg import WIDTH, colour, line, svg, text, x_axis, y_axis
from lorid_data.pages.text import esc

_LETTER, _HEIGHT = 6.4, 14.0
"""Room that a letter takes, and a line of text."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with its name; the interval is that of y."""

    name: str
    x: float
    """Greater than 0: the axis is logarithmic."""
    y: float
    low: float | None = None
    high: float | None = None
    series: int = 0


@dataclass(frozen=True, slots=True)
class _Box:
    """The room of a text."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def scatter_chart(
    name: str,
    marks: Sequence[Mark],
    *,
    x_label: str,
    y_label: str,
    show_y: Callable[[float], str] = percent,
    width: int = WIDTH,
) -> str:
    """Points over a logarithmic x axis, each named beside it.

    Names move up or down, with a thin line to their point, where they would lie on one another; a
    narrow chart is higher, to have room for that.
    """
    is_narrow = width < WIDTH
    left, right = (50.0, width - 8.0) if is_narrow else (58.0, width - 14.0)
    top, bottom = 26.0, 520.0 if is_narrow else 330.0
    ends = [e for m in marks for e in (m.y, m.low, m.high) if e is not None]
    y = axis(min(ends, default=0.0), max(ends, default=1.0), bottom, top)
    low, high = min((m.x for m in marks), default=1.0), max((m.x for m in marks), default=10.0)
    x = _log_axis(low, high, left, right, is_narrow=is_narrow)
    parts = y_axis(y, left, right, show_y)
    parts += x_axis(x, bottom, bottom, lambda v: number(round(10**v, 1)))
    parts.append(text(max(0.0, left - 50), top - 12, y_label, "tick"))
    parts.append(text(right, bottom + 34, x_label, "tick", "end"))
    at = [(x.at(math.log10(m.x)), y.at(m.y)) for m in marks]
    taken = [_Box(cx - 6, cy - 6, cx + 6, cy + 6) for cx, cy in at]
    for m, (cx, cy) in sorted(zip(marks, at, strict=True), key=lambda p: (p[1][1], p[1][0])):
        parts += _mark(m, cx, cy, y, show_y)
        box = _place(cx, cy, m.name, taken, _Box(left, top - 8, right, bottom))
        taken.append(box)
        parts += _name(m.name, box, cx, cy)
    return svg(name, bottom + 42, parts, width)


def _log_axis(
    low: float, high: float, start: float, end: float, *, is_narrow: bool = False
) -> Axis:
    """Round ticks, more of them where the points span less; ends a little beyond the points."""
    a, b = math.log10(low) - 0.06, math.log10(high) + 0.06
    powers = range(math.floor(a), math.ceil(b) + 1)
    multiples: tuple[float, ...] = (1, 2, 5) if b - a > 1 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    if is_narrow:
        multiples = (1, 3) if b - a > 1 else (1, 2, 4)
    ticks = [math.log10(m * 10**p) for p in powers for m in multiples]
    return Axis(a, b, start, end, tuple(t for t in ticks if a <= t <= b))


def _mark(m: Mark, cx: float, cy: float, y: Axis, show_y: Callable[[float], str]) -> list[str]:
    said, parts = f"{m.name}: {show_y(m.y)} at {number(round(m.x, 1))}", []
    if m.low is not None and m.high is not None and m.low < m.high:
        said += f", 95 % interval {show_y(m.low)} to {show_y(m.high)}"
        parts.append(
            f'<rect x="{cx - 1.5:.1f}" y="{y.at(m.high):.1f}" width="3" '
            f'height="{max(1.0, y.at(m.low) - y.at(m.high)):.1f}" class="fill soft {colour(m.series)}"/>'
        )
    parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" class="fill dot {colour(m.series)}"/>')
    return [f"<g><title>{esc(said)}</title>{''.join(parts)}</g>"]


def _place(cx: float, cy: float, name: str, taken: Sequence[_Box], frame: _Box) -> _Box:
    """The nearest free room for a name: right or left of its point, then further up and down."""
    width = _LETTER * len(name)
    tried = []
    for step in range(14):
        for shift in (step, -step):
            top = cy - _HEIGHT / 2 + shift * _HEIGHT * 0.8
            for edge in (cx + 10, cx - 10 - width):
                box = _Box(edge, top, edge + width, top + _HEIGHT)
                inside = frame.left <= box.left and box.right <= frame.right
                if inside and frame.top <= box.top and box.bottom <= frame.bottom:
                    tried.append(box)
                    if not any(box.meets(other) for other in taken):
                        return box
    return tried[0] if tried else _Box(cx + 10, cy - _HEIGHT / 2, cx + 10 + width, cy + _HEIGHT / 2)


def _name(name: str, box: _Box, cx: float, cy: float) -> list[str]:
    middle, is_right = (box.top + box.bottom) / 2, box.left > cx
    edge = box.left if is_right else box.right
    anchor = "start" if is_right else "end"
    parts = [text(edge, middle + 4, name, "tick", anchor)]
    if abs(middle - cy) > _HEIGHT / 2:
        parts.append(line(cx, cy, edge + (-2 if is_right else 2), middle, "leader"))
    return parts
