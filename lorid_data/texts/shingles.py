"""Words, numbers and word pairs of many texts at once, as arrays of hashes.

A text's *shingles* are its words, each with the word after it (the last with nothing). Case, white
space and sentence punctuation do not count; signs such as `+`, `=` and `%` are words; a number is
one word with its sign, its decimals and without the commas between its thousands. Of web text one
would take five words at a time; half of a question of 42 words is gone then when one in ten words
differs, where of its word pairs more than two thirds stay.

All hashes are our own arithmetic modulo 2^64, so that they are the same in every version of every
library. Texts are read in pieces, which all cores share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from lorid_data.texts.arrays import first_equal, in_threads
from lorid_data.texts.word_hashes import I64, PADDING, U8, U64, hash_spans, mix, words_of

if TYPE_CHECKING:
    import polars as pl

U32 = npt.NDArray[np.uint32]
X = TypeVar("X", np.uint64, np.int64)

_PIECE_BYTES = 1 << 19
_BASE, _OTHER = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93


@dataclass(frozen=True, slots=True)
class Shingles:
    """What is compared of n texts. Equal texts share their places in `values` and `telling`.

    Attributes:
        values: 32-bit hashes of the shingles of all texts, each text's in its order.
        begins: where each text's shingles begin in `values`; n.
        sizes: how many each text has; n.
        sums: a hash of each text's shingles as a whole: texts of the same words share it; n.
        numbers: a hash of each text's numbers in their order; n.
        n_numbers: how many numbers each text has; n.
        telling: the telling words of all texts, by their place in `TELLING_WORDS`.
        telling_begins: where each text's begin in `telling`; n.
        telling_sizes: how many each text has; n.
        telling_sums: a hash of each text's telling words as a whole; n.
        n_spelled: how many of them are numbers; n.
    """

    values: U32
    begins: I64
    sizes: I64
    sums: U64
    numbers: U64
    n_numbers: I64
    telling: U8
    telling_begins: I64
    telling_sizes: I64
    telling_sums: U64
    n_spelled: I64

    def of(self, texts: I64) -> Shingles:
        """Those of some of the texts, by index; a text may stand several times."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        flat = ("values", "telling")
        return Shingles(**{k: v if k in flat else v[texts] for k, v in columns.items()})


def joined_shingles(parts: Sequence[Shingles]) -> Shingles:
    """The texts of all parts, one after another."""
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Shingles)
    }
    for flat, begins in (("values", "begins"), ("telling", "telling_begins")):
        ends = np.cumsum([len(getattr(part, flat)) for part in parts])
        before = np.append(0, ends[:-1])
        columns[begins] += np.repeat(before, [len(part.begins) for part in parts])
    return Shingles(**columns)


# --- words that tell problems apart ---------------------------------------------------------------

TELLING = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million half third quarter fifth tenth once twice thrice double triple dozen",
    "more less fewer longer shorter older younger taller greater smaller larger increased decreased",
    "odd even prime",
    "maximum minimum largest smallest greatest least most highest lowest",
    "sum difference product quotient",
    "sin cos tan cot sec csc arcsin arccos arctan",
    "area perimeter volume circumference radius diameter",
    "mean median mode range",
    "before after",
    "monday tuesday wednesday thursday friday saturday sunday",
)
"""Groups of words of which one for another makes another problem: `two` for `three`, `odd` for `even`."""
TELLING_WORDS = tuple(word for group in TELLING for word in group.split())
TELLING_GROUPS = np.repeat(np.arange(len(TELLING)), [len(g.split()) for g in TELLING])
"""The group of each telling word, in ascending order."""
IS_SPELLED_NUMBER = (TELLING_GROUPS == 0).astype(np.int64)
"""1 for each telling word that is a number, else 0."""


# --- texts ----------------------------------------------------------------------------------------


def shingles_of(texts: pl.Series) -> Shingles:
    """The shingles, numbers and telling words of each text; a text that stands twice is read once."""
    first = first_equal(texts.to_frame())
    is_first = first == np.arange(len(texts))
    parts = in_threads(_of_piece, _pieces(texts.filter(is_first)) or [texts])
    return joined_shingles(parts).of((np.cumsum(is_first) - 1)[first])


def begins_of(sizes: I64) -> I64:
    """Where each part begins if parts of these sizes stand one after another."""
    begins = np.zeros(len(sizes), np.int64)
    np.cumsum(sizes[:-1], out=begins[1:])
    return begins


def _of_piece(texts: pl.Series) -> Shingles:
    words = words_of(texts)
    begins, sizes = words.begins, words.sizes
    pairs = words.hashes * np.uint64(_BASE)
    told, code = _telling(words.hashes, pairs)
    follower = words.hashes[1:] * np.uint64(_OTHER)
    last = (begins + sizes)[sizes > 0] - 1
    follower[last[last < len(follower)]] = 0
    pairs[:-1] += follower
    pairs ^= pairs >> np.uint64(32)
    pairs *= np.uint64(_BASE)
    at = np.flatnonzero(words.is_number)
    first_number = np.searchsorted(at, begins)
    n_numbers = np.diff(np.append(first_number, len(at)))
    rank = np.arange(len(at)) - np.repeat(first_number, n_numbers)
    numbers = mix(words.hashes[at] ^ np.uint64(0x5851F42D4C957F2D)) * _powers(len(at) + 1)[rank]
    telling_begins = np.searchsorted(told, begins)
    telling_sizes = np.diff(np.append(telling_begins, len(told)))
    return Shingles(
        values=pairs.astype("<u8", copy=False).view("<u4")[1::2].copy(),
        begins=begins,
        sizes=sizes,
        sums=sums_of(pairs, begins, sizes),
        numbers=sums_of(numbers, first_number, n_numbers),
        n_numbers=n_numbers,
        telling=code,
        telling_begins=telling_begins,
        telling_sizes=telling_sizes,
        telling_sums=sums_of(
            mix(code.astype(np.uint64) + np.uint64(1)), telling_begins, telling_sizes
        ),
        n_spelled=sums_of(IS_SPELLED_NUMBER[code], telling_begins, telling_sizes),
    )


def sums_of(values: npt.NDArray[X], begins: I64, sizes: I64) -> npt.NDArray[X]:
    """The sum (modulo 2^64) of each part of some values; the parts stand one after another."""
    sums = np.zeros(len(sizes), values.dtype)
    some = sizes > 0
    if some.any():
        sums[some] = np.add.reduceat(values, begins[some])
    return sums


def _powers(n: int) -> U64:
    powers = np.full(n, _BASE, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _pieces(texts: pl.Series) -> list[pl.Series]:
    """The texts in pieces of about `_PIECE_BYTES`."""
    ends = np.cumsum(texts.str.len_bytes().to_numpy().astype(np.int64))
    pieces, at = [], 0
    while at < len(texts):
        done = ends[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(ends, done + _PIECE_BYTES, side="right")))
        pieces.append(texts[at:stop])
        at = stop
    return pieces


def _telling(words: U64, spread: U64) -> tuple[I64, U8]:
    """The place and code of each telling word; a table over 16 bits sorts out nearly all others."""
    known, table = _telling_table()
    codes = table.take((spread >> np.uint64(48)).view(np.int64))
    at = np.flatnonzero(codes != 0)
    code = codes[at] - np.uint8(1)
    right = known[code] == words[at]
    return at[right], code[right]


@cache
def _telling_table() -> tuple[U64, U8]:
    text = " ".join(TELLING_WORDS).encode("ascii") + bytes(PADDING)
    lengths = np.array([len(w) for w in TELLING_WORDS])
    begins = np.cumsum(lengths + 1) - lengths - 1
    words = hash_spans(np.frombuffer(text, np.uint8), begins, begins + lengths)
    table = np.zeros(1 << 16, np.uint8)
    place = (words * np.uint64(_BASE)) >> np.uint64(48)
    table[place.astype(np.int64)] = np.arange(1, len(words) + 1)
    return words, table
