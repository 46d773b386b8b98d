"""Small functions on arrays: which rows of a frame are equal, and work on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lorid_data.texts.word_hashes import I64

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
R = TypeVar("R")


def first_equal(rows: pl.DataFrame) -> I64:
    """For each row of a frame the first row that equals it in every column."""
    if not len(rows):
        return np.zeros(0, np.int64)
    keys = rows.hash_rows().to_numpy()
    order = np.argsort(keys)
    heads = np.flatnonzero(np.append(True, keys[order[1:]] != keys[order[:-1]]))
    sizes = np.diff(np.append(heads, len(keys)))
    first = np.empty(len(keys), np.int64)
    first[order] = np.repeat(np.minimum.reduceat(order, heads), sizes)
    # Rows that share a hash and nothing else are taken for distinct.
    others = rows[first]
    for column in rows.columns:
        unequal = np.flatnonzero(rows[column].ne_missing(others[column]).to_numpy())
        first[unequal] = unequal
    return first


_N_THREADS: ContextVar[int | None] = ContextVar("_N_THREADS", default=None)


@contextmanager
def threads(n: int | None) -> Iterator[None]:
    """Have `in_threads` use at most `n` threads in this block, or one a core; what comes out is the same."""
    before = _N_THREADS.set(n)
    try:
        yield
    finally:
        _N_THREADS.reset(before)


def in_threads(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """The results of some work on each of some things, done on all cores; numpy lets threads run."""
    n = min(_N_THREADS.get() or len(os.sched_getaffinity(0)), len(things))
    if n < 2:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, things))
