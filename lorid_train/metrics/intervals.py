"""Intervals: what may be said of a number, given how few problems it rests on.

Pure functions over counts and per-problem values; nothing here knows what a problem is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lorid_data.intervals import Z_95, Interval, wilson

__all__ = [
    "Z_95",
    "Interval",
    "bootstrap_mean",
    "bootstrap_ratio",
    "is_known",
    "mean_normal",
    "paired_bootstrap",
    "paired_interval",
    "wilson",
]


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


def is_known(interval: Interval) -> bool:
    """Whether an interval says anything: one without width comes of values that are all alike.

    A resampling of equal values gives the same value each time, which shows that nothing was seen
    of how they vary, and not that they do not.
    """
    return interval.high - interval.low > 1e-12


def paired_interval(
    first: Sequence[float], second: Sequence[float], *, seed: int = 0, n_resamples: int = 10_000
) -> tuple[Interval, str]:
    """95 % interval of mean(first) − mean(second), and how it was computed.

    A paired bootstrap where the values leave it anything to resample. Where a side is right on all
    problems or on none, or the two differ by the same amount on each, it would promise too much:
    there Newcombe's score interval for paired fractions (1998, method 10), or Wilson's of 0 in n
    around the difference where problems have several seeds.

    Raises:
        ValueError: the two are not of one length.
    """
    if first and len(first) == len(second):
        differences = {a - b for a, b in zip(first, second, strict=True)}
        whole = all(v in (0.0, 1.0) for v in (*first, *second))
        if whole and (len(differences) == 1 or len(set(first)) == 1 or len(set(second)) == 1):
            return _newcombe(first, second), "newcombe-paired"
        if len(differences) == 1:
            [d], half = differences, wilson(0, len(first)).high
            return Interval(max(-1.0, d - half), min(1.0, d + half)), "wilson over problems"
    return paired_bootstrap(first, second, seed=seed, n_resamples=n_resamples), "paired-bootstrap"


def _newcombe(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Newcombe's method 10: Wilson's intervals of both fractions, joined by their correlation."""
    n = len(first)
    pairs = list(zip(first, second, strict=True))
    both, neither = sum(a == b == 1 for a, b in pairs), sum(a == b == 0 for a, b in pairs)
    x, y = int(sum(first)), int(sum(second))
    p, q = x / n, y / n
    (l1, u1), (l2, u2) = wilson(x, n), wilson(y, n)
    product = x * (n - x) * y * (n - y)
    cross = both * neither - (x - both) * (y - both)
    corrected = max(cross - n / 2, 0.0) if cross > 0 else float(cross)
    phi = corrected / math.sqrt(product) if product else 0.0
    low = (p - l1) ** 2 - 2 * phi * (p - l1) * (u2 - q) + (u2 - q) ** 2
    high = (q - l2) ** 2 - 2 * phi * (q - l2) * (u1 - p) + (u1 - p) ** 2
    return Interval(
        max(-1.0, p - q - math.sqrt(max(0.0, low))), min(1.0, p - q + math.sqrt(max(0.0, high)))
    )


def mean_normal(values: Sequence[float]) -> Interval:
    """95 % interval of a mean by the central limit theorem; [nan, nan] with fewer than 2 values."""
    n = len(values)
    if n < 2:
        return Interval(math.nan, math.nan)
    mean = math.fsum(values) / n
    half = Z_95 * math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return Interval(mean - half, mean + half)
