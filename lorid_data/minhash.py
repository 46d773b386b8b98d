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

from lorid_data.shingles import I64, U64, Shingles, mix

Scheme = tuple[int, int]
LOOSE, STRICT = (12, 2), (20, 3)
"""Bands, and functions in each."""
MANY_NUMBERS = 2
_PIECE_SHINGLES = 1 << 15
_PAIRS, _BATCH = 1024, 1 << 17


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
    total = sizes[a] + sizes[b]
    found: npt.NDArray[np.float32] = np.zeros(len(a), np.float32)
    found[(shingles.sums[a] == shingles.sums[b]) & (total > 0)] = 1
    unequal = np.flatnonzero(found == 0)
    order = unequal[np.argsort(total[unequal], kind="stable")]
    at = 0
    while at < len(order):
        # Pairs of about one size side by side are sorted several times faster than end to end.
        longest = int(total[order[min(at + _PAIRS, len(order)) - 1]])
        some = order[at : at + max(1, min(_PAIRS, _BATCH // max(longest, 1)))]
        found[some] = _jaccard_of(shingles, a[some], b[some])
        at += len(some)
    return found


def _jaccard_of(shingles: Shingles, a: I64, b: I64) -> npt.NDArray[np.float64]:
    """The same, for pairs of about one size."""
    sizes_a, sizes_b = (shingles.starts[t + 1] - shingles.starts[t] for t in (a, b))
    sizes = sizes_a + sizes_b
    width = int(sizes.max())
    grid = np.full(len(a) * width, 0xFFFFFFFF, np.uint32)
    rows = np.arange(len(a)) * width
    # The last bit says from which side a value comes: sorted, what both sides have stands together.
    for text, at, size, side in ((a, rows, sizes_a, 0), (b, rows + sizes_a, sizes_b, 1)):
        taken = shingles.values[ranges(shingles.starts[text], size)]
        grid[ranges(at, size)] = (taken << np.uint32(1)) | np.uint32(side)
    table = grid.reshape(len(a), width)
    table.sort(axis=1)
    steps = table[:, 1:] ^ table[:, :-1]
    n_common = np.count_nonzero(steps == 1, axis=1)
    n_repeated = np.count_nonzero(steps == 0, axis=1) - np.maximum(width - sizes - 1, 0)
    n_all = np.maximum(sizes - n_repeated - n_common, 1)
    similarity: npt.NDArray[np.float64] = n_common / n_all
    return similarity


def _bands(shingles: Shingles, texts: I64, scheme: Scheme) -> U64:
    """The hash of each band of each of some texts that have words; (bands, texts)."""
    rng = np.random.Generator(np.random.PCG64(20250818))
    n_bands, n_rows = scheme
    factors = rng.integers(1 << 31, size=n_bands * n_rows, dtype=np.uint32) * np.uint32(
        2
    ) + np.uint32(1)
    terms = rng.integers(1 << 32, size=n_bands * n_rows, dtype=np.uint32)
    bands = np.zeros((n_bands, len(texts)), np.uint64)
    sizes = shingles.starts[texts + 1] - shingles.starts[texts]
    for at, stop in cuts(np.cumsum(sizes), _PIECE_SHINGLES):
        values = shingles.values[ranges(shingles.starts[texts[at:stop]], sizes[at:stop])]
        begins = np.cumsum(sizes[at:stop]) - sizes[at:stop]
        for i, (factor, term) in enumerate(zip(factors, terms, strict=True)):
            row = bands[i // n_rows, at:stop]
            row *= np.uint64(0x9E3779B97F4A7C15)
            row += np.minimum.reduceat(values * factor + term, begins)
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


def cuts(ends: I64, size: int) -> Iterator[tuple[int, int]]:
    """Cut things whose sizes add up to `ends` into runs of about `size`; each has one thing or more."""
    at = 0
    while at < len(ends):
        done = ends[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(ends, done + size, side="right")))
        yield at, stop
        at = stop
