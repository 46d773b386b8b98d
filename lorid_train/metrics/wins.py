"""Which questions System 1 (IR) and System 2 (KG and DR) each win, by what the questions are like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lorid_train.metrics.comparisons import right_by_problem
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.intervals import paired_interval
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import holm, mcnemar_exact
from lorid_train.metrics.systems import Scored

SYSTEM = "dr-minus-ir"
PAIRS = (("ir-greedy", "dr-kg-knowledge"), ("ir-sampled", "dr-sampled"))
"""IR and DR to compare: the first pair that was drawn."""


def role_pair(scored: Scored) -> tuple[str, str] | None:
    """The two systems that stand for System 1 and System 2, or None."""
    return next((p for p in PAIRS if all(s in scored.outcomes for s in p)), None)


def wins(scored: Scored, graded: Sequence[GradedProblem], keys: Sequence[str]) -> list[Metric]:
    """DR's accuracy minus IR's in every part of the questions.

    For each value of each key: `difference` with a paired bootstrap interval, the fractions that
    only IR, only DR, both and neither get right (in all seeds or none), and McNemar's p, adjusted over all parts. Slices are `key=value`.
    """
    pair = role_pair(scored)
    if pair is None:
        return []
    ir, dr = (right_by_problem(scored.outcomes[s]) for s in pair)
    slices = {g.gold.problem_id: g.gold.slices for g in graded}
    found: list[Metric] = []
    ps: list[float] = []
    for key in keys:
        values = sorted({s[key] for s in slices.values() if key in s})
        for value in values if len(values) > 1 else ():
            ids = [p for p in ir if p in dr and slices[p].get(key) == value]
            metrics, p = _part(ir, dr, ids, f"{key}={value}")
            found += metrics
            ps.append(p)
    raw = [m for m in found if m.metric == "mcnemar_p"]
    return found + [
        m.model_copy(
            update={"metric": "mcnemar_p_holm", "value": p, "method": f"holm over {len(ps)}"}
        )
        for m, p in zip(raw, holm(ps), strict=True)
    ]


def _part(
    ir: Mapping[str, float], dr: Mapping[str, float], ids: Sequence[str], name: str
) -> tuple[list[Metric], float]:
    a, b = [dr[p] for p in ids], [ir[p] for p in ids]
    (low, high), how = paired_interval(a, b)
    n_both = sum(x == y == 1 for x, y in zip(a, b, strict=True))
    n_neither = sum(x == y == 0 for x, y in zip(a, b, strict=True))
    n_dr = sum(x > y for x, y in zip(a, b, strict=True))
    n_ir = sum(x < y for x, y in zip(a, b, strict=True))
    p = mcnemar_exact(n_dr, n_ir)
    n = len(ids)

    def metric(name_of: str, value: float, method: str) -> Metric:
        return Metric(system=SYSTEM, metric=name_of, value=value, n=n, method=method, slice=name)

    difference = metric("difference", (sum(a) - sum(b)) / n, how)
    return [
        difference.model_copy(update={"ci_low": low, "ci_high": high}),
        metric("only_ir_right", n_ir / n, "count"),
        metric("only_dr_right", n_dr / n, "count"),
        metric("both_right", n_both / n, "count"),
        metric("neither_right", n_neither / n, "count"),
        metric("mcnemar_p", p, "mcnemar-exact"),
    ], p
