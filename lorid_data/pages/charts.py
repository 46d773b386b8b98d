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


@dataclass(frozen=True, slots=True)
class Series:
    """A line of `line_chart` (a single point is drawn as a diamond)."""

    name: str
    points: tuple[tuple[float, float], ...]
    labels: tuple[str, ...] = ()
    """What hovering over each point says; by default its coordinates."""
    band: tuple[tuple[float, float], ...] = ()
    """Low and high at each point."""
    series: int = 0


def interval_chart(
    name: str,
    rows: Sequence[Row],
    *,
    series: Sequence[str] = (),
    low: float | None = None,
    signed: bool = False,
) -> str:
    """Fractions as dots with their intervals, one row each: what overlaps is seen at once.

    Args:
        name: what the chart shows, for those who cannot see it.
        rows: in the order shown.
        series: names of the series, for the legend; none where there is one.
        low: where the axis begins; by default just below the smallest value.
        signed: the fractions are differences: said in points with their sign, around a line at 0.
    """
    ends = [e for r in rows for m in r.estimates for e in (m.value, m.low, m.high) if e is not None]
    start = low if low is not None else (0.0 if min(ends, default=0.0) < 0.25 else min(ends))
    label_width = min(220.0, 24 + 7.0 * max((len(r.label) for r in rows), default=0))
    if signed:
        start, ends, label_width = min([0.0, *ends]), [0.0, *ends], label_width + 60
    x = axis(start, min(1.0, max(ends, default=1.0)), label_width, WIDTH - 74.0)
    names = [(n, i) for i, n in enumerate(series)] if len(series) > 1 else []
    top = 8 + legend_height(names, label_width)
    step = max(26.0, 13.0 * max((len(r.estimates) for r in rows), default=1) + 8)
    bottom = top + step * len(rows)
    parts = legend(names, label_width, 14) + x_axis(x, top, bottom, _tick if signed else percent)
    if signed:
        parts.append(line(x.at(0.0), top, x.at(0.0), bottom, "zero"))
    for i, row in enumerate(rows):
        middle = top + step * (i + 0.5)
        css = "label strong" if row.strong else "label"
        label = _cut(row.label, 40 if signed else 30)
        parts.append(text(label_width - 12, middle + 4, label, css, "end"))
        for j, e in enumerate(row.estimates):
            y = middle + 13.0 * (j - (len(row.estimates) - 1) / 2)
            parts += _estimate(x, y, row.label, e, signed=signed)
    return svg(name, bottom + 24, parts)


def _estimate(x: Axis, y: float, label: str, e: Estimate, *, signed: bool = False) -> list[str]:
    if e.value is None:
        return [text(x.start + 6, y + 4, e.note or "no value", "tick")]
    show = points if signed else percent
    said = f"{label}: {show(e.value)}"
    parts = []
    if e.low is not None and e.high is not None:
        said += f", 95 % interval {show(e.low)} to {show(e.high)}"
        a, b = x.at(max(e.low, x.low)), x.at(min(e.high, x.high))
        parts.append(
            f'<rect x="{a:.1f}" y="{y - 3:.1f}" width="{max(1.0, b - a):.1f}" height="6" rx="3" class="fill soft {colour(e.series)}"/>'
        )
    parts.append(
        f'<circle cx="{x.at(e.value):.1f}" cy="{y:.1f}" r="5" class="fill dot {colour(e.series)}"/>'
    )
    value = points(e.value) if signed else f"{e.value * 100:.1f} %"
    parts.append(text(WIDTH - 66.0, y + 4, value, "value"))
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
) -> str:
    """Bars that stand on a labelled axis.

    Several series stand side by side; `nested` draws each in front of the one before, for a
    series that counts a part of the one before it. `colours` are the series' colours, 0, 1, … by
    default.
    """
    left, right = 52.0, WIDTH - 8.0
    tints = [*colours, *range(len(colours), len(series))]
    names = [(n, i) for i, (n, _) in zip(tints, series, strict=True)] if len(series) > 1 else []
    top = 14 + legend_height(names, left)
    bottom = top + 170
    y = axis(0.0, max((v for _, vs in series for v in vs), default=1.0) or 1.0, bottom, top)
    parts = legend(names, left, 14) + y_axis(y, left, right, show)
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
    return svg(name, bottom + (42 if x_label else 24), parts)


def histogram(name: str, values: Sequence[float], *, n_bins: int = 20, x_label: str = "") -> str:
    """How often values fall into bins of equal, round width."""
    x = axis(min(values, default=0.0), max(values, default=1.0), 0, 1, n_ticks=n_bins)
    counts = [0.0] * (len(x.ticks) - 1)
    for v in values:
        counts[min(len(counts) - 1, int(x.at(v) * len(counts)))] += 1
    return bar_chart(name, [number(t) for t in x.ticks[:-1]], [("", counts)], x_label=x_label)


def line_chart(
    name: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    show_y: Callable[[float], str] = percent,
    show_x: Callable[[float], str] = number,
    x_names: Sequence[str] = (),
) -> str:
    """Lines over a common pair of axes, each named in the legend; points say their values.

    With `x_names` the axis shows these names at x = 0, 1, 2, … instead of numbers.
    """
    left, right = 58.0, WIDTH - 20.0
    points = [p for s in series for p in s.points]
    ends = [e for s in series for pair in s.band for e in pair] + [p[1] for p in points]
    names = [(s.name, s.series) for s in series]
    top = 26 + legend_height(names, left)
    bottom = top + 230
    xs = [p[0] for p in points]
    x = axis(min(xs, default=0.0), max(xs, default=1.0), left, right, n_ticks=7)
    if x_names:
        # Half a step of room on either side, so that the first and last points stand free.
        at = tuple(float(i) for i in range(len(x_names)))
        x = Axis(-0.5, len(x_names) - 0.5, left, right, at)
    y = axis(min(ends, default=0.0), max(ends, default=1.0), bottom, top)
    parts = legend(names, left, 14) + y_axis(y, left, right, show_y)
    shown = (lambda v: x_names[int(v)]) if x_names else show_x
    parts += x_axis(x, bottom, bottom, shown)
    parts.append(text(left - 50, top - 12, y_label, "tick"))
    parts.append(text(right, bottom + 34, x_label, "tick", "end"))
    for s in series:
        parts += _series(s, x, y, shown, show_y)
    return svg(name, bottom + 42, parts)


def _series(
    s: Series, x: Axis, y: Axis, show_x: Callable[[float], str], show_y: Callable[[float], str]
) -> list[str]:
    css, parts = colour(s.series), []
    at = [(x.at(px), y.at(py)) for px, py in s.points]
    if s.band:
        upper = [(x.at(p[0]), y.at(b[1])) for p, b in zip(s.points, s.band, strict=True)]
        lower = [(x.at(p[0]), y.at(b[0])) for p, b in zip(s.points, s.band, strict=True)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in [*upper, *reversed(lower)])
        parts.append(f'<polygon points="{path}" class="fill faint {css}"/>')
    if len(at) > 1:
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
        parts.append(f'<polyline points="{path}" class="stroke {css}"/>')
    for i, ((px, py), (cx, cy)) in enumerate(zip(s.points, at, strict=True)):
        said = s.labels[i] if s.labels else f"{s.name}: {show_x(px)}, {show_y(py)}"
        title = f"<title>{esc(said)}</title>"
        if len(at) == 1:
            d = f"M{cx:.1f} {cy - 7:.1f}l7 7-7 7-7-7z"
            parts.append(f'<path d="{d}" class="fill dot {css}">{title}</path>')
        else:
            parts.append(
                f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3.2" class="fill dot {css}">{title}</circle>'
            )
    return parts


def _tick(value: float) -> str:
    return points(value).removesuffix(".0")


def _cut(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 1] + "…"
