"""Whether System 2 (KG and DR) gains on System 1 (IR) where questions are of a certain kind: planned comparisons.

Each contrast is a difference of differences: DR − IR in accuracy among the questions that have a
property, less the same among those that have not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.rows import Metric, Verdict
from lorid_train.metrics.significance import holm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SYSTEM = "dr-minus-ir"
N_RESAMPLES = 4_000
FEWEST = 50
"""Questions on either side; with fewer no claim is made."""


class Side(NamedTuple):
    """One question: how often either System is right on it, and what it is like."""

    gain: float
    """DR's accuracy minus IR's, in [−1, 1]."""
    cluster: str
    """The question that it is a variant of."""
    slices: Mapping[str, str]


def sides(graded: Sequence[GradedProblem]) -> list[Side]:
    """Every question with draws of both Systems: sampled ones where there are any, else greedy ones.

    Over all sampled rounds that the question has of both, and all seeds.
    """
    rates: dict[str, list[tuple[float, float]]] = {}
    golds = {g.gold.problem_id: g.gold for g in graded}
    for g in graded:
        n = min(len(g.ir), len(g.dr))
        greedy = g.single.get("ir-greedy"), g.single.get("dr-kg-knowledge")
        if n:
            found = tuple(
                sum(v.verdict == Verdict.CORRECT for v in side[:n]) / n for side in (g.ir, g.dr)
            )
        elif greedy[0] is not None and greedy[1] is not None:
            found = tuple(float(v.verdict == Verdict.CORRECT) for v in greedy if v is not None)
        else:
            continue
        rates.setdefault(g.gold.problem_id, []).append((found[0], found[1]))
    return [
        Side(
            sum(dr - ir for ir, dr in of) / len(of),
            golds[p].original_id or p,
            golds[p].slices,
        )
        for p, of in rates.items()
    ]


def contrasts(graded: Sequence[GradedProblem]) -> list[Metric]:
    """The planned contrasts that can be told of these questions, with Holm's adjustment over them.

    More steps than the median, longer than the median, a number that is not used. `contrast` has a
    bootstrap interval over original questions; `contrast_p` and `contrast_p_holm` are two-sided. A
    contrast of fewer than 50 questions on either side is left out.
    """
    rows = sides(graded)
    found: list[Metric] = []
    ps: list[float] = []
    for name, has in _planned(rows).items():
        known = [(r, has(r)) for r in rows]
        told = [(r, h) for r, h in known if h is not None]
        n_with = sum(h for _, h in told)
        if min(n_with, len(told) - n_with) < FEWEST:
            continue
        value, low, high, p = contrast([r for r, _ in told], [bool(h) for _, h in told])
        ps.append(p)
        how = f"cluster-bootstrap, {n_with} with and {len(told) - n_with} without"
        made = Metric(
            system=SYSTEM, metric="contrast", value=value, n=len(told), ci_low=low, ci_high=high,
            method=how, slice=name,
        )  # fmt: skip
        found += [made, _plain(made, "contrast_p", p, "cluster-bootstrap")]
    raw = [m for m in found if m.metric == "contrast"]
    return found + [
        _plain(m, "contrast_p_holm", p, f"holm over {len(ps)}")
        for m, p in zip(raw, holm(ps), strict=True)
    ]


def _plain(of: Metric, name: str, value: float, method: str) -> Metric:
    new = {"metric": name, "value": value, "method": method, "ci_low": None, "ci_high": None}
    return of.model_copy(update=new)


Has = Callable[[Side], bool | None]
"""Whether a question has a property; None where that cannot be told."""


def _planned(rows: Sequence[Side]) -> dict[str, Has]:
    def above(key: str) -> Has | None:
        values = [n for r in rows if (n := _number(r.slices.get(key))) is not None]
        if not values:
            return None
        middle = median(values)

        def has(r: Side) -> bool | None:
            n = _number(r.slices.get(key))
            return None if n is None else n > middle

        return has

    def unused(r: Side) -> bool | None:
        said = r.slices.get("unused_numbers")
        return None if said is None else said == "some"

    found: dict[str, Has | None] = {
        "more steps than the median": above("steps"),
        "longer than the median": above("n_words"),
        "a number that is not used": unused,
    }
    return {name: has for name, has in found.items() if has is not None}


def _number(said: str | None) -> int | None:
    plain = (said or "").rstrip("+")
    return int(plain) if plain.isdecimal() else None


def contrast(
    rows: Sequence[Side], has: Sequence[bool]
) -> tuple[float, float | None, float | None, float]:
    """A difference of differences, its interval, and the two-sided p of its being 0.

    Args:
        rows: the questions.
        has: whether each has the property; some must, and some not.
    """
    import numpy as np

    _, of = np.unique([r.cluster for r in rows], return_inverse=True)
    gain, with_it = np.array([r.gain for r in rows]), np.array(has, dtype=np.float64)
    columns = np.stack([gain * with_it, with_it, gain * (1 - with_it), 1 - with_it], axis=1)
    sums = np.zeros((int(of.max()) + 1, 4))
    np.add.at(sums, of, columns)
    n = len(sums)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES) @ sums
    known = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    values = _difference(known)
    low, high = (float(x) for x in np.quantile(values, (0.025, 0.975)))
    smaller = min(int((values <= 0).sum()), int((values >= 0).sum()))
    p = min(1.0, 2 * (1 + smaller) / (len(values) + 1))
    value = float(_difference(sums.sum(axis=0, keepdims=True))[0])
    return (value, low, high, p) if high - low > 1e-12 else (value, None, None, p)


def _difference(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
