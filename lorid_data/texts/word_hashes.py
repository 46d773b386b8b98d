"""The words and numbers of many texts at once, each as a number, read from their bytes by numpy.

A word is a run of letters, of digits or of signs (`+`, `<=`, `%`). Case does not count; white space
and punctuation part words. A number is one word with its sign, its decimals, and without the commas
between its thousands. Forms of characters do not count, either: what is not ASCII is read as
`characters.plain` spells it, digits of other scripts as digits. A word of up to eight bytes is those bytes, a longer one a hash of them, so
that all is the same in every version of every library.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lorid_data.texts.characters import plain_all

if TYPE_CHECKING:
    import polars as pl

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

PADDING = 8
"""Bytes behind a piece's text, so that eight bytes can be read from any place of it."""
_APART, _LETTER, _DIGIT, _SIGN = 0, 1, 2, 3
_LONG = 64


@dataclass(frozen=True, slots=True)
class Words:
    """The words of n texts.

    Attributes:
        hashes: of each word, text after text.
        is_number: whether each word is a number.
        begins: where each text's words begin; n.
        sizes: how many each text has; n.
    """

    hashes: U64
    is_number: npt.NDArray[np.bool_]
    begins: I64
    sizes: I64


def words_of(texts: pl.Series) -> Words:
    """The words of some texts, read all at once."""
    data, offsets = _padded(plain_all(texts, lower=True))
    kind = np.frombuffer(bytearray(data).translate(_CLASSES), np.uint8)
    commas = _join_numbers(data, kind)
    change = kind[1:] != kind[:-1]
    in_word = kind != _APART
    # Both count from behind the first line break.
    begins = np.flatnonzero(change & in_word[1:])
    ends = np.flatnonzero(change & in_word[:-1])
    hashes = hash_spans(_lower(data[1:]), begins, ends)
    if len(commas):
        parted = np.searchsorted(begins, commas - 1, side="right") - 1
        parted = parted[np.append(True, parted[1:] != parted[:-1])]
        hashes[parted] = _without_commas(data[1:], begins[parted], ends[parted])
    first = np.searchsorted(begins, offsets)
    return Words(hashes, kind[1:].take(begins) == _DIGIT, first[:-1], np.diff(first))


def mix(h: U64) -> U64:
    """Spread every bit of a hash over all of its bits (the finaliser of splitmix64)."""
    h = h ^ (h >> np.uint64(30))
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


def bytes_of(texts: pl.Series, behind: str) -> tuple[U8, I64]:
    """The UTF-8 bytes of some texts with a sign behind each, and where each begins, and the end."""
    import polars as pl

    array = (texts + behind).to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offset_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[array.offset :][: len(texts) + 1]
    return np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def _padded(texts: pl.Series) -> tuple[U8, I64]:
    """A line break, the texts with one behind each, and `PADDING`; where each text begins, and the end."""
    text, offsets = np.zeros(0, np.uint8), np.zeros(1, np.int64)
    if len(texts):
        text, offsets = bytes_of(texts, "\n")
    data = np.zeros(1 + len(text) + PADDING, np.uint8)
    data[0] = ord("\n")
    data[1 : 1 + len(text)] = text
    return data, offsets


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


_CLASSES = _byte_classes().tobytes()
_OPENS = np.isin(np.arange(256), list(b" \t\r\n([{,;:=<>*/^_$&~"))
"""Bytes after which a `-` before a digit is the number's sign."""


def _join_numbers(data: U8, kind: U8) -> I64:
    """Make digits of a number's sign, its point and the commas between its thousands.

    Args:
        data: the bytes.
        kind: their classes, changed in place.

    Returns:
        Where the commas are.
    """
    digit = kind == _DIGIT
    point = data[1:-1] == ord(".")
    point &= digit[:-2]
    point &= digit[2:]
    minus = data[:-1] == ord("-")
    minus &= digit[1:]
    signs = np.flatnonzero(minus)
    signs = signs[_OPENS[data[signs - 1]]]
    # Three digits behind it and no fourth; of another text none is looked at: a line break is between.
    comma = data[1:-4] == ord(",")
    comma &= digit[:-5]
    for ahead in (2, 3, 4):
        comma &= digit[ahead : ahead - 5]
    comma &= ~digit[5:]
    commas = np.flatnonzero(comma) + 1
    kind[1:-1] += point.view(np.uint8) * np.uint8(_DIGIT - _APART)
    kind[signs] = _DIGIT
    kind[commas] = _DIGIT
    return commas


def _lower(data: U8) -> U8:
    upper = (data - np.uint8(ord("A"))) < 26
    return data | (upper.view(np.uint8) * np.uint8(32))  # many times as fast as a shift of bytes


def _without_commas(data: U8, begins: I64, ends: I64) -> U64:
    """`hash_spans` of the spans' bytes but for the commas."""
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    bare = [data[begin:end].tobytes().replace(b",", b"") for begin, end in spans]
    stops = np.cumsum([len(number) for number in bare])
    joined = np.frombuffer(b"".join(bare) + bytes(PADDING), np.uint8)
    return hash_spans(joined, np.append(0, stops[:-1]), stops)


def hash_spans(data: U8, begins: I64, ends: I64) -> U64:
    """A number for the bytes of each span; the spans stand in order, and `PADDING` behind the last."""
    left = ends - begins
    eights = np.ndarray((len(data) - 7,), "<u8", buffer=data, strides=(1,))
    hashes = _first_eights(eights, begins)
    hashes &= _FIRST_BYTES.take(left, mode="clip")
    longer = np.flatnonzero(left > 8)
    for i in longer[left[longer] > _LONG].tolist():
        digest = hashlib.sha256(data[begins[i] : ends[i]].tobytes()).digest()
        hashes[i] = int.from_bytes(digest[:8], "little")
    longer = longer[left[longer] <= _LONG]
    done = 8
    while len(longer):
        more = eights[begins[longer] + done]
        more &= _FIRST_BYTES.take(left[longer] - done, mode="clip")
        hashes[longer] = mix(hashes[longer] * np.uint64(3) + more)
        done += 8
        longer = longer[left[longer] > done]
    return hashes


def _first_eights(eights: U64, places: I64) -> U64:
    """`eights[places]`, of ascending places and bytes that overlap.

    Where a number begins between two aligned ones, numpy reads it slowly. So the numbers from
    every place are written out first, as many at a time as stay in a processor's cache.
    """
    found = np.empty(len(places), np.uint64)
    blocks = range(0, len(eights), _BLOCK)
    stops = [*np.searchsorted(places, blocks[1:]).tolist(), len(places)]
    start = 0
    for at, stop in zip(blocks, stops, strict=True):
        block = eights[at : at + _BLOCK].copy()
        np.take(block, places[start:stop] - at, out=found[start:stop], mode="clip")
        start = stop
    return found


_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""Masks of the first 0 to 8 bytes."""
_BLOCK = 1 << 15
