"""A question's sampled draws, graded and in order, as fitting sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.rows import Verdict

N_ORDERS = 4
"""Random orders of each question's draws."""


@dataclass(frozen=True, slots=True)
class Side:
    """The draws of one role in one order.

    Attributes:
        said: the answers; equal ones are the same text; None states none.
        n_tokens: what each cost.
    """

    said: tuple[str | None, ...]
    n_tokens: tuple[int, ...]

    def taken(self, order: Sequence[int]) -> Side:
        """The draws at these places, in this order."""
        return Side(tuple(self.said[i] for i in order), tuple(self.n_tokens[i] for i in order))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question under one seed.

    Attributes:
        key: names question and seed.
        original_id: the question that it is a variant of; questions of one are left out together.
        ir: IR's draws.
        dr: DR's, each with its knowledge.
        right: the answers that are right.
    """

    key: str
    original_id: str
    ir: Side
    dr: Side
    right: frozenset[str]

    def orders(self, n: int = N_ORDERS) -> list[tuple[Side, Side]]:
        """Random orders of the draws of both roles; the key is the seed."""
        rng = Random(self.key)
        return [
            tuple(s.taken(rng.sample(range(len(s.said)), len(s.said))) for s in (self.ir, self.dr))  # type: ignore[misc]
            for _ in range(n)
        ]


def asked(g: GradedProblem, rounds: int) -> Asked:
    """The first rounds of a graded problem.

    Args:
        g: it has at least so many draws of IR and of DR.
        rounds: V.
    """
    ir, dr = g.ir[:rounds], g.dr[:rounds]
    right = {str(v.cluster) for v in (*ir, *dr) if v.verdict == Verdict.CORRECT}
    original = g.gold.original_id or g.gold.problem_id
    key = f"{g.gold.problem_id}/{g.seed}"
    return Asked(key, original, _side(ir), _side(dr), frozenset(right))


def _side(votes: Sequence[Vote]) -> Side:
    return Side(
        tuple(None if v.cluster is None else str(v.cluster) for v in votes),
        tuple(v.n_tokens for v in votes),
    )


def same(a: str, b: str) -> bool:
    """The equality of answers that are clusters' names."""
    return a == b
