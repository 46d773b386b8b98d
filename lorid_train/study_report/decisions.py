"""The pre-registered ways to decide, as pure functions of votes; see `docs/experiments.md`.

A vote is the cluster of its answer: equal numbers are equal answers, None is no answer. Nothing
here knows which answer is right, but for `fit` and the curves, which are given it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from lorid_train.metrics.voting import leader

Cluster = int | None

DISCOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""γ: what each further vote of a role for the same answer is worth, times the one before it."""
THRESHOLDS = tuple(i / 2 for i in range(41))
"""θ: how far the leader must be ahead, in log-odds: 0, ½, 1, … 20."""


class Weights(NamedTuple):
    """What a first vote of each role is worth, in log-odds, at least 0."""

    ir: float
    dr: float


class Lead(NamedTuple):
    """Where a count of weighed votes stands."""

    answer: Cluster
    """The leader; None before any answer."""
    lead: float
    """Its score less the second's; less 0 where there is no second."""


def vote_weight(p: float, c: float) -> float:
    """What a vote is worth: max(0, ln(p / ((1 − p) c))).

    That is ln(p (m − 1) / (1 − p)), the log-odds of a voter that is right with chance p and errs
    into m − 1 = 1 / c answers alike (Dawid and Skene's model with one accuracy per voter).

    Args:
        p: the role's accuracy, in (0, 1).
        c: the chance that two wrong answers are the same, in (0, 1].
    """
    return max(0.0, math.log(p / ((1 - p) * c)))


def smoothed(n_true: int, n: int) -> float:
    """(n_true + 1) / (n + 2): a fraction that is never 0 or 1."""
    return (n_true + 1) / (n + 2)


def leads(
    ir: Sequence[Cluster], dr: Sequence[Cluster], weights: Weights, discount: float
) -> list[Lead]:
    """After each round, which answer leads and by how much.

    An answer's score is Σ over roles q of w_q (1 + γ + … + γ^(n_q − 1)), with n_q its votes from
    role q. Ties go to the answer given first, IR before DR in a round.
    """
    counts: dict[tuple[int, int], int] = {}
    scores: dict[int, float] = {}
    found = []
    for of_round in zip(ir, dr, strict=True):
        for role, answer in enumerate(of_round):
            if answer is None:
                continue
            n = counts.get((role, answer), 0)
            counts[role, answer] = n + 1
            scores[answer] = scores.get(answer, 0.0) + weights[role] * discount**n
        found.append(_lead(scores))
    return found


def _lead(scores: dict[int, float]) -> Lead:
    """Answers stand in `scores` in the order in which they were given."""
    if not scores:
        return Lead(None, 0.0)
    best = max(scores, key=scores.__getitem__)
    second = max((s for a, s in scores.items() if a != best), default=0.0)
    return Lead(best, scores[best] - second)


def stop_round(after: Sequence[Lead], threshold: float) -> int:
    """The first round after which the leader is at least θ ahead; the last one if there is none."""
    for n, lead in enumerate(after, 1):
        if lead.answer is not None and lead.lead >= threshold:
            return n
    return len(after)


class Routed(NamedTuple):
    """What the router answers."""

    answer: Cluster
    asked_third: bool
    """Whether a third draw was made."""


def route(first: Cluster, second: Cluster, third: Cluster) -> Routed:
    """Two draws of KG and DR, and a third vote where they disagree.

    Where the two give the same answer it is the answer. Else the majority of all three; of equal
    ones the earlier. A draw without an answer agrees with nothing.
    """
    if first is not None and first == second:
        return Routed(first, asked_third=False)
    votes = (first, second, third)
    at = leader(votes)
    return Routed(None if at is None else votes[at], asked_third=True)
