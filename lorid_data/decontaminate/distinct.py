"""The distinct questions and rules of a dataset folder, batch by batch: each is compared once.

Held of each row are 16 bytes of its problem_id, and of each rule of knowledge 16 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lorid_data.contamination.looked import Batch
from lorid_data.contamination.matches import Questions
from lorid_data.folders.batches import BATCH, iter_columns, iter_tables
from lorid_data.folders.chosen import AT_ONCE
from lorid_data.texts.arrays import first_equal
from lorid_data.texts.digests import digests
from lorid_data.texts.word_hashes import U64

if TYPE_CHECKING:
    import polars as pl

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Firsts:
    """Which rows and rules are the first of theirs.

    Attributes:
        rows: of each row, whether no row before has its question.
        rules: of each rule of all rows, one after another, whether none before is the same.
    """

    rows: Flags
    rules: Flags


def first_ones(folder: Path) -> Firsts:
    """Look through a finished dataset folder for what is there for the first time.

    Raises:
        InputError: the folder has no manifest, its rows have changed since, an id stands twice in
            it, or a column lacks values.
    """
    ids, rules = [np.zeros((0, 2), np.uint64)], [np.zeros((0, 2), np.uint64)]
    for table in iter_tables(folder, at_once=AT_ONCE):
        ids.append(digests(_series(table["problem_id"])))
        rules.append(digests(_rules(table)))
    return Firsts(_first(ids), _first(rules))


def batches(folder: Path, firsts: Firsts) -> Iterator[Batch]:
    """The distinct questions, each with the answer of its first row, and the distinct rules, in order."""
    names = ["problem_id", "question", "answer", "knowledge"]
    row = rule = 0
    for table in iter_columns(folder, names, at_once=BATCH):
        is_first = firsts.rows[row : row + len(table)].tolist()
        ids, texts, answers = (
            list(compress(table[name].to_pylist(), is_first)) for name in names[:3]
        )
        rules = _rules(table)
        some = rules.filter(_mask(firsts.rules[rule : rule + len(rules)])).to_list()
        row, rule = row + len(table), rule + len(rules)
        if ids or some:
            yield Batch(Questions(ids, texts, answers), some)


def _first(parts: list[U64]) -> Flags:
    import polars as pl

    halves = np.concatenate(parts)
    parts.clear()
    first = first_equal(pl.DataFrame({"a": halves[:, 0], "b": halves[:, 1]}))
    is_first: Flags = first == np.arange(len(first))
    return is_first


def _rules(table: Any) -> pl.Series:
    """The rules of all rows of a table, one after another."""
    return _series(table["knowledge"].combine_chunks().flatten()).drop_nulls()


def _series(array: Any) -> pl.Series:
    import polars as pl

    found = pl.from_arrow(array)
    assert isinstance(found, pl.Series)
    return found


def _mask(flags: Flags) -> pl.Series:
    import polars as pl

    return pl.Series(flags)
