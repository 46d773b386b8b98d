"""Accuracy against generated tokens: the loop at every t, votes at every k, early stops at every m.

A curve point is the metrics `accuracy` and `tokens_per_problem` under the slice `curve`, so that
it is never mistaken for a system that was shown as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from lorid_train.interaction.draws import How
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.rows import Metric, Verdict
from lorid_train.metrics.systems import EARLY_STOP, loop_at, pool_votes
from lorid_train.metrics.voting import first_reached, leaders

CURVE = "curve"


def curves(graded: Sequence[GradedProblem], rounds: int) -> list[Metric]:
    """All curve points that the draws of every problem allow."""
    found = _loop_curve(graded, rounds)
    for pool in ("ir", "dr", "both"):
        found += _majority_curve(graded, pool)
    return found + _early_stop_curve(graded)


def _early_stop_curve(graded: Sequence[GradedProblem]) -> list[Metric]:
    """IR alone, stopped when an answer has m votes, or at the draws that every problem has.

    m = 2, 3, … up to those; one pass a problem.
    """
    cap = min((len(g.ir) for g in graded), default=0)
    right: list[dict[str, list[bool]]] = [{} for _ in range(cap + 1)]
    n_tokens = [0] * (cap + 1)
    for g in graded:
        votes = g.ir[:cap]
        clusters = [v.cluster for v in votes]
        best, reached = leaders(clusters), first_reached(clusters)
        spent = list(accumulate((v.n_tokens for v in votes), initial=0))
        for m in range(2, cap + 1):
            n = reached[m - 1] + 1 if m <= len(reached) else cap
            at = best[n - 1]
            is_right = at is not None and votes[at].verdict == Verdict.CORRECT
            right[m].setdefault(g.gold.problem_id, []).append(is_right)
            n_tokens[m] += spent[n]
    found: list[Metric] = []
    for m in range(2, cap + 1):
        name = f"{EARLY_STOP}@{m}"
        found.append(fraction(name, "accuracy", right[m], slice_name=CURVE))
        found.append(_tokens(name, n_tokens[m], len(graded)))
    return found


def _tokens(system: str, n_tokens: int, n: int) -> Metric:
    return Metric(
        system=system,
        metric="tokens_per_problem",
        value=n_tokens / n,
        n=n,
        method="mean",
        slice=CURVE,
    )


def _loop_curve(graded: Sequence[GradedProblem], rounds: int) -> list[Metric]:
    found: list[Metric] = []
    for t in range(1, rounds + 1) if graded else ():
        right: dict[str, list[bool]] = {}
        agreed: dict[str, list[bool]] = {}
        precise: dict[str, list[bool]] = {}
        n_tokens = 0
        for g in graded:
            a = loop_at(g, t=t)
            if a is None:
                return found
            pid, said = g.gold.problem_id, a.withheld or a
            right.setdefault(pid, []).append(a.verdict == Verdict.CORRECT)
            agreed.setdefault(pid, []).append(said.how == How.CONSENSUS)
            if said.how == How.CONSENSUS:
                precise.setdefault(pid, []).append(said.verdict == Verdict.CORRECT)
            n_tokens += a.n_tokens
        name = f"lorid@{t}"
        found += [
            fraction(name, "accuracy", right, slice_name=CURVE),
            fraction(name, "coverage", agreed, slice_name=CURVE),
            fraction(name, "consensus_precision", precise, slice_name=CURVE),
            _tokens(name, n_tokens, len(graded)),
        ]
    return found


def _majority_curve(graded: Sequence[GradedProblem], pool: str) -> list[Metric]:
    """One pass over each problem's votes: the leader after every round."""
    k_max = min((len(pool_votes(g, pool)) for g in graded), default=0)
    right: list[dict[str, list[bool]]] = [{} for _ in range(k_max)]
    n_tokens = [0] * k_max
    for g in graded:
        by_round = pool_votes(g, pool)[:k_max]
        votes = [v for of_round in by_round for v in of_round]
        best, spent, seen = leaders([v.cluster for v in votes]), 0, 0
        for k, of_round in enumerate(by_round):
            seen += len(of_round)
            spent += sum(v.n_tokens for v in of_round)
            at = best[seen - 1]
            is_right = at is not None and votes[at].verdict == Verdict.CORRECT
            right[k].setdefault(g.gold.problem_id, []).append(is_right)
            n_tokens[k] += spent
    found: list[Metric] = []
    for k in range(k_max):
        name = f"maj-{pool}@{k + 1}"
        found.append(fraction(name, "accuracy", right[k], slice_name=CURVE))
        found.append(_tokens(name, n_tokens[k], len(graded)))
    return found
