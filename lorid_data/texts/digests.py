"""Texts by 128 bits of their hash: what two rows must agree in is compared without holding it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from lorid_data.texts.word_hashes import U64

if TYPE_CHECKING:
    import polars as pl

_BYTES = 16


def digests(*columns: pl.Series) -> U64:
    """BLAKE2b of each row of some columns of texts; whether two are equal says it of the rows.

    Returns:
        (rows, 2): 128 bits each. That two of a billion different rows share them has a probability
        of 1 to 10^20, chosen texts included.
    """
    import polars as pl

    texts = [column.cast(pl.Binary).to_list() for column in columns]
    if len(texts) == 1:
        found = [blake2b(text, digest_size=_BYTES).digest() for text in texts[0]]
    else:  # with the length before each: no two rows are the same bytes
        rows = zip(*texts, strict=True)
        said = (b"".join([b"%d:%b" % (len(text), text) for text in row]) for row in rows)
        found = [blake2b(text, digest_size=_BYTES).digest() for text in said]
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64, copy=False).reshape(-1, 2)


def equal_digests(a: U64, b: U64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each row of one is that of the other."""
    same: np.ndarray[tuple[int], np.dtype[np.bool_]] = (a == b).all(axis=1)
    return same
