"""The questions that nobody solves, those first whose reference answer is most to be doubted; pure."""

from __future__ import annotations

from collections.abc import Iterable

from lorid_data.difficulty.rates import Graded, doubt
from lorid_data.schema import FrozenModel, Record

TABLE = "never_solved.parquet"


class NeverSolved(FrozenModel):
    """One row that no draw of any judge solved."""

    rank: int
    """From 1."""
    row_id: str
    problem_id: str
    question: str
    answer: str
    """The reference answer."""
    n_draws: int
    """Of all judges."""
    other_answer: str | None
    """What they gave most often instead; None where they gave nothing."""
    n_other: int
    """How often."""
    doubt: float
    """Lower end of the 95 % posterior of n_other / n_draws."""


def never_solved(rows: Iterable[tuple[Record, Graded]]) -> list[NeverSolved]:
    """The rows without a right draw, ranked.

    A question that is merely too hard is answered in many ways; where the reference is wrong, those
    who can answer it agree on another answer.
    """
    found = [(doubt(g.n_other, g.n_draws), r, g) for r, g in rows if g.n_draws and not g.n_right]
    found.sort(key=lambda x: (-x[0], -x[2].n_draws, x[1].row_id))
    return [
        NeverSolved(
            rank=i, row_id=r.row_id, problem_id=r.problem_id, question=r.question, answer=r.answer,
            n_draws=g.n_draws, other_answer=g.other, n_other=g.n_other, doubt=d,
        )
        for i, (d, r, g) in enumerate(found, 1)
    ]  # fmt: skip
