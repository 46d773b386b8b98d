"""What other rules and fallbacks would have made of the same draws, for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from lorid_train.draws import Decision, How, Metric, Verdict
from lorid_train.interaction import Fallback, Rule, decide_answers
from lorid_train.metrics import GradedProblem, fraction

RULES: tuple[Rule, ...] = get_args(Rule)
FALLBACKS: tuple[Fallback, ...] = get_args(Fallback)


def replays(graded: Sequence[GradedProblem], thresholds: Sequence[int]) -> list[Metric]:
    """Accuracy and coverage of `lorid@t` under every rule and fallback.

    A combination whose draws are missing for some question is left out: a lazy schedule under the
    cumulative rule stops before same-round agreement.
    """
    found: list[Metric] = []
    for t in thresholds:
        for rule in RULES:
            for fallback in FALLBACKS:
                found += _replay(graded, t, rule, fallback)
    return found


def label(rule: str, fallback: str) -> str:
    """The slice of a combination."""
    return f"rule={rule},fallback={fallback}"


def _replay(
    graded: Sequence[GradedProblem], t: int, rule: Rule, fallback: Fallback
) -> list[Metric]:
    right: dict[str, list[bool]] = {}
    agreed: dict[str, list[bool]] = {}
    for g in graded:
        d = decided(g, t, rule, fallback)
        if d is None:
            return []
        right.setdefault(g.gold.problem_id, []).append(_is_right(g, d.answer))
        agreed.setdefault(g.gold.problem_id, []).append(d.how == How.CONSENSUS)
    name, of = f"lorid@{t}", label(rule, fallback)
    return [
        fraction(name, "accuracy", right, slice_name=of),
        fraction(name, "coverage", agreed, slice_name=of),
    ]


def decided(g: GradedProblem, t: int, rule: Rule, fallback: Fallback) -> Decision | None:
    """The decision on one problem's stored answers; None where it takes draws that are missing."""
    n = min(len(g.ir), len(g.dr), t)
    ir, dr = ({i: v.answer for i, v in enumerate(side[:n], 1)} for side in (g.ir, g.dr))
    d = decide_answers(ir, dr, rule=rule, rounds=t, fallback=fallback)
    return d if d.how == How.CONSENSUS or n == t else None


def _is_right(g: GradedProblem, answer: str | None) -> bool:
    votes = (*g.ir, *g.dr)
    return answer is not None and any(
        v.answer == answer and v.verdict == Verdict.CORRECT for v in votes
    )
