"""Which rows a person looks at, and what may be said from a sample: seeded draws, Wilson intervals.

A draw ranks identifiers by a hash of the seed and themselves. It does not depend on the order of
the rows, and a larger draw with the same seed contains the smaller one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


class Interval(NamedTuple):
    """A 95 % interval of a fraction, ends included."""

    low: float
    high: float


def wilson(n_hits: int, n: int) -> Interval:
    """The Wilson score interval of `n_hits / n`, 95 % (Wilson 1927); [0, 1] for n = 0.

    Raises:
        ValueError: not 0 <= n_hits <= n.
    """
    if not 0 <= n_hits <= n:
        msg = f"{n_hits!r} of {n!r}: counts must satisfy 0 <= n_hits <= n"
        raise ValueError(msg)
    if n == 0:
        return Interval(0.0, 1.0)
    p, z2 = n_hits / n, Z_95 * Z_95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # At the ends rounding would leave 1e-17 where the formula gives 0 or 1 exactly.
    low = 0.0 if n_hits == 0 else max(0.0, centre - half)
    high = 1.0 if n_hits == n else min(1.0, centre + half)
    return Interval(low, high)


def ranked(ids: Iterable[str], seed: int, salt: str = "") -> list[str]:
    """The distinct ids in the random order of a seed.

    Args:
        ids: identifiers; repeated ones count once.
        seed: the same seed and ids give the same order.
        salt: another salt gives another order under the same seed.
    """
    keys = {i: hashlib.sha256(f"{seed}\n{salt}\n{i}".encode()).digest() for i in ids}
    return sorted(keys, key=keys.__getitem__)


def draw_by_original(rows: Iterable[tuple[str, str]], n: int, seed: int) -> list[str]:
    """One row each of `n` original questions, in the order of the draw.

    Rows of one original share their knowledge and are not independent, so the original is the
    unit: drawn uniformly, then one of its rows.

    Args:
        rows: (row_id, original_id) of every row.
        n: how many originals; all of them where there are fewer.
        seed: see `ranked`.

    Returns:
        Row ids, at most `n`.
    """
    by_original: dict[str, list[str]] = {}
    for row_id, original_id in rows:
        by_original.setdefault(original_id, []).append(row_id)
    chosen = ranked(by_original, seed)[:n]
    return [ranked(by_original[original], seed, "row")[0] for original in chosen]
