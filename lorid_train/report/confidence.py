"""How far the probability of each answer can be relied on, and what withholding answers buys: tables, plots, words."""

from __future__ import annotations

from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.scale import percent
from lorid_data.pages.svg import both
from lorid_data.pages.table import Table, table
from lorid_train.metrics.calibration import COVERAGES
from lorid_train.metrics.intervals import wilson
from lorid_train.metrics.rows import Metric
from lorid_train.report.view import WEIGHED, EvaluationView
from lorid_train.report.words import Numbers, describe, interval, numbers, share

NARROW = "\u00a0"
"""A space that does not break a line."""
APART = 0.03
"""Bins whose stated probabilities are closer than this are one point of the plot."""


def systems(view: EvaluationView) -> list[str]:
    """The systems whose answers carry a probability, the loop first."""
    n = numbers(view.metrics)
    names = (view.scored.headline, f"{WEIGHED}@{view.scored.rounds}")
    return [s for s in names if (s, "ece", None) in n]


def sentences(view: EvaluationView) -> list[str]:
    """At which coverage the answers are 95 % right, and how far off the probabilities are."""
    n = numbers(view.metrics)
    return [s for name in systems(view) for s in (_reach(n, name), _error(n, name))]


def _reach(n: Numbers, system: str) -> str:
    reach, least = n[system, "coverage_at_95", None], n[system, "probability_at_95", None]
    what = describe(system)
    if not reach.value or least.value is None:
        return f"No choice of the most probable answers of {what} is 95 % right on these questions."
    if reach.value == 1:
        return f"The answers of {what} are at least 95 % right with none withheld."
    return (
        f"The answers of {what} are 95 % right at a coverage of {share(reach)} ({interval(reach)} %): where those "
        f"with a probability below {least.value:.2f} are withheld (--abstain-below {least.value:.2f})."
    )


def _error(n: Numbers, system: str) -> str:
    ece, floor = n[system, "ece", None], n[system, "ece_if_calibrated", None]
    return (
        f"Its stated probabilities are off by {_points(ece.value)} points on average (calibration error, "
        f"{_points(ece.ci_low)} to {_points(ece.ci_high)}); true ones would seem off by {_points(floor.value)} with "
        f"{ece.n:,} answers."
    )


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}"


def reliability(view: EvaluationView, system: str) -> Table:
    """How often answers are right, by the probability that they state."""
    n = numbers(view.metrics)
    rows = []
    for stated, right in _bins(n, system):
        rows.append([f"{stated.value:.2f}", share(right, with_n=False), interval(right), f"{right.n:,}"])  # fmt: skip
    return table(["Stated", "Right", "95 % interval", "n"], rows)


def _bins(n: Numbers, system: str) -> list[tuple[Metric, Metric]]:
    found = []
    k = 1
    while (right := n.get((system, "reliability", f"bin={k}"))) is not None:
        found.append((n[system, "stated", f"bin={k}"], right))
        k += 1
    return found


def coverage(view: EvaluationView) -> Table:
    """How often the most probable answers are right, by how many are given."""
    n, names = numbers(view.metrics), systems(view)
    rows = []
    for x in COVERAGES[1::2]:
        found = [n[s, "accuracy_answered", f"coverage={x:.2f}"] for s in names]
        cells = [c for m in found for c in (share(m, with_n=False), interval(m))]
        rows.append([percent(x).replace(" ", NARROW), *cells])
    heads = [h for s in names for h in (s, "95 % interval")]
    return table(
        ["Given", *heads], rows, optional=("95 % interval",) if len(names) > 1 else ()
    )  # fmt: skip


def reliability_plot(view: EvaluationView) -> str:
    """Stated probability against how often it is right, beside the line of true probabilities."""
    n = numbers(view.metrics)
    lines = [Series("true probabilities", ((0.0, 0.0), (1.0, 1.0)), series=5)]
    for i, system in enumerate(systems(view)):
        points, band = [], []
        for stated, right, size in _pooled(_bins(n, system)):
            points.append((stated, right))
            low, high = wilson(right * size, size)
            band.append((low, high))
        lines.append(Series(system, tuple(points), band=tuple(band), series=i))
    return both(
        lambda width: line_chart(
            "How often answers are right, by the probability they state", lines, x_label="stated probability",
            y_label="right", show_x=lambda x: f"{x:.2f}", width=width,
        )
    )  # fmt: skip


def _pooled(bins: list[tuple[Metric, Metric]]) -> list[tuple[float, float, int]]:
    """Stated probability, fraction right and number of answers, close neighbours put together."""
    found: list[tuple[float, float, int]] = []
    for stated, right in bins:
        p, y, n = stated.value or 0.0, right.value or 0.0, right.n
        if found and p - found[-1][0] < APART:
            q, z, m = found.pop()
            p, y, n = (q * m + p * n) / (m + n), (z * m + y * n) / (m + n), m + n
        found.append((p, y, n))
    return found


def coverage_plot(view: EvaluationView) -> str:
    """Coverage against how often the answers that are given are right."""
    n = numbers(view.metrics)
    lines = []
    for i, system in enumerate(systems(view)):
        points, band = [], []
        for x in COVERAGES:
            m = n[system, "accuracy_answered", f"coverage={x:.2f}"]
            if m.value is not None:
                points.append((x, m.value))
                band.append(_ends(m))
        lines.append(Series(system, tuple(points), band=tuple(band), series=i))
    return both(
        lambda width: line_chart(
            "How often given answers are right, by how many are given", lines, x_label="fraction answered",
            y_label="right", show_x=percent, width=width,
        )
    )  # fmt: skip


def _ends(m: Metric) -> tuple[float, float] | None:
    return None if m.ci_low is None or m.ci_high is None else (m.ci_low, m.ci_high)
