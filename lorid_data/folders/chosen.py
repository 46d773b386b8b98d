"""Some rows of a dataset folder, by where they stand, as frames: read in passes, never held as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.folders.batches import iter_columns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

AT_ONCE = 1 << 13
"""Rows of a batch that columns are worked on in: enough for all threads to have a piece."""


def iter_chosen(
    folder: Path, names: Sequence[str], places: npt.NDArray[np.int64]
) -> Iterator[pl.DataFrame]:
    """Some columns of the rows at some places of a finished dataset folder, batch by batch.

    Args:
        folder: the dataset folder.
        names: the columns.
        places: where the rows stand, from 0, ascending. Batches without any are passed over.

    Raises:
        InputError: as `iter_columns`.
    """
    begin = at = 0
    for table in iter_columns(folder, names, at_once=AT_ONCE):
        end = begin + len(table)
        stop = int(places.searchsorted(end))
        if stop > at:
            yield frame_of(table)[places[at:stop] - begin]
        if stop == len(places):
            return
        begin, at = end, stop


def frame_of(table: Any) -> pl.DataFrame:
    """An Arrow table as a frame."""
    import polars as pl

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
