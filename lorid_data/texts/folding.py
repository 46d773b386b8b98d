"""Texts without regard to case, white space and forms of characters, one by one or a whole column at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lorid_data.texts.characters import plain
from lorid_data.texts.word_hashes import bytes_of

if TYPE_CHECKING:
    import polars as pl


def fold(text: str) -> str:
    """A text without regard to case, to forms of characters and to the kind and amount of white space."""
    return fold_case(plain(text))


def fold_case(text: str) -> str:
    """A text without regard to case and white space alone: hashes that files hold are of this, so it stays as it is."""
    return " ".join(text.lower().split())


def fold_all(texts: pl.Series) -> pl.Series:
    """The same for many texts; those of ASCII alone are taken together, many times as fast."""
    import polars as pl

    is_plain = texts.str.len_bytes() == texts.str.len_chars()
    is_plain &= ~texts.str.contains(_END, literal=True)
    other = [fold(text) for text in texts.filter(~is_plain)]
    folded = _fold_plain(texts.filter(is_plain)).extend(pl.Series(other, dtype=pl.String))
    at = np.argsort(~is_plain.to_numpy(), kind="stable")
    back = np.empty(len(at), np.int64)
    back[at] = np.arange(len(at))
    return folded[back].alias(texts.name)


def _fold_plain(texts: pl.Series) -> pl.Series:
    """The same for texts of ASCII without `_END`."""
    import polars as pl
    import pyarrow as pa

    if not len(texts):
        return texts.clone()
    data = np.frombuffer(bytearray(bytes_of(texts, _END)[0]).translate(_LOWER_AND_BLANKS), np.uint8)
    blank = data == ord(" ")
    blank[:-1] &= blank[1:].copy()  # a blank before a blank
    data = data[~blank]
    offsets = np.append(0, np.flatnonzero(data == ord(_END)) + 1)
    buffers = (pa.py_buffer(offsets), pa.py_buffer(data))
    array = pa.LargeStringArray.from_buffers(len(texts), *buffers)
    return pl.Series(array).str.strip_chars(f" {_END}")


_END = "\0"
_LOWER_AND_BLANKS = bytes(
    ord(" ") if c < 128 and chr(c).isspace() else ord(chr(c).lower()) if c < 128 else c
    for c in range(256)
)
