"""Which rows a person or a judge looks at: seeded draws.

A draw ranks identifiers by a hash of the seed and themselves. It does not depend on the order of
the rows, and a larger draw with the same seed contains the smaller one.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable

from lorid_data.intervals import Interval, wilson

__all__ = ["Draw", "Interval", "draw_by_original", "ranked", "wilson"]


def ranked(ids: Iterable[str], seed: int, salt: str = "") -> list[str]:
    """The distinct ids in the random order of a seed.

    Args:
        ids: identifiers; repeated ones count once.
        seed: the same seed and ids give the same order.
        salt: another salt gives another order under the same seed.
    """
    keys = {i: _key(i, seed, salt) for i in ids}
    return sorted(keys, key=keys.__getitem__)


def _key(item: str, seed: int, salt: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{salt}\n{item}".encode()).digest()


class Draw:
    """The first `n` of `ranked`, of ids that come one by one: no more than these are held."""

    def __init__(self, n: int, seed: int, salt: str = "") -> None:
        self._n, self._seed, self._salt = n, seed, salt
        self._held: set[str] = set()
        # The last of them lies on top: it is what another one pushes out.
        self._last_first: list[tuple[int, str]] = []

    def __contains__(self, item: str) -> bool:
        return item in self._held

    def add(self, item: str) -> str | None:
        """Take an id in, and give back the one that falls out for it, if any; it may be this one."""
        if item in self._held:
            return None
        entry = (-int.from_bytes(_key(item, self._seed, self._salt)), item)
        self._held.add(item)
        if len(self._held) <= self._n:
            heapq.heappush(self._last_first, entry)
            return None
        out = heapq.heappushpop(self._last_first, entry)[1]
        self._held.discard(out)
        return out

    def result(self) -> list[str]:
        """The ids drawn so far, in their order."""
        return [item for _, item in sorted(self._last_first, reverse=True)]


def draw_by_original(rows: Iterable[tuple[str, str]], n: int, seed: int) -> list[str]:
    """One row each of `n` original questions, in the order of the draw.

    Rows of one original share their knowledge and are not independent, so the original is the
    unit: drawn uniformly, then one of its rows. Of all rows no more than `n` are held.

    Args:
        rows: (row_id, original_id) of every row.
        n: how many originals; all of them where there are fewer.
        seed: see `ranked`.

    Returns:
        Row ids, at most `n`.
    """
    drawn = Draw(n, seed)
    best: dict[str, tuple[bytes, str]] = {}
    for row_id, original in rows:
        out = drawn.add(original)
        if out is not None:
            best.pop(out, None)  # it never comes back: what is in front of it stays there
        if original in drawn:
            row = (_key(row_id, seed, "row"), row_id)
            best[original] = min(best.get(original, row), row)
    return [best[original][1] for original in drawn.result()]
