"""Which rows of a dataset must stay together, and which of them are drawn for a split; pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from lorid_data.schema import Record, sha256_text


def blocks_of(records: Sequence[Record], by: str) -> list[str]:
    """The block of each row: the smallest id of an original question in it.

    Rows of one original question, of one question, and of one value of the column `by` are in one
    block, and so are rows that others tie together: a variant whose text is a question of another
    original ties the two.
    """
    parent: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        path = []
        while (above := parent.setdefault(key, key)) != key:
            path.append(key)
            key = above
        for k in path:
            parent[k] = key
        return key

    for r in records:
        home = root(("original", r.original_id))
        value = getattr(r, by)
        tied = [("original", r.problem_id)]
        if value is not None:  # rows without a value have nothing in common
            tied.append((by, value))
        for key in tied:
            parent[root(key)] = home
    least: dict[Hashable, str] = {}
    for r in records:
        block = root(("original", r.original_id))
        least[block] = min(least.get(block, r.original_id), r.original_id)
    return [least[root(("original", r.original_id))] for r in records]


def draw(sizes: dict[str, int], n_wanted: int, key: str) -> set[str]:
    """Blocks with about `n_wanted` questions in all, the same for the same seed whatever their order.

    Blocks are taken in the order of the hash of `key` and their id. One that would lead further
    away from what is wanted than leaving it out is passed over, so that with blocks of one question
    the number is exact, and a larger wish holds what a smaller one held.

    Args:
        sizes: original questions of each block.
        n_wanted: how many questions.
        key: what the order depends on, besides the ids.
    """
    chosen: set[str] = set()
    n = 0
    for block in sorted(sizes, key=lambda b: sha256_text(f"{key}/{b}")):
        if n >= n_wanted:
            break
        if abs(n + sizes[block] - n_wanted) < n_wanted - n or not chosen:
            chosen.add(block)
            n += sizes[block]
    return chosen


def assigned(
    records: Sequence[Record], *, test: float, validation: float, by: str, seed: int
) -> list[str]:
    """The split of each row: `test`, `validation` or `train`.

    Args:
        records: rows of one split.
        test: share of the original questions that are tested on.
        validation: share that is validated on; drawn from what is left.
        by: column whose values stay together, besides the originals.
        seed: which are drawn.
    """
    blocks = blocks_of(records, by)
    originals: dict[str, set[str]] = {}
    for r, block in zip(records, blocks, strict=True):
        originals.setdefault(block, set()).add(r.original_id)
    sizes = {block: len(ids) for block, ids in originals.items()}
    n = sum(sizes.values())
    of: dict[str, str] = {}
    for name, share in (("test", test), ("validation", validation)):
        left = {b: size for b, size in sizes.items() if b not in of}
        if share > 0:
            of |= dict.fromkeys(draw(left, round(share * n), f"{seed}/{name}"), name)
    return [of.get(block, "train") for block in blocks]
