"""Which question each row of a table is a variant of, found by hashes: 16 bytes of an id, 32 of a question.

What is held of a row with an id is at most 100 bytes, whatever its texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lorid_data.schema import canonical_json

if TYPE_CHECKING:
    import numpy as np

_KEY, _ID = 16, 32
"""Bytes of the hash of an id, and of a problem_id."""
_WHOLE = re.compile(r"(-?[0-9]+)\.0+")
Twice = Callable[[int], Exception]
"""The error for the row whose id stands twice, or which names what is not there, by its number among those added."""


def whole_id(text: str) -> str | None:
    """`7` of `7.0`, which is how pandas writes a whole number beside an empty cell; None of any other text."""
    match = _WHOLE.fullmatch(text)
    return None if match is None else "0" if match[1] == "-0" else match[1]


class _Ids:
    """An id a row, of some rows: its hash, and the number of the row."""

    def __init__(self) -> None:
        self._keys, self._rows = bytearray(), bytearray()

    def add(self, row: int, *parts: str | None) -> None:
        self._keys += blake2b(canonical_json(parts).encode(), digest_size=_KEY).digest()
        self._rows += row.to_bytes(8, "little")

    def arrays(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Two numbers for each id, which are its hash, and the rows."""
        import numpy as np

        keys = np.frombuffer(bytes(self._keys), np.uint64).reshape(-1, 2)
        return keys, np.frombuffer(bytes(self._rows), np.int64)


class Links:
    """The problem_id of each row's original; by default the row's own."""

    def __init__(self) -> None:
        self._own, self._named = _Ids(), _Ids()
        self._own_whole, self._named_whole = _Ids(), _Ids()
        """Of those of both that are texts like `7.0`: the whole number."""
        self._problem_ids = bytearray()
        self._stated = bytearray()
        """What the rows of `_named` would be if no row has that id: a problem_id, or nothing."""
        self.n_rows = 0
        self._originals: np.ndarray[Any, Any] | None = None

    def add(
        self, problem_id: str, own: tuple[str | None, ...] | None, named: str | None, stated: str | None
    ) -> None:  # fmt: skip
        """Take note of a row.

        Args:
            problem_id: of its question.
            own: its id, and what it is an id within; None where it has none.
            named: the id of its original; None where it names none.
            stated: `named` where it is a problem_id.
        """
        if own is not None:
            self._own.add(self.n_rows, *own)
            if len(own) == 1 and own[0] is not None and (whole := whole_id(own[0])):
                self._own_whole.add(self.n_rows, whole)
        if named is not None:
            if whole := whole_id(named):
                self._named_whole.add(self.n_rows, whole)
            self._named.add(self.n_rows, named)
            self._stated += b"\1" + bytes.fromhex(stated) if stated else bytes(1 + _ID)
        self._problem_ids += bytes.fromhex(problem_id)
        self.n_rows += 1

    def variants(self) -> int:
        """Rows of one id are variants of the first of them; how many are of another question than their own."""
        import numpy as np

        keys, rows = self._own.arrays()
        ids = self._ids()
        originals = ids.copy()
        if len(rows):
            order, starts = _groups(keys)
            firsts = rows[order[starts]]
            group = np.cumsum(starts) - 1
            originals[rows[order]] = ids[firsts[group]]
        self._originals = originals
        return int((originals != ids).any(axis=1).sum())

    def named(self, twice: Twice, unknown: Twice) -> None:
        """Each row's original is the row whose id it names, or the problem_id that it states.

        Raises:
            Exception: what `twice` makes of a row whose id another question has, or `unknown` of one
                that names neither.
        """
        import numpy as np

        own, rows = self._own.arrays()
        named, at = self._named.arrays()
        ids = self._ids()
        originals = ids.copy()
        owner = _owners(own, rows, named)
        owned_by, by = owner[: len(own)], owner[len(own) :]
        wrong = (ids[rows] != ids[owned_by]).any(axis=1)
        if wrong.any():
            raise twice(int(rows[wrong].min()))
        stated = np.frombuffer(bytes(self._stated), np.uint8).reshape(-1, 1 + _ID)
        lost = (by < 0) & (stated[:, 0] == 0)
        if lost.any():
            by = np.where(lost, self._as_numbers(), by)
            lost &= by < 0
        if lost.any():
            raise unknown(int(at[lost].min()))
        originals[at] = np.where((by >= 0)[:, None], ids[by], stated[:, 1:])
        self._originals = originals

    def _as_numbers(self) -> np.ndarray[Any, Any]:
        """For each row that names another, the row of that id where 7.0 is 7; -1 where there is none.

        Asked only of what would be no row's id otherwise: a table in which 7 and 7.0 are two ids
        stays one.
        """
        import numpy as np

        own, rows = self._own.arrays()
        named, at = self._named.arrays()
        own_whole, rows_whole = self._own_whole.arrays()
        named_whole, at_whole = self._named_whole.arrays()
        found = np.full(self.n_rows, -1)
        found[at_whole] = _owners(own, rows, named_whole)[len(own) :]
        by = _owners(own_whole, rows_whole, named)[len(own_whole) :]
        return np.where(by >= 0, by, found[at])

    def original(self, row: int) -> str | None:
        """The problem_id of a row's original; None where it is its own."""
        if self._originals is None:
            return None
        return bytes(self._originals[row]).hex()

    def _ids(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.frombuffer(bytes(self._problem_ids), np.uint8).reshape(-1, _ID)


def _owners(
    own: np.ndarray[Any, Any], rows: np.ndarray[Any, Any], named: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """The first of `rows` whose key each of `own` and then of `named` is; -1 where it is none's."""
    import numpy as np

    # The rows that have an id come before those that name it, in their order.
    order, starts = _groups(np.concatenate([own, named]))
    leaders = order[starts][np.cumsum(starts) - 1]
    of_leader = np.concatenate([rows, [-1]])[np.minimum(leaders, len(own))]
    found = np.empty(len(order), np.int64)
    found[order] = of_leader
    return found


def _groups(keys: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows ordered by key, equal ones in their order; and where in that order another key begins."""
    import numpy as np

    order = np.lexsort((keys[:, 0], keys[:, 1]))
    there = keys[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (there[1:] != there[:-1]).any(axis=1)
    return order, starts
