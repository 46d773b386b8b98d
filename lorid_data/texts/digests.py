"""Texts by 128 bits of their hash: what two rows must agree in is compared without holding it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lorid_data.texts.word_hashes import U64

if TYPE_CHECKING:
    import polars as pl

_BYTES = 16


def digests(texts: pl.Series) -> U64:
    """BLAKE2b of each of some texts; whether two are equal says it of the texts.

    Returns:
        (texts, 2): 128 bits each. That any two of a billion different texts share them has a
        probability of 1 in 10^20, texts that somebody chose included.
    """
    import polars as pl

    found = [blake2b(text, digest_size=_BYTES).digest() for text in texts.cast(pl.Binary).to_list()]
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64, copy=False).reshape(-1, 2)


def equal_digests(a: U64, b: U64) -> npt.NDArray[np.bool_]:
    """Whether each row of one is that of the other."""
    same: npt.NDArray[np.bool_] = (a == b).all(axis=1)
    return same
