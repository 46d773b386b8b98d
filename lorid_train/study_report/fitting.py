"""The stopping rule's parameters, from the validation draws of one cell alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from lorid_train.study_report.decisions import (
    DISCOUNTS,
    THRESHOLDS,
    Weights,
    leads,
    smoothed,
    vote_weight,
)
from lorid_train.study_report.problems import Asked, pairings
from lorid_train.study_report.replay import play

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """A fitted rule, and what it was fitted on."""

    weights: Weights
    discount: float
    """γ."""
    threshold: float
    """θ, in log-odds."""
    p_ir: float
    p_dr: float
    p_same_wrong: float
    """c: how often a wrong answer of IR and one of DR are the same."""
    n_problems: int
    rounds: int
    """V: the rounds that it was fitted with."""
    reached: bool
    """Whether any parameters did as well on validation as the loop with DR as fallback."""


def weigh(problems: Sequence[Asked], rounds: int) -> tuple[Weights, float, float, float]:
    """The weights of both roles, p_ir, p_dr and c, over the first draws of every problem."""
    n_right = {"ir": 0, "dr": 0}
    n_same = n_pairs = 0
    for problem in problems:
        ir, dr = problem.ir.clusters[:rounds], problem.dr.clusters[:rounds]
        n_right["ir"] += sum(c in problem.right for c in ir)
        n_right["dr"] += sum(c in problem.right for c in dr)
        wrong = [[c for c in side if c not in problem.right and c is not None] for side in (ir, dr)]
        n_pairs += len(wrong[0]) * len(wrong[1])
        n_same += sum(wrong[1].count(c) for c in wrong[0])
    n = rounds * len(problems)
    p_ir, p_dr = smoothed(n_right["ir"], n), smoothed(n_right["dr"], n)
    c = smoothed(n_same, n_pairs)
    return Weights(vote_weight(p_ir, c), vote_weight(p_dr, c)), p_ir, p_dr, c


def fit(problems: Sequence[Asked], rounds: int) -> StoppingRule:
    """γ and θ: the cheapest that are as often right as the loop with DR as fallback.

    Over all problems and pairings of their first `rounds` draws. Of equally cheap ones the smaller
    θ, then the smaller γ; where none is as often right, the ones most often right, then the
    cheapest.

    Args:
        problems: at least one, each with `rounds` draws of IR and of KG and DR.
        rounds: V.
    """
    weights, p_ir, p_dr, c = weigh(problems, rounds)
    table = _Table.of(problems, rounds)
    target = table.n_right_of_loop
    best: tuple[bool, tuple[float, ...], float, float] | None = None
    for discount in DISCOUNTS:
        lead, right = table.leads(weights, discount)
        for threshold in THRESHOLDS:
            n_right, n_tokens = table.stopped(lead, right, threshold)
            good = n_right >= target
            cost = (n_tokens, threshold, discount) if good else (-n_right, n_tokens)
            key = (not good, (*cost, threshold, discount), discount, threshold)
            best = key if best is None else min(best, key)
    assert best is not None
    return StoppingRule(
        weights, best[2], best[3], p_ir, p_dr, c, len(problems), rounds, reached=not best[0]
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Every problem under every pairing: what each stopping round would give."""

    games: list[tuple[Asked, tuple[int | None, ...], tuple[int | None, ...]]]
    spent: NDArray[np.int64]
    """Tokens after each round, (games, rounds)."""
    n_right_of_loop: int

    @classmethod
    def of(cls, problems: Sequence[Asked], rounds: int) -> _Table:
        import numpy as np

        games, spent, n_right = [], [], 0
        for problem in problems:
            for ir, dr in pairings(problem, rounds, rounds):
                games.append((problem, ir.clusters, dr.clusters))
                spent.append(list(accumulate(map(sum, zip(ir.n_tokens, dr.n_tokens, strict=True)))))
                n_right += play(ir, dr, rounds, "dr").answer in problem.right
        return cls(games, np.array(spent, dtype=np.int64), n_right)

    def leads(
        self, weights: Weights, discount: float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """How far ahead the leader is after each round (−1 where there is none), and if it is right."""
        import numpy as np

        ahead, right = [], []
        for problem, ir, dr in self.games:
            after = leads(ir, dr, weights, discount)
            ahead.append([-1.0 if x.answer is None else x.lead for x in after])
            right.append([x.answer in problem.right for x in after])
        return np.array(ahead), np.array(right, dtype=bool)

    def stopped(
        self, lead: NDArray[np.float64], right: NDArray[np.bool_], threshold: float
    ) -> tuple[int, int]:
        """Right games and tokens if each is stopped at this threshold."""
        import numpy as np

        enough = lead >= threshold
        enough[:, -1] = True
        at = enough.argmax(axis=1)
        rows = np.arange(len(at))
        return int(right[rows, at].sum()), int(self.spent[rows, at].sum())
