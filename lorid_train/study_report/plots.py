"""The charts of a study."""

from __future__ import annotations

from collections.abc import Sequence

from lorid_data.pages.charts import Estimate, Row, interval_chart
from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.scale import percent
from lorid_data.pages.scatter import Mark, scatter_chart
from lorid_data.pages.svg import both
from lorid_train.metrics.rows import Metric
from lorid_train.study_report.bins import SEEN
from lorid_train.study_report.claims import CLAIMS, SIGN
from lorid_train.study_report.decision_metrics import COVERAGES
from lorid_train.study_report.tallies import CONFIDENCES
from lorid_train.study_report.view import StudyView

ALONE = (
    ("ir-greedy", 0), ("dr-kg-knowledge", 2), ("ks-greedy", 1), ("ird-greedy", 3), ("dr-gold-knowledge", 5),
    ("dr-other-knowledge", 4),
)  # fmt: skip
"""Systems of one greedy draw, with their colours."""
TOGETHER = (
    ("ir-greedy", 0), ("dr-kg-knowledge", 2), ("lorid-ir@T", 4), ("lorid-dr@T", 3), ("maj-ir@K", 5), ("maj-dr@K", 1),
)  # fmt: skip
"""The loop and majorities, beside IR and DR alone."""
_COLOURS = {"ir": 0, "dr": 2, "lorid": 3, "maj": 1}


def frequencies(view: StudyView, systems: Sequence[tuple[str, int]]) -> str:
    """Accuracy against examples per group, one line per system."""
    lines = [
        _over_bins(view, view.names[key], "accuracy", view.names[key], series)
        for key, series in systems
        if key in view.names
    ]
    return _by_frequency(view, "Accuracy by examples per group", lines, "accuracy")


def consensus(view: StudyView) -> str:
    """Coverage and precision of consensus, at t = 1 and T, against examples per group."""
    lines = []
    for t in dict.fromkeys((view.thresholds[0], view.rounds)):
        for metric, name, shift in (
            ("coverage", "agreed", 0), ("consensus_precision", "right where agreed", 2),
        ):  # fmt: skip
            series = shift + (t == view.rounds)
            said = f"{name} by t = {t}"
            lines.append(_over_bins(view, f"lorid@{t}", metric, said, series))
    return _by_frequency(view, "Consensus by examples per group", lines, "fraction")


def _over_bins(view: StudyView, system: str, metric: str, name: str, series: int) -> Series:
    points, labels, band = [], [], []
    for x, b in enumerate(view.bins):
        m = view.numbers.get((system, metric, b.slice))
        if m is not None and m.value is not None:
            points.append((float(x), m.value))
            band.append(_ends(m))
            labels.append(f"{name}, {b.label} examples: {percent(round(m.value, 3))} ({_said(m)})")
    return Series(name, tuple(points), tuple(labels), tuple(band), series)


def _ends(m: Metric) -> tuple[float, float] | None:
    """An interval, or None where it is unknown."""
    if m.ci_low is None or m.ci_high is None or m.ci_low == m.ci_high:
        return None
    return m.ci_low, m.ci_high


def _said(m: Metric) -> str:
    found = _ends(m)
    if found is None:
        return "interval unknown"
    return f"95 % interval {percent(round(found[0], 3))} to {percent(round(found[1], 3))}"


def _by_frequency(view: StudyView, name: str, lines: Sequence[Series], y_label: str) -> str:
    return both(
        lambda width: line_chart(
            name,
            [s for s in lines if s.points],
            x_label="training examples per group",
            y_label=y_label,
            x_names=[b.label for b in view.bins],
            width=width,
        )
    )


def sign(view: StudyView) -> str:
    """KG and DR less IR, by examples per group."""
    rows = []
    for b in view.bins:
        d = view.versus(SIGN.first, SIGN.second, "difference", b.slice)
        if d is not None:
            name = f"{b.label} example{'' if b.label == '1' else 's'}"
            rows.append(Row(name, (Estimate(d.value, d.ci_low, d.ci_high, 2),)))
    return both(
        lambda width: interval_chart(
            "KG and DR less IR, by examples per group", rows, signed=True, width=width
        )
    )


def comparisons(view: StudyView) -> str:
    """The planned differences over seen problems."""
    rows = []
    for number, claim in enumerate(CLAIMS, 1):
        d = view.versus(claim.first, claim.second, "difference", SEEN)
        if d is not None and claim.second != "dr-other-knowledge":  # it would flatten the rest
            name = f"{number}: {view.names[claim.first]} − {view.names[claim.second]}"
            rows.append(Row(name, (Estimate(d.value, d.ci_low, d.ci_high, 0),)))
    return both(
        lambda width: interval_chart(
            "Differences over seen problems", rows, signed=True, width=width
        )
    )


def costs(view: StudyView) -> str:
    """Accuracy on seen groups against generated tokens."""
    marks = []
    for key, name in view.names.items():
        accuracy, spent = (view.get(key, m, SEEN) for m in ("accuracy", "tokens_per_problem"))
        if accuracy is None or spent is None or not accuracy.value or not spent.value:
            continue
        if key != "dr-other-knowledge":  # far below the rest, it would flatten them
            colour = _COLOURS.get(key.partition("-")[0], 5)
            marks.append(
                Mark(name, spent.value, accuracy.value, accuracy.ci_low, accuracy.ci_high, colour)
            )
    return both(
        lambda width: scatter_chart(
            "Accuracy against generated tokens, seen groups",
            marks,
            x_label="generated tokens per problem",
            y_label="accuracy, seen groups",
            width=width,
        )
    )


def abstaining(view: StudyView) -> str:
    """Accuracy over the most confident fraction of all problems."""
    lines = []
    for series, name in enumerate(CONFIDENCES):
        points, band, labels = [], [], []
        for x in COVERAGES:
            m = view.numbers.get((name, "accuracy", f"coverage={x:.2f}"))
            if m is not None and m.value is not None:
                points.append((x, m.value))
                band.append(_ends(m))
                labels.append(f"{name} at {percent(x)}: {percent(round(m.value, 3))} ({_said(m)})")
        lines.append(Series(name, tuple(points), tuple(labels), tuple(band), series))
    return both(
        lambda width: line_chart(
            "Accuracy against coverage",
            [s for s in lines if s.points],
            x_label="fraction of problems answered",
            y_label="accuracy of these",
            show_x=percent,
            width=width,
        )
    )
