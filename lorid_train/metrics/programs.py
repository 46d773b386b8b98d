"""What is said of the programs of an evaluation, and of the answers that agree with theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lorid_train.interaction.draws import Ran
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.rows import Metric, Verdict

FAILURES = ("unparsable", "error", "limit", "crashed", "no_answer")
"""What can become of a program that gives no answer, as `lorid_data.execution` has it."""
PAIRS = (("ir", "dr"), ("ir", "cg"), ("dr", "cg"), ("ir", "dr", "cg"))
"""The agreements of a round that are looked at."""
SYSTEM = "cg-draws"
"""Every program that was drawn, sampled or greedy."""


class Times(NamedTuple):
    """How long programs took, in milliseconds; those that were kept count as they took when run."""

    n: int
    median_ms: float
    p99_ms: float
    total_s: float


class _Drawn(NamedTuple):
    problem_id: str
    vote: Vote
    ran: Ran


def of_programs(graded: Sequence[GradedProblem]) -> list[Metric]:
    """Programs by what became of them, grounded ones, and agreements by pair; none without programs.

    Of the system `cg-draws`: `runs` and `grounded` (it runs and keeps to its question) are shares of
    all programs, `failed` is by kind (slice `status=…`); `accuracy` is that of those that ran, and of
    the grounded and the others among them (slices `grounded=yes`, `grounded=no`). An agreement
    (system `ir+cg`, …) has `coverage`, the share of the rounds with draws of all its roles in which
    all answers are equal, and `precision`, how often that answer is right.
    """
    drawn = [_Drawn(g.gold.problem_id, v, v.ran) for g in graded for v in g.votes() if v.ran]
    if not drawn:
        return []
    ran = [d for d in drawn if d.ran.status == "ok"]
    found = [
        _share(SYSTEM, "runs", drawn, lambda d: d.ran.status == "ok"),
        _share(SYSTEM, "grounded", drawn, lambda d: d.ran.status == "ok" and d.ran.is_grounded),
    ]
    for status in sorted({*FAILURES, *(d.ran.status for d in drawn)} - {"ok"}):
        found.append(_failed(drawn, status))
    found.append(_share(SYSTEM, "accuracy", ran, _is_right))
    for name, is_grounded in (("yes", True), ("no", False)):
        some = [d for d in ran if d.ran.is_grounded == is_grounded]
        found.append(_share(SYSTEM, "accuracy", some, _is_right, f"grounded={name}"))
    for roles in PAIRS:
        found += _agreement(graded, roles)
    return found


def _failed(drawn: Sequence[_Drawn], status: str) -> Metric:
    return _share(SYSTEM, "failed", drawn, lambda d: d.ran.status == status, f"status={status}")


def _is_right(d: _Drawn) -> bool:
    return d.vote.verdict == Verdict.CORRECT


def _share(
    system: str,
    metric: str,
    drawn: Sequence[_Drawn],
    test: Callable[[_Drawn], bool],
    of: str | None = None,
) -> Metric:
    flags: dict[str, list[bool]] = {}
    for d in drawn:
        flags.setdefault(d.problem_id, []).append(test(d))
    return fraction(system, metric, flags, slice_name=of)


def _agreement(graded: Sequence[GradedProblem], roles: tuple[str, ...]) -> list[Metric]:
    """How often the answers of these roles in a round are all there and equal, and right where they are."""
    agreed: dict[str, list[bool]] = {}
    right: dict[str, list[bool]] = {}
    for g in graded:
        for r in sorted({r for _, r in g.by_round}):
            votes = [g.by_round.get((role, r)) for role in roles]
            there = [v for v in votes if v is not None]
            if len(there) < len(roles):
                continue
            clusters = {v.cluster for v in there}
            is_one = len(clusters) == 1 and None not in clusters
            agreed.setdefault(g.gold.problem_id, []).append(is_one)
            if is_one:
                is_right = there[0].verdict == Verdict.CORRECT
                right.setdefault(g.gold.problem_id, []).append(is_right)
    name = "+".join(roles)
    return [fraction(name, "coverage", agreed), fraction(name, "precision", right)]
