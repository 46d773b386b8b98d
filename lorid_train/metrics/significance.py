"""Tests of significance: McNemar's exact test, Holm's adjustment, and what few problems can show."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lorid_data.intervals import Z_95

ALPHA = 0.05
"""A difference counts as outside noise where its adjusted p-value is below it."""
_SIX_EXPECTED = 7.906
"""So many must be expected for six or more with probability 0.8 (Poisson)."""


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


def fewest_pairs(n_tests: int = 1) -> int:
    """The fewest pairs of which the exact test can find any difference at all.

    Below it the test has no power: were every pair won by the same side, Holm's adjustment over
    `n_tests` would still leave p at `ALPHA` or above, so that "within noise" would be said whatever
    the systems do. One test needs 6, seven need 9.

    Args:
        n_tests: comparisons of the family, at least 1.
    """
    n = 1
    while n_tests * mcnemar_exact(n, 0) >= ALPHA:
        n += 1
    return n


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of p-values, in the order given (Holm 1979).

    Controls the chance of any false claim over the whole list, whatever the dependence.
    """
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return adjusted


def detectable_difference(discordant_fraction: float, n: int) -> float:
    """About the smallest true difference that n pairs find with 80 % power at the 5 % level.

    By the normal approximation to McNemar's test, and never below what the exact test needs at
    best: six problems that differ, all in one direction. May exceed 1: no difference is enough.

    Args:
        discordant_fraction: the fraction of problems on which the two systems differ.
        n: the number of problems, at least 1.
    """
    return max((Z_95 + 0.8416212335729143) * math.sqrt(discordant_fraction / n), _SIX_EXPECTED / n)
