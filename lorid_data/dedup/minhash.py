"""Which texts may be alike: MinHash with bands, and the exact likeness of pairs.

MinHash (Broder 1997): the smallest value of a random function over two sets is the same with the
probability s of their Jaccard similarity. A band joins the smallest values of r functions; texts
that agree in one of b bands *and in a given key* are candidates, with probability 1 - (1 - s^r)^b.
The key holds a text's numbers, and does most of the work: a text whose key no other text has needs
no band at all, and where few share it one function a band is enough, b = 5 finding 0.97 at s = 0.5.
Of a larger group each text is paired with fewer others, so bands must be choosier there: with
several numbers b = 12, r = 2 finds 0.97, and with fewer b = 20, r = 3 finds 0.93.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from lorid_data.texts.arrays import in_threads
from lorid_data.texts.shingles import U32, Shingles
from lorid_data.texts.word_hashes import I64, U64, mix

Scheme = tuple[int, int]
RARE, LOOSE, STRICT = (5, 1), (12, 2), (20, 3)
"""Bands, and functions in each."""
FEW_TEXTS, MANY_NUMBERS = 32, 2
_TOGETHER, _BATCH = 1 << 13, 1 << 18


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
    texts = texts[shingles.sizes[texts] > 0]
    key = mix(shingles.numbers[texts] ^ mix(keys[texts]))
    n_alike = n_equal(key)
    shared = n_alike > 1
    texts, key, n_alike = texts[shared], key[shared], n_alike[shared]
    rare = n_alike <= FEW_TEXTS
    many = shingles.n_numbers[texts] >= MANY_NUMBERS
    found = [np.zeros(0, np.uint64)]
    for some, scheme in ((rare, RARE), (~rare & many, LOOSE), (~rare & ~many, STRICT)):
        bands = _bands(shingles, texts[some], scheme)
        found += in_threads(partial(_groups, key=key[some], texts=texts[some]), list(bands))
    codes = _distinct(np.concatenate(found))
    a = (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)
    b = (codes >> np.uint64(32)).astype(np.int64)
    agree = (shingles.numbers[a] == shingles.numbers[b]) & (keys[a] == keys[b])
    return a[agree], b[agree]


def n_equal(keys: U64) -> I64:
    """How often each key stands there."""
    order = np.argsort(keys)
    heads = np.flatnonzero(np.append(True, keys[order[1:]] != keys[order[:-1]])[: len(keys)])
    sizes = np.diff(np.append(heads, len(keys)))
    found = np.empty(len(keys), np.int64)
    found[order] = np.repeat(sizes, sizes)
    return found


def _distinct(values: U64) -> U64:
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def jaccard(shingles: Shingles, a: I64, b: I64) -> npt.NDArray[np.float32]:
    """The exact Jaccard similarity of the shingle sets of each pair of texts; 0 where both are empty."""
    sizes = shingles.sizes
    found: npt.NDArray[np.float32] = np.zeros(len(a), np.float32)
    words = np.minimum(sizes[a], sizes[b]) > 0
    equal = shingles.sums[a] == shingles.sums[b]
    found[equal & words] = 1
    unequal = np.flatnonzero(~equal & words)
    values = _padded(shingles)

    def settle(batch: I64) -> None:
        some = unequal[batch]
        found[some] = _jaccard_of(
            _rows(values, shingles, a[some]), _rows(values, shingles, b[some])
        )

    in_threads(settle, list(_batches(sizes[a[unequal]] + sizes[b[unequal]])))
    return found


def _jaccard_of(left: U32, right: U32) -> npt.NDArray[np.float64]:
    """The same of two texts in each row, filled up with repetitions; both are changed in place."""
    # All but the first bit of a shingle are compared; the last one then says from which side a
    # value comes: sorted, what both sides have stands together.
    left <<= np.uint32(1)
    right <<= np.uint32(1)
    right |= np.uint32(1)
    table = np.concatenate([left, right], axis=1)
    table.sort(axis=1)
    steps = table[:, 1:] ^ table[:, :-1]
    n_common = _n_true(steps == 1)
    n_all = table.shape[1] - _n_true(steps == 0) - n_common
    similarity: npt.NDArray[np.float64] = n_common / n_all
    return similarity


def _n_true(table: npt.NDArray[np.bool_]) -> I64:
    """How many are true in each row."""
    n: I64
    if table.shape[1] > 255:  # more than a byte can count
        n = np.count_nonzero(table, axis=1)
    else:  # four times as fast
        n = np.einsum("ij->i", table.view(np.uint8)).astype(np.int64)
    return n


def _padded(shingles: Shingles) -> U32:
    """The values, and so many behind them that a row of the longest text can be read from any place."""
    longest = int(shingles.sizes.max()) if len(shingles.sizes) else 0
    return np.append(shingles.values, np.zeros(longest, np.uint32))


def _rows(values: U32, shingles: Shingles, texts: I64) -> U32:
    """A row for each text that has shingles: they, and the last of them until the row is full."""
    begins, sizes = shingles.begins[texts], shingles.sizes[texts]
    width = int(sizes.max())
    places = (len(values) - width + 1, width)
    rows = np.ndarray(places, values.dtype, values, strides=values.strides * 2)[begins]
    over = np.arange(width) >= sizes[:, np.newaxis]
    np.copyto(rows, values[begins + sizes - 1][:, np.newaxis], where=over)
    return rows


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
    values = _padded(shingles)

    def settle(batch: I64) -> None:
        # The least of each column is found for many texts at once, faster than text by text.
        columns = np.ascontiguousarray(_rows(values, shingles, texts[batch]).T)
        work = np.empty_like(columns)
        sums = np.zeros((n_bands, len(batch)), np.uint64)
        for i, factor in enumerate(factors):
            np.multiply(columns, factor, out=work)
            row = sums[i // n_rows]
            row *= np.uint64(0x9E3779B97F4A7C15)
            row += work.min(axis=0)
        bands[:, batch] = sums

    in_threads(settle, list(_batches(shingles.sizes[texts])))
    return bands


def _groups(band: U64, key: U64, texts: I64) -> U64:
    """Codes b << 32 | a of the texts with equal band and key: each with the first one of its group."""
    key = mix(band ^ key)
    bits = np.uint64(max(1, len(texts)).bit_length())
    place = (np.uint64(1) << bits) - np.uint64(1)
    # Sorting the numbers themselves is several times faster than sorting an index by them.
    packed = np.sort((key & ~place) | np.arange(len(texts), dtype=np.uint64))
    same = np.zeros(len(packed), np.bool_)
    same[1:] = (packed[1:] ^ packed[:-1]) <= place
    sorted_key = key[(packed & place).astype(np.int64)]
    if (same[1:] & (sorted_key[1:] != sorted_key[:-1])).any():
        # Two groups that only the lost bits tell apart: which these are depends on how many texts
        # there are, and what is found must not.
        packed = np.argsort(key, kind="stable").astype(np.uint64)
        sorted_key = key[packed.astype(np.int64)]
        same[1:] = sorted_key[1:] == sorted_key[:-1]
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
