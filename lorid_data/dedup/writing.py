"""The rows that stay and the rows that go, written batch by batch in the order of the records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lorid_data.dedup.removals import REASONS, Removals
from lorid_data.folders.batches import DatasetWriter, iter_tables
from lorid_data.folders.chosen import AT_ONCE, frame_of, iter_chosen
from lorid_data.folders.parquet import frame_schema
from lorid_data.schema import Disposition, Reject, RejectReason
from lorid_data.texts.word_hashes import I64

if TYPE_CHECKING:
    import polars as pl

_REJECTS_AT_ONCE = 1 << 18
"""Rejects that are written after one pass over the questions: those of the rows that stay are held."""
_EVIDENCE_CHARS = 2000


def write_rows_apart(
    writer: DatasetWriter,
    folder: Path,
    removed: tuple[pl.Series, I64, Removals],
    differing: I64,
    advance: Callable[[int], None],
) -> None:
    """Write a folder's rows to those that stay and those that go.

    Args:
        writer: where to.
        folder: the dataset folder that is read.
        removed: the row ids by rank; where each row stands in the folder, by rank; which go.
        differing: where rows stand whose solution another row has with another answer.
        advance: told how many more rows were read.
    """
    row_ids, places, removals = removed
    _keep(writer, folder, places[removals.rows], differing, advance)
    order = np.argsort(places[removals.rows])
    for begin in range(0, len(order), _REJECTS_AT_ONCE):
        some = removals.of_some(order[begin : begin + _REJECTS_AT_ONCE])
        rejects = _rejects(folder, row_ids, places, some)
        writer.reject(_arrow(rejects))


def _keep(
    writer: DatasetWriter, folder: Path, gone: I64, differing: I64, advance: Callable[[int], None]
) -> None:
    """Write the rows that stay, with a flag on those whose answers differ."""
    import pyarrow as pa

    gone, differing = np.sort(gone), np.sort(differing)
    begin = 0
    for table in iter_tables(folder, at_once=AT_ONCE):
        end = begin + len(table)
        stays, flagged = np.ones(len(table), np.bool_), np.zeros(len(table), np.bool_)
        stays[_between(gone, begin, end) - begin] = False
        flagged[_between(differing, begin, end) - begin] = True
        if (flagged & stays).any():
            table = _with_flag(table, flagged)
        writer.keep(table if stays.all() else table.filter(pa.array(stays)))
        advance(len(table))
        begin = end


def _between(places: I64, begin: int, end: int) -> I64:
    return places[slice(*np.searchsorted(places, (begin, end)))]


def _with_flag(table: Any, flagged: Any) -> Any:
    """An Arrow table of records with a flag more on some rows."""
    import polars as pl

    more = pl.lit([RejectReason.DUPLICATE_ANSWERS_DIFFER.value])
    frame = frame_of(table.select(["flags"])).with_columns(
        flags=pl.when(pl.Series(flagged))
        .then(pl.concat_list("flags", more).list.unique().list.sort())
        .otherwise(pl.col("flags"))
    )
    flags = _arrow(frame)["flags"]
    return table.set_column(table.column_names.index("flags"), "flags", flags)


def _rejects(folder: Path, row_ids: pl.Series, places: I64, some: Removals) -> pl.DataFrame:
    """Removals as rows of rejects; the evidence is the question of the row that stays."""
    import polars as pl

    gone, stays = places[some.rows], places[some.of]
    stay_once, at = np.unique(stays, return_inverse=True)
    questions = [
        frame["question"].str.slice(0, _EVIDENCE_CHARS)
        for frame in iter_chosen(folder, ["question"], stay_once)
    ]
    about = pl.concat(iter_chosen(folder, ["problem_id", "split"], gone))
    columns = {
        "row_id": row_ids[some.rows],
        "stage": ["dedup"] * len(some),
        "disposition": [Disposition.DROP.value] * len(some),
        "reason": [REASONS[reason].value for reason in some.reasons.tolist()],
        "detail": some.details(row_ids[some.of].to_list()),
        "evidence": pl.concat(questions)[at],
        "problem_id": about["problem_id"],
        "split": about["split"],
    }
    return pl.DataFrame(columns, schema=frame_schema(Reject))


def _arrow(frame: pl.DataFrame) -> Any:
    import polars as pl

    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
