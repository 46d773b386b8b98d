"""Of several lists for a row, the one with which a fixed student is right more often; pure but for the equality.

A few draws say little of one list and much of a teacher, so each list's share is drawn towards its
teacher's mean: a beta-binomial model whose prior has that mean, and the weight that the spread of
the teacher's lists asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lorid_data.build.candidates import Candidate
from lorid_data.difficulty.rates import Equal
from lorid_data.intervals import Z_95
from lorid_data.texts.counting import count

VERSION = 1
"""Bump when the same draws lead to another choice."""
_WEIGHTS = (0.5, 1000.0)
"""Least and most draws that a teacher's mean counts for."""
Teacher = tuple[str, str]
"""Kind and model."""
Right = Mapping[int, bool]
"""By number of a draw (from 0, in the order of seed and round) whether it is right; the ungradable are left out."""


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


def teacher_of(candidate: Candidate) -> Teacher:
    """Whose list it is; samples of one model are one teacher."""
    return candidate.teacher, candidate.model_asked


def prior(counts: Sequence[tuple[int, int]]) -> Prior:
    """The prior of a teacher from (right, draws) of its lists, by moments (Kleinman 1973).

    With pi the mean and S the weighted spread of the lists' shares, the weight is that under which a
    beta-binomial spreads so far; lists that differ no more than chance would let them make it as
    large as may be, lists that are all right or all wrong as small as may be.
    """
    drawn = [(k, n) for k, n in counts if n]
    total = sum(n for _, n in drawn)
    if not total:
        return Prior(0.5, _WEIGHTS[0], 0, 0)
    pi = sum(k for k, _ in drawn) / total
    m = len(drawn)
    spread = sum(n * (k / n - pi) ** 2 for k, n in drawn)
    # E[spread] = pi (1 - pi) ((m - 1) + rho (total - sum n^2 / total - (m - 1))), rho = 1 / (weight + 1)
    extra = total - sum(n * n for _, n in drawn) / total - (m - 1)
    least, most = _WEIGHTS
    if pi in (0.0, 1.0) or m < 2 or extra <= 0:
        weight = most
    else:
        rho = (spread / (pi * (1 - pi)) - (m - 1)) / extra
        weight = most if rho <= 0 else least if rho >= 1 else 1 / rho - 1
    return Prior(pi, min(most, max(least, weight)), m, total)


def priors(
    rows: Sequence[Sequence[Candidate]], right: Sequence[Mapping[int, Right]]
) -> dict[Teacher, Prior]:
    """The prior of each teacher over all rows; `right` by the number of the reply."""
    counts: dict[Teacher, list[tuple[int, int]]] = {}
    for candidates, of in zip(rows, right, strict=True):
        for i, c in enumerate(candidates):
            draws = of.get(i, {})
            counts.setdefault(teacher_of(c), []).append((sum(draws.values()), len(draws)))
    return {t: prior(found) for t, found in counts.items()}


def best_by_student(
    candidates: Sequence[Candidate],
    usable: Sequence[int],
    right: Mapping[int, Right],
    of: Mapping[Teacher, Prior],
    *,
    first: int | None = None,
) -> int | None:
    """The number of the reply with which the student is likeliest right; None where none can be used.

    Args:
        candidates: the replies about a row.
        usable: those that may be taken.
        right: the student's draws with each.
        of: the priors of their teachers.
        first: what is taken of equal ones, where it is among them; else the earlier one.
    """
    return min(
        usable,
        key=lambda i: (-round(share_of(candidates[i], right.get(i, {}), of), 9), i != first, i),
        default=None,
    )


def share_of(candidate: Candidate, draws: Right, of: Mapping[Teacher, Prior]) -> float:
    """The share of right draws with a list, drawn towards its teacher's mean."""
    return of[teacher_of(candidate)].shrunk(sum(draws.values()), len(draws))


def half_of(right: Sequence[Mapping[int, Right]], which: int) -> list[dict[int, dict[int, bool]]]:
    """Every second draw of every list: the even ones, or the odd ones."""
    return [
        {i: {n: ok for n, ok in draws.items() if n % 2 == which} for i, draws in of.items()}
        for of in right
    ]


@dataclass(frozen=True, slots=True)
class Compared:
    """The student's success with its own choice and with the audit's, on draws that did not choose.

    Attributes:
        n_rows: rows of which both choices have such draws.
        student: share right with the list that the other half of the draws chose.
        audit: share right with the audit's list.
        low, high: 95 % interval of student - audit, clustered by original question.
    """

    n_rows: int
    student: float
    audit: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """Whether it beats the audit's choice, for people."""
        difference = f"{100 * (self.student - self.audit):+.1f} points ({100 * self.low:+.1f} to {100 * self.high:+.1f})"
        said = (
            "the student's choice beats the audit's" if self.low > 0
            else "the student's choice is worse than the audit's" if self.high < 0
            else "it is not shown that the student's choice beats the audit's"
        )  # fmt: skip
        return f"{said}: {difference} on the same {count(self.n_rows, 'row')}, on draws that did not choose"


def compared(
    pick: Callable[[Sequence[Mapping[int, Right]]], Sequence[int | None]],
    right: Sequence[Mapping[int, Right]],
    audit: Sequence[int | None],
    originals: Sequence[str],
) -> Compared | None:
    """The two choices at equal rows; None where no row has draws to spare.

    What a choice was made of promises too much of it: so one half of the draws chooses, the other
    one measures, both ways round.

    Args:
        pick: the choice of each row, made of some draws.
        right: all draws, by row and number of the reply.
        audit: the audit's choice of each row.
        originals: the original question of each row.
    """
    halves = [half_of(right, which) for which in (0, 1)]
    chosen = [pick(half) for half in halves]
    by_row: list[tuple[float, float, str]] = []
    for row, original in enumerate(originals):
        pairs = []
        for which in (0, 1):
            mine, theirs = chosen[which][row], audit[row]
            if mine is None or theirs is None or not any(halves[which][row].values()):
                continue  # what no draw has chosen says nothing about choosing by draws
            measured = halves[1 - which][row]
            a, b = measured.get(mine), measured.get(theirs)
            if a and b:
                pairs.append((fmean(a.values()), fmean(b.values())))
        if pairs:
            by_row.append((fmean(a for a, _ in pairs), fmean(b for _, b in pairs), original))
    if not by_row:
        return None
    low, high = _clustered([(a - b, o) for a, b, o in by_row])
    student, theirs_ = fmean(a for a, _, _ in by_row), fmean(b for _, b, _ in by_row)
    return Compared(len(by_row), student, theirs_, low, high)


def _clustered(values: Sequence[tuple[float, str]]) -> tuple[float, float]:
    """A 95 % interval of a mean whose values come in clusters (Cochran 1977, eq. 6.13)."""
    n, mean = len(values), fmean(v for v, _ in values)
    sums: dict[str, float] = {}
    for v, cluster in values:
        sums[cluster] = sums.get(cluster, 0.0) + v - mean
    k = len(sums)
    if k < 2:
        return -1.0, 1.0
    half = Z_95 * math.sqrt(k / (k - 1) * math.fsum(s * s for s in sums.values())) / n
    return max(-1.0, mean - half), min(1.0, mean + half)


def graded_draws(answers: Mapping[int, str | None], gold: Any, equal: Equal) -> dict[int, bool]:
    """Whether each draw is right; one that states nothing is not, one that cannot be read is left out."""
    verdicts = {a: str(equal(a, gold)) for a in set(answers.values()) if a is not None}
    found = {}
    for n, a in answers.items():
        said = "different" if a is None else verdicts[a]
        if said in ("equal", "different"):
            found[n] = said == "equal"
    return found
