"""Charts as inline SVG: no script, no external font, colours from the page's style.

Every mark has a title (its value on hovering), every chart an accessible name. Colours are the
classes `s1` … `s6`; a chart is legible without them, since lines and rows carry their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lorid_data.pages.scale import Axis, axis, number, percent
from lorid_data.pages.text import esc

WIDTH = 640
_N_COLOURS = 6


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


def colour(series: int) -> str:
    """The class of a series' colour."""
    return f"s{series % _N_COLOURS + 1}"


def _svg(name: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" role="img" aria-label="{esc(name)}" viewBox="0 0 {WIDTH} {height:.0f}">'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{esc(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def _x_axis(x: Axis, top: float, bottom: float, show: Callable[[float], str]) -> list[str]:
    parts = []
    for tick in x.ticks:
        parts.append(_line(x.at(tick), top, x.at(tick), bottom, "grid"))
        parts.append(_text(x.at(tick), bottom + 16, show(tick), "tick", "middle"))
    return parts


def _y_axis(y: Axis, left: float, right: float, show: Callable[[float], str]) -> list[str]:
    parts = []
    for tick in y.ticks:
        parts.append(_line(left, y.at(tick), right, y.at(tick), "grid"))
        parts.append(_text(left - 8, y.at(tick) + 4, show(tick), "tick", "end"))
    return parts


def _legend(names: Sequence[tuple[str, int]], left: float, y: float) -> list[str]:
    """Coloured squares and names, on as many lines as they need; see `_legend_height`."""
    parts, x = [], left
    for name, series in names:
        width = 26 + 6.6 * len(name)
        if x > left and x + width > WIDTH:
            x, y = left, y + 18
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" rx="2" class="fill {colour(series)}"/>'
        )
        parts.append(_text(x + 15, y, name, "legend"))
        x += width
    return parts


def _legend_height(names: Sequence[tuple[str, int]], left: float) -> float:
    x, lines = left, 1
    for name, _ in names:
        width = 26 + 6.6 * len(name)
        if x > left and x + width > WIDTH:
            x, lines = left, lines + 1
        x += width
    return 18.0 * lines if names else 0.0


def interval_chart(
    name: str, rows: Sequence[Row], *, series: Sequence[str] = (), low: float | None = None
) -> str:
    """Fractions as dots with their intervals, one row each: what overlaps is seen at once.

    Args:
        name: what the chart shows, for those who cannot see it.
        rows: in the order shown.
        series: names of the series, for the legend; none where there is one.
        low: where the axis begins; by default just below the smallest value.
    """
    ends = [e for r in rows for m in r.estimates for e in (m.value, m.low, m.high) if e is not None]
    start = low if low is not None else (0.0 if min(ends, default=0.0) < 0.25 else min(ends))
    label_width = min(220.0, 24 + 7.0 * max((len(r.label) for r in rows), default=0))
    x = axis(start, min(1.0, max(ends, default=1.0)), label_width, WIDTH - 74.0)
    names = [(n, i) for i, n in enumerate(series)] if len(series) > 1 else []
    top = 8 + _legend_height(names, label_width)
    step = max(26.0, 13.0 * max((len(r.estimates) for r in rows), default=1) + 8)
    bottom = top + step * len(rows)
    parts = _legend(names, label_width, 14) + _x_axis(x, top, bottom, percent)
    for i, row in enumerate(rows):
        middle = top + step * (i + 0.5)
        css = "label strong" if row.strong else "label"
        parts.append(_text(label_width - 12, middle + 4, _cut(row.label, 30), css, "end"))
        for j, e in enumerate(row.estimates):
            y = middle + 13.0 * (j - (len(row.estimates) - 1) / 2)
            parts += _estimate(x, y, row.label, e)
    return _svg(name, bottom + 24, parts)


def _estimate(x: Axis, y: float, label: str, e: Estimate) -> list[str]:
    if e.value is None:
        return [_text(x.start + 6, y + 4, e.note or "no value", "tick")]
    said = f"{label}: {percent(e.value)}"
    parts = []
    if e.low is not None and e.high is not None:
        said += f", 95 % interval {percent(e.low)} to {percent(e.high)}"
        a, b = x.at(max(e.low, x.low)), x.at(min(e.high, x.high))
        parts.append(
            f'<rect x="{a:.1f}" y="{y - 3:.1f}" width="{max(1.0, b - a):.1f}" height="6" rx="3" class="fill soft {colour(e.series)}"/>'
        )
    parts.append(
        f'<circle cx="{x.at(e.value):.1f}" cy="{y:.1f}" r="5" class="fill dot {colour(e.series)}"/>'
    )
    parts.append(_text(WIDTH - 66.0, y + 4, f"{e.value * 100:.1f} %", "value"))
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
    top = 14 + _legend_height(names, left)
    bottom = top + 170
    y = axis(0.0, max((v for _, vs in series for v in vs), default=1.0) or 1.0, bottom, top)
    parts = _legend(names, left, 14) + _y_axis(y, left, right, show)
    slot = (right - left) / max(1, len(labels))
    n_beside = 1 if nested else max(1, len(series))
    bar = min(46.0, slot * 0.78 / n_beside)
    every = max(1, round(len(labels) * 34 / (right - left) + 0.49))
    for i, label in enumerate(labels):
        centre = left + slot * (i + 0.5)
        if i % every == 0 or i == len(labels) - 1:
            parts.append(_text(centre, bottom + 16, label, "tick", "middle"))
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
        parts.append(_text((left + right) / 2, bottom + 34, x_label, "tick", "middle"))
    return _svg(name, bottom + (42 if x_label else 24), parts)


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
) -> str:
    """Lines over a common pair of axes, each named in the legend; points say their values."""
    left, right = 58.0, WIDTH - 14.0
    points = [p for s in series for p in s.points]
    ends = [e for s in series for pair in s.band for e in pair] + [p[1] for p in points]
    names = [(s.name, s.series) for s in series]
    top = 26 + _legend_height(names, left)
    bottom = top + 230
    xs = [p[0] for p in points]
    x = axis(min(xs, default=0.0), max(xs, default=1.0), left, right, n_ticks=7)
    y = axis(min(ends, default=0.0), max(ends, default=1.0), bottom, top)
    parts = _legend(names, left, 14) + _y_axis(y, left, right, show_y)
    parts += _x_axis(x, bottom, bottom, number)
    parts.append(_text(left - 50, top - 12, y_label, "tick"))
    parts.append(_text(right, bottom + 34, x_label, "tick", "end"))
    for s in series:
        parts += _series(s, x, y, show_y)
    return _svg(name, bottom + 42, parts)


def _series(s: Series, x: Axis, y: Axis, show_y: Callable[[float], str]) -> list[str]:
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
        said = s.labels[i] if s.labels else f"{s.name}: {number(px)}, {show_y(py)}"
        title = f"<title>{esc(said)}</title>"
        if len(at) == 1:
            d = f"M{cx:.1f} {cy - 7:.1f}l7 7-7 7-7-7z"
            parts.append(f'<path d="{d}" class="fill dot {css}">{title}</path>')
        else:
            parts.append(
                f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3.2" class="fill dot {css}">{title}</circle>'
            )
    return parts


def _cut(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 1] + "…"
