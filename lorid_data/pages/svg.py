"""What charts are drawn with: text, lines, axes and legends, as pieces of SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lorid_data.pages.scale import Axis
from lorid_data.pages.text import esc

WIDTH = 640
"""Of a chart, in its own units."""
NARROW = 350
"""Of the same chart laid out for a telephone: a unit is about a pixel there, so that text stays readable."""
_N_COLOURS = 6


def colour(series: int) -> str:
    """The class of a series' colour."""
    return f"s{series % _N_COLOURS + 1}"


def both(draw: Callable[[int], str]) -> str:
    """A chart in two layouts, of which the page's style shows the one that fits the screen.

    Args:
        draw: the chart at a width, `WIDTH` or `NARROW`.
    """
    return f'<div class="on-wide">{draw(WIDTH)}</div><div class="on-narrow">{draw(NARROW)}</div>'


def svg(name: str, height: float, parts: Sequence[str], width: int = WIDTH) -> str:
    """A whole chart, with what it shows said for those who cannot see it."""
    return (
        f'<svg class="chart" role="img" aria-label="{esc(name)}" viewBox="0 0 {width} {height:.0f}">'
        f"{''.join(parts)}</svg>"
    )


def text(x: float, y: float, said: str, css: str = "", anchor: str = "start") -> str:
    """Plain text; escaped here."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{esc(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def x_axis(x: Axis, top: float, bottom: float, show: Callable[[float], str]) -> list[str]:
    """Ticks with their texts below; grid lines from `top` to `bottom`."""
    parts = []
    for tick in x.ticks:
        parts.append(line(x.at(tick), top, x.at(tick), bottom, "grid"))
        parts.append(text(x.at(tick), bottom + 16, show(tick), "tick", "middle"))
    return parts


def y_axis(y: Axis, left: float, right: float, show: Callable[[float], str]) -> list[str]:
    """Ticks with their texts on the left; grid lines from `left` to `right`."""
    parts = []
    for tick in y.ticks:
        parts.append(line(left, y.at(tick), right, y.at(tick), "grid"))
        parts.append(text(left - 8, y.at(tick) + 4, show(tick), "tick", "end"))
    return parts


def legend(
    names: Sequence[tuple[str, int]], left: float, y: float, right: float = WIDTH
) -> list[str]:
    """Coloured squares and names, on as many lines as they need; see `legend_height`."""
    parts, x = [], left
    for name, series in names:
        width = 26 + 6.6 * len(name)
        if x > left and x + width > right:
            x, y = left, y + 18
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" rx="2" class="fill {colour(series)}"/>'
        )
        parts.append(text(x + 15, y, name, "legend"))
        x += width
    return parts


def legend_height(names: Sequence[tuple[str, int]], left: float, right: float = WIDTH) -> float:
    """How high the lines of a legend are together; 0 without names."""
    x, lines = left, 1
    for name, _ in names:
        width = 26 + 6.6 * len(name)
        if x > left and x + width > right:
            x, lines = left, lines + 1
        x += width
    return 18.0 * lines if names else 0.0


_ALONE = (
    "text{font:12px system-ui,sans-serif;fill:#1c1f24}.tick,.legend{fill:#5c636e}.grid{stroke:#ecedea}"
    ".zero,.leader{stroke:#8b929c}.stroke{fill:none;stroke-width:2}.soft{opacity:.3}.dot{stroke:#fff;stroke-width:1.4}"
    + "".join(
        f".fill.s{i}{{fill:{c}}}.stroke.s{i}{{stroke:{c}}}"
        for i, c in enumerate(("#2463c5", "#c8620c", "#11805d", "#8a3ea8", "#b8323f", "#66707d"), 1)
    )
)


def alone(chart: str) -> str:
    """A chart of `svg` as a file of its own, on white, with the colours that a page would give it."""
    head, _, rest = chart.partition(">")
    return (
        f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_ALONE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{rest}\n'
    )
