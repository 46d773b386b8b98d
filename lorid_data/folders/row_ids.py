"""Row ids of many rows: unique in a file, and by occurrence, without the rows being held.

What is held is a hash of 8 bytes a row. Two rows may share one by chance: those rows, and those
that are equal, are then looked at whole, so that what is said of them is exact.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lorid_data.schema import Problem, Record, occurrence_key, sha256_text

Key = tuple[str, str, str, str, str]
KEY = ("source", "split", "original_id", "problem_id", "rationale")
"""The columns that decide a row's id, but for its occurrence."""


def repeated(hashes: Any) -> set[int]:
    """Those of many 64-bit hashes that occur more than once.

    Args:
        hashes: a numpy array of uint64; it is sorted in place.
    """
    hashes.sort()
    return set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())


class Occurrences:
    """The ids of `schema.row_ids`, in two passes over the same rows: `look` at all, then ask for `ids`.

    In between, 8 bytes a row are held, and a counter for each row that is repeated.
    """

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._repeated: set[int] | None = None
        self._n_seen: dict[bytes, int] = {}

    def look(self, rows: Iterable[Problem | Record | Key]) -> None:
        """Take note of rows, or of their keys: the first pass."""
        self._hashes.extend(_short(occurrence_key(*_key(row))[1]) for row in rows)

    def ids(self, rows: Iterable[Problem | Record | Key]) -> Iterator[str]:
        """The id of each row: the second pass, over the rows in their order, in as many calls as there are batches."""
        if self._repeated is None:
            hashes = np.frombuffer(self._hashes, np.uint64) if self._hashes else None
            self._repeated = set() if hashes is None else repeated(hashes)
            self._hashes = array("Q")
        for row in rows:
            key, digest = occurrence_key(*_key(row))
            occurrence = 0
            if _short(digest) in self._repeated:
                self._n_seen[digest] = occurrence = self._n_seen.get(digest, -1) + 1
            yield sha256_text(f"{key},{occurrence}]")


def _key(row: Problem | Record | Key) -> Key:
    if isinstance(row, tuple):
        return row
    return row.source, row.split, row.original_id, row.problem_id, row.rationale


def keys_of(table: Any) -> Iterator[Key]:
    """The key of each row of an Arrow table that has the columns `KEY`."""
    return zip(*(table[name].to_pylist() for name in KEY), strict=True)


def _short(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "little")
