"""What votes are worth, from a cell's validation draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from lorid_train.interaction.three_way import EQUAL, Votes
from lorid_train.interaction.vote_weights import Graded, fit_votes
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.rows import Verdict


def fitted(graded: Sequence[GradedProblem]) -> Votes:
    """The weights that validation draws give; one vote each where there are none."""
    if not any(g.by_round for g in graded):
        return EQUAL
    return fit_votes(
        (v for g in graded for v in graded_votes(g)), p_same_wrong=p_same_wrong(graded)
    )


def graded_votes(g: GradedProblem) -> Iterator[Graded]:
    """The answers of a problem's sampled draws."""
    for (role, _), v in g.by_round.items():
        if v.answer is None or v.verdict not in (Verdict.CORRECT, Verdict.WRONG):
            continue
        grounded = v.ran is None or v.ran.is_grounded
        yield Graded(role if grounded else "cg_ungrounded", v.verdict == Verdict.CORRECT)


def p_same_wrong(graded: Sequence[GradedProblem]) -> float:
    """How often two wrong answers to a problem are the same, of two roles; (same + 1) / (pairs + 2)."""
    same = pairs = 0
    for g in graded:
        wrong = [
            (role, v.cluster)
            for (role, _), v in g.by_round.items()
            if v.verdict == Verdict.WRONG and v.cluster is not None
        ]
        for (role, a), (other, b) in combinations(wrong, 2):
            if role != other:
                pairs += 1
                same += a == b
    return (same + 1) / (pairs + 2)
