"""The first line of everything about questions that were trained on: such accuracies are no test."""

from __future__ import annotations

from collections.abc import Iterable

from lorid_train.metrics.rows import Metric

NAME = "trained_questions"
"""The metric that counts them; its method says by whom they were trained on, and how closely."""


def metric_of(n: int, of: int, how: str) -> Metric:
    """The metric: `n` of `of` questions."""
    return Metric(system="all", metric=NAME, value=float(n), n=of, method=f"count ({how})")


def warning(metrics: Iterable[Metric]) -> str | None:
    """What must be read before any number, or None."""
    for m in metrics:
        if m.metric == NAME and m.value:
            were = (
                "question was"
                if m.n == 1
                else "questions was"
                if m.value == 1
                else "questions were"
            )
            what = m.method.removeprefix("count (").removesuffix(")")
            return (
                f"Trained on: {m.value:,.0f} of the {m.n:,} {were} in the training data ({what}). "
                "What follows is no measure of new questions."
            )
    return None
