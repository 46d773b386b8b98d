"""Whether the two Systems suit different questions: the planned contrasts, and a sentence on them."""

from __future__ import annotations

from lorid_data.pages.table import Table, table
from lorid_train.metrics.contrasts import FEWEST, SYSTEM
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import ALPHA
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import Numbers, joined, numbers, p_value, points, points_interval


def _found(view: EvaluationView) -> list[Metric]:
    return [m for m in view.metrics if m.system == SYSTEM and m.metric == "contrast"]


def _is_outside_noise(n: Numbers, m: Metric) -> bool:
    return (n[SYSTEM, "contrast_p_holm", m.slice].value or 0.0) < ALPHA


def contrasts(view: EvaluationView) -> Table:
    """The planned contrasts."""
    n = numbers(view.metrics)
    rows = [
        [
            f"with {m.slice}" if (m.slice or "").startswith("a ") else str(m.slice), f"{m.n:,}",
            points(m.value), points_interval(m), p_value(n[SYSTEM, "contrast_p_holm", m.slice].value),
            "outside noise" if _is_outside_noise(n, m) else "within noise",
        ]
        for m in _found(view)
    ]  # fmt: skip
    return table(
        ["Questions", "n", "DR − IR there less elsewhere", "95 % interval", "p, Holm", "Verdict"],
        rows,
        note="Planned before any number: DR − IR in accuracy over all sampled rounds (greedy where there are none), "
        "among questions that have the property less among those that have not; bootstrap over original questions, "
        f"Holm's adjustment over these rows. Fewer than {FEWEST} questions on a side: no row.",
    )


def sentence(view: EvaluationView) -> str:
    """Whether these questions show that the two Systems suit different ones; '' where that was not asked."""
    n, found = numbers(view.metrics), _found(view)
    if not found:
        return ""
    shown = [m for m in found if _is_outside_noise(n, m)]
    if not shown:
        return (
            "These questions do not show that System 1 (IR) and System 2 (KG and DR) suit different ones: of "
            f"{len(found)} planned contrast{'s' * (len(found) != 1)} none is outside noise. One that were would refute this."
        )
    said = joined([f"{m.slice} ({points(m.value)} points, {points_interval(m)})" for m in shown])
    return (
        f"System 2 (KG and DR) gains on System 1 (IR), or loses where the number is below zero, in questions of a kind: {said}. "
        "The same contrast within noise or turned round on other questions would refute this."
    )
