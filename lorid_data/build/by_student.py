"""Of several lists for a row, the one with which a fixed student is right more often; pure.

A few draws say little of one list and much of a teacher, so each list's share is drawn towards its
teacher's mean: a beta-binomial model whose prior has that mean, and the weight that the spread of
the teacher's lists asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lorid_data.difficulty.rates import Equal

VERSION = 1
"""Bump when the same draws lead to another choice."""
_WEIGHTS = (0.5, 1000.0)
"""Least and most draws that a teacher's mean counts for."""
Right = Mapping[int, bool]
"""By number of a draw (from 0, in the order of seed and round) whether it is right; the ungradable are left out."""


class Given(NamedTuple):
    """One list of a row, as far as this choice needs it.

    Attributes:
        teacher: number of whoever wrote it; samples of one model are one teacher.
        is_usable: whether it may be taken.
        n_right: right draws with it.
        n_draws: all draws with it.
    """

    teacher: int
    is_usable: bool
    n_right: int
    n_draws: int


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a teacher's list before its own draws.

    Attributes:
        mean: share of right draws over all lists of the teacher.
        weight: draws that it counts for.
        n_lists: lists that were drawn on.
        n_draws: of all of them.
    """

    mean: float
    weight: float
    n_lists: int
    n_draws: int

    def shrunk(self, n_right: int, n: int) -> float:
        """The posterior mean of a list with so many right draws of n."""
        return (n_right + self.weight * self.mean) / (n + self.weight)


def prior(counts: Iterable[tuple[int, int]]) -> Prior:
    """The prior of a teacher from (right, draws) of its lists, by moments (Kleinman 1973).

    With pi the mean and S the weighted spread of the lists' shares, the weight is that under which a
    beta-binomial spreads so far; lists that differ no more than chance would let them make it as
    large as may be, lists that are all right or all wrong as small as may be.

    Args:
        counts: of all its lists; gone through several times.
    """
    total = sum(n for _, n in counts)
    if not total:
        return Prior(0.5, _WEIGHTS[0], 0, 0)
    pi = sum(k for k, _ in counts) / total
    m = sum(n > 0 for _, n in counts)
    spread = sum(n * (k / n - pi) ** 2 for k, n in counts if n)
    # E[spread] = pi (1 - pi) ((m - 1) + rho (total - sum n^2 / total - (m - 1))), rho = 1 / (weight + 1)
    extra = total - sum(n * n for _, n in counts) / total - (m - 1)
    least, most = _WEIGHTS
    if pi in (0.0, 1.0) or m < 2 or extra <= 0:
        weight = most
    else:
        rho = (spread / (pi * (1 - pi)) - (m - 1)) / extra
        weight = most if rho <= 0 else least if rho >= 1 else 1 / rho - 1
    return Prior(pi, min(most, max(least, weight)), m, total)


def best_by_student(
    lists: Sequence[Given], of: Sequence[Prior], *, first: int | None = None
) -> int | None:
    """The number of the list with which the student is likeliest right; None where none can be used.

    Args:
        lists: those of a row.
        of: the prior of each teacher, by its number.
        first: what is taken of equal ones, where it is among them; else the earlier one.
    """
    return min(
        (i for i, given in enumerate(lists) if given.is_usable),
        key=lambda i: (-round(share_of(lists[i], of), 9), i != first, i),
        default=None,
    )


def share_of(given: Given, of: Sequence[Prior]) -> float:
    """The share of right draws with a list, drawn towards its teacher's mean."""
    return of[given.teacher].shrunk(given.n_right, given.n_draws)


def graded_draws(answers: Mapping[int, str | None], gold: Any, equal: Equal) -> dict[int, bool]:
    """Whether each draw is right; one that states nothing is not, one that cannot be read is left out."""
    verdicts = {a: str(equal(a, gold)) for a in set(answers.values()) if a is not None}
    found = {}
    for n, a in answers.items():
        said = "different" if a is None else verdicts[a]
        if said in ("equal", "different"):
            found[n] = said == "equal"
    return found
