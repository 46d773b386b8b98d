"""Which rows of a dataset must stay together, and which of them are drawn for a split; pure.

No text is held for each row: an id is 16 bytes of its sha256 while rows are compared, and then a
number. Ids that differ there differ; that two share 16 bytes is not to be expected of any dataset.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from lorid_data.schema import Record

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int8]
"""For each block the place of its split in `SPLITS`."""
SPLITS = ("train", "test", "validation")


class Blocks:
    """The block of each row: `look` at all rows, `settle`, and `rank` them by the names of the blocks.

    Rows of one original question, of one question, and of one value of a column are in one block,
    and so are rows that others tie together: a variant whose text is a question of another original
    ties the two. A block has the smallest id of an original question in it for its name.

    Attributes:
        of_row: the block of each row, a number from 0.
        n_originals: original questions of each block.
        n_rows: rows of each block.
    """

    def __init__(self) -> None:
        self._originals, self._problems, self._values = array("Q"), array("Q"), array("Q")
        self._named = array("b")
        self.of_row: I64 = np.zeros(0, np.int64)
        self.n_originals: I64 = np.zeros(0, np.int64)
        self.n_rows: I64 = np.zeros(0, np.int64)

    def look(
        self, originals: Sequence[str], problems: Sequence[str], values: Sequence[str | None]
    ) -> None:
        """Take note of rows.

        Args:
            originals: the id of each row's original question.
            problems: the id of its question.
            values: what else rows must stay together for; None where they have nothing in common.
        """
        self._originals.extend(n for text in originals for n in _halves(text))
        self._problems.extend(n for text in problems for n in _halves(text))
        self._values.extend(n for text in values for n in _halves(text or ""))
        self._named.extend(text is not None for text in values)

    def settle(self) -> None:
        """Find the blocks of all rows that were looked at."""
        n = len(self._named)
        ids, n_ids = _numbered(np.concatenate([_pairs(self._originals), _pairs(self._problems)]))
        originals, problems = ids[:n], ids[n:]
        named = np.frombuffer(self._named, np.int8).astype(bool)
        values, n_values = _numbered(_pairs(self._values)[named])
        ties = np.concatenate(
            [
                np.stack([originals, problems], 1),
                np.stack([originals[named], values + n_ids], 1),
            ]
        )
        roots = _joined(ties, n_ids + n_values)
        _, self.of_row = np.unique(roots[originals], return_inverse=True)
        n_blocks = int(self.of_row.max()) + 1 if n else 0
        self.n_rows = np.bincount(self.of_row, minlength=n_blocks)
        _, first = np.unique(originals, return_index=True)
        self.n_originals = np.bincount(self.of_row[first], minlength=n_blocks)
        self._originals, self._problems, self._values = array("Q"), array("Q"), array("Q")

    def names(self, originals: Iterable[str]) -> Names:
        """The names of the blocks, from a second pass over the originals' ids, in the order of the rows."""
        return Names(self, originals)


class Names:
    """The name of each block, and from it the place of the block in an order by hash."""

    def __init__(self, blocks: Blocks, originals: Iterable[str]) -> None:
        self._least: list[bytes] = [b""] * len(blocks.n_rows)
        for block, text in zip(blocks.of_row.tolist(), originals, strict=True):
            least = self._least[block]
            if not least or text < _unpacked(least):
                self._least[block] = _packed(text)

    def __getitem__(self, block: int) -> str:
        return _unpacked(self._least[block])

    def order(self, key: str) -> U64:
        """A number of 128 bits for each block, in two columns: the beginning of the hash of `key` and its name."""
        halves = array("Q")
        for name in self._least:
            halves.extend(_halves(f"{key}/{_unpacked(name)}"))
        return _pairs(halves)


def _packed(text: str) -> bytes:
    """A text as bytes, 64 hexadecimal digits as half as many; never empty."""
    if len(text) == 64:
        try:
            packed = bytes.fromhex(text)
        except ValueError:
            pass
        else:
            if packed.hex() == text:
                return b"h" + packed
    return b"t" + text.encode("utf-8")


def _unpacked(name: bytes) -> str:
    return name[1:].hex() if name[:1] == b"h" else name[1:].decode("utf-8")


def _halves(text: str) -> tuple[int, int]:
    """The first 16 bytes of a text's sha256 as two numbers, in whose order it is that of the digits."""
    digest = sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")


def _pairs(halves: array[int]) -> U64:
    return (
        np.frombuffer(halves, np.uint64).reshape(-1, 2) if halves else np.zeros((0, 2), np.uint64)
    )


def _numbered(pairs: U64) -> tuple[I64, int]:
    """A number from 0 for each pair, equal for equal ones, and how many there are."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    in_order = pairs[order]
    is_new = np.append(False, (in_order[1:] != in_order[:-1]).any(axis=1))[: len(pairs)]
    numbers = np.empty(len(pairs), np.int64)
    numbers[order] = np.cumsum(is_new)
    return numbers, int(is_new.sum()) + bool(len(pairs))


def _joined(ties: I64, n: int) -> I64:
    """For each of `n` things one that stands for all that are tied to it, directly or over others."""
    parent = array("q", range(n))

    def root(thing: int) -> int:
        while (above := parent[thing]) != thing:
            parent[thing] = parent[above]
            thing = parent[above]
        return thing

    ties = np.unique(ties[ties[:, 0] != ties[:, 1]], axis=0)
    for a, b in zip(ties[:, 0].tolist(), ties[:, 1].tolist(), strict=True):
        one, other = root(a), root(b)
        parent[max(one, other)] = min(one, other)
    roots = np.frombuffer(parent, np.int64) if n else np.zeros(0, np.int64)
    while (above := roots[roots]).tobytes() != roots.tobytes():
        roots = above
    return roots


def draw(sizes: I64, order: U64, n_wanted: int) -> Mask:
    """Blocks with about `n_wanted` questions in all, the same for the same seed whatever their order.

    Blocks are taken in their order. One that would lead further away from what is wanted than
    leaving it out is passed over, so that with blocks of one question the number is exact, and a
    larger wish holds what a smaller one held.

    Args:
        sizes: original questions of each block; 0 for one that is not to be drawn.
        order: the place of each block, as `Names.order` gives it.
        n_wanted: how many questions.
    """
    chosen = np.zeros(len(sizes), bool)
    n = 0
    for block in np.lexsort((order[:, 1], order[:, 0])).tolist():
        if n >= n_wanted:
            break
        size = int(sizes[block])
        if size and (abs(n + size - n_wanted) < n_wanted - n or not n):
            chosen[block] = True
            n += size
    return chosen


def assigned(blocks: Blocks, names: Names, *, test: float, validation: float, seed: int) -> Places:
    """The split of each block, as a place in `SPLITS`.

    Args:
        blocks: of rows of one split.
        names: of the blocks.
        test: share of the original questions that are tested on.
        validation: share that is validated on; drawn from what is left.
        seed: which are drawn.
    """
    n = int(blocks.n_originals.sum())
    of = np.zeros(len(blocks.n_rows), np.int8)
    for i, share in ((1, test), (2, validation)):
        if share > 0:
            left = np.where(of == 0, blocks.n_originals, 0)
            of[draw(left, names.order(f"{seed}/{SPLITS[i]}"), round(share * n))] = i
    return of


def blocks_of(records: Sequence[Record], by: str) -> list[str]:
    """The block of each of a few rows, by its name; `by` is a column whose values stay together as well."""
    blocks = Blocks()
    originals = [r.original_id for r in records]
    blocks.look(originals, [r.problem_id for r in records], [getattr(r, by) for r in records])
    blocks.settle()
    names = blocks.names(originals)
    return [names[block] for block in blocks.of_row.tolist()]
