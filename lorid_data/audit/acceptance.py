"""What may be said after reading a sample: how many to read for which claim, and when to accept.

The unit is the original question: its variants carry one list, so reading a second of them says
nothing new. Which questions are read is decided by `lorid_data.sampling`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

CONFIDENCE = 0.95


def accept_probability(n: int, accepted: int, fraction: float) -> float:
    """The chance that a sample of `n` shows at most `accepted` defects where `fraction` are defective."""
    return math.fsum(
        math.comb(n, k) * fraction**k * (1 - fraction) ** (n - k) for k in range(accepted + 1)
    )


class Plan(NamedTuple):
    """Inspect `n`, accept with at most `accepted` defects."""

    n: int
    accepted: int


def acceptance_plan(
    good: float, bad: float, *, risk: float = 0.05, most: int = 2000
) -> Plan | None:
    """The smallest sample that tells two defect rates apart.

    Args:
        good: a rate that should be accepted, but for a chance of `risk`.
        bad: a rate that should be refused, but for a chance of `risk`.
        risk: both risks.
        most: the largest sample considered.

    Returns:
        None where no sample of at most `most` does.
    """
    accepted = 0
    for n in range(1, most + 1):
        while accept_probability(n, accepted, bad) <= risk and accepted < n:
            if accept_probability(n, accepted, good) >= 1 - risk:
                return Plan(n, accepted)
            if accept_probability(n, accepted + 1, bad) > risk:
                break
            accepted += 1
    return None


def n_for_claim(fraction: float, n_found: int, population: int | None = None) -> int | None:
    """How many to inspect so that `n_found` defects still support `at most this fraction`, 95 %.

    Exact: the smallest sample in which a population just above the fraction would show so few
    defects with a chance of at most 5 % (binomial, or hypergeometric where the population is
    known). None where even all of a population do not support it.
    """
    if population is None:
        n = n_found + 1
        while accept_probability(n, n_found, fraction) > 1 - CONFIDENCE:
            n += 1
        return n
    n_bad = math.floor(fraction * population + 1e-9) + 1
    if n_bad <= n_found:
        return None
    # What is enough for an endless population is enough for this one; larger binomials are slow.
    unlimited = n_for_claim(fraction, n_found)
    assert unlimited is not None
    low, high = n_found + 1, min(population, unlimited)
    while low < high:
        middle = (low + high) // 2
        if _few(middle, n_found, n_bad, population) <= 1 - CONFIDENCE:
            high = middle
        else:
            low = middle + 1
    return low


def _few(n: int, n_found: int, n_bad: int, population: int) -> float:
    """The hypergeometric chance of at most `n_found` of `n_bad` in a sample of `n`."""
    ways = sum(
        math.comb(n_bad, k) * math.comb(population - n_bad, n - k)
        for k in range(min(n_found, n) + 1)
        if n - k <= population - n_bad
    )
    return ways / math.comb(population, n)


CLAIMS = (0.1, 0.05, 0.03, 0.02, 0.01)


def claims(population: int) -> list[dict[str, float | int | None]]:
    """For each claim, how many of a folder's original questions to read, by defects found."""
    return [
        {
            "max_fraction": claim,
            **{f"n_if_{found}": n_for_claim(claim, found, population) for found in (0, 1, 2)},
            "n_if_0_unlimited": n_for_claim(claim, 0),
        }
        for claim in CLAIMS
    ]
