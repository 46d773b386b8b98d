"""Intervals and tests: what may be said of a number, given how few problems it rests on.

Pure functions over counts and per-problem values; nothing here knows what a problem is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lorid_data.intervals import Z_95, Interval, wilson

_SIX_EXPECTED = 7.906
"""So many must be expected for six or more with probability 0.8 (Poisson)."""

__all__ = [
    "Z_95",
    "Interval",
    "bootstrap_mean",
    "bootstrap_ratio",
    "detectable_difference",
    "holm",
    "mcnemar_exact",
    "mean_normal",
    "paired_bootstrap",
    "wilson",
]


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact McNemar test on discordant pairs.

    Args:
        b: problems that only the first system got right.
        c: problems that only the second got right.

    Returns:
        The p-value in (0, 1]: twice the smaller tail of Binomial(b + c, 1/2), at most 1.

    Raises:
        ValueError: a count is negative.
    """
    if b < 0 or c < 0:
        msg = f"discordant counts {b!r} and {c!r}: neither may be negative"
        raise ValueError(msg)
    n, term, tail = b + c, 1, 0
    for i in range(min(b, c) + 1):
        tail += term
        term = term * (n - i) // (i + 1)
    return min(1.0, 2 * tail / (1 << n))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of p-values, in the order given (Holm 1979).

    Controls the chance of any false claim over the whole list, whatever the dependence.
    """
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return adjusted


def bootstrap_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    *,
    seed: int = 0,
    n_resamples: int = 10_000,
) -> Interval:
    """Percentile bootstrap interval of sum(numerators) / sum(denominators), 95 %.

    One pair per problem, problems resampled whole: with several draws or seeds a problem this is
    the bootstrap clustered by problem (Miller 2024, arXiv 2411.00640). Resampling n pairs with
    replacement is a multinomial draw over the distinct ones, which is how it is computed. The
    same seed gives the same interval. With no pair: [nan, nan].

    Raises:
        ValueError: the two are not of one length, or a denominator is not positive.
    """
    import numpy as np

    if len(numerators) != len(denominators) or any(d <= 0 for d in denominators):
        msg = f"{len(numerators)} numerators, {len(denominators)} denominators: one positive denominator each"
        raise ValueError(msg)
    if not numerators:
        return Interval(math.nan, math.nan)
    pairs = np.column_stack([numerators, denominators]).astype(np.float64)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    n = len(pairs)
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=n_resamples)
    sums = drawn @ distinct
    low, high = np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975))
    return Interval(float(low), float(high))


def bootstrap_mean(
    values: Sequence[float], *, seed: int = 0, n_resamples: int = 10_000
) -> Interval:
    """Percentile bootstrap interval of a mean, 95 %; one value per problem. See `bootstrap_ratio`."""
    return bootstrap_ratio(values, [1.0] * len(values), seed=seed, n_resamples=n_resamples)


def paired_bootstrap(
    first: Sequence[float], second: Sequence[float], *, seed: int = 0, n_resamples: int = 10_000
) -> Interval:
    """95 % interval of mean(first) − mean(second) on the same problems, in the same order.

    Raises:
        ValueError: the two are not of one length.
    """
    if len(first) != len(second):
        msg = f"{len(first)} and {len(second)} values: a pair needs the same problems on both sides"
        raise ValueError(msg)
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return bootstrap_mean(differences, seed=seed, n_resamples=n_resamples)


def mean_normal(values: Sequence[float]) -> Interval:
    """95 % interval of a mean by the central limit theorem; [nan, nan] with fewer than 2 values."""
    n = len(values)
    if n < 2:
        return Interval(math.nan, math.nan)
    mean = math.fsum(values) / n
    half = Z_95 * math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return Interval(mean - half, mean + half)


def detectable_difference(discordant_fraction: float, n: int) -> float:
    """About the smallest true difference that n pairs find with 80 % power at the 5 % level.

    By the normal approximation to McNemar's test, and never below what the exact test needs at
    best: six problems that differ, all in one direction. May exceed 1: no difference is enough.

    Args:
        discordant_fraction: the fraction of problems on which the two systems differ.
        n: the number of problems, at least 1.
    """
    return max((Z_95 + 0.8416212335729143) * math.sqrt(discordant_fraction / n), _SIX_EXPECTED / n)
