"""Intervals: what may be said of a fraction, given how few rows it rests on.

Pure functions over counts; nothing here knows what is counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


class Interval(NamedTuple):
    """A 95 % interval, ends included."""

    low: float
    high: float


def wilson(n_correct: float, n: float) -> Interval:
    """The Wilson score interval of a fraction, 95 % (Wilson 1927).

    Stays inside [0, 1] and is sensible at 0 and n, unlike value ± 1.96 SE. With n = 0 nothing is
    known: [0, 1]. Counts need not be whole: `effective_n` gives what clustered rows are worth.

    Raises:
        ValueError: not 0 <= n_correct <= n.
    """
    if not 0 <= n_correct <= n:
        msg = f"{n_correct!r} correct of {n!r}: counts must satisfy 0 <= n_correct <= n"
        raise ValueError(msg)
    if n == 0:
        return Interval(0.0, 1.0)
    p, z2 = n_correct / n, Z_95 * Z_95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # At the ends rounding would leave 1e-17 where the formula gives 0 or 1 exactly.
    low = 0.0 if n_correct == 0 else max(0.0, centre - half)
    high = 1.0 if n_correct == n else min(1.0, centre + half)
    return Interval(low, high)


@cache
def beta_posterior(n_right: int, n: int) -> Interval:
    """95 % of the posterior of a fraction, ends cut equally, from a flat prior: Beta(1 + k, 1 + n - k).

    It does not depend on why one stopped drawing, as a confidence interval does. With whole
    parameters the distribution function is a binomial tail, P(at most k of n + 1), so that sums do.

    Raises:
        ValueError: not 0 <= n_right <= n.
    """
    if not 0 <= n_right <= n:
        msg = f"{n_right!r} right of {n!r}: counts must satisfy 0 <= n_right <= n"
        raise ValueError(msg)

    def above(x: float) -> float:
        """The posterior probability that the fraction is above x."""
        return math.fsum(
            math.exp(
                math.lgamma(n + 2) - math.lgamma(i + 1) - math.lgamma(n + 2 - i)
                + i * math.log(x) + (n + 1 - i) * math.log1p(-x)
            )
            for i in range(n_right + 1)
        )  # fmt: skip

    def quantile(p: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if above(middle) > 1 - p else (low, middle)
        return (low + high) / 2

    return Interval(quantile(0.025), quantile(0.975))


def effective_n(clusters: Sequence[tuple[int, int]]) -> float:
    """How many independent items clustered items are worth, for the fraction that is flagged.

    The variance of the ratio over clusters (Cochran 1977, eq. 6.13) against that of as many
    independent items. Never more than the items; the number of clusters where nothing, everything
    or a single cluster was seen, since no variance can be estimated from it.

    Args:
        clusters: per cluster how many items were flagged, of how many (at least 1).
    """
    k, n = len(clusters), sum(size for _, size in clusters)
    n_flagged = sum(flagged for flagged, _ in clusters)
    if k < 2 or n_flagged in (0, n):
        return float(k)
    p = n_flagged / n
    spread = sum((flagged - p * size) ** 2 for flagged, size in clusters)
    variance = k / (k - 1) * spread / (n * n)
    return float(n) if variance == 0 else min(float(n), p * (1 - p) / variance)


class Corrected(NamedTuple):
    """A prevalence corrected for the errors of whoever judged, with its 95 % interval."""

    value: float
    low: float
    high: float


def rogan_gladen(
    apparent: tuple[float, float], sensitive: tuple[int, int], specific: tuple[int, int]
) -> Corrected | None:
    """The true fraction behind an apparent one, given how often the judge errs.

    The estimate is Rogan and Gladen's (1978), clipped to [0, 1]; the interval that of Lang and
    Reiczigel (2014), which allows for the uncertainty of all three fractions.

    Args:
        apparent: items flagged, of how many (fractions where they are clustered).
        sensitive: items with a known defect that were flagged, of how many.
        specific: items known to be good that were passed, of how many.

    Returns:
        None where the judge is not seen to be better than chance, or nothing was counted.
    """
    if min(apparent[1], sensitive[1], specific[1]) <= 0:
        return None
    if sensitive[0] / sensitive[1] + specific[0] / specific[1] <= 1:
        return None
    value = (apparent[0] / apparent[1] + specific[0] / specific[1] - 1) / (
        sensitive[0] / sensitive[1] + specific[0] / specific[1] - 1
    )
    z2 = Z_95 * Z_95
    n, n_se, n_sp = apparent[1] + z2, sensitive[1] + 2, specific[1] + 2
    ap, se, sp = (apparent[0] + z2 / 2) / n, (sensitive[0] + 1) / n_se, (specific[0] + 1) / n_sp
    if se + sp <= 1:
        return None
    p = (ap + sp - 1) / (se + sp - 1)
    var_se, var_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * z2 * (p * var_se - (1 - p) * var_sp)
    half = Z_95 / (se + sp - 1) * math.sqrt(
        ap * (1 - ap) / n + p * p * var_se + (1 - p) ** 2 * var_sp
    )  # fmt: skip
    low, high = _clip(p + shift - half), _clip(p + shift + half)
    # The interval is centred on another estimate than the value; at the ends it may miss it.
    return Corrected(_clip(value), min(low, _clip(value)), max(high, _clip(value)))


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
