"""Which rows a person or a judge looks at: seeded draws.

A draw ranks identifiers by a hash of the seed and themselves. It does not depend on the order of
the rows, and a larger draw with the same seed contains the smaller one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from lorid_data.intervals import Interval, wilson

__all__ = ["Interval", "draw_by_original", "ranked", "wilson"]


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
