"""Words, numbers and word pairs of many texts at once, as arrays of hashes.

A text's *shingles* are its words, each with the word after it (the last with nothing). Case, white
space and sentence punctuation do not count; signs such as `+`, `=` and `%` are words; a number is
one word with its sign, its decimals and without the commas between its thousands. Of web text one
would take five words at a time; half of a question of 42 words is gone then when one in ten words
differs, where of its word pairs more than two thirds stay.

All hashes are our own arithmetic modulo 2^64, so that they are the same in every version of every
library. Texts are read in pieces that fit a processor's cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
T = TypeVar("T")
R = TypeVar("R")

_PIECE_BYTES = 1 << 19
_BASE, _OTHER = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_APART, _LETTER, _DIGIT, _SIGN = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Shingles:
    """What is compared of n texts.

    Attributes:
        values: 32-bit hashes of the shingles, text after text, in the text's order.
        starts: where each text begins in `values`, and the end; n + 1.
        sums: a hash of each text's shingles as a whole: texts of the same words share it; n.
        numbers: a hash of each text's numbers in their order; n.
        n_numbers: how many numbers each text has; n.
        telling: (text, code) of each telling word, sorted by text; see `telling_code`.
    """

    values: U32
    starts: I64
    sums: U64
    numbers: U64
    n_numbers: I64
    telling: I64


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
NUMBER_WORDS = 0
"""The group of the words that are numbers."""


# --- texts ----------------------------------------------------------------------------------------


def shingles_of(texts: pl.Series) -> Shingles:
    """The shingles, numbers and telling words of each text."""
    parts = in_threads(lambda piece: _of_piece(*piece), list(_pieces(texts)))
    if not parts:
        parts = [_of_piece(np.zeros(_PADDING, np.uint8), np.zeros(1, np.int64), 0)]
    lengths = np.concatenate([np.diff(p.starts) for p in parts])
    return Shingles(
        values=np.concatenate([p.values for p in parts]),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        sums=np.concatenate([p.sums for p in parts]),
        numbers=np.concatenate([p.numbers for p in parts]),
        n_numbers=np.concatenate([p.n_numbers for p in parts]),
        telling=np.concatenate([p.telling for p in parts]),
    )


def in_threads(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """The results of some work on each of some things, done on all cores; numpy lets threads run."""
    n = min(len(os.sched_getaffinity(0)), len(things))
    if n < 2:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, things))


def mix(h: U64) -> U64:
    """Spread every bit of a hash over all of its bits (the finaliser of splitmix64)."""
    h = h ^ (h >> np.uint64(30))
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


def _of_piece(data: U8, offsets: I64, first: int) -> Shingles:
    words, starts, is_number = _words(data, offsets)
    follower = np.zeros_like(words)
    follower[:-1] = words[1:]
    follower[starts[1:][starts[1:] > starts[:-1]] - 1] = 0
    pairs = _mix_once((words >> np.uint64(7)) + follower * np.uint64(_OTHER))
    at = np.flatnonzero(is_number)
    numbers = mix(words[at] ^ np.uint64(0x5851F42D4C957F2D))
    begins = np.searchsorted(at, starts)
    rank = np.arange(len(at)) - np.repeat(begins[:-1], np.diff(begins))
    return Shingles(
        values=pairs.astype("<u8", copy=False).view("<u4")[1::2].copy(),
        starts=starts,
        sums=sums_between(pairs, starts),
        numbers=sums_between(numbers * _powers(len(at) + 1)[rank], begins),
        n_numbers=np.diff(begins),
        telling=_telling(words, starts, first),
    )


def sums_between(values: U64, begins: I64) -> U64:
    """The sum modulo 2^64 of each part [begin, next begin)."""
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values, out=sums[1:])
    return sums[begins[1:]] - sums[begins[:-1]]


def _powers(n: int) -> U64:
    powers = np.full(n, _BASE, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _mix_once(h: U64) -> U64:
    h = h ^ (h >> np.uint64(32))
    h *= np.uint64(_BASE)
    h ^= h >> np.uint64(29)
    return h


# --- pieces of bytes ------------------------------------------------------------------------------

_PADDING = 8
"""Bytes behind a piece's text, so that eight bytes can be read from any place of it."""


def _pieces(texts: pl.Series) -> Iterator[tuple[U8, I64, int]]:
    """The UTF-8 bytes of some texts with a line break behind each, where each begins, and which is the first."""
    import polars as pl

    if not len(texts):
        return
    ends = np.cumsum(texts.str.len_bytes().to_numpy().astype(np.int64))
    at = 0
    while at < len(texts):
        done = ends[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(ends, done + _PIECE_BYTES, side="right")))
        array = (texts[at:stop] + "\n").to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offset_buffer, data_buffer = array.buffers()
        offsets = np.frombuffer(offset_buffer, np.int64)[array.offset :][: stop - at + 1]
        text = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
        data = np.zeros(len(text) + _PADDING, np.uint8)
        data[: len(text)] = text
        yield data, offsets - offsets[0], at
        at = stop


def _byte_classes() -> U8:
    table = np.full(256, _APART, np.uint8)
    table[128:] = _LETTER  # the bytes of any letter that is not ASCII
    for c in range(128):
        if chr(c).isalpha():
            table[c] = _LETTER
        elif chr(c).isdigit():
            table[c] = _DIGIT
    table[list(b"+-*/=<>^_%|&~#@")] = _SIGN
    return table


_CLASS = _byte_classes()
_OPENS = np.isin(np.arange(256), list(b" \t\r\n([{,;:=<>*/^_$&~"))
"""Bytes after which a `-` before a digit is the number's sign."""


# --- words ----------------------------------------------------------------------------------------


def _words(data: U8, offsets: I64) -> tuple[U64, I64, npt.NDArray[np.bool_]]:
    """The hash of each word, where each text's words begin, and which words are numbers."""
    kind, marks = _kinds(data)
    dots = marks[data[marks] == ord(".")]
    dots = dots[(dots > 0) & (kind[dots - 1] == _DIGIT) & (kind[dots + 1] == _DIGIT)]
    minus = marks[data[marks] == ord("-")]
    minus = minus[(kind[minus + 1] == _DIGIT) & ((minus == 0) | _OPENS[data[minus - 1]])]
    commas = _thousands_commas(marks[data[marks] == ord(",")], kind)
    for part_of_number in (dots, minus, commas):
        kind[part_of_number] = _DIGIT
    change = np.ones(len(kind), np.bool_)
    np.not_equal(kind[1:], kind[:-1], out=change[1:])
    at = np.flatnonzero(change)
    kinds = kind[at]
    word = np.flatnonzero(kinds[:-1] != _APART)  # behind the last word there is always something
    begins, ends = at[word], at[word + 1]
    hashes = _hash_spans(_lower(data), begins, ends)
    if len(commas):
        parted = np.searchsorted(begins, commas, side="right") - 1
        parted = parted[np.append(True, parted[1:] != parted[:-1])]
        spans = zip(begins[parted].tolist(), ends[parted].tolist(), strict=True)
        bare = [data[begin:end].tobytes().replace(b",", b"") for begin, end in spans]
        stops = np.cumsum([len(number) for number in bare])
        joined = np.frombuffer(b"".join(bare) + bytes(_PADDING), np.uint8)
        hashes[parted] = _hash_spans(joined, np.append(0, stops[:-1]), stops)
    return hashes, np.searchsorted(begins, offsets), kinds[word] == _DIGIT


def _lower(data: U8) -> U8:
    upper = (data - np.uint8(ord("A"))) < 26
    return data | (upper.view(np.uint8) << np.uint8(5))


def _hash_spans(data: U8, begins: I64, ends: I64) -> U64:
    """A hash of the bytes of each span, eight at a time; behind the last span are 8 bytes or more."""
    left = ends - begins
    eights = np.ndarray((len(data) - 7,), "<u8", buffer=data, strides=(1,))
    hashes = _mix_once(_eight_bytes(eights, begins, left))
    for i in np.flatnonzero(left > _LONG).tolist():
        digest = hashlib.sha256(data[begins[i] : ends[i]].tobytes()).digest()
        hashes[i] = int.from_bytes(digest[:8], "little")
    longer = np.flatnonzero((left > 8) & (left <= _LONG))
    done = 8
    while len(longer):
        more = _eight_bytes(eights, begins[longer] + done, left[longer] - done)
        hashes[longer] = _mix_once(hashes[longer] * np.uint64(3) + more)
        done += 8
        longer = longer[left[longer] > done]
    return hashes


def _eight_bytes(eights: U64, begins: I64, left: I64) -> U64:
    """The first eight bytes from each place, or as many as are left there, as a number."""
    found = eights[begins]
    over = (8 - np.minimum(left, 8)).view(np.uint64)
    over <<= np.uint64(3)
    found <<= over
    found >>= over
    return found


_LONG = 64


def _kinds(data: U8) -> tuple[U8, I64]:
    """The class of each byte, and where the ASCII signs and marks stand."""
    letter = ((data | np.uint8(32)) - np.uint8(ord("a"))) < 26
    letter |= data > 127
    digit = (data - np.uint8(ord("0"))) < 10
    kind = letter.view(np.uint8) | (digit.view(np.uint8) << np.uint8(1))
    marks = np.flatnonzero((kind == _APART) & (data > 32))
    kind[marks] = _CLASS[data[marks]]
    return kind, marks


def _thousands_commas(commas: I64, kind: U8) -> I64:
    """Of some commas those that stand between a digit and exactly three of them."""
    commas = commas[commas > 0]
    # No digit of another text is looked at: a line break stands between them.
    for ahead, wanted in ((-1, True), (1, True), (2, True), (3, True), (4, False)):
        places = np.minimum(commas + ahead, len(kind) - 1)
        commas = commas[(kind[places] == _DIGIT) == wanted]
    return commas


def _telling(words: U64, starts: I64, first: int) -> I64:
    """(text, code) of each telling word; a table over 16 bits of the hash sorts out nearly all others."""
    hashes, table = _telling_table()
    codes = table.take((words >> np.uint64(48)).view(np.int64))
    at = np.flatnonzero(codes != 0)
    code = codes[at].astype(np.int64) - 1
    right = hashes[code] == words[at]
    at, code = at[right], code[right]
    text = np.searchsorted(starts, at, side="right") - 1
    return np.stack([text + first, code], axis=1)


@cache
def _telling_table() -> tuple[U64, U8]:
    text = " ".join(TELLING_WORDS).encode("ascii") + bytes(_PADDING)
    lengths = np.array([len(w) for w in TELLING_WORDS])
    begins = np.cumsum(lengths + 1) - lengths - 1
    hashes = _hash_spans(np.frombuffer(text, np.uint8), begins, begins + lengths)
    table = np.zeros(1 << 16, np.uint8)
    table[(hashes >> np.uint64(48)).astype(np.int64)] = np.arange(1, len(hashes) + 1)
    return hashes, table
