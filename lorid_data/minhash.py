"""Which texts may be alike: MinHash with bands, and the exact likeness of pairs.

MinHash (Broder 1997): the smallest value of a random function over two sets is the same with the
probability s of their Jaccard similarity. A band joins the smallest values of r functions; texts
that agree in one of b bands *and in a given key* are candidates, with probability 1 - (1 - s^r)^b.
The key holds a text's numbers. Where these are many, few texts share them, and loose bands are
cheap: b = 12, r = 2 finds 0.97 at s = 0.5. Where they are few, b = 20, r = 3 finds 0.93.
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
_TOGETHER, _BATCH = 1024, 1 << 16


def candidate_pairs(shingles: Shingles, texts: I64, keys: U64) -> tuple[I64, I64]:
    """Pairs (a, b), a < b, of some texts that agree in their numbers, in a key, and in a band.

    Not every pair of a large group is given, which would take the square of its size: each text
    is paired with the first one of its group and with the one before it.

    Args:
        shingles: of n texts.
        texts: which of them, in ascending order; those without words have no pairs.
        keys: what candidates must agree in besides; n.

    Returns:
        The distinct pairs, sorted by b and then a.
    """
    texts = texts[shingles.starts[texts + 1] > shingles.starts[texts]]
    many = shingles.n_numbers[texts] >= MANY_NUMBERS
    found = [np.zeros(0, np.uint64)]
    for chosen, scheme in ((texts[many], LOOSE), (texts[~many], STRICT)):
        key = mix(shingles.numbers[chosen] ^ mix(keys[chosen]))
        found += [_groups(mix(band ^ key), chosen) for band in _bands(shingles, chosen, scheme)]
    codes = _distinct(np.concatenate(found))
    a = (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)
    b = (codes >> np.uint64(32)).astype(np.int64)
    agree = (shingles.numbers[a] == shingles.numbers[b]) & (keys[a] == keys[b])
    return a[agree], b[agree]


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

    def settle(batch: I64) -> None:
        some = unequal[batch]
        found[some] = _jaccard_of(shingles, a[some], b[some])

    in_threads(settle, batches)
    return found


def _jaccard_of(shingles: Shingles, a: I64, b: I64) -> npt.NDArray[np.float64]:
    """The same, for pairs of texts with words and of about one size."""
    # A row per pair, filled up with repetitions. The last bit says from which side a value comes:
    # sorted, what both sides have stands together.
    left, right = (_grid(shingles, side).T << np.uint32(1) for side in (a, b))
    table = np.concatenate([left, right | np.uint32(1)], axis=1)
    table.sort(axis=1)
    steps = table[:, 1:] ^ table[:, :-1]
    n_common = np.count_nonzero(steps == 1, axis=1)
    n_all = table.shape[1] - np.count_nonzero(steps == 0, axis=1) - n_common
    similarity: npt.NDArray[np.float64] = n_common / n_all
    return similarity


def _grid(shingles: Shingles, texts: I64) -> U32:
    """A column of shingles for each text that has some, filled up with its last one."""
    starts = shingles.starts[texts]
    sizes = shingles.starts[texts + 1] - starts
    down = np.minimum(np.arange(int(sizes.max()))[:, None], sizes - 1)
    values: U32 = shingles.values[starts + down]
    return values


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
    factors = rng.integers(1 << 31, size=n_bands * n_rows, dtype=np.uint32) * np.uint32(
        2
    ) + np.uint32(1)
    terms = rng.integers(1 << 32, size=n_bands * n_rows, dtype=np.uint32)
    bands = np.zeros((n_bands, len(texts)), np.uint64)

    def settle(batch: I64) -> None:
        # The least of each column is found for many texts at once, faster than text by text.
        grid = _grid(shingles, texts[batch])
        work = np.empty_like(grid)
        sums = np.zeros((n_bands, len(batch)), np.uint64)
        for i, (factor, term) in enumerate(zip(factors, terms, strict=True)):
            np.multiply(grid, factor, out=work)
            np.add(work, term, out=work)
            row = sums[i // n_rows]
            row *= np.uint64(0x9E3779B97F4A7C15)
            row += work.min(axis=0)
        bands[:, batch] = sums

    in_threads(settle, list(_batches(shingles.starts[texts + 1] - shingles.starts[texts])))
    return bands


def _groups(key: U64, texts: I64) -> U64:
    """Codes b << 32 | a of the texts with equal keys: each with its group's first, and its forerunner."""
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
    b = text[at] << np.uint64(32)
    third = head != at - 1
    return np.concatenate([b | text[head], b[third] | text[at[third] - 1]])


def ranges(begins: I64, sizes: I64) -> I64:
    """All indices of the ranges [begin, begin + size), one after another."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + sizes, sizes)
