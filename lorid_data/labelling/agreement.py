"""How far two annotators agree: raw agreement, Cohen's kappa, Gwet's AC1, each with an interval.

Pure functions over a square table of counts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from lorid_data.intervals import wilson
from lorid_data.labelling.types import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tables = NDArray[np.float64]

N_RESAMPLES = 2_000
UNDEFINED = Estimate(value=None, ci_low=None, ci_high=None)


def cross_table(
    pairs: Iterable[tuple[Hashable, Hashable]], categories: Sequence[Hashable]
) -> tuple[tuple[int, ...], ...]:
    """Counts by the first annotator's category (row) and the second's (column).

    Raises:
        KeyError: a category that is not listed.
    """
    place = {c: i for i, c in enumerate(categories)}
    counts = [[0] * len(place) for _ in place]
    for a, b in pairs:
        counts[place[a]][place[b]] += 1
    return tuple(map(tuple, counts))


def raw_agreement(table: Sequence[Sequence[int]]) -> Estimate:
    """The fraction of samples on which both say the same, with a Wilson interval."""
    n = sum(map(sum, table))
    if n == 0:
        return UNDEFINED
    n_equal = sum(table[i][i] for i in range(len(table)))
    low, high = wilson(n_equal, n)
    return Estimate(value=n_equal / n, ci_low=low, ci_high=high)


def cohen_kappa(table: Sequence[Sequence[int]]) -> Estimate:
    """Agreement beyond chance, chance being each annotator's own habits (Cohen 1960).

    Not defined where both put everything into one category: no chance is left to be beaten, and 1
    would be a lie.
    """
    return _estimate(table, _kappa)


def gwet_ac1(table: Sequence[Sequence[int]]) -> Estimate:
    """Agreement beyond chance with Gwet's chance term (Gwet 2008, eq. 6 and 7).

    Chance agreement is Σ π(1 − π) / (categories − 1), π being the mean of both annotators'
    shares, so that a rare category does not drive the coefficient to zero.
    """
    return _estimate(table, _ac1)


def _kappa(tables: Tables) -> Tables:
    """Cohen's kappa of each of many tables of fractions; NaN where it is not defined."""
    import numpy as np

    agreed = np.trace(tables, axis1=1, axis2=2)
    chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1)
    left = 1 - chance
    defined = left > 1e-12
    return np.where(defined, (agreed - chance) / np.where(defined, left, 1), np.nan)


def _ac1(tables: Tables) -> Tables:
    """Gwet's AC1 of each of many tables of fractions."""
    import numpy as np

    agreed = np.trace(tables, axis1=1, axis2=2)
    share = (tables.sum(axis=2) + tables.sum(axis=1)) / 2
    chance = (share * (1 - share)).sum(axis=1) / (tables.shape[1] - 1)
    return np.asarray((agreed - chance) / (1 - chance))


def _estimate(table: Sequence[Sequence[int]], of: Callable[[Tables], Tables]) -> Estimate:
    """The coefficient, with a percentile interval of 2,000 resamples of the samples (seed 0)."""
    import numpy as np

    counts = np.asarray(table, dtype=np.float64)
    n = int(counts.sum())
    if n == 0:
        return UNDEFINED
    value = float(of(counts[None] / n)[0])
    if not np.isfinite(value):
        return UNDEFINED
    drawn = np.random.default_rng(0).multinomial(n, counts.ravel() / n, size=N_RESAMPLES)
    found = of(drawn.reshape(-1, *counts.shape) / n)
    found = found[np.isfinite(found)]
    # Where many resamples leave it undefined, the others say nothing about its spread.
    if len(found) < 0.95 * N_RESAMPLES:
        return Estimate(value=value, ci_low=None, ci_high=None)
    low, high = np.quantile(found, [0.025, 0.975])
    if (
        high - low < 1e-12
    ):  # all resamples agree because a category is missing, not because much is known
        return Estimate(value=value, ci_low=None, ci_high=None)
    return Estimate(value=value, ci_low=float(low), ci_high=float(high))
