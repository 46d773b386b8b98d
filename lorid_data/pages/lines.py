"""Lines over a common pair of axes, with bands for their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lorid_data.pages.scale import Axis, axis, number, percent
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

Band = tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A line of `line_chart` (a single point is drawn as a diamond)."""

    name: str
    points: tuple[tuple[float, float], ...]
    labels: tuple[str, ...] = ()
    """What hovering over each point says; by default its coordinates."""
    band: Band = ()
    """Low and high at each point; None where that is unknown, and the point is drawn hollow."""
    series: int = 0


def line_chart(
    name: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    show_y: Callable[[float], str] = percent,
    show_x: Callable[[float], str] = number,
    x_names: Sequence[str] = (),
    width: int = WIDTH,
) -> str:
    """Lines over a common pair of axes, each named in the legend; points say their values.

    With `x_names` the axis shows these names at x = 0, 1, 2, … instead of numbers.
    """
    is_narrow = width < WIDTH
    left, right = (50.0, width - 22.0) if is_narrow else (58.0, width - 20.0)
    points = [p for s in series for p in s.points]
    ends = [e for s in series for pair in s.band if pair for e in pair] + [p[1] for p in points]
    names = [(s.name, s.series) for s in series]
    start = 4.0 if is_narrow else left
    top = 26 + legend_height(names, start, width)
    bottom = top + (210 if is_narrow else 230)
    xs = [p[0] for p in points]
    n_ticks = 4 if is_narrow else 7
    x = axis(min(xs, default=0.0), max(xs, default=1.0), left, right, n_ticks=n_ticks)
    if x_names:
        # Half a step of room on either side, so that the first and last points stand free.
        at = tuple(float(i) for i in range(len(x_names)))
        x = Axis(-0.5, len(x_names) - 0.5, left, right, at)
    y = axis(min(ends, default=0.0), max(ends, default=1.0), bottom, top)
    parts = legend(names, start, 14, width) + y_axis(y, left, right, show_y)
    shown = (lambda v: x_names[int(v)]) if x_names else show_x
    parts += x_axis(x, bottom, bottom, shown)
    parts.append(text(max(0.0, left - 50), top - 12, y_label, "tick"))
    parts.append(text(right, bottom + 34, x_label, "tick", "end"))
    for s in series:
        parts += _series(s, x, y, shown, show_y)
    return svg(name, bottom + 42, parts, width)


def _series(
    s: Series, x: Axis, y: Axis, show_x: Callable[[float], str], show_y: Callable[[float], str]
) -> Iterator[str]:
    css = colour(s.series)
    at = [(x.at(px), y.at(py)) for px, py in s.points]
    yield from _band(s, x, y)
    if len(at) > 1:
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
        yield f'<polyline points="{path}" class="stroke {css}"/>'
    for i, ((px, py), (cx, cy)) in enumerate(zip(s.points, at, strict=True)):
        said = s.labels[i] if s.labels else f"{s.name}: {show_x(px)}, {show_y(py)}"
        is_open = bool(s.band) and s.band[i] is None
        title = f"<title>{esc(said)}{', interval unknown' if is_open else ''}</title>"
        kind = "open" if is_open else "fill"
        if len(at) == 1:
            d = f"M{cx:.1f} {cy - 7:.1f}l7 7-7 7-7-7z"
            yield f'<path d="{d}" class="{kind} dot {css}">{title}</path>'
        else:
            yield (
                f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3.2" class="{kind} dot {css}">{title}</circle>'
            )


def _band(s: Series, x: Axis, y: Axis) -> Iterator[str]:
    """The known stretches of a band; a stretch of one point is an upright line."""
    stretch: list[tuple[float, float, float]] = []
    known = [(p[0], b) for p, b in zip(s.points, s.band, strict=True)] if s.band else []
    for px, pair in [*known, (0.0, None)]:
        if pair is not None:
            stretch.append((x.at(px), y.at(pair[0]), y.at(pair[1])))
            continue
        if len(stretch) == 1:
            [(cx, low, high)] = stretch
            yield line(cx, low, cx, high, f"stroke soft {colour(s.series)}")
        elif stretch:
            edge = [(cx, high) for cx, _, high in stretch]
            edge += [(cx, low) for cx, low, _ in reversed(stretch)]
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in edge)
            yield f'<polygon points="{path}" class="fill faint {colour(s.series)}"/>'
        stretch = []
