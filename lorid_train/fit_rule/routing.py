"""A router that sees the question alone: one IR draw, one KG and DR draw, or the weighed loop. Pure.

What is measured is whether the question tells which way to take: a router is compared with taking
one way for all, at the same tokens, and with a router that is given other questions' features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from lorid_train.fit_rule.regression import Fitted, folds, logistic
from lorid_train.metrics.significance import holm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ARMS = ("ir-once", "dr-once", "weighed")
N_FOLDS = 5
N_SHUFFLES = 20
N_RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Way:
    """A question with what each arm comes to.

    Attributes:
        cluster: the question that it is a variant of; all of one are in one fold.
        features: what can be told of the question.
        right: by arm how often it is right, in [0, 1].
        tokens: by arm what it costs on average.
    """

    cluster: str
    features: tuple[float, ...]
    right: tuple[float, ...]
    tokens: tuple[float, ...]


class Compared(NamedTuple):
    """The router at the cost of one fixed choice."""

    arm: str
    """The fixed choice whose tokens the router was given."""
    tokens: float
    """What the router spends per question."""
    right: float
    fixed: float
    """The accuracy of the fixed choices at the router's tokens: the best mixture of two."""
    ahead: tuple[float, float, float]
    """Router − fixed: value, lower, upper end."""
    p: float
    """Two-sided, of no difference; as it is, until `adjusted`."""
    ahead_of_blind: tuple[float, float, float]
    """Router − the router with shuffled features."""
    p_blind: float
    taken: tuple[float, ...]
    """By arm, how often the router takes it."""


def compare(ways: Sequence[Way]) -> list[Compared]:
    """The router against every fixed choice at equal tokens, and against the blind one.

    Args:
        ways: the questions.

    Raises:
        InputError: an arm is right on all questions, or on none.
    """
    import numpy as np

    right, tokens = (np.array([getattr(w, name) for w in ways]) for name in ("right", "tokens"))
    sees = _predicted(ways, [w.features for w in ways])
    blind = [_predicted(ways, _shuffled(ways, n)) for n in range(N_SHUFFLES)]
    of = np.unique([w.cluster for w in ways], return_inverse=True)[1]
    found = []
    for n, arm in enumerate(ARMS):
        budget = float(tokens[:, n].mean())
        chosen = _routed(sees, tokens, budget)
        got, spent = _taken(right, chosen), float(_taken(tokens, chosen).mean())
        fixed = _mixture(right, tokens, spent)
        not_seen = np.mean([_taken(right, _routed(b, tokens, budget)) for b in blind], axis=0)
        (ahead, p), (of_blind, p_blind) = (_ahead(got - other, of) for other in (fixed, not_seen))
        shares = tuple(float((chosen == k).mean()) for k in range(len(ARMS)))
        found.append(
            Compared(
                arm, spent, float(got.mean()), float(fixed.mean()), ahead, p, of_blind, p_blind, shares
            )
        )  # fmt: skip
    return found


def adjusted(found: Sequence[Compared]) -> list[Compared]:
    """The comparisons with both p's adjusted by Holm over all of them."""
    ps = iter(holm([p for c in found for p in (c.p, c.p_blind)]))
    return [c._replace(p=next(ps), p_blind=next(ps)) for c in found]


def _shuffled(ways: Sequence[Way], seed: int) -> list[tuple[float, ...]]:
    """The features of other questions, whole; variants of one keep to one."""
    clusters = sorted({w.cluster for w in ways})
    given: dict[str, tuple[float, ...]] = {}
    for w in ways:
        given.setdefault(w.cluster, w.features)
    other = list(clusters)
    Random(seed).shuffle(other)
    of = dict(zip(clusters, other, strict=True))
    return [given[of[w.cluster]] for w in ways]


def _predicted(ways: Sequence[Way], features: Sequence[tuple[float, ...]]) -> Array:
    """The chance that each arm is right, (questions, arms), by models that had not seen the question."""
    import numpy as np

    fold = np.array(folds([w.cluster for w in ways], N_FOLDS))
    x = np.array(features)
    found = np.zeros((len(ways), len(ARMS)))
    for k in range(N_FOLDS):
        seen = fold != k
        middle, spread = x[seen].mean(axis=0), x[seen].std(axis=0)
        z = (x - middle) / np.where(spread > 0, spread, 1.0)
        for arm in range(len(ARMS)):
            rates = [w.right[arm] for w, s in zip(ways, seen, strict=True) if s]
            fitted = _of_rates(z[seen].tolist(), rates)
            odds = fitted.intercept + z[~seen] @ np.array(fitted.weights)
            found[~seen, arm] = 1 / (1 + np.exp(-odds))
    return found


def _of_rates(x: list[list[float]], rates: Sequence[float]) -> Fitted:
    """A logistic regression on how often questions are answered rightly."""
    rows = [(f, True, r) for f, r in zip(x, rates, strict=True) if r > 0]
    rows += [(f, False, 1 - r) for f, r in zip(x, rates, strict=True) if r < 1]
    return logistic([f for f, _, _ in rows], [y for _, y, _ in rows], [w for _, _, w in rows])


def _routed(chance: Array, tokens: Array, budget: float) -> NDArray[np.int64]:
    """The arm of each question, at the price of a token that comes closest to the budget."""
    import numpy as np

    cost = tokens.mean(axis=0)
    best: tuple[float, NDArray[np.int64]] | None = None
    for price in (0.0, *np.geomspace(1e-6, 1.0, 241)):
        chosen: NDArray[np.int64] = (chance - price * cost).argmax(axis=1)
        off = abs(float(_taken(tokens, chosen).mean()) - budget)
        if best is None or off < best[0]:
            best = off, chosen
    assert best is not None
    return best[1]


def _taken(values: Array, chosen: NDArray[np.int64]) -> Array:
    import numpy as np

    found: Array = np.take_along_axis(values, chosen[:, None], axis=1)[:, 0]
    return found


def _mixture(right: Array, tokens: Array, spent: float) -> Array:
    """Per question, the best mixture of two fixed choices that costs so much on average."""
    cost, accuracy = tokens.mean(axis=0), right.mean(axis=0)
    best = None
    for a in range(len(ARMS)):
        for b in range(len(ARMS)):
            low, high = cost[a], cost[b]
            if a != b and not (low < high and low <= spent <= high):
                continue
            if a == b and low > spent:
                continue
            part = 0.0 if a == b else (spent - low) / (high - low)
            value = (1 - part) * accuracy[a] + part * accuracy[b]
            if best is None or value > best[0]:
                best = value, (1 - part) * right[:, a] + part * right[:, b]
    if best is None:  # cheaper than every fixed choice: the cheapest
        return right[:, int(cost.argmin())]
    return best[1]


def _ahead(difference: Array, of: NDArray[np.int64]) -> tuple[tuple[float, float, float], float]:
    """A mean difference with its interval over original questions, and the p of its being 0."""
    import numpy as np

    sums = np.zeros((int(of.max()) + 1, 2))
    np.add.at(sums, of, np.stack([difference, np.ones(len(of))], axis=1))
    n = len(sums)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES) @ sums
    values = np.round(drawn[:, 0] / drawn[:, 1], 12)  # no difference is none, whatever the rounding
    low, high = (float(v) for v in np.quantile(values, (0.025, 0.975)))
    smaller = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return (float(difference.mean()), low, high), min(1.0, 2 * (1 + smaller) / (N_RESAMPLES + 1))
