"""Charts as inline SVG: no script, no external font, colours from the page's style.

Every mark has a title (its value on hovering), every chart an accessible name. Colours are the
classes `s1` … `s6`; a chart is legible without them, since lines and rows carry their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lorid_data.pages.scale import Axis, axis, number, percent, points
from lorid_data.pages.svg import (
    WIDTH,
    colour,
    legend,
    legend_height,
    line,
    svg,
    text,
    x_axis,
    y_axis,
)
from lorid_data.pages.text import esc


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, both optional; `series` chooses the colour (0, 1, …)."""

    value: float | None
    low: float | None = None
    high: float | None = None
    series: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled row of `interval_chart`, with one estimate per series."""

    label: str
    estimates: tuple[Estimate, ...]
    strong: bool = False
    limit: float | None = None
    """What the value may be at most, drawn as a mark across the row."""


def interval_chart(
    name: str,
    rows: Sequence[Row],
    *,
    series: Sequence[str] = (),
    low: float | None = None,
    signed: bool = False,
    width: int = WIDTH,
) -> str:
    """Fractions as dots with their intervals, one row each: what overlaps is seen at once.

    A dot without an interval, or with one of no width, is hollow: how sure it is is unknown. On a
    narrow chart a row's label stands above it.

    Args:
        name: what the chart shows, for those who cannot see it.
        rows: in the order shown.
        series: names of the series, for the legend; none where there is one.
        low: where the axis begins; by default just below the smallest value.
        signed: the fractions are differences: said in points with their sign, around a line at 0.
        width: `WIDTH` or `NARROW`.
    """
    is_narrow = width < WIDTH
    ends = [e for r in rows for m in r.estimates for e in (m.value, m.low, m.high) if e is not None]
    ends += [r.limit for r in rows if r.limit is not None]
    start = low if low is not None else (0.0 if min(ends, default=0.0) < 0.25 else min(ends))
    label_width = min(220.0, 24 + 7.0 * max((len(r.label) for r in rows), default=0))
    if signed:
        start, ends, label_width = min([0.0, *ends]), [0.0, *ends], label_width + 60
    label_width = 20.0 if is_narrow else label_width
    right = width - 74.0
    n_ticks = 4 if is_narrow else 5
    x = axis(start, min(1.0, max(ends, default=1.0)), label_width, right, n_ticks=n_ticks)
    names = [(n, i) for i, n in enumerate(series)] if len(series) > 1 else []
    top = 8 + legend_height(names, label_width, width)
    deep = 13.0 * max((len(r.estimates) for r in rows), default=1)
    head = 14.0 if is_narrow else 0.0
    step = head + (deep + 5 if is_narrow else max(26.0, deep + 8))
    bottom = top + step * len(rows)
    parts = legend(names, label_width, 14, width)
    parts += x_axis(x, top, bottom, _tick if signed else percent)
    if signed:
        parts.append(line(x.at(0.0), top, x.at(0.0), bottom, "zero"))
    for i, row in enumerate(rows):
        y = top + step * i
        middle = y + head + (step - head) / 2
        css = "label strong" if row.strong else "label"
        label = _cut(row.label, 46 if is_narrow else 40 if signed else 30)
        at = (0.0, y + 12, "start") if is_narrow else (label_width - 12, middle + 4, "end")
        parts.append(text(at[0], at[1], label, css, at[2]))
        parts += _limit(x, row, y + head, y + step, signed=signed)
        for j, e in enumerate(row.estimates):
            level = middle + 13.0 * (j - (len(row.estimates) - 1) / 2)
            parts += _estimate(x, level, row.label, e, signed=signed)
    return svg(name, bottom + 24, parts, width)


def _limit(x: Axis, row: Row, top: float, bottom: float, *, signed: bool) -> list[str]:
    if row.limit is None:
        return []
    at, show = x.at(row.limit), points if signed else percent
    mark = line(at, top + 2, at, bottom - 2, "limit")
    return [f"<g><title>{esc(row.label)}: at most {show(row.limit)}</title>{mark}</g>"]


def _estimate(x: Axis, y: float, label: str, e: Estimate, *, signed: bool = False) -> list[str]:
    if e.value is None:
        return [text(x.start + 6, y + 4, e.note or "no value", "tick")]
    show = points if signed else percent
    said = f"{label}: {show(e.value)}"
    parts = []
    kind = "open"
    if e.low is not None and e.high is not None and e.low < e.high:
        kind = "fill"
        said += f", 95 % interval {show(e.low)} to {show(e.high)}"
        a, b = x.at(max(e.low, x.low)), x.at(min(e.high, x.high))
        parts.append(
            f'<rect x="{a:.1f}" y="{y - 3:.1f}" width="{max(1.0, b - a):.1f}" height="6" rx="3" class="fill soft {colour(e.series)}"/>'
        )
    else:
        said += ", interval unknown"
    parts.append(
        f'<circle cx="{x.at(e.value):.1f}" cy="{y:.1f}" r="5" class="{kind} dot {colour(e.series)}"/>'
    )
    value = points(e.value) if signed else f"{e.value * 100:.1f} %"
    parts.append(text(x.end + 8, y + 4, value + (" ?" if kind == "open" else ""), "value"))
    return [f"<g><title>{esc(said)} {esc(e.note)}</title>{''.join(parts)}</g>"]


def bar_chart(
    name: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    *,
    show: Callable[[float], str] = number,
    x_label: str = "",
    nested: bool = False,
    colours: Sequence[int] = (),
    width: int = WIDTH,
) -> str:
    """Bars that stand on a labelled axis.

    Several series stand side by side; `nested` draws each in front of the one before, for a
    series that counts a part of the one before it. `colours` are the series' colours, 0, 1, … by
    default.
    """
    left, right = (40.0 if width < WIDTH else 52.0), width - 8.0
    tints = [*colours, *range(len(colours), len(series))]
    names = [(n, i) for i, (n, _) in zip(tints, series, strict=True)] if len(series) > 1 else []
    top = 14 + legend_height(names, left, width)
    bottom = top + 170
    y = axis(0.0, max((v for _, vs in series for v in vs), default=1.0) or 1.0, bottom, top)
    parts = legend(names, left, 14, width) + y_axis(y, left, right, show)
    slot = (right - left) / max(1, len(labels))
    n_beside = 1 if nested else max(1, len(series))
    bar = min(46.0, slot * 0.78 / n_beside)
    every = max(1, round(len(labels) * 34 / (right - left) + 0.49))
    for i, label in enumerate(labels):
        centre = left + slot * (i + 0.5)
        if i % every == 0 or i == len(labels) - 1:
            parts.append(text(centre, bottom + 16, label, "tick", "middle"))
        for j, (series_name, values) in enumerate(series):
            x0 = centre + bar * ((0 if nested else j) - n_beside / 2)
            height = bottom - y.at(values[i])
            said = (
                f"{series_name}, {label}: {show(values[i])}"
                if series_name
                else f"{label}: {show(values[i])}"
            )
            parts.append(
                f'<rect x="{x0:.1f}" y="{bottom - height:.1f}" width="{max(1.0, bar - 1):.1f}" '
                f'height="{height:.1f}" rx="2" class="fill {colour(tints[j])}"><title>{esc(said)}</title></rect>'
            )
    if x_label:
        parts.append(text((left + right) / 2, bottom + 34, x_label, "tick", "middle"))
    return svg(name, bottom + (42 if x_label else 24), parts, width)


def histogram(name: str, values: Sequence[float], *, n_bins: int = 20, x_label: str = "") -> str:
    """How often values fall into bins of equal, round width."""
    x = axis(min(values, default=0.0), max(values, default=1.0), 0, 1, n_ticks=n_bins)
    counts = [0.0] * (len(x.ticks) - 1)
    for v in values:
        counts[min(len(counts) - 1, int(x.at(v) * len(counts)))] += 1
    return bar_chart(name, [number(t) for t in x.ticks[:-1]], [("", counts)], x_label=x_label)


def _tick(value: float) -> str:
    return points(value).removesuffix(".0")


def _cut(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 1] + "…"
