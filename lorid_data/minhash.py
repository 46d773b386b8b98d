"""Which texts may be alike: MinHash with bands, and the exact likeness of pairs.

MinHash (Broder 1997): the smallest value of a random function over two sets is the same with the
probability s of their Jaccard similarity. A band joins the smallest values of r functions; texts
that agree in one of b bands *and in a given key* are candidates, with probability 1 - (1 - s^r)^b.
The key holds a text's numbers. Where these are many, few texts share them, and loose bands are
cheap: b = 12, r = 2 finds 0.97 at s = 0.5. Where they are few, b = 20, r = 3 finds 0.93. A text whose
numbers no other text has needs no band at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lorid_data.shingles import I64, U32, U64, Shingles, in_threads, mix

Scheme = tuple[int, int]
LOOSE, STRICT = (12, 2), (20, 3)
"""Bands, and functions in each."""
MANY_NUMBERS = 2
_TOGETHER, _BATCH = 2048, 1 << 16


def candidate_pairs(shingles: Shingles, texts: I64, keys: U64) -> tuple[I64, I64]:
    """Pairs (a, b), a < b, of some texts that agree in their numbers, in a key, and in a band.

    Not every pair of a large group is given, which would take the square of its size: each text
    is paired with the first one of its group, in each band.

    Args:
        shingles: of n texts.
        texts: which of them, in ascending order; those without words have no pairs.
        keys: what candidates must agree in besides; n.

    Returns:
        The distinct pairs, sorted by b and then a.
    """
    texts = texts[shingles.starts[texts + 1] > shingles.starts[texts]]
    key = mix(shingles.numbers[texts] ^ mix(keys[texts]))
    shared = standing_twice(key)
    texts, key = texts[shared], key[shared]
    many = shingles.n_numbers[texts] >= MANY_NUMBERS
    found = [np.zeros(0, np.uint64)]
    for some, scheme in ((many, LOOSE), (~many, STRICT)):
        bands = _bands(shingles, texts[some], scheme)
        found += [_groups(mix(band ^ key[some]), texts[some]) for band in bands]
    codes = _distinct(np.concatenate(found))
    a = (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)
    b = (codes >> np.uint64(32)).astype(np.int64)
    agree = (shingles.numbers[a] == shingles.numbers[b]) & (keys[a] == keys[b])
    return a[agree], b[agree]


def standing_twice(keys: U64) -> npt.NDArray[np.bool_]:
    """Which keys stand more than once."""
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    twice = np.zeros(len(keys), np.bool_)
    twice[order[1:][same]] = twice[order[:-1][same]] = True
    return twice


def _distinct(values: U64) -> U64:
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def jaccard(shingles: Shingles, a: I64, b: I64) -> npt.NDArray[np.float32]:
    """The exact Jaccard similarity of the shingle sets of each pair of texts; 0 where both are empty."""
    sizes = np.diff(shingles.starts)
    found: npt.NDArray[np.float32] = np.zeros(len(a), np.float32)
    words = np.minimum(sizes[a], sizes[b]) > 0
    equal = shingles.sums[a] == shingles.sums[b]
    found[equal & words] = 1
    unequal = np.flatnonzero(~equal & words)
    batches = list(_batches(sizes[a[unequal]] + sizes[b[unequal]]))

    doubled = shingles.values << np.uint32(1)

    def settle(batch: I64) -> None:
        some = unequal[batch]
        found[some] = _jaccard_of(doubled, shingles.starts, a[some], b[some])

    in_threads(settle, batches)
    return found


def _jaccard_of(doubled: U32, starts: I64, a: I64, b: I64) -> npt.NDArray[np.float64]:
    """The same, for pairs of texts with words and of about one size; the last bit of a shingle is free."""
    # A row per pair, filled up with repetitions. The last bit says from which side a value comes:
    # sorted, what both sides have stands together.
    left, right = (_grid(doubled, starts, side, 1) for side in (a, b))
    right |= np.uint32(1)
    table = np.concatenate([left, right], axis=1)
    table.sort(axis=1)
    steps = table[:, 1:] ^ table[:, :-1]
    n_common = np.count_nonzero(steps == 1, axis=1)
    n_all = table.shape[1] - np.count_nonzero(steps == 0, axis=1) - n_common
    similarity: npt.NDArray[np.float64] = n_common / n_all
    return similarity


def _grid(values: U32, starts: I64, texts: I64, axis: int) -> U32:
    """The shingles of each text that has some along an axis, filled up with its last one."""
    begins = np.expand_dims(starts[texts], axis)
    last = np.expand_dims(starts[texts + 1] - 1, axis)
    along = np.expand_dims(np.arange(int((last - begins).max()) + 1), 1 - axis)
    places = begins + along
    np.minimum(places, last, out=places)
    return values.take(places)


def _batches(sizes: I64) -> Iterator[I64]:
    """Runs of things of about one size, by their index: few enough to fit a processor's cache."""
    order = np.argsort(sizes, kind="stable")
    at = 0
    while at < len(order):
        longest = int(sizes[order[min(at + _TOGETHER, len(order)) - 1]])
        stop = at + max(1, min(_TOGETHER, _BATCH // max(longest, 1)))
        yield order[at:stop]
        at = stop


def _bands(shingles: Shingles, texts: I64, scheme: Scheme) -> U64:
    """The hash of each band of each of some texts that have words; (bands, texts)."""
    rng = np.random.Generator(np.random.PCG64(20250818))
    n_bands, n_rows = scheme
    # Multiplying by an odd number permutes the 32-bit integers; the shingles are well mixed already.
    factors = rng.integers(1 << 31, size=n_bands * n_rows, dtype=np.uint32) * np.uint32(
        2
    ) + np.uint32(1)
    bands = np.zeros((n_bands, len(texts)), np.uint64)

    def settle(batch: I64) -> None:
        # The least of each column is found for many texts at once, faster than text by text.
        grid = _grid(shingles.values, shingles.starts, texts[batch], 0)
        work = np.empty_like(grid)
        sums = np.zeros((n_bands, len(batch)), np.uint64)
        for i, factor in enumerate(factors):
            np.multiply(grid, factor, out=work)
            row = sums[i // n_rows]
            row *= np.uint64(0x9E3779B97F4A7C15)
            row += work.min(axis=0)
        bands[:, batch] = sums

    in_threads(settle, list(_batches(shingles.starts[texts + 1] - shingles.starts[texts])))
    return bands


def _groups(key: U64, texts: I64) -> U64:
    """Codes b << 32 | a of the texts with equal keys: each with the first one of its group."""
    bits = np.uint64(max(1, len(texts)).bit_length())
    place = (np.uint64(1) << bits) - np.uint64(1)
    # Sorting the numbers themselves is several times faster than sorting an index by them. A text
    # that falls into a wrong group by the lost bits is sorted out by `candidate_pairs`.
    packed = np.sort((key & ~place) | np.arange(len(texts), dtype=np.uint64))
    same = np.zeros(len(packed), np.bool_)
    same[1:] = (packed[1:] ^ packed[:-1]) <= place
    at = np.flatnonzero(same)
    heads = np.flatnonzero(~same)
    head = heads[np.searchsorted(heads, at, side="right") - 1]
    text = texts[(packed & place).astype(np.int64)].astype(np.uint64)
    codes: U64 = (text[at] << np.uint64(32)) | text[head]
    return codes


def ranges(begins: I64, sizes: I64) -> I64:
    """All indices of the ranges [begin, begin + size), one after another."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + sizes, sizes)
