"""The rows of a build of several teachers, each with all replies about it, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from lorid_data.build.candidates import TABLE, Candidate
from lorid_data.errors import InputError
from lorid_data.folders.batches import iter_batches
from lorid_data.folders.picked import iter_rows
from lorid_data.schema import Record

Row = tuple[Record, list[Candidate]]
"""A record, and the replies about it in the order of asking."""
_Groups = Iterator[tuple[str, Iterable[Candidate]]]


def rows_beside(folder: Path) -> Iterator[list[Row]]:
    """The records of a build with several replies a row, in batches; replies about rejected rows are passed over.

    Raises:
        InputError: as `iter_batches`, or `candidates.parquet` cannot be read or does not follow the rows.
    """
    groups = groupby(iter_rows(folder / TABLE, Candidate), key=attrgetter("row_id"))
    for records in iter_batches(folder):
        yield [(r, _about(r, groups, folder)) for r in records]


def _about(record: Record, groups: _Groups, folder: Path) -> list[Candidate]:
    """The replies about a record: its table is in the order of the rows, rejected ones among them."""
    for row_id, replies in groups:
        if row_id == record.row_id:
            return list(replies)
    raise InputError(
        f"{folder / TABLE}: has no reply about the row {record.row_id!r}, or has it in another order than the rows; run the `build` of {folder} again"
    )
