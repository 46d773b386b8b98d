"""What is left of a problem's draws once they are graded: small integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from lorid_train.metrics.grading import GradedProblem, Vote

N_PAIRINGS = 20
"""P: how many random pairings of rounds an expectation is taken over."""
Cluster = int | None
"""Equal for equal answers of one problem; None without an answer."""


class Votes(NamedTuple):
    """Sampled draws of one side, rounds 1, 2, … without a gap."""

    clusters: tuple[Cluster, ...]
    n_tokens: tuple[int, ...]
    """DR's include those of the knowledge it read."""

    def taken(self, order: tuple[int, ...]) -> Votes:
        """The draws at these positions, in this order."""
        return Votes(tuple(self.clusters[i] for i in order), tuple(self.n_tokens[i] for i in order))


NO_VOTES = Votes((), ())


@dataclass(frozen=True, slots=True)
class Asked:
    """One problem of one cell with its graded draws."""

    problem_id: str
    group: str
    frequency: int
    """Training rows of its group."""
    single: Mapping[str, tuple[Cluster, int]]
    """Systems of one draw: its answer's cluster, and its tokens."""
    ir: Votes
    dr: Votes
    right: frozenset[int]
    """The clusters that are the gold answer."""


def asked(problem_id: str, group: str, frequency: int, graded: GradedProblem | None) -> Asked:
    """A problem as the study sees it; without draws where there are none.

    A cluster is right if the answer that was met first in it is.
    """
    if graded is None:
        return Asked(problem_id, group, frequency, {}, NO_VOTES, NO_VOTES, frozenset())
    verdicts: dict[int, bool] = {}
    for v in (*graded.single.values(), *graded.ir, *graded.dr):
        if v.cluster is not None:
            verdicts.setdefault(v.cluster, v.verdict == "correct")
    return Asked(
        problem_id=problem_id,
        group=group,
        frequency=frequency,
        single={name: (v.cluster, v.n_tokens) for name, v in graded.single.items()},
        ir=_votes(graded.ir),
        dr=_votes(graded.dr),
        right=frozenset(c for c, is_right in verdicts.items() if is_right),
    )


def _votes(votes: tuple[Vote, ...]) -> Votes:
    return Votes(tuple(v.cluster for v in votes), tuple(v.n_tokens for v in votes))


class Pairing(NamedTuple):
    """One order of a problem's draws: what a run of the loop would have met."""

    ir: Votes
    dr: Votes


def pairings(problem: Asked, n_ir: int, n_dr: int) -> list[Pairing]:
    """`N_PAIRINGS` random orders of the first draws of both sides; the problem's id is the seed.

    Args:
        problem: it has at least `n_ir` and `n_dr` draws.
        n_ir: how many draws of IR to use.
        n_dr: how many of KG and DR.
    """
    rng = Random(problem.problem_id)
    return [
        Pairing(
            problem.ir.taken(tuple(rng.sample(range(n_ir), n_ir))),
            problem.dr.taken(tuple(rng.sample(range(n_dr), n_dr))),
        )
        for _ in range(N_PAIRINGS)
    ]
